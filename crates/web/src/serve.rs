//! Accepts connections and carries their requests to a [`Front`], until it is told to stop.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Network;
use crate::front::{Front, Peer};
use crate::limits::{ACCEPT_PAUSE, CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_WAIT_MAX, STALL_MAX};
use crate::local::LocalSocket;
use crate::names::Names;
use crate::stall::Watched;

/// What the server needs to know.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Under which names it is reached.
    pub names: Names,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// How long requests that are under way may go on after the stop.
    pub shutdown_grace: Duration,
}

/// Something that connections come from, with what is served on it.
#[derive(Debug)]
pub enum Listener {
    /// The network.
    Tcp {
        /// Bound.
        listener: TcpListener,
        /// What is served.
        router: Router,
    },
    /// The socket of the command line.
    Local {
        /// Bound.
        socket: LocalSocket,
        /// What is served.
        router: Router,
    },
}

/// Serves until `shutdown` is cancelled: then nothing new is accepted, requests under way are
/// finished within the grace period, and what is left is cut.
pub async fn serve(listeners: Vec<Listener>, config: ServeConfig, shutdown: CancellationToken) {
    let grace = config.shutdown_grace;
    let config = Arc::new(config);
    let cut = CancellationToken::new();
    let connections = TaskTracker::new();
    let acceptors = TaskTracker::new();
    for listener in listeners {
        let house = House {
            connections: connections.clone(),
            seats: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            shutdown: shutdown.clone(),
            cut: cut.clone(),
        };
        match listener {
            Listener::Tcp { listener, router } => {
                let front = Front::new(router, Arc::clone(&config));
                acceptors.spawn(accept_all(listener, front, house));
            }
            Listener::Local { socket, router } => {
                let front = Front::new(router, Arc::clone(&config));
                acceptors.spawn(accept_all(socket, front, house));
            }
        }
    }
    acceptors.close();
    acceptors.wait().await;
    connections.close();
    if tokio::time::timeout(grace, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "cutting connections after the grace period"
        );
        cut.cancel();
        connections.wait().await;
    }
}

/// Where connections come from.
trait Accept: Send + Sync + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.accept().await?;
        // Without it the second half of a streamed answer waits for a delayed acknowledgement.
        stream.set_nodelay(true)?;
        Ok((stream, Peer::Network(address.ip())))
    }
}

impl Accept for LocalSocket {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, uid) = self.next().await?;
        Ok((stream, Peer::Local { uid }))
    }
}

/// What the connections of one listener share.
#[derive(Clone)]
struct House {
    connections: TaskTracker,
    seats: Arc<Semaphore>,
    shutdown: CancellationToken,
    cut: CancellationToken,
}

async fn accept_all<A: Accept>(listener: A, front: Front, house: House) {
    loop {
        // A connection is only taken when there is a seat for it: the rest waits in the system.
        let next = async {
            let seat = Arc::clone(&house.seats).acquire_owned().await;
            (listener.accept().await, seat)
        };
        let (accepted, seat) = tokio::select! {
            biased;
            () = house.shutdown.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = carry(stream, front.clone(), peer, house.clone());
                house.connections.spawn(async move {
                    connection.await;
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn carry<S>(stream: S, front: Front, peer: Peer, house: House)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (stream, activity) = Watched::new(stream);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let front = front.clone();
        async move { Ok::<_, std::convert::Infallible>(front.answer(peer, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut stalled = pin!(activity.stalled_for(STALL_MAX));
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = house.shutdown.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = house.cut.cancelled() => return,
            () = stalled.as_mut() => {
                tracing::debug!("cut a connection on which nothing moved");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_in_two_parts_do_not_wait_for_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (stream, peer) = Accept::accept(&listener).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!(peer, Peer::Network(address.ip()));
    }
}
