//! Whether the log is what was written: every record in its place, from the last that was pruned to
//! the last that was written, and both ends sealed.

use std::cmp::Ordering;
use std::fmt;

use redb::{ReadOnlyTable, ReadableTable};

use super::begin;
use super::log;
use super::seal::{Ends, KeyPlace, SealFault};
use super::stored::{End, Linked};
use crate::database::{Database, StoreError};
use crate::schema::AUDIT;

/// What a check of the whole chain found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chain {
    /// Every record fits the one before it, and both ends are sealed.
    Whole {
        /// How many there are.
        records: u64,
    },
    /// The same, but somewhere on the way the seal could not be trusted: what lies before that
    /// record could have been written anew by somebody.
    Resealed {
        /// How many there are.
        records: u64,
        /// The number of the record that says so.
        seq: u64,
        /// What was wrong with the seal at that time.
        fault: SealFault,
    },
    /// The log is not what was written.
    Broken {
        /// The number of the first record that is concerned.
        seq: u64,
        /// What is wrong.
        damage: Damage,
    },
}

/// What is wrong with a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// The record is not the one that was written.
    Altered,
    /// The record is gone.
    Missing,
    /// In its place lies a record of a later number, and that number holds it.
    Reordered,
    /// The record was never written.
    Inserted,
    /// From this record on all are gone.
    TailCut {
        /// The last record that was written.
        written: u64,
    },
    /// There are records, but not the last one that was written.
    HeadMissing,
    /// The end of the chain cannot be read.
    EndUnreadable,
    /// The seal.
    Seal(SealFault),
}

impl Damage {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Inserted => "inserted",
            Self::TailCut { .. } => "tail_cut",
            Self::HeadMissing => "head_missing",
            Self::EndUnreadable => "end_unreadable",
            Self::Seal(fault) => fault.name(),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("it is not what was written"),
            Self::Missing => f.write_str("it is gone"),
            Self::Reordered => f.write_str("it has changed places with a later one"),
            Self::Inserted => f.write_str("it was put in by somebody else"),
            Self::TailCut { written } => {
                write!(f, "it and all after it are gone; {written} were written")
            }
            Self::HeadMissing => f.write_str("the note of the last record is gone"),
            Self::EndUnreadable => f.write_str("the note of an end of the log cannot be read"),
            Self::Seal(fault) => f.write_str(fault.text()),
        }
    }
}

/// Goes through the whole log.
pub(super) fn check(database: &Database, place: &KeyPlace) -> Result<Chain, StoreError> {
    let found = database.read(|transaction| {
        let Some(ends) = log::ends(transaction)? else {
            return Ok(None);
        };
        let rows = Rows(transaction.open_table(AUDIT)?);
        let walked = rows.walk(&ends)?;
        Ok(Some((ends, walked)))
    })?;
    let broken = |seq, damage| Ok(Chain::Broken { seq, damage });
    let Some((ends, walked)) = found else {
        return broken(0, Damage::EndUnreadable);
    };
    let walked = match walked {
        Ok(walked) => walked,
        Err((seq, damage)) => return broken(seq, damage),
    };
    if ends.head.is_none() && walked.records > 0 {
        return broken(walked.last.seq, Damage::HeadMissing);
    }
    let fault = place.fault(&ends)?;
    let head = ends.head.unwrap_or_else(End::before_the_first);
    if let Some(fault) = fault {
        return broken(head.seq, Damage::Seal(fault));
    }
    Ok(walked.up_to(&head))
}

/// The way through a log in which each record fits the one before.
struct Walked {
    last: End,
    records: u64,
    /// The last record that says that the seal before it cannot be trusted.
    seam: Option<(u64, SealFault)>,
}

impl Walked {
    fn up_to(self, head: &End) -> Chain {
        let (records, last) = (self.records, self.last);
        let (seq, damage) = match last.seq.cmp(&head.seq) {
            Ordering::Less => (last.seq + 1, Damage::TailCut { written: head.seq }),
            Ordering::Greater => (head.seq + 1, Damage::Inserted),
            Ordering::Equal if last.hash != head.hash => (head.seq, Damage::Altered),
            Ordering::Equal => {
                return match self.seam {
                    Some((seq, fault)) => Chain::Resealed {
                        records,
                        seq,
                        fault,
                    },
                    None => Chain::Whole { records },
                };
            }
        };
        Chain::Broken { seq, damage }
    }
}

/// The first record that does not fit, and why.
type Misfit = (u64, Damage);

/// A record as its neighbours see it.
struct Row {
    /// The number that it says it has; `None` when it cannot be read.
    seq: Option<u64>,
    prev: String,
    hash: String,
    seam: Option<SealFault>,
}

impl Row {
    fn of(bytes: &[u8]) -> Self {
        let linked = serde_json::from_slice::<Linked<'_>>(bytes).ok();
        let seam = linked.as_ref().and_then(begin::seal_before);
        Self {
            seq: linked.as_ref().map(|linked| linked.seq),
            prev: linked.map_or_else(String::new, |linked| linked.prev.into_owned()),
            hash: End::at(0, bytes).hash,
            seam,
        }
    }
}

struct Rows(ReadOnlyTable<u64, &'static [u8]>);

impl Rows {
    fn walk(&self, ends: &Ends) -> Result<Result<Walked, Misfit>, redb::Error> {
        let start = ends.anchor.clone().unwrap_or_else(End::before_the_first);
        let mut before = None;
        let mut walked = Walked {
            last: start,
            records: 0,
            seam: None,
        };
        for row in self.0.iter()? {
            let (at, bytes) = row?;
            let (at, row) = (at.value(), Row::of(bytes.value()));
            let expected = walked.last.seq + 1;
            if at < expected {
                // It lies before the anchor, where everything was pruned.
                return Ok(Err((at, Damage::Inserted)));
            }
            if at > expected {
                return Ok(Err((expected, Damage::Missing)));
            }
            if row.seq != Some(expected) || row.prev != walked.last.hash {
                let why = self.misfit(expected, &row, &walked, before.as_ref(), ends)?;
                return Ok(Err(why));
            }
            if let Some(fault) = row.seam {
                walked.seam = Some((expected, fault));
            }
            walked.records += 1;
            let last = End {
                hash: row.hash,
                seq: expected,
                ..End::before_the_first()
            };
            before = Some(std::mem::replace(&mut walked.last, last));
        }
        Ok(Ok(walked))
    }

    /// Why a record does not fit where it lies.
    fn misfit(
        &self,
        place: u64,
        row: &Row,
        walked: &Walked,
        before: Option<&End>,
        ends: &Ends,
    ) -> Result<Misfit, redb::Error> {
        // Whoever put something in or took something out could not change what the records around
        // it say of each other: a record that its successor, or the head, names by its hash is real.
        let is_named_by = |next: Option<Row>| next.is_some_and(|next| next.prev == row.hash);
        let is_head = ends.head.as_ref().is_some_and(|head| head.hash == row.hash);
        let is_real = is_head || is_named_by(self.get(place + 1)?);
        Ok(match row.seq {
            Some(seq) if seq > place => {
                let swapped = self.get(seq)?.and_then(|other| other.seq) == Some(place);
                if swapped {
                    (place, Damage::Reordered)
                } else if is_real {
                    (place, Damage::Missing)
                } else {
                    (place, Damage::Altered)
                }
            }
            Some(seq) if seq < place => {
                if self.get(seq)?.is_some_and(|other| other.hash == row.hash) {
                    // A second copy.
                    (place, Damage::Inserted)
                } else if is_real && seq + 1 == place {
                    // It was pushed down by what lies before it.
                    (seq, Damage::Inserted)
                } else {
                    (place, Damage::Altered)
                }
            }
            Some(_) if is_real && walked.records > 0 => (place - 1, Damage::Altered),
            Some(_) if before.is_some_and(|before| before.hash == row.prev) => {
                (place - 1, Damage::Inserted)
            }
            Some(_) | None => (place, Damage::Altered),
        })
    }

    fn get(&self, place: u64) -> Result<Option<Row>, redb::Error> {
        Ok(self.0.get(place)?.map(|bytes| Row::of(bytes.value())))
    }
}

#[cfg(test)]
mod tests;
