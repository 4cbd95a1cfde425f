//! Sessions of `/mcp`: the older way of speaking.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use http::Request;
use serde_json::{Value, json};

use super::app::{Answer, TestApp, order, post};

async fn initialize(app: &TestApp, bearer: &str) -> (String, Answer) {
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    let answer = app.post("/mcp", bearer, body.to_string()).await;
    let id = answer
        .header("mcp-session-id")
        .unwrap_or_else(|| panic!("{answer:?}"))
        .to_owned();
    (id, answer)
}

fn in_session(bearer: &str, session: &str, body: &Value) -> Request<Body> {
    post("/mcp", bearer)
        .header("mcp-session-id", session)
        .body(body.to_string().into())
        .unwrap()
}

fn get(bearer: &str, session: &str) -> Request<Body> {
    Request::get("/mcp")
        .header("host", "localhost")
        .header("accept", "text/event-stream")
        .header("authorization", bearer)
        .header("mcp-session-id", session)
        .body(Body::empty())
        .unwrap()
}

fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

#[tokio::test]
async fn a_handshake_a_call_and_an_end() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let (session, answer) = initialize(&app, &bearer).await;
    let result = &answer.events()[0]["result"];
    assert_eq!(result["protocolVersion"], "2025-06-18");
    assert_eq!(
        result["serverInfo"],
        json!({"name": "housekey", "version": env!("CARGO_PKG_VERSION")})
    );
    let what_there_is = json!({"prompts": {}, "resources": {}, "tools": {}});
    assert_eq!(result["capabilities"], what_there_is);
    assert_eq!(
        result["instructions"]
            .as_str()
            .unwrap()
            .matches(". ")
            .count(),
        1
    );
    assert_eq!(app.one_record().await, "initialize allowed");

    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(
        app.ask(in_session(&bearer, &session, &ready)).await.status,
        202
    );
    assert_eq!(app.one_record().await, "notifications/initialized allowed");

    let answer = app.ask(in_session(&bearer, &session, &list())).await;
    let result = &answer.events()[0]["result"];
    assert_eq!(result["tools"].as_array().unwrap().len(), 4);
    assert_eq!(
        result.get("resultType"),
        None,
        "older clients do not know it"
    );
    assert!(answer.header("x-housekey-request-id").is_some());
    assert_eq!(app.one_record().await, "tools/list allowed");

    let call = json!({"name": "get_states"});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call});
    let answer = app.ask(in_session(&bearer, &session, &call)).await;
    let result = &answer.events()[0]["result"];
    assert_eq!(
        result.get("structuredContent"),
        None,
        "older clients take objects only"
    );
    let text = result["content"][0]["text"].as_str().unwrap();
    let states: Vec<Value> = serde_json::from_str(text).unwrap();
    assert!(states.len() > 50, "{}", states.len());
    assert_eq!(app.one_record().await, "get_states allowed");

    let end = |method: &str| {
        Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", "localhost")
            .header("authorization", &bearer)
            .header("mcp-session-id", &session)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(app.ask(end("DELETE")).await.status, 204);
    assert_eq!(app.one_record().await, "session/close allowed");
    assert_eq!(
        app.ask(in_session(&bearer, &session, &list())).await.status,
        404
    );
    assert_eq!(app.one_record().await, "POST invalid_request");
}

#[tokio::test]
async fn a_session_of_another_token_does_not_exist() {
    let mut app = TestApp::new();
    let alice = app.token(order("alice")).await;
    let bob = app.token(order("bob")).await;
    let (session, _) = initialize(&app, &alice).await;
    app.records().await;
    let foreign = app.ask(in_session(&bob, &session, &list())).await;
    let unknown = app
        .ask(in_session(
            &bob,
            "11111111-2222-4333-8444-555555555555",
            &list(),
        ))
        .await;
    assert_eq!(foreign.status, 404);
    assert_eq!(
        (foreign.status, foreign.body),
        (unknown.status, unknown.body)
    );
    for request in [get(&bob, &session), {
        let mut request = get(&bob, &session);
        *request.method_mut() = http::Method::DELETE;
        request
    }] {
        assert_eq!(app.ask(request).await.status, 404);
    }
    let outcomes: Vec<_> = app
        .records()
        .await
        .iter()
        .map(|record| record.outcome.name())
        .collect();
    assert_eq!(outcomes, ["invalid_request"; 4]);
    assert_eq!(
        app.ask(in_session(&alice, &session, &list())).await.status,
        200
    );
    app.records().await;
}

#[tokio::test]
async fn a_token_has_sixteen_sessions() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut sessions = Vec::new();
    for _ in 0..17 {
        sessions.push(initialize(&app, &bearer).await.0);
    }
    let first = app.ask(in_session(&bearer, &sessions[0], &list())).await;
    assert_eq!(first.status, 404, "the oldest gave way");
    for session in &sessions[1..] {
        assert_eq!(
            app.ask(in_session(&bearer, session, &list())).await.status,
            200
        );
    }
    app.records().await;
}

#[tokio::test]
async fn revoking_ends_sessions_and_streams() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let (session, _) = initialize(&app, &bearer).await;
    let stream = app.open(get(&bearer, &session)).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(app.records().await.last().unwrap().method, "stream");
    let mut stream = stream.into_body().into_data_stream();
    assert!(stream.next().await.unwrap().is_ok(), "it is open");
    app.revoke("unrestricted").await;
    let rest =
        tokio::time::timeout(Duration::from_secs(1), StreamExt::collect::<Vec<_>>(stream)).await;
    assert!(rest.is_ok(), "it ended within a second");
    let answer = app.ask(in_session(&bearer, &session, &list())).await;
    assert_eq!(answer.status, 401);
    app.records().await;
}
