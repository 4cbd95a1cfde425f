//! `Status`, what health and `doctor` are told about the link. Holds no data of the home but its
//! name, and never the access token.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

/// Where the link stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// What it does at present.
    pub phase: Phase,
    /// What was found at the last complete load.
    pub home: Option<HomeFacts>,
    /// What went wrong last, and when; stays after a recovery.
    pub last_error: Option<(LinkError, Instant)>,
    /// Complete loads since the start.
    pub loads: u64,
    /// Times that readers were given another house; nobody is woken for this number alone.
    pub published: u64,
    /// Times that all states were fetched anew because a difference did not fit.
    pub resyncs: u64,
    /// Entities that a background comparison found to differ, since the start.
    pub drifted: u64,
}

impl Status {
    pub(crate) fn new(phase: Phase) -> Self {
        Self {
            phase,
            home: None,
            last_error: None,
            loads: 0,
            published: 0,
            resyncs: 0,
            drifted: 0,
        }
    }
}

/// What the link does at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Opening the connection.
    Connecting,
    /// Connected and proving who we are, or loading.
    Loading,
    /// The replica is live.
    Live,
    /// Waiting before the next attempt.
    Waiting {
        /// When it is made.
        until: Instant,
    },
    /// Shut down.
    Stopped,
}

/// What was found at the last complete load.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HomeFacts {
    /// The name of the home.
    pub name: Arc<str>,
    /// The release of Home Assistant.
    pub version: Arc<str>,
    /// How many entities have a state.
    pub entities: usize,
    /// Milliseconds from the open connection to the complete replica.
    pub sync_ms: u64,
    /// Whether the user of the token is an administrator.
    pub is_admin: bool,
    /// Whether Home Assistant told which entities are exposed; if not, registry options decide.
    pub exposure_is_known: bool,
}

/// What went wrong with the link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkError {
    /// No TCP or TLS connection.
    Unreachable {
        /// The system's text.
        cause: Arc<str>,
    },
    /// The upgrade was answered with 404, 502 or 503: Home Assistant is starting, or a proxy waits
    /// for it.
    NotReady {
        /// The HTTP status.
        status: u16,
    },
    /// The upgrade was answered with 403: the address is banned.
    Banned,
    /// `auth_invalid`: the token is wrong, deleted or expired, or its user may not connect.
    TokenRefused {
        /// Home Assistant's text.
        message: Arc<str>,
    },
    /// The connection ended.
    Lost {
        /// How.
        cause: Arc<str>,
    },
    /// What came is not what Home Assistant says, or a required part was refused.
    Incompatible {
        /// What it was.
        cause: Arc<str>,
    },
    /// The configured address cannot be used.
    InvalidUrl {
        /// Why.
        cause: Arc<str>,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { cause } => write!(f, "Home Assistant cannot be reached: {cause}"),
            Self::NotReady { status } => {
                write!(
                    f,
                    "Home Assistant is not ready: the upgrade was answered with {status}"
                )
            }
            Self::Banned => f.write_str(
                "Home Assistant has banned this address (403 on the upgrade): see ip_bans.yaml",
            ),
            Self::TokenRefused { message } => {
                write!(f, "Home Assistant refused the access token: {message}")
            }
            Self::Lost { cause } => write!(f, "the connection was lost: {cause}"),
            Self::Incompatible { cause } => write!(f, "unexpected answer: {cause}"),
            Self::InvalidUrl { cause } => write!(f, "the address cannot be used: {cause}"),
        }
    }
}
