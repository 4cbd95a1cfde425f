//! A client that nobody here wrote: the official Python SDK of the Model Context Protocol, in both eras,
//! against the demo that a newcomer starts.
//!
//! `scripts/setup` installs the SDK into `target/python`.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_harness::{repository_root, within};
use housekey_live::Program;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const CLIENT_DEADLINE: Duration = Duration::from_mins(1);
const END_DEADLINE: Duration = Duration::from_secs(10);
const MODERN: &str = "2026-07-28";
const NEWEST_LEGACY: &str = "2025-11-25";
const BARE: [&str; 4] = ["get_state", "get_states", "GetLiveContext", "GetDateTime"];
const NATIVE: [&str; 2] = ["homeassistant__GetLiveContext", "llm__GetDateTime"];

/// A running demo and what it printed.
struct Demo {
    program: Program,
    base_url: String,
    token: String,
}

impl Demo {
    async fn start() -> Result<Self> {
        let mut program = Program::start(&["demo", "--listen", "127.0.0.1:0"], &[], "").await?;
        let (base_url, token) = program.printed("the demo greets", greeting).await?;
        Ok(Self {
            program,
            base_url,
            token,
        })
    }

    async fn end(self) -> Result<()> {
        self.program.signal("INT").await?;
        let code = self.program.ended(END_DEADLINE).await?;
        ensure!(code == Some(0), "it ended with {code:?}");
        Ok(())
    }
}

fn greeting(text: &str) -> Option<(String, String)> {
    let url = text
        .split_whitespace()
        .find(|word| word.ends_with("/mcp"))?;
    let base = url
        .strip_suffix("/api/mcp")
        .or_else(|| url.strip_suffix("/mcp"))?;
    let token = text
        .split_whitespace()
        .find(|word| word.starts_with("atm_"))?;
    text.contains("claude mcp add")
        .then(|| (base.to_owned(), token.to_owned()))
}

/// Lets the SDK do `calls`.
async fn sdk(url: &str, token: &str, mode: &str, calls: &[(&str, Value)]) -> Result<Value> {
    let python = repository_root().join("target/python/bin/python");
    ensure!(python.exists(), "no MCP SDK: run scripts/setup");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/client.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let told = json!({"url": url, "token": token, "mode": mode, "calls": calls});
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all(told.to_string().as_bytes()).await?;
    drop(stdin);
    let output = within("the SDK", CLIENT_DEADLINE, async {
        Ok(child.wait_with_output().await?)
    })
    .await?;
    ensure!(
        output.status.success(),
        "the SDK ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("what the SDK printed")
}

fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("GetLiveContext", json!({"domain": "light"})),
        ("GetLiveContext", json!({"area": "Nowhere"})),
        ("GetDateTime", json!({})),
        ("get_state", json!({"entity_id": "light.kitchen_lights"})),
        ("get_state", json!({"entity_id": "lock.front_door"})),
        ("get_states", json!({})),
        ("no_such_tool", json!({})),
    ]
}

fn names(answer: &Value) -> Vec<&str> {
    let tools = answer
        .get("tools")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    tools
        .iter()
        .filter_map(|tool| tool.get("name")?.as_str())
        .collect()
}

/// The text of a call that went well.
fn text(answer: &Value, call: usize) -> Result<&str> {
    let call = answer
        .pointer(&format!("/calls/{call}"))
        .context("no such call")?;
    ensure!(
        call.get("is_error") == Some(&json!(false)),
        "it failed: {call}"
    );
    call.get("text")
        .and_then(Value::as_str)
        .with_context(|| call.to_string())
}

/// The text of a call that came to nothing, as a result that a model reads.
fn failed(answer: &Value, call: usize) -> Result<&str> {
    let call = answer
        .pointer(&format!("/calls/{call}"))
        .context("no such call")?;
    ensure!(
        call.get("is_error") == Some(&json!(true)),
        "it did not fail: {call}"
    );
    call.get("text")
        .and_then(Value::as_str)
        .with_context(|| call.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_uses_our_own_face_in_both_eras() -> Result<()> {
    let demo = Demo::start().await?;
    let url = format!("{}/mcp", demo.base_url);
    for (mode, version) in [
        ("auto", MODERN),
        ("legacy", NEWEST_LEGACY),
        (MODERN, MODERN),
    ] {
        let answer = sdk(&url, &demo.token, mode, &calls()).await?;
        agent_answers(&answer, version).with_context(|| format!("mode {mode}: {answer}"))?;
    }
    demo.end().await
}

fn agent_answers(answer: &Value, version: &str) -> Result<()> {
    ensure!(
        answer.get("version") == Some(&json!(version)),
        "another version"
    );
    // Told by the handshake or by discovery; a client that pins its version asks for neither.
    let server = answer.get("server").filter(|server| !server.is_null());
    ensure!(
        server.is_none_or(|server| server == "housekey"),
        "another server"
    );
    let mut listed = names(answer);
    listed.sort_unstable();
    let mut expected = BARE;
    expected.sort_unstable();
    ensure!(listed == expected, "lists {listed:?}");
    ensure!(
        text(answer, 0)?.contains("Kitchen Lights"),
        "no kitchen lights"
    );
    ensure!(
        failed(answer, 1)?.contains("'Nowhere' does not exist"),
        "Nowhere exists"
    );
    ensure!(text(answer, 2)?.contains("\"weekday\""), "no time");
    ensure!(
        text(answer, 3)?.contains("light.kitchen_lights"),
        "no state"
    );
    let structured = answer.pointer("/calls/3/structured/entity_id");
    ensure!(
        structured == Some(&json!("light.kitchen_lights")),
        "no structured state"
    );
    failed(answer, 4)?;
    let states = text(answer, 5)?;
    ensure!(
        states.contains("light.bed_light") && !states.contains("lock."),
        "wrong states"
    );
    let code = answer.pointer("/calls/6/code").and_then(Value::as_i64);
    ensure!(
        code == Some(-32602),
        "an unknown tool is not said to be one"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_uses_the_face_of_home_assistant() -> Result<()> {
    let demo = Demo::start().await?;
    let url = format!("{}/api/mcp", demo.base_url);
    for (mode, version) in [("auto", MODERN), ("legacy", NEWEST_LEGACY)] {
        let answer = sdk(&url, &demo.token, mode, &calls()).await?;
        native_answers(&answer, version).with_context(|| format!("mode {mode}: {answer}"))?;
    }
    demo.end().await
}

fn native_answers(answer: &Value, version: &str) -> Result<()> {
    ensure!(
        answer.get("version") == Some(&json!(version)),
        "another version"
    );
    let mut listed = names(answer);
    listed.sort_unstable();
    ensure!(listed == NATIVE, "lists {listed:?}");
    ensure!(
        text(answer, 0)?.starts_with("{\"result\": \"Live Context"),
        "no live context"
    );
    ensure!(
        failed(answer, 1)?.starts_with("{\"error\": \""),
        "Nowhere exists"
    );
    ensure!(text(answer, 2)?.contains("\"weekday\""), "no time");
    ensure!(
        text(answer, 3)?.contains("light.kitchen_lights"),
        "no state"
    );
    ensure!(
        failed(answer, 6)?.contains("Tool \"no_such_tool\" not found"),
        "an unknown tool"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_is_told_that_its_token_is_wrong() -> Result<()> {
    let demo = Demo::start().await?;
    let wrong = format!("atm_{}", "0".repeat(64));
    for path in ["/mcp", "/api/mcp"] {
        for mode in ["auto", "legacy"] {
            let answer = sdk(&format!("{}{path}", demo.base_url), &wrong, mode, &[]).await?;
            let refused = answer
                .get("refused")
                .map(Value::to_string)
                .unwrap_or_default();
            ensure!(
                !refused.is_empty(),
                "{path} in mode {mode} let it in: {answer}"
            );
            println!("{path} in mode {mode}: {refused}");
        }
        let status = status(&format!("{}{path}", demo.base_url), &wrong).await?;
        ensure!(status == 401, "{path}: {status}");
    }
    demo.end().await
}

async fn status(url: &str, token: &str) -> Result<u16> {
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let client = reqwest::Client::builder().no_proxy().build()?;
    let response = client
        .post(url)
        .bearer_auth(token)
        .json(&ping)
        .send()
        .await?;
    Ok(response.status().as_u16())
}
