//! `Sim`, a served [`World`]: over TCP, or over a pipe inside the process.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message, http::StatusCode};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::desk::DeskId;
use crate::world::World;

/// Home Assistant closes a connection that does not authenticate within this time.
const AUTH_MAX: Duration = Duration::from_secs(10);
/// Bytes that wait in a pipe inside the process.
const PIPE_BYTES: usize = 1 << 20;

/// A served house; clones serve the same.
#[derive(Clone)]
pub struct Sim {
    world: Arc<Mutex<World>>,
    /// Counts changes of the world, so that connections look for frames.
    changes: watch::Sender<u64>,
    net: watch::Sender<Net>,
}

/// The state of the network between the house and its clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Net {
    /// What becomes of new connections.
    pub upgrade: Upgrade,
    /// Frames go nowhere, in either direction, and nobody is told.
    pub stalled: bool,
    /// Connections of an earlier epoch are cut without a word.
    pub epoch: u64,
}

/// What becomes of a new connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Upgrade {
    /// It is served.
    #[default]
    Accept,
    /// The upgrade is answered with a status: 403 is a ban, 502 a proxy without its backend.
    Status(u16),
    /// It is closed before a word is said.
    Refuse,
}

impl Sim {
    /// Serves a house to whom it may concern.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            changes: watch::Sender::new(0),
            net: watch::Sender::new(Net::default()),
        }
    }

    /// Looks at the house, or does something to it; connections are told.
    pub fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let result = act(&mut self.lock());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Changes the network.
    pub fn set_net(&self, change: impl FnOnce(&mut Net)) {
        self.net.send_modify(change);
    }

    /// Cuts every connection without a word.
    pub fn cut(&self) {
        self.set_net(|net| net.epoch += 1);
    }

    /// Listens on a free port of the loopback address and serves until the handle is aborted.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn bind(&self) -> io::Result<(SocketAddr, JoinHandle<()>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let sim = self.clone();
        Ok((
            address,
            tokio::spawn(async move { sim.serve(listener).await }),
        ))
    }

    /// Serves every connection that a listener accepts.
    pub async fn serve(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Best effort: without it small frames wait for each other.
                    let _ = stream.set_nodelay(true);
                    self.spawn(stream);
                }
                // Out of descriptors, or the peer is gone already.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    /// Opens a connection inside the process.
    #[must_use]
    pub fn pipe(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        self.spawn(ours);
        theirs
    }

    fn spawn<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S) {
        let sim = self.clone();
        tokio::spawn(async move { sim.serve_stream(stream).await });
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let upgrade = self.net.borrow().upgrade;
        if upgrade == Upgrade::Refuse {
            return;
        }
        let Ok(socket) = accept_hdr_async(stream, Gate(upgrade)).await else {
            return;
        };
        let id = self.with(World::open);
        self.converse(socket, id).await;
        self.with(|world| world.close(id));
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut socket: WebSocketStream<S>,
        id: DeskId,
    ) {
        let mut changes = self.changes.subscribe();
        let mut net = self.net.subscribe();
        let epoch = net.borrow().epoch;
        let auth_deadline = tokio::time::Instant::now() + AUTH_MAX;
        loop {
            let now = *net.borrow_and_update();
            if now.epoch != epoch {
                return;
            }
            if now.stalled {
                if net.changed().await.is_err() {
                    return;
                }
                continue;
            }
            changes.borrow_and_update();
            if self.send_waiting(&mut socket, id).await.is_err() {
                return;
            }
            if self.lock().is_closing(id) {
                let _ = socket.close(None).await;
                return;
            }
            let authenticated = self.lock().is_ready(id);
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.lock().handle_text(id, &text),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => {}
                    Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => return,
                },
                changed = changes.changed() => if changed.is_err() { return },
                changed = net.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(auth_deadline), if !authenticated => return,
            }
        }
    }

    async fn send_waiting<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocketStream<S>,
        id: DeskId,
    ) -> Result<(), Error> {
        loop {
            let frames = self.lock().frames(id);
            if frames.is_empty() {
                return socket.flush().await;
            }
            for frame in frames {
                socket.feed(Message::text(frame)).await?;
            }
        }
    }
}

/// Answers the upgrade.
struct Gate(Upgrade);

impl tokio_tungstenite::tungstenite::handshake::server::Callback for Gate {
    fn on_request(self, _: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let status = match self.0 {
            Upgrade::Status(status) => StatusCode::from_u16(status).ok(),
            Upgrade::Accept | Upgrade::Refuse => None,
        };
        let Some(status) = status else {
            return Ok(response);
        };
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = status;
        Err(refusal)
    }
}
