//! The binary as a newcomer meets it, without a container: the demo with the lines that it prints, tokens
//! with and without a server, and what is wrong with a configuration.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_live::{Door, Program};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

const END_DEADLINE: Duration = Duration::from_secs(10);
const USAGE: i32 = 64;

fn directory() -> Result<(TempDir, String)> {
    let directory = tempfile::Builder::new().prefix("hk-").tempdir()?;
    let data = directory.path().join("data").display().to_string();
    Ok((directory, data))
}

/// The lines from one that starts with `start` to the first empty one.
fn paragraph(text: &str, start: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with(start))
        .take_while(|line| !line.trim().is_empty())
        .collect();
    let is_whole = text.lines().next_back() != lines.last().copied();
    (!lines.is_empty() && is_whole).then(|| lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_prints_lines_that_work() -> Result<()> {
    let mut demo = Program::start(&["demo", "--listen", "127.0.0.1:0"], &[], "").await?;
    let claude = demo
        .printed("a line for an agent", |text| {
            paragraph(text, "claude mcp add")
        })
        .await?;
    let curl = demo
        .printed("a line to try", |text| paragraph(text, "curl "))
        .await?;
    let printed = demo.output().await;
    let word = |start: &str, end: &str| {
        let mut words = printed.split_whitespace();
        words
            .find(|word| word.starts_with(start) && word.ends_with(end))
            .map(str::to_owned)
    };
    let url = word("http://", "/mcp").context("no address")?;
    let token = word("atm_", "").context("no token")?;
    ensure!(
        claude.contains(&token) && claude.contains("/mcp"),
        "{claude}"
    );
    let ran = Command::new("sh").arg("-c").arg(&curl).output().await?;
    let body = String::from_utf8(ran.stdout)?;
    ensure!(
        ran.status.success() && body.contains("Live Context"),
        "{curl}\n{body}"
    );
    let base = url.trim_end_matches("/mcp").trim_end_matches("/api");
    let agent = Door::agent(base, &token)?;
    let (text, is_error) = agent
        .call("GetLiveContext", &json!({"domain": "light"}))
        .await?
        .tool_text()?;
    ensure!(!is_error && text.contains("Kitchen"), "{text}");
    demo.signal("INT").await?;
    let code = demo.ended(END_DEADLINE).await?;
    ensure!(code == Some(0), "it ended with {code:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_on_a_stop_of_the_service_manager_too() -> Result<()> {
    let mut demo = Program::start(&["demo", "--listen", "127.0.0.1:0"], &[], "").await?;
    demo.printed("the demo greets", |text| paragraph(text, "claude mcp add"))
        .await?;
    demo.signal("TERM").await?;
    let code = demo.ended(END_DEADLINE).await?;
    ensure!(code == Some(0), "it ended with {code:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_live_without_a_server() -> Result<()> {
    let (_kept, data) = directory()?;
    let secret = Tokens::offline(&data).story().await?;
    let shown = Program::run(&["token", "show", "agent", "--data-dir", &data], &[]).await?;
    ensure!(
        !shown.out.contains(&secret) && !shown.err.contains(&secret),
        "the secret is shown"
    );
    let explain = ["token", "explain", "light.bed_light", "--data-dir", &data];
    let explained = Program::run(&explain, &[]).await?;
    ensure!(explained.code == Some(1), "{explained:?}");
    ensure!(
        explained.err.contains("housekey serve"),
        "it does not say what to do: {explained:?}"
    );
    Tokens::offline(&data).revoke().await
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_live_beside_a_running_server() -> Result<()> {
    let (_kept, data) = directory()?;
    let start = ["demo", "--listen", "127.0.0.1:0", "--data-dir", &data];
    let mut demo = Program::start(&start, &[], "").await?;
    demo.printed("the demo greets", |text| paragraph(text, "claude mcp add"))
        .await?;
    let printed = demo.output().await;
    let url = printed
        .split_whitespace()
        .find(|word| word.ends_with("/mcp"))
        .context("no url")?;
    let base = url.trim_end_matches("/mcp").trim_end_matches("/api");
    let tokens = Tokens::offline(&data);
    let secret = tokens.story().await?;
    let explain = [
        "token",
        "explain",
        "light.bed_light",
        "--token",
        "agent",
        "--data-dir",
        &data,
    ];
    let explained = Program::run(&explain, &[]).await?;
    ensure!(
        explained.out.contains("may read and write light.bed_light"),
        "{explained:?}"
    );
    let door = Door::agent(base, &secret)?;
    let asked = door.call("GetLiveContext", &json!({})).await?;
    ensure!(asked.status == 200, "{asked:?}");
    tokens.revoke().await?;
    for door in [door, Door::native(base, &secret)?] {
        let asked = door.call("GetLiveContext", &json!({})).await?;
        ensure!(asked.status == 401, "a revoked token got {asked:?}");
    }
    demo.signal("INT").await?;
    let code = demo.ended(END_DEADLINE).await?;
    ensure!(code == Some(0), "it ended with {code:?}");
    Ok(())
}

/// What an owner does with tokens; it must not matter whether a server runs.
struct Tokens<'a> {
    data: &'a str,
}

impl<'a> Tokens<'a> {
    fn offline(data: &'a str) -> Self {
        Self { data }
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let arguments = [&["token"], arguments, &["--data-dir", self.data]].concat();
        let ended = Program::run(&arguments, &[]).await?;
        ensure!(ended.code == Some(0), "{arguments:?}: {ended:?}");
        Ok(ended.out)
    }

    /// Makes a token, finds it in the list and looks at it; gives its secret.
    async fn story(&self) -> Result<String> {
        let create = [
            "create", "agent", "--read", "sensor", "--write", "light", "--deny", "lock",
        ];
        let secret = self.run(&create).await?.trim().to_owned();
        ensure!(
            secret.starts_with("atm_") && secret.len() == 68,
            "no secret alone: {secret}"
        );
        let listed = self.run(&["list"]).await?;
        ensure!(
            listed.contains("agent") && listed.contains("active"),
            "{listed}"
        );
        let listed: Value = serde_json::from_str(&self.run(&["list", "--json"]).await?)?;
        let names: Vec<&Value> = listed
            .pointer("/tokens")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        ensure!(
            names
                .iter()
                .any(|row| row.get("name") == Some(&json!("agent"))),
            "{listed}"
        );
        let shown = self.run(&["show", "agent"]).await?;
        ensure!(
            shown.contains("lock") && shown.contains("denied"),
            "{shown}"
        );
        let again = ["token", "create", "agent", "--data-dir", self.data];
        let again = Program::run(&again, &[]).await?;
        ensure!(
            again.code == Some(1) && again.err.contains("name"),
            "twice: {again:?}"
        );
        Ok(secret)
    }

    async fn revoke(&self) -> Result<()> {
        self.run(&["revoke", "agent"]).await?;
        let listed = self.run(&["list", "--archived"]).await?;
        ensure!(
            listed.contains("agent") && listed.contains("revoked"),
            "{listed}"
        );
        let shown = ["token", "show", "agent", "--data-dir", self.data];
        let shown = Program::run(&shown, &[]).await?;
        ensure!(
            shown.code == Some(1),
            "a revoked token is still there: {shown:?}"
        );
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_configuration_says_all_that_is_wrong_and_exits_with_64() -> Result<()> {
    let (kept, data) = directory()?;
    let file = kept.path().join("housekey.toml");
    std::fs::write(
        &file,
        "[server]\nlisten = \"nowhere\"\nstale_reads_s = -1\nsurprise = 1\n",
    )?;
    let file = file.display().to_string();
    let ended = Program::run(&["serve", "--config", &file, "--data-dir", &data], &[]).await?;
    ensure!(ended.code == Some(USAGE), "{ended:?}");
    for part in [
        "server.listen",
        "stale_reads_s",
        "surprise",
        "home_assistant.url",
        "token",
    ] {
        ensure!(
            ended.err.contains(part),
            "{part} is not mentioned: {}",
            ended.err
        );
    }
    ensure!(
        !kept.path().join("data").exists(),
        "it made a directory all the same"
    );
    for arguments in [
        &["serve", "--no-such-flag"][..],
        &["token"][..],
        &["serve", "--ha-url", "ftp://x", "--data-dir", &data][..],
        &["token", "list", "--data-dir", ""][..],
    ] {
        let ended = Program::run(arguments, &[]).await?;
        ensure!(ended.code == Some(USAGE), "{arguments:?}: {ended:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_directory_says_so() -> Result<()> {
    let (_kept, data) = directory()?;
    let start = ["demo", "--listen", "127.0.0.1:0", "--data-dir", &data];
    let mut demo = Program::start(&start, &[], "").await?;
    demo.printed("the demo greets", |text| paragraph(text, "claude mcp add"))
        .await?;
    let second = Program::run(&start, &[]).await?;
    ensure!(second.code == Some(1), "{second:?}");
    ensure!(second.err.contains("another housekey runs"), "{second:?}");
    demo.signal("INT").await?;
    let code = demo.ended(END_DEADLINE).await?;
    ensure!(code == Some(0), "it ended with {code:?}");
    Ok(())
}
