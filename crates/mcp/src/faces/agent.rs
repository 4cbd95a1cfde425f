//! `/mcp`: the library's streamable HTTP server, for both ways of speaking (with a handshake and
//! sessions, and 2026-07-28 without), behind guard rails of ours.

mod guard;
mod handler;
mod refusal;
mod render;
mod sessions;
mod ticket;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use housekey_gateway::Gateway;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use self::guard::Guard;
use self::handler::AgentServer;
use self::sessions::Sessions;
use crate::McpConfig;
use crate::limits::{BODY_BYTES_MAX, STREAM_COMMENT, STREAM_RETRY};

/// Its route.
pub(crate) fn router(gateway: Gateway, config: McpConfig) -> Router {
    let mut manager = LocalSessionManager::default();
    manager.session_config.keep_alive = Some(config.session_idle);
    manager.session_config.sse_retry = Some(STREAM_RETRY);
    let manager = Arc::new(manager);
    let sessions = Sessions::new(Arc::clone(&manager));
    let server = AgentServer::new(gateway.clone());
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), manager, server_config(config));
    let guard = Guard { gateway, sessions };
    Router::new()
        .route_service("/mcp", service)
        .layer(from_fn_with_state(guard, guard::pass))
}

fn server_config(config: McpConfig) -> StreamableHttpServerConfig {
    let mut server = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(true)
        .with_json_response(true)
        .with_sse_keep_alive(Some(STREAM_COMMENT))
        .with_sse_retry(Some(STREAM_RETRY))
        .with_max_request_body_bytes(BODY_BYTES_MAX)
        .with_cancellation_token(config.shutdown)
        .enforce_origin_validation()
        .with_allowed_origins(config.allowed_origins);
    // The library takes an empty list for "any host"; its own default is loopback.
    if !config.allowed_hosts.is_empty() {
        server = server.with_allowed_hosts(config.allowed_hosts);
    }
    server
}
