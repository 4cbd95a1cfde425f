//! `Health`, whether all is well, without a word about the home.

use std::time::Duration;

use housekey_link::{House, Link};
use tokio::time::Instant;

/// Whether all is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// Home Assistant is connected and the replica is live.
    pub home_is_live: bool,
    /// Home Assistant is connected and still starting.
    pub home_is_starting: bool,
    /// How old the home is that answers; `None` when it is live or not there.
    pub stale_s: Option<u64>,
    /// Reads are answered.
    pub is_ready: bool,
    /// The audit can be written.
    pub audit_is_writable: bool,
}

impl Health {
    pub(crate) fn of(link: &Link, audit_is_writable: bool, stale_reads: Duration) -> Self {
        let house = link.house();
        let stale = house.stale_for(Instant::now());
        let answers = house.snapshot().is_some() && stale.is_none_or(|age| age <= stale_reads);
        Self {
            home_is_live: matches!(house, House::Live { .. }),
            home_is_starting: house.is_starting(),
            stale_s: stale.map(|age| age.as_secs()),
            is_ready: answers && audit_is_writable,
            audit_is_writable,
        }
    }
}
