//! The log itself: appending a batch with its hashes, pruning, reading, and checking the chain.

use std::sync::Arc;

use housekey_home::time::UtcMicros;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use sha2::{Digest, Sha256};

use super::Record;
use super::stored::{End, StoredRecord};
use crate::database::{Database, StoreError};
use crate::limits::{AUDIT_AGED_RECORDS_MAX, AUDIT_READ_RECORDS_MAX};
use crate::schema::{AUDIT, AUDIT_ANCHOR, AUDIT_ENDS, AUDIT_HEAD};
use crate::stored::Stored;

const MICROS_PER_DAY: i64 = 86_400 * 1_000_000;

/// A record with its number in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Counts up from 1 without gaps.
    pub seq: u64,
    /// The record.
    pub record: Record,
}

/// What a check of the whole chain found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chain {
    /// Every record fits the one before it, and the last one is the last that was written.
    Whole {
        /// How many there are.
        records: u64,
    },
    /// A record is missing or does not fit the one before it.
    Broken {
        /// The number of the first such record; 0 when an end of the chain cannot be read.
        seq: u64,
    },
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    pub(super) records_max: u64,
    pub(super) days_max: Option<u32>,
}

/// A batch with its numbers and hashes, ready to be written.
pub(super) struct Batch {
    rows: Vec<(u64, Vec<u8>)>,
    head: End,
    latest: Option<UtcMicros>,
}

impl Batch {
    pub(super) fn of<'a>(
        before: &End,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<Self, StoreError> {
        let mut batch = Self {
            rows: Vec::new(),
            head: before.clone(),
            latest: None,
        };
        for record in records {
            let seq = batch.head.seq + 1;
            let bytes = StoredRecord::of(record, seq, &batch.head.hash).encode()?;
            batch.head = End {
                seq,
                hash: hash(&bytes),
                mac: None,
            };
            batch.latest = batch.latest.max(Some(record.at));
            batch.rows.push((seq, bytes));
        }
        Ok(batch)
    }

    /// Writes the batch and removes what is too much or too old, in one transaction. Returns the
    /// last record that is then on the disk.
    pub(super) fn write(self, database: &Database, keep: Keep) -> Result<End, StoreError> {
        let head = self.head.encode()?;
        database.write(|transaction| {
            let mut log = transaction.open_table(AUDIT)?;
            let mut ends = transaction.open_table(AUDIT_ENDS)?;
            for (seq, bytes) in &self.rows {
                log.insert(seq, bytes.as_slice())?;
            }
            ends.insert(AUDIT_HEAD, head.as_slice())?;
            let surplus = log.len()?.saturating_sub(keep.records_max);
            let horizon = keep
                .days_max
                .zip(self.latest)
                .map(|(days, latest)| latest.0.saturating_sub(i64::from(days) * MICROS_PER_DAY));
            if let Some(anchor) = prune(&mut log, surplus, horizon)? {
                ends.insert(AUDIT_ANCHOR, anchor.as_slice())?;
            }
            Ok(())
        })?;
        Ok(self.head)
    }
}

/// Removes the oldest records: `surplus` of them, and those from before `horizon`. The last one that
/// went is the new anchor of the chain.
fn prune(
    log: &mut redb::Table<'_, u64, &'static [u8]>,
    surplus: u64,
    horizon: Option<i64>,
) -> Result<Option<Vec<u8>>, redb::Error> {
    let mut anchor = None;
    let mut gone = 0_u64;
    loop {
        let is_too_much = gone < surplus;
        let is_too_old = || -> Result<bool, redb::Error> {
            let Some(horizon) = horizon.filter(|_| gone < AUDIT_AGED_RECORDS_MAX) else {
                return Ok(false);
            };
            let first = log.first()?;
            let at = first.and_then(|(_, bytes)| StoredRecord::decode(bytes.value()).ok());
            Ok(at.is_some_and(|record| record.at < horizon))
        };
        if !(is_too_much || is_too_old()?) {
            break;
        }
        let Some((seq, bytes)) = log.pop_first()? else {
            break;
        };
        gone += 1;
        anchor = Some(End {
            seq: seq.value(),
            hash: hash(bytes.value()),
            mac: None,
        });
    }
    // An end is three plain fields; it cannot fail to encode.
    Ok(anchor.and_then(|anchor| anchor.encode().ok()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn end(transaction: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let table = transaction.open_table(AUDIT_ENDS)?;
    Ok(table.get(name)?.map(|bytes| bytes.value().to_vec()))
}

fn decoded(bytes: Option<Vec<u8>>) -> Result<End, StoreError> {
    bytes.map_or(Ok(End::before_the_first()), |bytes| End::decode(&bytes))
}

/// The last record that was written.
pub(super) fn head(database: &Database) -> Result<End, StoreError> {
    decoded(database.read(|transaction| end(transaction, AUDIT_HEAD))?)
}

/// Records that match, the newest first; `offset` of those that match are left out, and at most
/// `window` of the newest are looked at.
pub(super) fn read(
    database: &Arc<Database>,
    window: usize,
    limit: usize,
    offset: usize,
    matches: impl Fn(&Record) -> bool,
) -> Result<Vec<Kept>, StoreError> {
    let (mut found, mut skipped, mut damage) = (Vec::new(), 0, None);
    database.read(|transaction| {
        let table = transaction.open_table(AUDIT)?;
        for row in table.iter()?.rev().take(window.min(AUDIT_READ_RECORDS_MAX)) {
            if found.len() >= limit {
                break;
            }
            let (seq, bytes) = row?;
            match StoredRecord::decode(bytes.value()).and_then(StoredRecord::into_record) {
                Ok(record) if !matches(&record) => {}
                Ok(_) if skipped < offset => skipped += 1,
                Ok(record) => found.push(Kept {
                    seq: seq.value(),
                    record,
                }),
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            }
        }
        Ok(())
    })?;
    damage.map_or(Ok(found), Err)
}

/// Goes through the whole log, from the last record that was pruned to the last that was written.
pub(super) fn check(database: &Database) -> Result<Chain, StoreError> {
    database.read(|transaction| {
        let end_of = |name| -> Result<Option<End>, redb::Error> {
            Ok(decoded(end(transaction, name)?).ok())
        };
        let (Some(mut last), Some(head)) = (end_of(AUDIT_ANCHOR)?, end_of(AUDIT_HEAD)?) else {
            return Ok(Chain::Broken { seq: 0 });
        };
        let mut records = 0;
        for row in transaction.open_table(AUDIT)?.iter()? {
            let (seq, bytes) = row?;
            let seq = seq.value();
            let is_next = |record: StoredRecord| record.seq == seq && record.prev == last.hash;
            if seq != last.seq + 1 || !StoredRecord::decode(bytes.value()).is_ok_and(is_next) {
                return Ok(Chain::Broken { seq: last.seq + 1 });
            }
            last = End {
                seq,
                hash: hash(bytes.value()),
                mac: None,
            };
            records += 1;
        }
        Ok(if last.seq != head.seq {
            let seq = last.seq.min(head.seq) + 1;
            Chain::Broken { seq }
        } else if last.hash != head.hash {
            Chain::Broken { seq: head.seq }
        } else {
            Chain::Whole { records }
        })
    })
}
