//! The address of this server: whether agents find it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use crate::config::ServerConfig;

const WHAT: &str = "mcp address";
const ANSWER_MAX: Duration = Duration::from_secs(5);

pub(super) async fn look(config: &ServerConfig, is_running: bool) -> Finding {
    let address = config.listen;
    let status = timeout(ANSWER_MAX, health(address)).await.ok().flatten();
    match (status, is_running) {
        (Some(status), true) if status == StatusCode::OK || is_ours(status) => {
            Finding::good(WHAT, format!("http://{address}/mcp answers{}", who(config)))
        }
        (Some(status), _) => Finding::failed(
            WHAT,
            format!("something answers on {address} with {status}, and it is not this server"),
            "name another address in server.listen, or stop what is there",
        ),
        (None, true) => Finding::failed(
            WHAT,
            format!("a server runs, but not on {address}"),
            "the running server was started with another server.listen; restart it",
        ),
        (None, false) => Finding::warning(
            WHAT,
            format!("nothing answers on {address}, because no server runs"),
            "start housekey serve",
        ),
    }
}

/// Health is 503 while the home is away: the server is there all the same.
fn is_ours(status: StatusCode) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE
}

fn who(config: &ServerConfig) -> String {
    if config.listen.ip().is_loopback() {
        return ", to agents on this machine only (server.listen)".to_owned();
    }
    if config.hosts.is_empty() {
        return ", by its addresses only: other names are refused (server.allowed_hosts)"
            .to_owned();
    }
    format!(", under {}", config.hosts.join(", "))
}

/// What health answers with, if something is there that answers.
async fn health(address: SocketAddr) -> Option<StatusCode> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    let address = SocketAddr::new(ip, address.port());
    let stream = TcpStream::connect(address).await.ok()?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.ok()?;
    tokio::spawn(connection);
    let request = Request::get("/health")
        .header(http::header::HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .ok()?;
    Some(sender.send_request(request).await.ok()?.status())
}
