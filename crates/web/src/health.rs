//! `/health`: how the program is, for watchdogs. Says nothing of the home and nothing secret.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use housekey_gateway::{Gateway, Health};
use http::StatusCode;
use serde::Serialize;

const ALL: &str = "/health";
const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// Its routes.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route(ALL, get(ready))
        .route(LIVE, get(live))
        .route(READY, get(ready))
        .with_state(gateway)
}

pub(crate) fn is_path(path: &str) -> bool {
    [ALL, LIVE, READY].contains(&path)
}

#[derive(Serialize)]
struct Body {
    status: &'static str,
    live: bool,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_s: Option<u64>,
    audit: &'static str,
}

/// Answering at all is being alive.
async fn live(State(gateway): State<Gateway>) -> Response {
    answer(&gateway.health(), true)
}

async fn ready(State(gateway): State<Gateway>) -> Response {
    let health = gateway.health();
    answer(&health, health.is_ready)
}

fn answer(health: &Health, is_good: bool) -> Response {
    let body = Body {
        status: if is_good { "ok" } else { "unavailable" },
        live: true,
        ready: health.is_ready,
        stale_s: health.stale_s,
        audit: if health.audit_is_writable {
            "ok"
        } else {
            "failing"
        },
    };
    let status = if is_good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}
