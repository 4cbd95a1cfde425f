//! `Follower`, what keeps a house live over one connection: it loads it, then turns events into
//! updates and further commands.
//!
//! The order of the first sync leaves no gap (spec of HA 2026.11, verified on recordings): events of
//! the registries and their lists are asked for in one frame, which Home Assistant answers from one
//! moment; entries, and last the states, follow. Answers of one connection come in order, so a
//! later one is never older.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use imbl::OrdSet;

use crate::exposure::Exposure;
use crate::id::{DeviceId, EntityId};
use crate::limits::{
    COMPARE_EVERY, ENTRIES_PER_REQUEST_MAX, EXPOSURE_DEBOUNCE, EXPOSURE_EVERY, LIST_DEBOUNCE, LOAD,
    ORDER_IDS_MAX, RESYNC_EVERY, RESYNC_EVERY_MAX, SERVICES_DEBOUNCE,
};
use crate::load::{Loading, Part};
use crate::replica::{Replica, Update};
use crate::session::{RequestId, Session, SessionEvent};
use crate::snapshot::{IndexKey, Revision, Snapshot};
use crate::wire::{Command, EntityIds, EventType, WireError};

mod events;
mod unordered;
mod wanted;

use unordered::Unordered;
use wanted::Wanted;

/// Keeps one house live over one connection.
pub struct Follower {
    stage: Stage,
    /// The revision behind which this replica's begin.
    after: Revision,
    asked: BTreeMap<RequestId, Asked>,
    events: BTreeMap<RequestId, EventType>,
    /// The subscription of all states, and the one that is to replace it.
    states: Option<RequestId>,
    states_next: Option<RequestId>,
    /// Subscriptions that end with their first event.
    one_shots: BTreeSet<RequestId>,
    wanted: Wanted,
    unordered: Unordered,
    due: BTreeMap<Fetch, Duration>,
    fetching: BTreeSet<Fetch>,
    exposed: Option<OrdSet<EntityId>>,
    /// Devices that were announced and whose entries are not known yet.
    announced: BTreeSet<DeviceId>,
    resync_wait: Duration,
    resynced_at: Option<Duration>,
    published: Option<Revision>,
    facts: Facts,
}

enum Stage {
    /// Parts come in; updates that build on them wait.
    Loading {
        parts: Box<Loading>,
        backlog: Vec<Update>,
    },
    Following(Box<Replica>),
}

/// What a request was made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Events(EventType),
    EntityIds,
    FirstEntries,
    Entries,
    CurrentUser,
    States,
    OneShot,
    Unsubscribe,
    Fetch(Fetch),
    ExposeNew,
}

/// What is fetched whole, again and again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fetch {
    Areas,
    Floors,
    Labels,
    Devices,
    Config,
    Services,
    Exposure,
    Resync,
    Compare,
}

/// What a follower found out beside the house itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Whether the user of the token is an administrator.
    pub is_admin: bool,
    /// Fresh subscriptions because a difference did not fit.
    pub resyncs: u64,
    /// Entities that a comparison with `get_states` found to differ.
    pub drifted: u64,
    /// Answers that could not be read and were not needed.
    pub unreadable: u64,
}

/// The house cannot be followed over this connection.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FollowError {
    /// A required answer was refused.
    #[error("{what} was refused: {code}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Home Assistant's code.
        code: String,
    },
    /// A required answer did not come in time.
    #[error("{what} was not answered in time")]
    Deadline {
        /// What was asked for.
        what: &'static str,
    },
    /// A required answer is not what was asked for.
    #[error("{what} cannot be read: {error}")]
    Unreadable {
        /// What was asked for.
        what: &'static str,
        /// What is wrong.
        error: WireError,
    },
}

impl Follower {
    /// Begins to load the house: its first commands go out as soon as the session is ready.
    /// Revisions will be greater than `after`.
    #[must_use]
    pub fn new(session: &mut Session, after: Revision, now: Duration) -> Self {
        let mut follower = Self {
            stage: Stage::Loading {
                parts: Box::default(),
                backlog: Vec::new(),
            },
            after,
            asked: BTreeMap::new(),
            events: BTreeMap::new(),
            states: None,
            states_next: None,
            one_shots: BTreeSet::new(),
            wanted: Wanted::default(),
            unordered: Unordered::default(),
            due: BTreeMap::new(),
            fetching: BTreeSet::new(),
            exposed: None,
            announced: BTreeSet::new(),
            resync_wait: RESYNC_EVERY,
            resynced_at: None,
            published: None,
            facts: Facts::default(),
        };
        let lists = [Fetch::Areas, Fetch::Floors, Fetch::Labels, Fetch::Devices];
        let mut first: Vec<(Command, Asked)> = EventType::ALL
            .into_iter()
            .map(|event_type| {
                let command = Command::SubscribeEvents { event_type };
                (command, Asked::Events(event_type))
            })
            .collect();
        first.extend(lists.map(|list| (list.command(), Asked::Fetch(list))));
        first.push((Command::EntityList, Asked::EntityIds));
        follower.ask(session, first, now);
        let rest = [Fetch::Config, Fetch::Services];
        let mut rest: Vec<_> = rest.map(|one| (one.command(), Asked::Fetch(one))).into();
        rest.push((Command::CurrentUser, Asked::CurrentUser));
        follower.ask(session, rest, now);
        follower
    }

    /// Takes in what happened on the connection; what is not this follower's is given back.
    ///
    /// # Errors
    /// [`FollowError`] when a required part cannot be had: the connection is of no use.
    pub fn handle(
        &mut self,
        session: &mut Session,
        event: SessionEvent,
        now: Duration,
    ) -> Result<Option<SessionEvent>, FollowError> {
        match event {
            SessionEvent::Resolved { id, outcome } => {
                let Some(asked) = self.asked.remove(&id) else {
                    return Ok(Some(SessionEvent::Resolved { id, outcome }));
                };
                self.handle_outcome(session, id, asked, outcome, now)?;
            }
            SessionEvent::Event { id, event } => {
                if !self.handle_event(session, id, &event, now)? {
                    return Ok(Some(SessionEvent::Event { id, event }));
                }
            }
            SessionEvent::EventLost { id } => {
                if !self.handle_lost(session, id, now) {
                    return Ok(Some(SessionEvent::EventLost { id }));
                }
            }
            SessionEvent::Ready { .. } | SessionEvent::Closed(_) => return Ok(Some(event)),
        }
        Ok(None)
    }

    /// Sends what is due. To be called when all that has arrived was handled, and at
    /// [`Follower::poll_timeout`].
    pub fn handle_timeout(&mut self, session: &mut Session, now: Duration) {
        if let Some(ids) = self.wanted.next_request(ENTRIES_PER_REQUEST_MAX)
            && let Some(entity_ids) = EntityIds::new(ids)
        {
            let command = Command::EntityEntries { entity_ids };
            self.ask(session, vec![(command, Asked::Entries)], now);
        }
        let due = self
            .due
            .iter()
            .filter(|(fetch, at)| **at <= now && self.is_free(**fetch));
        let due: Vec<Fetch> = due.map(|(fetch, _)| *fetch).collect();
        for fetch in due {
            self.fetch(session, fetch, now);
        }
        let ids = self.unordered.take(ORDER_IDS_MAX, now);
        if let Some(ids) = EntityIds::new(ids) {
            let command = Command::SubscribeEntities {
                entity_ids: Some(ids),
            };
            for id in self.ask(session, vec![(command, Asked::OneShot)], now) {
                self.one_shots.insert(id);
            }
        }
    }

    /// When [`Follower::handle_timeout`] wants to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let due = self.due.iter().filter(|(fetch, _)| self.is_free(**fetch));
        let due = due.map(|(_, at)| *at).min();
        [due, self.unordered.next()].into_iter().flatten().min()
    }

    /// A snapshot that was not given out before.
    ///
    /// Leaves out entities whose entry, or whose device, was announced and is still to come: such an
    /// entity would look like one that nobody placed anywhere.
    pub fn poll_snapshot(&mut self) -> Option<Snapshot> {
        let Stage::Following(replica) = &self.stage else {
            return None;
        };
        let house = replica.house();
        if self.published == Some(house.revision) {
            return None;
        }
        self.published = Some(house.revision);
        let of_device = |device: &DeviceId| house.index.get(&IndexKey::Device(device.clone()));
        let of_devices = self.announced.iter().filter_map(of_device).flatten();
        let hidden: Vec<&EntityId> = self.wanted.held().chain(of_devices).collect();
        Some(if hidden.is_empty() {
            replica.snapshot()
        } else {
            replica.snapshot_without(&hidden)
        })
    }

    /// The house at this moment, whether it was given out or not; `None` while it is loaded.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        match &self.stage {
            Stage::Loading { .. } => None,
            Stage::Following(replica) => Some(replica.snapshot()),
        }
    }

    /// What the load still waits for.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        match &self.stage {
            Stage::Loading { parts, .. } => parts.missing(),
            Stage::Following(_) => Vec::new(),
        }
    }

    /// What was found out beside the house itself.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.facts
    }

    fn ask(
        &mut self,
        session: &mut Session,
        commands: Vec<(Command, Asked)>,
        now: Duration,
    ) -> Vec<RequestId> {
        let (commands, asked): (Vec<Command>, Vec<Asked>) = commands.into_iter().unzip();
        let ids = match &commands[..] {
            [one] => vec![session.request(one, now + LOAD)],
            several => session.request_batch(several, now + LOAD),
        };
        for (id, asked) in ids.iter().zip(asked) {
            if let Asked::Events(event_type) = asked {
                self.events.insert(*id, event_type);
            }
            if let Asked::Fetch(fetch) = asked {
                self.fetching.insert(fetch);
            }
            self.asked.insert(*id, asked);
        }
        ids
    }

    fn fetch(&mut self, session: &mut Session, fetch: Fetch, now: Duration) {
        self.due.remove(&fetch);
        match fetch {
            Fetch::Resync => self.resync(session, now),
            Fetch::Exposure => {
                let assistant = crate::exposure::ASSISTANT.into();
                let commands = vec![
                    (fetch.command(), Asked::Fetch(fetch)),
                    (Command::ExposeNewGet { assistant }, Asked::ExposeNew),
                ];
                self.ask(session, commands, now);
            }
            Fetch::Areas
            | Fetch::Floors
            | Fetch::Labels
            | Fetch::Devices
            | Fetch::Config
            | Fetch::Services
            | Fetch::Compare => {
                self.ask(session, vec![(fetch.command(), Asked::Fetch(fetch))], now);
            }
        }
    }

    /// Subscribes to all states anew; the first event replaces what is known.
    fn resync(&mut self, session: &mut Session, now: Duration) {
        self.facts.resyncs += 1;
        self.resynced_at = Some(now);
        let command = Command::SubscribeEntities { entity_ids: None };
        let ids = self.ask(session, vec![(command, Asked::States)], now);
        self.states_next = ids.first().copied();
    }

    /// Asks for a resync, less and less often while the cause stays.
    fn want_resync(&mut self, now: Duration) {
        if self.due.contains_key(&Fetch::Resync) {
            return;
        }
        let at = match self.resynced_at {
            None => now,
            Some(last) if last + RESYNC_EVERY_MAX <= now => {
                self.resync_wait = RESYNC_EVERY;
                now
            }
            Some(last) => {
                let at = (last + self.resync_wait).max(now);
                self.resync_wait = (self.resync_wait * 2).min(RESYNC_EVERY_MAX);
                at
            }
        };
        self.due.insert(Fetch::Resync, at);
    }

    fn want(&mut self, fetch: Fetch, at: Duration) {
        let due = self.due.entry(fetch).or_insert(at);
        *due = (*due).min(at);
    }

    /// Whether a fetch can be made at all, or has to wait for one that is under way.
    fn is_free(&self, fetch: Fetch) -> bool {
        let following = matches!(self.stage, Stage::Following(_));
        match fetch {
            Fetch::Resync => following && self.states_next.is_none(),
            Fetch::Compare => following && !self.fetching.contains(&fetch),
            Fetch::Areas
            | Fetch::Floors
            | Fetch::Labels
            | Fetch::Devices
            | Fetch::Config
            | Fetch::Services
            | Fetch::Exposure => !self.fetching.contains(&fetch),
        }
    }

    /// Applies an update, or keeps it while the house is loaded.
    fn take(&mut self, update: Update, now: Duration) {
        match &mut self.stage {
            Stage::Loading { backlog, .. } => backlog.push(update),
            Stage::Following(replica) => match replica.apply(update) {
                Ok(change) => {
                    for id in change.order_unknown {
                        self.unordered.want(id, now);
                    }
                }
                Err(_) => self.want_resync(now),
            },
        }
    }

    /// Adds a part; the last one makes the replica.
    fn add(&mut self, part: Part, now: Duration) {
        let Stage::Loading { parts, backlog } = &mut self.stage else {
            return;
        };
        parts.add(part);
        if !parts.missing().is_empty() {
            return;
        }
        let backlog = std::mem::take(backlog);
        match std::mem::take(&mut **parts).finish() {
            Ok(mut replica) => {
                replica.continue_after(self.after);
                self.stage = Stage::Following(Box::new(replica));
                for update in backlog {
                    self.take(update, now);
                }
                self.want(Fetch::Compare, now + COMPARE_EVERY);
            }
            Err(incomplete) => {
                self.stage = Stage::Loading {
                    parts: incomplete,
                    backlog,
                };
            }
        }
    }
}

impl Fetch {
    fn command(self) -> Command {
        match self {
            Self::Areas => Command::AreaList,
            Self::Floors => Command::FloorList,
            Self::Labels => Command::LabelList,
            Self::Devices => Command::DeviceList,
            Self::Config => Command::GetConfig,
            Self::Services => Command::GetServices,
            Self::Exposure => Command::ExposeList,
            Self::Resync => Command::SubscribeEntities { entity_ids: None },
            Self::Compare => Command::GetStates,
        }
    }
}

impl Asked {
    fn what(self) -> &'static str {
        match self {
            Self::Events(_) => "a subscription of events",
            Self::EntityIds => "the entity registry",
            Self::FirstEntries | Self::Entries => "entries of the entity registry",
            Self::CurrentUser => "the current user",
            Self::States => "the subscription of states",
            Self::OneShot => "a state",
            Self::Unsubscribe => "the end of a subscription",
            Self::ExposeNew => "the exposure of new entities",
            Self::Fetch(fetch) => match fetch {
                Fetch::Areas => "the area registry",
                Fetch::Floors => "the floor registry",
                Fetch::Labels => "the label registry",
                Fetch::Devices => "the device registry",
                Fetch::Config => "the configuration",
                Fetch::Services => "the services",
                Fetch::Exposure => "the exposure",
                Fetch::Resync => "the subscription of states",
                Fetch::Compare => "all states",
            },
        }
    }
}

#[cfg(test)]
mod tests;
