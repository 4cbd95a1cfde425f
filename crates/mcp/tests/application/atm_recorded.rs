//! `/api/atm/mcp`: what ATM 1.1 was recorded to answer.

use http::Request;
use serde_json::Value;

use super::app::{Answer, TestApp, recordings};
use super::atm::{PATH, Tokens, recorded};

impl Tokens {
    fn of(&self, placeholder: &str) -> &str {
        match placeholder {
            "Bearer <scoped-token>" => &self.scoped,
            "Bearer <pass-token>" => &self.pass,
            "Bearer <empty-token>" => &self.empty,
            other => panic!("{other}"),
        }
    }
}

async fn ask(app: &TestApp, tokens: &Tokens, example: &Value) -> Answer {
    let asked = &example["request"];
    let mut request = Request::builder()
        .method(asked["method"].as_str().unwrap())
        .uri(asked["path"].as_str().unwrap())
        .header("host", "127.0.0.1:8210");
    if let Some(bearer) = asked["authorization"].as_str() {
        request = request.header("authorization", tokens.of(bearer));
    }
    for (key, value) in asked["headers"].as_object().into_iter().flatten() {
        request = request.header(key, value.as_str().unwrap());
    }
    let body = match (&asked["json"], asked["raw"].as_str()) {
        (Value::Null, None) => String::new(),
        (Value::Null, Some(raw)) if raw.contains("(1100008 bytes)") => {
            format!("{{\"a\":\"{}\"}}", "x".repeat(1_100_000))
        }
        (Value::Null, Some(raw)) => raw.to_owned(),
        (json, _) => json.to_string(),
    };
    app.ask(request.body(body.into()).unwrap()).await
}

/// Recorded exchanges that are answered in another way, and why.
const DIFFERENT: [(&str, &str); 13] = [
    ("ping no id", "what has no id wants no answer"),
    ("params list", "an error in the place of a crash"),
    ("tools/list empty token", "the recording is a count"),
    ("tools/list pass", "the recording holds names alone"),
    ("tools/list cursor ignored", "the recording is a count"),
    ("resources/read info", "of another home"),
    ("resources/read info pass", "of another home"),
    ("resources/read snapshot", "of another home"),
    (
        "prompts/list scoped",
        "both prompts are offered to every token",
    ),
    ("prompts/list pass", "ATM fails on this release"),
    ("prompts/get scoped", "of another home"),
    ("prompts/get pass", "ATM fails on this release"),
    ("prompts/get pass wrong", "it exists here"),
];

/// The same for methods of HTTP and documents.
const DIFFERENT_ELSEWHERE: [(&str, &str); 6] = [
    ("prompts/get native name on scoped", "it exists here"),
    ("delete session", "there is no stream to be opened by GET"),
    ("context plain scoped", "of another home; see the unit test"),
    ("context json scoped", "of another home; see the unit test"),
    ("context plain pass", "of another home; see below"),
    ("context json pass", "of another home; see below"),
];

#[tokio::test]
async fn the_protocol_as_recorded() {
    let mut app = TestApp::new();
    let tokens = Tokens::new(&mut app).await;
    let mut count = 0;
    for example in recorded("mcp-protocol.json") {
        let name = example["name"].as_str().unwrap();
        let mut different = DIFFERENT.iter().chain(&DIFFERENT_ELSEWHERE);
        if different.any(|(different, _)| *different == name) {
            continue;
        }
        let answer = ask(&app, &tokens, &example).await;
        let expected = &example["response"];
        assert_eq!(answer.status.as_u16(), expected["status"], "{name}");
        for header in [
            "Content-Type",
            "WWW-Authenticate",
            "Referrer-Policy",
            "X-Content-Type-Options",
            "X-Frame-Options",
        ] {
            let expected = expected["headers"].get(header).and_then(Value::as_str);
            assert_eq!(answer.header(header), expected, "{name}: {header}");
        }
        let length = expected["headers"]["Content-Length"].as_str().unwrap();
        assert_eq!(
            answer.body.len().to_string(),
            length,
            "{name}: {}",
            answer.body
        );
        match &expected["body"] {
            Value::Null => assert_eq!(answer.body, "", "{name}"),
            Value::String(text) => assert_eq!(answer.body, *text, "{name}"),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                assert_eq!(answer.json(), expected["body"], "{name}");
            }
        }
        let id = answer.header("x-atm-request-id").unwrap();
        // Each message of a batch is on record; failed authentications of one address within a
        // minute are one record and a count.
        let expected = match name {
            "batch" => 6,
            "context no auth" => 0,
            _ => 1,
        };
        let records = app.records_of(expected).await;
        assert!(
            records.iter().all(|record| record.request_id == id),
            "{name}"
        );
        count += 1;
    }
    assert!(count >= 38, "only {count}");
}

#[tokio::test]
async fn tools_as_recorded() {
    let mut app = TestApp::new();
    let tokens = Tokens::new(&mut app).await;
    let text = std::fs::read_to_string(recordings("atm").join("mcp-tools-list.json")).unwrap();
    let recorded_list: Value = serde_json::from_str(&text).unwrap();
    let body = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
    let listed = app.post(PATH, &tokens.pass, body).await.json();
    let listed = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|tool| &tool["name"]).collect();
    assert_eq!(
        names,
        ["get_state", "get_states", "GetLiveContext", "GetDateTime"]
    );
    for tool in listed {
        let theirs = recorded_list["tools"].as_array().unwrap();
        let theirs = theirs.iter().find(|theirs| theirs["name"] == tool["name"]);
        assert_eq!(theirs, Some(tool));
    }
    app.records().await;

    let examples = recorded("mcp-tools-entity.json");
    let mut examples: Vec<_> = examples
        .into_iter()
        .filter(|example| {
            let name = example["name"].as_str().unwrap();
            [
                "get_state missing arg",
                "get_state no arguments",
                "denied",
                "ghost",
            ]
            .contains(&name)
                || name == "get_states empty"
        })
        .collect();
    examples.extend(
        recorded("mcp-tools-native.json")
            .into_iter()
            .filter(|example| example["name"] == "GetLiveContext empty"),
    );
    assert_eq!(examples.len(), 6);
    for example in examples {
        let mut example = example;
        // The light that the recorded token may not read is one that this token may.
        if example["name"] == "denied" {
            let id = example.pointer_mut("/request/json/params/arguments/entity_id");
            *id.unwrap() = "lock.front_door".into();
        }
        let answer = ask(&app, &tokens, &example).await;
        let expected = &example["response"];
        assert_eq!(answer.json(), expected["body"], "{}", example["name"]);
        let length = expected["headers"]["Content-Length"].as_str().unwrap();
        assert_eq!(answer.body.len().to_string(), length, "{}", example["name"]);
        app.records_of(1).await;
    }
}
