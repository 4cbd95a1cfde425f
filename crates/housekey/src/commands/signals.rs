//! Ctrl-C and the stop of a service manager.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::print;

/// Exit code of a process that a second Ctrl-C ended.
const EXIT_INTERRUPTED: i32 = 130;

/// Cancels `stop` at the first signal and ends the process at the second.
pub(super) fn listen(stop: CancellationToken) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_first {
                print::note("stopping; once more to stop at once");
                stop.cancel();
            } else {
                std::process::exit(EXIT_INTERRUPTED);
            }
        }
    });
    Ok(())
}
