//! Real Home Assistant instances for the test suites: containers, clients, and a proxy that misbehaves.
//!
//! Start with [`HouseContainer::shared`] (a rich home, set up through Home Assistant's own API, one for all
//! tests of a binary), [`HouseContainer::fixture_home`] (the same, for one test) or
//! [`HouseContainer::start`] (an empty one, onboarded). Talk to it with [`HouseContainer::ws`],
//! [`HouseContainer::post_state`] and [`HouseContainer::native_mcp`], and put a [`ChaosProxy`] in front of
//! it where a test needs a bad network. Tests that use containers run on the multi-threaded runtime:
//! `#[tokio::test(flavor = "multi_thread")]`, in test targets that their package lists under
//! `[package.metadata.containers]` in its Cargo.toml, so that `scripts/test --quick` leaves them out.
//!
//! What this crate does not do: it knows nothing of housekey itself and depends on none of its crates.
#![expect(
    clippy::disallowed_methods,
    reason = "test harness: it runs against the real clock and reads its own settings from the environment"
)]

mod chaos;
mod docker;
mod dump;
mod fixture;
mod house;
mod image;
mod onboarding;
mod poll;
mod rest;
mod ws;

pub use chaos::ChaosProxy;
pub use docker::sweep_abandoned;
pub use dump::write_dump;
pub use fixture::apply_steps;
pub use house::HouseContainer;
pub use image::{image_of, releases, repository_root};
pub use poll::{poll_until, within};
pub use rest::{Rejected, Rest};
pub use ws::{CommandError, Ws};
