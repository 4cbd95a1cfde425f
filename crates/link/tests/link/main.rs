//! The link against a pretend Home Assistant.
#![cfg(test)]

mod rig;

mod wire;
