//! Connections over the network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use housekey_web::{Listener, Names, ServeConfig, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const GRACE: Duration = Duration::from_secs(5);

struct Server {
    address: SocketAddr,
    shutdown: CancellationToken,
    done: JoinHandle<()>,
    /// Lets `/slow` answer.
    go: Arc<Notify>,
    /// `/slow` has begun.
    begun: Arc<Notify>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (go, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (wait, tell) = (Arc::clone(&go), Arc::clone(&begun));
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route(
                "/slow",
                get(move || async move {
                    tell.notify_one();
                    wait.notified().await;
                    "at last"
                }),
            )
            .route(
                "/stream",
                get(|| async {
                    Body::from_stream(futures_util::StreamExt::chain(
                        futures_util::stream::iter([Ok::<_, std::io::Error>("first")]),
                        futures_util::stream::pending(),
                    ))
                }),
            );
        let config = ServeConfig {
            names: Names::new(&[], &[], &[address]).unwrap(),
            trusted_proxies: Vec::new(),
            shutdown_grace: GRACE,
        };
        let shutdown = CancellationToken::new();
        let listeners = vec![Listener::Tcp { listener, router }];
        let done = tokio::spawn(serve(listeners, config, shutdown.clone()));
        Self {
            address,
            shutdown,
            done,
            go,
            begun,
        }
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A connection that was cut may end with a reset instead of an end.
    let _ = stream.read_to_string(&mut text).await;
    text
}

/// Reads until the text has come.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_connection_serves_several_requests() {
    let server = Server::start().await;
    let mut stream = server
        .send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let first = until(&mut stream, "here").await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    stream
        .write_all(b"GET /no HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let second = rest(stream).await;
    assert!(second.starts_with("HTTP/1.1 404 Not Found\r\n"), "{second}");
    assert!(
        second.contains("x-request-id: ") && second.ends_with("404: Not Found"),
        "{second}"
    );
    server.shutdown.cancel();
    server.done.await.unwrap();
}

#[tokio::test]
async fn headers_have_a_limit() {
    let server = Server::start().await;
    let long = "x".repeat(20 * 1024);
    let stream = server
        .send(&format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"
        ))
        .await;
    let answer = rest(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    server.shutdown.cancel();
    server.done.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_not_waited_for_for_ever() {
    let server = Server::start().await;
    let started = Instant::now();
    let stream = server.send("GET / HTTP/1.1\r\nHost: loc").await;
    assert_eq!(rest(stream).await, "");
    assert!(
        started.elapsed() <= Duration::from_secs(31),
        "{:?}",
        started.elapsed()
    );
    server.shutdown.cancel();
    server.done.await.unwrap();
}

#[tokio::test]
async fn the_shutdown_lets_requests_finish_and_takes_no_new_ones() {
    let server = Server::start().await;
    let slow = server
        .send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let idle = server.send("").await;
    server.begun.notified().await;
    server.shutdown.cancel();
    assert_eq!(rest(idle).await, "", "an idle connection is closed");
    server.go.notify_one();
    let answer = rest(slow).await;
    assert!(answer.ends_with("at last"), "{answer}");
    server.done.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_outlives_the_grace_period_is_cut() {
    let server = Server::start().await;
    let mut stream = server
        .send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    until(&mut stream, "first\r\n").await;
    let stopped = Instant::now();
    server.shutdown.cancel();
    server.done.await.unwrap();
    assert!(
        stopped.elapsed() >= GRACE && stopped.elapsed() < GRACE * 2,
        "{:?}",
        stopped.elapsed()
    );
    let left = rest(stream).await;
    assert!(
        !left.contains("0\r\n\r\n"),
        "it did not end as if all had been sent: {left}"
    );
}
