//! What a request asks for, with native's checks of its parameters.

use housekey_gateway::Map;
use http::HeaderMap;
use serde_json::value::RawValue;

use super::message::{Incoming, Members, object, string};

const VERSION_HEADER: &str = "mcp-protocol-version";
const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const NEWEST_LEGACY: &str = "2025-11-25";

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
    Initialize { version: &'static str },
    Ping,
    Discover,
    ListTools,
    Tool { name: String, arguments: Map },
}

/// Why nothing is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    UnknownMethod,
    InvalidParams,
    /// What native's own code raises; its JSON-RPC code is 0.
    Raised(String),
}

/// Reads the header and the parameters.
pub(super) fn read(request: &Incoming<'_>, headers: &HeaderMap) -> Result<(Era, Call), Refusal> {
    let era = era(headers)?;
    let empty = Members::new();
    let params = request.params.as_ref().unwrap_or(&empty);
    let call = match (era, request.method.as_str()) {
        (Era::Legacy, "initialize") => initialize(params)?,
        (Era::Legacy, "ping") => Call::Ping,
        (Era::Modern, "server/discover") => Call::Discover,
        (_, "tools/list") => {
            optional(params, "cursor", is_string)?;
            Call::ListTools
        }
        (_, "tools/call") => call_tool(params)?,
        (_, method) => return Err(unserved(era, method, params)),
    };
    meta(era, params)?;
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

fn initialize(params: &Members<'_>) -> Result<Call, Refusal> {
    let asked = params.get("protocolVersion").and_then(|raw| string(raw));
    let client = params.get("clientInfo").and_then(|raw| object(raw));
    let has = |key: &str| {
        client
            .as_ref()
            .is_some_and(|client| client.get(key).is_some_and(|raw| is_string(raw)))
    };
    let has_capabilities = params.get("capabilities").is_some_and(|raw| is_object(raw));
    match asked {
        Some(asked) if has("name") && has("version") && has_capabilities => {
            let version = LEGACY.into_iter().find(|known| *known == asked);
            Ok(Call::Initialize {
                version: version.unwrap_or(NEWEST_LEGACY),
            })
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

/// Methods that native knows and does not serve are refused for their parameters first.
fn unserved(era: Era, method: &str, params: &Members<'_>) -> Refusal {
    let has =
        |key: &str, check: fn(&RawValue) -> bool| params.get(key).is_some_and(|raw| check(raw));
    let is_well_formed = match (era, method) {
        (Era::Legacy, "resources/subscribe" | "resources/unsubscribe") => has("uri", is_string),
        (Era::Legacy, "logging/setLevel") => has("level", is_string),
        (_, "completion/complete") => has("ref", is_object) && has("argument", is_object),
        (Era::Modern, "subscriptions/listen") => has("notifications", is_object),
        _ => true,
    };
    if is_well_formed {
        Refusal::UnknownMethod
    } else {
        Refusal::InvalidParams
    }
}

fn meta(era: Era, params: &Members<'_>) -> Result<(), Refusal> {
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
    optional(&meta, META_DEVICE, is_string)
        .map_err(|_| Refusal::Raised(format!("{META_DEVICE} must be a string")))
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
