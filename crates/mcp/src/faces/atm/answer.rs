//! Replies of the gateway in ATM's words: JSON with Python's separators, ASCII only.

use housekey_gateway::json::{Object, escape_ascii_into, string_into, to_ascii_into, value_into};
use housekey_gateway::{
    Answer, Content, Context, Face, Invalid, Reply, Request as Asked, Resource, Tool, Value,
};

use super::access;

const INITIALIZE: &str = r#"{"protocolVersion": "2025-03-26", "capabilities": {"tools": {"listChanged": true}, "resources": {"subscribe": false}, "prompts": {}}, "serverInfo": {"name": "ATM", "version": "1.1.0"}}"#;

/// An error of JSON-RPC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Error {
    Parse,
    InvalidRequest,
    EmptyBatch,
    LongBatch,
    UnknownMethod,
    InvalidParams,
    UnknownPrompt,
    UnknownResource,
    /// The message would have been refused if it had come alone.
    Refused(&'static str),
}

impl Error {
    pub(super) fn message(&self, id: &str) -> String {
        let (code, text) = match self {
            Self::Parse => (-32700, "Parse error."),
            Self::InvalidRequest => (-32600, "Invalid Request."),
            Self::EmptyBatch => (-32600, "Empty batch."),
            Self::LongBatch => (-32600, "Batch too large. Maximum 50 items."),
            Self::UnknownMethod => (-32601, "Method not found."),
            Self::InvalidParams => (-32602, "Invalid params."),
            Self::UnknownPrompt => (-32602, "Unknown prompt."),
            Self::UnknownResource => (-32602, "Unknown resource URI."),
            Self::Refused(text) => (-32000, *text),
        };
        let mut message =
            format!(r#"{{"jsonrpc": "2.0", "id": {id}, "error": {{"code": {code}, "message": ""#);
        escape_ascii_into(text, &mut message);
        message.push_str("\"}}");
        message
    }
}

/// What kind of answer a request wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Initialize,
    /// The result of a tool: what goes wrong is one as well.
    Tool,
    /// Any other.
    Plain,
}

impl Form {
    pub(super) fn of(asked: &Asked) -> Self {
        match asked {
            Asked::Protocol {
                method: "initialize",
            } => Self::Initialize,
            Asked::CallTool { .. } => Self::Tool,
            Asked::Protocol { .. }
            | Asked::ListTools
            | Asked::ListPrompts
            | Asked::GetPrompt { .. }
            | Asked::ListResources
            | Asked::ReadResource { .. }
            | Asked::Access
            | Asked::UnknownMethod { .. } => Self::Plain,
        }
    }
}

/// The message that a request is answered with; the reply itself when it cannot be said in one.
pub(super) fn of(reply: Reply, form: Form, id: &str, host: &str) -> Result<String, Box<Reply>> {
    if matches!(reply, Reply::Unauthorized | Reply::Limited { .. }) {
        return Err(Box::new(reply));
    }
    let result = match form {
        Form::Initialize => INITIALIZE.to_owned(),
        Form::Tool => tool(reply),
        Form::Plain => match plain(reply, host) {
            Ok(result) => result,
            Err(error) => return Ok(error.message(id)),
        },
    };
    let mut message = String::with_capacity(id.len() + result.len() + 48);
    message.push_str(r#"{"jsonrpc": "2.0", "id": "#);
    message.push_str(id);
    message.push_str(r#", "result": "#);
    to_ascii_into(&result, &mut message);
    message.push('}');
    Ok(message)
}

/// What stands in a batch for a message that was refused.
pub(super) fn refused_in_batch(reply: &Reply, id: &str) -> String {
    let text = match reply {
        Reply::Limited { .. } => "Rate limit exceeded.",
        Reply::Unauthorized => "Unauthorized.",
        Reply::Fault(fault) => fault.public,
        Reply::Answer(_) | Reply::NothingFound { .. } | Reply::Invalid(_) => "Internal error.",
    };
    Error::Refused(text).message(id)
}

fn tool(reply: Reply) -> String {
    let (text, is_error) = match reply {
        Reply::Answer(Answer::LiveContext(Context::Plain(text))) => (text, false),
        Reply::Answer(Answer::Json(json)) => {
            let mut ascii = String::with_capacity(json.len());
            to_ascii_into(&json, &mut ascii);
            (ascii, false)
        }
        Reply::NothingFound { text, .. } | Reply::Invalid(Invalid::Arguments { text }) => {
            (text, true)
        }
        Reply::Invalid(Invalid::Schema { text }) => {
            (format!("Input validation error: {text}"), true)
        }
        Reply::Invalid(Invalid::UnknownTool { name }) => (format!("Unknown tool: {name}"), true),
        Reply::Fault(fault) => (fault.public.to_owned(), true),
        Reply::Answer(
            Answer::Done
            | Answer::Tools { .. }
            | Answer::Prompts(_)
            | Answer::Prompt { .. }
            | Answer::Resources(_)
            | Answer::Resource { .. }
            | Answer::Access(_)
            | Answer::LiveContext(Context::NativeWire(_)),
        )
        | Reply::Invalid(
            Invalid::UnknownPrompt { .. }
            | Invalid::UnknownResource { .. }
            | Invalid::UnknownMethod { .. },
        )
        | Reply::Limited { .. }
        | Reply::Unauthorized => ("Internal error.".to_owned(), true),
    };
    let mut result = String::from(r#"{"content": [{"type": "text", "text": "#);
    string_into(&text, &mut result);
    result.push_str("}]");
    if is_error {
        result.push_str(r#", "isError": true"#);
    }
    result.push('}');
    result
}

fn plain(reply: Reply, host: &str) -> Result<String, Error> {
    Ok(match reply {
        Reply::Answer(Answer::Tools { tools, .. }) => list("tools", &tools, |tool, out| {
            tool_into(tool, out);
        }),
        Reply::Answer(Answer::Prompts(prompts)) => list("prompts", &prompts, |prompt, out| {
            let mut object = Object::begin(out);
            string_into(prompt.name, object.key("name"));
            string_into(&prompt.description, object.key("description"));
            object.end();
        }),
        Reply::Answer(Answer::Prompt { prompt, content }) => {
            let text = match content {
                Content::Text(text) => text,
                Content::Access(opened) => access::plain(&opened),
            };
            let mut result = String::from(r#"{"description": "#);
            string_into(&prompt.description, &mut result);
            result.push_str(
                r#", "messages": [{"role": "assistant", "content": {"type": "text", "text": "#,
            );
            string_into(&text, &mut result);
            result.push_str("}}]}");
            result
        }
        Reply::Answer(Answer::Resources(resources)) => {
            list("resources", &resources, |resource, out| {
                resource_into(resource, out);
            })
        }
        Reply::Answer(Answer::Resource { resource, content }) => {
            let text = match content {
                Content::Text(text) => text,
                Content::Access(opened) => access::server_info(&opened, host),
            };
            let mut result = String::from(r#"{"contents": ["#);
            let mut object = Object::begin(&mut result);
            string_into(resource.uri, object.key("uri"));
            string_into(resource.mime_type, object.key("mimeType"));
            string_into(&text, object.key("text"));
            object.end();
            result.push_str("]}");
            result
        }
        Reply::Answer(
            Answer::Done | Answer::LiveContext(_) | Answer::Json(_) | Answer::Access(_),
        ) => "{}".to_owned(),
        Reply::Invalid(Invalid::UnknownPrompt { .. }) => return Err(Error::UnknownPrompt),
        Reply::Invalid(Invalid::UnknownResource { .. }) => return Err(Error::UnknownResource),
        Reply::Invalid(Invalid::UnknownMethod { .. }) => return Err(Error::UnknownMethod),
        Reply::Invalid(
            Invalid::UnknownTool { .. } | Invalid::Arguments { .. } | Invalid::Schema { .. },
        ) => return Err(Error::InvalidParams),
        Reply::Fault(fault) => return Err(Error::Refused(fault.public)),
        Reply::NothingFound { .. } | Reply::Limited { .. } | Reply::Unauthorized => {
            return Err(Error::Refused("Internal error."));
        }
    })
}

fn list<T>(key: &str, all: &[T], write: impl Fn(&T, &mut String)) -> String {
    let mut result = format!(r#"{{"{key}": ["#);
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            result.push_str(", ");
        }
        write(one, &mut result);
    }
    result.push_str("]}");
    result
}

fn tool_into(tool: &Tool, out: &mut String) {
    let mut object = Object::begin(out);
    string_into(tool.bare_name, object.key("name"));
    string_into(tool.description_on(Face::Atm), object.key("description"));
    let schema = serde_json::from_str::<Value>(tool.schema_on(Face::Atm));
    value_into(&schema.unwrap_or(Value::Null), object.key("inputSchema"));
    object.end();
}

fn resource_into(resource: &Resource, out: &mut String) {
    let mut object = Object::begin(out);
    string_into(resource.uri, object.key("uri"));
    string_into(resource.name, object.key("name"));
    if !resource.description.is_empty() {
        string_into(&resource.description, object.key("description"));
    }
    string_into(resource.mime_type, object.key("mimeType"));
    object.end();
}
