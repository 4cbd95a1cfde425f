//! How answers of the desk are taken apart, and what goes into a path.

use serde_json::Value;

/// A segment of a path; everything but letters, digits, `_`, `-` and `.` is escaped.
pub(super) fn escaped(segment: &str) -> String {
    let bytes = segment.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    bytes.collect()
}

pub(super) fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A time to the second; empty when there is none.
pub(super) fn time(value: &Value, key: &str) -> String {
    let at = text(value, key);
    if at.is_empty() {
        return at;
    }
    let seconds: String = at.chars().take("2027-01-31T12:00:00".len()).collect();
    format!("{}Z", seconds.replace('T', " "))
}
