//! `Program`, the binary as its user starts it: what it prints, how it ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use housekey_harness::{poll_until, repository_root, within};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, OnceCell};

const BUILD_DEADLINE: Duration = Duration::from_mins(20);
const RUN_DEADLINE: Duration = Duration::from_secs(60);

/// A housekey that runs in the background.
pub struct Program {
    child: Child,
    output: Arc<Mutex<String>>,
}

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Where the binary is; the first that asks builds it.
async fn binary() -> Result<&'static Path> {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    let build = async || {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(repository_root())
            .args([
                "build",
                "--quiet",
                "--package",
                "housekey",
                "--bin",
                "housekey",
            ])
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit());
        let output = within("building housekey", BUILD_DEADLINE, async {
            Ok(cargo.output().await?)
        })
        .await?;
        ensure!(output.status.success(), "housekey does not build");
        let lines = String::from_utf8(output.stdout)?;
        let built = lines.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let name = message.pointer("/target/name")?.as_str()?;
            let executable = message.get("executable")?.as_str()?;
            (name == "housekey").then(|| PathBuf::from(executable))
        });
        built.context("cargo names no executable")
    };
    BINARY.get_or_try_init(build).await.map(PathBuf::as_path)
}

/// The command, with an environment of its own: nothing of the person who runs the tests counts.
async fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Command> {
    let mut command = Command::new(binary().await?);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(std::env::temp_dir())
        .kill_on_drop(true);
    Ok(command)
}

impl Program {
    /// Runs it to its end.
    ///
    /// # Errors
    /// When it does not end within a minute.
    pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
        let mut command = command(arguments, environment).await?;
        command.stdin(Stdio::null());
        let output = within("housekey ends", RUN_DEADLINE, async {
            Ok(command.output().await?)
        })
        .await?;
        Ok(Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }

    /// Starts it in the background, with `stdin` as its whole standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdin: &str,
    ) -> Result<Self> {
        let mut command = command(arguments, environment).await?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut to_child = child.stdin.take().context("no standard input")?;
        // A program that does not read it may have ended; how it ended is for the test to judge.
        let _written = to_child.write_all(stdin.as_bytes()).await;
        drop(to_child);
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().context("no standard output")?, &output);
        collect(child.stderr.take().context("no standard error")?, &output);
        Ok(Self { child, output })
    }

    /// Waits until it has printed something that `find` finds.
    ///
    /// # Errors
    /// When it has not within a minute, or has ended.
    pub async fn printed<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let (child, output) = (&mut self.child, &self.output);
        poll_until(what, RUN_DEADLINE, async || {
            // Looked at first: what it printed before it ended is complete then.
            let ended = child.try_wait()?;
            let text = output.lock().await.clone();
            match (find(&text), ended) {
                (Some(found), _) => Ok(Some(found)),
                (None, Some(status)) => bail!("it ended with {status}:\n{text}"),
                (None, None) => bail!("it printed:\n{text}"),
            }
        })
        .await
    }

    /// Everything printed so far, on both outputs.
    pub async fn output(&self) -> String {
        self.output.lock().await.clone()
    }

    /// Sends it a signal, for example `INT`.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().context("it has ended")?.to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .await?;
        ensure!(sent.success(), "the signal was not sent");
        Ok(())
    }

    /// Waits for its end, and gives the exit code.
    ///
    /// # Errors
    /// When it does not end within `deadline`.
    pub async fn ended(mut self, deadline: Duration) -> Result<Option<i32>> {
        let end = async { Ok(self.child.wait().await?.code()) };
        within("housekey ends", deadline, end).await
    }
}

fn collect(from: impl AsyncRead + Unpin + Send + 'static, into: &Arc<Mutex<String>>) {
    let into = Arc::clone(into);
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut text = into.lock().await;
            text.push_str(&line);
            text.push('\n');
        }
    });
}
