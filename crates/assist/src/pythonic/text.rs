//! Strings as Python strips, folds, quotes and compares them.

use std::borrow::Cow;
use std::fmt::Write;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};

/// Whether `str.strip()` removes it: `str.isspace` of CPython, which holds four control characters
/// more than Unicode's `White_Space`.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `text.strip()`.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `text.casefold()`: full case folding.
#[must_use]
pub fn casefold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    const MAPPER: CaseMapperBorrowed<'static> = CaseMapper::new();
    MAPPER.fold_string(text)
}

/// How names are compared: `text.strip().casefold()`.
#[must_use]
pub fn normalized(text: &str) -> Cow<'_, str> {
    casefold(strip(text))
}

/// The ASCII digit of a decimal digit of any script (Unicode category Nd).
#[must_use]
pub fn decimal_digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let code = u32::from(c);
    let index = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS.get(index)?;
    char::from_digit(value, 10)
}

/// The zeros of category Nd in Unicode 16 (CPython 3.14); their digits follow in order.
const ZEROS: [u32; 75] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
    0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80,
    0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0,
    0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450,
    0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50,
    0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8,
    0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// `repr(text)`.
#[must_use]
pub fn repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    repr_into(text, &mut out);
    out
}

/// [`repr`] behind what is there: single quotes unless only they occur inside; what does not print
/// is escaped.
pub fn repr_into(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => escape_into(c, out),
        }
    }
    out.push(quote);
}

fn escape_into(c: char, out: &mut String) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `str.isprintable` of one character. The standard library escapes by the same categories, except
/// that it also escapes a combining mark at the beginning of a string, so one is put before it.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let mut pair = [b'a'; 5];
    let Some(place) = pair.get_mut(1..) else {
        return false;
    };
    let length = c.encode_utf8(place).len();
    let pair = pair.get(..=length).unwrap_or_default();
    std::str::from_utf8(pair).is_ok_and(|pair| pair.escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_in_order_and_apart() {
        assert!(ZEROS.windows(2).all(|pair| pair[1] - pair[0] >= 10));
        assert_eq!(decimal_digit('9'), Some('9'));
        assert_eq!(decimal_digit('٣'), Some('3'));
        assert_eq!(decimal_digit('𝟿'), Some('9'));
        assert_eq!(decimal_digit('x'), None);
        assert_eq!(decimal_digit('²'), None);
        assert_eq!(decimal_digit('\u{6fa}'), None);
    }

    #[test]
    fn names_compare_stripped_and_folded() {
        for (a, b) in [
            ("  BED LIGHT ", "bed light"),
            ("STRASSE", "straße"),
            ("ﬁ", "FI"),
            ("ΟΔΟΣ", "οδος"),
            ("\u{1f}x", "X"),
        ] {
            assert_eq!(normalized(a), normalized(b), "{a} and {b}");
        }
        assert_ne!(normalized("\u{200b}x"), normalized("x"));
        assert_ne!(normalized("ä"), normalized("a"));
    }

    #[test]
    fn quoting_is_pythons() {
        for (text, quoted) in [
            ("it's", r#""it's""#),
            ("it's \"x\"", r#"'it\'s "x"'"#),
            (
                "\u{7f}\u{85}\u{200b}\u{e0001}",
                r"'\x7f\x85\u200b\U000e0001'",
            ),
            ("é漢😀e\u{301}", "'é漢😀e\u{301}'"),
            ("\u{301}", "'\u{301}'"),
        ] {
            assert_eq!(repr(text), quoted);
        }
    }
}
