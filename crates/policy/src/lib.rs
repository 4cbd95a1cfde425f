//! What a token may see and do, and the [`View`] that leaves.
//!
//! Read in this order: [`tree`] and [`capability`] are what an owner says, [`scope`] joins them,
//! [`verdict`] decides on one entity, [`view`] is the house after that decision, [`redact`] what
//! never leaves at all.
//!
//! Nothing here reads a clock or does I/O. Invariants: one resolver ([`verdict::explain`]); RED
//! anywhere denies; a [`View`] hands out no snapshot, no raw state and no raw attributes; hidden and
//! absent are the same `None`.

pub mod capability;
pub mod redact;
pub mod scope;
pub mod tree;
pub mod verdict;
pub mod view;

pub use scope::Scope;
pub use verdict::{Explanation, Permission, explain};
pub use view::{Facts, View, Visible};
