//! What a test, or the demo, can do to a [`World`]. Every change of the truth is told to the
//! connections as Home Assistant tells it.

use std::sync::Arc;

use housekey_home::exposure::ASSISTANT;
use housekey_home::id::EntityId;
use housekey_home::registry::{
    AreaEntry, DeviceEntry, EntityEntry, FloorEntry, InvalidEntry, LabelEntry,
};
use housekey_home::replica::Update;
use housekey_home::state::{Attributes, EntityState};
use housekey_home::time::UtcMicros;
use housekey_home::value::{Map, Value};
use housekey_home::wire::{StatesEvent, WireState, state_diff};
use serde_json::{Value as Json, json};

use crate::world::World;

/// Fields of a registry entry or attributes of a state, in order.
pub type Fields = Attributes;

impl World {
    /// Writes a state, as an integration does; a write that changes nothing is not told. Without
    /// attributes the entity keeps those it has.
    pub fn set_state(
        &mut self,
        id: &EntityId,
        text: &str,
        attributes: Option<Fields>,
        now: UtcMicros,
    ) {
        let truth = self.truth();
        let before = truth.entity(id).map(|entity| entity.state());
        let attributes = attributes
            .or_else(|| before.map(|before| before.attributes.clone()))
            .unwrap_or_default();
        let same_text = before.is_some_and(|before| *before.state == *text);
        let same_attributes =
            before.is_some_and(|before| python_equal(&before.attributes, &attributes));
        if same_text && same_attributes {
            return;
        }
        let last_changed = before.filter(|_| same_text).map_or(now, |b| b.last_changed);
        let state = EntityState {
            entity_id: id.clone(),
            state: Arc::from(text),
            attributes,
            last_changed,
            last_updated: now,
            context: self.fresh_context(),
        };
        let mut event = StatesEvent::default();
        match before {
            Some(before) => event.changed.push((id.clone(), state_diff(before, &state))),
            None => event.added.push((id.clone(), WireState::of(&state))),
        }
        self.put_state(&state);
        self.send_states(id, &event);
    }

    /// Removes a state.
    pub fn remove_state(&mut self, id: &EntityId) {
        if self.truth().entity(id).is_none() {
            return;
        }
        let event = StatesEvent {
            removed: vec![id.clone()],
            ..StatesEvent::default()
        };
        self.apply(Update::States(event.clone()));
        self.send_states(id, &event);
    }

    /// Changes the truth of a state and loses the event: its connections are told so, as when an
    /// attribute cannot be serialised.
    pub fn set_state_and_lose_event(&mut self, id: &EntityId, text: &str, now: UtcMicros) {
        let mut desks = std::mem::take(&mut self.desks);
        self.set_state(id, text, None, now);
        for desk in desks.values_mut() {
            desk.send_lost(id);
        }
        self.desks = desks;
    }

    /// Changes the truth of a state and tells nobody, as a bug or a spoofed event would.
    pub fn set_state_silently(&mut self, id: &EntityId, text: &str, now: UtcMicros) {
        let desks = std::mem::take(&mut self.desks);
        self.set_state(id, text, None, now);
        self.desks = desks;
    }

    /// Tells of an event of states that did not happen, as `fire_event state_changed` can.
    pub fn spoof(&mut self, id: &EntityId, event: &StatesEvent) {
        self.send_states(id, event);
    }

    /// Creates or changes an entry of the entity registry.
    ///
    /// # Errors
    /// [`InvalidEntry`] when the fields make no entry.
    pub fn put_entry(&mut self, fields: Fields) -> Result<(), InvalidEntry> {
        let entry = EntityEntry::from_fields(fields)?;
        let id = entry.entity_id.clone();
        let truth = self.truth();
        let data = match truth.registry().entity(&id) {
            Some(before) => {
                let changed = entry
                    .fields
                    .iter()
                    .filter(|(k, v)| before.fields.get(k) != Some(*v));
                let changes: serde_json::Map<String, Json> = changed
                    .map(|(key, _)| (key.to_string(), Json::Null))
                    .collect();
                json!({"action": "update", "entity_id": id, "changes": changes})
            }
            None => json!({"action": "create", "entity_id": id}),
        };
        self.apply(Update::Entries(vec![(id, Some(entry))]));
        self.fire("entity_registry_updated", &data);
        Ok(())
    }

    /// Removes an entry of the entity registry, and then the state.
    pub fn remove_entry(&mut self, id: &EntityId) {
        self.apply(Update::Entries(vec![(id.clone(), None)]));
        let data = json!({"action": "remove", "entity_id": id});
        self.fire("entity_registry_updated", &data);
        self.remove_state(id);
    }

    /// Renames an entity that has an entry; its state moves with it.
    ///
    /// # Errors
    /// [`InvalidEntry`] when there is no such entry.
    pub fn rename_entity(
        &mut self,
        old: &EntityId,
        new: &EntityId,
        now: UtcMicros,
    ) -> Result<(), InvalidEntry> {
        let truth = self.truth();
        let fields = truth
            .registry()
            .entity(old)
            .map(|entry| entry.fields.clone());
        let fields = with(
            &fields.unwrap_or_default(),
            "entity_id",
            Value::text(new.as_str()),
        );
        let entry = EntityEntry::from_fields(fields)?;
        self.apply(Update::Entries(vec![
            (old.clone(), None),
            (new.clone(), Some(entry)),
        ]));
        let data = json!({"action": "update", "entity_id": new, "old_entity_id": old,
            "changes": {"entity_id": old}});
        self.fire("entity_registry_updated", &data);
        if let Some(entity) = truth.entity(old) {
            let state = entity.state().clone();
            self.remove_state(old);
            let state = EntityState {
                entity_id: new.clone(),
                last_changed: now,
                last_updated: now,
                ..state
            };
            let event = StatesEvent {
                added: vec![(new.clone(), WireState::of(&state))],
                ..StatesEvent::default()
            };
            self.put_state(&state);
            self.send_states(new, &event);
        }
        Ok(())
    }

    /// Creates or changes a device.
    ///
    /// # Errors
    /// [`InvalidEntry`] when the fields make no entry.
    pub fn put_device(&mut self, fields: Fields) -> Result<(), InvalidEntry> {
        let device = DeviceEntry::from_fields(fields)?;
        let truth = self.truth();
        let mut devices: Vec<DeviceEntry> = truth.registry().devices().cloned().collect();
        let id = device.id.clone();
        let is_new = put(&mut devices, |d| d.id == id, device);
        self.apply(Update::Devices(devices));
        let data = json!({"action": action(is_new), "device_id": id, "changes": {}});
        self.fire("device_registry_updated", &data);
        Ok(())
    }

    /// Moves a device to an area, or out of any.
    ///
    /// # Errors
    /// [`InvalidEntry`] when there is no such device.
    pub fn move_device(&mut self, device: &str, area: Option<&str>) -> Result<(), InvalidEntry> {
        let truth = self.truth();
        let mut devices = truth.registry().devices();
        let fields = devices
            .find(|d| d.id.as_str() == device)
            .map(|d| d.fields.clone());
        let area = area.map_or(Value::Null, Value::text);
        self.put_device(with(&fields.unwrap_or_default(), "area_id", area))
    }

    /// Removes a device.
    pub fn remove_device(&mut self, device: &str) {
        let truth = self.truth();
        let devices = truth.registry().devices();
        let rest = devices
            .filter(|d| d.id.as_str() != device)
            .cloned()
            .collect();
        self.apply(Update::Devices(rest));
        let data = json!({"action": "remove", "device_id": device, "device": {}});
        self.fire("device_registry_updated", &data);
    }

    /// Creates or changes an area.
    ///
    /// # Errors
    /// [`InvalidEntry`] when the fields make no entry.
    pub fn put_area(&mut self, fields: Fields) -> Result<(), InvalidEntry> {
        let area = AreaEntry::from_fields(fields)?;
        let truth = self.truth();
        let mut areas: Vec<AreaEntry> = truth.registry().areas().cloned().collect();
        let id = area.id.clone();
        let is_new = put(&mut areas, |a| a.id == id, area);
        self.apply(Update::Areas(areas));
        let data = json!({"action": action(is_new), "area_id": id});
        self.fire("area_registry_updated", &data);
        Ok(())
    }

    /// Gives an area another name.
    ///
    /// # Errors
    /// [`InvalidEntry`] when there is no such area.
    pub fn rename_area(&mut self, area: &str, name: &str) -> Result<(), InvalidEntry> {
        let truth = self.truth();
        let mut areas = truth.registry().areas();
        let fields = areas
            .find(|a| a.id.as_str() == area)
            .map(|a| a.fields.clone());
        self.put_area(with(&fields.unwrap_or_default(), "name", Value::text(name)))
    }

    /// Removes an area.
    pub fn remove_area(&mut self, area: &str) {
        let truth = self.truth();
        let areas = truth.registry().areas();
        let rest = areas.filter(|a| a.id.as_str() != area).cloned().collect();
        self.apply(Update::Areas(rest));
        let data = json!({"action": "remove", "area_id": area});
        self.fire("area_registry_updated", &data);
    }

    /// Creates or changes a floor.
    ///
    /// # Errors
    /// [`InvalidEntry`] when the fields make no entry.
    pub fn put_floor(&mut self, fields: Fields) -> Result<(), InvalidEntry> {
        let floor = FloorEntry::from_fields(fields)?;
        let truth = self.truth();
        let mut floors: Vec<FloorEntry> = truth.registry().floors().cloned().collect();
        let id = floor.id.clone();
        let is_new = put(&mut floors, |f| f.id == id, floor);
        self.apply(Update::Floors(floors));
        let data = json!({"action": action(is_new), "floor_id": id});
        self.fire("floor_registry_updated", &data);
        Ok(())
    }

    /// Creates or changes a label.
    ///
    /// # Errors
    /// [`InvalidEntry`] when the fields make no entry.
    pub fn put_label(&mut self, fields: Fields) -> Result<(), InvalidEntry> {
        let label = LabelEntry::from_fields(fields)?;
        let truth = self.truth();
        let mut labels: Vec<LabelEntry> = truth.registry().labels().cloned().collect();
        let id = label.id.clone();
        let is_new = put(&mut labels, |l| l.id == id, label);
        self.apply(Update::Labels(labels));
        let data = json!({"action": action(is_new), "label_id": id});
        self.fire("label_registry_updated", &data);
        Ok(())
    }

    /// Exposes an entity to the assistant, or does no longer. Only an entity with an entry has an
    /// event for it.
    pub fn expose(&mut self, id: &EntityId, exposed: bool) {
        if exposed {
            self.exposed.insert(id.clone());
        } else {
            self.exposed.remove(id);
        }
        let truth = self.truth();
        let Some(entry) = truth.registry().entity(id) else {
            return;
        };
        let key = |key: &str| Arc::from(key);
        let should = Map::from_pairs([(key("should_expose"), Value::Bool(exposed))]);
        let options = Map::from_pairs([(key(ASSISTANT), Value::Map(Arc::new(should)))]);
        let fields = with(&entry.fields, "options", Value::Map(Arc::new(options)));
        // The fields come from an entry, so they make one.
        let _ = self.put_entry(fields);
    }

    /// Sets a field of the configuration; `state` is how far the house has come up.
    pub fn set_config(&mut self, key: &str, value: Value) {
        let truth = self.truth();
        let fields = truth.config().fields.iter();
        let pairs = fields.map(|(k, v)| (k.clone(), v.clone()));
        let fields = Map::from_pairs(pairs.chain([(Arc::from(key), value)]));
        let config = housekey_home::catalogue::HouseConfig::from_fields(fields);
        self.apply(Update::Config(config));
        self.fire("core_config_updated", &json!({}));
    }

    /// Adds a service without fields.
    pub fn add_service(&mut self, domain: &str, service: &str) {
        let truth = self.truth();
        let all = truth.services().fields();
        let of_domain = match all.get(domain) {
            Some(Value::Map(services)) => (**services).clone(),
            Some(_) | None => Map::default(),
        };
        let description = Map::from_pairs([(Arc::from("fields"), Value::Map(Arc::default()))]);
        let added = |map: &Map, key: &str, value: Map| {
            let pairs = map.iter().map(|(k, v)| (k.clone(), v.clone()));
            Map::from_pairs(pairs.chain([(Arc::from(key), Value::Map(Arc::new(value)))]))
        };
        let of_domain = added(&of_domain, service, description);
        let services =
            housekey_home::catalogue::Services::from_fields(added(all, domain, of_domain));
        self.apply(Update::Services(services));
        let data = json!({"domain": domain, "service": service});
        self.fire("service_registered", &data);
    }

    /// Refuses every token with this text, or no longer.
    pub fn refuse_auth(&mut self, message: Option<&str>) {
        self.refusal = message.map(str::to_owned);
    }

    /// Lets new connections get arrays of messages in one frame, or every message alone, as from
    /// releases that do not know the feature.
    pub fn set_coalescing(&mut self, coalesces: bool) {
        self.coalesces = coalesces;
    }

    /// Makes the user of the token an administrator, or a normal user.
    pub fn set_admin(&mut self, is_admin: bool) {
        self.is_admin = is_admin;
    }

    fn put_state(&mut self, state: &EntityState) {
        let id = state.entity_id.clone();
        let event = StatesEvent {
            added: vec![(id, WireState::of(state))],
            ..StatesEvent::default()
        };
        self.apply(Update::States(event));
    }

    fn send_states(&mut self, id: &EntityId, event: &StatesEvent) {
        for desk in self.desks.values_mut() {
            desk.send_states(id, event);
        }
    }
}

/// Home Assistant compares attributes as Python dicts: order does not count.
fn python_equal(a: &Attributes, b: &Attributes) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, value)| b.get(key).is_some_and(|other| value.python_eq(other)))
}

fn with(fields: &Fields, key: &str, value: Value) -> Fields {
    fields.patched([(Arc::from(key), value)], &[]).0
}

/// Sets a row of a registry; says whether it is a new one.
fn put<T>(rows: &mut Vec<T>, same: impl Fn(&T) -> bool, row: T) -> bool {
    match rows.iter_mut().find(|row| same(row)) {
        Some(place) => {
            *place = row;
            false
        }
        None => {
            rows.push(row);
            true
        }
    }
}

fn action(is_new: bool) -> &'static str {
    if is_new { "create" } else { "update" }
}
