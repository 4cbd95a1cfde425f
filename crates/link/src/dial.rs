//! `Dial`, how a byte stream to Home Assistant is opened, and the upgrade on it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, handshake::client::Request};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::limits::{CONNECT_MAX, FRAME_BYTES_MAX};
use crate::status::LinkError;

/// A byte stream in both directions.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// The future of a [`Dial`].
pub type Dialled<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Pipe>>> + Send + 'a>>;

/// Opens byte streams; over TCP, or to a pretend Home Assistant inside the process.
pub trait Dial: Send + Sync {
    /// Opens a stream to a host.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialled<'a>;
}

/// Opens TCP connections.
pub(crate) struct Tcp;

impl Dial for Tcp {
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> Dialled<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((host, port)).await?;
            // Commands are small and each is waited for.
            stream.set_nodelay(true)?;
            let stream: Box<dyn Pipe> = Box::new(stream);
            Ok(stream)
        })
    }
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Pipe>>>;

/// Opens the stream and upgrades it.
pub(crate) async fn connect(dial: &dyn Dial, url: &str) -> Result<Socket, LinkError> {
    let attempt = async {
        let request = url
            .into_client_request()
            .map_err(|error| invalid(&error.to_string()))?;
        let (host, port, is_tls) = target(&request)?;
        let tls = is_tls.then(tls_config).transpose()?;
        let stream = dial
            .dial(&host, port)
            .await
            .map_err(|error| LinkError::Unreachable {
                cause: error.to_string().into(),
            })?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let connector = tls.map_or(Connector::Plain, Connector::Rustls);
        let upgrade = client_async_tls_with_config(request, stream, Some(limits), Some(connector));
        let (socket, _) = upgrade.await.map_err(|error| of_upgrade(&error))?;
        Ok(socket)
    };
    match tokio::time::timeout(CONNECT_MAX, attempt).await {
        Ok(result) => result,
        Err(_) => Err(LinkError::Unreachable {
            cause: "no answer in time".into(),
        }),
    }
}

fn target(request: &Request) -> Result<(String, u16, bool), LinkError> {
    let uri = request.uri();
    let is_tls = match uri.scheme_str() {
        Some("wss") => true,
        Some("ws") => false,
        Some(_) | None => return Err(invalid("expected ws:// or wss://")),
    };
    let host = uri.host().ok_or_else(|| invalid("no host"))?;
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    // An IPv6 address stands in brackets in a URL only.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), port, is_tls))
}

fn invalid(cause: &str) -> LinkError {
    LinkError::InvalidUrl {
        cause: cause.into(),
    }
}

/// Trusts what the system trusts.
fn tls_config() -> Result<Arc<ClientConfig>, LinkError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(&error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn of_upgrade(error: &Error) -> LinkError {
    let status = match error {
        Error::Http(response) => Some(response.status().as_u16()),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::HttpFormat(_) => None,
    };
    match status {
        Some(403) => LinkError::Banned,
        Some(status @ (404 | 502 | 503 | 504)) => LinkError::NotReady { status },
        Some(status) => LinkError::Incompatible {
            cause: format!("the upgrade was answered with {status}").into(),
        },
        None => LinkError::Unreachable {
            cause: error.to_string().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_come_from_the_url() {
        let check = |url: &str, expected: Option<(&str, u16, bool)>| {
            let found = target(&url.into_client_request().unwrap()).ok();
            let found = found
                .as_ref()
                .map(|(host, port, tls)| (host.as_str(), *port, *tls));
            assert_eq!(found, expected, "{url}");
        };
        check(
            "ws://ha.local:8123/api/websocket",
            Some(("ha.local", 8123, false)),
        );
        check(
            "wss://home.example/api/websocket",
            Some(("home.example", 443, true)),
        );
        check("ws://[::1]:8123/api/websocket", Some(("::1", 8123, false)));
        check("http://ha.local/", None);
    }

    #[test]
    fn the_system_is_trusted_without_a_provider_of_the_process() {
        assert!(tls_config().is_ok());
    }
}
