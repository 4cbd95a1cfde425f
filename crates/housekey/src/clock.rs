//! The one place that asks what time it is and rolls dice.

use std::sync::Arc;

use housekey_gateway::{Surroundings, UtcMicros};

/// The real clock and the real dice.
pub(crate) fn surroundings() -> Surroundings {
    Surroundings {
        now: Arc::new(now),
        random: Arc::new(random),
    }
}

/// What time it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the program's clock; all else takes `now`"
)]
pub(crate) fn now() -> UtcMicros {
    UtcMicros(jiff::Timestamp::now().as_microsecond())
}

/// 32 bytes that nobody can guess.
///
/// Ends the program when the system has none: a secret that can be guessed is worse than none.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(%error, "the system gives no random numbers");
        std::process::abort();
    }
    bytes
}
