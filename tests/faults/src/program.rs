//! `Program`, the binary on one data directory.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::http::ANSWER_MAX;

/// The binary, and the directory of its data.
pub struct Program {
    binary: PathBuf,
    data: PathBuf,
}

/// A server that runs on a pretend home.
pub(crate) struct Server {
    child: Child,
    address: String,
    socket: PathBuf,
}

impl Program {
    /// Builds the binary, if it must be.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(data: &Path) -> Result<Self> {
        let output = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "build",
                "--quiet",
                "--package",
                "housekey",
                "--bin",
                "housekey",
            ])
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()?;
        ensure!(output.status.success(), "housekey does not build");
        let lines = String::from_utf8(output.stdout)?;
        let built = lines.lines().find_map(|line| {
            let message: Value = serde_json::from_str(line).ok()?;
            let name = message.pointer("/target/name")?.as_str()?;
            let executable = message.get("executable")?.as_str()?;
            (name == "housekey").then(|| PathBuf::from(executable))
        });
        Ok(Self {
            binary: built.context("cargo names no executable")?,
            data: data.to_owned(),
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(&self.data)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    /// Runs a command that prints JSON, one value a line.
    ///
    /// # Errors
    /// When it fails; with what it said.
    pub fn json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let output = self.run(arguments)?;
        let (out, err) = (
            String::from_utf8(output.stdout)?,
            String::from_utf8(output.stderr)?,
        );
        ensure!(output.status.success(), "{arguments:?}: {out}{err}");
        let values = out.lines().map(serde_json::from_str);
        Ok(values.collect::<Result<_, _>>()?)
    }

    /// Starts a server on a pretend home, with settings, and waits until it serves.
    pub(crate) fn start(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let mut child = self
            .command(&["demo", "--listen", "127.0.0.1:0"])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().context("no standard output")?;
        let mut address = None;
        // The greeting ends with what an owner may do.
        for line in BufReader::new(out).lines() {
            let line = line?;
            let mut words = line.split_whitespace();
            let url = words.find_map(|word| word.strip_prefix("http://")?.strip_suffix("/health"));
            address = address.or(url.map(str::to_owned));
            if line.starts_with("housekey token explain") {
                break;
            }
        }
        let Some(address) = address else {
            let output = child.wait_with_output()?;
            bail!("no server: {}", String::from_utf8(output.stderr)?);
        };
        Ok(Server {
            child,
            address,
            socket: self.data.join("housekey.sock"),
        })
    }
}

impl Server {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Kills it, as a loss of power would end it.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failure in between; one that was killed is gone already.
        let ended = self.child.kill().and_then(|()| self.child.wait());
        drop(ended);
    }
}

pub(crate) fn tcp(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}

pub(crate) fn unix(socket: &Path) -> Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    Ok(stream)
}
