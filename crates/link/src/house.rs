//! `House`, what a reader of the link gets: a snapshot and how far to trust it.

use std::fmt;
use std::time::Duration;

use housekey_home::snapshot::Snapshot;
use tokio::time::Instant;

/// The house as far as it is known.
#[derive(Clone, Debug)]
pub enum House {
    /// Nothing was loaded since this process started.
    Absent {
        /// Why not.
        why: Absence,
    },
    /// The connection stands and the snapshot is what Home Assistant says.
    Live {
        /// The house.
        snapshot: Snapshot,
        /// Home Assistant is still starting: what is absent may come.
        starting: bool,
    },
    /// The connection was lost, or Home Assistant is starting again: the last snapshot before.
    Stale {
        /// The house as it was.
        snapshot: Snapshot,
        /// When the connection was lost.
        since: Instant,
        /// Home Assistant is back and starting; its new house follows when it runs.
        starting: bool,
    },
}

/// Why there is no house.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absence {
    /// The first attempt to connect has not ended.
    Connecting,
    /// Connected; the first load is under way.
    Loading,
    /// No connection: refused, no route, no such host, timeout, or a proxy without its backend.
    Unreachable,
    /// Home Assistant refused the token.
    TokenRefused,
    /// Home Assistant banned this address.
    Banned,
    /// What came is not what Home Assistant says.
    Incompatible,
    /// The link was shut down.
    Stopped,
}

impl House {
    /// The snapshot, live or stale.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Self::Absent { .. } => None,
            Self::Live { snapshot, .. } | Self::Stale { snapshot, .. } => Some(snapshot),
        }
    }

    /// Whether Home Assistant is connected and still starting.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        match self {
            Self::Absent { .. } => false,
            Self::Live { starting, .. } | Self::Stale { starting, .. } => *starting,
        }
    }

    /// Whether a reader would see no difference.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let revision = |house: &Self| house.snapshot().map(Snapshot::revision);
        let rest = |house: &Self| match house {
            Self::Absent { why } => (Some(*why), None, false),
            Self::Live { starting, .. } => (None, None, *starting),
            Self::Stale {
                since, starting, ..
            } => (None, Some(*since), *starting),
        };
        revision(self) == revision(other) && rest(self) == rest(other)
    }

    /// How old a stale snapshot is; `None` when it is live or absent.
    #[must_use]
    pub fn stale_for(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::Absent { .. } | Self::Live { .. } => None,
            Self::Stale { since, .. } => Some(now.saturating_duration_since(*since)),
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "the first connection to Home Assistant has not been made yet",
            Self::Loading => "the house is being loaded from Home Assistant",
            Self::Unreachable => "Home Assistant cannot be reached",
            Self::TokenRefused => "Home Assistant refused the access token",
            Self::Banned => "Home Assistant has banned this address",
            Self::Incompatible => {
                "what answers at that address does not speak as Home Assistant does"
            }
            Self::Stopped => "the link to Home Assistant was shut down",
        })
    }
}
