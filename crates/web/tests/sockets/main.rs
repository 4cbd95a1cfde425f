//! The listener over real sockets: connections that are slow, too many bytes, the shutdown; and the
//! socket of the command line.

#![expect(clippy::unwrap_used, reason = "a test ends where its expectation does")]

mod health;
mod local;
mod network;
