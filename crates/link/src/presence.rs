//! `Presence`, which house readers see while connections come and go. Pure: `now` is a parameter.

use housekey_home::catalogue::RunState;
use housekey_home::snapshot::Snapshot;
use tokio::time::Instant;

use crate::house::{Absence, House};
use crate::limits::STARTING_MAX;

pub(crate) struct Presence {
    house: House,
    /// The house of a Home Assistant that starts again, and when it is shown at the latest.
    waiting: Option<(Snapshot, Instant)>,
}

impl Presence {
    pub(crate) fn new() -> Self {
        let why = Absence::Connecting;
        Self {
            house: House::Absent { why },
            waiting: None,
        }
    }

    pub(crate) fn house(&self) -> &House {
        &self.house
    }

    /// There is no house, for a reason; one that was there before stays.
    pub(crate) fn absent(&mut self, why: Absence) {
        if let House::Absent { .. } = self.house {
            self.house = House::Absent { why };
        }
    }

    /// The connection is gone.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.waiting = None;
        let (snapshot, since) = match &self.house {
            House::Absent { .. } => return,
            House::Live { snapshot, .. } => (snapshot.clone(), now),
            House::Stale {
                snapshot, since, ..
            } => (snapshot.clone(), *since),
        };
        self.house = House::Stale {
            snapshot,
            since,
            starting: false,
        };
    }

    /// A complete house came. While Home Assistant starts again its house is incomplete: the old one
    /// stays until it runs, or for [`STARTING_MAX`].
    pub(crate) fn update(&mut self, fresh: Snapshot, now: Instant) {
        let starting = fresh.config().run_state == RunState::Starting;
        if let House::Stale {
            snapshot, since, ..
        } = &self.house
            && starting
        {
            let waiting = self.waiting.as_ref().map(|(_, until)| *until);
            let until = waiting.unwrap_or(now + STARTING_MAX);
            if now < until {
                self.waiting = Some((fresh, until));
                self.house = House::Stale {
                    snapshot: snapshot.clone(),
                    since: *since,
                    starting: true,
                };
                return;
            }
        }
        self.waiting = None;
        self.house = House::Live {
            snapshot: fresh,
            starting,
        };
    }

    /// When [`Presence::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|(_, until)| *until)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if let Some((fresh, until)) = &self.waiting
            && *until <= now
        {
            let fresh = fresh.clone();
            self.update(fresh, now);
        }
    }
}
