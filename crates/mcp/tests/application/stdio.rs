//! One client on a pipe: both ways of speaking, one record for each message, nothing but messages.

use std::io;
use std::time::Duration;

use housekey_mcp::{StdioError, serve_stdio};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::app::{TestApp, post};

const PATIENCE: Duration = Duration::from_secs(10);
const MODERN: &str = "2026-07-28";

/// The client's end of a pipe.
struct Client {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    stop: CancellationToken,
    served: JoinHandle<Result<(), StdioError>>,
}

impl Client {
    fn of(app: &TestApp, bearer: &str) -> Self {
        let front = app.front();
        let ask = move |request| {
            let front = front.clone();
            async move { Ok(front.answer(TestApp::PEER, request).await) }
        };
        Self::with(ask, bearer)
    }

    fn with<A, F>(ask: A, bearer: &str) -> Self
    where
        A: Fn(http::Request<axum::body::Body>) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<axum::response::Response>> + Send + 'static,
    {
        let (input, far_input) = tokio::io::duplex(1 << 16);
        let (output, far_output) = tokio::io::duplex(1 << 16);
        let stop = CancellationToken::new();
        let token = bearer.strip_prefix("Bearer ").unwrap().to_owned();
        let stopped = stop.clone();
        let served =
            tokio::spawn(
                async move { serve_stdio(ask, &token, far_input, far_output, stopped).await },
            );
        Self {
            input,
            output: BufReader::new(output).lines(),
            stop,
            served,
        }
    }

    async fn send(&mut self, line: impl ToString) {
        let line = format!("{}\n", line.to_string());
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        let line = line.unwrap().unwrap().unwrap();
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["jsonrpc"], "2.0");
        message
    }

    async fn ask(&mut self, line: impl ToString) -> Value {
        self.send(line).await;
        self.hear().await
    }

    async fn shake_hands(&mut self) -> Value {
        let answer = self.ask(initialize()).await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        answer
    }

    /// Hangs up and waits for the server to notice.
    async fn hang_up(self) {
        drop(self.input);
        let served = tokio::time::timeout(PATIENCE, self.served).await;
        served.unwrap().unwrap().unwrap();
    }
}

fn initialize() -> Value {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

fn request(id: u32, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn modern(id: u32, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(id, method, &params)
}

async fn told(app: &mut TestApp) -> Vec<String> {
    let records = app.records().await;
    let told = |record: &housekey_store::audit::Record| {
        format!("{} {}", record.method, record.outcome.name())
    };
    records.iter().map(told).collect()
}

#[tokio::test]
async fn a_handshake_a_call_and_an_end() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    let answer = client.shake_hands().await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    let call = json!({"name": "get_state", "arguments": {"entity_id": "light.bed_light"}});
    let answer = client.ask(request(1, "tools/call", &call)).await;
    assert_eq!(answer["id"], 1);
    let result = &answer["result"];
    assert_eq!(result["structuredContent"]["entity_id"], "light.bed_light");
    let answer = client.ask(request(2, "no/such", &json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601);
    client.hang_up().await;
    assert_eq!(
        told(&mut app).await,
        [
            "initialize allowed",
            "notifications/initialized allowed",
            "get_state allowed",
            "no/such not_implemented",
            "session/close allowed",
        ]
    );
}

#[tokio::test]
async fn both_ways_of_speaking_on_one_pipe() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    let answer = client.ask(modern(1, "server/discover", json!({}))).await;
    assert!(answer["result"]["capabilities"]["prompts"].is_object());
    let read = json!({"uri": "homeassistant://assist/context-snapshot"});
    let answer = client.ask(modern(2, "resources/read", read)).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    client.shake_hands().await;
    let answer = client.ask(request(3, "tools/list", &json!({}))).await;
    assert_eq!(answer["result"].get("resultType"), None);
    let prompt = json!({"name": "Küche"});
    let answer = client.ask(modern(4, "prompts/get", prompt)).await;
    assert_eq!(answer["error"]["message"], "Unknown prompt: Küche");
    client.hang_up().await;
    assert_eq!(
        told(&mut app).await,
        [
            "server/discover allowed",
            "resources/read allowed",
            "initialize allowed",
            "notifications/initialized allowed",
            "tools/list allowed",
            "prompts/get invalid_request",
            "session/close allowed",
        ]
    );
}

#[tokio::test]
async fn requests_are_answered_side_by_side() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    client.shake_hands().await;
    let call = json!({"name": "GetLiveContext"});
    for id in 1..=100 {
        client.send(request(id, "tools/call", &call)).await;
    }
    let mut answered = Vec::new();
    for _ in 1..=100 {
        let answer = client.hear().await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answered.push(answer["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (1..=100).collect::<Vec<_>>());
    client.hang_up().await;
    app.records_of(103).await;
}

#[tokio::test]
async fn lines_that_are_no_messages() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    client.send("").await;
    for line in ["{", "5", "[]"] {
        let answer = client.ask(line).await;
        assert_eq!(answer["id"], Value::Null);
        assert_eq!(answer["error"]["code"], -32700, "{line}");
        assert_eq!(app.one_record().await, "POST invalid_request", "{line}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let answer = client.ask(long).await;
    assert_eq!(answer["error"]["code"], -32600);
    // What is not a session's has none to be asked in.
    let answer = client.ask(request(1, "tools/list", &json!({}))).await;
    assert_eq!(answer["id"], 1);
    assert!(answer["error"]["message"].is_string());
    assert_eq!(app.one_record().await, "POST invalid_request");
    client.hang_up().await;
}

#[tokio::test]
async fn a_token_that_ended_is_told_so() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    client.shake_hands().await;
    let _ = client.ask(request(1, "ping", &json!({}))).await;
    app.records_of(3).await;
    app.revoke("unrestricted").await;
    let answer = client.ask(request(2, "tools/list", &json!({}))).await;
    assert_eq!(answer["id"], 2);
    assert_eq!(answer["error"]["code"], -32006);
    client.hang_up().await;
    app.records_of(1).await;
}

#[tokio::test]
async fn a_session_that_was_lost_is_opened_again() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let mut client = Client::of(&app, &bearer);
    client.shake_hands().await;
    // Other sessions push it out, as a new start of the server would.
    for _ in 0..16 {
        let opened = post("/mcp", &bearer).body(initialize().to_string().into());
        assert_eq!(app.ask(opened.unwrap()).await.status, 200);
    }
    for id in 1..=3 {
        let answer = client.ask(request(id, "tools/list", &json!({}))).await;
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"]["tools"].as_array().unwrap().len(), 4);
    }
    client.hang_up().await;
    app.records().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached() {
    let mut app = TestApp::new();
    let bearer = app.unrestricted().await;
    let nowhere = |_| async { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) };
    let mut client = Client::with(nowhere, &bearer);
    let answer = client.ask(request(1, "ping", &json!({}))).await;
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["error"]["code"], -32603);
    client.stop.cancel();
    let served = tokio::time::timeout(PATIENCE, client.served).await;
    assert!(served.unwrap().unwrap().is_ok());
    let (input, output) = (tokio::io::empty(), tokio::io::sink());
    let served = serve_stdio(nowhere, "a\nb", input, output, CancellationToken::new()).await;
    assert!(matches!(served, Err(StdioError::Token)));
}
