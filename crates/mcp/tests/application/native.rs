//! `/api/mcp` where it differs from Home Assistant, or where nothing was recorded.

use housekey_gateway::{Grants, TokenOrder};
use serde_json::json;

use super::app::{TestApp, order, recording};

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
async fn a_scoped_token_is_a_user_and_not_an_administrator() {
    let mut app = TestApp::new();
    let bearer = app.token(order("user")).await;
    let list = |method: &str| json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string();
    for path in ["/api/mcp", "/api/mcp/assist"] {
        let answer = app.post(path, &bearer, list("prompts/list")).await;
        assert_eq!(
            answer.json()["result"]["prompts"][0]["name"],
            "Device control"
        );
        let records = app.records_of(1).await;
        assert_eq!(records[0].resource, path);
    }
    // Whether it may comes before whether there is such an API, and both before the body.
    for path in ["/api/mcp/homeassistant", "/api/mcp/nope"] {
        let answer = app.post(path, &bearer, "no json").await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.body, "403: Forbidden");
        let records = app.records_of(1).await;
        assert_eq!(records[0].outcome.name(), "denied");
        assert_eq!(records[0].resource, path);
    }
    let admin = app.unrestricted().await;
    let answer = app.post("/api/mcp/nope", &admin, "no json").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body, "Unknown LLM API 'nope'");
    assert_eq!(app.one_record().await, "POST not_found");
    let anonymous = app.post("/api/mcp/nope", "", "no json").await;
    assert_eq!(anonymous.status, 401);
    app.records_of(1).await;
}

#[tokio::test]
async fn a_prompt_knows_the_device_that_it_is_read_on() {
    let mut app = TestApp::of("2026.11.0-rich");
    let bearer = app.unrestricted().await;
    let recorded = std::fs::read_to_string(recording("2026.11.0-rich", "device_context.json"));
    let recorded: serde_json::Value = serde_json::from_str(&recorded.unwrap()).unwrap();
    let key = recorded["_meta key"].as_str().unwrap();
    let mut places = 0;
    for context in recorded["contexts"].as_array().unwrap() {
        let meta = json!({key: context["device_id"]});
        let params = json!({"name": "Device control", "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params});
        let answer = app.post("/api/mcp/assist", &bearer, body.to_string()).await;
        let text = answer.json()["result"]["messages"][0]["content"]["text"].clone();
        let text = text.as_str().unwrap();
        // No registry tells whether a device has timers.
        let (text, told) = text.rsplit_once('\n').unwrap();
        assert_eq!(told, "This device is not able to start timers.");
        let expected = context["prompt_tail"].as_str().unwrap();
        let expected = expected.strip_suffix(told).map_or(expected, str::trim_end);
        assert!(text.ends_with(expected), "{}: {text}", context["label"]);
        places += usize::from(text.contains("You are in area"));
    }
    assert!(places > 1, "{places}");
    app.records().await;
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

#[tokio::test]
async fn documents_of_a_login_are_quickly_not_there() {
    let mut app = TestApp::new();
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource/api/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
    ] {
        let request = http::Request::get(path).header("host", "localhost");
        let answer = app.ask(request.body("".into()).unwrap()).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, "404: Not Found");
    }
    app.records_of(0).await;
}
