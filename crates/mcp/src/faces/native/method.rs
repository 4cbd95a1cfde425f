//! What a request asks for, with native's checks of its parameters.

use housekey_gateway::Map;
use http::HeaderMap;
use serde_json::value::RawValue;

use super::dialect::{DeviceId, Dialect, Unserved};
use super::message::{Incoming, Members, object, string};

const VERSION_HEADER: &str = "mcp-protocol-version";
const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";
const META_DEVICE: &str = "io.home-assistant/device_id";

/// Which of the two ways of speaking the header of a request chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Era {
    /// With a handshake.
    Legacy,
    /// 2026-07-28: each request carries all that it needs.
    Modern,
}

/// What is asked for.
#[derive(Debug)]
pub(super) enum Call {
    Initialize {
        version: &'static str,
    },
    Ping,
    Discover,
    ListTools,
    Tool {
        name: String,
        arguments: Map,
    },
    ListPrompts,
    Prompt {
        name: String,
        device: Option<String>,
    },
    ListResources,
    Resource {
        uri: String,
    },
}

/// Why nothing is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    UnknownMethod(Unserved),
    InvalidParams,
    /// What native's own code raises; its JSON-RPC code is 0.
    Raised(String),
    /// What it raises inside a tool, which makes it the result of the tool.
    RaisedInTool(String),
}

/// Reads the header and the parameters.
pub(super) fn read(
    request: &Incoming<'_>,
    headers: &HeaderMap,
    dialect: Dialect,
) -> Result<(Era, Call), Refusal> {
    let era = if dialect.is_modern() {
        era(headers)?
    } else {
        Era::Legacy
    };
    let empty = Members::new();
    let params = request.params.as_ref().unwrap_or(&empty);
    let has_resources = dialect.has_resources();
    let mut call = match (era, request.method.as_str()) {
        (Era::Legacy, "initialize") => initialize(params, dialect)?,
        (Era::Legacy, "ping") => Call::Ping,
        (Era::Modern, "server/discover") => Call::Discover,
        (_, "tools/list") => {
            optional(params, "cursor", is_string)?;
            Call::ListTools
        }
        (_, "tools/call") => call_tool(params)?,
        (_, "prompts/list") => {
            optional(params, "cursor", is_string)?;
            Call::ListPrompts
        }
        (_, "prompts/get") => get_prompt(params)?,
        (_, "resources/list") if has_resources => {
            optional(params, "cursor", is_string)?;
            Call::ListResources
        }
        (_, "resources/read") if has_resources => Call::Resource {
            uri: address(params, dialect)?,
        },
        (_, method) => return Err(unserved(era, method, params, dialect)),
    };
    let device_id = meta(era, params, dialect, &call)?;
    match &mut call {
        Call::Prompt { device, .. } => *device = device_id,
        Call::Initialize { .. }
        | Call::Ping
        | Call::Discover
        | Call::ListTools
        | Call::Tool { .. }
        | Call::ListPrompts
        | Call::ListResources
        | Call::Resource { .. } => {}
    }
    Ok((era, call))
}

fn era(headers: &HeaderMap) -> Result<Era, Refusal> {
    let Some(version) = headers.get(VERSION_HEADER) else {
        return Ok(Era::Legacy);
    };
    let version = String::from_utf8_lossy(version.as_bytes());
    match &*version {
        MODERN => Ok(Era::Modern),
        "" => Ok(Era::Legacy),
        version if LEGACY.contains(&version) => Ok(Era::Legacy),
        version => {
            // The text of a Python string, as far as headers can hold one.
            let quote = if version.contains('\'') && !version.contains('"') {
                '"'
            } else {
                '\''
            };
            let shown = version.replace('\\', "\\\\");
            let shown = if quote == '\'' {
                shown.replace('\'', "\\'")
            } else {
                shown
            };
            Err(Refusal::Raised(format!(
                "version must be a known protocol version, got {quote}{shown}{quote}"
            )))
        }
    }
}

fn initialize(params: &Members<'_>, dialect: Dialect) -> Result<Call, Refusal> {
    let asked = params.get("protocolVersion").and_then(|raw| {
        string(raw).or_else(|| {
            let number = dialect.takes_numeric_versions().then(|| raw.get())?;
            number.parse::<i64>().ok().map(|_| String::new())
        })
    });
    let client = params.get("clientInfo").and_then(|raw| object(raw));
    let has = |key: &str| {
        client
            .as_ref()
            .is_some_and(|client| client.get(key).is_some_and(|raw| is_string(raw)))
    };
    let has_capabilities = params.get("capabilities").is_some_and(|raw| is_object(raw));
    match asked {
        Some(asked) if has("name") && has("version") && has_capabilities => {
            let versions = dialect.versions();
            let version = versions.iter().find(|known| **known == asked);
            let version = version.or(versions.last()).ok_or(Refusal::InvalidParams)?;
            Ok(Call::Initialize { version })
        }
        Some(_) | None => Err(Refusal::InvalidParams),
    }
}

fn call_tool(params: &Members<'_>) -> Result<Call, Refusal> {
    let name = params
        .get("name")
        .and_then(|raw| string(raw))
        .ok_or(Refusal::InvalidParams)?;
    let arguments = match params.get("arguments") {
        None => None,
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| Refusal::InvalidParams)?,
    };
    Ok(Call::Tool {
        name,
        arguments: arguments.unwrap_or_default(),
    })
}

fn get_prompt(params: &Members<'_>) -> Result<Call, Refusal> {
    let name = params.get("name").and_then(|raw| string(raw));
    let name = name.ok_or(Refusal::InvalidParams)?;
    if let Some(raw) = params.get("arguments") {
        let arguments: Option<Members<'_>> =
            serde_json::from_str(raw.get()).map_err(|_| Refusal::InvalidParams)?;
        let mut values = arguments.iter().flat_map(|arguments| arguments.values());
        if !values.all(|value| is_string(value)) {
            return Err(Refusal::InvalidParams);
        }
    }
    Ok(Call::Prompt { name, device: None })
}

fn address(params: &Members<'_>, dialect: Dialect) -> Result<String, Refusal> {
    let uri = params.get("uri").and_then(|raw| string(raw));
    let has_scheme = |uri: &str| {
        uri.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
        })
    };
    uri.filter(|uri| !dialect.checks_addresses() || has_scheme(uri))
        .ok_or(Refusal::InvalidParams)
}

/// Methods that native knows and does not serve are refused for their parameters first.
fn unserved(era: Era, method: &str, params: &Members<'_>, dialect: Dialect) -> Refusal {
    let has =
        |key: &str, check: fn(&RawValue) -> bool| params.get(key).is_some_and(|raw| check(raw));
    let is_well_formed = match (era, method) {
        (Era::Legacy, "resources/subscribe" | "resources/unsubscribe" | "resources/read") => {
            has("uri", is_string) && address(params, dialect).is_ok()
        }
        (Era::Legacy, "logging/setLevel") => has("level", is_string),
        (Era::Legacy, "tasks/get" | "tasks/result" | "tasks/cancel")
            if dialect.wants_task_ids() =>
        {
            has("taskId", is_string)
        }
        (_, "completion/complete") => has("ref", is_object) && has("argument", is_object),
        (Era::Modern, "subscriptions/listen") => has("notifications", is_object),
        _ => true,
    };
    if is_well_formed {
        Refusal::UnknownMethod(dialect.refusal_of(method))
    } else {
        Refusal::InvalidParams
    }
}

/// Checks what is said about a request, and finds the device that it comes from.
fn meta(
    era: Era,
    params: &Members<'_>,
    dialect: Dialect,
    call: &Call,
) -> Result<Option<String>, Refusal> {
    let meta = match params.get("_meta") {
        Some(raw) => serde_json::from_str::<Option<Members<'_>>>(raw.get())
            .map_err(|_| Refusal::InvalidParams)?,
        None => None,
    };
    let meta = meta.unwrap_or_default();
    if era == Era::Modern {
        let is_complete = meta.get(META_VERSION).is_some_and(|raw| is_string(raw))
            && meta
                .get(META_CAPABILITIES)
                .is_some_and(|raw| is_object(raw));
        if !is_complete {
            return Err(Refusal::InvalidParams);
        }
        optional(&meta, META_CLIENT, is_object)?;
    }
    let device = meta.get(META_DEVICE).filter(|raw| raw.get() != "null");
    let text = device.map(|raw| string(raw));
    let is_tool = matches!(call, Call::Tool { .. });
    let wrong = || format!("{META_DEVICE} must be a string");
    match (text, dialect.device_id()) {
        (None, _) | (_, DeviceId::Ignored) => Ok(None),
        (Some(Some(id)), _) => Ok(Some(id)),
        (Some(None), DeviceId::CheckedByTool) if is_tool => Err(Refusal::RaisedInTool(wrong())),
        (Some(None), DeviceId::Checked | DeviceId::CheckedByTool) => Err(Refusal::Raised(wrong())),
    }
}

fn optional(members: &Members<'_>, key: &str, check: fn(&RawValue) -> bool) -> Result<(), Refusal> {
    match members.get(key) {
        Some(raw) if raw.get() != "null" && !check(raw) => Err(Refusal::InvalidParams),
        Some(_) | None => Ok(()),
    }
}

fn is_string(raw: &RawValue) -> bool {
    raw.get().starts_with('"')
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}
