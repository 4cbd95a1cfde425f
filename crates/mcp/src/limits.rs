//! Every number of this door, with its unit in its name.

use std::time::Duration;

/// Longest body of a request.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Most sessions of one token; the one unused for longest gives way.
pub(crate) const SESSIONS_PER_TOKEN_MAX: usize = 16;

/// Most sessions in all.
pub(crate) const SESSIONS_MAX: usize = 256;

/// How long a session lives without a message. Clients poll every half hour and do not all open a
/// new session after a 404.
pub(crate) const SESSION_IDLE_DEFAULT: Duration = Duration::from_secs(30 * 60);

/// Longest life of the answer to one POST: two requests with one id in a session leave one of them
/// unanswered for ever.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(90);

/// Pause between the comments that keep a stream open.
pub(crate) const STREAM_COMMENT: Duration = Duration::from_secs(15);

/// Most streams of events of one token (ATM 1.1).
pub(crate) const STREAMS_PER_TOKEN_MAX: usize = 5;

/// Most events that wait for the reader of a stream (ATM 1.1).
pub(crate) const STREAM_EVENTS_MAX: usize = 100;

/// When a client may try again to open one stream more.
pub(crate) const STREAM_RETRY_AFTER_S: u64 = 60;

/// Most messages in a batch (ATM 1.1).
pub(crate) const BATCH_MESSAGES_MAX: usize = 50;

/// Longest answer that is passed on to a pipe.
pub(crate) const STDIO_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most requests of a pipe that are under way; more wait in the pipe.
pub(crate) const STDIO_REQUESTS_MAX: usize = 16;

/// How long answers under way are waited for when a pipe has ended.
pub(crate) const STDIO_LAST_ANSWERS_MAX: Duration = Duration::from_secs(5);

/// After how long a client may open a lost stream again.
pub(crate) const STREAM_RETRY: Duration = Duration::from_secs(3);

/// How long a client may take a list of tools or prompts for fresh.
pub(crate) const LISTS_TTL_MS: u64 = 60_000;

const _: () = assert!(SESSIONS_PER_TOKEN_MAX <= SESSIONS_MAX);
const _: () = assert!(STREAM_COMMENT.as_secs() < ANSWER_MAX.as_secs());
