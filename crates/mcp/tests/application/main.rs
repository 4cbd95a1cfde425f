//! The faces of agents behind the guards of the listener, over a recorded home and a
//! store in memory: what each answers, and what is on record afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where its expectation does"
)]

mod agent;
mod app;
mod atm;
mod atm_recorded;
mod events;
mod failures;
mod native;
mod recorded;
mod sessions;
mod stdio;
