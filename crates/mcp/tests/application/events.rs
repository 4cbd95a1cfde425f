//! `/mcp_server`: streams of events, as releases of Home Assistant were recorded to serve them.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use http::Request;
use serde_json::Value;

use super::app::{Answer, TestApp, order, recording};

const PATIENCE: Duration = Duration::from_secs(10);
const PATH: &str = "/mcp_server/sse";

/// Recorded exchanges that are passed over, and why.
const DIFFERENT: [(&str, &str); 1] = [(
    "response object",
    "releases from 2026.2 to 2026.10 complain on the stream that they do not know it",
)];

fn get(bearer: &str) -> Request<Body> {
    Request::get(PATH)
        .header("host", "127.0.0.1:8220")
        .header("authorization", bearer)
        .body(Body::empty())
        .unwrap()
}

/// An open stream and the path for its messages.
struct Session {
    path: String,
    events: BodyDataStream,
}

impl Session {
    async fn open(app: &TestApp, bearer: &str) -> Self {
        let response = app.open(get(bearer)).await;
        assert_eq!(response.status(), 200);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("connection", "keep-alive"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        let mut session = Self {
            path: String::new(),
            events: response.into_body().into_data_stream(),
        };
        let (kind, data) = session.event().await;
        assert_eq!(kind, "endpoint");
        assert_eq!(data.len(), "/mcp_server/messages/".len() + 26);
        session.path = data;
        session
    }

    /// The kind and the data of the next event.
    async fn event(&mut self) -> (String, String) {
        let next = tokio::time::timeout(PATIENCE, self.events.next()).await;
        let event = next.unwrap().unwrap().unwrap();
        let event = String::from_utf8(event.to_vec()).unwrap();
        let event = event.strip_suffix("\r\n\r\n").unwrap();
        let (kind, data) = event.split_once("\r\ndata: ").unwrap();
        let kind = kind.strip_prefix("event: ").unwrap();
        (kind.to_owned(), data.to_owned())
    }

    async fn is_over(&mut self) {
        let next = tokio::time::timeout(PATIENCE, self.events.next()).await;
        assert!(next.unwrap().is_none());
    }
}

async fn post(app: &TestApp, path: &str, bearer: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(path)
        .header("host", "127.0.0.1:8220")
        .header("authorization", bearer);
    app.ask(request.body(body.into()).unwrap()).await
}

/// Replays a recorded conversation.
async fn replay(release: &str) {
    let mut app = TestApp::of(release);
    let bearer = app.unrestricted().await;
    let text = std::fs::read_to_string(recording(release, "wire_sse.json")).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(&text).unwrap();
    let conversation = recorded.iter().filter(|line| line["post"].is_object());
    let mut session = Session::open(&app, &bearer).await;
    let mut count = 0;
    for line in conversation {
        let name = format!("{} in {release}", line["name"]);
        if DIFFERENT
            .iter()
            .any(|(different, _)| *different == line["name"])
        {
            continue;
        }
        // Other versions were tried out on sessions of their own.
        let what = line["name"].as_str().unwrap();
        if what.starts_with("initialize ") && what != "initialize 2025-06-18" {
            session = Session::open(&app, &bearer).await;
        }
        let body = line["request_body"].as_str().unwrap().to_owned();
        let answer = post(&app, &session.path, &bearer, body).await;
        let expected = &line["post"];
        assert_eq!(answer.status.as_u16(), expected["status"], "{name}");
        assert_eq!(answer.body, expected["body"].as_str().unwrap(), "{name}");
        if let Some(data) = line["event"]["data"].as_str() {
            let (kind, found) = session.event().await;
            assert_eq!(kind, "message", "{name}");
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parsed(&found), parsed(data), "{name}");
            assert!(!found.contains("\": "), "{name}");
        }
        count += 1;
    }
    assert!(count >= 26, "only {count}");
    app.records().await;
}

#[tokio::test]
async fn conversations_of_every_release() {
    for release in [
        "2026.11.0",
        "2026.10.4",
        "2026.9.4",
        "2026.8.3",
        "2026.5.4",
        "2026.2.3",
        "2025.12.5",
    ] {
        replay(release).await;
    }
}

#[tokio::test]
async fn what_is_refused() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let text = std::fs::read_to_string(recording("2026.11.0", "wire_sse.json")).unwrap();
    let recorded: Vec<Value> = serde_json::from_str(&text).unwrap();
    let refusals = recorded.iter().filter(|line| line["response"].is_object());
    let mut count = 0;
    for line in refusals {
        let asked = &line["request"];
        let mut request = Request::builder()
            .method(asked["method"].as_str().unwrap())
            .uri(asked["path"].as_str().unwrap())
            .header("host", "127.0.0.1:8220");
        if asked["auth"] == "admin" {
            request = request.header("authorization", &bearer);
        }
        let body = asked["body"].as_str().unwrap_or_default().to_owned();
        let answer = app.ask(request.body(body.into()).unwrap()).await;
        let expected = &line["response"];
        assert_eq!(answer.status.as_u16(), expected["status"], "{line}");
        assert_eq!(answer.body, expected["body"].as_str().unwrap(), "{line}");
        let allow = expected["headers"].get("Allow").and_then(Value::as_str);
        assert_eq!(answer.header("allow"), allow, "{line}");
        count += 1;
    }
    assert_eq!(count, 7);
    app.records_of(2).await;
}

#[tokio::test]
async fn a_stream_of_another_token_does_not_exist() {
    let mut app = TestApp::new();
    let alice = app.token(order("alice")).await;
    let bob = app.token(order("bob")).await;
    let mut session = Session::open(&app, &alice).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let foreign = post(&app, &session.path, &bob, ping).await;
    assert_eq!(foreign.status, 404);
    let id = session.path.rsplit('/').next().unwrap();
    assert_eq!(foreign.body, format!("Could not find session ID '{id}'"));
    let own = post(&app, &session.path, &alice, ping).await;
    assert_eq!((own.status.as_u16(), own.body.as_str()), (200, ""));
    assert_eq!(
        session.event().await.1,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#
    );
    let told: Vec<_> = app
        .records()
        .await
        .iter()
        .map(|record| format!("{} {}", record.method, record.outcome.name()))
        .collect();
    assert_eq!(
        told,
        ["stream allowed", "POST invalid_request", "ping allowed"]
    );
}

#[tokio::test]
async fn a_token_has_five_streams_and_a_client_that_goes_frees_its_own() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(Session::open(&app, &bearer).await);
    }
    app.records_of(5).await;
    let refused = app.ask(get(&bearer)).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    let records = app.records_of(1).await;
    assert_eq!(records[0].outcome.name(), "rate_limited");
    assert_eq!(records[0].resource, PATH);
    let gone = sessions.pop().unwrap();
    let path = gone.path.clone();
    drop(gone);
    let lost = post(&app, &path, &bearer, "{}").await;
    assert_eq!(lost.status, 404);
    sessions.push(Session::open(&app, &bearer).await);
    app.records().await;
}

#[tokio::test]
async fn streams_end_with_their_token_and_with_the_server() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let other = app.token(order("other")).await;
    let mut session = Session::open(&app, &bearer).await;
    let mut foreign = Session::open(&app, &other).await;
    app.records_of(2).await;
    app.revoke("unrestricted").await;
    session.is_over().await;
    drop(session);
    app.shutdown.cancel();
    foreign.is_over().await;
}

#[tokio::test]
async fn a_limited_token_is_counted_on_streams_as_well() {
    let mut app = TestApp::new();
    let limited = housekey_gateway::TokenOrder {
        rate_per_minute: 2,
        rate_burst: 2,
        ..order("limited")
    };
    let bearer = app.token(limited).await;
    let session = Session::open(&app, &bearer).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let first = post(&app, &session.path, &bearer, ping).await;
    assert_eq!(first.header("x-ratelimit-remaining"), Some("0"));
    let second = post(&app, &session.path, &bearer, ping).await;
    assert_eq!(second.status, 429);
    app.records_of(3).await;
}
