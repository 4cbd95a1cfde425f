//! Which style a text takes: plain, single-quoted or double-quoted.

use std::borrow::Cow;

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
}

/// What libyaml finds out about a text before it chooses a style.
pub(super) struct Analysis {
    /// Whether it holds a line break.
    pub(super) multiline: bool,
    plain_allowed: bool,
    single_allowed: bool,
}

impl Analysis {
    pub(super) fn of(text: &str) -> Self {
        let mut seen = Seen::default();
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            seen.look(c, before, next);
            before = Some(c);
        }
        let block_indicator = seen.indicator || text.starts_with("---") || text.starts_with("...");
        let spaced = seen.space_break || seen.break_space;
        let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let at_edge = edge(text.chars().next()) || edge(text.chars().next_back());
        Self {
            multiline: seen.multiline,
            plain_allowed: !(at_edge
                || spaced
                || seen.special
                || seen.multiline
                || block_indicator
                || looks_like_another_type(text)),
            single_allowed: !(spaced || seen.special),
        }
    }

    pub(super) fn style(&self, in_key: bool) -> Style {
        if in_key && self.multiline {
            Style::Double
        } else if self.plain_allowed {
            Style::Plain
        } else if self.single_allowed {
            Style::Single
        } else {
            Style::Double
        }
    }
}

#[derive(Default)]
struct Seen {
    indicator: bool,
    special: bool,
    multiline: bool,
    space_break: bool,
    break_space: bool,
}

impl Seen {
    fn look(&mut self, c: char, before: Option<char>, next: Option<char>) {
        let followed = next.is_none_or(is_blank);
        self.indicator |= match before {
            None => match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                | '%' | '@' | '`' => true,
                '?' | ':' | '-' => followed,
                _ => false,
            },
            Some(before) => match c {
                ':' => followed,
                '#' => is_blank(before),
                _ => false,
            },
        };
        self.special |= !is_printable(c);
        self.multiline |= is_break(c);
        self.space_break |= c == ' ' && next.is_some_and(is_break);
        self.break_space |= is_break(c) && next == Some(' ');
    }
}

/// Space, tab, NUL or a line break.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\0') || is_break(c)
}

/// What libyaml takes for a line break.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml 0.2.5 writes unescaped; it stops at U+FFFD.
pub(super) fn is_printable(c: char) -> bool {
    c != '\u{feff}'
        && matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
}

/// The escape of a character in double quotes.
pub(super) fn escape(c: char) -> Cow<'static, str> {
    Cow::Borrowed(match c {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{b}' => "\\v",
        '\u{c}' => "\\f",
        '\r' => "\\r",
        '\u{1b}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        c => {
            let code = u32::from(c);
            return Cow::Owned(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    })
}

/// Whether PyYAML's resolver takes a plain text for something else than a string. Texts with a line
/// break are not asked about: they are quoted anyway.
fn looks_like_another_type(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return true;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'<'
        | b'=' | b'!' | b'&' | b'*' => is_word(text),
        b'0'..=b'9' => is_int(text) || is_float(text) || is_timestamp(text),
        b'+' | b'-' => is_int(text) || is_float(text),
        b'.' => is_float(text),
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    matches!(
        text,
        "~" | "null"
            | "Null"
            | "NULL"
            | "<<"
            | "="
            | "!"
            | "&"
            | "*"
            | "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// `text` without a leading sign.
fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// Splits behind the longest beginning whose bytes all fit.
fn span(text: &str, fits: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !fits(b)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_digit_or_underscore(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn is_int(text: &str) -> bool {
    let text = unsigned(text);
    let all = |text: &str, fits: fn(u8) -> bool| !text.is_empty() && text.bytes().all(fits);
    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |b| matches!(b, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |b| b.is_ascii_hexdigit() || b == b'_');
    }
    if let Some(digits) = text.strip_prefix('0') {
        return digits.bytes().all(|b| matches!(b, b'0'..=b'7' | b'_'));
    }
    let (digits, rest) = span(text, is_digit_or_underscore);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && (rest.is_empty() || behind_sexagesimal(rest) == Some(""))
}

/// What follows one or more `:` with one or two digits below sixty.
fn behind_sexagesimal(mut text: &str) -> Option<&str> {
    let mut found = false;
    while let Some(rest) = text.strip_prefix(':') {
        let (digits, behind) = span(rest, |b| b.is_ascii_digit());
        let valid = match digits.as_bytes() {
            [b'0'..=b'9'] => true,
            [tens, _] => *tens <= b'5',
            _ => false,
        };
        if !valid {
            return None;
        }
        (found, text) = (true, behind);
    }
    found.then_some(text)
}

fn is_float(text: &str) -> bool {
    let signed = text;
    let text = unsigned(text);
    if let Some(word) = text.strip_prefix('.') {
        if matches!(word, "inf" | "Inf" | "INF") {
            return true;
        }
        // Without a sign only.
        return signed == text
            && (matches!(word, "nan" | "NaN" | "NAN")
                || (word.starts_with(|c: char| c.is_ascii_digit()) && is_fraction(word)));
    }
    let (digits, rest) = span(text, is_digit_or_underscore);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    match rest.strip_prefix('.') {
        Some(fraction) => is_fraction(fraction),
        None => behind_sexagesimal(rest)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|fraction| fraction.bytes().all(is_digit_or_underscore)),
    }
}

/// Digits and underscores, perhaps none, and perhaps an exponent with its sign.
fn is_fraction(text: &str) -> bool {
    let (_, rest) = span(text, is_digit_or_underscore);
    if rest.is_empty() {
        return true;
    }
    let Some(exponent) = rest.strip_prefix(['e', 'E']) else {
        return false;
    };
    exponent
        .strip_prefix(['-', '+'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_timestamp(text: &str) -> bool {
    let mut rest = Rest(text);
    let Some(()) = rest.digits(4, 4).and_then(|_| rest.literal("-")) else {
        return false;
    };
    let Some(month) = rest.digits(1, 2).filter(|_| rest.literal("-").is_some()) else {
        return false;
    };
    let Some(day) = rest.digits(1, 2) else {
        return false;
    };
    if rest.0.is_empty() {
        return month == 2 && day == 2;
    }
    is_time_of_day(rest).is_some()
}

/// The part of a timestamp behind its date; `Some` if it is one.
fn is_time_of_day(mut rest: Rest<'_>) -> Option<()> {
    if rest.literal("T").or_else(|| rest.literal("t")).is_none() && rest.blanks() == 0 {
        return None;
    }
    rest.digits(1, 2)?;
    rest.literal(":")?;
    rest.digits(2, 2)?;
    rest.literal(":")?;
    rest.digits(2, 2)?;
    if rest.literal(".").is_some() {
        rest.digits(0, usize::MAX)?;
    }
    if rest.0.is_empty() {
        return Some(());
    }
    rest.blanks();
    if rest.literal("Z").is_none() {
        rest.literal("-").or_else(|| rest.literal("+"))?;
        rest.digits(1, 2)?;
        if rest.literal(":").is_some() {
            rest.digits(2, 2)?;
        }
    }
    rest.0.is_empty().then_some(())
}

/// What of a text is still to be read.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl Rest<'_> {
    /// Reads the digits that come, if their number is right, and tells it.
    fn digits(&mut self, least: usize, most: usize) -> Option<usize> {
        let (digits, rest) = span(self.0, |b| b.is_ascii_digit());
        let fits = (least..=most).contains(&digits.len());
        self.0 = rest;
        fits.then_some(digits.len())
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Skips spaces and tabs and tells how many.
    fn blanks(&mut self) -> usize {
        let (blanks, rest) = span(self.0, |b| b == b' ' || b == b'\t');
        self.0 = rest;
        blanks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTED: &[&str] = &[
        "",
        "~",
        "null",
        "Null",
        "yes",
        "Off",
        "ON",
        "<<",
        "=",
        "1",
        "-1",
        "+12",
        "0",
        "017",
        "0b10",
        "-0b1_",
        "0x1F",
        "1_000",
        "1:30",
        "190:20:30",
        "1.5",
        "-1.",
        "1.5e+3",
        ".5",
        ".5e-1",
        "1:30.5",
        ".inf",
        "-.INF",
        ".nan",
        "2026-11-23",
        "2026-1-2T3:04:05",
        "2026-11-23 12:30:45",
        "2026-11-23\t 12:30:45.1 +01:00",
        "2026-11-23t12:30:45Z",
        "12:30:45",
        "0_7",
        "00",
        "1._",
    ];

    const PLAIN: &[&str] = &[
        "y",
        "n",
        "nULL",
        "oN",
        "1e3",
        "1,000",
        "-.5",
        "0o17",
        "06:30:00",
        "00:10",
        "08",
        "0x",
        "0b",
        "1:60",
        "+.nan",
        "2026-1-2",
        "2026-11-23T12:30",
        "1.5e3",
        "1 2",
        ".",
        "-",
        "..",
        "_1",
        "2026-11-23T12:30:45.1 +01:0",
        "12:5:",
    ];

    #[test]
    fn what_reads_as_another_type_is_quoted() {
        for text in QUOTED {
            assert!(looks_like_another_type(text), "{text:?}");
        }
        for text in PLAIN {
            assert!(!looks_like_another_type(text), "{text:?}");
        }
    }
}
