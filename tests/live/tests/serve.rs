//! `housekey serve` before a real Home Assistant: its token by file, by the environment and on standard
//! input, and the life of a token beside it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use housekey_harness::HouseContainer;
use housekey_live::{Door, Program};
use serde_json::json;
use tempfile::TempDir;

const END_DEADLINE: Duration = Duration::from_secs(15);

/// A directory of one server and the arguments that all starts share.
struct Case {
    kept: TempDir,
    data: String,
}

impl Case {
    fn new() -> Result<Self> {
        let kept = tempfile::Builder::new().prefix("hk-").tempdir()?;
        let data = kept.path().join("data").display().to_string();
        Ok(Self { kept, data })
    }

    async fn start(
        &self,
        house: &HouseContainer,
        more: &[&str],
        environment: &[(&str, &str)],
        stdin: &str,
    ) -> Result<(Program, String)> {
        let common = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &self.data];
        let arguments = [&common[..], &["--ha-url", house.base_url()], more].concat();
        let mut program = Program::start(&arguments, environment, stdin).await?;
        let base = program
            .printed("its address and its home", |text| {
                let line = text
                    .lines()
                    .find(|line| line.contains("serves on http://"))?;
                let url = line
                    .split_whitespace()
                    .find(|word| word.starts_with("http://"))?;
                text.contains("connected to \"Bench Home\"")
                    .then(|| url.to_owned())
            })
            .await?;
        let printed = program.output().await;
        ensure!(
            !printed.contains(house.token()),
            "the access token is printed: {printed}"
        );
        Ok((program, base))
    }

    async fn secret(&self, arguments: &[&str]) -> Result<String> {
        let arguments = [&["token", "create"], arguments, &["--data-dir", &self.data]].concat();
        let ended = Program::run(&arguments, &[]).await?;
        ensure!(ended.code == Some(0), "{ended:?}");
        Ok(ended.out.trim().to_owned())
    }
}

async fn stopped(program: Program) -> Result<()> {
    program.signal("INT").await?;
    let code = program.ended(END_DEADLINE).await?;
    ensure!(code == Some(0), "it ended with {code:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_token_comes_by_file_by_environment_and_on_standard_input() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let case = Case::new()?;
    let file = case.kept.path().join("ha-token");
    std::fs::write(&file, format!("{}\n", house.token()))?;
    let file = file.display().to_string();
    let secret = case.secret(&["agent", "--read", "light"]).await?;
    let line = format!("{}\n", house.token());
    for (more, environment, stdin) in [
        (&["--ha-token-file", &file][..], &[][..], ""),
        (
            &[][..],
            &[("HOUSEKEY__HOME_ASSISTANT__TOKEN", house.token())][..],
            "",
        ),
        (&["--ha-token-stdin"][..], &[][..], line.as_str()),
    ] {
        let (program, base) = case.start(house, more, environment, stdin).await?;
        let answer = Door::native(&base, &secret)?
            .call("GetLiveContext", &json!({}))
            .await?;
        let (text, is_error) = answer.tool_text()?;
        ensure!(
            !is_error && text.contains("domain: light"),
            "{more:?}: {text}"
        );
        ensure!(
            !text.contains("domain: sensor"),
            "{more:?}: more than was granted: {text}"
        );
        stopped(program).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_explained_and_ended_while_it_serves() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let case = Case::new()?;
    let environment = [("HOUSEKEY__HOME_ASSISTANT__TOKEN", house.token())];
    let (program, base) = case.start(house, &[], &environment, "").await?;
    let grants = [
        "agent",
        "--read",
        "sensor",
        "--write",
        "light.bed_light",
        "--deny",
        "lock",
    ];
    let secret = case.secret(&grants).await?;
    for (entity, verdict) in [
        ("light.bed_light", "may read and write"),
        ("light.ceiling_lights", "has no grant for"),
        ("lock.front_door", "is denied"),
        ("light.no_such_light", "finds nothing at"),
    ] {
        let explain = ["token", "explain", entity, "--data-dir", &case.data];
        let ended = Program::run(&explain, &[]).await?;
        ensure!(ended.out.contains(verdict), "{entity}: {ended:?}");
    }
    let doors = [Door::agent(&base, &secret)?, Door::native(&base, &secret)?];
    for door in &doors {
        let (text, is_error) = door.call("GetLiveContext", &json!({})).await?.tool_text()?;
        ensure!(!is_error && text.contains("Bed Light"), "{text}");
    }
    let revoke = ["token", "revoke", "agent", "--data-dir", &case.data];
    let ended = Program::run(&revoke, &[]).await?;
    ensure!(ended.code == Some(0), "{ended:?}");
    for door in &doors {
        let answer = door.call("GetLiveContext", &json!({})).await?;
        ensure!(answer.status == 401, "a revoked token got {answer:?}");
    }
    stopped(program).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_keeps_is_its_owners_alone() -> Result<()> {
    let house = HouseContainer::shared().await?;
    let case = Case::new()?;
    let (program, _base) = case
        .start(house, &["--ha-token-stdin"], &[], house.token())
        .await?;
    let mut seen = 0;
    for entry in std::fs::read_dir(&case.data).context("the data directory")? {
        let entry = entry?;
        let mode = entry.metadata()?.permissions().mode() & 0o777;
        ensure!(
            mode & 0o077 == 0,
            "{:?} is open to others: {mode:o}",
            entry.path()
        );
        seen += 1;
    }
    ensure!(seen > 0, "it keeps nothing");
    stopped(program).await
}
