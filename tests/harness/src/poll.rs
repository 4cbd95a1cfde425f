//! Waiting with a deadline: the only place of the test suites that sleeps.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// How long to pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks again until the answer is `Ok(Some(value))`, and gives that value.
///
/// # Errors
/// When `deadline` has passed; the message has `what` and the last error that `probe` gave.
pub async fn poll_until<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    let mut last = None;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match timeout(left, probe()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_elapsed) => break,
        }
        sleep(PAUSE).await;
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("not within {deadline:?}: {what}")),
        None => bail!("not within {deadline:?}: {what}"),
    }
}

/// Bounds a future that has no deadline of its own.
///
/// # Errors
/// The error of the future, or that `deadline` has passed.
pub async fn within<T>(
    what: &str,
    deadline: Duration,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout(deadline, work).await {
        Ok(result) => result.with_context(|| what.to_owned()),
        Err(_elapsed) => bail!("not within {deadline:?}: {what}"),
    }
}
