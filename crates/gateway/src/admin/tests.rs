//! An owner's business at the desk, with and without a live home.

use std::sync::atomic::{AtomicU8, Ordering};

use housekey_policy::capability::{Capability, Extent};
use housekey_policy::tree::Anchor;
use tokio::time::Instant;

use super::*;
use crate::anchors::tests::home;
use crate::limits;

struct Office {
    store: Store,
    dice: Box<dyn Fn() -> [u8; 32] + Send + Sync>,
    home: Option<Snapshot>,
    requests: AtomicU8,
}

const NOW: i64 = 1_795_435_200_000_000;

impl Office {
    fn new() -> Self {
        let rolled = AtomicU8::new(1);
        Self {
            store: Store::in_memory().unwrap(),
            dice: Box::new(move || [rolled.fetch_add(1, Ordering::Relaxed); 32]),
            home: None,
            requests: AtomicU8::new(1),
        }
    }

    async fn ask(&self, request: AdminRequest) -> AdminReply {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let desk = Desk {
            store: &self.store,
            home: self.home.clone(),
            principal: Principal::Local(1000),
            request_id: format!("r{number}"),
            now: UtcMicros(NOW),
            random: &*self.dice,
        };
        desk.perform(request).await
    }

    /// A token `t` with these grants, each `read:light.a` and the like.
    async fn token(&self, grants: &[&str]) {
        let order = TokenOrder {
            name: "t".repeat(3),
            grants: grants_of(grants).set,
            pass_through: false,
            use_assist_exposure: false,
            rate_per_minute: 60,
            rate_burst: 10,
            expires_at: None,
        };
        let made = self.ask(AdminRequest::CreateToken(order)).await;
        assert!(matches!(made, AdminReply::Created { .. }), "{made:?}");
    }

    async fn permit(&self, items: &[&str]) -> AdminReply {
        self.ask(AdminRequest::PermitToken {
            token: "ttt".to_owned(),
            edit: grants_of(items),
        })
        .await
    }

    async fn change(&self, change: TokenChange) -> AdminReply {
        let token = "ttt".to_owned();
        self.ask(AdminRequest::ChangeToken { token, change }).await
    }

    fn record(&self) -> Arc<TokenRecord> {
        let [token] = &*self.store.tokens().list() else {
            panic!("one token");
        };
        token.clone()
    }

    /// The nodes of the token: id, color, and the registry id that it is tied to.
    fn nodes(&self) -> Vec<String> {
        let record = self.record();
        let tree = &record.scope.tree;
        let domains = tree
            .domains()
            .map(|(domain, node)| format!("{domain} {:?}", node.color));
        let devices = tree
            .devices()
            .map(|(id, node)| format!("device:{id} {:?}", node.color));
        let entities = tree.entities().map(|(id, node)| {
            let tied = match &node.anchor {
                Anchor::Unresolved => "?".to_owned(),
                Anchor::Unregistered => "-".to_owned(),
                Anchor::Registered(id) => id.as_str().to_owned(),
            };
            format!("{id} {:?} {tied}", node.node.color)
        });
        domains.chain(devices).chain(entities).collect()
    }

    /// What the audit holds: request, method, phase, outcome and payload.
    async fn audit(&self) -> Vec<String> {
        assert!(
            self.store
                .audit()
                .drain(Instant::now() + limits::AUDIT_WAIT_MAX)
                .await
        );
        let kept = self.store.audit().read_after(0, 100).unwrap();
        let words = kept.into_iter().map(|kept| {
            let r = kept.record;
            let payload = r.payload.as_ref().map_or("", |payload| payload.as_str());
            let (phase, outcome) = (r.phase.name(), r.outcome.name());
            let id = r.request_id;
            format!(
                "{id} {} {} {phase} {outcome} {payload}",
                r.method, r.resource
            )
            .trim_end()
            .to_owned()
        });
        words.collect()
    }
}

fn grants_of(items: &[&str]) -> GrantEdit {
    let mut edit = GrantEdit::default();
    for item in items {
        let (field, item) = item.split_once(' ').unwrap();
        match field {
            "read" => &mut edit.set.read,
            "write" => &mut edit.set.write,
            "deny" => &mut edit.set.deny,
            "clear" => &mut edit.clear,
            other => panic!("{other}"),
        }
        .push(item.to_owned());
    }
    edit
}

fn problem(reply: &AdminReply) -> (&'static str, &str) {
    let AdminReply::Invalid { field, problem } = reply else {
        panic!("{reply:?}");
    };
    (field, problem)
}

fn remarks(reply: AdminReply) -> Vec<String> {
    let AdminReply::Changed { remarks, .. } = reply else {
        panic!("{reply:?}");
    };
    remarks
}

#[tokio::test]
async fn grants_are_set_and_cleared_and_the_rest_stays() {
    let office = Office::new();
    office
        .token(&["read light", "write light.a", "deny lock", "read device:d1"])
        .await;
    let edit = [
        "write light",
        "deny light.a",
        "clear lock",
        "clear device:d1",
        "read sensor",
    ];
    assert!(remarks(office.permit(&edit).await).is_empty());
    assert_eq!(
        office.nodes(),
        ["light Green", "sensor Yellow", "light.a Red ?"]
    );
    remarks(office.permit(&["clear light.a", "clear light.b"]).await);
    assert_eq!(office.nodes(), ["light Green", "sensor Yellow"]);

    for (edit, field) in [
        (&["read Light"][..], "read"),
        (&["clear light.*"][..], "clear"),
        (&["read light", "clear light"][..], "clear"),
        (&[][..], "grants"),
    ] {
        let reply = office.permit(edit).await;
        assert_eq!(problem(&reply).0, field, "{edit:?}");
    }
    assert_eq!(office.nodes(), ["light Green", "sensor Yellow"]);
}

/// The entity that was denied was renamed, and another one took its id.
#[tokio::test]
async fn a_denial_is_not_lost_to_a_newcomer_with_the_old_id() {
    let mut office = Office::new();
    office.home = Some(home(&[("light.a", "1")], &["light.a"]));
    office.token(&["deny light.a", "read light"]).await;
    assert_eq!(office.nodes(), ["light Yellow", "light.a Red 1"]);
    office.home = Some(home(
        &[("light.b", "1"), ("light.a", "2")],
        &["light.a", "light.b"],
    ));
    let said = remarks(office.permit(&["write light.a"]).await);
    assert_eq!(
        office.nodes(),
        ["light Yellow", "light.a Green 2", "light.b Red 1"]
    );
    assert_eq!(
        said,
        ["light.a is called light.b by now; its grant went with it"]
    );
    let audit = office.audit().await;
    let followed = r#"{"followed": ["light.a -> light.b"]}"#;
    let outcome = format!("r2 token.permit token:ttt outcome allowed {followed}");
    assert_eq!(audit.last(), Some(&outcome));
}

#[tokio::test]
async fn to_clear_an_id_clears_what_has_it_at_present() {
    let mut office = Office::new();
    office.home = Some(home(&[("light.a", "1"), ("light.b", "2")], &[]));
    office.token(&["deny light.a", "read light.b"]).await;
    // The two change names.
    office.home = Some(home(&[("light.a", "2"), ("light.b", "1")], &[]));
    remarks(office.permit(&["clear light.a"]).await);
    assert_eq!(office.nodes(), ["light.b Red 1"]);
}

#[tokio::test]
async fn without_the_home_a_node_stays_with_its_entity() {
    let mut office = Office::new();
    office.home = Some(home(&[("light.a", "1")], &["light.a", "sensor.raw"]));
    office.token(&["deny light.a", "deny sensor.raw"]).await;
    office.home = None;
    for edit in ["read light.a", "deny light.a"] {
        let reply = office.permit(&["read sensor", edit]).await;
        let (_, problem) = problem(&reply);
        assert!(problem.contains("housekey serve"), "{problem}");
    }
    assert_eq!(office.nodes(), ["light.a Red 1", "sensor.raw Red -"]);
    remarks(
        office
            .permit(&["read sensor.raw", "read light", "read light.b"])
            .await,
    );
    let nodes = [
        "light Yellow",
        "light.a Red 1",
        "light.b Yellow ?",
        "sensor.raw Yellow ?",
    ];
    assert_eq!(office.nodes(), nodes);
    remarks(office.permit(&["clear light.a"]).await);
    assert_eq!(office.record().scope.tree.entities().count(), 2);
}

#[tokio::test]
async fn everything_of_a_token_can_be_changed_and_what_is_not_named_stays() {
    let office = Office::new();
    office.token(&["read light"]).await;
    let change = TokenChange {
        name: Some("kitchen".to_owned()),
        expires_at: Some(Some(UtcMicros(NOW + 1_000_000))),
        rate_per_minute: Some(7),
        allow: vec!["template-render".to_owned(), "restart".to_owned()],
        use_assist_exposure: Some(true),
        suspended: Some(true),
        ..TokenChange::default()
    };
    let before = office.record();
    remarks(office.change(change).await);
    let token = office.record();
    assert_eq!(token.name.as_str(), "kitchen");
    assert_eq!(token.expires_at, Some(UtcMicros(NOW + 1_000_000)));
    assert_eq!((token.rate.per_minute, token.rate.burst), (7, 10));
    assert_eq!(token.status, TokenStatus::Suspended);
    assert!(token.scope.use_assist_exposure && !token.scope.pass_through);
    assert_eq!(token.scope.tree, before.scope.tree);
    assert!(token.generation > before.generation);
    let extent = |token: &TokenRecord, capability| token.scope.capabilities.get(capability);
    assert_eq!(extent(&token, Capability::TemplateRender), Extent::On);

    let change = TokenChange {
        expires_at: Some(None),
        rate_per_minute: Some(0),
        forbid: vec!["restart".to_owned()],
        pass_through: Some(true),
        suspended: Some(false),
        ..TokenChange::default()
    };
    let token = "kitchen".to_owned();
    let changed = office
        .ask(AdminRequest::ChangeToken { token, change })
        .await;
    assert_eq!(remarks(changed).len(), 1, "the grants sleep");
    let token = office.record();
    assert_eq!(
        (token.expires_at, token.status),
        (None, TokenStatus::Active)
    );
    assert_eq!((token.rate.per_minute, token.rate.burst), (0, 0));
    assert_eq!(extent(&token, Capability::Restart), Extent::Off);
    assert_eq!(extent(&token, Capability::TemplateRender), Extent::On);
}

#[tokio::test]
async fn what_cannot_be_changed_is_said_and_nothing_is() {
    let office = Office::new();
    office.token(&["read light"]).await;
    let order = TokenOrder {
        name: "other".to_owned(),
        grants: Grants::default(),
        pass_through: false,
        use_assist_exposure: false,
        rate_per_minute: 60,
        rate_burst: 10,
        expires_at: None,
    };
    office.ask(AdminRequest::CreateToken(order)).await;
    type Set = fn(&mut TokenChange);
    let changes: [(Set, &str); 9] = [
        (|_| {}, "change"),
        (|change| change.name = Some("x".to_owned()), "name"),
        (|change| change.name = Some("OTHER".to_owned()), "name"),
        (
            |change| change.expires_at = Some(Some(UtcMicros(NOW))),
            "expires_at",
        ),
        (
            |change| change.rate_per_minute = Some(100_001),
            "rate_per_minute",
        ),
        (|change| change.rate_burst = Some(100_001), "rate_burst"),
        (|change| change.allow.push("fly".to_owned()), "allow"),
        (|change| change.forbid.push("fly".to_owned()), "forbid"),
        (
            |change| (change.allow, change.forbid) = (both(), both()),
            "allow",
        ),
    ];
    for (set, field) in changes {
        let mut change = TokenChange::default();
        set(&mut change);
        let reply = office.change(change).await;
        assert_eq!(problem(&reply).0, field, "{reply:?}");
    }
    let token = "nobody".to_owned();
    let change = TokenChange::default();
    let reply = office
        .ask(AdminRequest::ChangeToken { token, change })
        .await;
    assert!(matches!(reply, AdminReply::NotFound { .. }), "{reply:?}");
}

#[tokio::test]
async fn every_act_is_an_intent_and_an_outcome_of_one_request() {
    let office = Office::new();
    office.token(&["read light", "deny lock"]).await;
    remarks(office.permit(&["write light", "clear lock"]).await);
    let suspend = TokenChange {
        suspended: Some(true),
        ..TokenChange::default()
    };
    remarks(office.change(suspend).await);
    let token = || "ttt".to_owned();
    let rotated = office
        .ask(AdminRequest::RotateToken { token: token() })
        .await;
    assert!(
        matches!(&rotated.ends(), Some(Ends::Streams(_))),
        "{rotated:?}"
    );
    let revoked = office
        .ask(AdminRequest::RevokeToken { token: token() })
        .await;
    assert!(
        matches!(&revoked.ends(), Some(Ends::Token(_))),
        "{revoked:?}"
    );
    office
        .ask(AdminRequest::RevokeToken { token: token() })
        .await;
    office
        .ask(AdminRequest::ListTokens { archived: true })
        .await;
    let made = r#"{"read": ["light"], "deny": ["lock"], "rate_per_minute": 60, "rate_burst": 10}"#;
    let expected = [
        format!("r1 token.create token:ttt intent allowed {made}"),
        "r1 token.create token:ttt outcome allowed".to_owned(),
        r#"r2 token.permit token:ttt intent allowed {"write": ["light"], "clear": ["lock"]}"#
            .into(),
        "r2 token.permit token:ttt outcome allowed".to_owned(),
        r#"r3 token.change token:ttt intent allowed {"suspended": true}"#.to_owned(),
        "r3 token.change token:ttt outcome allowed".to_owned(),
        "r4 token.rotate token:ttt intent allowed".to_owned(),
        "r4 token.rotate token:ttt outcome allowed".to_owned(),
        "r5 token.revoke token:ttt intent allowed".to_owned(),
        "r5 token.revoke token:ttt outcome allowed".to_owned(),
    ];
    assert_eq!(office.audit().await, expected);
}

#[tokio::test]
async fn what_the_store_refuses_is_on_record_as_such() {
    let office = Office::new();
    office.token(&[]).await;
    let order = TokenOrder {
        name: "TTT".to_owned(),
        grants: Grants::default(),
        pass_through: false,
        use_assist_exposure: false,
        rate_per_minute: 60,
        rate_burst: 10,
        expires_at: None,
    };
    let reply = office.ask(AdminRequest::CreateToken(order)).await;
    assert_eq!(problem(&reply).0, "name");
    let audit = office.audit().await;
    assert_eq!(audit[3], "r2 token.create token:TTT outcome denied");
}

#[tokio::test]
async fn a_scope_lists_what_the_token_opens_and_nothing_else() {
    let mut office = Office::new();
    office
        .token(&["read sensor", "write light.a", "deny sensor.b"])
        .await;
    let token = || "ttt".to_owned();
    let reply = office.ask(AdminRequest::Scope { token: token() }).await;
    assert!(matches!(reply, AdminReply::NeedsLiveHome), "{reply:?}");
    let states = ["sensor.a", "sensor.b", "light.a", "lock.a"];
    office.home = Some(home(&[("light.a", "1")], &states));
    let reply = office.ask(AdminRequest::Scope { token: token() }).await;
    let AdminReply::Scope { listing, .. } = reply else {
        panic!("{reply:?}");
    };
    assert_eq!((listing.readable, listing.writable, listing.of), (2, 1, 4));
    let [area] = &*listing.areas else {
        panic!("{listing:?}");
    };
    let entities = area.entities.iter().map(|e| (e.id.as_str(), e.can_write));
    assert_eq!(
        entities.collect::<Vec<_>>(),
        [("light.a", true), ("sensor.a", false)]
    );
}

fn both() -> Vec<String> {
    vec!["restart".to_owned()]
}

/// Six records of three acts on one token.
async fn busy_office() -> Office {
    let office = Office::new();
    office.token(&[]).await;
    remarks(office.permit(&["read light"]).await);
    remarks(office.permit(&["read sensor"]).await);
    assert_eq!(office.audit().await.len(), 6);
    office
}

impl Office {
    async fn read(&self, set: impl FnOnce(&mut AuditQuery)) -> AdminReply {
        let mut query = AuditQuery {
            limit: 100,
            ..AuditQuery::default()
        };
        set(&mut query);
        self.ask(AdminRequest::ReadAudit(query)).await
    }
}

/// The numbers of records, and after which the next ones come.
fn seqs(reply: AdminReply) -> (Vec<u64>, u64) {
    let AdminReply::Records { records, last } = reply else {
        panic!("{reply:?}");
    };
    (records.iter().map(|kept| kept.seq).collect(), last)
}

#[tokio::test]
async fn the_audit_is_read_by_number_token_and_outcome() {
    let office = busy_office().await;
    assert_eq!(
        seqs(office.read(|query| query.limit = 2).await),
        (vec![5, 6], 6)
    );
    let after = |after| office.read(move |query| query.after = Some(after));
    assert_eq!(seqs(after(4).await), (vec![5, 6], 6));
    assert_eq!(seqs(after(6).await), (vec![], 6));
    let outcome = |name: &'static str| office.read(move |q| q.outcome = Some(name.to_owned()));
    assert_eq!(seqs(outcome("denied").await), (vec![], 6));
    assert_eq!(seqs(outcome("allowed").await).0.len(), 6);
    assert_eq!(problem(&outcome("fine").await).0, "outcome");
    for token in ["ttt".to_owned(), office.record().id.to_string()] {
        let reply = office
            .read(|query| (query.token, query.limit) = (Some(token), 1))
            .await;
        assert_eq!(seqs(reply), (vec![6], 6));
    }
    let other = office
        .read(|query| query.token = Some("other".to_owned()))
        .await;
    assert_eq!(seqs(other), (vec![], 6));
    for limit in [0, 10_001] {
        let reply = office.read(|query| query.limit = limit).await;
        assert_eq!(problem(&reply).0, "limit");
    }
}

#[tokio::test]
async fn a_request_is_shown_with_all_its_records_and_the_chain_is_checked() {
    let office = busy_office().await;
    let show = |id: &str| {
        office.ask(AdminRequest::ShowRequest {
            request_id: id.to_owned(),
        })
    };
    assert_eq!(seqs(show("r2").await), (vec![3, 4], 4));
    let reply = show("r99").await;
    assert!(
        matches!(reply, AdminReply::NoSuchRequest { .. }),
        "{reply:?}"
    );
    let reply = office.ask(AdminRequest::CheckAudit).await;
    let is_whole = matches!(reply, AdminReply::Chain(Chain::Whole { records: 6 }));
    assert!(is_whole, "{reply:?}");
}
