//! Recorded WebSocket sessions: the frames of a real Home Assistant, fed to the replica.
//!
//! Every answer to `get_states` inside a recording must equal the replica at that point; a last line
//! `truth` must equal its registries. What the recording client asked is read from its own frames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::id::EntityId;
use housekey_home::registry::EntityEntry;
use housekey_home::replica::{Parts, Replica, Update};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::{Attributes, EntityState};
use housekey_home::value::Map;
use housekey_home::wire::{EntryAction, EntryEvent, Message, Payload, StatesEvent};
use serde_json::Value as Json;

use crate::report::Report;
use crate::{entries, read_text, shown};

/// The suite's name in reports.
pub const SUITE: &str = "ws";

/// Differences named in one miss; the rest is a count.
const SHOWN_MAX: usize = 5;

/// Runs every recorded session in a folder and in the folders below it.
///
/// # Errors
/// When a file cannot be read or a line of a recording is not JSON.
pub fn run(dir: &Path, report: &mut Report) -> Result<()> {
    for path in recordings(dir)? {
        let name = shown(dir, &path);
        let text = read_text(&path)?;
        if is_session(&text) {
            for (case, miss) in replay(&text).with_context(|| format!("replaying {name}"))? {
                report.case(SUITE, format!("{name}#{case}"), miss);
            }
        }
    }
    Ok(())
}

/// Replays one recording: the names of its cases, each with what differs.
///
/// # Errors
/// When a line is not JSON or a frame is not a message.
pub fn replay(text: &str) -> Result<Vec<(String, Option<String>)>> {
    let mut replay = Replay::default();
    for (index, line) in text.lines().enumerate() {
        let line: Json = serde_json::from_str(line).with_context(|| format!("line {index}"))?;
        let frame = line.get("text").and_then(Json::as_str).unwrap_or_default();
        match line.get("dir").and_then(Json::as_str) {
            Some("c2s") => replay.sent(frame)?,
            Some("s2c") => replay
                .received(frame, index + 1)
                .with_context(|| format!("line {}", index + 1))?,
            Some("truth") => replay.truth(line.get("final").unwrap_or(&Json::Null)),
            Some(_) | None => {}
        }
    }
    Ok(replay.cases)
}

fn recordings(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(dir)? {
        if path.is_dir() {
            found.extend(recordings(&path)?);
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether lines are frames with a direction; other line-by-line recordings lie in the same tree.
fn is_session(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let first: Json = serde_json::from_str(first).unwrap_or(Json::Null);
    first.get("dir").is_some() && first.get("text").is_some()
}

/// What a command of the recording client asked for, as far as it matters here.
#[derive(Clone, Debug)]
enum Asked {
    States,
    Subscription,
    EntityList,
    Entries,
    Devices,
    Areas,
    Floors,
    Labels,
    Config,
    Services,
    EntityEvents,
    DeviceEvents,
    Other,
}

struct Replay {
    replica: Replica,
    asked: BTreeMap<u64, Asked>,
    /// The subscription whose events count; a later one replaces it with its first event.
    subscription: Option<u64>,
    /// Set when a difference did not fit; a fresh subscription clears it.
    desync: Option<String>,
    /// A `get_states` that was answered before the first event of the same moment.
    early: Option<(usize, Json)>,
    cases: Vec<(String, Option<String>)>,
}

impl Default for Replay {
    fn default() -> Self {
        let parts = Parts {
            config: HouseConfig::from_fields(Map::default()),
            services: Services::default(),
            exposure: Exposure::Refused,
            entities: Vec::new(),
            devices: Vec::new(),
            areas: Vec::new(),
            floors: Vec::new(),
            labels: Vec::new(),
            states: Vec::new(),
        };
        Self {
            replica: Replica::new(parts),
            asked: BTreeMap::new(),
            subscription: None,
            desync: None,
            early: None,
            cases: Vec::new(),
        }
    }
}

impl Replay {
    fn sent(&mut self, frame: &str) -> Result<()> {
        let frame: Json = serde_json::from_str(frame)?;
        let commands = match frame {
            Json::Array(commands) => commands,
            one @ (Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::String(_)
            | Json::Object(_)) => vec![one],
        };
        for command in commands {
            let Some(id) = command.get("id").and_then(Json::as_u64) else {
                continue;
            };
            if command.get("type").and_then(Json::as_str) == Some("unsubscribe_events")
                && let Some(ended) = command.get("subscription").and_then(Json::as_u64)
            {
                self.asked.remove(&ended);
            }
            self.asked.insert(id, asked(&command));
        }
        Ok(())
    }

    fn received(&mut self, frame: &str, line: usize) -> Result<()> {
        for message in Message::parse_frame(frame)? {
            match message {
                Message::Result {
                    id,
                    outcome: Ok(payload),
                } => {
                    self.result(id, payload, line)?;
                }
                Message::Result {
                    id,
                    outcome: Err(refused),
                } => {
                    if self.subscription == Some(id) {
                        self.desync = Some(format!("line {line}: {refused}"));
                    }
                }
                Message::Event { id, event } => self.event(id, event, line)?,
                Message::AuthRequired { .. }
                | Message::AuthOk { .. }
                | Message::AuthInvalid { .. }
                | Message::Pong { .. }
                | Message::Unknown => {}
            }
        }
        Ok(())
    }

    fn result(&mut self, id: u64, payload: Payload<'_>, line: usize) -> Result<()> {
        let Some(asked) = self.asked.get(&id) else {
            return Ok(());
        };
        let update = match asked {
            Asked::States => {
                let expected: Json = payload.parse()?;
                if self.subscription.is_some() {
                    self.compare(&expected, line);
                } else {
                    self.early = Some((line, expected));
                }
                return Ok(());
            }
            Asked::EntityList => Update::Entries(listed(payload)?),
            Asked::Entries => Update::Entries(payload.entity_entries()?),
            Asked::Devices => Update::Devices(payload.devices()?),
            Asked::Areas => Update::Areas(payload.areas()?),
            Asked::Floors => Update::Floors(payload.floors()?),
            Asked::Labels => Update::Labels(payload.labels()?),
            Asked::Config => Update::Config(payload.config()?),
            Asked::Services => Update::Services(payload.services()?),
            Asked::Subscription | Asked::EntityEvents | Asked::DeviceEvents | Asked::Other => {
                return Ok(());
            }
        };
        self.apply(update, line);
        Ok(())
    }

    fn event(&mut self, id: u64, event: Payload<'_>, line: usize) -> Result<()> {
        match self.asked.get(&id) {
            Some(Asked::Subscription) if self.subscription == Some(id) => {
                let event = event.parse::<StatesEvent>()?;
                self.apply(Update::States(event), line);
            }
            Some(Asked::Subscription) => {
                let event = event.parse::<StatesEvent>()?;
                let states = event.added.into_iter();
                let states: Vec<EntityState> =
                    states.map(|(id, state)| state.into_state(id)).collect();
                self.subscription = Some(id);
                self.desync = None;
                self.apply(Update::AllStates(states), line);
                if let Some((line, expected)) = self.early.take() {
                    self.compare(&expected, line);
                }
            }
            Some(Asked::EntityEvents) => {
                let EntryEvent {
                    action,
                    entity_id,
                    old_entity_id,
                    ..
                } = event.entry_event()?;
                let gone = match action {
                    EntryAction::Remove => Some(entity_id),
                    EntryAction::Create | EntryAction::Update => old_entity_id,
                };
                if let Some(gone) = gone {
                    self.apply(Update::Entries(vec![(gone, None)]), line);
                }
            }
            Some(Asked::DeviceEvents) => self.device_event(event, line)?,
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Recording clients drop a removed device at once and fetch the list after other events.
    fn device_event(&mut self, event: Payload<'_>, line: usize) -> Result<()> {
        let event: Json = event.parse()?;
        let data = event.get("data").unwrap_or(&Json::Null);
        if data.get("action").and_then(Json::as_str) == Some("remove") {
            let gone = data.get("device_id").and_then(Json::as_str);
            let snapshot = self.replica.snapshot();
            let devices = snapshot.registry().devices();
            let rest = devices.filter(|device| Some(device.id.as_str()) != gone);
            let rest = rest.cloned().collect();
            self.apply(Update::Devices(rest), line);
        }
        Ok(())
    }

    fn apply(&mut self, update: Update, line: usize) {
        if let Err(desync) = self.replica.apply(update) {
            self.desync = Some(format!("line {line}: {desync}"));
        }
    }

    fn compare(&mut self, expected: &Json, line: usize) {
        let name = format!("states at line {line}");
        let miss = self
            .desync
            .clone()
            .or_else(|| states_differ(expected, &self.replica.snapshot()));
        self.cases.push((name, miss));
    }

    fn truth(&mut self, truth: &Json) {
        let snapshot = self.replica.snapshot();
        let registry = snapshot.registry();
        let rows = |entries: Vec<(&str, &Attributes)>| -> BTreeMap<String, Json> {
            let rows = entries.into_iter();
            rows.map(|(id, fields)| (id.to_owned(), as_json(fields)))
                .collect()
        };
        let kinds = [
            (
                "entity",
                rows(
                    registry
                        .entities()
                        .map(|e| (e.entity_id.as_str(), &e.fields))
                        .collect(),
                ),
            ),
            (
                "device",
                rows(
                    registry
                        .devices()
                        .map(|e| (e.id.as_str(), &e.fields))
                        .collect(),
                ),
            ),
            (
                "area",
                rows(
                    registry
                        .areas()
                        .map(|e| (e.id.as_str(), &e.fields))
                        .collect(),
                ),
            ),
            (
                "floor",
                rows(
                    registry
                        .floors()
                        .map(|e| (e.id.as_str(), &e.fields))
                        .collect(),
                ),
            ),
            (
                "label",
                rows(
                    registry
                        .labels()
                        .map(|e| (e.id.as_str(), &e.fields))
                        .collect(),
                ),
            ),
        ];
        for (kind, got) in kinds {
            let Some(Json::Object(expected)) = truth.get(kind) else {
                continue;
            };
            let expected = expected
                .iter()
                .map(|(id, entry)| (id.clone(), entry.clone()));
            let miss = rows_differ(&expected.collect(), &got);
            self.cases.push((format!("{kind} registry"), miss));
        }
    }
}

fn asked(command: &Json) -> Asked {
    let text = |key: &str| command.get(key).and_then(Json::as_str).unwrap_or_default();
    let filtered = ["entity_ids", "include", "exclude"];
    let filtered = filtered.iter().any(|key| command.get(*key).is_some());
    match (text("type"), text("event_type")) {
        ("get_states", _) => Asked::States,
        ("subscribe_entities", _) if !filtered => Asked::Subscription,
        ("config/entity_registry/list", _) => Asked::EntityList,
        ("config/entity_registry/get_entries", _) => Asked::Entries,
        ("config/device_registry/list", _) => Asked::Devices,
        ("config/area_registry/list", _) => Asked::Areas,
        ("config/floor_registry/list", _) => Asked::Floors,
        ("config/label_registry/list", _) => Asked::Labels,
        ("get_config", _) => Asked::Config,
        ("get_services", _) => Asked::Services,
        ("subscribe_events", "entity_registry_updated") => Asked::EntityEvents,
        ("subscribe_events", "device_registry_updated") => Asked::DeviceEvents,
        (_, _) => Asked::Other,
    }
}

/// The rows of the entity list: they lack some fields and fix the order.
fn listed(payload: Payload<'_>) -> Result<Vec<(EntityId, Option<EntityEntry>)>> {
    let rows: Vec<Attributes> = payload.parse()?;
    let entries = rows.into_iter().map(|fields| {
        let entry = EntityEntry::from_fields(fields)?;
        Ok((entry.entity_id.clone(), Some(entry)))
    });
    entries.collect()
}

fn as_json(value: &impl serde::Serialize) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// Compares all of entity id, state, attributes, times and context, and the order of the states.
fn states_differ(expected: &Json, snapshot: &Snapshot) -> Option<String> {
    let expected = expected.as_array().map(Vec::as_slice).unwrap_or_default();
    let id = |state: &Json| {
        state
            .get("entity_id")
            .and_then(Json::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    let truth: BTreeMap<String, Json> = expected
        .iter()
        .map(|state| {
            let mut state = state.clone();
            if let Some(fields) = state.as_object_mut() {
                fields.remove("last_reported");
            }
            (id(&state), state)
        })
        .collect();
    let got = snapshot.entities().map(|entity| as_json(entity.state()));
    let got: Vec<(String, Json)> = got.map(|state| (id(&state), state)).collect();
    let order_differs = !got
        .iter()
        .map(|(id, _)| id.clone())
        .eq(expected.iter().map(id));
    rows_differ(&truth, &got.into_iter().collect())
        .or_else(|| order_differs.then(|| "the order of the states".to_owned()))
}

fn rows_differ(truth: &BTreeMap<String, Json>, got: &BTreeMap<String, Json>) -> Option<String> {
    let mut differences: Vec<String> = Vec::new();
    for (id, expected) in truth {
        match got.get(id) {
            None => differences.push(format!("{id} is missing")),
            Some(got) => differences.extend(fields_differ(id, expected, got)),
        }
    }
    let extra = got.keys().filter(|id| !truth.contains_key(*id));
    differences.extend(extra.map(|id| format!("{id} should not be there")));
    let count = differences.len();
    differences.truncate(SHOWN_MAX);
    (count > 0).then(|| format!("{count} differences: {}", differences.join("; ")))
}

fn fields_differ(id: &str, expected: &Json, got: &Json) -> Vec<String> {
    let (Some(expected), Some(got)) = (expected.as_object(), got.as_object()) else {
        return vec![format!("{id} is no object")];
    };
    let mut keys: Vec<&String> = expected.keys().chain(got.keys()).collect();
    keys.sort();
    keys.dedup();
    let side = |fields: &serde_json::Map<String, Json>, key: &String| {
        fields.get(key).map(|value| as_compared(key, value))
    };
    keys.into_iter()
        .filter(|key| side(expected, key) != side(got, key))
        .map(|key| format!("{id} {key}"))
        .collect()
}

/// Home Assistant keeps labels and aliases of entries in sets, whose order is arbitrary.
fn as_compared(key: &str, value: &Json) -> Json {
    match value {
        Json::Array(items) if key == "labels" || key == "aliases" => {
            let mut items = items.clone();
            items.sort_by_key(Json::to_string);
            Json::Array(items)
        }
        Json::Null
        | Json::Bool(_)
        | Json::Number(_)
        | Json::String(_)
        | Json::Array(_)
        | Json::Object(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(dir: &str, frame: &str) -> String {
        serde_json::json!({"t": 0, "dir": dir, "text": frame}).to_string()
    }

    fn state(text: &str, brightness: &str) -> String {
        let at = "2026-11-23T05:14:03.973330+00:00";
        format!(
            r#"{{"entity_id":"light.a","state":"{text}","attributes":{{"brightness":{brightness}}},"last_changed":"{at}","last_reported":"{at}","last_updated":"{at}","context":{{"id":"c","parent_id":null,"user_id":null}}}}"#
        )
    }

    fn session(later: &str) -> Vec<(String, Option<String>)> {
        let states = |id: u64, state: &str| {
            format!(r#"{{"id":{id},"type":"result","success":true,"result":[{state}]}}"#)
        };
        let first = r#"{"id":2,"type":"event","event":{"a":{"light.a":{"s":"off","a":{"brightness":1},"c":"c","lc":1795410843.9733305}}}}"#;
        let change = r#"{"id":2,"type":"event","event":{"c":{"light.a":{"+":{"s":"on"}}}}}"#;
        let lines = [
            line(
                "c2s",
                r#"[{"id":1,"type":"get_states"},{"id":2,"type":"subscribe_entities"}]"#,
            ),
            line(
                "s2c",
                &format!("[{},{first}]", states(1, &state("off", "1"))),
            ),
            line("c2s", r#"{"id":3,"type":"get_states"}"#),
            line("s2c", change),
            line("s2c", &states(3, later)),
        ];
        replay(&lines.join("\n")).unwrap()
    }

    #[test]
    fn a_snapshot_inside_a_recording_is_a_case() {
        let good = session(&state("on", "1"));
        assert_eq!(good.len(), 2);
        assert!(good.iter().all(|(_, miss)| miss.is_none()), "{good:?}");
        for (later, difference) in [
            (state("off", "1"), "1 differences: light.a state"),
            (state("on", "1.0"), "1 differences: light.a attributes"),
        ] {
            assert_eq!(session(&later)[1].1.as_deref(), Some(difference));
        }
    }
}
