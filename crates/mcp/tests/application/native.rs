//! `/api/mcp` where it differs from Home Assistant, or where nothing was recorded.

use housekey_gateway::{Grants, TokenOrder};
use serde_json::json;

use super::app::{TestApp, order};

fn call(tool: &str, arguments: &serde_json::Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string()
}

#[tokio::test]
async fn bodies_that_are_no_text_are_no_messages() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let bodies: [&[u8]; 3] = [
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}",
        b"\xff\xfe{\0\"\0",
    ];
    for body in bodies {
        let answer = app.post("/api/mcp", &bearer, body.to_vec()).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, "Request must be a JSON-RPC message");
        assert_eq!(app.one_record().await, "POST invalid_request");
    }
}

#[tokio::test]
async fn what_does_not_exist_yet_is_an_unknown_method() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    for method in [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
    ] {
        let body = json!({"jsonrpc": "2.0", "id": "a", "method": method}).to_string();
        let answer = app.post("/api/mcp", &bearer, body).await;
        let error = json!({"code": -32601, "message": "Method not found", "data": method});
        assert_eq!(
            answer.json(),
            json!({"jsonrpc": "2.0", "id": "a", "error": error})
        );
        assert_eq!(app.one_record().await, format!("{method} not_implemented"));
    }
    for path in ["/api/mcp/", "/api/mcp/assist", "/mcp_server/sse"] {
        let answer = app.post(path, &bearer, "{}").await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (404, "404: Not Found")
        );
    }
}

#[tokio::test]
async fn a_scoped_token_gets_its_part_and_hidden_reads_as_missing() {
    let mut app = TestApp::new();
    let grants = Grants {
        read: vec!["light".to_owned()],
        ..Grants::default()
    };
    let bearer = app
        .token(TokenOrder {
            grants,
            ..order("lights")
        })
        .await;
    let live = app
        .post("/api/mcp", &bearer, call("GetLiveContext", &json!({})))
        .await;
    let result = &live.json()["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    let inner: serde_json::Value = serde_json::from_str(text).unwrap();
    let overview = inner["result"].as_str().unwrap();
    assert!(
        overview.contains("Ceiling Lights") && !overview.contains("domain: switch"),
        "{overview}"
    );
    assert_eq!(app.one_record().await, "GetLiveContext allowed");

    let state = app
        .post(
            "/api/mcp",
            &bearer,
            call("get_state", &json!({"entity_id": "light.bed_light"})),
        )
        .await;
    let text = state.json()["result"]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.starts_with(r#"{"entity_id": "light.bed_light", "state": "#),
        "{text}"
    );
    app.records().await;

    let missing = |id: &str| call("get_state", &json!({"entity_id": id}));
    let hidden = app
        .post("/api/mcp", &bearer, missing("switch.ac"))
        .await
        .body;
    let absent = app
        .post("/api/mcp", &bearer, missing("switch.no"))
        .await
        .body;
    assert_eq!(hidden, absent);
    assert!(hidden.contains(r#""isError": true"#), "{hidden}");
    let records = app.records().await;
    let outcomes: Vec<_> = records.iter().map(|record| record.outcome.name()).collect();
    assert_eq!(outcomes.len(), 2);
    // The record knows the difference that the answer hides.
    for outcome in ["denied", "not_found"] {
        assert!(outcomes.contains(&outcome), "{outcomes:?}");
    }
}

#[tokio::test]
async fn the_head_of_an_answer_tells_id_rate_and_age() {
    let mut app = TestApp::new();
    let limited = TokenOrder {
        rate_per_minute: 2,
        rate_burst: 2,
        ..order("limited")
    };
    let bearer = app.token(limited).await;
    app.let_home_grow_stale();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let first = app.post("/api/mcp", &bearer, ping).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-ratelimit-limit"), Some("2"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("1795435260"));
    assert_eq!(first.header("x-housekey-stale"), Some("0"));
    assert_eq!(
        first.header("x-request-id"),
        first.header("x-housekey-request-id")
    );
    let records = app.records().await;
    assert_eq!(
        Some(records[0].request_id.as_str()),
        first.header("x-request-id")
    );
    assert_eq!(records[0].stale_s, Some(0));
    app.post("/api/mcp", &bearer, ping).await;
    let third = app.post("/api/mcp", &bearer, ping).await;
    assert_eq!(
        (third.status.as_u16(), third.body.as_str()),
        (429, "429: Too Many Requests")
    );
    let wait: u64 = third.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let outcomes: Vec<_> = app
        .records()
        .await
        .iter()
        .map(|record| record.outcome.name())
        .collect();
    assert_eq!(outcomes, ["allowed", "rate_limited"]);
}
