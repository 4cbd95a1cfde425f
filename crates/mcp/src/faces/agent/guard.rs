//! The guard rails before the library: who calls, whose session it is, how long it may take, and the
//! one record of each request.

use std::borrow::Cow;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use housekey_gateway::{Admission, Face, Gateway, Reply, Request as Asked};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::refusal;
use super::sessions::{Belongs, Sessions};
use super::ticket::Ticket;
use crate::body::{self, Unreadable};
use crate::caller;
use crate::limits::ANSWER_MAX;
use crate::standing::Standing;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const METHODS: &str = "GET, POST, DELETE, OPTIONS";
const BOTH_TYPES: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// What the guard needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) gateway: Gateway,
    pub(super) sessions: Sessions,
}

/// Lets one request through to the library, or not.
pub(super) async fn pass(
    State(guard): State<Guard>,
    request: Request<Body>,
    library: Next,
) -> Response {
    match *request.method() {
        Method::GET | Method::POST | Method::DELETE => {}
        Method::OPTIONS => {
            return (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response();
        }
        _ => return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, METHODS)]).into_response(),
    }
    let (parts, body) = request.into_parts();
    let caller = caller::of(&parts);
    let (credential, origin) = caller.through(Face::Agent);
    let admission = match guard.gateway.admit(credential, origin).await {
        Ok(admission) => admission,
        Err(reply) => return refusal::of(&reply, &parts.headers),
    };
    let standing = Standing::of(&admission);
    let mut response = guard.carry(admission, parts, body, library).await;
    standing.write(response.headers_mut());
    response
}

impl Guard {
    async fn carry(
        &self,
        admission: Admission,
        mut parts: Parts,
        body: Body,
        library: Next,
    ) -> Response {
        let (token, ended) = (admission.token_id().clone(), admission.ended());
        let session = parts
            .headers
            .get(SESSION)
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        if let Some(id) = &session
            && self.sessions.find(id, &token) == Belongs::Elsewhere
        {
            return refusal::no_such_session();
        }
        let method = parts.method.clone();
        let presented = parts.headers.clone();
        let (kept, body) = if method == Method::POST {
            normalise_accept(&mut parts.headers);
            let body = match body::read(&parts.headers, body).await {
                Ok(body) => body,
                Err(Unreadable::TooLong) => return refusal::too_long(),
                Err(Unreadable::Broken) => return refusal::broken(),
            };
            let kind = Kind::of(&body);
            let kept = match kind {
                Kind::Handled => {
                    parts.extensions.insert(Ticket::new(admission));
                    None
                }
                Kind::Protocol(_) | Kind::Unknown(_) | Kind::Unreadable => Some((admission, kind)),
            };
            (kept, Body::from(body))
        } else {
            let kind = if method == Method::GET {
                "stream"
            } else {
                "session/close"
            };
            (Some((admission, Kind::Protocol(kind))), body)
        };
        let answer = library.run(Request::from_parts(parts, body));
        let Ok(mut response) = tokio::time::timeout(ANSWER_MAX, answer).await else {
            return refusal::too_slow();
        };
        if let Some((admission, kind)) = kept
            && let Some(reply) = self.on_record(admission, kind, response.status()).await
            && !matches!(reply, Reply::Answer(_) | Reply::Invalid(_))
        {
            return refusal::of(&reply, &presented);
        }
        if method == Method::DELETE && response.status() == StatusCode::ACCEPTED {
            // One client takes nothing but 200 and 204 for the end of a session.
            *response.status_mut() = StatusCode::NO_CONTENT;
            if let Some(id) = &session {
                self.sessions.forget(id);
            }
        }
        if session.is_none()
            && let Some(id) = response
                .headers()
                .get(SESSION)
                .and_then(|id| id.to_str().ok())
        {
            self.sessions
                .bind(id.to_owned(), token, ended.clone())
                .await;
        }
        let ceiling = (method == Method::POST).then(|| Instant::now() + ANSWER_MAX);
        bounded(response, ended, ceiling)
    }

    /// Puts a request on record that the handler does not see. What the library refused is dropped,
    /// and so on record as invalid.
    async fn on_record(
        &self,
        admission: Admission,
        kind: Kind,
        status: StatusCode,
    ) -> Option<Reply> {
        let asked = match kind {
            Kind::Protocol(method) if status.is_success() => Asked::Protocol { method },
            // 404 is how the newer way of speaking answers a method that it does not know.
            Kind::Unknown(method) if status.is_success() || status == StatusCode::NOT_FOUND => {
                Asked::UnknownMethod { method }
            }
            Kind::Protocol(_) | Kind::Unknown(_) | Kind::Handled | Kind::Unreadable => return None,
        };
        Some(self.gateway.handle(admission, asked).await)
    }
}

/// What a POST is about, as far as the record needs it; the library judges it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    /// The handler sees it and uses up the ticket.
    Handled,
    /// A method of the protocol.
    Protocol(&'static str),
    /// A method that is not served.
    Unknown(String),
    /// No message.
    Unreadable,
}

impl Kind {
    fn of(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Peek<'a> {
            #[serde(borrow)]
            method: Option<Cow<'a, str>>,
        }
        const KNOWN: [&str; 8] = [
            "resources/templates/list",
            "initialize",
            "ping",
            "server/discover",
            "notifications/initialized",
            "notifications/cancelled",
            "notifications/progress",
            "notifications/roots/list_changed",
        ];
        match serde_json::from_slice::<Peek<'_>>(body) {
            Err(_) => Self::Unreadable,
            Ok(Peek { method: None }) => Self::Protocol("response"),
            Ok(Peek {
                method: Some(method),
            }) => match &*method {
                "tools/list" | "tools/call" | "prompts/list" | "prompts/get" | "resources/list"
                | "resources/read" => Self::Handled,
                method if method.starts_with("notifications/") => Self::Protocol(
                    KNOWN
                        .into_iter()
                        .find(|known| *known == method)
                        .unwrap_or("notification"),
                ),
                method => match KNOWN.into_iter().find(|known| *known == method) {
                    Some(known) => Self::Protocol(known),
                    None => Self::Unknown(method.to_owned()),
                },
            },
        }
    }
}

/// The library wants both types named. Clients that ask for JSON, for anything or for nothing in
/// particular get what they can read; a client that wants a stream alone is told that it cannot.
fn normalise_accept(headers: &mut HeaderMap) {
    let mut types = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|range| {
            range
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        })
        .filter(|range| !range.is_empty())
        .peekable();
    let is_unsaid = types.peek().is_none();
    let (mut any, mut only_json) = (false, true);
    for range in types {
        any |= range == "*/*";
        only_json &= range == "application/json";
    }
    if is_unsaid || any || only_json {
        headers.insert(header::ACCEPT, BOTH_TYPES);
    }
}

/// Ends a stream with its token, and the answer to a POST at its ceiling.
fn bounded(response: Response, ended: CancellationToken, ceiling: Option<Instant>) -> Response {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    let end = async move {
        let ceiling = async {
            match ceiling {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = ended.cancelled() => {}
            () = ceiling => {}
        }
    };
    let (parts, body) = response.into_parts();
    let body = body.into_data_stream().take_until(Box::pin(end));
    Response::from_parts(parts, Body::from_stream(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_post_is_about() {
        let kind = |body: &str| Kind::of(body.as_bytes());
        assert_eq!(
            kind(r#"{"method":"tools/call","params":{}}"#),
            Kind::Handled
        );
        assert_eq!(kind(r#"{"method":"tools\/list"}"#), Kind::Handled);
        assert_eq!(kind(r#"{"method":"ping","id":1}"#), Kind::Protocol("ping"));
        assert_eq!(
            kind(r#"{"method":"notifications/x"}"#),
            Kind::Protocol("notification")
        );
        assert_eq!(kind(r#"{"id":1,"result":{}}"#), Kind::Protocol("response"));
        assert_eq!(
            kind(r#"{"method":"completion/complete"}"#),
            Kind::Unknown("completion/complete".to_owned())
        );
        for body in [
            "",
            "[]",
            "{",
            "5",
            r#"{"method":5}"#,
            r#"{"method":"a","method":"b"}"#,
        ] {
            assert_eq!(kind(body), Kind::Unreadable, "{body}");
        }
    }

    #[test]
    fn clients_that_can_read_json_are_let_through() {
        let normalised = |accept: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
            }
            normalise_accept(&mut headers);
            headers
                .get_all(header::ACCEPT)
                .iter()
                .any(|value| value == BOTH_TYPES)
        };
        assert!(normalised(&[]));
        assert!(normalised(&["*/*"]));
        assert!(normalised(&["text/html", "*/*;q=0.1"]));
        assert!(normalised(&["application/json"]));
        assert!(normalised(&["Application/JSON; q=1"]));
        assert!(!normalised(&["text/event-stream"]));
        assert!(!normalised(&["text/html, application/json"]));
    }

    #[tokio::test(start_paused = true)]
    async fn streams_end_at_their_ceiling_or_with_their_token() {
        let started = Instant::now();
        let endless = || {
            let body = Body::from_stream(futures_util::stream::pending::<
                Result<Vec<u8>, std::io::Error>,
            >());
            ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
        };
        let token = CancellationToken::new();
        let ceiling = Some(started + ANSWER_MAX);
        let mut post = bounded(endless(), token.clone(), ceiling)
            .into_body()
            .into_data_stream();
        assert!(post.next().await.is_none());
        assert_eq!(Instant::now(), started + ANSWER_MAX);
        let mut stream = bounded(endless(), token.clone(), None)
            .into_body()
            .into_data_stream();
        token.cancel();
        assert!(stream.next().await.is_none());
        assert_eq!(Instant::now(), started + ANSWER_MAX);
    }
}
