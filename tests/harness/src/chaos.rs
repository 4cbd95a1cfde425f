//! A TCP proxy that misbehaves on demand: cuts, refuses, or swallows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const BUFFER_BYTES: usize = 64 * 1024;

/// What the proxy does now; connections watch it.
#[derive(Debug, Clone, Copy, Default)]
struct Mood {
    refuse: bool,
    stall: bool,
    /// Grows with every cut; a connection ends when it is not the one it started with.
    cuts: u64,
}

/// Forwards a free port of 127.0.0.1 to one address, until told otherwise. Dropping it ends everything.
pub struct ChaosProxy {
    local: SocketAddr,
    mood: watch::Sender<Mood>,
    accepted: Arc<AtomicU64>,
    acceptor: JoinHandle<()>,
}

impl ChaosProxy {
    /// Starts a proxy to `target`, a `host:port` or an `http://host:port`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(target: &str) -> Result<Self> {
        let target = target
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("binding the proxy")?;
        let local = listener.local_addr()?;
        let (mood, watching) = watch::channel(Mood::default());
        let accepted = Arc::new(AtomicU64::new(0));
        let acceptor = tokio::spawn(accept(listener, target, watching, Arc::clone(&accepted)));
        Ok(Self {
            local,
            mood,
            accepted,
            acceptor,
        })
    }

    /// Where to connect to, as `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.local)
    }

    /// How many connections have been accepted and forwarded.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Ends all present connections at once, with a reset where bytes are still unread.
    pub fn cut(&self) {
        self.mood.send_modify(|mood| mood.cuts += 1);
    }

    /// While true, a new connection is closed as soon as it is made. Present ones go on.
    pub fn refuse(&self, refuse: bool) {
        self.mood.send_modify(|mood| mood.refuse = refuse);
    }

    /// While true, everything is read and nothing is passed on, in both directions: half-open.
    ///
    /// What was swallowed is lost; after a stall the connections are of no use but to be cut.
    pub fn stall(&self, stall: bool) {
        self.mood.send_modify(|mood| mood.stall = stall);
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.cut();
        self.acceptor.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: String,
    mood: watch::Receiver<Mood>,
    accepted: Arc<AtomicU64>,
) {
    while let Ok((client, _address)) = listener.accept().await {
        if mood.borrow().refuse {
            continue;
        }
        accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(forward(client, target.clone(), mood.clone()));
    }
}

/// Lives until one side ends or the proxy is cut; both sockets close when it returns.
async fn forward(client: TcpStream, target: String, mut mood: watch::Receiver<Mood>) {
    let cuts_at_start = mood.borrow().cuts;
    let watching = mood.clone();
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    // A proxy that waits to fill packets would add delays of its own to every measurement.
    let _nodelay = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        _cut = mood.wait_for(|mood| mood.cuts != cuts_at_start) => {}
        () = copy(from_client, to_server, watching.clone()) => {}
        () = copy(from_server, to_client, watching) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mood: watch::Receiver<Mood>) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if mood.borrow().stall {
            continue;
        }
        let Some(bytes) = buffer.get(..read) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
