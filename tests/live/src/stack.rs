//! `Stack`, housekey inside the test's process: link, store, gateway and doors on a free port.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use housekey_gateway::{
    AdminReply, AdminRequest, Gateway, GatewayConfig, Grants, Principal, Surroundings, TokenOrder,
    UtcMicros,
};
use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_link::{House, Link, LinkConfig, Secret};
use housekey_mcp::McpConfig;
use housekey_policy::verdict::permission;
use housekey_store::Store;
use housekey_store::audit::Record;
use housekey_web::{Listener, Names, ServeConfig, serve};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const LOAD_DEADLINE: Duration = Duration::from_secs(60);
const END_DEADLINE: Duration = Duration::from_secs(20);
/// Most records that a test looks at.
const RECORDS_MAX: usize = 100_000;

/// A running housekey. End it with [`Stack::end`], so that a failure to end is seen.
pub struct Stack {
    link: Link,
    store: Arc<Store>,
    gateway: Gateway,
    base_url: String,
    stop: CancellationToken,
    link_stop: CancellationToken,
    server: JoinHandle<()>,
    keepers: [JoinHandle<()>; 2],
    driver: JoinHandle<()>,
}

impl Stack {
    /// Connects to `ha_base_url` and serves. Does not wait for the house: see [`Stack::live`].
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(ha_base_url: &str, ha_token: &str, config: GatewayConfig) -> Result<Self> {
        let store = Arc::new(Store::in_memory()?);
        let (stop, link_stop) = (CancellationToken::new(), CancellationToken::new());
        let link_config = LinkConfig::new(ha_base_url, Secret::new(ha_token), 7);
        let (link, driver) = Link::start(link_config, link_stop.clone());
        let gateway = Gateway::new(Arc::clone(&store), link.clone(), surroundings(), config);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let names = Names::new(&[], &[], &[address])?;
        let mcp = McpConfig::new(names.hosts(), names.origins(), stop.clone());
        let router = housekey_mcp::router(gateway.clone(), mcp)
            .merge(housekey_web::health::router(gateway.clone()));
        let serve_config = ServeConfig {
            names,
            trusted_proxies: Vec::new(),
            shutdown_grace: Duration::from_secs(1),
        };
        let listeners = vec![Listener::Tcp { listener, router }];
        let server = tokio::spawn(serve(listeners, serve_config, stop.clone()));
        let (time, anchors) = (gateway.clone(), gateway.clone());
        let (time_stop, anchors_stop) = (stop.clone(), stop.clone());
        let keepers = [
            tokio::spawn(async move { time.keep_time(time_stop).await }),
            tokio::spawn(async move { anchors.keep_anchors(anchors_stop).await }),
        ];
        Ok(Self {
            link,
            store,
            gateway,
            base_url: format!("http://{address}"),
            stop,
            link_stop,
            server,
            keepers,
            driver,
        })
    }

    /// Waits until the house is live and not starting, and gives it.
    ///
    /// # Errors
    /// When it is not within a minute.
    pub async fn live(&self) -> Result<Snapshot> {
        let mut link = self.link.clone();
        let wait = async {
            loop {
                if let House::Live {
                    snapshot,
                    starting: false,
                } = link.house()
                {
                    return Some(snapshot);
                }
                if !link.changed().await {
                    return None;
                }
            }
        };
        let found = timeout(LOAD_DEADLINE, wait).await;
        found
            .ok()
            .flatten()
            .with_context(|| format!("the house is not live: {:?}", self.link.status()))
    }

    /// The link.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Where it serves, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Makes a token and gives its secret.
    ///
    /// # Errors
    /// When the order is refused.
    pub async fn token(&self, order: TokenOrder) -> Result<String> {
        let request = AdminRequest::CreateToken(order);
        let owner = Principal::Local(0);
        let reply = self.gateway.admin(owner, "test".to_owned(), request).await;
        let AdminReply::Created {
            secret, remarks, ..
        } = reply
        else {
            bail!("the token was not made: {reply:?}");
        };
        ensure!(remarks.is_empty(), "the order has remarks: {remarks:?}");
        Ok(secret.expose().to_owned())
    }

    /// The entities with a state that the token of a name can read.
    ///
    /// # Errors
    /// When there is no such token.
    pub fn readable(&self, token: &str, house: &Snapshot) -> Result<BTreeSet<EntityId>> {
        let tokens = self.store.tokens().list();
        let token = tokens.iter().find(|record| record.name.as_str() == token);
        let scope = &token.context("no such token")?.scope;
        let ids = house.entities().map(|entity| &entity.state().entity_id);
        let readable = ids.filter(|id| permission(house, scope, id).can_read());
        Ok(readable.cloned().collect())
    }

    /// All records of requests of agents so far, the oldest first; waits until they are written.
    ///
    /// # Errors
    /// When the audit is not written in time or cannot be read.
    pub async fn records(&self) -> Result<Vec<Record>> {
        let audit = self.store.audit().clone();
        housekey_harness::poll_until("the audit is written", END_DEADLINE, async || {
            Ok((audit.pending() == 0).then_some(()))
        })
        .await?;
        let read = move || audit.read_where(RECORDS_MAX, RECORDS_MAX, 0, |r| r.face != "admin");
        let mut kept = tokio::task::spawn_blocking(read).await??;
        kept.reverse();
        Ok(kept.into_iter().map(|kept| kept.record).collect())
    }

    /// Ends it.
    ///
    /// # Errors
    /// When a task does not end, or the audit is not whole.
    pub async fn end(self) -> Result<()> {
        self.stop.cancel();
        self.link_stop.cancel();
        let [time, anchors] = self.keepers;
        let all = async { tokio::try_join!(self.server, time, anchors, self.driver) };
        timeout(END_DEADLINE, all)
            .await
            .context("housekey does not end")??;
        let drained = self
            .store
            .audit()
            .drain(Instant::now() + END_DEADLINE)
            .await;
        ensure!(drained, "the audit was not written");
        let store = self.store;
        Ok(tokio::task::spawn_blocking(move || store.close()).await?)
    }
}

/// An order for a token that opens nothing yet and has no rate limit.
#[must_use]
pub fn order(name: &str) -> TokenOrder {
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

fn surroundings() -> Surroundings {
    Surroundings {
        now: Arc::new(|| UtcMicros(jiff::Timestamp::now().as_microsecond())),
        random: Arc::new(|| {
            let mut bytes = [0; 32];
            if getrandom::fill(&mut bytes).is_err() {
                std::process::abort();
            }
            bytes
        }),
    }
}
