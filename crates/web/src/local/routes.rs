//! What the command line may ask: a thin translation of the gateway's admin requests into JSON.

mod audit;
mod tokens;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use housekey_gateway::{AdminReply, AdminRequest, Caller, Gateway, Principal};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::shape;
use crate::front::{LocalUser, text};

/// The routes, for the local socket and nothing else.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/admin/tokens", get(tokens::list).post(tokens::create))
        .route(
            "/api/admin/tokens/{token}",
            get(tokens::show)
                .patch(tokens::change)
                .delete(tokens::revoke),
        )
        .route("/api/admin/tokens/{token}/grants", post(tokens::permit))
        .route("/api/admin/tokens/{token}/rotate", post(tokens::rotate))
        .route("/api/admin/tokens/{token}/scope", get(tokens::scope))
        .route(
            "/api/admin/tokens/{token}/explain/{entity}",
            get(tokens::explain),
        )
        .route("/api/admin/audit", get(audit::read))
        .route("/api/admin/audit/check", get(audit::check))
        .route("/api/admin/audit/requests/{id}", get(audit::of_request))
        .route("/api/admin/status", get(status))
        .with_state(gateway)
}

/// The local user who asks; a request that did not come over the socket has none.
struct Asker {
    principal: Principal,
    request_id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let refused = |_| text(StatusCode::NOT_FOUND, "404: Not Found");
        let Extension(user) = Extension::<LocalUser>::from_request_parts(parts, state)
            .await
            .map_err(refused)?;
        let Extension(caller) = Extension::<Caller>::from_request_parts(parts, state)
            .await
            .map_err(refused)?;
        Ok(Self {
            principal: Principal::Local(user.uid),
            request_id: caller.request_id,
        })
    }
}

impl Asker {
    async fn ask(self, gateway: &Gateway, request: AdminRequest) -> Response {
        answer(
            gateway,
            gateway
                .admin(self.principal, self.request_id, request)
                .await,
        )
    }
}

async fn status(State(gateway): State<Gateway>, _asker: Asker) -> Response {
    Json(shape::status(&gateway.health())).into_response()
}

fn answer(gateway: &Gateway, reply: AdminReply) -> Response {
    let ok = StatusCode::OK;
    let (status, body) = match reply {
        AdminReply::Created {
            token,
            secret,
            remarks,
        } => {
            let mut body = shape::token(&token, gateway.usage(&token.id));
            shape::add(&mut body, "secret", secret.expose().into());
            shape::add(&mut body, "remarks", remarks.into());
            (StatusCode::CREATED, body)
        }
        AdminReply::Rotated { token, secret } => {
            let mut body = shape::token(&token, gateway.usage(&token.id));
            shape::add(&mut body, "secret", secret.expose().into());
            (ok, body)
        }
        AdminReply::Changed { token, remarks } => {
            let mut body = shape::token(&token, gateway.usage(&token.id));
            shape::add(&mut body, "remarks", remarks.into());
            (ok, body)
        }
        AdminReply::Tokens(tokens) => {
            let shaped = tokens
                .iter()
                .map(|token| shape::token(token, gateway.usage(&token.id)));
            (ok, json!({ "tokens": shaped.collect::<Vec<_>>() }))
        }
        AdminReply::Token(token) | AdminReply::Revoked(token) => {
            (ok, shape::token(&token, gateway.usage(&token.id)))
        }
        AdminReply::Explained {
            entity,
            explanation,
        } => (ok, shape::explanation(&entity, &explanation)),
        AdminReply::Scope { token, listing } => (ok, shape::scope(&token, &listing)),
        AdminReply::Records { records, last } => (ok, shape::records(&records, last)),
        AdminReply::Chain(chain) => (ok, shape::chain(chain)),
        AdminReply::Invalid { field, problem } => return invalid(field, &problem),
        AdminReply::NotFound { token } => not_found(&format!("there is no token {token:?}")),
        AdminReply::NoSuchRequest { request_id } => {
            not_found(&format!("there is no record of a request {request_id:?}"))
        }
        AdminReply::NeedsLiveHome => {
            let message = "the home is not loaded: Home Assistant cannot be reached";
            let body = json!({ "error": "needs_live_home", "message": message });
            (StatusCode::CONFLICT, body)
        }
        AdminReply::Fault { cause } => {
            tracing::error!(%cause, "an admin request failed");
            let body = json!({ "error": "fault", "message": cause });
            (StatusCode::INTERNAL_SERVER_ERROR, body)
        }
    };
    (status, Json(body)).into_response()
}

fn not_found(message: &str) -> (StatusCode, Value) {
    let body = json!({ "error": "not_found", "message": message });
    (StatusCode::NOT_FOUND, body)
}

fn invalid(field: &str, problem: &str) -> Response {
    let body = json!({ "error": "invalid", "field": field, "message": problem });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
