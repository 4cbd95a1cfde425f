//! The bytes of native answers: JSON with Python's separators, ASCII only.

use std::str::Chars;

use axum::response::{IntoResponse, Response};
use housekey_gateway::json::{Object, escape_ascii_into, escape_into, string_into, to_ascii_into};
use http::StatusCode;
use http::header::{self, HeaderValue};

use super::dialect::{Dialect, Unserved};
use super::method::{Era, Refusal};

const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// To whom is answered, and how the connected release does it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    pub(super) era: Era,
    pub(super) dialect: Dialect,
    /// The name that the request was sent to.
    pub(super) host: &'a str,
}

/// A plain text answer.
pub(super) fn text(status: StatusCode, body: impl Into<String>) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        body.into(),
    )
        .into_response()
}

/// A message as an answer of its own.
pub(super) fn json(body: String) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// A message around a result, which is JSON text.
pub(super) fn result(id: &str, result: &str) -> String {
    let mut body = String::with_capacity(id.len() + result.len() + 48);
    body.push_str(r#"{"jsonrpc": "2.0", "id": "#);
    body.push_str(id);
    body.push_str(r#", "result": "#);
    if result.is_ascii() {
        body.push_str(result);
    } else {
        to_ascii_into(result, &mut body);
    }
    body.push('}');
    body
}

/// A JSON-RPC error, which native sends with status 200.
pub(super) fn error(id: &str, refusal: &Refusal, method: &str) -> String {
    let (code, message, data) = match refusal {
        Refusal::UnknownMethod(Unserved::Named) => (-32601, "Method not found", Some(method)),
        Refusal::UnknownMethod(Unserved::Unnamed) => (-32601, "Method not found", None),
        Refusal::UnknownMethod(Unserved::Misshapen) | Refusal::InvalidParams => {
            (-32602, "Invalid request parameters", Some(""))
        }
        Refusal::Raised(message) => (0, message.as_str(), None),
        Refusal::RaisedInTool(message) => return tool_error(id, message),
    };
    let mut body =
        format!(r#"{{"jsonrpc": "2.0", "id": {id}, "error": {{"code": {code}, "message": ""#);
    escape_ascii_into(message, &mut body);
    body.push('"');
    if let Some(data) = data {
        body.push_str(r#", "data": ""#);
        escape_ascii_into(data, &mut body);
        body.push('"');
    }
    body.push_str("}}");
    body
}

/// The result of a tool that failed; before the newer way of speaking there is nothing else in it.
fn tool_error(id: &str, message: &str) -> String {
    let mut text = String::new();
    escape_into(message, &mut text);
    let content =
        format!(r#"{{"content": [{{"text": "{text}", "type": "text"}}], "isError": true}}"#);
    result(id, &content)
}

/// The result of `initialize`.
pub(super) fn initialize(version: &str, manner: Manner<'_>) -> String {
    let capabilities = manner.dialect.capabilities();
    let server = server_info(manner);
    format!(
        r#"{{"capabilities": {capabilities}, "protocolVersion": "{version}", "serverInfo": {server}}}"#
    )
}

/// The result of `server/discover`.
pub(super) fn discover(manner: Manner<'_>) -> String {
    let capabilities = manner.dialect.capabilities();
    let mut result = format!(
        r#"{{"cacheScope": "private", "capabilities": {capabilities}, "supportedVersions": ["2026-07-28"], "ttlMs": 0"#
    );
    close(&mut result, manner);
    result
}

/// Begins the result of a listing or of a reading, with what the newer way of speaking wants there.
pub(super) fn open_cacheable(manner: Manner<'_>) -> String {
    match manner.era {
        Era::Legacy => String::from("{"),
        Era::Modern => String::from(r#"{"cacheScope": "private", "ttlMs": 0, "#),
    }
}

/// Ends a result, with what the newer way of speaking wants in each.
pub(super) fn close(result: &mut String, manner: Manner<'_>) {
    match manner.era {
        Era::Legacy => {}
        Era::Modern => {
            result.push_str(r#", "resultType": "complete", "_meta": {""#);
            result.push_str(SERVER_INFO_KEY);
            result.push_str("\": ");
            result.push_str(&server_info(manner));
            result.push('}');
        }
    }
    result.push('}');
}

fn server_info(manner: Manner<'_>) -> String {
    let mut info = String::new();
    let mut object = Object::begin(&mut info);
    if manner.dialect.has_icon() {
        let mut icon = String::new();
        let mut members = Object::begin(&mut icon);
        members.key("mimeType").push_str(r#""image/png""#);
        members.key("sizes").push_str(r#"["192x192"]"#);
        let src = format!("http://{}/static/icons/favicon-192x192.png", manner.host);
        string_into(&src, members.key("src"));
        members.end();
        let icons = object.key("icons");
        icons.push('[');
        icons.push_str(&icon);
        icons.push(']');
    }
    object.key("name").push_str(r#""home-assistant""#);
    string_into(manner.dialect.server_version(), object.key("version"));
    object.end();
    info
}

/// A message as events carry it: without spaces between its tokens, and with letters as they are.
pub(super) fn compact(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message.chars();
    let mut in_string = false;
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                in_string = !in_string;
                out.push(next);
            }
            '\\' if in_string => unescape(&mut rest, &mut out),
            ' ' if !in_string => {}
            other => out.push(other),
        }
    }
    out
}

/// One escape behind its backslash. What a letter could stand for is written as the letter.
fn unescape(rest: &mut Chars<'_>, out: &mut String) {
    let Some(kind) = rest.next() else { return };
    if kind != 'u' {
        out.push('\\');
        out.push(kind);
        return;
    }
    let Some(unit) = code_unit(rest) else { return };
    let mut units = vec![unit];
    if (0xd800..0xdc00).contains(&unit) && rest.as_str().starts_with("\\u") {
        let mut ahead = rest.clone();
        ahead.nth(1);
        if let Some(low) = code_unit(&mut ahead) {
            units.push(low);
            *rest = ahead;
        }
    }
    match String::from_utf16(&units) {
        Ok(letter) if !letter.is_ascii() => out.push_str(&letter),
        Ok(_) | Err(_) => {
            for unit in units {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

fn code_unit(rest: &mut Chars<'_>) -> Option<u16> {
    let digits = rest.as_str().get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    rest.nth(3);
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_letters_as_they_are() {
        for (message, compacted) in [
            (r#"{"a": [1, "b, c"]}"#, r#"{"a":[1,"b, c"]}"#),
            (r#""\u00e9 \ud83d\ude00""#, "\"\u{e9} \u{1f600}\""),
            (r#""\\u00e9 \" \n \u001b""#, r#""\\u00e9 \" \n \u001b""#),
            (r#""\ud83d x""#, r#""\ud83d x""#),
            (r#""\ud83d\u0041""#, r#""\ud83d\u0041""#),
        ] {
            assert_eq!(compact(message), compacted, "{message}");
        }
    }
}
