//! What survives a restart: tokens and the audit.
//!
//! Read in this order: [`secret`], [`principal`] and [`token`] are what is kept, [`tokens`] keeps it,
//! [`audit`] records what was asked and done. `schema` lists every table.
//!
//! Nothing here reads a clock or randomness: the caller passes `now` and random bytes. Invariants: a
//! raw secret is never stored or printed (S1); the index in memory changes only after the commit
//! (S2); a token change is durable when the call returns (S3); reads are recorded in batches, an
//! intent before its act (S4); values are versioned JSON (S5); one thread writes the audit (S6).

pub mod audit;
#[cfg(test)]
mod crashes;
mod database;
#[cfg(test)]
mod disk;
pub mod limits;
pub mod principal;
mod schema;
pub mod secret;
mod store;
mod stored;
pub mod token;
pub mod tokens;

pub use audit::{Audit, AuditUnavailable, Slot};
pub use database::StoreError;
pub use principal::Principal;
pub use secret::{Presented, RawToken, TokenHash};
pub use store::{Store, StoreConfig};
pub use token::{TokenId, TokenName, TokenRecord, TokenStatus};
pub use tokens::{TokenError, Tokens};
