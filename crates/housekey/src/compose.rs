//! Builds the graph (store, link, gateway, doors), runs it, and takes it down in order.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use housekey_gateway::{Gateway, GatewayConfig};
use housekey_link::Link;
use housekey_mcp::McpConfig;
use housekey_store::Store;
use housekey_store::audit::AuditConfig;
use housekey_store::{StoreConfig, StoreError};
use housekey_web::local::LocalSocket;
use housekey_web::{Listener, Names, ServeConfig};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::config::ServerConfig;
use crate::desk::socket_path;

/// How long the audit may take to reach the disk at the end.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// A server that is ready to serve: everything is open and bound.
pub(crate) struct Server {
    store: Arc<Store>,
    gateway: Gateway,
    listeners: Vec<Listener>,
    config: ServeConfig,
    address: SocketAddr,
    stop: CancellationToken,
}

/// Opens the store of a server; says what to do when another one has it.
pub(crate) fn open_store(config: &ServerConfig) -> anyhow::Result<Arc<Store>> {
    let audit = AuditConfig {
        batch_ms: u64::try_from(config.audit_batch.as_millis()).unwrap_or(u64::MAX),
        reads: config.audit_reads,
        keep_records_max: config.audit_keep_records,
        keep_days_max: Some(config.audit_keep_days),
        ..AuditConfig::default()
    };
    let directory = &config.data_dir;
    match Store::open_with(directory, clock::random(), &StoreConfig { audit }) {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::InUse) => anyhow::bail!(
            "another housekey runs on {}; stop it, or name another directory with --data-dir",
            directory.display()
        ),
        Err(error) => Err(error).with_context(|| format!("the store in {}", directory.display())),
    }
}

impl Server {
    /// Binds the sockets. The store must be open: its lock is what lets a dead server's socket go.
    pub(crate) async fn bind(
        store: Arc<Store>,
        link: Link,
        config: &ServerConfig,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let tcp = TcpListener::bind(config.listen).await.with_context(|| {
            format!(
                "server.listen: cannot serve on {}; is something else there?",
                config.listen
            )
        })?;
        let address = tcp.local_addr()?;
        let names = Names::new(&config.hosts, &config.origins, &[address])?;
        let gateway = Gateway::new(
            store.clone(),
            link,
            clock::surroundings(),
            GatewayConfig {
                stale_reads: config.stale_reads,
            },
        );
        let mcp = McpConfig::new(names.hosts(), names.origins(), stop.clone());
        let router = housekey_mcp::router(gateway.clone(), mcp)
            .merge(housekey_web::health::router(gateway.clone()));
        let socket = LocalSocket::bind(&socket_path(&config.data_dir), true)?;
        let local = housekey_web::local::router(gateway.clone());
        Ok(Self {
            store,
            gateway,
            listeners: vec![
                Listener::Tcp {
                    listener: tcp,
                    router,
                },
                Listener::Local {
                    socket,
                    router: local,
                },
            ],
            config: ServeConfig {
                names,
                trusted_proxies: config.trusted_proxies.clone(),
                shutdown_grace: config.shutdown_grace,
            },
            address,
            stop,
        })
    }

    /// The one path.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The address that was bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop; then finishes what is under way, writes the audit and closes
    /// the store.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let time = tokio::spawn({
            let (gateway, stop) = (self.gateway.clone(), self.stop.clone());
            async move { gateway.keep_time(stop).await }
        });
        let anchors = tokio::spawn({
            let (gateway, stop) = (self.gateway.clone(), self.stop.clone());
            async move { gateway.keep_anchors(stop).await }
        });
        housekey_web::serve(self.listeners, self.config, self.stop).await;
        let (time, anchors) = tokio::join!(time, anchors);
        time?;
        anchors?;
        if !self.store.audit().drain(Instant::now() + DRAIN_MAX).await {
            tracing::error!("some records did not reach the disk in time");
        }
        let store = self.store;
        tokio::task::spawn_blocking(move || store.close()).await?;
        Ok(())
    }
}

/// A way to say where something lies, for people.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
