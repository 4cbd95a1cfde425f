//! What the sample databases hold; the same words write one and check one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use housekey_home::id::{DeviceId, EntityId, RegistryId};
use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use housekey_policy::capability::{Capability, Extent};
use housekey_policy::tree::{Anchor, Color, EntityNode, Node};
use housekey_store::audit::{Client, FailedAuthentication, Outcome, Payload, Phase, Record};
use housekey_store::token::{NewToken, Rate};
use housekey_store::{Presented, Principal, RawToken, Store, TokenId, TokenName, TokenRecord};

/// Seals the audit of a sample.
pub(crate) const KEY: [u8; 32] = [0xa5; 32];

fn node(color: Color, hint: Option<&str>) -> Node {
    Node {
        color,
        hint: hint.map(Arc::from),
    }
}

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope
        .tree
        .set_domain("light", node(Color::Green, Some("all lights, \"dimmed\"")));
    scope
        .tree
        .set_device(DeviceId::new("0123456789abcdef"), node(Color::Red, None));
    let entities = [
        ("sensor.a", Color::Yellow, Anchor::Unregistered),
        ("sensor.b", Color::Grey, Anchor::Unresolved),
        (
            "lock.c",
            Color::Green,
            Anchor::Registered(RegistryId::new("fedcba9876543210")),
        ),
    ];
    for (id, color, anchor) in entities {
        let node = node(color, Some("küche"));
        scope
            .tree
            .set_entity(EntityId::parse(id).unwrap(), EntityNode { node, anchor });
    }
    scope
        .capabilities
        .set(Capability::TemplateRender, Extent::On);
    scope
        .capabilities
        .set(Capability::PhysicalControl, Extent::Ask);
    scope
        .capabilities
        .set(Capability::Broadcast, Extent::Scoped);
    scope.use_assist_exposure = true;
    scope
}

fn secret(number: u8) -> RawToken {
    RawToken::from_random([number; 32])
}

fn id(number: u8) -> TokenId {
    TokenId::from_random([number; 16])
}

fn new_token(number: u8, name: &str, scope: Scope) -> NewToken {
    NewToken {
        id: id(number),
        name: TokenName::parse(name).unwrap(),
        created_by: Principal::HaAdmin(Arc::from("00112233445566778899aabbccddeeff")),
        expires_at: (number == 2).then_some(UtcMicros(2_000_000_000_000_000)),
        scope,
        rate: Rate {
            per_minute: 0,
            burst: 7,
        },
    }
}

fn record() -> Record {
    Record {
        request_id: "8f14e45f".to_owned(),
        at: UtcMicros(1_795_410_843_973_330),
        token_id: Some(id(1)),
        token_name: Some("kitchen-tablet".to_owned()),
        principal: Some(Principal::Token(id(1))),
        face: "atm".into(),
        method: "call_service".into(),
        resource: "service:light/turn_on".to_owned(),
        outcome: Outcome::Allowed,
        client: Client::parse("2001:db8::1"),
        pass_through: false,
        payload: Some(Payload::new(r#"{"entity_id":"light.küche"}"#.to_owned())),
        stale_s: Some(12),
        phase: Phase::Intent,
        count: 1,
    }
}

/// Writes a sample into an empty directory.
pub(crate) fn write(directory: &Path) {
    let store = Store::open(directory, KEY).unwrap();
    let tokens = store.tokens();
    let create = |number: u8, name: &str, scope: Scope| {
        let at = UtcMicros(1_795_410_000_000_000 + i64::from(number));
        tokens
            .create(new_token(number, name, scope), &secret(number), at)
            .unwrap()
    };
    create(1, "kitchen-tablet", scope()).touch(UtcMicros(1_795_410_500_000_000));
    create(2, "everything", Scope::unrestricted());
    create(3, "old-phone", Scope::default());
    create(4, "guest", Scope::default());
    tokens
        .update(&id(2), UtcMicros(1_795_410_100_000_000), |edit| {
            edit.suspended = true
        })
        .unwrap();
    tokens
        .revoke(&id(3), UtcMicros(1_795_410_200_000_000))
        .unwrap();
    tokens
        .expire(&id(4), UtcMicros(1_795_410_300_000_000))
        .unwrap();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let soon = tokio::time::Instant::now() + Duration::from_secs(30);
        let mut slot = store.audit().reserve(soon).await.unwrap();
        slot.commit(record()).await.unwrap();
        slot.send(Record {
            outcome: Outcome::Fault,
            phase: Phase::Outcome,
            payload: None,
            stale_s: None,
            ..record()
        });
    });
    store.audit().failed_authentication(FailedAuthentication {
        request_id: "0cc175b9".to_owned(),
        at: UtcMicros(1_795_410_844_000_000),
        client: Some(Client::Uid(1000)),
        face: "local".into(),
        method: "GET".into(),
        resource: "/mcp".to_owned(),
    });
    store.close();
}

/// What a store holds, in words that do not change when a type gets another field.
pub(crate) fn describe(store: &Store) -> String {
    let mut lines = Vec::new();
    let tokens = store.tokens().list();
    for token in tokens.iter().chain(&store.tokens().archived()) {
        describe_token(token, &mut lines);
    }
    for number in 1..=4 {
        let presented = Presented::parse(secret(number).expose()).unwrap();
        let found = store.tokens().find(&presented).map(|t| t.name.to_string());
        lines.push(format!("secret {number} opens {found:?}"));
    }
    for kept in store.audit().read(100, 0).unwrap() {
        let r = kept.record;
        let (principal, client) = (r.principal.map(|p| p.to_string()), r.client);
        let payload = r.payload.as_ref().map(Payload::as_str);
        lines.push(format!(
            "record {} of {} at {}",
            kept.seq, r.request_id, r.at.0
        ));
        lines.push(format!(
            "  token {:?} {:?}, {principal:?}",
            r.token_id, r.token_name
        ));
        lines.push(format!(
            "  {} {} {:?} from {client:?}",
            r.face, r.method, r.resource
        ));
        lines.push(format!(
            "  {} {} x{}",
            r.phase.name(),
            r.outcome.name(),
            r.count
        ));
        lines.push(format!("  {payload:?} {:?} {}", r.stale_s, r.pass_through));
    }
    lines.push(format!("{:?}", store.audit().check().unwrap()));
    lines.join("\n") + "\n"
}

fn describe_token(token: &TokenRecord, lines: &mut Vec<String>) {
    let micros = |at: Option<UtcMicros>| at.map(|at| at.0);
    lines.push(format!(
        "token {} {} {}",
        token.id,
        token.name,
        token.status.name()
    ));
    lines.push(format!(
        "  made {} by {}",
        token.created_at.0, token.created_by
    ));
    lines.push(format!(
        "  generation {} of {}",
        token.generation, token.updated_at.0
    ));
    lines.push(format!(
        "  rate {} {}",
        token.rate.per_minute, token.rate.burst
    ));
    let (until, used) = (micros(token.expires_at), micros(token.last_used_at()));
    lines.push(format!(
        "  until {until:?}, used {used:?}, ended {:?}",
        micros(token.ended_at)
    ));
    let scope = &token.scope;
    lines.push(format!(
        "  {} {}",
        scope.pass_through, scope.use_assist_exposure
    ));
    for capability in Capability::ALL {
        let extent = scope.capabilities.get(capability);
        lines.push(format!("  {} {extent:?}", capability.name()));
    }
    for (domain, node) in scope.tree.domains() {
        lines.push(format!("  {domain} {:?} {:?}", node.color, node.hint));
    }
    for (device, node) in scope.tree.devices() {
        lines.push(format!("  {device} {:?} {:?}", node.color, node.hint));
    }
    for (id, EntityNode { node, anchor }) in scope.tree.entities() {
        lines.push(format!(
            "  {id} {:?} {:?} {anchor:?}",
            node.color, node.hint
        ));
    }
}
