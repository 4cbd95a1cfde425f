//! `Message`, one JSON-RPC 2.0 message as ATM reads it.

use std::collections::BTreeMap;

use housekey_gateway::json::escape_ascii_into;
use housekey_gateway::{Map, Request as Asked};
use serde_json::value::RawValue;

/// A body.
#[derive(Debug)]
pub(super) enum Body {
    /// No JSON.
    Nothing,
    /// A message.
    One(Message),
    /// A list of messages.
    Batch(Vec<Message>),
}

/// A message.
#[derive(Debug)]
pub(super) enum Message {
    /// None at all.
    Invalid {
        /// Its id all the same.
        id: String,
    },
    /// Its parameters have the wrong shape.
    Misshapen {
        /// Its id.
        id: String,
    },
    /// Wants no answer.
    Notice {
        /// What it is on record.
        method: &'static str,
    },
    /// Wants one.
    Request {
        /// Its id as JSON text.
        id: String,
        /// What it asks for.
        asked: Asked,
    },
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Requests that read nothing of the home.
const PROTOCOL: [&str; 2] = ["initialize", "ping"];

/// Notifications, of which the second is ATM's own; they want no answer even with an id.
const READY: [&str; 2] = ["notifications/initialized", "initialized"];

/// Other notifications that are named on record.
const NOTICES: [&str; 3] = [
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Body {
    let Ok(raw) = serde_json::from_slice::<&RawValue>(body) else {
        return Body::Nothing;
    };
    match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        Ok(messages) => Body::Batch(messages.into_iter().map(message).collect()),
        Err(_) => Body::One(message(raw)),
    }
}

fn message(raw: &RawValue) -> Message {
    let Ok(members) = serde_json::from_str::<Members<'_>>(raw.get()) else {
        let id = "null".to_owned();
        return Message::Invalid { id };
    };
    let has_id = members.contains_key("id");
    let id = members
        .get("id")
        .map_or_else(|| "null".to_owned(), |raw| echoed(raw));
    let version = members.get("jsonrpc").and_then(|raw| string(raw));
    if version.as_deref() != Some("2.0") {
        return Message::Invalid { id };
    }
    let method = members.get("method").and_then(|raw| string(raw));
    let method = method.unwrap_or_default();
    let ready = READY.into_iter().find(|known| *known == method);
    if let Some(method) = ready {
        return Message::Notice { method };
    }
    if !has_id {
        let known = NOTICES.into_iter().find(|known| *known == method);
        let method = known.unwrap_or("notification");
        return Message::Notice { method };
    }
    let params = match members.get("params") {
        None => Members::new(),
        Some(raw) if is_falsy(raw) => Members::new(),
        Some(raw) => match serde_json::from_str(raw.get()) {
            Ok(params) => params,
            Err(_) => return Message::Misshapen { id },
        },
    };
    match asked(method, &params) {
        Some(asked) => Message::Request { id, asked },
        None => Message::Misshapen { id },
    }
}

fn asked(method: String, params: &Members<'_>) -> Option<Asked> {
    let text = |key: &str| params.get(key).and_then(|raw| string(raw));
    if let Some(method) = PROTOCOL.into_iter().find(|known| *known == method) {
        return Some(Asked::Protocol { method });
    }
    Some(match method.as_str() {
        "tools/list" => Asked::ListTools,
        "tools/call" => Asked::CallTool {
            name: text("name").unwrap_or_default(),
            arguments: match params.get("arguments") {
                None => Map::default(),
                Some(raw) if is_falsy(raw) => Map::default(),
                Some(raw) => serde_json::from_str(raw.get()).ok()?,
            },
        },
        "resources/list" => Asked::ListResources,
        "resources/read" => Asked::ReadResource {
            uri: text("uri").unwrap_or_default(),
        },
        "prompts/list" => Asked::ListPrompts,
        "prompts/get" => Asked::GetPrompt {
            name: text("name").unwrap_or_default(),
            device: None,
        },
        _ => Asked::UnknownMethod { method },
    })
}

/// What Python takes for false.
fn is_falsy(raw: &RawValue) -> bool {
    matches!(raw.get(), "null" | "false" | "0" | "0.0" | "-0" | "\"\"")
        || serde_json::from_str::<Vec<&RawValue>>(raw.get()).is_ok_and(|list| list.is_empty())
}

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// An id as it is echoed: a list or an object is none.
fn echoed(raw: &RawValue) -> String {
    match string(raw) {
        Some(text) => {
            let mut echoed = String::from("\"");
            escape_ascii_into(&text, &mut echoed);
            echoed.push('"');
            echoed
        }
        None if raw.get().starts_with(['[', '{']) => "null".to_owned(),
        None => raw.get().to_owned(),
    }
}

impl Message {
    /// The id of a message that wants an answer, as JSON text.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Invalid { id } | Self::Misshapen { id } | Self::Request { id, .. } => Some(id),
            Self::Notice { .. } => None,
        }
    }
}
