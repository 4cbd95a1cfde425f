//! Every number of this door, with its unit in its name.

use std::time::Duration;

/// Longest body of a request.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Longest path with its query.
pub(crate) const URI_BYTES_MAX: usize = 2048;

/// Longest request line and headers together.
pub(crate) const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Longest wait for complete headers, and for the next request on a connection that is kept.
pub(crate) const HEADER_WAIT_MAX: Duration = Duration::from_secs(30);

/// Longest wait for the head of an answer; what is streamed after it has no limit here.
pub(crate) const ANSWER_WAIT_MAX: Duration = Duration::from_secs(90);

/// A connection on which no byte moves for so long is cut. Streams send a comment every 15 s.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(120);

/// Most connections at once on one listener; further ones wait in the queue of the system.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// Pause after the system refused to hand out a connection, most often for want of descriptors.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Most proxies that are walked through to find a client.
pub(crate) const FORWARDED_HOPS_MAX: usize = 20;

/// Longest path of a unix socket that Linux takes, without the closing zero.
pub(crate) const SOCKET_PATH_BYTES_MAX: usize = 107;

// A slow answer must not look like a stalled connection, nor an idle one.
const _: () = assert!(STALL_MAX.as_secs() > ANSWER_WAIT_MAX.as_secs());
const _: () = assert!(STALL_MAX.as_secs() > HEADER_WAIT_MAX.as_secs());
