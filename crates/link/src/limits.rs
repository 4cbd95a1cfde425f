//! Every number of the link, with its unit in its name.

use std::time::Duration;

/// Longest wait between two ordinary attempts to connect.
pub(crate) const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// Between two attempts while the token is refused: each one warns the user of Home Assistant.
pub(crate) const TOKEN_REFUSED_EVERY: Duration = Duration::from_secs(60);
/// Between two attempts while the address is banned.
pub(crate) const BANNED_EVERY: Duration = Duration::from_secs(300);
/// Share by which a wait is lengthened or shortened at random.
pub(crate) const JITTER: f64 = 0.2;
/// A connection that was live for this long was a good one: the next wait starts from the beginning.
pub(crate) const STABLE: Duration = Duration::from_secs(10);

/// For the TCP and TLS connection and the upgrade.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);
/// For one frame of ours to leave.
pub(crate) const SEND_MAX: Duration = Duration::from_secs(10);
/// For the closing handshake.
pub(crate) const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Largest frame that is taken. `get_states` of 35,000 small entities is 16 MiB.
pub(crate) const FRAME_BYTES_MAX: usize = 256 << 20;
/// Frames applied before what they changed is published.
pub(crate) const FRAMES_PER_TURN_MAX: usize = 256;

/// While Home Assistant starts again the house before is shown for this long at most.
pub(crate) const STARTING_MAX: Duration = Duration::from_secs(120);

/// Questions that wait for the driver.
pub(crate) const ASK_QUEUE_MAX: usize = 16;
/// Questions that wait for Home Assistant.
pub(crate) const QUESTIONS_MAX: usize = 8;
/// Ids in one request for registry entries.
pub(crate) const ENTRIES_PER_REQUEST_MAX: usize = 5_000;

const _: () = assert!(RECONNECT_MAX.as_secs() < TOKEN_REFUSED_EVERY.as_secs());
const _: () = assert!(TOKEN_REFUSED_EVERY.as_secs() < BANNED_EVERY.as_secs());
