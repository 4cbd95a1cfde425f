//! What releases of Home Assistant answered to the same requests over the same home.

use http::{Method, Request};
use serde_json::Value;

use super::app::{Answer, TestApp, order, recording as recorded_in};

/// Releases that serve `/api/mcp` and were recorded.
const RELEASES: [&str; 7] = [
    "2026.11.0",
    "2026.10.4",
    "2026.9.4",
    "2026.8.3",
    "2026.5.4",
    "2026.2.3",
    "2025.12.5",
];

/// Recorded requests that are passed over, and why.
const DIFFERENT: [(&str, &str); 11] = [
    ("origin evil", "pages of foreign origins are refused"),
    (
        "origin cast (allowed by default CORS)",
        "so are those of Home Assistant's cast",
    ),
    ("CORS preflight allowed origin", "so is their preflight"),
    (
        "CORS preflight other origin",
        "and any other, in other words",
    ),
    (
        "x-forwarded-for",
        "the header of a proxy that is not trusted is not believed, but not refused",
    ),
    (
        "host spoof",
        "the recording client added a second Host header",
    ),
    (
        "nonadmin ping /api/mcp",
        "a token with a scope gets its part",
    ),
    ("nonadmin sse", "here as well"),
    ("body bom", "not a text; see native.rs"),
    ("body invalid utf8", "not a text; see native.rs"),
    ("body utf16", "not a text; see native.rs"),
];

struct Recording {
    name: String,
    request: Request<axum::body::Body>,
    response: Value,
}

/// The tokens that stand for Home Assistant's users.
struct Users {
    admin: String,
    other: String,
}

/// The recorded exchanges of a file.
fn recordings(release: &str, file: &str, users: &Users) -> Vec<Recording> {
    let text = std::fs::read_to_string(recorded_in(release, file)).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.iter()
        .filter_map(|exchange| recording(exchange, users))
        .collect()
}

fn recording(exchange: &Value, users: &Users) -> Option<Recording> {
    let name = exchange["name"].as_str().unwrap().to_owned();
    let asked = &exchange["request"];
    if DIFFERENT.iter().any(|(different, _)| *different == name) {
        return None;
    }
    let body = asked["body"].as_str().unwrap_or_default().to_owned();
    let mut request = Request::builder()
        .method(asked["method"].as_str().unwrap())
        .uri(asked["path"].as_str().unwrap())
        .header("host", "127.0.0.1:8220");
    for (key, value) in asked["headers"].as_object().unwrap() {
        let value = match value.as_str().unwrap() {
            "Bearer <nonadmin>" => &users.other,
            value => value,
        };
        request = request.header(key, value);
    }
    if asked["auth"] == "admin" {
        request = request.header("authorization", &users.admin);
    }
    Some(Recording {
        name,
        request: request.body(body.into()).unwrap(),
        response: exchange["response"].clone(),
    })
}

/// Compares with what was recorded; the order of members does not matter, texts do.
async fn replay(release: &str, file: &str, at_least: usize) {
    let app = &mut TestApp::of(release);
    let users = Users {
        admin: app.unrestricted().await,
        other: app.token(order("user")).await,
    };
    let recordings = recordings(release, file, &users);
    let count = recordings.len();
    assert!(count >= at_least, "only {count} of {file}");
    let mut was_refused = false;
    for Recording {
        name,
        request,
        response,
    } in recordings
    {
        let name = format!("{name} in {release}");
        let method = request.method().clone();
        let answer = app.ask(request).await;
        assert_eq!(
            answer.status.as_u16(),
            response["status"],
            "{name}: {}",
            answer.body
        );
        for header in [
            "Content-Type",
            "Allow",
            "Referrer-Policy",
            "X-Content-Type-Options",
            "X-Frame-Options",
        ] {
            let expected = response["headers"].get(header).and_then(Value::as_str);
            // A path that does not exist is the listener's, which allows less.
            if answer.body != "404: Not Found" || !header.starts_with("X-") {
                assert_eq!(answer.header(header), expected, "{name}: {header}");
            }
        }
        let expected = response["body"].as_str().unwrap();
        match serde_json::from_str::<Value>(expected) {
            Ok(expected) => same_json(&name, &answer.json(), &expected),
            Err(_) => assert_eq!(answer.body, expected, "{name}"),
        }
        assert!(answer.body.is_ascii(), "{name}");
        app.records_of(records(&method, &answer, &mut was_refused))
            .await;
    }
}

/// How many records an answer leaves. Failed authentications of one address within a minute are one
/// record and a count.
fn records(method: &Method, answer: &Answer, was_refused: &mut bool) -> usize {
    if answer.header("www-authenticate").is_some() {
        return usize::from(!std::mem::replace(was_refused, true));
    }
    let is_admitted = method == Method::POST && answer.body != "404: Not Found";
    usize::from(is_admitted || answer.body == "Only POST method is supported")
}

fn same_json(name: &str, found: &Value, expected: &Value) {
    if let Some(tools) = expected.pointer("/result/tools") {
        return same_tools(name, found, expected, tools);
    }
    let mut found = found.clone();
    let mut expected = expected.clone();
    for side in [&mut found, &mut expected] {
        if let Some(text) = side.pointer_mut("/result/content/0/text") {
            without_time(text);
        }
    }
    assert_eq!(found, expected, "{name}");
}

/// Of the recorded list the tools that exist here, with the same names, texts, schemas and hints.
fn same_tools(name: &str, found: &Value, expected: &Value, tools: &Value) {
    let listed = found["result"]["tools"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{name}");
    let ours = |tool: &&Value| listed.iter().any(|ours| ours["name"] == tool["name"]);
    let theirs: Vec<&Value> = tools.as_array().unwrap().iter().filter(ours).collect();
    for theirs in &theirs {
        let mut ours = listed.iter().filter(|ours| ours["name"] == theirs["name"]);
        assert_eq!(ours.next(), Some(*theirs), "{name}");
    }
    assert_eq!(listed.len(), theirs.len(), "{name}");
    let rest = |side: &Value| {
        let mut rest = side.clone();
        rest["result"]
            .as_object_mut()
            .unwrap()
            .shift_remove("tools");
        rest
    };
    assert_eq!(rest(found), rest(expected), "{name}");
}

/// The clock is not the one of the recording.
fn without_time(text: &mut Value) {
    let Ok(mut outer) = serde_json::from_str::<Value>(text.as_str().unwrap()) else {
        return;
    };
    let inner = if outer.get("success").is_some() {
        &mut outer["result"]
    } else {
        &mut outer
    };
    let Some(inner) = inner.as_object_mut() else {
        return;
    };
    if inner.contains_key("weekday") {
        let keys: Vec<String> = inner.keys().cloned().collect();
        assert_eq!(keys, ["date", "time", "timezone", "weekday"]);
        for key in ["date", "time", "weekday"] {
            assert!(
                inner
                    .insert(key.to_owned(), Value::Null)
                    .unwrap()
                    .is_string()
            );
        }
        *text = outer.to_string().into();
    }
}

#[tokio::test]
async fn the_older_way_of_speaking() {
    for release in RELEASES {
        replay(release, "wire_http.json", 150).await;
    }
}

#[tokio::test]
async fn the_newer_way_of_speaking() {
    replay("2026.11.0", "wire_modern_2026-07-28.json", 28).await;
}

/// The messages of a file that holds one exchange, or the result of one.
fn said(release: &str, file: &str) -> Value {
    let text = std::fs::read_to_string(recorded_in(release, file)).unwrap();
    let said: Value = serde_json::from_str(&text).unwrap();
    said.get("result")
        .or(said.get("error"))
        .unwrap_or(&said)
        .clone()
}

#[tokio::test]
async fn lists_prompts_and_resources_of_every_release() {
    let snapshot = r#"{"uri":"homeassistant://assist/context-snapshot"}"#;
    for release in RELEASES {
        let mut app = TestApp::of(release);
        let admin = app.unrestricted().await;
        for (method, params, file) in [
            ("tools/list", "{}", "api_mcp.tools_list.json"),
            ("prompts/list", "{}", "api_mcp.prompts_list.json"),
            ("resources/list", "{}", "api_mcp.resources_list.json"),
            ("resources/read", snapshot, "assist_resource_read.json"),
        ] {
            let body =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let answer = app.post("/api/mcp", &admin, body).await.json();
            let wrapped = |said: Value| serde_json::json!({"result": said});
            let found = answer.get("result").or(answer.get("error")).unwrap();
            let name = format!("{method} in {release}");
            same_json(
                &name,
                &wrapped(found.clone()),
                &wrapped(said(release, file)),
            );
        }
        app.records().await;
    }
}

#[tokio::test]
async fn prompts_to_the_byte() {
    for release in RELEASES {
        let mut app = TestApp::of(release);
        let admin = app.unrestricted().await;
        let expected = said(release, "api_mcp.prompt_get.json");
        let listed = said(release, "api_mcp.prompts_list.json");
        let name = &listed["prompts"][0]["name"];
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{{"name":{name}}}}}"#
        );
        let answer = app.post("/api/mcp", &admin, body).await.json();
        let (mut found, mut expected) = (answer["result"].clone(), expected);
        for side in [&mut found, &mut expected] {
            let text = side.pointer_mut("/messages/0/content/text").unwrap();
            *text = without_tools(text.as_str().unwrap()).into();
        }
        assert_eq!(found, expected, "{release}");
        assert_eq!(app.one_record().await, "prompts/get allowed");
    }
}

/// A prompt for several APIs names their tools, of which not all exist here.
fn without_tools(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(" (").filter(|_| line.ends_with("):\n")) {
            Some((heading, tools)) => {
                assert!(tools.contains("llm__GetDateTime"), "{line}");
                out.push_str(heading);
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out
}

#[tokio::test]
async fn the_api_of_an_administrator() {
    let mut app = TestApp::new();
    let admin = app.unrestricted().await;
    let name = r#"{"name":"Home Assistant"}"#;
    for (method, params, file) in [
        (
            "prompts/list",
            "{}",
            "api_mcp_homeassistant.prompts_list.json",
        ),
        ("prompts/get", name, "api_mcp_homeassistant.prompt_get.json"),
        (
            "resources/list",
            "{}",
            "api_mcp_homeassistant.resources_list.json",
        ),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let answer = app.post("/api/mcp/homeassistant", &admin, body).await;
        assert_eq!(answer.json()["result"], said("2026.11.0", file), "{method}");
        assert_eq!(app.one_record().await, format!("{method} allowed"));
    }
    let call =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"GetLiveContext"}}"#;
    let answer = app.post("/api/mcp/homeassistant", &admin, call).await;
    assert!(answer.body.contains(r#"Tool \"GetLiveContext\" not found"#));
    let records = app.records_of(1).await;
    assert_eq!(records[0].resource, "/api/mcp/homeassistant");
}

#[tokio::test]
async fn live_context_to_the_byte() {
    for (release, at_least) in [
        ("2026.11.0", 15),
        ("2026.10.4", 15),
        ("2026.9.4", 15),
        ("2026.8.3", 15),
        ("2026.5.4", 15),
        ("2026.2.3", 3),
        ("2025.12.5", 3),
    ] {
        let mut app = TestApp::of(release);
        let bearer = app.unrestricted().await;
        let text = std::fs::read_to_string(recorded_in(release, "livecontext.json")).unwrap();
        let recorded: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert!(recorded.len() >= at_least);
        for exchange in recorded {
            let arguments = &exchange["arguments"];
            let body = serde_json::json!({
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "homeassistant__GetLiveContext", "arguments": arguments},
            });
            let answer = app.post("/api/mcp", &bearer, body.to_string()).await;
            let result = &answer.json()["result"];
            assert_eq!(*result, exchange["response"], "{arguments} in {release}");
        }
        app.records().await;
    }
}

#[tokio::test]
async fn other_tools_are_wrapped_as_the_release_wraps_them() {
    for (release, opening) in [
        ("2026.10.4", r#"{"date": ""#),
        ("2026.9.4", r#"{"success": true, "result": {"date": ""#),
    ] {
        let mut app = TestApp::of(release);
        let bearer = app.unrestricted().await;
        let body =
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"GetDateTime"}}"#;
        let answer = app.post("/api/mcp", &bearer, body.to_owned()).await;
        let answer = answer.json();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with(opening), "{text} in {release}");
        app.records().await;
    }
}
