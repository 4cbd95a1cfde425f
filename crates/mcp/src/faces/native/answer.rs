//! Replies of the gateway in native's words.

use axum::response::Response;
use housekey_gateway::json::{Object, escape_ascii_into, escape_into, string_into, value_into};
use housekey_gateway::{Answer, Context, Face, Fault, Invalid, Reply, Tool, Value};
use http::StatusCode;
use http::header::{self, HeaderValue};

use super::method::{Era, Refusal};
use super::wire;

/// What is answered instead of a JSON-RPC message.
pub(super) fn refused(reply: &Reply) -> Response {
    match reply {
        Reply::Unauthorized => {
            let mut response = wire::text(StatusCode::UNAUTHORIZED, "401: Unauthorized");
            let challenge = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        Reply::Limited { retry_after_s } => {
            let mut response = wire::text(StatusCode::TOO_MANY_REQUESTS, "429: Too Many Requests");
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, (*retry_after_s).into());
            response
        }
        Reply::Fault(fault) => wire::text(StatusCode::SERVICE_UNAVAILABLE, fault.public),
        Reply::Answer(_) | Reply::NothingFound { .. } | Reply::Invalid(_) => wire::text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "500: Internal Server Error",
        ),
    }
}

/// The answer to a method that reads nothing of the home.
pub(super) fn with(reply: &Reply, id: &str, result: impl FnOnce() -> String) -> Response {
    match reply {
        Reply::Answer(_) => wire::result(id, &result()),
        Reply::Fault(fault) => raised(id, fault),
        Reply::Unauthorized
        | Reply::Limited { .. }
        | Reply::NothingFound { .. }
        | Reply::Invalid(_) => refused(reply),
    }
}

/// The answer to `tools/list`.
pub(super) fn tools(reply: &Reply, id: &str, era: Era, host: &str) -> Response {
    let listed = match reply {
        Reply::Answer(Answer::Tools(tools)) => tools.as_slice(),
        Reply::Answer(Answer::Done | Answer::LiveContext(_) | Answer::Json(_))
        | Reply::Fault(_)
        | Reply::Unauthorized
        | Reply::Limited { .. }
        | Reply::NothingFound { .. }
        | Reply::Invalid(_) => return with(reply, id, || r#"{"tools": []}"#.to_owned()),
    };
    let mut result = match era {
        Era::Legacy => String::from(r#"{"tools": ["#),
        Era::Modern => String::from(r#"{"cacheScope": "private", "ttlMs": 0, "tools": ["#),
    };
    for (at, tool) in listed.iter().enumerate() {
        if at > 0 {
            result.push_str(", ");
        }
        tool_into(tool, &mut result);
    }
    result.push(']');
    wire::close(&mut result, era, host);
    wire::result(id, &result)
}

fn tool_into(tool: &Tool, out: &mut String) {
    let truth = |value: bool| if value { "true" } else { "false" };
    let mut object = Object::begin(out);
    let mut hints = Object::begin(object.key("annotations"));
    hints
        .key("destructiveHint")
        .push_str(truth(tool.hints.destructive));
    hints
        .key("idempotentHint")
        .push_str(truth(tool.hints.idempotent));
    hints
        .key("openWorldHint")
        .push_str(truth(tool.hints.open_world));
    hints
        .key("readOnlyHint")
        .push_str(truth(tool.hints.read_only));
    hints.end();
    string_into(tool.description, object.key("description"));
    let schema = serde_json::from_str::<Value>(tool.schema_on(Face::Native));
    value_into(&schema.unwrap_or(Value::Null), object.key("inputSchema"));
    string_into(
        tool.name_on(Face::Native).unwrap_or(tool.bare_name),
        object.key("name"),
    );
    string_into(tool.title, object.key("title"));
    object.end();
}

/// The answer to `tools/call`.
pub(super) fn tool(reply: Reply, id: &str, era: Era, host: &str) -> Response {
    let (content, is_error) = match reply {
        Reply::Answer(Answer::LiveContext(Context::NativeWire(wire))) => (wire, false),
        Reply::Answer(Answer::LiveContext(Context::Plain(text))) => {
            (escaped(&object_of("result", &text)), false)
        }
        Reply::Answer(Answer::Json(json)) => (escaped(&json), false),
        Reply::NothingFound { text, profile } => (
            escaped(&profile.refusal(&text)),
            profile.refusals_are_errors(),
        ),
        Reply::Invalid(Invalid::UnknownTool { name }) => (
            escaped(&format!("Error calling tool: Tool \"{name}\" not found")),
            true,
        ),
        Reply::Invalid(Invalid::Arguments { text }) => {
            (escaped(&format!("Error calling tool: {text}")), true)
        }
        Reply::Invalid(Invalid::Schema { text }) => {
            (escaped(&format!("Input validation error: {text}")), true)
        }
        Reply::Fault(fault) => (
            escaped(&format!("Error calling tool: {}", fault.public)),
            true,
        ),
        reply @ (Reply::Answer(Answer::Done | Answer::Tools(_))
        | Reply::Invalid(Invalid::UnknownMethod { .. })
        | Reply::Limited { .. }
        | Reply::Unauthorized) => return refused(&reply),
    };
    let mut result = String::with_capacity(content.len() + 512);
    result.push_str(r#"{"content": [{"text": ""#);
    result.push_str(&content);
    result.push_str(r#"", "type": "text"}], "isError": "#);
    result.push_str(if is_error { "true" } else { "false" });
    wire::close(&mut result, era, host);
    wire::result(id, &result)
}

/// `{"key": "text"}`, the form of native's own results.
fn object_of(key: &str, text: &str) -> String {
    let mut json = format!("{{\"{key}\": \"");
    escape_into(text, &mut json);
    json.push_str("\"}");
    json
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    escape_ascii_into(text, &mut out);
    out
}

fn raised(id: &str, fault: &Fault) -> Response {
    wire::error(id, &Refusal::Raised(fault.public.to_owned()), "")
}
