//! What is answered on `/mcp` instead of what was asked for, before the library sees the request.

use axum::Json;
use axum::response::{IntoResponse, Response};
use housekey_gateway::Reply;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use serde_json::{Value, json};

const UNAUTHORIZED: i32 = -32006;
const LIMITED: i32 = -32000;
const INTERNAL: i32 = -32603;
const SESSION_NOT_FOUND: &str = "Not Found: Session not found";

/// A reply of the gateway that is no answer. The request is looked at only for the form of the
/// challenge: an error code belongs to a credential that was presented.
pub(super) fn of(reply: &Reply, presented: &HeaderMap) -> Response {
    match reply {
        Reply::Unauthorized => unauthorized(presented),
        Reply::Limited { retry_after_s } => {
            let message = format!("Rate limit exceeded; try again in {retry_after_s} s");
            let mut response = error(StatusCode::TOO_MANY_REQUESTS, LIMITED, &message, None);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, (*retry_after_s).into());
            response
        }
        Reply::Fault(fault) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            INTERNAL,
            fault.public,
            None,
        ),
        Reply::Answer(_) | Reply::NothingFound { .. } | Reply::Invalid(_) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            INTERNAL,
            "Internal error",
            None,
        ),
    }
}

fn unauthorized(presented: &HeaderMap) -> Response {
    let mut headers = presented.get_all(header::AUTHORIZATION).iter();
    let (challenge, message) = match (headers.next(), headers.next()) {
        (None, _) => ("Bearer", "Missing or invalid Authorization header"),
        (Some(one), None) if one.as_bytes().starts_with(b"Bearer ") => (
            "Bearer error=\"invalid_token\"",
            "The token is not valid here",
        ),
        (Some(_), _) => (
            "Bearer error=\"invalid_request\"",
            "Missing or invalid Authorization header",
        ),
    };
    let expected = json!({ "expected": "Bearer <token>" });
    let mut response = error(
        StatusCode::UNAUTHORIZED,
        UNAUTHORIZED,
        message,
        Some(expected),
    );
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    response
}

/// A session of another token reads as one that does not exist, to the letter.
pub(super) fn no_such_session() -> Response {
    (StatusCode::NOT_FOUND, SESSION_NOT_FOUND).into_response()
}

pub(super) fn too_long() -> Response {
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        "Payload Too Large: a request has at most 1 MiB",
    )
        .into_response()
}

pub(super) fn broken() -> Response {
    (
        StatusCode::BAD_REQUEST,
        "Bad Request: the body could not be read",
    )
        .into_response()
}

pub(super) fn too_slow() -> Response {
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

fn error(status: StatusCode, code: i32, message: &str, data: Option<Value>) -> Response {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(members)) = (data, error.as_object_mut()) {
        members.insert("data".to_owned(), data);
    }
    // No body was read, so no id is known.
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": error });
    (status, Json(body)).into_response()
}
