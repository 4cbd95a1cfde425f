//! What every request passes before a router sees it, in one function that reads from top to bottom:
//! an id, the name it was sent to, the page it comes from, who calls, how long it may take.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use housekey_gateway::Caller;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::Limited;
use tokio::time::Instant;
use tower::ServiceExt;
use uuid::Uuid;

use crate::limits::{ANSWER_WAIT_MAX, BODY_BYTES_MAX, URI_BYTES_MAX};
use crate::serve::ServeConfig;
use crate::{caller, client};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Headers of every answer that does not say otherwise itself.
const GUARD_HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (CORP, "same-origin"),
];
const CORS_METHODS: &str = "GET, POST, DELETE, OPTIONS";
const CORS_REQUEST_HEADERS: &str = "Authorization, Content-Type, Accept, MCP-Protocol-Version, \
     Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID";
const CORS_RESPONSE_HEADERS: &str = "Mcp-Session-Id, WWW-Authenticate, Retry-After, X-Request-Id, \
     X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Housekey-Stale";
const CORS_MAX_AGE_S: &str = "86400";

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Over the network.
    Network(IpAddr),
    /// A process of this machine, over the local socket; its user was checked.
    Local {
        /// Its user.
        uid: u32,
    },
}

/// The user behind the local socket; routes that only a local user may take ask for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalUser {
    pub(crate) uid: u32,
}

/// A router with its guards.
#[derive(Clone, Debug)]
pub struct Front {
    router: Router,
    config: Arc<ServeConfig>,
}

impl Front {
    /// Puts the guards before a router.
    #[must_use]
    pub fn new(router: Router, config: Arc<ServeConfig>) -> Self {
        let router = router.fallback(|| async { text(StatusCode::NOT_FOUND, "404: Not Found") });
        Self { router, config }
    }

    /// Answers one request.
    pub async fn answer<B>(&self, peer: Peer, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let request_id = Uuid::new_v4().to_string();
        let (mut parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let page = match self.judged(peer, &parts) {
            Ok(Page::Preflight(origin)) => return preflight(&origin),
            Ok(Page::Of(origin)) => Some(origin),
            Ok(Page::None) => None,
            Err(Refusal(status, body)) => return sealed(text(status, body), &request_id, None),
        };
        self.introduce(peer, &mut parts, &request_id);
        let body = Body::new(Limited::new(body, BODY_BYTES_MAX));
        let answer = self
            .router
            .clone()
            .oneshot(Request::from_parts(parts, body));
        let response = match tokio::time::timeout(ANSWER_WAIT_MAX, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_elapsed) => text(StatusCode::GATEWAY_TIMEOUT, "504: Gateway Timeout"),
        };
        tracing::debug!(
            request_id,
            %method,
            path,
            status = response.status().as_u16(),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        sealed(response, &request_id, page.as_ref())
    }

    /// The name the request was sent to and the page it comes from. Health is exempt from the first:
    /// watchdogs use addresses that nobody configures, and it tells nothing of the home.
    fn judged(&self, peer: Peer, parts: &Parts) -> Result<Page, Refusal> {
        if parts
            .uri
            .path_and_query()
            .is_some_and(|uri| uri.as_str().len() > URI_BYTES_MAX)
        {
            return Err(Refusal(StatusCode::URI_TOO_LONG, "414: URI Too Long"));
        }
        if matches!(peer, Peer::Local { .. }) {
            return Ok(Page::None);
        }
        if !crate::health::is_path(parts.uri.path()) {
            self.judge_host(parts)?;
        }
        let Some(origin) = parts.headers.get(header::ORIGIN) else {
            return Ok(Page::None);
        };
        if !origin
            .to_str()
            .is_ok_and(|origin| self.config.names.is_origin(origin))
        {
            let refusal = "403: this server does not answer pages of that origin; \
                           see allowed_origins in its configuration";
            return Err(Refusal(StatusCode::FORBIDDEN, refusal));
        }
        let is_preflight = parts.method == Method::OPTIONS
            && parts
                .headers
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let origin = origin.clone();
        Ok(if is_preflight {
            Page::Preflight(origin)
        } else {
            Page::Of(origin)
        })
    }

    fn judge_host(&self, parts: &Parts) -> Result<(), Refusal> {
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            (None, None) => parts.uri.authority().map(http::uri::Authority::as_str),
            (_, Some(_)) => {
                return Err(Refusal(
                    StatusCode::BAD_REQUEST,
                    "Duplicate 'Host' header found.",
                ));
            }
        };
        let Some(host) = host else {
            return Err(Refusal(StatusCode::BAD_REQUEST, "400: Bad Request"));
        };
        if !self.config.names.is_host(host) {
            tracing::info!(
                host,
                "refused a request that was sent to a name that is not ours"
            );
            let refusal = "403: this server does not answer under that name; \
                           see allowed_hosts in its configuration";
            return Err(Refusal(StatusCode::FORBIDDEN, refusal));
        }
        Ok(())
    }

    fn introduce(&self, peer: Peer, parts: &mut Parts, request_id: &str) {
        let address = match peer {
            Peer::Network(address) => Some(client::address(
                address,
                &parts.headers,
                &self.config.trusted_proxies,
            )),
            Peer::Local { uid } => {
                parts.extensions.insert(LocalUser { uid });
                None
            }
        };
        let credential = caller::credential(parts);
        let request_id = request_id.to_owned();
        parts.extensions.insert(Caller {
            credential,
            address,
            request_id,
        });
    }
}

/// An answer to a request that no router sees.
struct Refusal(StatusCode, &'static str);

/// The page behind a request of a browser.
enum Page {
    None,
    Of(HeaderValue),
    Preflight(HeaderValue),
}

fn preflight(origin: &HeaderValue) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE_S),
        (header::VARY, "Origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn sealed(mut response: Response, request_id: &str, page: Option<&HeaderValue>) -> Response {
    let headers = response.headers_mut();
    for (name, value) in GUARD_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    if let Some(origin) = page {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let exposed = HeaderValue::from_static(CORS_RESPONSE_HEADERS);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// A plain text answer.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        body,
    )
        .into_response()
}

#[cfg(test)]
mod tests;
