//! The program in a directory of its own, and a transcript of what was said.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A data directory, and what was typed and printed.
pub(crate) struct Terminal {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    transcript: String,
    server: Option<Server>,
}

struct Server {
    child: Child,
    address: String,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            transcript: String::new(),
            server: None,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    /// The command, with an environment of its own.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
        command
            .args(arguments)
            .env_clear()
            .env("XDG_DATA_HOME", self.folder())
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(self.folder())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command and writes down what it said.
    pub(crate) fn run(&mut self, line: &str) -> Output {
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = self.command(&arguments).output().unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code();
        writeln!(self.transcript, "$ housekey {}", self.plain(line)).unwrap();
        for (mark, text) in [("", &out), ("! ", &err)] {
            for line in text.lines() {
                writeln!(self.transcript, "{mark}{}", self.plain(line)).unwrap();
            }
        }
        if code != Some(0) {
            writeln!(self.transcript, "exit {code:?}").unwrap();
        }
        self.transcript.push('\n');
        output
    }

    /// The same of several commands.
    pub(crate) fn type_in(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.run(line);
        }
    }

    pub(crate) fn transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    /// Starts a command that goes on by itself.
    pub(crate) fn follow(&self, line: &str) -> Follower {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut child = self
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Follower { child, lines }
    }

    /// Starts the pretend home with a server on the data directory.
    pub(crate) fn start(&mut self) {
        let mut child = self
            .command(&["demo", "--listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(self.folder().join("housekey"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The program ends its greeting with the commands of an owner.
        let mut address = None;
        for line in lines {
            let line = line.unwrap();
            let words = line.split_whitespace();
            let mut url =
                words.filter_map(|word| word.strip_prefix("http://")?.strip_suffix("/health"));
            address = address.or(url.next_back().map(str::to_owned));
            if line.starts_with("housekey token explain") {
                break;
            }
        }
        let address = address.unwrap();
        self.server = Some(Server { child, address });
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> &str {
        &self.server.as_ref().unwrap().address
    }

    /// Ends the server as a service manager would.
    pub(crate) fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let id = i32::try_from(server.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
        assert!(server.child.wait().unwrap().success());
    }

    /// Ends the server as a loss of power would.
    pub(crate) fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
    }

    /// A line without what differs from run to run.
    fn plain(&self, line: &str) -> String {
        let folder = self.folder().display().to_string();
        let mut line = line.replace(&folder, "[folder]");
        if let Some(server) = &self.server {
            line = line.replace(&server.address, "[address]");
        }
        let uid = rustix::process::geteuid().as_raw();
        for before in ["local:", "uid:"] {
            line = line.replace(&format!("{before}{uid}"), &format!("{before}[uid]"));
        }
        for (found, name) in [
            (is_secret as fn(&str) -> Option<usize>, "[secret]"),
            (is_id, "[id]"),
            (is_time, "[time]"),
        ] {
            line = replaced(&line, found, name);
        }
        line
    }
}

/// A command that goes on by itself.
pub(crate) struct Follower {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Follower {
    /// The next record that it prints.
    pub(crate) fn record(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Waits for its end, which is a good one; what it said on standard error.
    pub(crate) fn ended(self) -> String {
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success());
        text(&output.stderr)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let ended = server.child.kill().and_then(|()| server.child.wait());
            drop(ended);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Replaces every place at which `found` gives a length.
fn replaced(line: &str, found: fn(&str) -> Option<usize>, name: &str) -> String {
    let (mut plain, mut rest) = (String::new(), line);
    while let Some(first) = rest.chars().next() {
        match found(rest) {
            Some(length) => {
                plain.push_str(name);
                rest = &rest[length..];
            }
            None => {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    plain
}

/// Whether a text begins as a pattern says: `x` is a hex digit, `9` a digit, all else itself.
fn begins(text: &str, pattern: &str) -> Option<usize> {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'x' => byte.is_ascii_hexdigit(),
        b'9' => byte.is_ascii_digit(),
        other => byte == other,
    };
    let is_long_enough = text.len() >= pattern.len();
    (is_long_enough && text.bytes().zip(pattern.bytes()).all(fits)).then_some(pattern.len())
}

fn is_secret(text: &str) -> Option<usize> {
    begins(text, &format!("atm_{}", "x".repeat(64)))
}

fn is_id(text: &str) -> Option<usize> {
    begins(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn is_time(text: &str) -> Option<usize> {
    begins(text, "9999-99-99T99:99:99.999999+00:00")
        .or_else(|| begins(text, "9999-99-99 99:99:99Z"))
        .or_else(|| begins(text, "9999-99-99T99:99:99+00:00"))
}
