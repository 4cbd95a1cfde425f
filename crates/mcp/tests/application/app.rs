//! `TestApp`, the program without its sockets.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use axum::body::Body;
use housekey_gateway::{
    AdminReply, AdminRequest, Capability, Color, Gateway, GatewayConfig, Grants, Node, Principal,
    Surroundings, TokenChange, TokenOrder, UtcMicros,
};
use housekey_home::replica::Replica;
use housekey_home::snapshot::Snapshot;
use housekey_link::{Absence, House, Link};
use housekey_mcp::McpConfig;
use housekey_sim::Dump;
use housekey_store::audit::{AuditConfig, Record};
use housekey_store::{Store, StoreConfig};
use housekey_web::{Front, Names, Peer, ServeConfig};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(10);
/// 2026-11-23T12:00:00Z.
const START: i64 = 1_795_435_200_000_000;

/// A recorded home, a store in memory, and both faces. Dropped, it fails the test if a request that
/// was admitted left no record.
pub(crate) struct TestApp {
    pub(crate) gateway: Gateway,
    pub(crate) shutdown: CancellationToken,
    front: Front,
    store: Arc<Store>,
    house: watch::Sender<House>,
    snapshot: Snapshot,
    seen: usize,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The messages of an event stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A folder of recordings.
pub(crate) fn recordings(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../ha-fixtures")
        .join(folder)
}

/// A recorded file of a release.
pub(crate) fn recording(release: &str, path: &str) -> PathBuf {
    recordings("native").join(release).join(path)
}

impl TestApp {
    /// Where requests come from.
    pub(crate) const PEER: Peer = Peer::Network(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));

    pub(crate) fn new() -> Self {
        Self::of("2026.11.0")
    }

    /// The recorded home of a release.
    pub(crate) fn of(release: &str) -> Self {
        let dump = recording(release, "dump");
        let parts = Dump::read(&dump).unwrap().parts().unwrap();
        let snapshot = Replica::new(parts).snapshot();
        let live = House::Live {
            snapshot: snapshot.clone(),
            starting: false,
        };
        let (house, houses) = watch::channel(live);
        let config = StoreConfig {
            audit: AuditConfig {
                batch_ms: 1,
                ..AuditConfig::default()
            },
        };
        let store = Arc::new(Store::in_memory_with(&config).unwrap());
        let (clock, dice) = (AtomicI64::new(START), AtomicU8::new(1));
        let surroundings = Surroundings {
            now: Arc::new(move || UtcMicros(clock.fetch_add(1, Ordering::Relaxed))),
            random: Arc::new(move || [dice.fetch_add(1, Ordering::Relaxed); 32]),
        };
        let link = Link::from_houses(houses);
        let gateway = Gateway::new(
            Arc::clone(&store),
            link,
            surroundings,
            GatewayConfig::default(),
        );
        let shutdown = CancellationToken::new();
        let names = Names::new(&[], &[], &[]).unwrap();
        let mcp = McpConfig::new(names.hosts(), names.origins(), shutdown.clone());
        let router = housekey_mcp::router(gateway.clone(), mcp)
            .merge(housekey_web::health::router(gateway.clone()));
        let grace = Duration::from_secs(1);
        let config = ServeConfig {
            names,
            trusted_proxies: Vec::new(),
            shutdown_grace: grace,
        };
        let front = Front::new(router, Arc::new(config));
        Self {
            gateway,
            shutdown,
            front,
            store,
            house,
            snapshot,
            seen: 0,
        }
    }

    /// Makes a token; its bearer header. The record of the order counts as seen.
    pub(crate) async fn token(&mut self, order: TokenOrder) -> String {
        let request = AdminRequest::CreateToken(order);
        let reply = self
            .gateway
            .admin(Principal::Session, "admin".to_owned(), request)
            .await;
        let AdminReply::Created { secret, .. } = reply else {
            panic!("{reply:?}")
        };
        self.records().await;
        format!("Bearer {}", secret.expose())
    }

    /// A token that passes through: what it gets is what Home Assistant's administrator gets.
    pub(crate) async fn unrestricted(&mut self) -> String {
        self.token(TokenOrder {
            pass_through: true,
            ..order("unrestricted")
        })
        .await
    }

    /// Gives a token a capability.
    pub(crate) async fn allow(&mut self, name: &str, capability: Capability) {
        let change = TokenChange {
            allow: vec![capability.name().to_owned()],
            ..TokenChange::default()
        };
        let token = name.to_owned();
        let request = AdminRequest::ChangeToken { token, change };
        let reply = self
            .gateway
            .admin(Principal::Session, "admin".to_owned(), request)
            .await;
        assert!(matches!(reply, AdminReply::Changed { .. }), "{reply:?}");
        self.records().await;
    }

    /// Lets a token read a domain, with a remark.
    pub(crate) fn hint(&self, name: &str, domain: &str, hint: &str) {
        let tokens = self.store.tokens().list();
        let token = tokens.iter().find(|token| &*token.name.to_string() == name);
        let node = Node {
            color: Color::Yellow,
            hint: Some(hint.into()),
        };
        self.store
            .tokens()
            .update(&token.unwrap().id, UtcMicros(START), |edit| {
                edit.scope.tree.set_domain(domain, node.clone());
            })
            .unwrap();
    }

    pub(crate) async fn revoke(&mut self, name: &str) {
        let request = AdminRequest::RevokeToken {
            token: name.to_owned(),
        };
        let reply = self
            .gateway
            .admin(Principal::Session, "admin".to_owned(), request)
            .await;
        assert!(matches!(reply, AdminReply::Revoked(_)), "{reply:?}");
        self.records().await;
    }

    pub(crate) fn lose_home(&self) {
        self.house.send_replace(House::Absent {
            why: Absence::Unreachable,
        });
    }

    pub(crate) fn let_home_grow_stale(&self) {
        let snapshot = self.snapshot.clone();
        let stale = House::Stale {
            snapshot,
            since: Instant::now(),
            starting: false,
        };
        self.house.send_replace(stale);
    }

    /// Asks, and reads the head of the answer only.
    pub(crate) async fn open(&self, request: Request<Body>) -> http::Response<Body> {
        self.front.answer(Self::PEER, request).await
    }

    /// What every request passes.
    pub(crate) fn front(&self) -> Front {
        self.front.clone()
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect())
            .await
            .unwrap()
            .unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        }
    }

    /// A POST with the headers of a usual client.
    pub(crate) async fn post(&self, path: &str, bearer: &str, body: impl Into<Body>) -> Answer {
        self.ask(post(path, bearer).body(body.into()).unwrap())
            .await
    }

    /// The records since the last look, the oldest first; waits until all are on the disk.
    pub(crate) async fn records(&mut self) -> Vec<Record> {
        let deadline = Instant::now() + PATIENCE;
        while self.store.audit().pending() > 0 {
            assert!(Instant::now() < deadline, "a record is not written");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut all = self.store.audit().read(usize::MAX, 0).unwrap();
        all.reverse();
        let new = all.split_off(self.seen);
        self.seen += new.len();
        new.into_iter().map(|kept| kept.record).collect()
    }

    /// Waits for as many records; the one of a failed authentication has no place that could be
    /// waited for.
    pub(crate) async fn records_of(&mut self, count: usize) -> Vec<Record> {
        let deadline = Instant::now() + PATIENCE;
        let mut records = self.records().await;
        while records.len() < count {
            assert!(Instant::now() < deadline, "missing records: {records:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
            records.extend(self.records().await);
        }
        assert_eq!(records.len(), count, "{records:?}");
        records
    }

    /// The one record since the last look, as `method outcome`.
    pub(crate) async fn one_record(&mut self) -> String {
        let records = self.records_of(1).await;
        let [record] = records.as_slice() else {
            panic!("expected one record: {records:?}")
        };
        format!("{} {}", record.method, record.outcome.name())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.shutdown.cancel();
        let deadline = Instant::now() + PATIENCE;
        while self.store.audit().pending() > 0 {
            assert!(Instant::now() < deadline, "a request left no record");
            std::thread::yield_now();
        }
        let unseen = self.store.audit().read(usize::MAX, 0).unwrap().len() - self.seen;
        assert_eq!(unseen, 0, "the test did not look at all records");
    }
}

/// A token that opens nothing, with no limit of its rate.
pub(crate) fn order(name: &str) -> TokenOrder {
    TokenOrder {
        name: name.to_owned(),
        grants: Grants::default(),
        pass_through: false,
        use_assist_exposure: false,
        rate_per_minute: 0,
        rate_burst: 0,
        expires_at: None,
    }
}

/// A POST with the headers of a usual client, to which more can be added.
pub(crate) fn post(path: &str, bearer: &str) -> http::request::Builder {
    Request::post(path)
        .header("host", "127.0.0.1:8124")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("authorization", bearer)
}
