//! JSON to the letter as Python writes it: `", "` and `": "` between, and two kinds of strings.
//!
//! Home Assistant's answer texts are JSON whose strings keep every character that can stay; its
//! outer envelope escapes all that is not ASCII.

use std::fmt::Write;

use housekey_home::value::{Map, Value};

use crate::pythonic::number;

/// The content of a JSON string in which only quotes, backslashes and control characters below
/// U+0020 are escaped.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    escape_into(text, &mut out);
    out
}

/// [`escaped`] behind what is there.
pub fn escape_into(text: &str, out: &mut String) {
    let mut clean_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        // What is escaped is one byte long, so both sides of it are whole characters.
        out.push_str(text.get(clean_from..at).unwrap_or_default());
        escape_one(char::from(byte), out);
        clean_from = at + 1;
    }
    out.push_str(text.get(clean_from..).unwrap_or_default());
}

/// The content of a JSON string in ASCII alone, behind what is there: what is above U+FFFF becomes
/// a surrogate pair.
pub fn escape_ascii_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            ' '..='~' if c != '"' && c != '\\' => out.push(c),
            '"' | '\\' | '\0'..='\u{1f}' => escape_one(c, out),
            c => escape_units(c, out),
        }
    }
}

/// Makes a JSON text ASCII, behind what is there. Outside of strings JSON is ASCII anyway.
pub fn to_ascii_into(json: &str, out: &mut String) {
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
        } else {
            escape_units(c, out);
        }
    }
}

fn escape_one(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c => escape_units(c, out),
    }
}

fn escape_units(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// A value, behind what is there. A float without a JSON form is null.
pub fn value_into(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(int) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{int}");
        }
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(float) if float.is_finite() => number::repr_into(*float, out),
        Value::Float(_) => out.push_str("null"),
        Value::Text(text) => string_into(text, out),
        Value::DateTime(at) => string_into(&at.iso_utc().to_string(), out),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                value_into(item, out);
            }
            out.push(']');
        }
        Value::Map(map) => map_into(map, out),
    }
}

fn map_into(map: &Map, out: &mut String) {
    let mut object = Object::begin(out);
    for (key, value) in map.iter() {
        value_into(value, object.key(key));
    }
    object.end();
}

/// A string with its quotes, behind what is there.
pub fn string_into(text: &str, out: &mut String) {
    out.push('"');
    escape_into(text, out);
    out.push('"');
}

/// An object being written.
pub struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Opens an object behind what is there.
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// Writes a key; its value goes where this points.
    pub fn key(&mut self, key: &str) -> &mut String {
        if !self.empty {
            self.out.push_str(", ");
        }
        self.empty = false;
        string_into(key, self.out);
        self.out.push_str(": ");
        self.out
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_escape_what_python_escapes() {
        let text = "a\"\\\n\t\u{1}\u{7f}é😀\u{2028}";
        assert_eq!(escaped(text), "a\\\"\\\\\\n\\t\\u0001\u{7f}é😀\u{2028}");
        let mut ascii = String::new();
        escape_ascii_into(text, &mut ascii);
        assert_eq!(
            ascii,
            "a\\\"\\\\\\n\\t\\u0001\\u007f\\u00e9\\ud83d\\ude00\\u2028"
        );
        let mut again = String::new();
        to_ascii_into(&escaped(text), &mut again);
        assert_eq!(again, ascii);
    }

    #[test]
    fn values_are_written_with_pythons_separators() {
        let json = r#"{"a": 1, "b": [1.0, null, true, "ü"], "c": {}, "d": [], "e": 1e+16}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        let mut out = String::new();
        value_into(&value, &mut out);
        assert_eq!(out, json);
    }
}
