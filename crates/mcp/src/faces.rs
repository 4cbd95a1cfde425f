//! The dialects, one folder each.

pub(crate) mod agent;
pub(crate) mod atm;
pub(crate) mod native;
