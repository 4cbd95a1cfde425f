//! How a program begins on a log that another one left: what the first record has to say.

use housekey_home::time::UtcMicros;
use serde::{Deserialize, Serialize};

use super::seal::SealFault;
use super::stored::Linked;
use super::{Outcome, Payload, Phase, Record};
use crate::database::{Database, StoreError};
use crate::schema::{META, META_RUNNING, RunningRow};
use crate::stored::Stored;

/// The face and the method of the record.
const FACE: &str = "housekey";
const METHOD: &str = "housekey.start";
const UNCLEAN: &str = "unclean";

/// What was found when the log was opened and is on record nowhere yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    /// The program before did not close the store: records of its last reads may be missing.
    pub(super) unclean_stop: bool,
    /// Up to here nobody vouches for the log.
    pub(super) seal: Option<SealFault>,
}

#[derive(Serialize, Deserialize)]
struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

impl Begin {
    pub(super) fn has_something_to_say(self) -> bool {
        self.unclean_stop || self.seal.is_some()
    }

    /// The record. It comes before the first one of this program and bears its time.
    pub(super) fn record(self, seq: u64, at: UtcMicros) -> Record {
        let said = Said {
            stop: self.unclean_stop.then(|| UNCLEAN.to_owned()),
            seal: self.seal.map(|fault| fault.name().to_owned()),
        };
        Record {
            request_id: format!("start-{seq}"),
            at,
            token_id: None,
            token_name: None,
            principal: None,
            face: FACE.into(),
            method: METHOD.into(),
            resource: "audit".to_owned(),
            outcome: Outcome::Fault,
            client: None,
            pass_through: false,
            payload: serde_json::to_string(&said).ok().map(Payload::new),
            stale_s: None,
            phase: Phase::Outcome,
            count: 1,
        }
    }
}

/// What a stored record says of the seal before it.
pub(super) fn seal_before(record: &Linked<'_>) -> Option<SealFault> {
    if record.face != FACE || record.method != METHOD {
        return None;
    }
    let said: Said = serde_json::from_str(record.payload.as_deref()?).ok()?;
    SealFault::from_name(&said.seal?)
}

/// Marks the store as open; whether a program before left the mark.
pub(super) fn mark(database: &Database) -> Result<bool, StoreError> {
    let row = RunningRow {}.encode()?;
    let is_marked = database.read(|transaction| {
        let table = transaction.open_table(META)?;
        Ok(table.get(META_RUNNING)?.is_some())
    })?;
    if !is_marked {
        database.write(|transaction| {
            let mut table = transaction.open_table(META)?;
            table.insert(META_RUNNING, row.as_slice())?;
            Ok(())
        })?;
    }
    Ok(is_marked)
}

/// Takes the mark away.
pub(super) fn clear(database: &Database) -> Result<(), StoreError> {
    database.write(|transaction| {
        transaction.open_table(META)?.remove(META_RUNNING)?;
        Ok(())
    })
}
