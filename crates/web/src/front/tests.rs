//! The guards, each with what it refuses and what it lets through.

use std::time::Duration;

use axum::Extension;
use axum::routing::{get, post};
use housekey_gateway::Credential;
use http_body_util::BodyExt;

use super::*;
use crate::names::Names;

fn front() -> Front {
    let config = ServeConfig {
        names: Names::new(&["hk.local".to_owned()], &[], &[]).unwrap(),
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        shutdown_grace: Duration::from_secs(1),
    };
    let router = Router::new()
        .route(
            "/who",
            get(|Extension(caller): Extension<Caller>| async move {
                let has_token = matches!(caller.credential, Credential::Token(_));
                format!(
                    "{} {has_token} {}",
                    caller.address.unwrap(),
                    caller.request_id
                )
            }),
        )
        .route(
            "/length",
            post(|body: Body| async move {
                match body.collect().await {
                    Ok(body) => body.to_bytes().len().to_string(),
                    Err(_) => "too long".to_owned(),
                }
            }),
        )
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/health", get(|| async { "well" }));
    Front::new(router, Arc::new(config))
}

async fn ask(
    request: http::request::Builder,
    body: impl Into<Body>,
) -> (StatusCode, http::HeaderMap, String) {
    let peer = Peer::Network("192.0.2.7".parse().unwrap());
    let response = front()
        .answer(peer, request.body(body.into()).unwrap())
        .await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        parts.status,
        parts.headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

fn to(path: &str) -> http::request::Builder {
    Request::builder().uri(path).header("host", "hk.local:8124")
}

#[tokio::test]
async fn a_request_gets_an_id_and_every_answer_the_guard_headers() {
    let (status, headers, body) = ask(to("/who"), "").await;
    assert_eq!(status, StatusCode::OK);
    let id = headers["x-request-id"].to_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().get_version_num(), 4);
    assert_eq!(body, format!("192.0.2.7 false {id}"));
    for (name, value) in GUARD_HEADERS {
        assert_eq!(headers[name], value);
    }
    let (status, headers, body) = ask(to("/.well-known/oauth-authorization-server"), "").await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::NOT_FOUND, "404: Not Found")
    );
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn a_foreign_name_is_refused_but_for_health() {
    let foreign = |path: &str| {
        Request::builder()
            .uri(path.to_owned())
            .header("host", "evil.example")
    };
    assert_eq!(ask(foreign("/who"), "").await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(foreign("/health"), "").await.0, StatusCode::OK);
    assert_eq!(
        ask(Request::builder().uri("/who"), "").await.0,
        StatusCode::BAD_REQUEST
    );
    let twice = to("/who").header("host", "hk.local");
    assert_eq!(ask(twice, "").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_and_own_pages_may_call() {
    let (status, headers, _) = ask(to("/who").header("origin", "http://evil.example"), "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    let (status, headers, _) = ask(to("/who").header("origin", "http://localhost:6274"), "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        "http://localhost:6274"
    );
    assert_eq!(headers[header::VARY], "Origin");
    let asked = to("/who")
        .method("OPTIONS")
        .header("access-control-request-method", "POST");
    let (status, headers, _) = ask(asked.header("origin", "http://localhost:6274"), "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let allowed = headers[header::ACCESS_CONTROL_ALLOW_HEADERS]
        .to_str()
        .unwrap();
    assert!(allowed.contains("Mcp-Session-Id") && allowed.contains("Authorization"));
}

#[tokio::test]
async fn the_caller_is_read_and_proxies_are_believed_when_trusted() {
    let bearer = format!("Bearer atm_{}", "a".repeat(64));
    let request = to("/who")
        .header("authorization", bearer)
        .header("x-forwarded-for", "198.51.100.9");
    let (_, _, body) = ask(request, "").await;
    assert!(body.starts_with("192.0.2.7 true "), "{body}");
    let proxy = Peer::Network("10.0.0.1".parse().unwrap());
    let request = to("/who")
        .header("x-forwarded-for", "198.51.100.9")
        .body(Body::empty())
        .unwrap();
    let body = front()
        .answer(proxy, request)
        .await
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    assert!(body.starts_with(b"198.51.100.9 false "), "{body:?}");
}

#[tokio::test]
async fn bodies_and_addresses_are_bounded() {
    let post = |length| ask(to("/length").method("POST"), vec![b' '; length]);
    assert_eq!(post(BODY_BYTES_MAX).await.2, BODY_BYTES_MAX.to_string());
    assert_eq!(post(BODY_BYTES_MAX + 1).await.2, "too long");
    let long = format!("/who?{}", "x".repeat(URI_BYTES_MAX));
    assert_eq!(ask(to(&long), "").await.0, StatusCode::URI_TOO_LONG);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_given_up() {
    let (status, _, _) = ask(to("/never"), "").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
}
