//! The front door for scripts and people: the listener and its guards, health, and the local socket
//! of the command line.
//!
//! Read in this order: [`Names`] says under which names this server is reached, [`Front`] is what
//! every request passes before a router sees it, [`serve()`] accepts connections, [`health`] tells how
//! the program is, [`local`] is the socket of the command line.
//!
//! What a request presents is read here and judged nowhere here: the gateway does that, in one place.

mod caller;
mod client;
mod front;
pub mod health;
mod limits;
pub mod local;
mod names;
mod serve;
mod stall;

pub use client::{InvalidNetwork, Network};
pub use front::{Front, Peer};
pub use names::{InvalidName, Names};
pub use serve::{Listener, ServeConfig, serve};
