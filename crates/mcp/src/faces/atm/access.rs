//! What a token opens, in ATM's words: for people and models, as JSON, and in brief.

use housekey_gateway::json::{Object, string_into, to_ascii_into};
use housekey_gateway::{Access, Capability};

/// ATM's flags, in the order of its documents.
const FLAGS: [Capability; 9] = [
    Capability::ConfigRead,
    Capability::AutomationWrite,
    Capability::ScriptWrite,
    Capability::TemplateRender,
    Capability::Restart,
    Capability::PhysicalControl,
    Capability::ServiceResponse,
    Capability::Broadcast,
    Capability::LogRead,
];

/// What is told of a flag; nothing of one.
fn title(flag: Capability) -> Option<&'static str> {
    match flag {
        Capability::ConfigRead => Some("Config read"),
        Capability::AutomationWrite => Some("Automation write"),
        Capability::ScriptWrite => Some("Script write"),
        Capability::TemplateRender => Some("Template render"),
        Capability::Restart => Some("Restart"),
        Capability::PhysicalControl => Some("Physical control (locks/alarms/covers)"),
        Capability::ServiceResponse => None,
        Capability::Broadcast => Some("Broadcast"),
        Capability::LogRead => Some("Log read"),
    }
}

/// The document as a text.
pub(super) fn plain(access: &Access) -> String {
    let mut out = String::new();
    if access.pass_through {
        let count = access.entities.len();
        out.push_str(&format!(
            "This token operates in pass-through mode.\nIt has unrestricted access to all {count} \
             accessible Home Assistant entities and services.\n\nThe atm domain is always blocked \
             regardless of token type.\n"
        ));
    } else {
        out.push_str("You have access to the following Home Assistant entities:\n");
        for entity in &access.entities {
            let permission = permission(entity.can_write);
            out.push_str(&format!("- {} ({permission})", entity.entity_id));
            if let Some(hint) = &entity.hint {
                out.push_str(" - \"");
                out.push_str(&on_one_line(hint));
                out.push('"');
            }
            out.push('\n');
        }
        if access.entities.is_empty() {
            out.push_str("(none)\n");
        }
        out.push_str(
            "\nYou cannot access any other entities. Do not attempt to call services on entities \
             not listed above.\n",
        );
    }
    out.push_str("\nCapability flags enabled for this token:\n");
    for flag in FLAGS {
        if let Some(title) = title(flag) {
            let answer = if access.has(flag) { "yes" } else { "no" };
            out.push_str(&format!("- {title}: {answer}\n"));
        }
    }
    out.push_str(&match access.rate.per_minute {
        0 => "\nRate limit: none".to_owned(),
        limit => format!(
            "\nRate limit: {limit} requests/min, burst {}/sec",
            access.rate.burst
        ),
    });
    out
}

fn permission(can_write: bool) -> &'static str {
    if can_write { "READ/WRITE" } else { "READ" }
}

/// A remark of the owner cannot pass for more than one.
fn on_one_line(hint: &str) -> String {
    hint.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

/// The document as JSON.
pub(super) fn json(access: &Access) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    string_into(&access.token_name, object.key("token_name"));
    object
        .key("pass_through")
        .push_str(truth(access.pass_through));
    let entities = object.key("entities");
    entities.push('[');
    for (at, entity) in access.entities.iter().enumerate() {
        if at > 0 {
            entities.push_str(", ");
        }
        let mut one = Object::begin(entities);
        string_into(&entity.entity_id, one.key("entity_id"));
        string_into(permission(entity.can_write), one.key("permission"));
        match &entity.area_id {
            Some(area) => string_into(area, one.key("area_id")),
            None => one.key("area_id").push_str("null"),
        }
        if let Some(hint) = &entity.hint {
            string_into(hint, one.key("hint"));
        }
        one.end();
    }
    entities.push(']');
    flags_into(access, object.key("capability_flags"));
    let mut rate = Object::begin(object.key("rate_limit"));
    for (key, value) in [
        ("requests_per_minute", access.rate.per_minute),
        ("burst_per_second", access.rate.burst),
    ] {
        rate.key(key).push_str(&value.to_string());
    }
    rate.end();
    object.end();
    ascii(&out)
}

/// The resource that tells of the token in brief.
pub(super) fn server_info(access: &Access, host: &str) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    string_into("ATM Scoped Proxy", object.key("name"));
    string_into("1.1.0", object.key("version"));
    string_into(&access.token_name, object.key("token_name"));
    object
        .key("permitted_entity_count")
        .push_str(&access.entities.len().to_string());
    flags_into(access, object.key("capability_flags"));
    for (key, path) in [
        ("native_ha_mcp_endpoint", "/api/mcp"),
        ("atm_context_endpoint", "/api/atm/mcp/context"),
    ] {
        string_into(&format!("http://{host}{path}"), object.key(key));
    }
    object.end();
    ascii(&out)
}

fn flags_into(access: &Access, out: &mut String) {
    let mut flags = Object::begin(out);
    for flag in FLAGS {
        let key = format!("allow_{}", flag.name());
        flags.key(&key).push_str(truth(access.has(flag)));
    }
    flags.end();
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    to_ascii_into(json, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use housekey_gateway::{Opened, Rate};
    use serde_json::Value as Json;

    use super::*;

    const RECORDED: &str = include_str!("../../../../../ha-fixtures/atm/mcp-protocol.json");

    fn body(name: &str) -> Json {
        let recorded: Json = serde_json::from_str(RECORDED).unwrap();
        let mut examples = recorded["examples"].as_array().unwrap().iter();
        let example = examples.find(|example| example["name"] == name).unwrap();
        example["response"]["body"].clone()
    }

    /// What a recorded document says.
    fn read(document: &Json) -> Access {
        let text = |value: &Json| value.as_str().map(str::to_owned);
        let entities = document["entities"].as_array().unwrap().iter();
        let number = |key: &str| {
            let number = document["rate_limit"][key].as_u64().unwrap();
            u32::try_from(number).unwrap()
        };
        let flags = &document["capability_flags"];
        Access {
            token_name: text(&document["token_name"]).unwrap(),
            pass_through: document["pass_through"].as_bool().unwrap(),
            entities: entities
                .map(|entity| Opened {
                    entity_id: text(&entity["entity_id"]).unwrap(),
                    can_write: entity["permission"] == "READ/WRITE",
                    area_id: text(&entity["area_id"]),
                    hint: text(&entity["hint"]).map(Into::into),
                })
                .collect(),
            capabilities: FLAGS
                .into_iter()
                .filter(|flag| flags[format!("allow_{}", flag.name())] == true)
                .collect(),
            rate: Rate {
                per_minute: number("requests_per_minute"),
                burst: number("burst_per_second"),
            },
        }
    }

    #[test]
    fn documents_as_recorded() {
        for token in ["scoped", "empty", "pass"] {
            let document = body(&format!("context json {token}"));
            let access = read(&document);
            let told: Json = serde_json::from_str(&json(&access)).unwrap();
            assert_eq!(told, document, "{token}");
            // Of the house of the last one, four entities were recorded.
            if token != "pass" {
                assert_eq!(plain(&access), body(&format!("context plain {token}")));
            }
        }
    }

    #[test]
    fn the_resource_as_recorded() {
        let recorded = body("resources/read info");
        let text = &recorded["result"]["contents"][0]["text"];
        let access = read(&body("context json scoped"));
        assert_eq!(server_info(&access, "127.0.0.1:8210"), *text);
    }
}
