//! What the command line may ask: a thin translation of the gateway's admin requests into JSON.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use housekey_gateway::{
    AdminReply, AdminRequest, Caller, Gateway, Grants, Principal, Rate, TokenOrder, UtcMicros,
};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::json;

use super::shape;
use crate::front::{LocalUser, text};

/// The routes, for the local socket and nothing else.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/admin/tokens", get(list).post(create))
        .route("/api/admin/tokens/{token}", get(show).delete(revoke))
        .route("/api/admin/tokens/{token}/explain/{entity}", get(explain))
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    pass_through: bool,
    #[serde(default)]
    use_assist_exposure: bool,
    rate_per_minute: Option<u32>,
    rate_burst: Option<u32>,
    expires_at: Option<String>,
}

impl Order {
    fn understood(self) -> Result<TokenOrder, String> {
        let expires_at = match self.expires_at {
            None => None,
            Some(text) => Some(
                UtcMicros::parse_iso_utc(&text)
                    .ok_or_else(|| format!("{text:?} is no time; expected 2027-01-31T12:00:00Z"))?,
            ),
        };
        let rate = Rate::default();
        Ok(TokenOrder {
            name: self.name,
            grants: Grants {
                read: self.read,
                write: self.write,
                deny: self.deny,
            },
            pass_through: self.pass_through,
            use_assist_exposure: self.use_assist_exposure,
            rate_per_minute: self.rate_per_minute.unwrap_or(rate.per_minute),
            rate_burst: self.rate_burst.unwrap_or(rate.burst),
            expires_at,
        })
    }
}

async fn create(
    State(gateway): State<Gateway>,
    asker: Asker,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(rejection) => return invalid("body", &rejection.body_text()),
    };
    match order.understood() {
        Ok(order) => asker.ask(&gateway, AdminRequest::CreateToken(order)).await,
        Err(problem) => invalid("expires_at", &problem),
    }
}

async fn list(State(gateway): State<Gateway>, asker: Asker, RawQuery(query): RawQuery) -> Response {
    let archived = match query.as_deref() {
        None | Some("" | "archived=false") => false,
        Some("archived=true") => true,
        Some(query) => {
            return invalid(
                "query",
                &format!("{query:?}: expected archived=true or false"),
            );
        }
    };
    asker
        .ask(&gateway, AdminRequest::ListTokens { archived })
        .await
}

async fn show(State(gateway): State<Gateway>, asker: Asker, Path(token): Path<String>) -> Response {
    asker.ask(&gateway, AdminRequest::ShowToken { token }).await
}

async fn revoke(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
) -> Response {
    asker
        .ask(&gateway, AdminRequest::RevokeToken { token })
        .await
}

async fn explain(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path((token, entity)): Path<(String, String)>,
) -> Response {
    asker
        .ask(&gateway, AdminRequest::Explain { token, entity })
        .await
}

async fn status(State(gateway): State<Gateway>, _asker: Asker) -> Response {
    Json(shape::status(&gateway.health())).into_response()
}

fn answer(gateway: &Gateway, reply: AdminReply) -> Response {
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
        AdminReply::Tokens(tokens) => {
            let shaped = tokens
                .iter()
                .map(|token| shape::token(token, gateway.usage(&token.id)));
            (
                StatusCode::OK,
                json!({ "tokens": shaped.collect::<Vec<_>>() }),
            )
        }
        AdminReply::Token(token) | AdminReply::Revoked(token) => (
            StatusCode::OK,
            shape::token(&token, gateway.usage(&token.id)),
        ),
        AdminReply::Explained {
            entity,
            explanation,
        } => (StatusCode::OK, shape::explanation(&entity, &explanation)),
        AdminReply::Invalid { field, problem } => return invalid(field, &problem),
        AdminReply::NotFound { token } => {
            let message = format!("there is no token {token:?}");
            (
                StatusCode::NOT_FOUND,
                json!({ "error": "not_found", "message": message }),
            )
        }
        AdminReply::NeedsLiveHome => {
            let message = "the home is not loaded: Home Assistant cannot be reached";
            (
                StatusCode::CONFLICT,
                json!({ "error": "needs_live_home", "message": message }),
            )
        }
        AdminReply::Fault { cause } => {
            tracing::error!(%cause, "an admin request failed");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                json!({ "error": "fault", "message": cause }),
            )
        }
    };
    (status, Json(body)).into_response()
}

fn invalid(field: &str, problem: &str) -> Response {
    let body = json!({ "error": "invalid", "field": field, "message": problem });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}
