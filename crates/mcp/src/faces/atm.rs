//! `/api/atm/mcp`, as ATM 1.1 serves it: one POST, one JSON answer, batches, no session.
//!
//! Its texts, codes and statuses are ATM's; what ATM lets a token learn or do beyond its scope is
//! not. The older transport is not here.

mod access;
mod answer;
mod message;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use housekey_gateway::{Admission, Answer, Face, Gateway, Reply, Request as Asked};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};

use self::answer::Error;
use self::message::{Body as Sent, Message};
use crate::body::{self, Unreadable};
use crate::caller;
use crate::limits::BATCH_MESSAGES_MAX;
use crate::standing::Standing;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-atm-request-id");
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// Its routes.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/atm/mcp", any(serve))
        .route("/api/atm/mcp/context", any(context))
        .with_state(gateway)
}

async fn serve(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let response = match parts.method {
        Method::POST => {
            let admitted = admit(&gateway, &parts).await;
            match admitted {
                Ok(admission) => {
                    let standing = Standing::of(&admission);
                    let mut response = answered(&gateway, admission, &parts, body).await;
                    standing.write(response.headers_mut());
                    response
                }
                Err(refusal) => *refusal,
            }
        }
        // Clients look for a login by a GET without a credential.
        Method::GET => match admit(&gateway, &parts).await {
            Ok(admission) => {
                drop(admission);
                wrong_method("OPTIONS,POST")
            }
            Err(refusal) => *refusal,
        },
        _ => wrong_method("OPTIONS,POST"),
    };
    sealed(response, &parts)
}

async fn context(State(gateway): State<Gateway>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if parts.method != Method::GET {
        return sealed(wrong_method("GET,OPTIONS"), &parts);
    }
    let response = match admit(&gateway, &parts).await {
        Ok(admission) => {
            let standing = Standing::of(&admission);
            let reply = gateway.handle(admission, Asked::Access).await;
            let mut response = if let Reply::Answer(Answer::Access(opened)) = &reply {
                let (kind, document) = if wants_json(&parts) {
                    (JSON, access::json(opened))
                } else {
                    (TEXT, access::plain(opened))
                };
                sent(StatusCode::OK, kind, document)
            } else {
                refused(&reply)
            };
            standing.write(response.headers_mut());
            response
        }
        Err(refusal) => *refusal,
    };
    sealed(response, &parts)
}

fn wants_json(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair == "format=json")
}

async fn admit(gateway: &Gateway, parts: &Parts) -> Result<Admission, Box<Response>> {
    let (credential, origin) = caller::of(parts).through(Face::Atm);
    let admission = gateway.admit(credential, origin).await;
    admission.map_err(|reply| Box::new(refused(&reply)))
}

/// An admission that is dropped leaves its record by itself.
async fn answered(gateway: &Gateway, admission: Admission, parts: &Parts, body: Body) -> Response {
    let body = match body::read(&parts.headers, body).await {
        Ok(body) => body,
        Err(Unreadable::TooLong) => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return problem(status, "request_too_large", "Request body too large.");
        }
        Err(Unreadable::Broken) => {
            let status = StatusCode::BAD_REQUEST;
            return problem(status, "invalid_request", "Failed to read request body.");
        }
    };
    let host = host(&parts.headers);
    match message::read(&body) {
        Sent::Nothing => message_of(StatusCode::OK, &Error::Parse.message("null")),
        Sent::One(message) => match converse(gateway, admission, message, host).await {
            Ok(Some(message)) => sent(StatusCode::OK, JSON, message),
            Ok(None) => nothing(),
            Err(reply) => refused(&reply),
        },
        Sent::Batch(messages) if messages.is_empty() => {
            message_of(StatusCode::OK, &Error::EmptyBatch.message("null"))
        }
        Sent::Batch(messages) if messages.len() > BATCH_MESSAGES_MAX => {
            message_of(StatusCode::BAD_REQUEST, &Error::LongBatch.message("null"))
        }
        Sent::Batch(messages) => batch(gateway, admission, messages, parts).await,
    }
}

/// Answers the messages of a batch in their order. Each but the first is admitted as if it had come
/// alone: it costs as much and leaves a record of its own.
async fn batch(
    gateway: &Gateway,
    first: Admission,
    messages: Vec<Message>,
    parts: &Parts,
) -> Response {
    let mut admission = Some(first);
    let mut answers = Vec::new();
    for message in messages {
        let id = message.id().unwrap_or("null").to_owned();
        let admitted = match admission.take() {
            Some(admission) => Ok(admission),
            None => {
                let (credential, origin) = caller::of(parts).through(Face::Atm);
                gateway.admit(credential, origin).await
            }
        };
        let answer = match admitted {
            Ok(admission) => converse(gateway, admission, message, host(&parts.headers)).await,
            Err(reply) => Err(Box::new(reply)),
        };
        answers.extend(answer.unwrap_or_else(|reply| Some(answer::refused_in_batch(&reply, &id))));
    }
    if answers.is_empty() {
        return nothing();
    }
    sent(StatusCode::OK, JSON, format!("[{}]", answers.join(", ")))
}

/// One message and its answer, if it wants one. What cannot be said in a message is the error.
async fn converse(
    gateway: &Gateway,
    admission: Admission,
    message: Message,
    host: &str,
) -> Result<Option<String>, Box<Reply>> {
    let (id, asked) = match message {
        Message::Invalid { id } => return Ok(Some(Error::InvalidRequest.message(&id))),
        Message::Misshapen { id } => return Ok(Some(Error::InvalidParams.message(&id))),
        Message::Notice { method } => {
            let reply = gateway.handle(admission, Asked::Protocol { method }).await;
            let is_taken = matches!(reply, Reply::Answer(_));
            return if is_taken {
                Ok(None)
            } else {
                Err(Box::new(reply))
            };
        }
        Message::Request { id, asked } => (id, asked),
    };
    let form = answer::Form::of(&asked);
    let reply = gateway.handle(admission, asked).await;
    answer::of(reply, form, &id, host).map(Some)
}

/// A reply that is no answer, as ATM's other routes say it.
fn refused(reply: &Reply) -> Response {
    match reply {
        Reply::Unauthorized => {
            let mut response = problem(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized.");
            let challenge = HeaderValue::from_static("Bearer realm=\"ATM\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        Reply::Limited { retry_after_s } => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut response = problem(status, "rate_limited", "Rate limit exceeded.");
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, (*retry_after_s).into());
            response
        }
        Reply::Fault(fault) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            problem(status, "service_unavailable", fault.public)
        }
        Reply::Answer(_) | Reply::NothingFound { .. } | Reply::Invalid(_) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            problem(status, "internal_error", "Internal error.")
        }
    }
}

fn problem(status: StatusCode, code: &'static str, message: &'static str) -> Response {
    let body = format!(r#"{{"error": "{code}", "message": "{message}"}}"#);
    sent(status, JSON, body)
}

fn message_of(status: StatusCode, message: &str) -> Response {
    sent(status, JSON, message.to_owned())
}

fn sent(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn nothing() -> Response {
    StatusCode::ACCEPTED.into_response()
}

fn wrong_method(allowed: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, TEXT), (header::ALLOW, allowed)];
    let text = "405: Method Not Allowed";
    (StatusCode::METHOD_NOT_ALLOWED, headers, text).into_response()
}

/// What ATM and Home Assistant's server say of every answer.
fn sealed(mut response: Response, parts: &Parts) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&caller::of(parts).request_id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn host(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost")
}
