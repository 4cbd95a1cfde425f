//! `/api/mcp`, as Home Assistant 2026.11 serves it: one POST, one JSON answer, no session.
//!
//! The order of its checks, its texts and its statuses are the native server's, also where the
//! protocol would have it otherwise. Its other paths are not here.

mod answer;
mod message;
mod method;
mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use housekey_gateway::{Admission, Caller, Credential, Face, Gateway, Reply, Request as Asked};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};

use self::message::Message;
use self::method::{Call, Era, Refusal};
use crate::body::{self, Unreadable};
use crate::standing::Standing;

const JSON: &str = "application/json";

/// Its route.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/mcp", any(serve))
        .with_state(gateway)
}

async fn serve(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match parts.method {
        Method::POST => admitted(&gateway, &parts, body).await,
        Method::OPTIONS => wire::text(
            StatusCode::FORBIDDEN,
            "CORS preflight request failed: origin header is not specified in the request",
        ),
        // Native refuses the method before it looks at the credential.
        _ => {
            let mut refusal = wire::text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed");
            refusal
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("OPTIONS,POST"));
            refusal
        }
    };
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

async fn admitted(gateway: &Gateway, parts: &Parts, body: Body) -> Response {
    let caller = parts
        .extensions
        .get::<Caller>()
        .cloned()
        .unwrap_or_else(|| Caller {
            credential: Credential::None,
            address: None,
            request_id: String::new(),
        });
    let (credential, origin) = caller.through(Face::Native);
    let admission = match gateway.admit(credential, origin).await {
        Ok(admission) => admission,
        Err(reply) => return answer::refused(&reply),
    };
    let standing = Standing::of(&admission);
    let mut response = converse(gateway, admission, parts, body).await;
    standing.write(response.headers_mut());
    response
}

/// The checks in native's order. An admission that is dropped leaves its record by itself.
async fn converse(gateway: &Gateway, admission: Admission, parts: &Parts, body: Body) -> Response {
    let bad = |text| wire::text(StatusCode::BAD_REQUEST, text);
    if !accepts_json(&parts.headers) {
        return bad("Client must accept application/json");
    }
    if !is_json(&parts.headers) {
        return bad("Content-Type must be application/json");
    }
    let body = match body::read(&parts.headers, body).await {
        Ok(body) => body,
        Err(Unreadable::TooLong) => {
            return wire::text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "413: Request Entity Too Large",
            );
        }
        Err(Unreadable::Broken) => return bad("Request must be a JSON-RPC message"),
    };
    match Message::parse(&body) {
        None => bad("Request must be a JSON-RPC message"),
        Some(Message::Notice { method }) => {
            let reply = gateway.handle(admission, Asked::Protocol { method }).await;
            if matches!(reply, Reply::Answer(_)) {
                StatusCode::ACCEPTED.into_response()
            } else {
                answer::refused(&reply)
            }
        }
        Some(Message::Request(request)) => {
            let (era, call) = match method::read(&request, &parts.headers) {
                Ok(understood) => understood,
                Err(Refusal::UnknownMethod) => {
                    let method = request.method.clone();
                    gateway
                        .handle(admission, Asked::UnknownMethod { method })
                        .await;
                    return wire::error(&request.id, &Refusal::UnknownMethod, &request.method);
                }
                Err(refusal) => {
                    drop(admission);
                    return wire::error(&request.id, &refusal, &request.method);
                }
            };
            let icon_host = host(&parts.headers);
            carry_out(gateway, admission, &request.id, era, call, icon_host).await
        }
    }
}

async fn carry_out(
    gateway: &Gateway,
    admission: Admission,
    id: &str,
    era: Era,
    call: Call,
    host: &str,
) -> Response {
    match call {
        Call::Initialize { version } => {
            let reply = gateway
                .handle(
                    admission,
                    Asked::Protocol {
                        method: "initialize",
                    },
                )
                .await;
            answer::with(&reply, id, || wire::initialize(version, host))
        }
        Call::Ping => {
            let reply = gateway
                .handle(admission, Asked::Protocol { method: "ping" })
                .await;
            answer::with(&reply, id, || "{}".to_owned())
        }
        Call::Discover => {
            let asked = Asked::Protocol {
                method: "server/discover",
            };
            let reply = gateway.handle(admission, asked).await;
            answer::with(&reply, id, || wire::discover(host))
        }
        Call::ListTools => {
            let reply = gateway.handle(admission, Asked::ListTools).await;
            answer::tools(&reply, id, era, host)
        }
        Call::Tool { name, arguments } => {
            let asked = Asked::CallTool { name, arguments };
            let reply = gateway.handle(admission, asked).await;
            answer::tool(reply, id, era, host)
        }
    }
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
