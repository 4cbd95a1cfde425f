//! What is said about the house, from a `View`.
//!
//! Read in this order: [`pythonic`] and [`local_time`] are how Home Assistant's Python prints
//! numbers, texts and times, [`yaml`] how it prints YAML; [`release`] is what differs between its
//! releases, [`arguments`] how a call's arguments are checked; [`live_context`] is the overview of
//! the house, [`prompt`] what an assistant is told of it at first, [`resource`] the overview to be
//! read, [`states`] the single states, [`date_time`] the time; [`tools`] is the catalogue of what an
//! agent can call.
//!
//! Every function takes a view, none a snapshot (A1), and depends on its arguments alone (A2).

mod memo;

pub mod json;
pub mod pythonic;

pub mod local_time;
pub mod yaml;

pub mod arguments;
pub mod release;

pub mod date_time;
pub mod live_context;
pub mod prompt;
pub mod resource;
pub mod states;
pub mod tools;

#[cfg(test)]
mod small_house;
