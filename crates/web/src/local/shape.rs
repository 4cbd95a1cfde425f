//! The JSON that the command line gets.

use housekey_gateway::{
    Anchor, Color, EntityId, Explanation, Health, Level, Node, Permission, Step, TokenRecord,
    Truth, Usage, UtcMicros,
};
use serde_json::{Map, Value, json};

/// Adds a member to an object.
pub(super) fn add(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// A token, without its secret and its hash.
pub(super) fn token(token: &TokenRecord, usage: Usage) -> Value {
    let tree = &token.scope.tree;
    let domains: Map<String, Value> = tree
        .domains()
        .map(|(domain, at)| (domain.to_string(), node(at)))
        .collect();
    let devices: Map<String, Value> = tree
        .devices()
        .map(|(device, at)| (device.to_string(), node(at)))
        .collect();
    let entities: Map<String, Value> = tree
        .entities()
        .map(|(entity, at)| {
            let mut shaped = node(&at.node);
            add(&mut shaped, "anchor", anchor(&at.anchor).into());
            (entity.to_string(), shaped)
        })
        .collect();
    json!({
        "id": token.id.as_str(),
        "name": token.name.as_str(),
        "status": token.status.name(),
        "created_at": iso(token.created_at),
        "created_by": token.created_by.to_string(),
        "updated_at": iso(token.updated_at),
        "expires_at": token.expires_at.map(iso),
        "ended_at": token.ended_at.map(iso),
        "last_used_at": token.last_used_at().map(iso),
        "pass_through": token.scope.pass_through,
        "use_assist_exposure": token.scope.use_assist_exposure,
        "grants": { "domains": domains, "devices": devices, "entities": entities },
        "rate": { "per_minute": token.rate.per_minute, "burst": token.rate.burst },
        "since_start": {
            "requests": usage.requests,
            "denied": usage.denied,
            "rate_limited": usage.rate_limited,
        },
    })
}

/// Why a token may or may not read and write an entity.
pub(super) fn explanation(entity: &EntityId, explanation: &Explanation) -> Value {
    json!({
        "entity": entity.to_string(),
        "can_read": explanation.permission.can_read(),
        "can_write": explanation.permission.can_write(),
        "verdict": verdict(explanation.permission),
        "steps": explanation.steps.iter().map(step).collect::<Vec<_>>(),
        "hint": explanation.hint.as_deref(),
    })
}

/// How the program is.
pub(super) fn status(health: &Health) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": health.is_ready,
        "home_is_live": health.home_is_live,
        "home_is_starting": health.home_is_starting,
        "stale_s": health.stale_s,
        "audit_is_writable": health.audit_is_writable,
    })
}

fn iso(at: UtcMicros) -> String {
    at.iso_utc().to_string()
}

fn node(node: &Node) -> Value {
    match &node.hint {
        Some(hint) => json!({ "color": color(node.color), "hint": &**hint }),
        None => json!({ "color": color(node.color) }),
    }
}

fn anchor(anchor: &Anchor) -> &'static str {
    match anchor {
        Anchor::Registered(_) => "registered",
        Anchor::Unregistered => "unregistered",
        Anchor::Unresolved => "unresolved",
    }
}

fn color(color: Color) -> &'static str {
    match color {
        Color::Grey => "grey",
        Color::Yellow => "yellow",
        Color::Green => "green",
        Color::Red => "red",
    }
}

fn verdict(permission: Permission) -> &'static str {
    match permission {
        Permission::Write => "write",
        Permission::Read => "read",
        Permission::Refused(Truth::Absent) => "absent",
        Permission::Refused(Truth::Denied) => "denied",
        Permission::Refused(Truth::NoGrant) => "no_grant",
    }
}

fn step(step: &Step) -> Value {
    match step {
        Step::Absent => json!({ "step": "absent" }),
        Step::Blocked => json!({ "step": "blocked" }),
        Step::NotExposed => json!({ "step": "not_exposed" }),
        Step::PassThrough => json!({ "step": "pass_through" }),
        Step::Node {
            level,
            color: shade,
            red_only,
        } => json!({
            "step": "node",
            "level": level_name(*level),
            "color": color(*shade),
            "red_only": red_only,
        }),
        Step::NoGrant => json!({ "step": "no_grant" }),
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Entity => "entity",
        Level::Device => "device",
        Level::Domain => "domain",
    }
}
