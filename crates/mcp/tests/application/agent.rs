//! `/mcp`: both ways of speaking, and what tools look like there.

use http::Request;
use serde_json::{Value, json};

use super::app::{Answer, TestApp, post};

const MODERN: &str = "2026-07-28";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// Asks in the newer way: no session, one JSON answer.
async fn modern(app: &TestApp, bearer: &str, method: &str, mut params: Value) -> Answer {
    let name = params
        .get("name")
        .or(params.get("uri"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    params["_meta"] = meta();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut request = post("/mcp", bearer)
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method);
    if let Some(name) = name {
        request = request.header("mcp-name", name);
    }
    app.ask(request.body(body.to_string().into()).unwrap())
        .await
}

fn identity() -> Value {
    json!({"name": "housekey", "version": env!("CARGO_PKG_VERSION")})
}

#[tokio::test]
async fn discovery_tells_who_this_is_and_only_what_exists() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let answer = modern(&app, &bearer, "server/discover", json!({})).await;
    assert_eq!(answer.status, 200);
    let result = &answer.json()["result"];
    let what_there_is = json!({"prompts": {}, "resources": {}, "tools": {}});
    assert_eq!(result["capabilities"], what_there_is);
    assert_eq!(result["cacheScope"], "private");
    assert_eq!(result["_meta"][SERVER_INFO], identity());
    assert_eq!(result["supportedVersions"].as_array().unwrap().len(), 5);
    assert_eq!(app.one_record().await, "server/discover allowed");
    for (method, status) in [
        ("completion/complete", 404),
        ("ping", 404),
        ("no/such", 404),
    ] {
        let answer = modern(&app, &bearer, method, json!({})).await;
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.json()["error"]["code"], -32601, "{method}");
        assert_eq!(app.records().await.len(), 1);
    }
}

#[tokio::test]
async fn tools_have_bare_names_and_small_schemas() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let answer = modern(&app, &bearer, "tools/list", json!({})).await;
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["ttlMs"], 60_000);
    assert_eq!(result["cacheScope"], "private");
    assert_eq!(result["_meta"][SERVER_INFO], identity());
    let tools = result["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["get_state", "get_states", "GetLiveContext", "GetDateTime"]
    );
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert!(!tool["inputSchema"].to_string().contains("anyOf"), "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        assert_eq!(tool["annotations"].as_object().unwrap().len(), 4);
    }
    assert_eq!(app.one_record().await, "tools/list allowed");
}

#[tokio::test]
async fn results_are_text_and_structure_of_the_same() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let params = json!({"name": "get_state", "arguments": {"entity_id": "light.bed_light"}});
    let result = modern(&app, &bearer, "tools/call", params).await.json()["result"].clone();
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(result["structuredContent"], text);
    assert_eq!(text["entity_id"], "light.bed_light");
    assert_eq!(result["isError"], false);
    assert_eq!(result["_meta"][SERVER_INFO], identity());
    assert_eq!(app.one_record().await, "get_state allowed");

    let params = json!({"name": "GetLiveContext", "arguments": {"domain": ["light"]}});
    let result = modern(&app, &bearer, "tools/call", params).await.json()["result"].clone();
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Live Context: An overview of the areas"),
        "{text}"
    );
    assert_eq!(result.get("structuredContent"), None);
    assert_eq!(app.one_record().await, "GetLiveContext allowed");

    let missing = json!({"name": "get_state", "arguments": {"entity_id": "light.no"}});
    let result = modern(&app, &bearer, "tools/call", missing).await.json()["result"].clone();
    assert_eq!(result["isError"], true);
    assert_eq!(app.one_record().await, "get_state not_found");
}

#[tokio::test]
async fn there_is_one_prompt_without_prefixes() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let answer = modern(&app, &bearer, "prompts/list", json!({})).await;
    let result = &answer.json()["result"];
    assert_eq!(result["prompts"].as_array().unwrap().len(), 1);
    assert_eq!(result["prompts"][0]["name"], "assist");
    assert_eq!(result["ttlMs"], 60_000);
    assert_eq!(result["_meta"][SERVER_INFO], identity());
    assert_eq!(app.one_record().await, "prompts/list allowed");

    let answer = modern(&app, &bearer, "prompts/get", json!({"name": "assist"})).await;
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "complete");
    let message = &result["messages"][0];
    assert_eq!(message["role"], "assistant");
    let text = message["content"]["text"].as_str().unwrap();
    assert!(
        text.contains("- names: Bed Light\n  domain: light\n"),
        "{text}"
    );
    assert!(text.contains("Use HassTurnOn to lock"), "{text}");
    assert!(!text.contains("__"), "{text}");
    assert_eq!(app.one_record().await, "prompts/get allowed");

    let answer = modern(&app, &bearer, "prompts/get", json!({"name": "Assist"})).await;
    let unknown = json!({"code": -32602, "message": "Unknown prompt: Assist"});
    assert_eq!(answer.json()["error"], unknown);
    assert_eq!(app.one_record().await, "prompts/get invalid_request");
    modern(&app, &bearer, "prompts/get", json!({})).await;
    assert_eq!(app.one_record().await, "POST invalid_request");
}

#[tokio::test]
async fn the_overview_is_a_resource() {
    const URI: &str = "homeassistant://assist/context-snapshot";
    // On this face also where the connected release has no resources.
    for release in ["2026.11.0", "2025.12.5"] {
        let mut app = TestApp::of(release);
        let bearer = app.unrestricted().await;
        let answer = modern(&app, &bearer, "resources/list", json!({})).await;
        let result = &answer.json()["result"];
        assert_eq!(result["resources"][0]["uri"], URI);
        assert_eq!(result["ttlMs"], 0);
        assert_eq!(app.one_record().await, "resources/list allowed");

        let answer = modern(&app, &bearer, "resources/read", json!({"uri": URI})).await;
        let contents = &answer.json()["result"]["contents"][0];
        assert_eq!(contents["mimeType"], "text/plain");
        let call = json!({"name": "GetLiveContext", "arguments": {}});
        let called = modern(&app, &bearer, "tools/call", call).await;
        let called = &called.json()["result"]["content"][0];
        assert_eq!(contents["text"], called["text"]);
        let records = app.records_of(2).await;
        assert_eq!(records[0].method, "resources/read");
        assert_eq!(records[0].resource, URI);

        let answer = modern(&app, &bearer, "resources/read", json!({"uri": "x:y"})).await;
        let error = &answer.json()["error"];
        assert_eq!(error["code"], -32602);
        assert_eq!(error["data"]["uri"], "x:y");
        assert_eq!(app.one_record().await, "resources/read invalid_request");

        let answer = modern(&app, &bearer, "resources/templates/list", json!({})).await;
        assert_eq!(answer.json()["result"]["resourceTemplates"], json!([]));
        assert_eq!(app.one_record().await, "resources/templates/list allowed");
    }
}

#[tokio::test]
async fn a_client_that_names_json_alone_is_answered() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta()}});
    let request = |accept: Option<&str>| {
        let mut request = Request::post("/mcp")
            .header("host", "localhost:8124")
            .header("content-type", "application/json")
            .header("authorization", &bearer)
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/list");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        request.body(body.to_string().into()).unwrap()
    };
    for accept in [None, Some("*/*"), Some("application/json")] {
        assert_eq!(app.ask(request(accept)).await.status, 200, "{accept:?}");
        assert_eq!(app.one_record().await, "tools/list allowed");
    }
    assert_eq!(
        app.ask(request(Some("text/event-stream"))).await.status,
        406
    );
    assert_eq!(app.one_record().await, "POST invalid_request");
}

#[tokio::test]
async fn names_and_pages_that_are_not_ours_are_refused_without_a_record() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let foreign = Request::post("/mcp")
        .header("host", "evil.example")
        .header("authorization", &bearer);
    assert_eq!(
        app.ask(foreign.body("{}".into()).unwrap()).await.status,
        403
    );
    let page = post("/mcp", &bearer).header("origin", "http://evil.example");
    assert_eq!(app.ask(page.body("{}".into()).unwrap()).await.status, 403);
    let put = Request::put("/mcp")
        .header("host", "localhost")
        .body("".into())
        .unwrap();
    assert_eq!(app.ask(put).await.status, 405);
    assert_eq!(app.post("/mcp/x", &bearer, "{}").await.status, 404);
    assert!(app.records().await.is_empty());
}
