//! Changes of states: set, delete, and services of demo entities.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{Changer, Done, id_of, judged};
use crate::dice::Dice;

/// Keys of attributes; few, so that they come, go and come back.
const KEYS: [&str; 9] = [
    "alpha",
    "beta",
    "gamma",
    "temperature",
    "brightness",
    "friendly_name",
    "device_class",
    "media_title",
    "icon",
];
/// Those that are a text in every integration; Home Assistant's own server fails when they are not.
const TEXTS: [&str; 3] = ["friendly_name", "device_class", "icon"];
/// How many of them no integration sets.
const FREE_KEYS: usize = 3;
const DOMAINS: [&str; 5] = [
    "sensor",
    "light",
    "media_player",
    "switch",
    "unknown_domain",
];
/// Services that toggle something; the entity is chosen among those of the domain.
const SERVICES: [(&str, &str, &str); 22] = [
    ("light", "toggle", "{}"),
    ("light", "turn_on", r#"{"brightness": 77}"#),
    (
        "light",
        "turn_on",
        r#"{"brightness_pct": 100, "rgb_color": [9, 8, 250]}"#,
    ),
    ("light", "turn_off", "{}"),
    ("switch", "toggle", "{}"),
    ("media_player", "turn_off", "{}"),
    ("media_player", "turn_on", "{}"),
    ("media_player", "media_pause", "{}"),
    ("media_player", "media_play", "{}"),
    ("media_player", "media_next_track", "{}"),
    ("media_player", "volume_set", r#"{"volume_level": 0.35}"#),
    ("fan", "toggle", "{}"),
    ("fan", "set_percentage", r#"{"percentage": 66}"#),
    ("climate", "set_temperature", r#"{"temperature": 19.5}"#),
    ("climate", "turn_off", "{}"),
    ("climate", "turn_on", "{}"),
    ("lock", "lock", "{}"),
    ("lock", "unlock", "{}"),
    ("input_boolean", "toggle", "{}"),
    ("input_number", "increment", "{}"),
    ("input_select", "select_next", "{}"),
    ("counter", "increment", "{}"),
];

impl Changer {
    pub(super) async fn change_state(&mut self) -> Result<(&'static str, Done)> {
        let id = self.some_state();
        if let Some(id) = id.as_ref().filter(|_| self.dice.one_in(5)) {
            self.orders.remove(id);
            let done = judged(self.rest.delete(&format!("/api/states/{id}")).await)?;
            return Ok(("state deleted", done));
        }
        let is_fresh = id.is_none() || self.dice.one_in(4);
        let id = match id {
            Some(id) if !is_fresh => id,
            _ => {
                let domain = self.dice.pick(&DOMAINS).copied().unwrap_or("sensor");
                format!("{domain}.random_{}", self.dice.below(40))
            }
        };
        let path = format!("/api/states/{id}");
        // None when there is no such state.
        let before = self.rest.get(&path).await.ok();
        let before = before
            .as_ref()
            .and_then(|row| row.get("attributes")?.as_object());
        let attributes = self.attributes(&id, before.cloned().unwrap_or_default());
        let body = json!({"state": text(&mut self.dice), "attributes": attributes});
        let done = judged(self.rest.post(&path, &body).await)?;
        Ok(("state set", done))
    }

    /// The attributes as they are with some keys set, some gone, and seldom all of them gone.
    ///
    /// Keys of one entity keep their order, new ones come anywhere in it, as integrations have it, which
    /// build the whole object at each write. An order that changes by itself is told by no event.
    fn attributes(&mut self, id: &str, mut before: Map<String, Value>) -> Map<String, Value> {
        let dice = &mut self.dice;
        let order = self.orders.entry(id.to_owned()).or_default();
        for key in before.keys() {
            place(order, key, order.len());
        }
        if dice.one_in(6) {
            before.clear();
        }
        for _ in 0..dice.below(4) {
            let gone = dice.below(before.len());
            if let Some(key) = before.keys().nth(gone).cloned() {
                before.shift_remove(&key);
            }
        }
        // What an integration may set by itself has a place that it alone knows.
        let is_ours = id.contains(".random_") || id.contains(".raw_");
        let keys = if is_ours {
            &KEYS[..]
        } else {
            &KEYS[..FREE_KEYS]
        };
        for _ in 0..dice.below(5) {
            let key = if dice.one_in(10) {
                format!("new_{}", dice.below(1000))
            } else {
                dice.pick(keys).copied().unwrap_or("alpha").to_owned()
            };
            let at = dice.below(order.len() + 1);
            place(order, &key, at);
            let value = if TEXTS.contains(&key.as_str()) {
                json!(text(dice))
            } else {
                value(dice, 0)
            };
            before.insert(key, value);
        }
        let in_order = order.iter().filter_map(|key| before.remove_entry(key));
        in_order.collect()
    }

    pub(super) async fn call_service(&mut self) -> Result<(&'static str, Done)> {
        let (domain, service, data) = self
            .dice
            .pick(&SERVICES)
            .copied()
            .unwrap_or(("light", "toggle", "{}"));
        let ids: Vec<String> = self
            .home
            .states
            .iter()
            .filter_map(|row| id_of(row, "entity_id"))
            .filter(|id| id.split('.').next() == Some(domain))
            .collect();
        let mut data: Value = serde_json::from_str(data)?;
        if let (Some(data), Some(id)) = (data.as_object_mut(), self.dice.pick(&ids)) {
            let target = if self.dice.one_in(12) { "all" } else { id };
            data.insert("entity_id".to_owned(), json!(target));
        }
        let command = json!({
            "type": "call_service", "domain": domain, "service": service, "service_data": data,
        });
        Ok(("service", self.command(&command).await?))
    }

    fn some_state(&mut self) -> Option<String> {
        let row = self.dice.pick(&self.home.states)?;
        id_of(row, "entity_id")
    }
}

fn text(dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => "on".to_owned(),
        1 => "off".to_owned(),
        2 => format!("{}.{}", dice.below(40), dice.below(100)),
        3 => "unavailable".to_owned(),
        4 => "Ümläut: 日本\u{1f600}".to_owned(),
        _ => dice.below(5).to_string(),
    }
}

fn place(order: &mut Vec<String>, key: &str, at: usize) {
    if !order.iter().any(|known| known == key) {
        order.insert(at, key.to_owned());
    }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth < 3 { 12 } else { 9 }) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 | 3 => json!(dice.below(4)),
        4 => json!(f64::from(u32::try_from(dice.below(4)).unwrap_or(0))),
        5 => json!(f64::from(u32::try_from(dice.below(100_000)).unwrap_or(0)) / 997.0),
        6 => json!(i64::MAX - i64::try_from(dice.below(9)).unwrap_or(0)),
        7 => json!(u64::MAX),
        8 => json!(text(dice)),
        9 => json!([value(dice, depth + 1), value(dice, depth + 1)]),
        10 => json!({"z": value(dice, depth + 1), "a": value(dice, depth + 1)}),
        _ => json!([]),
    }
}
