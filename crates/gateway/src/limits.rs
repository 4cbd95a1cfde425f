//! Every number of the gateway, with its unit in its name.

use std::time::Duration;

/// Longest wait for a place in the audit queue.
pub const AUDIT_WAIT_MAX: Duration = Duration::from_secs(2);

/// How long reads are served from the last snapshot while Home Assistant is away, by default (Q1).
pub const STALE_READS_DEFAULT: Duration = Duration::from_secs(300);

/// Most characters of a name that is echoed or recorded.
pub const ECHOED_NAME_CHARS_MAX: usize = 128;

/// Most grants that one request can set.
pub const GRANTS_MAX: usize = 4096;

/// Most records of the audit in one answer to an owner.
pub const AUDIT_ANSWER_RECORDS_MAX: usize = 10_000;

/// Longest wait for a new record on behalf of an owner.
pub const AUDIT_FOLLOW_MAX: Duration = Duration::from_secs(30);

/// Most requests a minute and a second that can be set (ATM 1.1).
pub const RATE_MAX: u32 = 100_000;

/// How often it is looked what time has done when no timer is due.
pub const TIME_CHECK: Duration = Duration::from_secs(60);
