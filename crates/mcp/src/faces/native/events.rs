//! `/mcp_server`: answers as events on a stream, messages on a path that the stream names.
//!
//! Unlike native's, a session belongs to the token that opened it.

use std::sync::PoisonError;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use housekey_gateway::{Reply, Request as Asked, TurnedAway};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use serde::de::IgnoredAny;

use super::answer::{self, Said};
use super::dialect::{Dialect, Transport};
use super::exchange::{Exchange, Heard};
use super::{Native, empty, guarded, host, preflight, too_long, wire, wrong_method};
use crate::body::{self, Unreadable};
use crate::limits::STREAM_RETRY_AFTER_S;
use crate::standing::Standing;
use crate::streams::{Line, TooMany, Unheard};

const PATH: &str = "/mcp_server/sse";
const PING: &str = ": ping\r\n\r\n";
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How far a session has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    /// Nothing was said.
    #[default]
    New,
    /// The client has introduced itself.
    Greeted,
    /// The client has said that it is ready.
    Ready,
}

impl Phase {
    fn welcomes(self, method: &str, dialect: Dialect) -> bool {
        match self {
            _ if matches!(method, "initialize" | "ping") => true,
            Self::New => false,
            Self::Greeted => !dialect.waits_for_clients(),
            Self::Ready => true,
        }
    }
}

/// Opens a stream.
pub(super) async fn open(State(native): State<Native>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    match parts.method {
        Method::GET => {}
        Method::OPTIONS => return guarded(preflight()),
        _ => return guarded(wrong_method("GET,OPTIONS")),
    }
    let admission = match native.admit(&parts).await {
        Ok(admission) => admission,
        Err(refusal) => return guarded(*refusal),
    };
    let standing = Standing::of(&admission);
    let ends = [admission.ended(), native.shutdown.clone()];
    let id = ulid(native.gateway.random_id());
    let stream = match native.streams.open(&id, admission.token_id().clone()) {
        Ok(stream) => stream,
        Err(TooMany) => {
            admission.turn_away(&TurnedAway::TooManyStreams {
                resource: PATH.to_owned(),
            });
            let limited = Reply::Limited {
                retry_after_s: STREAM_RETRY_AFTER_S,
            };
            return guarded(answer::refused(&limited));
        }
    };
    let asked = Asked::Protocol { method: "stream" };
    let reply = native.gateway.handle(admission, asked).await;
    if !matches!(reply, Reply::Answer(_)) {
        return guarded(answer::refused(&reply));
    }
    let first = format!("event: endpoint\r\ndata: /mcp_server/messages/{id}\r\n\r\n");
    let mut response = Response::new(stream.body(first, PING, ends));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONNECTION, "keep-alive"),
        (ACCEL_BUFFERING, "no"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    standing.write(response.headers_mut());
    response
}

/// Takes a message for a stream.
pub(super) async fn message(
    State(native): State<Native>,
    Path(session): Path<String>,
    request: Request<Body>,
) -> Response {
    match *request.method() {
        Method::POST => guarded(native.post(&session, request).await),
        Method::OPTIONS => guarded(preflight()),
        _ => guarded(wrong_method("OPTIONS,POST")),
    }
}

impl Native {
    async fn post(&self, session: &str, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let admission = match self.admit(&parts).await {
            Ok(admission) => admission,
            Err(refusal) => return *refusal,
        };
        let standing = Standing::of(&admission);
        let Some(line) = self.streams.find(session, admission.token_id()) else {
            let text = format!("Could not find session ID '{session}'");
            return wire::text(StatusCode::NOT_FOUND, text);
        };
        let body = match body::read(&parts.headers, body).await {
            Ok(body) => body,
            Err(Unreadable::TooLong) => return too_long(),
            Err(Unreadable::Broken) => return no_json(),
        };
        if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
            return no_json();
        }
        let exchange = Exchange {
            gateway: &self.gateway,
            dialect: self.dialect(Transport::Events),
            headers: &HeaderMap::new(),
            host: host(&parts.headers),
        };
        let phase = *line.state.lock().unwrap_or_else(PoisonError::into_inner);
        let welcome = |method: &str| phase.welcomes(method, exchange.dialect);
        let heard = exchange.hear(admission, &body, welcome).await;
        let mut response = match heard {
            None => wire::text(StatusCode::BAD_REQUEST, "Could not parse message"),
            Some(heard) => pass_on(&line, heard),
        };
        standing.write(response.headers_mut());
        response
    }
}

/// The answer goes out on the stream.
fn pass_on(line: &Line<Phase>, heard: Heard) -> Response {
    let enter = |phase| *line.state.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    let message = match heard {
        Heard::Notice {
            refusal: Some(refusal),
            ..
        }
        | Heard::Request {
            said: Said::Instead(refusal),
            ..
        } => return refusal,
        Heard::Notice { method, .. } => {
            if method == "notifications/initialized" {
                enter(Phase::Ready);
            }
            return empty(StatusCode::OK);
        }
        Heard::Request {
            method,
            said: Said::Result(message),
        } => {
            if method == "initialize" {
                enter(Phase::Greeted);
            }
            message
        }
        Heard::Request {
            said: Said::Error(message),
            ..
        } => message,
    };
    let event = format!(
        "event: message\r\ndata: {}\r\n\r\n",
        wire::compact(&message)
    );
    match line.say(event) {
        Ok(()) => empty(StatusCode::OK),
        Err(Unheard) => wire::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the client does not read its stream",
        ),
    }
}

fn no_json() -> Response {
    let text = "500 Internal Server Error\n\nServer got itself in trouble";
    wire::text(StatusCode::INTERNAL_SERVER_ERROR, text)
}

/// A number in the form of the ids of Home Assistant's sessions: 26 letters and digits.
fn ulid(number: u128) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digits = (0..26).rev().map(|at| {
        let five_bits = usize::try_from(number >> (5 * at) & 0x1f).unwrap_or(0);
        char::from(ALPHABET.get(five_bits).copied().unwrap_or(b'0'))
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_home_assistants() {
        assert_eq!(ulid(0), "0".repeat(26));
        assert_eq!(ulid(u128::MAX), format!("7{}", "Z".repeat(25)));
        assert_eq!(ulid(33), format!("{}11", "0".repeat(24)));
    }
}
