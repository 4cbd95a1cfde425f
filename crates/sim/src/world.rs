//! `World`, a house and the connections to it, without I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use housekey_home::exposure::Exposure;
use housekey_home::id::{ContextId, EntityId};
use housekey_home::replica::{Parts, Replica, Update};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::Context;
use imbl::OrdSet;

use crate::desk::{Desk, DeskId};

/// A house and the connections to it.
pub struct World {
    pub(crate) truth: Replica,
    pub(crate) exposed: OrdSet<EntityId>,
    pub(crate) expose_new: bool,
    pub(crate) token: Arc<str>,
    /// The text with which tokens are refused, if they are.
    pub(crate) refusal: Option<String>,
    pub(crate) is_admin: bool,
    /// Whether frames may be arrays of messages.
    pub(crate) coalesces: bool,
    pub(crate) desks: BTreeMap<DeskId, Desk>,
    next_desk: u64,
    contexts: u64,
}

impl World {
    /// A house whose administrator has `token`.
    #[must_use]
    pub fn new(parts: Parts, token: &str) -> Self {
        let (exposed, expose_new) = exposure_of(&parts);
        Self {
            truth: Replica::new(parts),
            exposed,
            expose_new,
            token: Arc::from(token),
            refusal: None,
            is_admin: true,
            coalesces: true,
            desks: BTreeMap::new(),
            next_desk: 0,
            contexts: 0,
        }
    }

    /// The house as it is.
    #[must_use]
    pub fn truth(&self) -> Snapshot {
        self.truth.snapshot()
    }

    /// What is exposed to the assistant.
    #[must_use]
    pub fn exposed(&self) -> &OrdSet<EntityId> {
        &self.exposed
    }

    /// Opens a connection; its first frame is the greeting.
    pub fn open(&mut self) -> DeskId {
        let id = DeskId(self.next_desk);
        self.next_desk += 1;
        let version = self.truth.snapshot().config().version.clone();
        self.desks.insert(id, Desk::new(&version));
        id
    }

    /// Takes in a text frame of a client.
    pub fn handle_text(&mut self, id: DeskId, text: &str) {
        let Some(mut desk) = self.desks.remove(&id) else {
            return;
        };
        desk.handle_text(self, text);
        self.desks.insert(id, desk);
    }

    /// The frames that wait for a client.
    pub fn frames(&mut self, id: DeskId) -> Vec<String> {
        self.desks
            .get_mut(&id)
            .map(Desk::take_frames)
            .unwrap_or_default()
    }

    /// Whether the connection is to be closed when its frames are sent.
    #[must_use]
    pub fn is_closing(&self, id: DeskId) -> bool {
        self.desks.get(&id).is_none_or(Desk::is_closing)
    }

    /// Whether the connection is authenticated.
    #[must_use]
    pub fn is_ready(&self, id: DeskId) -> bool {
        self.desks.get(&id).is_some_and(Desk::is_ready)
    }

    /// Forgets a connection.
    pub fn close(&mut self, id: DeskId) {
        self.desks.remove(&id);
    }

    /// Connections that stand and are authenticated.
    #[must_use]
    pub fn client_count(&self) -> usize {
        self.desks.values().filter(|desk| desk.is_ready()).count()
    }

    /// Subscriptions of all connections.
    #[must_use]
    pub fn subscription_count(&self) -> usize {
        self.desks.values().map(Desk::subscription_count).sum()
    }

    /// Begins the house anew, as after a restart: connections are closed, nothing of the old house
    /// stays.
    pub fn restart(&mut self, parts: Parts) {
        (self.exposed, self.expose_new) = exposure_of(&parts);
        self.truth = Replica::new(parts);
        for desk in self.desks.values_mut() {
            desk.begin_closing();
        }
    }

    /// Applies a change of the truth; the sim makes none that does not fit.
    pub(crate) fn apply(&mut self, update: Update) {
        let fits = self.truth.apply(update).is_ok();
        debug_assert!(fits, "a change of the truth does not fit the truth");
    }

    pub(crate) fn fresh_context(&mut self) -> Context {
        self.contexts += 1;
        Context {
            id: ContextId::new(&format!("01SIM{:021}", self.contexts)),
            parent_id: None,
            user_id: None,
        }
    }

    /// Sends an event to those who subscribed to its type.
    pub(crate) fn fire(&mut self, event_type: &str, data: &serde_json::Value) {
        let event = serde_json::json!({
            "event_type": event_type,
            "data": data,
            "origin": "LOCAL",
            "time_fired": "2026-11-23T00:00:00.000000+00:00",
            "context": {"id": "01SIM", "parent_id": null, "user_id": null},
        });
        for desk in self.desks.values_mut() {
            desk.send_event(event_type, &event);
        }
    }
}

fn exposure_of(parts: &Parts) -> (OrdSet<EntityId>, bool) {
    match &parts.exposure {
        Exposure::Known {
            exposed,
            expose_new,
        } => (exposed.clone(), *expose_new),
        Exposure::Refused => (OrdSet::new(), true),
    }
}
