//! Every table of the database.
//!
//! Values are JSON in the forms of the `stored` modules. A change that an older program could not
//! read raises [`SCHEMA`] and brings a migration with it.

use redb::TableDefinition;
use serde::{Deserialize, Serialize};

use crate::stored::Stored;

/// The schema that is written; databases of a newer one are refused.
pub(crate) const SCHEMA: u32 = 1;

/// Facts about the database itself, by name.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Key of [`SchemaRow`] in [`META`].
pub(crate) const META_SCHEMA: &str = "schema";

/// Tokens that are not archived, by id.
pub(crate) const TOKENS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tokens");
/// Tokens that ended, by id.
pub(crate) const TOKENS_ARCHIVED: TableDefinition<'_, &str, &[u8]> =
    TableDefinition::new("tokens_archived");

/// Records of the audit, by sequence number without gaps.
pub(crate) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
/// The two ends of the audit's chain, by name.
pub(crate) const AUDIT_ENDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("audit_ends");
/// Key of the last record that was pruned.
pub(crate) const AUDIT_ANCHOR: &str = "anchor";
/// Key of the last record that was written.
pub(crate) const AUDIT_HEAD: &str = "head";

/// Key of [`RunningRow`] in [`META`]: there while a program has the store open, and after one that
/// ended without closing it.
pub(crate) const META_RUNNING: &str = "running";

/// Which schema a database has.
#[derive(Serialize, Deserialize)]
pub(crate) struct SchemaRow {
    pub(crate) schema: u32,
}

impl Stored for SchemaRow {
    const KIND: &'static str = "schema";
}

/// A program has the store open.
#[derive(Serialize, Deserialize)]
pub(crate) struct RunningRow {}

impl Stored for RunningRow {
    const KIND: &'static str = "mark of a running program";
}
