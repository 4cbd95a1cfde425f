//! The command line as its user sees it: standard output, standard error and exit code of every
//! command, with and without a server, as snapshots.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doctor;
mod offline;
mod online;
mod program;
mod words;
