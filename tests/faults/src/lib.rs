//! Kills housekey at random moments of random work, and holds it to what it acknowledged.
//!
//! Read in this order: [`Program`] is the binary, [`http`] how it is spoken to, `agent` and `owner`
//! work on it and keep what was acknowledged, [`Campaign`] kills, starts again and judges.

mod agent;
mod campaign;
mod dice;
pub mod http;
mod owner;
mod program;

pub use campaign::{Campaign, Round};
pub use program::Program;
