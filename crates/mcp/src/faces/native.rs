//! `/api/mcp` and `/mcp_server`, as the connected release of Home Assistant serves them.
//!
//! `/api/mcp` is one POST, one JSON answer, no session; each API has a path of its own below it.
//! `/mcp_server` is the older transport, a stream of events and a path for messages. The order of
//! the checks, the texts and the statuses are the native server's, also where the protocol would
//! have it otherwise.

mod answer;
mod dialect;
mod events;
mod exchange;
mod message;
mod method;
mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::any;
use housekey_gateway::{Admission, Face, Gateway};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use tokio_util::sync::CancellationToken;

use self::answer::Said;
use self::dialect::{Dialect, Transport};
use self::events::Phase;
use self::exchange::{Exchange, Heard};
use crate::body::{self, Unreadable};
use crate::caller;
use crate::standing::Standing;
use crate::streams::Streams;

const JSON: &str = "application/json";

/// What the face needs.
#[derive(Clone)]
struct Native {
    gateway: Gateway,
    streams: Streams<Phase>,
    shutdown: CancellationToken,
}

/// Its routes.
pub(crate) fn router(gateway: Gateway, shutdown: CancellationToken) -> Router {
    Router::new()
        .route("/api/mcp", any(serve_all))
        .route("/api/mcp/{api}", any(serve_one))
        .route("/mcp_server/sse", any(events::open))
        .route("/mcp_server/messages/{session}", any(events::message))
        .with_state(Native {
            gateway,
            streams: Streams::new(),
            shutdown,
        })
}

async fn serve_all(State(native): State<Native>, request: Request<Body>) -> Response {
    guarded(native.serve(request, None).await)
}

async fn serve_one(
    State(native): State<Native>,
    Path(api): Path<String>,
    request: Request<Body>,
) -> Response {
    guarded(native.serve(request, Some(&api)).await)
}

impl Native {
    fn dialect(&self, transport: Transport) -> Dialect {
        Dialect::of(self.gateway.release(), transport)
    }

    async fn serve(&self, request: Request<Body>, api: Option<&str>) -> Response {
        let (parts, body) = request.into_parts();
        let dialect = self.dialect(Transport::Http);
        if api.is_some() && !dialect.has_api_paths() {
            return wire::text(StatusCode::NOT_FOUND, "404: Not Found");
        }
        match parts.method {
            Method::POST => {}
            Method::OPTIONS => return preflight(),
            Method::GET if !dialect.has_api_paths() => {
                let admission = match self.admit(&parts).await {
                    Ok(admission) => admission,
                    Err(refusal) => return *refusal,
                };
                drop(admission);
                let text = "Only POST method is supported";
                return wire::text(StatusCode::METHOD_NOT_ALLOWED, text);
            }
            _ if dialect.has_api_paths() => return wrong_method("OPTIONS,POST"),
            _ => return wrong_method("GET,OPTIONS,POST"),
        }
        let mut admission = match self.admit(&parts).await {
            Ok(admission) => admission,
            Err(refusal) => return *refusal,
        };
        let standing = Standing::of(&admission);
        if let Some(api) = api {
            admission = match admission.addressed_to(api) {
                Ok(admission) => admission,
                Err(why) => {
                    let (status, text) = dialect.no_api(why, api);
                    let mut refusal = wire::text(status, text);
                    standing.write(refusal.headers_mut());
                    return refusal;
                }
            };
        }
        let mut response = self.converse(admission, &parts, body, dialect).await;
        standing.write(response.headers_mut());
        response
    }

    async fn admit(&self, parts: &Parts) -> Result<Admission, Box<Response>> {
        let (credential, origin) = caller::of(parts).through(Face::Native);
        let admission = self.gateway.admit(credential, origin).await;
        admission.map_err(|reply| Box::new(answer::refused(&reply)))
    }

    /// The checks in native's order. An admission that is dropped leaves its record by itself.
    async fn converse(
        &self,
        admission: Admission,
        parts: &Parts,
        body: Body,
        dialect: Dialect,
    ) -> Response {
        let bad = |text: &'static str| wire::text(StatusCode::BAD_REQUEST, text);
        if !accepts_json(&parts.headers) {
            return bad("Client must accept application/json");
        }
        if !is_json(&parts.headers) {
            return bad("Content-Type must be application/json");
        }
        let body = match body::read(&parts.headers, body).await {
            Ok(body) => body,
            Err(Unreadable::TooLong) => return too_long(),
            Err(Unreadable::Broken) => return bad("Request must be a JSON-RPC message"),
        };
        let exchange = Exchange {
            gateway: &self.gateway,
            dialect,
            headers: &parts.headers,
            host: host(&parts.headers),
        };
        match exchange.hear(admission, &body, |_| true).await {
            None => bad("Request must be a JSON-RPC message"),
            Some(Heard::Notice { refusal: None, .. }) => empty(StatusCode::ACCEPTED),
            Some(Heard::Request {
                said: Said::Result(message) | Said::Error(message),
                ..
            }) => wire::json(message),
            Some(
                Heard::Notice {
                    refusal: Some(refusal),
                    ..
                }
                | Heard::Request {
                    said: Said::Instead(refusal),
                    ..
                },
            ) => refusal,
        }
    }
}

/// Native says this of every answer but an open stream.
fn guarded(mut response: Response) -> Response {
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn preflight() -> Response {
    let text = "CORS preflight request failed: origin header is not specified in the request";
    wire::text(StatusCode::FORBIDDEN, text)
}

fn wrong_method(allowed: &'static str) -> Response {
    let mut refusal = wire::text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed");
    refusal
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    refusal
}

fn too_long() -> Response {
    let text = "413: Request Entity Too Large";
    wire::text(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// Native looks for the letters, so `*/*` is not enough and `;q=0` does not matter.
fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| {
        accept
            .as_bytes()
            .windows(JSON.len())
            .any(|part| part == JSON.as_bytes())
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON))
}

fn host(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
}
