//! What Home Assistant 2026.11.0 answered to the same requests over the same home.

use http::Request;
use serde_json::Value;

use super::app::{TestApp, fixture, recording as recorded_in};

/// Methods that this server does not serve yet, and paths that it does not have.
const ABSENT: [&str; 4] = [
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
];

/// Recorded requests that are passed over, and why.
const DIFFERENT: [(&str, &str); 10] = [
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
    ("nonadmin ping /api/mcp", "a token has no role"),
    ("body bom", "not a text; see native.rs"),
    ("body invalid utf8", "not a text; see native.rs"),
    ("body utf16", "not a text; see native.rs"),
];

struct Recording {
    name: String,
    request: Request<axum::body::Body>,
    response: Value,
}

/// The recorded exchanges of a file with one path that are about what this server has. The path of
/// one API and the path of all are answered alike but for the lists.
fn recordings(file: &str, path: &str, bearer: &str) -> Vec<Recording> {
    let text = std::fs::read_to_string(fixture(file)).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of_path = |exchange: &&Value| {
        exchange["request"]["path"]
            .as_str()
            .unwrap()
            .split('?')
            .next()
            == Some(path)
    };
    all.iter()
        .filter(of_path)
        .filter_map(|exchange| recording(exchange, path, bearer))
        .collect()
}

fn recording(exchange: &Value, path: &str, bearer: &str) -> Option<Recording> {
    let name = exchange["name"].as_str().unwrap().to_owned();
    let asked = &exchange["request"];
    let body = asked["body"].as_str().unwrap_or_default().to_owned();
    let is_absent = ABSENT
        .iter()
        .any(|method| body.contains(&format!("\"{method}\"")));
    let is_passed_over = DIFFERENT.iter().any(|(different, _)| *different == name);
    if is_absent || is_passed_over {
        return None;
    }
    let mut request = Request::builder()
        .method(asked["method"].as_str().unwrap())
        .uri(asked["path"].as_str().unwrap().replace(path, "/api/mcp"))
        .header("host", "127.0.0.1:8220");
    for (key, value) in asked["headers"].as_object().unwrap() {
        request = request.header(key, value.as_str().unwrap());
    }
    if asked["auth"] == "admin" {
        request = request.header("authorization", bearer);
    }
    Some(Recording {
        name,
        request: request.body(body.into()).unwrap(),
        response: exchange["response"].clone(),
    })
}

/// Compares with what was recorded; the order of members does not matter, texts do.
async fn replay(app: &mut TestApp, file: &str, path: &str, at_least: usize) {
    let bearer = app.unrestricted().await;
    let recordings = recordings(file, path, &bearer);
    assert!(
        recordings.len() >= at_least,
        "only {} of {file}",
        recordings.len()
    );
    let mut was_refused = false;
    for Recording {
        name,
        request,
        response,
    } in recordings
    {
        let is_post = request.method() == http::Method::POST;
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
            assert_eq!(answer.header(header), expected, "{name}: {header}");
        }
        let expected = response["body"].as_str().unwrap();
        match serde_json::from_str::<Value>(expected) {
            Ok(expected) => same_json(&name, &answer.json(), &expected),
            Err(_) => assert_eq!(answer.body, expected, "{name}"),
        }
        assert!(answer.body.is_ascii(), "{name}");
        // Failed authentications of one address within a minute are one record and a count.
        let is_counted = answer.status == 401 && std::mem::replace(&mut was_refused, true);
        app.records_of(usize::from(is_post && !is_counted)).await;
    }
}

fn same_json(name: &str, found: &Value, expected: &Value) {
    if let Some(tools) = expected.pointer("/result/tools") {
        return same_tools(name, found, expected, tools);
    }
    let mut found = found.clone();
    let mut expected = expected.clone();
    // What the recorded server has and this one does not is not announced.
    if let Some(capabilities) = expected.pointer_mut("/result/capabilities") {
        capabilities
            .as_object_mut()
            .unwrap()
            .retain(|what, _| what == "tools");
    }
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
    assert_eq!(listed.iter().collect::<Vec<_>>(), theirs, "{name}");
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
    let Ok(Value::Object(mut inner)) = serde_json::from_str(text.as_str().unwrap()) else {
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
        *text = Value::Object(inner).to_string().into();
    }
}

#[tokio::test]
async fn the_older_way_of_speaking() {
    replay(&mut TestApp::new(), "wire_http.json", "/api/mcp", 120).await;
}

#[tokio::test]
async fn the_newer_way_of_speaking() {
    replay(
        &mut TestApp::new(),
        "wire_modern_2026-07-28.json",
        "/api/mcp/assist",
        20,
    )
    .await;
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

/// Listed in docs/COMPATIBILITY.md.
#[tokio::test]
async fn lists_are_the_newest_whatever_release_is_connected() {
    let mut lists = Vec::new();
    for release in ["2026.11.0", "2026.8.3", "2025.12.5"] {
        let mut app = TestApp::of(release);
        let bearer = app.unrestricted().await;
        let mut answers = Vec::new();
        for method in ["tools/list", "ping", "no/such/method"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
            answers.push(app.post("/api/mcp", &bearer, body).await.body);
        }
        assert!(answers[0].contains("homeassistant__GetLiveContext"));
        lists.push(answers);
        app.records().await;
    }
    assert!(lists.iter().all(|list| *list == lists[0]));
}
