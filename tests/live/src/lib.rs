//! What the suites against a real Home Assistant share.
//!
//! Read in this order: [`Stack`] is housekey inside the test's process, [`Door`] speaks to it or to
//! Home Assistant's own MCP server, [`Program`] is the binary. [`twin`] and [`forms`] belong to the
//! suite of that name, [`changes`] and [`truth`] to the replica suite; [`Dice`] replays by its seed.
#![expect(
    clippy::disallowed_methods,
    reason = "test harness: it runs against the real clock and reads its own settings from the environment"
)]

pub mod changes;
mod dice;
mod door;
pub mod forms;
mod program;
pub mod settings;
mod stack;
pub mod truth;
pub mod twin;

pub use dice::Dice;
pub use door::{Answer, Door};
pub use program::{Ended, Program};
pub use stack::{Stack, order};
