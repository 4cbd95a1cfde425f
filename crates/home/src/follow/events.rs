//! What a follower makes of answers and events.

use std::time::Duration;

use super::{
    Asked, ENTRIES_PER_REQUEST_MAX, EXPOSURE_DEBOUNCE, EXPOSURE_EVERY, Exposure, Fetch,
    FollowError, Follower, LIST_DEBOUNCE, SERVICES_DEBOUNCE, Stage,
};
use crate::id::EntityId;
use crate::limits::COMPARE_EVERY;
use crate::load::Part;
use crate::registry::EntityEntry;
use crate::replica::Update;
use crate::session::{Body, Outcome, RequestId, Session};
use crate::state::EntityState;
use crate::value::Value;
use crate::wire::{Command, EntityIds, EntryAction, EntryEvent, EventType, StatesEvent, WireError};

impl Follower {
    pub(super) fn handle_outcome(
        &mut self,
        session: &mut Session,
        id: RequestId,
        asked: Asked,
        outcome: Outcome,
        now: Duration,
    ) -> Result<(), FollowError> {
        if let Asked::Fetch(fetch) = asked {
            self.fetching.remove(&fetch);
        }
        let body = match outcome {
            Outcome::Answer(body) => body,
            Outcome::Lost => return Ok(()),
            Outcome::Refused(refused) => {
                return self.handle_failure(id, asked, Some(refused.code), now);
            }
            Outcome::Deadline => return self.handle_failure(id, asked, None, now),
        };
        match asked {
            Asked::Events(_) | Asked::States | Asked::OneShot | Asked::Unsubscribe => Ok(()),
            Asked::EntityIds => {
                let ids = readable(asked, body.payload().entity_ids())?;
                self.handle_entity_ids(session, ids, now);
                Ok(())
            }
            Asked::FirstEntries => {
                let entries = readable(asked, body.payload().entity_entries())?;
                self.add(Part::Entries(entries), now);
                Ok(())
            }
            Asked::Entries => {
                let entries = readable(asked, body.payload().entity_entries())?;
                let entries = self.wanted.answered(entries);
                if !entries.is_empty() {
                    self.take(Update::Entries(entries), now);
                }
                Ok(())
            }
            Asked::CurrentUser => {
                self.facts.is_admin = readable(asked, body.payload().current_user())?.is_admin;
                if self.facts.is_admin {
                    self.want(Fetch::Exposure, now);
                } else {
                    self.set_exposure(Exposure::Refused, now);
                }
                Ok(())
            }
            Asked::ExposeNew => {
                self.handle_expose_new(&body, now);
                Ok(())
            }
            Asked::Fetch(fetch) => self.handle_fetched(fetch, &body, now),
        }
    }

    fn handle_fetched(
        &mut self,
        fetch: Fetch,
        body: &Body,
        now: Duration,
    ) -> Result<(), FollowError> {
        let asked = Asked::Fetch(fetch);
        match fetch {
            Fetch::Areas => {
                let areas = readable(asked, body.payload().areas())?;
                self.set(Part::Areas, Update::Areas, areas, now);
            }
            Fetch::Floors => {
                let floors = readable(asked, body.payload().floors())?;
                self.set(Part::Floors, Update::Floors, floors, now);
            }
            Fetch::Labels => {
                let labels = readable(asked, body.payload().labels())?;
                self.set(Part::Labels, Update::Labels, labels, now);
            }
            Fetch::Devices => {
                let devices = readable(asked, body.payload().devices())?;
                // What was announced since the list was asked for may not be in it.
                if !self.due.contains_key(&Fetch::Devices) {
                    self.announced.clear();
                }
                self.set(Part::Devices, Update::Devices, devices, now);
            }
            Fetch::Config => {
                let config = readable(asked, body.payload().config())?;
                if self.house_differs(|house| *house.config != config) {
                    self.set(Part::Config, Update::Config, config, now);
                }
            }
            Fetch::Services => {
                let services = readable(asked, body.payload().services())?;
                if self.house_differs(|house| house.services != services) {
                    self.set(Part::Services, Update::Services, services, now);
                }
            }
            Fetch::Exposure => match body.payload().exposed() {
                Ok(exposed) => self.exposed = Some(exposed),
                Err(_) => self.refuse_exposure(now),
            },
            Fetch::Compare => {
                match body.payload().states() {
                    Ok(states) => self.adopt(states, now),
                    Err(_) => self.facts.unreadable += 1,
                }
                self.want(Fetch::Compare, now + COMPARE_EVERY);
            }
            Fetch::Resync => {}
        }
        Ok(())
    }

    /// A request that got no answer: what the house cannot do without ends the connection.
    fn handle_failure(
        &mut self,
        id: RequestId,
        asked: Asked,
        code: Option<String>,
        now: Duration,
    ) -> Result<(), FollowError> {
        match asked {
            Asked::Fetch(Fetch::Exposure) | Asked::ExposeNew => {
                // Rights may have been taken away; other causes pass.
                if code.as_deref() == Some("unauthorized") {
                    self.facts.is_admin = false;
                }
                self.refuse_exposure(now);
                Ok(())
            }
            Asked::Fetch(Fetch::Compare) => {
                self.want(Fetch::Compare, now + COMPARE_EVERY);
                Ok(())
            }
            Asked::OneShot => {
                self.one_shots.remove(&id);
                Ok(())
            }
            Asked::Unsubscribe => Ok(()),
            Asked::Events(_)
            | Asked::EntityIds
            | Asked::FirstEntries
            | Asked::Entries
            | Asked::CurrentUser
            | Asked::States
            | Asked::Fetch(_) => {
                let what = asked.what();
                Err(match code {
                    Some(code) => FollowError::Refused { what, code },
                    None => FollowError::Deadline { what },
                })
            }
        }
    }

    fn handle_entity_ids(&mut self, session: &mut Session, ids: Vec<EntityId>, now: Duration) {
        let mut commands: Vec<(Command, Asked)> = ids
            .chunks(ENTRIES_PER_REQUEST_MAX)
            .filter_map(|ids| EntityIds::new(ids.to_vec()))
            .map(|entity_ids| (Command::EntityEntries { entity_ids }, Asked::FirstEntries))
            .collect();
        let states = Command::SubscribeEntities { entity_ids: None };
        commands.push((states, Asked::States));
        for command in commands {
            let asked = command.1;
            let sent = self.ask(session, vec![command], now);
            if asked == Asked::States {
                self.states = sent.first().copied();
            }
        }
        self.add(Part::EntityIds(ids), now);
    }

    /// Whether an event is this follower's; if so, it is handled.
    pub(super) fn handle_event(
        &mut self,
        session: &mut Session,
        id: RequestId,
        event: &Body,
        now: Duration,
    ) -> Result<bool, FollowError> {
        if self.states_next == Some(id) {
            let event = readable(Asked::States, event.payload().parse())?;
            self.replace_states(session, id, event, now);
        } else if self.states == Some(id) {
            self.handle_states(event, now)?;
        } else if self.one_shots.remove(&id) {
            self.handle_one_shot(session, id, event, now);
        } else if let Some(event_type) = self.events.get(&id).copied() {
            self.handle_fired(event_type, event, now)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether a subscription that lost an event is this follower's; if so, what was lost is fetched.
    pub(super) fn handle_lost(
        &mut self,
        session: &mut Session,
        id: RequestId,
        now: Duration,
    ) -> bool {
        if self.states == Some(id) {
            self.want_resync(now);
        } else if self.states_next == Some(id) {
            // Its first event, or it would have replaced the other by now.
            self.states_next = None;
            self.unsubscribe(session, id, now);
            self.want_resync(now);
        } else if self.one_shots.remove(&id) {
            self.unsubscribe(session, id, now);
        } else {
            return self.events.contains_key(&id);
        }
        true
    }

    fn handle_states(&mut self, event: &Body, now: Duration) -> Result<(), FollowError> {
        if self.loads_states() {
            let first = readable(Asked::States, event.payload().parse())?;
            self.add(Part::States(added(first)), now);
            return Ok(());
        }
        let Ok(event) = event.payload().parse::<StatesEvent>() else {
            self.facts.unreadable += 1;
            self.want_resync(now);
            return Ok(());
        };
        for id in &event.removed {
            self.unordered.forget(id);
        }
        let unregistered = event.added.iter().any(|(id, _)| self.is_unregistered(id));
        if unregistered {
            self.want_exposure(now + EXPOSURE_DEBOUNCE);
        }
        self.take(Update::States(event), now);
        Ok(())
    }

    fn is_unregistered(&self, id: &EntityId) -> bool {
        match &self.stage {
            Stage::Loading { .. } => false,
            Stage::Following(replica) => {
                replica.house().registry.entity(id).is_none() && !self.wanted.contains(id)
            }
        }
    }

    /// The first event of a fresh subscription: its states replace those that are known, and the
    /// subscription its predecessor.
    fn replace_states(
        &mut self,
        session: &mut Session,
        id: RequestId,
        event: StatesEvent,
        now: Duration,
    ) {
        self.states_next = None;
        let before = self.states.replace(id);
        self.unordered.clear();
        self.due.remove(&Fetch::Resync);
        self.take(Update::AllStates(added(event)), now);
        if let Some(before) = before {
            self.unsubscribe(session, before, now);
        }
    }

    fn unsubscribe(&mut self, session: &mut Session, id: RequestId, now: Duration) {
        let subscription = id.wire();
        let command = Command::Unsubscribe { subscription };
        self.ask(session, vec![(command, Asked::Unsubscribe)], now);
    }

    fn handle_one_shot(
        &mut self,
        session: &mut Session,
        id: RequestId,
        event: &Body,
        now: Duration,
    ) {
        match event.payload().parse::<StatesEvent>() {
            Ok(event) => {
                for state in added(event) {
                    self.take(Update::State(state), now);
                }
            }
            Err(_) => self.facts.unreadable += 1,
        }
        self.unsubscribe(session, id, now);
    }

    fn handle_fired(
        &mut self,
        event_type: EventType,
        event: &Body,
        now: Duration,
    ) -> Result<(), FollowError> {
        match event_type {
            EventType::EntityRegistryUpdated => {
                let event = readable(Asked::Events(event_type), event.payload().entry_event())?;
                self.handle_entry_event(event, now);
            }
            EventType::DeviceRegistryUpdated => {
                let event = readable(Asked::Events(event_type), event.payload().device_event())?;
                if event.action == EntryAction::Create {
                    self.announced.insert(event.device_id);
                }
                self.want(Fetch::Devices, now + LIST_DEBOUNCE);
            }
            EventType::AreaRegistryUpdated => self.want(Fetch::Areas, now + LIST_DEBOUNCE),
            EventType::FloorRegistryUpdated => self.want(Fetch::Floors, now + LIST_DEBOUNCE),
            EventType::LabelRegistryUpdated => self.want(Fetch::Labels, now + LIST_DEBOUNCE),
            EventType::CoreConfigUpdated => self.want(Fetch::Config, now),
            EventType::ComponentLoaded => self.want(Fetch::Config, now + LIST_DEBOUNCE),
            EventType::ServiceRegistered | EventType::ServiceRemoved => {
                self.want(Fetch::Services, now + SERVICES_DEBOUNCE);
            }
        }
        Ok(())
    }

    fn handle_entry_event(&mut self, event: EntryEvent, now: Duration) {
        if event.changed("options") {
            self.want_exposure(now + EXPOSURE_DEBOUNCE);
        }
        let id = event.entity_id;
        match (event.action, event.old_entity_id) {
            (EntryAction::Create, _) => self.wanted.born(&id, true),
            (EntryAction::Remove, _) => {
                self.wanted.gone(&id);
                self.forget_state(&id, now);
                self.take(Update::Entries(vec![(id, None)]), now);
            }
            (EntryAction::Update, Some(old)) if old != id => {
                let moved = self.renamed(&old, &id);
                self.wanted.gone(&old);
                self.wanted.born(&id, moved.is_none());
                self.forget_state(&old, now);
                let mut entries = vec![(old, None)];
                entries.extend(moved.map(|entry| (id, Some(entry))));
                self.take(Update::Entries(entries), now);
            }
            (EntryAction::Update, _) => self.wanted.changed(&id),
        }
    }

    /// Removes the state of an entity whose entry is gone; Home Assistant is about to do the same.
    /// In between it would look like an entity that nobody placed in a device.
    fn forget_state(&mut self, id: &EntityId, now: Duration) {
        // States that are still to come are younger than the news.
        if self.loads_states() {
            return;
        }
        self.unordered.forget(id);
        let event = StatesEvent {
            removed: vec![id.clone()],
            ..StatesEvent::default()
        };
        self.take(Update::States(event), now);
    }

    fn loads_states(&self) -> bool {
        match &self.stage {
            Stage::Loading { parts, .. } => parts.missing().contains(&"states"),
            Stage::Following(_) => false,
        }
    }

    /// The entry of `old` under its new id, so that the entity is never without it.
    fn renamed(&self, old: &EntityId, id: &EntityId) -> Option<EntityEntry> {
        let Stage::Following(replica) = &self.stage else {
            return None;
        };
        let entry = replica.house().registry.entity(old)?;
        let key = std::sync::Arc::from("entity_id");
        let (fields, _) = entry.fields.patched([(key, Value::text(id.as_str()))], &[]);
        Some(EntityEntry {
            entity_id: id.clone(),
            fields,
            ..entry.clone()
        })
    }

    fn want_exposure(&mut self, at: Duration) {
        if self.facts.is_admin {
            self.want(Fetch::Exposure, at);
        }
    }

    fn handle_expose_new(&mut self, body: &Body, now: Duration) {
        // The list came first: both are asked for in one frame, and answered in order.
        match (body.payload().expose_new(), self.exposed.take()) {
            (Ok(expose_new), Some(exposed)) => {
                self.set_exposure(
                    Exposure::Known {
                        exposed,
                        expose_new,
                    },
                    now,
                );
                self.want_exposure(now + EXPOSURE_EVERY);
            }
            (Ok(_) | Err(_), _) => self.refuse_exposure(now),
        }
    }

    fn refuse_exposure(&mut self, now: Duration) {
        self.exposed = None;
        self.set_exposure(Exposure::Refused, now);
        self.want_exposure(now + EXPOSURE_EVERY);
    }

    fn set_exposure(&mut self, exposure: Exposure, now: Duration) {
        if self.house_differs(|house| house.exposure != exposure) {
            self.set(Part::Exposure, Update::Exposure, exposure, now);
        }
    }

    fn set<T>(
        &mut self,
        part: impl FnOnce(T) -> Part,
        update: impl FnOnce(T) -> Update,
        value: T,
        now: Duration,
    ) {
        match &self.stage {
            Stage::Loading { .. } => self.add(part(value), now),
            Stage::Following(_) => self.take(update(value), now),
        }
    }

    fn house_differs(&self, differs: impl FnOnce(&crate::snapshot::House) -> bool) -> bool {
        match &self.stage {
            Stage::Loading { .. } => true,
            Stage::Following(replica) => differs(replica.house()),
        }
    }

    /// Takes Home Assistant's word where a comparison differs. The answer is of one moment between
    /// two events of this connection, so nothing newer is undone.
    fn adopt(&mut self, states: Vec<EntityState>, now: Duration) {
        let Stage::Following(replica) = &self.stage else {
            return;
        };
        let house = replica.house();
        let known = |state: &EntityState| {
            house
                .states
                .get(&state.entity_id)
                .is_some_and(|entity| *entity.state() == *state)
        };
        let differing = states.iter().filter(|state| !known(state)).count();
        let gone = house.states.len().saturating_sub(states.len() - differing);
        let order_is_equal = house.states.keys().eq(states.iter().map(|s| &s.entity_id));
        if differing == 0 && order_is_equal {
            return;
        }
        self.facts.drifted += u64::try_from(differing.max(gone).max(1)).unwrap_or(u64::MAX);
        self.take(Update::AllStates(states), now);
    }
}

fn added(event: StatesEvent) -> Vec<EntityState> {
    let states = event.added.into_iter();
    states.map(|(id, state)| state.into_state(id)).collect()
}

fn readable<T>(asked: Asked, result: Result<T, WireError>) -> Result<T, FollowError> {
    result.map_err(|error| FollowError::Unreadable {
        what: asked.what(),
        error,
    })
}
