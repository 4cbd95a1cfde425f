//! Where the log goes and what never gets into it.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Sends the log to standard error, in colours on a terminal only.
///
/// `rmcp` is never logged below warnings: it would write down the arguments of calls, and those may
/// be alarm codes.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("log.filter {filter:?} cannot be read"))?
        .add_directive("rmcp=warn".parse()?);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .try_init()
        .map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}
