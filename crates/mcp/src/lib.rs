//! The front door for agents: the Model Context Protocol, in the dialects of its faces.
//!
//! Read in this order: [`router`] joins the faces; `faces/native` speaks as Home Assistant's own
//! server does and `faces/atm` as ATM, and are dispatchers of ours, because their rules contradict
//! the library's; `faces/agent` is the library's server with our guard rails before it. All turn a
//! message into the same request of the gateway and render its reply; `stdio` brings the lines of a
//! pipe to the agent face. What a tool does is not here (M1), all that is peculiar to a wire is (M2),
//! and a session belongs to the token that opened it (M3).

mod body;
mod caller;
mod faces;
mod limits;
mod standing;
mod stdio;
mod streams;

use std::time::Duration;

use axum::Router;
use housekey_gateway::Gateway;
use tokio_util::sync::CancellationToken;

pub use stdio::{StdioError, serve_stdio};

/// What the faces need to know.
#[derive(Clone, Debug)]
pub struct McpConfig {
    /// Names under which the server is reached; the listener has judged them already, this is the
    /// second line. Never empty: an empty list means loopback names.
    pub allowed_hosts: Vec<String>,
    /// Origins of pages that may call, with their ports.
    pub allowed_origins: Vec<String>,
    /// How long a session lives without a message.
    pub session_idle: Duration,
    /// Ends sessions and streams.
    pub shutdown: CancellationToken,
}

impl McpConfig {
    /// The product's defaults for these names.
    #[must_use]
    pub fn new(
        allowed_hosts: Vec<String>,
        allowed_origins: Vec<String>,
        shutdown: CancellationToken,
    ) -> Self {
        let session_idle = limits::SESSION_IDLE_DEFAULT;
        Self {
            allowed_hosts,
            allowed_origins,
            session_idle,
            shutdown,
        }
    }
}

/// All faces on their paths. The listener puts a [`housekey_gateway::Caller`] into the extensions of
/// each request; without one a request is anonymous.
pub fn router(gateway: Gateway, config: McpConfig) -> Router {
    let shutdown = config.shutdown.clone();
    faces::native::router(gateway.clone(), shutdown)
        .merge(faces::atm::router(gateway.clone()))
        .merge(faces::agent::router(gateway, config))
}
