//! A record of the audit as it lies in the database, and the two ends of its chain.

use std::borrow::Cow;

use housekey_home::time::UtcMicros;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Client, Outcome, Payload, Phase, Record, bounded};
use crate::database::StoreError;
use crate::principal::Principal;
use crate::stored::Stored;
use crate::token::TokenId;

/// A record; instants are microseconds of Unix time.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    pub(crate) seq: u64,
    /// SHA-256, in hex, of the bytes of the record before.
    pub(crate) prev: String,
    pub(crate) at: i64,
    request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    face: String,
    method: String,
    resource: String,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    pass_through: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stale_s: Option<u32>,
    phase: String,
    count: u32,
}

impl Stored for StoredRecord {
    const KIND: &'static str = "audit record";
}

impl StoredRecord {
    pub(crate) fn of(record: &Record, seq: u64, prev: &str) -> Self {
        Self {
            seq,
            prev: prev.to_owned(),
            at: record.at.0,
            request_id: bounded(&record.request_id).to_owned(),
            token_id: record.token_id.as_ref().map(|id| id.as_str().to_owned()),
            token_name: record.token_name.as_deref().map(|n| bounded(n).to_owned()),
            principal: record.principal.as_ref().map(ToString::to_string),
            face: bounded(&record.face).to_owned(),
            method: bounded(&record.method).to_owned(),
            resource: bounded(&record.resource).to_owned(),
            outcome: record.outcome.name().to_owned(),
            client: record.client.map(|client| client.to_string()),
            pass_through: record.pass_through,
            payload: record.payload.as_ref().map(|p| p.as_str().to_owned()),
            stale_s: record.stale_s,
            phase: record.phase.name().to_owned(),
            count: record.count,
        }
    }

    pub(crate) fn into_record(self) -> Result<Record, StoreError> {
        let invalid = |field| Self::damaged(&format!("no valid `{field}`"));
        let token_id = self.token_id.map(|id| TokenId::parse(&id).ok_or(id));
        let principal = self.principal.map(|p| Principal::parse(&p).ok_or(p));
        let client = self.client.map(|c| Client::parse(&c).ok_or(c));
        Ok(Record {
            request_id: self.request_id,
            at: UtcMicros(self.at),
            token_id: token_id.transpose().map_err(|_| invalid("token_id"))?,
            token_name: self.token_name,
            principal: principal.transpose().map_err(|_| invalid("principal"))?,
            face: self.face.into(),
            method: self.method.into(),
            resource: self.resource,
            outcome: Outcome::from_name(&self.outcome).ok_or_else(|| invalid("outcome"))?,
            client: client.transpose().map_err(|_| invalid("client"))?,
            pass_through: self.pass_through,
            payload: self.payload.map(Payload),
            stale_s: self.stale_s,
            phase: Phase::from_name(&self.phase).ok_or_else(|| invalid("phase"))?,
            count: self.count,
        })
    }
}

/// What a check of the chain looks at of a record.
#[derive(Deserialize)]
pub(crate) struct Linked<'a> {
    pub(crate) seq: u64,
    #[serde(borrow)]
    pub(crate) prev: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) face: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) payload: Option<Cow<'a, str>>,
}

/// An end of the chain: the last record that was written, or the last that was pruned.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// Its number; 0 before the first record.
    pub(crate) seq: u64,
    /// SHA-256, in hex, of its bytes; zeros before the first record.
    pub(crate) hash: String,
    /// Names the key that sealed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The seal, in hex: a keyed code over both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mac: Option<String>,
}

impl Stored for End {
    const KIND: &'static str = "end of the audit";
}

impl End {
    pub(crate) fn before_the_first() -> Self {
        Self {
            seq: 0,
            hash: "0".repeat(64),
            key: None,
            mac: None,
        }
    }

    /// The end at a record, not sealed.
    pub(crate) fn at(seq: u64, bytes: &[u8]) -> Self {
        Self {
            seq,
            hash: hex::encode(Sha256::digest(bytes)),
            key: None,
            mac: None,
        }
    }
}
