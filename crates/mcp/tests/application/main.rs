//! The faces of `/mcp` and `/api/mcp` behind the guards of the listener, over a recorded home and a
//! store in memory: what each answers, and what is on record afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where its expectation does"
)]

mod agent;
mod app;
mod failures;
mod native;
mod recorded;
mod sessions;
