//! `housekey doctor`: one line for each thing that can be wrong, and what to do about it.
//!
//! Home Assistant is asked once: it bans addresses that present a refused token again and again.

mod home;
mod listening;

use std::fmt::Write;
use std::process::ExitCode;

use housekey_store::{Store, StoreError};
use serde_json::{Value, json};

use crate::cli::DoctorArgs;
use crate::config::{Config, Flags, ServerConfig};
use crate::{clock, print};

/// What a look at one thing found.
pub(super) struct Finding {
    what: &'static str,
    state: State,
    text: String,
    fix: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// It works, but not all of it.
    Warning,
    Failed,
    /// It could not be looked at.
    Unknown,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Finding {
    fn good(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Good,
            text: text.into(),
            fix: None,
        }
    }

    fn unknown(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            state: State::Unknown,
            ..Self::good(what, text)
        }
    }

    fn warning(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            fix: Some(fix.into()),
            ..Self::good(what, text)
        }
    }

    fn failed(what: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Failed,
            ..Self::warning(what, text, fix)
        }
    }

    fn line(&self) -> String {
        let mut line = format!(
            "{:<8}{:<15}{}",
            self.state.name(),
            self.what,
            print::safe(&self.text)
        );
        if let Some(fix) = &self.fix {
            // Writing to a String cannot fail.
            let _ = write!(line, "\n{:<23}fix: {fix}", "");
        }
        line
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "state": self.state.name(),
            "text": self.text,
            "fix": self.fix,
        })
    }
}

pub(super) async fn run(arguments: &DoctorArgs, flags: &Flags) -> anyhow::Result<ExitCode> {
    let not_here = || Err(std::io::Error::other("not read by this command"));
    let config = Config::load(flags, not_here)?;
    let (store, is_running) = look_at_store(&config.server);
    let mut findings = vec![Finding::good("configuration", "is valid"), store];
    findings.extend(home::look(&config).await);
    findings.push(listening::look(&config.server, is_running).await);

    if arguments.json {
        let all: Vec<Value> = findings.iter().map(Finding::json).collect();
        print::line(json!({ "findings": all }).to_string());
    } else {
        findings
            .iter()
            .for_each(|finding| print::line(finding.line()));
    }
    let failed = findings
        .iter()
        .any(|finding| finding.state == State::Failed);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The data directory, and whether a server runs on it.
fn look_at_store(config: &ServerConfig) -> (Finding, bool) {
    let directory = config.data_dir.display();
    if !config.data_dir.exists() {
        let text = format!("{directory} does not exist; housekey serve makes it");
        return (Finding::good("data", text), false);
    }
    match Store::open(&config.data_dir, clock::random()) {
        Ok(store) => {
            let tokens = store.tokens().list().len();
            store.close();
            let text = format!("{directory} opens, with {tokens} tokens; no server runs on it");
            (Finding::good("data", text), false)
        }
        Err(StoreError::InUse) => {
            let text = format!("{directory} is in use by a running server");
            (Finding::good("data", text), true)
        }
        Err(error) => {
            let fix = "see docs/OPERATING.md; the directory must belong to the user who runs housekey, \
                       and its disk must not be full";
            (Finding::failed("data", error.to_string(), fix), false)
        }
    }
}
