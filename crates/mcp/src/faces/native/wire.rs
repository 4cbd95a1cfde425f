//! The bytes of native answers: JSON with Python's separators, ASCII only.

use axum::response::{IntoResponse, Response};
use housekey_gateway::json::{Object, escape_ascii_into, to_ascii_into};
use http::StatusCode;
use http::header::{self, HeaderValue};

use super::method::{Era, Refusal};

const CAPABILITIES: &str = r#"{"tools": {"listChanged": false}}"#;
const SERVER_INFO_KEY: &str = "io.modelcontextprotocol/serverInfo";

/// A plain text answer.
pub(super) fn text(status: StatusCode, body: &'static str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        body,
    )
        .into_response()
}

/// A JSON answer around a result, which is JSON text.
pub(super) fn result(id: &str, result: &str) -> Response {
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
    json(body)
}

/// A JSON-RPC error, which native sends with status 200.
pub(super) fn error(id: &str, refusal: &Refusal, method: &str) -> Response {
    let (code, message, data) = match refusal {
        Refusal::UnknownMethod => (-32601, "Method not found", Some(method)),
        Refusal::InvalidParams => (-32602, "Invalid request parameters", Some("")),
        Refusal::Raised(message) => (0, message.as_str(), None),
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
    json(body)
}

fn json(body: String) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The result of `initialize`.
pub(super) fn initialize(version: &str, host: &str) -> String {
    let server = server_info(host);
    format!(
        r#"{{"capabilities": {CAPABILITIES}, "protocolVersion": "{version}", "serverInfo": {server}}}"#
    )
}

/// The result of `server/discover`.
pub(super) fn discover(host: &str) -> String {
    let mut result = format!(
        r#"{{"cacheScope": "private", "capabilities": {CAPABILITIES}, "supportedVersions": ["2026-07-28"], "ttlMs": 0"#
    );
    close(&mut result, Era::Modern, host);
    result
}

/// Ends a result, with what the newer way of speaking wants in each.
pub(super) fn close(result: &mut String, era: Era, host: &str) {
    match era {
        Era::Legacy => {}
        Era::Modern => {
            result.push_str(r#", "resultType": "complete", "_meta": {""#);
            result.push_str(SERVER_INFO_KEY);
            result.push_str("\": ");
            result.push_str(&server_info(host));
            result.push('}');
        }
    }
    result.push('}');
}

fn server_info(host: &str) -> String {
    let mut info = String::new();
    let mut object = Object::begin(&mut info);
    let mut icon = String::new();
    let mut members = Object::begin(&mut icon);
    members.key("mimeType").push_str(r#""image/png""#);
    members.key("sizes").push_str(r#"["192x192"]"#);
    let src = format!("http://{host}/static/icons/favicon-192x192.png");
    housekey_gateway::json::string_into(&src, members.key("src"));
    members.end();
    let icons = object.key("icons");
    icons.push('[');
    icons.push_str(&icon);
    icons.push(']');
    object.key("name").push_str(r#""home-assistant""#);
    object.key("version").push_str(r#""""#);
    object.end();
    info
}
