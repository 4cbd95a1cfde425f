//! `Message`, one JSON-RPC 2.0 message as native reads it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// Wants an answer.
    Request(Incoming<'a>),
    /// Wants none: a notification, an answer to us, or a request whose id is no id.
    Notice {
        /// What it is on record.
        method: &'static str,
    },
}

/// A request.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    /// Its id as JSON text: integers of any length are echoed digit by digit.
    pub(super) id: String,
    /// Its method.
    pub(super) method: String,
    /// Its parameters, an object.
    pub(super) params: Option<Members<'a>>,
}

/// The members of an object, each as JSON text; of duplicates the last counts.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Notifications that are named on record; others are just notifications.
const NOTICES: [&str; 4] = [
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

impl<'a> Message<'a> {
    /// Reads a body; `None` is what native calls no JSON-RPC message. Batches are none.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let members: Members<'a> = serde_json::from_slice(body).ok()?;
        let text = |key: &str| members.get(key).and_then(|raw| string(raw));
        if text("jsonrpc")? != "2.0" {
            return None;
        }
        if members.contains_key("method") {
            let method = text("method")?;
            let params = match members.get("params") {
                None => None,
                Some(raw) => serde_json::from_str::<Option<Members<'a>>>(raw.get()).ok()?,
            };
            return Some(match members.get("id").and_then(|raw| id(raw)) {
                Some(id) => Self::Request(Incoming { id, method, params }),
                None => {
                    let known = NOTICES.into_iter().find(|known| *known == method);
                    Self::Notice {
                        method: known.unwrap_or("notification"),
                    }
                }
            });
        }
        let is_result = members
            .get("result")
            .is_some_and(|raw| object(raw).is_some())
            && members.get("id").is_some_and(|raw| id(raw).is_some());
        let is_error = members
            .get("error")
            .and_then(|raw| object(raw))
            .is_some_and(|error| {
                let code = error.get("code").and_then(|raw| id(raw));
                let message = error.get("message").and_then(|raw| string(raw));
                code.is_some_and(|code| !code.starts_with('"')) && message.is_some()
            });
        (is_result || is_error).then_some(Self::Notice { method: "response" })
    }
}

/// A JSON string.
pub(super) fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A JSON object.
pub(super) fn object(raw: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// An id as it is echoed: a string, or an integer without fraction and exponent.
fn id(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    if text.starts_with('"') {
        let mut echoed = String::from("\"");
        housekey_gateway::json::escape_ascii_into(&string(raw)?, &mut echoed);
        echoed.push('"');
        return Some(echoed);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer.then(|| {
        if text == "-0" {
            "0".to_owned()
        } else {
            text.to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(body: &str) -> String {
        match Message::parse(body.as_bytes()) {
            None => "none".to_owned(),
            Some(Message::Notice { method }) => method.to_owned(),
            Some(Message::Request(request)) => format!("{} {}", request.id, request.method),
        }
    }

    #[test]
    fn ids_are_echoed_and_what_is_no_id_makes_a_notification() {
        for (id, echoed) in [
            ("1", "1"),
            ("-1", "-1"),
            ("-0", "0"),
            ("\"\"", "\"\""),
            ("\"\\u00e9\\n😀\"", "\"\\u00e9\\n\\ud83d\\ude00\""),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(kind(&body), format!("{echoed} ping"));
        }
        for id in ["null", "true", "1.0", "1e3", "[1]", "{}"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(kind(&body), "notification", "{id}");
        }
    }

    #[test]
    fn what_wants_no_answer() {
        let notice = |rest: &str| kind(&format!(r#"{{"jsonrpc":"2.0",{rest}}}"#));
        assert_eq!(
            notice(r#""method":"notifications/initialized""#),
            "notifications/initialized"
        );
        assert_eq!(
            notice(r#""method":"notifications/mine","params":{}"#),
            "notification"
        );
        assert_eq!(notice(r#""id":1,"result":{}"#), "response");
        assert_eq!(notice(r#""error":{"code":-1,"message":"x"}"#), "response");
        assert_eq!(notice(r#""id":1,"result":1"#), "none");
        assert_eq!(
            notice(r#""id":1,"error":{"code":"1","message":"x"}"#),
            "none"
        );
        assert_eq!(notice(r#""id":1"#), "none");
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused_without_harm() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(kind(&deep), "none");
        let inside = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{deep}}}"#);
        assert_eq!(kind(&inside), "none");
    }
}
