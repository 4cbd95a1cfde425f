//! Six ways in which a request fails: on each face its documented answer and exactly one record.

use serde_json::{Value, json};

use super::app::{Answer, TestApp, post};

const FACES: [&str; 3] = ["/mcp", "/api/mcp", "/api/atm/mcp"];
const MODERN: &str = "2026-07-28";

/// A call that both faces take without a handshake: `/mcp` in the newer way of speaking.
async fn call(app: &TestApp, face: &str, bearer: &str, tool: &str, arguments: &Value) -> Answer {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
    let request = post(face, bearer)
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool);
    app.ask(request.body(body.to_string().into()).unwrap())
        .await
}

fn text(answer: &Answer) -> String {
    let result = &answer.json()["result"];
    assert_eq!(result["isError"], true, "{}", answer.body);
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_credential_that_opens_nothing() {
    for face in FACES {
        let mut app = TestApp::new();
        let unknown = format!("Bearer atm_{}", "0".repeat(64));
        let answer = call(&app, face, &unknown, "GetDateTime", &json!({})).await;
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").unwrap().to_owned();
        match face {
            "/mcp" => {
                assert_eq!(challenge, "Bearer error=\"invalid_token\"");
                let body = answer.json();
                assert_eq!(body["error"]["code"], -32006);
                assert_eq!(body["id"], Value::Null);
                assert_eq!(body["error"]["data"]["expected"], "Bearer <token>");
            }
            "/api/atm/mcp" => {
                assert_eq!(challenge, "Bearer realm=\"ATM\"");
                assert_eq!(answer.json()["error"], "unauthorized");
            }
            _ => {
                assert_eq!(challenge, "Bearer");
                assert_eq!(answer.body, "401: Unauthorized");
            }
        }
        let records = app.records_of(1).await;
        assert_eq!(records[0].outcome.name(), "unauthorized");
        assert_eq!(records[0].face, face);
    }
}

#[tokio::test]
async fn no_credential_is_challenged_before_anything_else() {
    let mut app = TestApp::new();
    for method in ["GET", "POST", "DELETE"] {
        let request = http::Request::builder().method(method).uri("/mcp");
        let request = request.header("host", "localhost").header("accept", "*/*");
        let answer = app.ask(request.body("no json".into()).unwrap()).await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer"),
            "{method}"
        );
    }
    app.records_of(1).await;
    let bearer = app.unrestricted().await;
    let in_query = app.post("/mcp?access_token=x", &bearer, "{}").await;
    assert_eq!(in_query.status, 401);
    let basic = app.post("/mcp", "Basic eDp5", "{}").await;
    assert_eq!(
        basic.header("www-authenticate"),
        Some("Bearer error=\"invalid_request\"")
    );
    app.records_of(0).await;
}

#[tokio::test]
async fn a_body_that_is_no_json() {
    for (face, status, body) in [
        ("/mcp", 415, None),
        ("/api/mcp", 400, Some("Request must be a JSON-RPC message")),
    ] {
        let mut app = TestApp::new();
        let bearer = app.unrestricted().await;
        let answer = app.post(face, &bearer, "{").await;
        assert_eq!(answer.status, status, "{face}");
        if let Some(body) = body {
            assert_eq!(answer.body, body);
        }
        assert_eq!(app.one_record().await, "POST invalid_request");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long() {
    for face in FACES {
        let mut app = TestApp::new();
        let bearer = app.unrestricted().await;
        let long = vec![b' '; 1024 * 1024 + 1];
        let answer = app.post(face, &bearer, long.clone()).await;
        assert_eq!(answer.status, 413, "{face}");
        assert_eq!(app.one_record().await, "POST invalid_request");
        let announced = post(face, &bearer).header("content-length", long.len());
        let answer = app.ask(announced.body("".into()).unwrap()).await;
        assert_eq!(answer.status, 413, "{face}");
        assert_eq!(app.one_record().await, "POST invalid_request");
    }
}

#[tokio::test]
async fn a_tool_that_does_not_exist() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let answer = call(&app, "/mcp", &bearer, "nope", &json!({})).await;
    assert_eq!(
        answer.json()["error"],
        json!({"code": -32602, "message": "Unknown tool: nope"})
    );
    assert_eq!(app.one_record().await, "nope invalid_request");
    let answer = call(&app, "/api/mcp", &bearer, "nope", &json!({})).await;
    assert_eq!(text(&answer), "Error calling tool: Tool \"nope\" not found");
    assert_eq!(app.one_record().await, "nope invalid_request");
}

#[tokio::test]
async fn an_argument_of_the_wrong_type() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    for (face, prefix) in [("/mcp", ""), ("/api/mcp", "Error calling tool: ")] {
        let answer = call(&app, face, &bearer, "GetLiveContext", &json!({"name": {}})).await;
        assert_eq!(
            text(&answer),
            format!("{prefix}value should be a string at 'name'"),
            "{face}"
        );
        assert_eq!(app.one_record().await, "GetLiveContext invalid_request");
    }
}

#[tokio::test]
async fn home_assistant_is_away() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    app.lose_home();
    let away = "Home Assistant is not reachable at the moment; try again later";
    for (face, prefix) in [
        ("/mcp", ""),
        ("/api/mcp", "Error calling tool: "),
        ("/api/atm/mcp", ""),
    ] {
        let answer = call(&app, face, &bearer, "GetLiveContext", &json!({})).await;
        assert_eq!(text(&answer), format!("{prefix}{away}"), "{face}");
        assert_eq!(app.one_record().await, "GetLiveContext fault");
    }
}
