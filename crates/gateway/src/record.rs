//! What the audit keeps of a request: pure functions of the request and its reply.

use housekey_assist::json;
use housekey_assist::prompt::Api;
use housekey_assist::tools::{self, Face};
use housekey_home::value::{Map, Member, Value};
use housekey_policy::verdict::Truth;
use housekey_store::Principal;
use housekey_store::audit::{Client, Outcome, Payload, Phase, Record};

use crate::admission::{Admission, TurnedAway};
use crate::limits;
use crate::reply::{Invalid, Reply};
use crate::request::Request;

/// Keys of arguments whose values are never kept (ATM 1.1 keeps them).
const SECRET_KEYS: [&str; 6] = ["code", "pin", "password", "token", "api_key", "secret"];

/// The path of a face, which is the resource of what concerns no entity.
pub(crate) fn path(face: Face) -> &'static str {
    match face {
        Face::Agent => "/mcp",
        Face::Native => "/api/mcp",
        Face::Atm => "/api/atm/mcp",
    }
}

/// Where a token's access is told.
const ACCESS_PATH: &str = "/api/atm/mcp/context";

/// The record of a request that was handled.
pub(crate) fn of(
    admission: &Admission,
    request: &Request,
    reply: &Reply,
    truth: Option<Truth>,
) -> Record {
    let (method, resource, payload) = match request {
        Request::Protocol { method } => ((*method).to_owned(), None, None),
        Request::ListTools => ("tools/list".to_owned(), None, None),
        Request::ListPrompts => ("prompts/list".to_owned(), None, None),
        Request::GetPrompt { .. } => ("prompts/get".to_owned(), None, None),
        Request::ListResources => ("resources/list".to_owned(), None, None),
        Request::ReadResource { uri } => ("resources/read".to_owned(), Some(bounded(uri)), None),
        Request::Access => ("GET".to_owned(), Some(ACCESS_PATH.to_owned()), None),
        Request::UnknownMethod { method } => (bounded(method), None, None),
        Request::CallTool { name, arguments } => (
            tools::find(name).map_or_else(|| bounded(name), |tool| tool.bare_name.to_owned()),
            entity(arguments),
            Some(payload(name, arguments)),
        ),
    };
    Record {
        method: method.into(),
        resource: resource.unwrap_or_else(|| address(admission)),
        payload,
        outcome: outcome(reply, truth),
        ..base(admission)
    }
}

/// The record of a request that its door turned away.
pub(crate) fn turned_away(admission: &Admission, why: &TurnedAway) -> Record {
    let (outcome, resource) = match why {
        TurnedAway::NotAllowed { resource } => (Outcome::Denied, resource),
        TurnedAway::NotThere { resource } => (Outcome::NotFound, resource),
        TurnedAway::TooManyStreams { resource } => (Outcome::RateLimited, resource),
    };
    Record {
        outcome,
        resource: bounded(resource),
        ..base(admission)
    }
}

/// The record of a request that came too early.
pub(crate) fn rate_limited(admission: &Admission) -> Record {
    Record {
        method: "POST".into(),
        outcome: Outcome::RateLimited,
        ..base(admission)
    }
}

/// The record of a request whose body could not be read as one.
pub(crate) fn unreadable(admission: &Admission) -> Record {
    Record {
        method: "POST".into(),
        outcome: Outcome::InvalidRequest,
        ..base(admission)
    }
}

fn base(admission: &Admission) -> Record {
    let token = &admission.token;
    Record {
        request_id: admission.origin.request_id.clone(),
        at: admission.admitted_at,
        token_id: Some(token.id.clone()),
        token_name: Some(token.name.to_string()),
        principal: Some(Principal::Token(token.id.clone())),
        face: path(admission.origin.face).into(),
        method: "POST".into(),
        resource: address(admission),
        outcome: Outcome::InvalidRequest,
        client: admission.origin.address.map(Client::Ip),
        pass_through: token.scope.pass_through,
        payload: None,
        stale_s: admission
            .stale_s
            .map(|age| u32::try_from(age).unwrap_or(u32::MAX)),
        phase: Phase::Read,
        count: 1,
    }
}

/// The path that a request was sent to, as far as it matters.
fn address(admission: &Admission) -> String {
    let path = path(admission.origin.face);
    match admission.api {
        Some(Api::Assist) => format!("{path}/assist"),
        Some(Api::HomeAssistant) => format!("{path}/homeassistant"),
        Some(Api::Merged) | None => path.to_owned(),
    }
}

fn outcome(reply: &Reply, truth: Option<Truth>) -> Outcome {
    match reply {
        Reply::Answer(_) => Outcome::Allowed,
        Reply::NothingFound { .. } => match truth {
            Some(Truth::Absent) => Outcome::NotFound,
            Some(Truth::Denied | Truth::NoGrant) | None => Outcome::Denied,
        },
        Reply::Invalid(Invalid::UnknownMethod { .. }) => Outcome::NotImplemented,
        Reply::Invalid(
            Invalid::UnknownTool { .. }
            | Invalid::UnknownPrompt { .. }
            | Invalid::UnknownResource { .. }
            | Invalid::Arguments { .. }
            | Invalid::Schema { .. },
        ) => Outcome::InvalidRequest,
        Reply::Limited { .. } => Outcome::RateLimited,
        Reply::Unauthorized => Outcome::Unauthorized,
        Reply::Fault(_) => Outcome::Fault,
    }
}

fn bounded(name: &str) -> String {
    name.chars().take(limits::ECHOED_NAME_CHARS_MAX).collect()
}

/// The entity that a call names.
fn entity(arguments: &Map) -> Option<String> {
    match arguments.get("entity_id") {
        Some(Value::Text(id)) => Some(bounded(id)),
        Some(_) | None => None,
    }
}

/// `{"name", "arguments"}` without secrets; the store bounds it.
fn payload(name: &str, arguments: &Map) -> Payload {
    let mut text = String::new();
    let mut object = json::Object::begin(&mut text);
    json::string_into(&bounded(name), object.key("name"));
    let arguments = Value::Map(arguments.clone().into()).with_members(&without_secrets);
    json::value_into(&arguments, object.key("arguments"));
    object.end();
    Payload::new(text)
}

fn without_secrets(key: &str) -> Member {
    if SECRET_KEYS.contains(&&*key.to_ascii_lowercase()) {
        Member::Replace(Value::text("[redacted]"))
    } else {
        Member::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_call_are_not_kept() {
        let arguments: Map = serde_json::from_str(
            r#"{"entity_id": "lock.a", "Code": "1234", "deep": [{"password": "x", "kept": 1}]}"#,
        )
        .unwrap();
        assert_eq!(
            payload("unlock", &arguments).as_str(),
            r#"{"name": "unlock", "arguments": {"entity_id": "lock.a", "Code": "[redacted]", "deep": [{"password": "[redacted]", "kept": 1}]}}"#
        );
    }
}
