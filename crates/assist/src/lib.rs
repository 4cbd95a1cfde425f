//! What is said about the house, from a `View`.
//!
//! Read in this order: [`pythonic`] and [`local_time`] are how Home Assistant's Python prints
//! numbers, texts and times, [`yaml`] how it prints YAML; [`live_context`] is the overview of the
//! house, [`states`] the single states, [`date_time`] the time; [`tools`] is the catalogue of what
//! an agent can call, [`arguments`] how a call's arguments are checked.
//!
//! Every function takes a view, none a snapshot (A1), and depends on its arguments alone (A2).

mod memo;

pub mod json;
pub mod pythonic;

pub mod local_time;
pub mod yaml;

pub mod arguments;
pub mod tools;

pub mod date_time;
pub mod live_context;
pub mod states;

#[cfg(test)]
mod small_house;
