//! The audit: what was asked and done, by whom, and how it ended.
//!
//! [`Audit`] takes records in, one thread writes them, [`Audit::read`] gives them back. Each stored
//! record holds the hash of the one before it, and both ends of that chain are sealed with a key, so
//! that [`Audit::check`] finds what somebody else did to the log. What a record says is the gateway's
//! business; here it is bounded and kept.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use housekey_home::time::UtcMicros;

use crate::limits::{AUDIT_PAYLOAD_CHARS_MAX, AUDIT_TEXT_CHARS_MAX};
use crate::principal::Principal;
use crate::token::TokenId;

mod begin;
mod check;
mod failed;
mod log;
mod queue;
mod seal;
mod stored;
mod writer;

pub use check::{Chain, Damage};
pub use failed::FailedAuthentication;
pub use log::Kept;
pub use queue::{Audit, AuditConfig, AuditUnavailable, Health, Reads, Slot};
pub(crate) use seal::KeyPlace;
pub use seal::SealFault;

/// One thing that was asked, or the intent or the end of an act.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The request it belongs to; an act has two records with one id.
    pub request_id: String,
    /// When.
    pub at: UtcMicros,
    /// The token, if one asked or, in the record of an owner, was concerned.
    pub token_id: Option<TokenId>,
    /// Its name at that time.
    pub token_name: Option<String>,
    /// Who asked; `None` when nobody proved to be anybody.
    pub principal: Option<Principal>,
    /// The door and the wire through which it came.
    pub face: Cow<'static, str>,
    /// The HTTP method, the MCP method or the tool.
    pub method: Cow<'static, str>,
    /// What it was about.
    pub resource: String,
    /// How it ended; in an intent, how it is about to.
    pub outcome: Outcome,
    /// From where.
    pub client: Option<Client>,
    /// Whether the token passed through.
    pub pass_through: bool,
    /// What was sent.
    pub payload: Option<Payload>,
    /// How old the house was that the answer came from, in seconds, if Home Assistant was away.
    pub stale_s: Option<u32>,
    /// Which part of the story it tells.
    pub phase: Phase,
    /// How many events it stands for: 1 but for failed authentications that were counted.
    pub count: u32,
}

/// How a request ended. The first six are ATM 1.1's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// It was answered or done.
    Allowed,
    /// It was refused.
    Denied,
    /// What it named does not exist.
    NotFound,
    /// It came too often.
    RateLimited,
    /// There is no such thing to ask.
    NotImplemented,
    /// It made no sense.
    InvalidRequest,
    /// The credential opened nothing.
    Unauthorized,
    /// Something broke; whether an act happened may be unknown.
    Fault,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Allowed,
        Self::Denied,
        Self::NotFound,
        Self::RateLimited,
        Self::NotImplemented,
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Fault,
    ];

    /// The name in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::NotImplemented => "not_implemented",
            Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::Fault => "fault",
        }
    }

    /// The outcome of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// Which part of the story a record tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// A request that changes nothing.
    Read,
    /// An act that is about to happen.
    Intent,
    /// How that act ended.
    Outcome,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Intent, Self::Outcome];

    /// The name in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
        }
    }

    /// The phase of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

/// From where somebody asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Client {
    /// An address of the network.
    Ip(IpAddr),
    /// A user of this machine.
    Uid(u32),
}

impl Client {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("uid:") {
            Some(uid) => uid.parse().ok().map(Self::Uid),
            None => text.parse().ok().map(Self::Ip),
        }
    }
}

/// The address, or `uid:<uid>`.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
        }
    }
}

/// What was sent, with its secrets taken out by whoever made the record; bounded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload(String);

impl Payload {
    const CUT: &'static str = "...[truncated]";

    /// Takes the text, or as much of it as is kept, with a mark behind (ATM 1.1).
    #[must_use]
    pub fn new(mut text: String) -> Self {
        if let Some((end, _)) = text.char_indices().nth(AUDIT_PAYLOAD_CHARS_MAX) {
            text.truncate(end);
            text.push_str(Self::CUT);
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As much of a text as is kept of what is not a payload.
fn bounded(text: &str) -> &str {
    match text.char_indices().nth(AUDIT_TEXT_CHARS_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
