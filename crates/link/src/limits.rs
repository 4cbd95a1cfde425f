//! Every number of the link, with its unit in its name.

/// Longest wait between two ordinary attempts to connect.
pub(crate) const RECONNECT_MAX_S: u64 = 5;
