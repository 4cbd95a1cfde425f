//! `Desk`, Home Assistant's side of one connection: authentication, ids, commands, subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use housekey_home::id::EntityId;
use housekey_home::wire::{Command, EntityIds, EventType, StatesEvent, WireState};
use serde_json::{Value as Json, json};

use crate::world::World;

/// Fields that `config/entity_registry/list` leaves out.
const EXTENDED_FIELDS: [&str; 5] = [
    "aliases",
    "capabilities",
    "device_class",
    "original_device_class",
    "original_icon",
];

/// Names a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DeskId(pub(crate) u64);

pub(crate) struct Desk {
    phase: Phase,
    coalesces: bool,
    highest_id: u64,
    subscriptions: BTreeMap<u64, Subscription>,
    /// Messages that wait to be sent.
    out: Vec<String>,
    /// Answers of handlers that run as tasks: they come after those of the same burst.
    late: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Auth,
    Ready,
    Closing,
}

enum Subscription {
    Events(EventType),
    Entities(Option<BTreeSet<EntityId>>),
}

/// What a command is answered with.
enum Answer {
    Now(Json),
    Late(Json),
    Pong,
    Error(&'static str, &'static str),
}

impl Desk {
    pub(crate) fn new(version: &str) -> Self {
        let greeting = json!({"type": "auth_required", "ha_version": version});
        Self {
            phase: Phase::Auth,
            coalesces: false,
            highest_id: 0,
            subscriptions: BTreeMap::new(),
            out: vec![greeting.to_string()],
            late: Vec::new(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.phase == Phase::Closing
    }

    pub(crate) fn begin_closing(&mut self) {
        self.phase = Phase::Closing;
        self.out.clear();
    }

    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }

    /// What waits, as one frame for each message or, to a client that takes it, as one array.
    pub(crate) fn take_frames(&mut self) -> Vec<String> {
        let messages = std::mem::take(&mut self.out);
        if self.coalesces && messages.len() > 1 {
            return vec![format!("[{}]", messages.join(","))];
        }
        messages
    }

    pub(crate) fn handle_text(&mut self, world: &mut World, text: &str) {
        match (self.phase, serde_json::from_str::<Json>(text)) {
            (Phase::Closing, _) => {}
            // Text that is no JSON closes the connection in every phase.
            (Phase::Auth | Phase::Ready, Err(_)) => self.phase = Phase::Closing,
            (Phase::Auth, Ok(message)) => self.authenticate(world, &message),
            (Phase::Ready, Ok(Json::Array(commands))) => {
                for command in commands {
                    self.handle_command(world, command);
                }
            }
            (Phase::Ready, Ok(command)) => self.handle_command(world, command),
        }
        let late = std::mem::take(&mut self.late);
        self.out.extend(late);
    }

    fn authenticate(&mut self, world: &World, message: &Json) {
        let keys = message.as_object().map(|fields| fields.len());
        let token = message.get("access_token").and_then(Json::as_str);
        let well_formed = message.get("type") == Some(&json!("auth")) && keys == Some(2);
        let refusal = if !well_formed {
            Some("Auth message incorrectly formatted: unexpected keys".to_owned())
        } else if token != Some(&*world.token) {
            Some("Invalid access token or password".to_owned())
        } else {
            world.refusal.clone()
        };
        if let Some(message) = refusal {
            let answer = json!({"type": "auth_invalid", "message": message});
            self.out.push(answer.to_string());
            self.phase = Phase::Closing;
            return;
        }
        let version = world.truth().config().version.clone();
        let answer = json!({"type": "auth_ok", "ha_version": &*version});
        self.out.push(answer.to_string());
        self.phase = Phase::Ready;
    }

    fn handle_command(&mut self, world: &mut World, mut command: Json) {
        let raw_id = command.get("id").cloned().unwrap_or(Json::Null);
        let id = raw_id.as_u64().filter(|id| *id > 0);
        let kind = command.get("type").is_some_and(Json::is_string);
        let Some(id) = id.filter(|_| kind) else {
            self.push_error(&raw_id, "invalid_format", "Message incorrectly formatted.");
            return;
        };
        if id <= self.highest_id {
            self.push_error(&raw_id, "id_reuse", "Identifier values have to increase.");
            return;
        }
        if let Some(fields) = command.as_object_mut() {
            fields.remove("id");
        }
        // A bad argument and an unknown name are told apart by Home Assistant; no client of ours
        // sends either.
        let Ok(command) = serde_json::from_value::<Command>(command) else {
            self.push_error(&raw_id, "unknown_command", "Unknown command.");
            return;
        };
        self.highest_id = id;
        let answer = self.answer(world, id, command);
        let result = |result: Json| {
            json!({"id": id, "type": "result", "success": true, "result": result}).to_string()
        };
        match answer {
            Answer::Now(json) => {
                self.out.push(result(json));
                self.send_first_states(world, id);
            }
            Answer::Late(json) => self.late.push(result(json)),
            Answer::Pong => self.out.push(json!({"id": id, "type": "pong"}).to_string()),
            Answer::Error(code, message) => self.push_error(&raw_id, code, message),
        }
    }

    fn push_error(&mut self, id: &Json, code: &str, message: &str) {
        let error = json!({"id": id, "type": "result", "success": false,
            "error": {"code": code, "message": message}});
        self.out.push(error.to_string());
    }

    fn answer(&mut self, world: &World, id: u64, command: Command) -> Answer {
        let truth = world.truth();
        let registry = truth.registry();
        match command {
            Command::SupportedFeatures { features } => {
                self.coalesces = world.coalesces && features.coalesce_messages > 0;
                Answer::Now(Json::Null)
            }
            Command::SubscribeEvents { event_type } => {
                self.subscriptions
                    .insert(id, Subscription::Events(event_type));
                Answer::Now(Json::Null)
            }
            Command::SubscribeEntities { entity_ids } => {
                let ids = entity_ids.map(|ids| ids.as_slice().iter().cloned().collect());
                self.subscriptions.insert(id, Subscription::Entities(ids));
                Answer::Now(Json::Null)
            }
            Command::Unsubscribe { subscription } => match self.subscriptions.remove(&subscription)
            {
                Some(_) => Answer::Now(Json::Null),
                None => Answer::Error("not_found", "Subscription not found."),
            },
            Command::GetStates => {
                let states = truth.entities().map(|entity| to_json(entity.state()));
                Answer::Now(states.collect())
            }
            Command::GetConfig => Answer::Now(to_json(&truth.config().fields)),
            Command::GetServices => Answer::Late(to_json(truth.services().fields())),
            Command::CurrentUser => Answer::Now(json!({
                "id": "5100000000000000000000000000sim0", "name": "housekey",
                "is_owner": false, "is_admin": world.is_admin,
                "credentials": [], "mfa_modules": [],
            })),
            Command::AreaList => {
                Answer::Now(registry.areas().map(|e| to_json(&e.fields)).collect())
            }
            Command::FloorList => {
                Answer::Now(registry.floors().map(|e| to_json(&e.fields)).collect())
            }
            Command::LabelList => {
                Answer::Now(registry.labels().map(|e| to_json(&e.fields)).collect())
            }
            Command::DeviceList => {
                Answer::Now(registry.devices().map(|e| to_json(&e.fields)).collect())
            }
            Command::EntityList => {
                let rows = registry.entities().map(|entry| {
                    let mut row = to_json(&entry.fields);
                    if let Some(fields) = row.as_object_mut() {
                        fields.retain(|key, _| !EXTENDED_FIELDS.contains(&key.as_str()));
                    }
                    row
                });
                Answer::Now(rows.collect())
            }
            Command::EntityEntries { entity_ids } => Answer::Now(entries(world, &entity_ids)),
            Command::ExposeList | Command::ExposeNewGet { .. } if !world.is_admin => {
                Answer::Error("unauthorized", "Unauthorized")
            }
            Command::ExposeList => {
                let exposed = world.exposed.iter();
                let exposed = exposed.map(|id| (id.to_string(), json!({"conversation": true})));
                let exposed: serde_json::Map<String, Json> = exposed.collect();
                Answer::Now(json!({"exposed_entities": exposed}))
            }
            Command::ExposeNewGet { .. } => Answer::Now(json!({"expose_new": world.expose_new})),
            Command::Ping => Answer::Pong,
        }
    }

    /// The first event of a subscription of states, right behind its result.
    fn send_first_states(&mut self, world: &World, id: u64) {
        let Some(Subscription::Entities(ids)) = self.subscriptions.get(&id) else {
            return;
        };
        let asked = |entity: &EntityId| ids.as_ref().is_none_or(|ids| ids.contains(entity));
        let truth = world.truth();
        let states = truth.entities().map(|entity| entity.state());
        let states = states.filter(|state| asked(&state.entity_id));
        let added: serde_json::Map<String, Json> = states
            .map(|state| (state.entity_id.to_string(), to_json(&WireState::of(state))))
            .collect();
        // An empty house is `{"a":{}}`, never `{}`.
        let event = json!({"id": id, "type": "event", "event": {"a": added}});
        self.out.push(event.to_string());
    }

    pub(crate) fn send_event(&mut self, event_type: &str, event: &Json) {
        let subscribed = self.subscriptions.iter().filter(|(_, subscription)| {
            matches!(subscription, Subscription::Events(kind) if to_json(kind) == event_type)
        });
        for (id, _) in subscribed {
            let message = json!({"id": id, "type": "event", "event": event});
            self.out.push(message.to_string());
        }
    }

    /// Sends a change of one entity to those who asked for it.
    pub(crate) fn send_states(&mut self, entity: &EntityId, event: &StatesEvent) {
        let event = to_json(event);
        for (id, subscription) in &self.subscriptions {
            if subscription.wants(entity) {
                let message = json!({"type": "event", "event": event, "id": id});
                self.out.push(message.to_string());
            }
        }
    }

    /// Sends the news that an event could not be sent.
    pub(crate) fn send_lost(&mut self, entity: &EntityId) {
        let lost: Vec<u64> = self
            .subscriptions
            .iter()
            .filter_map(|(id, s)| s.wants(entity).then_some(*id))
            .collect();
        for id in lost {
            self.push_error(&json!(id), "unknown_error", "Invalid JSON in response");
        }
    }
}

impl Subscription {
    fn wants(&self, entity: &EntityId) -> bool {
        match self {
            Self::Events(_) => false,
            Self::Entities(ids) => ids.as_ref().is_none_or(|ids| ids.contains(entity)),
        }
    }
}

fn entries(world: &World, ids: &EntityIds) -> Json {
    let truth = world.truth();
    let rows = ids.as_slice().iter().map(|id| {
        let entry = truth.registry().entity(id);
        let row = entry.map_or(Json::Null, |entry| to_json(&entry.fields));
        (id.to_string(), row)
    });
    Json::Object(rows.collect())
}

fn to_json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}
