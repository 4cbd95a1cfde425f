//! `Desk`, where the command line does an owner's business: over the socket of the running server,
//! or, when none runs, on the store itself behind the same routes.
//!
//! The lock of the store says which it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use housekey_gateway::{Gateway, GatewayConfig};
use housekey_link::{Absence, House, Link};
use housekey_store::{Store, StoreError};
use housekey_web::{Front, Names, Peer, ServeConfig};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::watch;

use crate::clock;

/// The socket of a server, in its data directory.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("housekey.sock")
}

/// Where an owner's business is done.
pub(crate) enum Desk {
    /// At the server that runs.
    Server(PathBuf),
    /// On the store; no server runs.
    Store {
        front: Front,
        store: Arc<Store>,
        /// Keeps the absent house that the gateway looks at.
        _house: watch::Sender<House>,
    },
}

impl Desk {
    /// Opens the desk of a data directory.
    pub(crate) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        match Store::open(data_dir, clock::random()) {
            Ok(store) => Self::of(Arc::new(store)),
            Err(StoreError::InUse) => Ok(Self::Server(socket_path(data_dir))),
            Err(error) => Err(error)
                .with_context(|| format!("the store in {} cannot be opened", data_dir.display())),
        }
    }

    fn of(store: Arc<Store>) -> anyhow::Result<Self> {
        let (house, houses) = watch::channel(House::Absent {
            why: Absence::Stopped,
        });
        let link = Link::from_houses(houses);
        let config = GatewayConfig::default();
        let gateway = Gateway::new(store.clone(), link, clock::surroundings(), config);
        let config = ServeConfig {
            names: Names::new(&[], &[], &[])?,
            trusted_proxies: Vec::new(),
            shutdown_grace: Duration::ZERO,
        };
        let front = Front::new(housekey_web::local::router(gateway), Arc::new(config));
        Ok(Self::Store {
            front,
            store,
            _house: house,
        })
    }

    /// Whether a server runs.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Sends a request and gives the JSON of its answer; a refusal becomes an error that says why.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, "localhost")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))?;
        let (status, bytes) = match self {
            Self::Server(socket) => over_socket(socket, request).await?,
            Self::Store { front, .. } => {
                let uid = rustix::process::geteuid().as_raw();
                let response = front.answer(Peer::Local { uid }, request).await;
                let status = response.status();
                (
                    status,
                    response.into_body().collect().await?.to_bytes().to_vec(),
                )
            }
        };
        let answer: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("the answer ({status}) cannot be read"))?;
        if status.is_success() {
            Ok(answer)
        } else {
            bail!("{}", refusal(status, &answer))
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Self::Store { store, .. } = self {
            store.close();
        }
    }
}

fn refusal(status: StatusCode, answer: &Value) -> String {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    match (text("field"), text("message")) {
        (Some(field), Some(message)) => format!("{field}: {message}"),
        (None, Some(message)) => message.to_owned(),
        (_, None) => status.to_string(),
    }
}

async fn over_socket(
    socket: &Path,
    request: Request<Body>,
) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let stream = UnixStream::connect(socket).await.with_context(|| {
        format!(
            "the running server cannot be reached at {}",
            socket.display()
        )
    })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes().to_vec();
    drop(sender);
    connection.await??;
    Ok((status, bytes))
}
