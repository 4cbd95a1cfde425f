//! The log itself: appending a batch with its hashes, pruning and reading.

use std::sync::Arc;

use housekey_home::time::UtcMicros;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::Record;
use super::seal::{Ends, Key};
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
        key: &Key,
    ) -> Result<Self, StoreError> {
        let mut batch = Self {
            rows: Vec::new(),
            head: before.clone(),
            latest: None,
        };
        for record in records {
            let seq = batch.head.seq + 1;
            let bytes = StoredRecord::of(record, seq, &batch.head.hash).encode()?;
            batch.head = End::at(seq, &bytes);
            batch.latest = batch.latest.max(Some(record.at));
            batch.rows.push((seq, bytes));
        }
        key.seal(AUDIT_HEAD, &mut batch.head);
        Ok(batch)
    }

    /// Writes the batch and removes what is too much or too old, in one transaction. Returns the
    /// last record that is then on the disk.
    pub(super) fn write(
        self,
        database: &Database,
        keep: Keep,
        key: &Key,
    ) -> Result<End, StoreError> {
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
            let pruned = prune(&mut log, surplus, horizon)?;
            // An end is a few plain fields; it cannot fail to encode.
            let anchor = pruned.and_then(|mut anchor| {
                key.seal(AUDIT_ANCHOR, &mut anchor);
                anchor.encode().ok()
            });
            if let Some(anchor) = anchor {
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
) -> Result<Option<End>, redb::Error> {
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
        anchor = Some(End::at(seq.value(), bytes.value()));
    }
    Ok(anchor)
}

/// Both ends as they are stored; `None` when they cannot be read.
pub(super) fn ends(transaction: &ReadTransaction) -> Result<Option<Ends>, redb::Error> {
    let table = transaction.open_table(AUDIT_ENDS)?;
    let head = table.get(AUDIT_HEAD)?.map(|end| End::decode(end.value()));
    let anchor = table.get(AUDIT_ANCHOR)?.map(|end| End::decode(end.value()));
    Ok(match (head.transpose(), anchor.transpose()) {
        (Ok(head), Ok(anchor)) => Some(Ends { head, anchor }),
        (Err(_), _) | (_, Err(_)) => None,
    })
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

/// Up to `limit` records after a number, the oldest first.
pub(super) fn read_after(
    database: &Database,
    after: u64,
    limit: usize,
) -> Result<Vec<Kept>, StoreError> {
    let rows = database.read(|transaction| {
        let table = transaction.open_table(AUDIT)?;
        let mut rows = Vec::new();
        for row in table.range(after.saturating_add(1)..)?.take(limit) {
            let (seq, bytes) = row?;
            rows.push((seq.value(), bytes.value().to_vec()));
        }
        Ok(rows)
    })?;
    rows.iter().map(|(seq, bytes)| kept(*seq, bytes)).collect()
}

/// The newest `limit` records of one request, the oldest of them first.
pub(super) fn of_request(
    database: &Database,
    request_id: &str,
    limit: usize,
) -> Result<Vec<Kept>, StoreError> {
    // To read a record as JSON costs much more than to see that the id is not in it.
    let written = serde_json::to_vec(request_id).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let rows = database.read(|transaction| {
        let table = transaction.open_table(AUDIT)?;
        let mut rows = Vec::new();
        for row in table.iter()?.rev() {
            let (seq, bytes) = row?;
            if contains(bytes.value(), &written) {
                rows.push((seq.value(), bytes.value().to_vec()));
            }
        }
        Ok(rows)
    })?;
    let mut found = Vec::new();
    for (seq, bytes) in rows {
        let kept = kept(seq, &bytes)?;
        if kept.record.request_id == request_id && found.len() < limit {
            found.push(kept);
        }
    }
    found.reverse();
    Ok(found)
}

fn kept(seq: u64, bytes: &[u8]) -> Result<Kept, StoreError> {
    let record = StoredRecord::decode(bytes)?.into_record()?;
    Ok(Kept { seq, record })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
