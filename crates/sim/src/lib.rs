//! A pretend Home Assistant: it speaks the real WebSocket protocol for the commands that our client
//! sends, over a house of its own. For tests and for the demo.
//!
//! It is never evidence about Home Assistant, because it shares our code; what it does was copied
//! from recordings. Read in this order: [`dump`] loads a recorded house, [`World`] is the house and
//! its connections without I/O (with what a test can do to it in `control`), [`Behaviour`] makes it
//! move, [`Sim`] serves it.

mod behaviour;
mod control;
mod desk;
pub mod dump;
mod server;
mod world;

pub use behaviour::Behaviour;
pub use control::Fields;
pub use desk::DeskId;
pub use dump::{Dump, DumpError};
pub use server::{Net, Sim, Upgrade};
pub use world::World;
