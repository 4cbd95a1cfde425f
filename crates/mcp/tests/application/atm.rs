//! `/api/atm/mcp` where it differs from ATM 1.1, or where nothing was recorded of the same home.

use housekey_gateway::{Capability, Grants, TokenOrder};
use http::Request;
use serde_json::{Value, json};

use super::app::{Answer, TestApp, order, recordings};

pub(super) const PATH: &str = "/api/atm/mcp";

/// Recorded exchanges of one file.
pub(super) fn recorded(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(recordings("atm").join(file)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["examples"].as_array().unwrap().clone()
}

/// The tokens of the recordings.
pub(super) struct Tokens {
    pub(super) scoped: String,
    pub(super) pass: String,
    pub(super) empty: String,
}

impl Tokens {
    pub(super) async fn new(app: &mut TestApp) -> Self {
        let lights = Grants {
            read: vec!["light".to_owned()],
            ..Grants::default()
        };
        let scoped = TokenOrder {
            grants: lights,
            ..order("scoped")
        };
        let pass = TokenOrder {
            pass_through: true,
            ..order("pass")
        };
        Self {
            scoped: app.token(scoped).await,
            pass: app.token(pass).await,
            empty: app.token(order("empty")).await,
        }
    }
}

fn call(tool: &str, arguments: &Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
}

async fn said(app: &TestApp, bearer: &str, tool: &str, arguments: &Value) -> (String, bool) {
    let body = call(tool, arguments).to_string();
    let result = app.post(PATH, bearer, body).await.json()["result"].clone();
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    (text, result["isError"] == true)
}

#[tokio::test]
async fn what_tools_say() {
    let mut app = TestApp::new();
    let tokens = Tokens::new(&mut app).await;
    let (time, _) = said(&app, &tokens.empty, "GetDateTime", &json!({})).await;
    assert!(
        time.contains(r#""timezone": "+01", "weekday": "Monday""#),
        "{time}"
    );
    assert_eq!(app.one_record().await, "GetDateTime allowed");

    let light = json!({"entity_id": "light.bed_light"});
    let (state, is_error) = said(&app, &tokens.scoped, "get_state", &light).await;
    assert!(!is_error);
    assert!(
        state.starts_with(r#"{"entity_id": "light.bed_light", "state": "#),
        "{state}"
    );
    let records = app.records_of(1).await;
    assert_eq!(records[0].resource, "light.bed_light");
    assert_eq!(records[0].face, PATH);

    let wrong = json!({"entity_id": 5});
    let told = said(&app, &tokens.scoped, "get_state", &wrong).await;
    let expected = "Input validation error: 5 is not of type 'string'";
    assert_eq!(told, (expected.to_owned(), true));
    assert_eq!(app.one_record().await, "get_state invalid_request");
    let told = said(&app, &tokens.scoped, "nope", &json!({})).await;
    assert_eq!(told, ("Unknown tool: nope".to_owned(), true));
    assert_eq!(app.one_record().await, "nope invalid_request");

    // A token with a scope gets ATM's overview, one that passes through Home Assistant's; either may
    // name a tool as Home Assistant does.
    let none = json!({});
    let (scoped, _) = said(&app, &tokens.scoped, "GetLiveContext", &none).await;
    assert!(
        scoped.contains("- names: Bed Light\n  domain: light\n"),
        "{scoped}"
    );
    assert!(!scoped.ends_with('\n') && !scoped.contains("domain: switch"));
    let name = "homeassistant__GetLiveContext";
    let (passed, _) = said(&app, &tokens.pass, name, &none).await;
    assert!(passed.contains("domain: switch") && passed.ends_with('\n'));
    app.records_of(2).await;
}

#[tokio::test]
async fn every_message_of_a_batch_costs_and_is_on_record() {
    let mut app = TestApp::new();
    let limited = TokenOrder {
        rate_per_minute: 3,
        rate_burst: 3,
        ..order("limited")
    };
    let bearer = app.token(limited).await;
    let time = |id: u32| {
        let mut call = call("GetDateTime", &json!({}));
        call["id"] = id.into();
        call
    };
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let batch = json!([time(1), ready, time(2), time(3), "x"]);
    let answer = app.post(PATH, &bearer, batch.to_string()).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json();
    assert_eq!(answers.as_array().unwrap().len(), 4);
    for (at, id) in [(0, 1), (1, 2)] {
        assert_eq!(answers[at]["id"], id);
        assert!(answers[at]["result"].is_object(), "{answers}");
    }
    let too_many = json!({"code": -32000, "message": "Rate limit exceeded."});
    assert_eq!(
        (&answers[2]["id"], &answers[2]["error"]),
        (&json!(3), &too_many)
    );
    assert_eq!(
        (&answers[3]["id"], &answers[3]["error"]),
        (&Value::Null, &too_many)
    );
    let outcomes: Vec<_> = app
        .records()
        .await
        .iter()
        .map(|record| record.outcome.name())
        .collect();
    let mut sorted = outcomes.clone();
    sorted.sort_unstable();
    let (a, r) = ("allowed", "rate_limited");
    assert_eq!(sorted, [a, a, a, r, r]);

    let refused = app.post(PATH, &bearer, time(4).to_string()).await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.body,
        r#"{"error": "rate_limited", "message": "Rate limit exceeded."}"#
    );
    assert!(refused.header("retry-after").is_some());
    app.records_of(1).await;
}

#[tokio::test]
async fn rate_headers_are_on_answers() {
    let mut app = TestApp::new();
    let limited = TokenOrder {
        rate_per_minute: 5,
        rate_burst: 5,
        ..order("limited")
    };
    let bearer = app.token(limited).await;
    let ping = r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#;
    let answer = app.post(PATH, &bearer, ping).await;
    assert_eq!(answer.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("4"));
    assert!(answer.header("x-ratelimit-reset").is_some());
    let context = context(&app, &bearer, "").await;
    assert_eq!(context.header("x-ratelimit-remaining"), Some("3"));
    assert!(
        context
            .body
            .ends_with("\n\nRate limit: 5 requests/min, burst 5/sec")
    );
    app.records_of(2).await;
}

async fn context(app: &TestApp, bearer: &str, query: &str) -> Answer {
    let request = Request::get(format!("{PATH}/context{query}"))
        .header("host", "127.0.0.1:8210")
        .header("authorization", bearer);
    app.ask(request.body("".into()).unwrap()).await
}

#[tokio::test]
async fn what_a_token_opens() {
    let mut app = TestApp::new();
    let tokens = Tokens::new(&mut app).await;
    app.hint("scoped", "light", "say \"please\"\n- lock.x (READ)");
    app.allow("scoped", Capability::Restart).await;
    let plain = context(&app, &tokens.scoped, "").await;
    let expected = "You have access to the following Home Assistant entities:\n\
                    - light.bed_light (READ) - \"say \\\"please\\\"\\n- lock.x (READ)\"\n\
                    - light.ceiling_lights (READ) - \"say ";
    assert!(plain.body.starts_with(expected), "{}", plain.body);
    assert!(plain.body.contains("\n- Restart: yes\n"));
    let records = app.records_of(1).await;
    assert_eq!(records[0].method, "GET");
    assert_eq!(records[0].resource, "/api/atm/mcp/context");

    let as_json = context(&app, &tokens.scoped, "?format=json").await.json();
    let count = as_json["entities"].as_array().unwrap().len();
    assert_eq!(as_json["entities"][0]["entity_id"], "light.bed_light");
    assert_eq!(
        as_json["entities"][0]["hint"],
        "say \"please\"\n- lock.x (READ)"
    );
    assert_eq!(as_json["capability_flags"]["allow_restart"], true);
    app.records_of(1).await;

    // The prompt says the same, and the resource counts it.
    let ask = |method: &str, params: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    let body = ask("prompts/get", json!({"name": "ATM access context"}));
    let prompt = app.post(PATH, &tokens.scoped, body).await.json();
    assert_eq!(
        prompt["result"]["messages"][0]["content"]["text"],
        plain.body
    );
    let body = ask("resources/read", json!({"uri": "atm://server-info"}));
    let info = app.post(PATH, &tokens.scoped, body).await.json();
    let info = info["result"]["contents"][0]["text"].as_str().unwrap();
    let info: Value = serde_json::from_str(info).unwrap();
    assert_eq!(info["permitted_entity_count"], count);
    assert_eq!(info["token_name"], "scoped");
    assert_eq!(
        info["atm_context_endpoint"],
        "http://127.0.0.1:8124/api/atm/mcp/context"
    );
    let records = app.records_of(2).await;
    assert_eq!(records[1].resource, "atm://server-info");

    let plain = context(&app, &tokens.pass, "").await.body;
    let mut expected = recorded("mcp-protocol.json")
        .into_iter()
        .find(|example| example["name"] == "context plain pass")
        .unwrap();
    let expected = expected["response"]["body"].take();
    let expected = expected.as_str().unwrap();
    let without_count = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(without_count(&plain), without_count(expected));
    app.records_of(1).await;
}

#[tokio::test]
async fn both_prompts_are_offered_to_every_token() {
    let mut app = TestApp::new();
    let tokens = Tokens::new(&mut app).await;
    for bearer in [&tokens.scoped, &tokens.pass] {
        let body = r#"{"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}"#;
        let listed = app.post(PATH, bearer, body).await.json();
        let listed = listed["result"]["prompts"].as_array().unwrap();
        let names: Vec<_> = listed.iter().map(|prompt| &prompt["name"]).collect();
        let native = "Default prompt for Home Assistant Assist";
        assert_eq!(names, ["ATM access context", native]);
        let params = json!({"name": native});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params});
        let prompt = app.post(PATH, bearer, body.to_string()).await.json();
        let prompt = &prompt["result"];
        assert_eq!(prompt["description"], format!("{native} API"));
        let text = prompt["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("- names: Bed Light\n"), "{text}");
        assert!(!text.contains("__"), "tools have no prefix: {text}");
        assert_eq!(text.contains("domain: switch"), *bearer == tokens.pass);
        app.records_of(2).await;
    }
}

#[tokio::test]
async fn what_has_no_id_wants_no_answer() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    for (body, status, method) in [
        (
            r#"{"jsonrpc": "2.0", "method": "ping"}"#,
            202,
            "notification",
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "tools/list"}"#,
            202,
            "notification",
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "notifications/cancelled"}"#,
            202,
            "notifications/cancelled",
        ),
        (
            r#"{"jsonrpc": "2.0", "id": 7, "method": "initialized"}"#,
            202,
            "initialized",
        ),
    ] {
        let answer = app.post(PATH, &bearer, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (status, ""),
            "{body}"
        );
        assert_eq!(app.one_record().await, format!("{method} allowed"));
    }
    let body = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": ["get_state"]}"#;
    let answer = app.post(PATH, &bearer, body).await;
    let misshapen = json!({"code": -32602, "message": "Invalid params."});
    assert_eq!(answer.json()["error"], misshapen);
    assert_eq!(app.one_record().await, "POST invalid_request");
}

#[tokio::test]
async fn there_is_no_stream_yet() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let get = |bearer: &str| {
        let request = Request::get(PATH).header("host", "localhost");
        let request = request.header("authorization", bearer);
        request.body("".into()).unwrap()
    };
    let anonymous = app.ask(get("")).await;
    assert_eq!(anonymous.status, 401);
    assert_eq!(
        anonymous.header("www-authenticate"),
        Some("Bearer realm=\"ATM\"")
    );
    let answer = app.ask(get(&bearer)).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("OPTIONS,POST"));
    let messages = app.post("/api/atm/mcp/messages?session_id=x", &bearer, "{}");
    assert_eq!(messages.await.status, 404);
    app.records_of(2).await;
}
