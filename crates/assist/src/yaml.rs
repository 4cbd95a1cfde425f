//! YAML to the letter as Home Assistant prints it: libyaml 0.2.5 behind PyYAML, block style, two
//! spaces, width 80, Unicode allowed, and `: null` at the end of a line shortened to `:`.
//!
//! One list item is one [`Item`]; items do not influence each other, so a document is its items
//! joined. `scalar` chooses and checks styles, the emitter here keeps the column and the indent.

mod scalar;

use housekey_home::value::{Map, Value};

use crate::pythonic::number;
use scalar::{Analysis, Style, is_printable};

/// Longest text that is written as a simple key, in bytes.
const SIMPLE_KEY_BYTES_MAX: usize = 128;
/// Column behind which a space becomes a fold.
const WIDTH: usize = 80;
/// Spaces of one level.
const STEP: usize = 2;

/// A list of maps, as the text of a whole document.
#[must_use]
pub fn document<'a>(maps: impl IntoIterator<Item = &'a Map>) -> String {
    let mut out = String::new();
    for map in maps {
        let mut item = Item::begin();
        for (key, value) in map.iter() {
            item.value(key, value);
        }
        out.push_str(&item.finish());
    }
    out
}

/// One item of the top-level list: a map, written key by key.
pub struct Item {
    emitter: Emitter,
    empty: bool,
}

impl Item {
    /// An item without keys.
    #[must_use]
    pub fn begin() -> Self {
        let mut emitter = Emitter::default();
        emitter.indicator("-", true, true);
        Self {
            emitter,
            empty: true,
        }
    }

    /// Adds a key with a text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.emitter.text(text, ITEM_INDENT, false);
    }

    /// Adds a key with a value of any kind.
    pub fn value(&mut self, key: &str, value: &Value) {
        self.key(key);
        self.emitter.value(value, ITEM_INDENT, true);
    }

    /// Adds a key with a map.
    pub fn map<'v>(&mut self, key: &str, pairs: impl Iterator<Item = (&'v str, &'v Value)>) {
        self.key(key);
        self.emitter.map(pairs, ITEM_INDENT + STEP);
    }

    fn key(&mut self, key: &str) {
        self.empty = false;
        self.emitter.key(key, ITEM_INDENT);
    }

    /// The text of the item, its last line ended.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.empty {
            self.emitter.flow("{}");
        }
        self.emitter.out.push('\n');
        without_nulls(self.emitter.out)
    }
}

/// Indent of the keys of a top-level item.
const ITEM_INDENT: usize = STEP;

/// Replaces `: null` at the ends of lines by `:`, folded texts included: Home Assistant does so on
/// the finished text.
fn without_nulls(text: String) -> String {
    if text.contains(": null\n") {
        text.replace(": null\n", ":\n")
    } else {
        text
    }
}

/// The state of libyaml's emitter: where on the line it is, and whether only indentation or
/// whitespace came before.
struct Emitter {
    out: String,
    column: usize,
    whitespace: bool,
    indention: bool,
}

impl Default for Emitter {
    fn default() -> Self {
        Self {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
        }
    }
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    /// Begins a line at `indent`, unless that is where it is already.
    fn indent(&mut self, indent: usize) {
        let at_start =
            self.indention && (self.column < indent || (self.column == indent && self.whitespace));
        if !at_start {
            self.line_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// Writes `-`, `?`, `:`, or a quote. `keeps_indention` says that a collection may go on behind
    /// it on the same line.
    fn indicator(&mut self, text: &str, needs_whitespace: bool, keeps_indention: bool) {
        if needs_whitespace && !self.whitespace {
            self.put(' ');
        }
        for c in text.chars() {
            self.put(c);
        }
        self.whitespace = false;
        self.indention = self.indention && keeps_indention;
    }

    fn flow(&mut self, text: &str) {
        self.indicator(text, true, false);
    }

    /// Writes a key of a map at `indent` and its colon.
    fn key(&mut self, key: &str, indent: usize) {
        self.indent(indent);
        let simple = key.len() <= SIMPLE_KEY_BYTES_MAX && !Analysis::of(key).multiline;
        if simple {
            self.text(key, indent, true);
            self.indicator(":", false, false);
        } else {
            self.indicator("?", true, true);
            self.text(key, indent, false);
            self.indent(indent);
            self.indicator(":", true, true);
        }
    }

    /// Writes a value whose parent collection is at `indent`; `in_map` says which kind that is.
    fn value(&mut self, value: &Value, indent: usize, in_map: bool) {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(true) => self.plain("true"),
            Value::Bool(false) => self.plain("false"),
            Value::Int(int) => self.plain(&int.to_string()),
            Value::BigInt(digits) => self.plain(digits),
            Value::Float(float) => self.plain(&float_text(*float)),
            Value::Text(text) => self.text(text, indent, false),
            Value::DateTime(at) => self.text(&at.iso_utc().to_string(), indent, false),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                // A list as the value of a simple key is not indented further.
                let same = in_map && !self.indention;
                self.list(items, if same { indent } else { indent + STEP });
            }
            Value::Map(map) => self.map(map.iter().map(|(k, v)| (&**k, v)), indent + STEP),
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        if items.is_empty() {
            self.flow("[]");
        }
        for item in items {
            self.indent(indent);
            self.indicator("-", true, true);
            self.value(item, indent, false);
        }
    }

    fn map<'v>(&mut self, pairs: impl Iterator<Item = (&'v str, &'v Value)>, indent: usize) {
        let mut empty = true;
        for (key, value) in pairs {
            empty = false;
            self.key(key, indent);
            self.value(value, indent, true);
        }
        if empty {
            self.flow("{}");
        }
    }

    /// Writes what needs no style: numbers, booleans, null.
    fn plain(&mut self, text: &str) {
        self.indicator(text, true, false);
    }

    /// Writes a text in the style that fits it; `in_key` says that it is a simple key.
    fn text(&mut self, text: &str, indent: usize, in_key: bool) {
        let fold = (!in_key).then_some(indent + STEP);
        match Analysis::of(text).style(in_key) {
            Style::Plain => {
                if !self.whitespace {
                    self.put(' ');
                }
                self.lines(text, fold, indent + STEP, false);
                self.whitespace = false;
                self.indention = false;
            }
            Style::Single => {
                self.indicator("'", true, false);
                self.lines(text, fold, indent + STEP, true);
                self.indicator("'", false, false);
            }
            Style::Double => {
                self.indicator("\"", true, false);
                self.escaped(text, fold);
                self.indicator("\"", false, false);
            }
        }
    }

    /// The content of a plain or single-quoted text. `fold` is the indent of folded lines, if lines
    /// may be folded.
    fn lines(&mut self, text: &str, fold: Option<usize>, indent: usize, quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let next_is_space = text.as_bytes().get(at + 1) == Some(&b' ');
                let inside = !quoted || (at != 0 && at != last);
                match fold {
                    Some(fold) if !spaces && self.column > WIDTH && inside && !next_is_space => {
                        self.indent(fold);
                    }
                    Some(_) | None => self.put(' '),
                }
                spaces = true;
            } else if scalar::is_break(c) {
                if !breaks && c == '\n' {
                    self.line_break('\n');
                }
                self.line_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.indent(indent);
                }
                if quoted && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
        if breaks && quoted {
            self.indent(indent);
        }
    }

    /// The content of a double-quoted text.
    fn escaped(&mut self, text: &str, fold: Option<usize>) {
        let mut spaces = false;
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            if !is_printable(c) || scalar::is_break(c) || c == '"' || c == '\\' {
                for c in scalar::escape(c).chars() {
                    self.put(c);
                }
                spaces = false;
            } else if c == ' ' {
                match fold {
                    Some(fold) if !spaces && self.column > WIDTH && at != 0 && at != last => {
                        self.indent(fold);
                        if text.as_bytes().get(at + 1) == Some(&b' ') {
                            self.put('\\');
                        }
                    }
                    Some(_) | None => self.put(' '),
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
    }
}

/// A float as PyYAML prints it: Python's form, with a point before an exponent.
fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = number::repr(float);
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests;
