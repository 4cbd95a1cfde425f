//! The JSON that the command line gets.

use housekey_gateway::{
    Anchor, Capability, Chain, Color, EntityId, Explanation, Extent, Health, Kept, Level, Node,
    Permission, ScopeListing, Step, TokenRecord, Truth, Usage, UtcMicros,
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
    let capabilities: Map<String, Value> = Capability::ALL
        .into_iter()
        .filter_map(|capability| {
            let extent = extent(token.scope.capabilities.get(capability))?;
            Some((capability.name().to_owned(), extent.into()))
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
        "capabilities": capabilities,
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

/// What a token opens in the live home.
pub(super) fn scope(token: &TokenRecord, listing: &ScopeListing) -> Value {
    let areas = listing.areas.iter().map(|area| {
        let entities = area.entities.iter().map(|entity| {
            json!({
                "entity_id": entity.id.as_str(),
                "name": entity.name,
                "can_write": entity.can_write,
            })
        });
        json!({ "area": area.name, "entities": entities.collect::<Vec<_>>() })
    });
    json!({
        "token": token.name.as_str(),
        "status": token.status.name(),
        "readable": listing.readable,
        "writable": listing.writable,
        "of": listing.of,
        "areas": areas.collect::<Vec<_>>(),
    })
}

/// Records of the audit, and the number after which the next ones come.
pub(super) fn records(records: &[Kept], last: u64) -> Value {
    let shaped = records.iter().map(|kept| {
        let record = &kept.record;
        json!({
            "seq": kept.seq,
            "at": iso(record.at),
            "request_id": record.request_id,
            "token_id": record.token_id.as_ref().map(|id| id.as_str()),
            "token_name": record.token_name,
            "principal": record.principal.as_ref().map(ToString::to_string),
            "face": record.face,
            "method": record.method,
            "resource": record.resource,
            "phase": record.phase.name(),
            "outcome": record.outcome.name(),
            "client": record.client.map(|client| client.to_string()),
            "pass_through": record.pass_through,
            "payload": record.payload.as_ref().map(|payload| payload.as_str()),
            "stale_s": record.stale_s,
            "count": record.count,
        })
    });
    json!({ "records": shaped.collect::<Vec<_>>(), "last": last })
}

/// What a check of the audit found.
pub(super) fn chain(chain: Chain) -> Value {
    match chain {
        Chain::Whole { records } => json!({ "state": "whole", "records": records }),
        Chain::Resealed {
            records,
            seq,
            fault,
        } => json!({
            "state": "resealed",
            "records": records,
            "seq": seq,
            "what": fault.name(),
            "message": fault.text(),
        }),
        Chain::Broken { seq, damage } => json!({
            "state": "broken",
            "seq": seq,
            "what": damage.name(),
            "message": damage.to_string(),
        }),
    }
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

fn extent(extent: Extent) -> Option<&'static str> {
    match extent {
        Extent::Off => None,
        Extent::Ask => Some("ask"),
        Extent::Scoped => Some("scoped"),
        Extent::On => Some("on"),
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
