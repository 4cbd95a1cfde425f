//! Everything known about Home Assistant, with no I/O.
//!
//! Read in this order: [`id`] and [`value`] are the nouns, [`state`], [`registry`], [`catalogue`]
//! and [`exposure`] what a house consists of, [`snapshot`] how it is read and [`replica`] how it
//! changes; [`wire`] is what Home Assistant says, [`session`] one connection to it, [`load`] a first
//! sync, and [`follow`] what keeps a replica live.
//!
//! The crate reads no clock, no environment, no file and no socket.

pub mod id;
pub mod time;
pub mod value;

pub mod catalogue;
pub mod exposure;
pub mod registry;
pub mod state;

pub mod ordered;
pub mod replica;
pub mod snapshot;

pub mod wire;

pub mod follow;
pub mod load;
pub mod session;

mod limits;
