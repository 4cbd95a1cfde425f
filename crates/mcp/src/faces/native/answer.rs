//! Replies of the gateway in native's words.

use axum::response::Response;
use housekey_gateway::json::{Object, escape_ascii_into, escape_into, string_into, value_into};
use housekey_gateway::{Answer, Content, Context, Invalid, Profile, Reply, Tool, Value};
use http::StatusCode;
use http::header::{self, HeaderValue};

use super::method::Refusal;
use super::wire::{self, Manner};

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

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Said {
    /// A JSON-RPC message with a result.
    Result(String),
    /// A JSON-RPC message with an error.
    Error(String),
    /// An answer of HTTP, where there is nothing to say in a message.
    Instead(Response),
}

/// The answer to a method that reads nothing of the home.
pub(super) fn with(reply: &Reply, id: &str, result: impl FnOnce() -> String) -> Said {
    match reply {
        Reply::Answer(_) => Said::Result(wire::result(id, &result())),
        Reply::NothingFound { text, .. } => raised(id, text.clone()),
        Reply::Invalid(Invalid::UnknownPrompt { name }) => {
            raised(id, format!("Unknown prompt: {name}"))
        }
        Reply::Invalid(Invalid::UnknownResource { uri }) => {
            raised(id, format!("Unknown resource: {uri}"))
        }
        Reply::Fault(fault) => raised(id, fault.public.to_owned()),
        Reply::Unauthorized
        | Reply::Limited { .. }
        | Reply::Invalid(
            Invalid::UnknownTool { .. }
            | Invalid::UnknownMethod { .. }
            | Invalid::Arguments { .. }
            | Invalid::Schema { .. },
        ) => Said::Instead(refused(reply)),
    }
}

/// The answer to `tools/list`.
pub(super) fn tools(reply: &Reply, id: &str, manner: Manner<'_>) -> Said {
    with(reply, id, || {
        let mut result = wire::open_cacheable(manner);
        result.push_str(r#""tools": ["#);
        if let Reply::Answer(Answer::Tools { tools, profile }) = reply {
            each_into(&mut result, tools, |tool, out| {
                tool_into(tool, profile, out)
            });
        }
        result.push(']');
        wire::close(&mut result, manner);
        result
    })
}

fn each_into<T>(out: &mut String, all: &[T], write: impl Fn(&T, &mut String)) {
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(one, out);
    }
}

fn tool_into(tool: &Tool, profile: &Profile, out: &mut String) {
    let truth = |value: bool| if value { "true" } else { "false" };
    let Some(listed) = tool.native_in(profile) else {
        return;
    };
    let mut object = Object::begin(out);
    if profile.tools_have_hints {
        let mut hints = Object::begin(object.key("annotations"));
        for (key, value) in [
            ("destructiveHint", tool.hints.destructive),
            ("idempotentHint", tool.hints.idempotent),
            ("openWorldHint", tool.hints.open_world),
            ("readOnlyHint", tool.hints.read_only),
        ] {
            hints.key(key).push_str(truth(value));
        }
        hints.end();
    }
    string_into(listed.description, object.key("description"));
    let schema = serde_json::from_str::<Value>(listed.schema);
    value_into(&schema.unwrap_or(Value::Null), object.key("inputSchema"));
    string_into(listed.name, object.key("name"));
    if profile.tools_have_hints {
        string_into(tool.title, object.key("title"));
    }
    object.end();
}

/// The answer to `prompts/list`.
pub(super) fn prompts(reply: &Reply, id: &str, manner: Manner<'_>) -> Said {
    with(reply, id, || {
        let mut result = wire::open_cacheable(manner);
        result.push_str(r#""prompts": ["#);
        if let Reply::Answer(Answer::Prompts(prompts)) = reply {
            each_into(&mut result, prompts, |prompt, out| {
                let mut object = Object::begin(out);
                string_into(&prompt.description, object.key("description"));
                string_into(prompt.name, object.key("name"));
                object.end();
            });
        }
        result.push(']');
        wire::close(&mut result, manner);
        result
    })
}

/// The answer to `prompts/get`.
pub(super) fn prompt(reply: &Reply, id: &str, manner: Manner<'_>) -> Said {
    with(reply, id, || {
        let mut result = String::from(r#"{"description": ""#);
        if let Reply::Answer(Answer::Prompt {
            prompt,
            content: Content::Text(text),
        }) = reply
        {
            escape_ascii_into(&prompt.description, &mut result);
            result.push_str(r#"", "messages": [{"content": {"text": ""#);
            escape_ascii_into(text, &mut result);
        }
        result.push_str(r#"", "type": "text"}, "role": "assistant"}]"#);
        wire::close(&mut result, manner);
        result
    })
}

/// The answer to `resources/list`.
pub(super) fn resources(reply: &Reply, id: &str, manner: Manner<'_>) -> Said {
    with(reply, id, || {
        let mut result = wire::open_cacheable(manner);
        result.push_str(r#""resources": ["#);
        if let Reply::Answer(Answer::Resources(resources)) = reply {
            each_into(&mut result, resources, |resource, out| {
                let mut object = Object::begin(out);
                string_into(&resource.description, object.key("description"));
                string_into(resource.mime_type, object.key("mimeType"));
                string_into(resource.name, object.key("name"));
                string_into(resource.title, object.key("title"));
                string_into(resource.uri, object.key("uri"));
                object.end();
            });
        }
        result.push(']');
        wire::close(&mut result, manner);
        result
    })
}

/// The answer to `resources/read`.
pub(super) fn resource(reply: &Reply, id: &str, manner: Manner<'_>) -> Said {
    with(reply, id, || {
        let mut result = wire::open_cacheable(manner);
        result.push_str(r#""contents": ["#);
        if let Reply::Answer(Answer::Resource {
            resource,
            content: Content::Text(text),
        }) = reply
        {
            result.push_str(r#"{"mimeType": ""#);
            escape_ascii_into(resource.mime_type, &mut result);
            result.push_str(r#"", "text": ""#);
            escape_ascii_into(text, &mut result);
            result.push_str(r#"", "uri": ""#);
            escape_ascii_into(resource.uri, &mut result);
            result.push_str("\"}");
        }
        result.push(']');
        wire::close(&mut result, manner);
        result
    })
}

/// The answer to `tools/call`.
pub(super) fn tool(reply: Reply, id: &str, manner: Manner<'_>) -> Said {
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
        reply @ (Reply::Answer(
            Answer::Done
            | Answer::Tools { .. }
            | Answer::Prompts(_)
            | Answer::Prompt { .. }
            | Answer::Resources(_)
            | Answer::Resource { .. }
            | Answer::Access(_),
        )
        | Reply::Invalid(
            Invalid::UnknownMethod { .. }
            | Invalid::UnknownPrompt { .. }
            | Invalid::UnknownResource { .. },
        )
        | Reply::Limited { .. }
        | Reply::Unauthorized) => return Said::Instead(refused(&reply)),
    };
    let mut result = String::with_capacity(content.len() + 512);
    result.push_str(r#"{"content": [{"text": ""#);
    result.push_str(&content);
    result.push_str(r#"", "type": "text"}], "isError": "#);
    result.push_str(if is_error { "true" } else { "false" });
    wire::close(&mut result, manner);
    Said::Result(wire::result(id, &result))
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

fn raised(id: &str, text: String) -> Said {
    Said::Error(wire::error(id, &Refusal::Raised(text), ""))
}
