//! What the bridge must know of a client's message to send it on its way.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A message, as far as the bridge looks into it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Message {
    /// The id of a request as JSON text.
    pub(super) id: Option<String>,
    /// The method; answers have none.
    pub(super) method: String,
    /// The version that the newer way of speaking names in each request.
    version: Option<String>,
    /// What the method is applied to.
    name: Option<String>,
}

impl Message {
    /// Reads a line; what is no message is sent on all the same, to be refused and put on record.
    pub(super) fn read(line: &[u8]) -> Self {
        let Ok(members) = serde_json::from_slice::<Members<'_>>(line) else {
            return Self::default();
        };
        let Some(method) = text(&members, "method") else {
            return Self::default();
        };
        let id = members.get("id").map(|id| id.get().to_owned());
        let params = object(&members, "params").unwrap_or_default();
        let version = object(&params, "_meta").and_then(|meta| text(&meta, META_VERSION));
        let name = match method.as_str() {
            "tools/call" | "prompts/get" => text(&params, "name"),
            "resources/read" => text(&params, "uri"),
            _ => None,
        };
        Self {
            id,
            method,
            version,
            name,
        }
    }

    /// Whether it speaks in the newer way, which has no sessions.
    pub(super) fn is_modern(&self) -> bool {
        self.version.is_some()
    }

    /// Says in headers what the newer way of speaking wants there.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Some(version) = &self.version else {
            return;
        };
        let named = [
            (VERSION, Some(version)),
            (METHOD, Some(&self.method)),
            (NAME, self.name.as_ref()),
        ];
        for (header, value) in named {
            if let Some(value) = value.and_then(|value| mirrored(value)) {
                headers.insert(header, value);
            }
        }
    }

    /// The error that a request is answered with when its answer cannot be had.
    pub(super) fn error(&self, code: i64, message: &str) -> Option<String> {
        let id = self.id.as_ref()?;
        let message = Value::from(message);
        Some(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#
        ))
    }

    /// An answer as a line. One that names no request, though this one waits for it, is given its id.
    pub(super) fn line(&self, answer: &[u8]) -> Option<String> {
        let members: Members<'_> = serde_json::from_slice(answer).ok()?;
        if !members.contains_key("jsonrpc") {
            return None;
        }
        let names_none = members.get("id").is_some_and(|id| id.get() == "null");
        match &self.id {
            Some(id) if names_none => {
                let error: Value = serde_json::from_str(members.get("error")?.get()).ok()?;
                Some(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#))
            }
            Some(_) | None => on_one_line(answer),
        }
    }
}

/// JSON has line ends between its tokens only.
pub(super) fn on_one_line(json: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(json).ok()?;
    Some(text.replace(['\n', '\r'], " "))
}

/// What a client is told of a line that is none.
pub(super) fn error_without_id(code: i64, message: &str) -> String {
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}}).to_string()
}

fn object<'a>(members: &Members<'a>, key: &str) -> Option<Members<'a>> {
    serde_json::from_str(members.get(key)?.get()).ok()
}

fn text(members: &Members<'_>, key: &str) -> Option<String> {
    serde_json::from_str(members.get(key)?.get()).ok()
}

/// A text as the value of a header: encoded if it is more than plain letters.
fn mirrored(text: &str) -> Option<HeaderValue> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && text.trim() == text
        && !text.starts_with("=?");
    if is_plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::from_str(&format!("=?base64?{}?=", base64(text.as_bytes()))).ok()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let is_filling = digit > three.len();
            let index = usize::try_from(bits >> (18 - 6 * digit) & 0x3f).unwrap_or(0);
            let letter = ALPHABET.get(index).copied().unwrap_or(b'A');
            out.push(if is_filling { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_headers_mirror() {
        for (text, encoded) in [
            ("GetLiveContext", "GetLiveContext"),
            ("homeassistant://assist/x", "homeassistant://assist/x"),
            ("Küche", "=?base64?S8O8Y2hl?="),
            (" a", "=?base64?IGE=?="),
            ("a\nb", "=?base64?YQpi?="),
            ("", ""),
        ] {
            assert_eq!(mirrored(text).unwrap(), encoded, "{text:?}");
        }
    }

    #[test]
    fn messages_of_both_ways_of_speaking() {
        let old = Message::read(
            br#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x"}}"#,
        );
        assert_eq!(old.id.as_deref(), Some("\"a\""));
        assert!(!old.is_modern());
        let mut headers = HeaderMap::new();
        old.write(&mut headers);
        assert!(headers.is_empty());
        let new = Message::read(
            br#"{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"x:y","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert!(new.is_modern());
        new.write(&mut headers);
        assert_eq!(headers[VERSION], "2026-07-28");
        assert_eq!(headers[METHOD], "resources/read");
        assert_eq!(headers[NAME], "x:y");
        for none in [&b"5"[..], b"[]", b"{", br#"{"id":1}"#] {
            assert_eq!(Message::read(none), Message::default());
        }
    }

    #[test]
    fn an_answer_without_an_id_is_given_that_of_its_request() {
        let message = Message::read(br#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#);
        let anonymous = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}"#;
        assert_eq!(
            message.line(anonymous).unwrap(),
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"x"}}"#
        );
        let own = b"{\"jsonrpc\":\"2.0\",\n\"id\":3,\"result\":{}}";
        assert_eq!(
            message.line(own).unwrap(),
            r#"{"jsonrpc":"2.0", "id":3,"result":{}}"#
        );
        assert_eq!(message.line(b"{}"), None);
        assert_eq!(
            message.error(-1, "a \"b\"").unwrap(),
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"a \"b\""}}"#
        );
        assert_eq!(Message::default().error(-1, "x"), None);
    }
}
