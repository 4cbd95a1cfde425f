//! Floats as Python prints, reads and rounds them.

use std::fmt::Write;

use super::text::{decimal_digit, is_space};

/// `repr(float)`: the shortest digits that read back as the same float, with an exponent below
/// `1e-4` and from `1e16` on.
#[must_use]
pub fn repr(float: f64) -> String {
    let mut out = String::new();
    repr_into(float, &mut out);
    out
}

/// [`repr`] behind what is there.
pub fn repr_into(float: f64, out: &mut String) {
    if float.is_nan() {
        out.push_str("nan");
        return;
    }
    if float.is_sign_negative() {
        out.push('-');
    }
    let size = float.abs();
    if size.is_infinite() {
        out.push_str("inf");
        return;
    }
    // Writing to a String cannot fail.
    let plain = size == 0.0 || (1e-4..1e16).contains(&size);
    if plain {
        let _ = write!(out, "{size:?}");
        return;
    }
    let scientific = format!("{size:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .unwrap_or((scientific.as_str(), "0"));
    out.push_str(digits);
    out.push('e');
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |positive| ('-', positive));
    out.push(sign);
    let _ = write!(out, "{exponent:0>2}");
}

/// `float(text)`: surrounding whitespace, single underscores between digits and decimal digits of
/// every script are read; `inf`, `infinity` and `nan` in any case.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let mut ascii = String::with_capacity(text.len());
    let mut before = None::<char>;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = decimal_digit(c).unwrap_or(c);
        if c == '_' {
            let next = chars.peek().and_then(|next| decimal_digit(*next));
            if !before.is_some_and(|b| b.is_ascii_digit()) || next.is_none() {
                return None;
            }
        } else {
            ascii.push(c);
        }
        before = Some(c);
    }
    // Rust reads what Python reads, once the text is ASCII.
    ascii.parse().ok()
}

/// `f"{float:.{places}f}"`: rounded half to even on the exact binary value.
#[must_use]
pub fn fixed(float: f64, places: usize) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    format!("{float:.places$}")
}

/// The state of a sensor at a display precision (HA 2026.11 `components/sensor`): unchanged when it
/// is no number or the precision is negative; a negative zero becomes zero.
#[must_use]
pub fn sensor_round(state: &str, precision: i64) -> Option<String> {
    let places = usize::try_from(precision)
        .ok()
        .filter(|places| *places <= PLACES_MAX)?;
    let rounded = fixed(parse(state)?, places);
    match rounded.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|b| b == b'0' || b == b'.') => Some(zero.to_owned()),
        Some(_) | None => Some(rounded),
    }
}

/// Most decimal places that a precision is followed to; a state has at most 255 characters.
const PLACES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_is_pythons() {
        for (float, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.234e100, "1.234e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(repr(float), text);
        }
    }

    #[test]
    fn parsing_is_pythons() {
        for (text, float) in [
            (" 1_000.5 ", Some(1000.5)),
            ("\u{1c}7\u{a0}", Some(7.0)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1._5", None),
            ("1e1_0", Some(1e10)),
            ("٣.٧", Some(3.7)),
            ("٣_٧", Some(37.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            (".", None),
            ("", None),
            ("+Infinity", Some(f64::INFINITY)),
            ("-INF", Some(f64::NEG_INFINITY)),
            ("1e999", Some(f64::INFINITY)),
            ("0x10", None),
            ("1,5", None),
            ("1 2", None),
            ("in_f", None),
            ("e5", None),
        ] {
            assert_eq!(parse(text), float, "{text:?}");
        }
        assert!(parse("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn rounding_is_half_to_even_on_the_binary_value() {
        for (state, precision, rounded) in [
            ("2.5", 0, Some("2")),
            ("3.5", 0, Some("4")),
            ("0.125", 2, Some("0.12")),
            ("2.675", 2, Some("2.67")),
            ("-0.04", 1, Some("0.0")),
            ("-0.5", 0, Some("0")),
            ("-inf", 1, Some("-inf")),
            ("nan", 1, Some("nan")),
            ("12.345", -1, None),
            ("on", 1, None),
        ] {
            assert_eq!(
                sensor_round(state, precision).as_deref(),
                rounded,
                "{state} at {precision}"
            );
        }
    }
}
