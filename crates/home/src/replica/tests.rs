//! Law P2 and the indices, over random histories of a small house.
//!
//! The truth is kept in plain lists. Every operation changes the truth and yields the updates that
//! Home Assistant would send; after them the replica must equal one loaded fresh from the truth,
//! its indices must equal a brute-force search, and no memo may be out of date.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::id::{ContextId, RegistryId};
use crate::state::Context;
use crate::time::UtcMicros;
use crate::value::{Map, Value};
use crate::wire::{WireState, state_diff};

const DOMAINS: [&str; 3] = ["light", "sensor", "switch"];
const KEYS: [&str; 5] = ["a", "b", "device_class", "friendly_name", "z"];

#[derive(Clone, Default)]
struct Truth {
    states: Vec<EntityState>,
    entries: Vec<EntityEntry>,
    devices: Vec<DeviceEntry>,
    areas: Vec<AreaEntry>,
    floors: Vec<FloorEntry>,
    labels: Vec<LabelEntry>,
    config: u8,
    exposed: BTreeSet<EntityId>,
    clock: i64,
}

#[derive(Clone, Debug)]
enum Step {
    SetState {
        entity: u8,
        text: u8,
        attributes: [u8; 5],
    },
    RemoveState {
        entity: u8,
    },
    Entry {
        entity: u8,
        device: u8,
        area: u8,
        label: u8,
        platform: u8,
    },
    RemoveEntry {
        entity: u8,
    },
    Rename {
        from: u8,
        to: u8,
        late_removal: bool,
    },
    Device {
        device: u8,
        area: u8,
        parent: u8,
        name: u8,
    },
    RemoveDevice {
        device: u8,
    },
    Area {
        area: u8,
        floor: u8,
        name: u8,
    },
    RemoveArea {
        area: u8,
    },
    Floor {
        floor: u8,
        keep: bool,
    },
    Label {
        label: u8,
        keep: bool,
    },
    Config {
        zone: u8,
    },
    Expose {
        entity: u8,
    },
    Resync,
}

fn step() -> impl Strategy<Value = Step> {
    let entity = 0u8..6;
    let attributes = prop::array::uniform5(0u8..4);
    prop_oneof![
        8 => (entity.clone(), 0u8..3, attributes)
            .prop_map(|(entity, text, attributes)| Step::SetState { entity, text, attributes }),
        3 => entity.clone().prop_map(|entity| Step::RemoveState { entity }),
        5 => (entity.clone(), 0u8..4, 0u8..4, 0u8..3, 0u8..2).prop_map(
            |(entity, device, area, label, platform)| Step::Entry { entity, device, area, label, platform }
        ),
        2 => entity.clone().prop_map(|entity| Step::RemoveEntry { entity }),
        2 => (entity.clone(), entity.clone(), any::<bool>())
            .prop_map(|(from, to, late_removal)| Step::Rename { from, to, late_removal }),
        4 => (0u8..3, 0u8..4, 0u8..4, 0u8..2)
            .prop_map(|(device, area, parent, name)| Step::Device { device, area, parent, name }),
        1 => (0u8..3).prop_map(|device| Step::RemoveDevice { device }),
        3 => (0u8..3, 0u8..3, 0u8..2).prop_map(|(area, floor, name)| Step::Area { area, floor, name }),
        1 => (0u8..3).prop_map(|area| Step::RemoveArea { area }),
        1 => (0u8..2, any::<bool>()).prop_map(|(floor, keep)| Step::Floor { floor, keep }),
        1 => (0u8..2, any::<bool>()).prop_map(|(label, keep)| Step::Label { label, keep }),
        1 => (0u8..2).prop_map(|zone| Step::Config { zone }),
        1 => entity.prop_map(|entity| Step::Expose { entity }),
        1 => Just(Step::Resync),
    ]
}

fn id(n: u8) -> EntityId {
    EntityId::parse(&format!("{}.e{n}", DOMAINS[usize::from(n) % 3])).unwrap()
}

/// Fields of a registry entry; 0 stands for null.
fn fields(pairs: &[(&str, Value)]) -> Attributes {
    Attributes::from_pairs(pairs.iter().map(|(k, v)| (Arc::from(*k), v.clone())))
}

fn reference(kind: &str, n: u8) -> Value {
    match n {
        0 => Value::Null,
        n => Value::text(&format!("{kind}{}", n - 1)),
    }
}

fn entry(n: u8, id: &EntityId, device: u8, area: u8, label: u8, platform: u8) -> EntityEntry {
    let labels = match label {
        0 => Vec::new(),
        label => vec![reference("label", label)],
    };
    EntityEntry::from_fields(fields(&[
        ("id", Value::text(&format!("r{n}"))),
        ("entity_id", Value::text(id.as_str())),
        ("device_id", reference("device", device)),
        ("area_id", reference("area", area)),
        ("labels", Value::List(labels.into())),
        ("platform", Value::text(&format!("p{platform}"))),
    ]))
    .unwrap()
}

fn config(zone: u8) -> HouseConfig {
    let fields = [
        ("time_zone", format!("Zone/{zone}")),
        ("version", "2026.11.0".to_owned()),
    ];
    HouseConfig::from_fields(Map::from_pairs(
        fields.map(|(k, v)| (Arc::from(k), Value::text(&v))),
    ))
}

/// Sets a row of a registry: a known one keeps its place.
fn put<T>(rows: &mut Vec<T>, same: impl Fn(&T) -> bool, row: T) {
    match rows.iter_mut().find(|row| same(row)) {
        Some(place) => *place = row,
        None => rows.push(row),
    }
}

impl Truth {
    fn parts(&self) -> Parts {
        Parts {
            config: config(self.config),
            services: Services::default(),
            exposure: self.exposure(),
            entities: self.entries.clone(),
            devices: self.devices.clone(),
            areas: self.areas.clone(),
            floors: self.floors.clone(),
            labels: self.labels.clone(),
            states: self.states.clone(),
        }
    }

    fn exposure(&self) -> Exposure {
        Exposure::Known {
            exposed: self.exposed.iter().cloned().collect(),
            expose_new: false,
        }
    }

    fn state(&self, id: &EntityId) -> Option<&EntityState> {
        self.states.iter().find(|state| state.entity_id == *id)
    }

    /// Applies a step and gives the updates by which Home Assistant tells of it.
    fn apply(&mut self, step: &Step) -> Vec<Update> {
        self.clock += 1_000;
        match *step {
            Step::SetState {
                entity,
                text,
                attributes,
            } => self.set_state(entity, text, attributes),
            Step::RemoveState { entity } => {
                self.states.retain(|state| state.entity_id != id(entity));
                vec![Update::States(StatesEvent {
                    removed: vec![id(entity)],
                    ..StatesEvent::default()
                })]
            }
            Step::Entry {
                entity,
                device,
                area,
                label,
                platform,
            } => {
                let known = self.entries.iter().find(|e| e.entity_id == id(entity));
                let number = known.map_or(entity, |e| e.id.as_str()[1..].parse().unwrap());
                let taken = known.is_none()
                    && self
                        .entries
                        .iter()
                        .any(|e| e.id.as_str() == format!("r{entity}"));
                if taken {
                    return Vec::new();
                }
                let entry = entry(number, &id(entity), device, area, label, platform);
                put(
                    &mut self.entries,
                    |e| e.entity_id == id(entity),
                    entry.clone(),
                );
                vec![Update::Entries(vec![(id(entity), Some(entry))])]
            }
            Step::RemoveEntry { entity } => {
                self.entries.retain(|e| e.entity_id != id(entity));
                vec![Update::Entries(vec![(id(entity), None)])]
            }
            Step::Rename {
                from,
                to,
                late_removal,
            } => self.rename(from, to, late_removal),
            Step::Device { .. } | Step::RemoveDevice { .. } => self.set_device(step),
            Step::Area { .. } | Step::RemoveArea { .. } => self.set_area(step),
            Step::Floor { floor, keep } => self.set_floor(floor, keep),
            Step::Label { label, keep } => self.set_label(label, keep),
            Step::Config { zone } => {
                self.config = zone;
                vec![Update::Config(config(zone))]
            }
            Step::Expose { entity } => {
                if !self.exposed.remove(&id(entity)) {
                    self.exposed.insert(id(entity));
                }
                vec![Update::Exposure(self.exposure())]
            }
            Step::Resync => {
                // What a restart does: the same entities in another order.
                self.states.reverse();
                vec![Update::AllStates(self.states.clone())]
            }
        }
    }

    fn set_state(&mut self, entity: u8, text: u8, attributes: [u8; 5]) -> Vec<Update> {
        // Home Assistant builds the attributes in one order, whichever are there.
        let pairs = KEYS.iter().zip(attributes).filter(|(_, value)| *value > 0);
        let pairs = pairs.map(|(key, value)| (Arc::from(*key), Value::text(&format!("v{value}"))));
        let before = self.state(&id(entity)).cloned();
        let state = EntityState {
            entity_id: id(entity),
            state: Arc::from(format!("s{text}")),
            attributes: Attributes::from_pairs(pairs),
            last_changed: UtcMicros(self.clock),
            last_updated: UtcMicros(self.clock),
            context: Context {
                id: ContextId::new(&format!("c{}", self.clock)),
                parent_id: None,
                user_id: None,
            },
        };
        put(
            &mut self.states,
            |s| s.entity_id == id(entity),
            state.clone(),
        );
        let mut event = StatesEvent::default();
        match before {
            Some(before) => event
                .changed
                .push((id(entity), state_diff(&before, &state))),
            None => event.added.push((id(entity), WireState::of(&state))),
        }
        vec![Update::States(event)]
    }

    fn rename(&mut self, from: u8, to: u8, late_removal: bool) -> Vec<Update> {
        let free = !self.entries.iter().any(|e| e.entity_id == id(to));
        let Some(place) = self.entries.iter().position(|e| e.entity_id == id(from)) else {
            return Vec::new();
        };
        if !free {
            return Vec::new();
        }
        let before = self.entries.remove(place);
        let name = (Arc::from("entity_id"), Value::text(id(to).as_str()));
        let renamed = EntityEntry::from_fields(before.fields.patched([name], &[]).0).unwrap();
        self.entries.push(renamed.clone());
        let mut entries = vec![(id(from), None), (id(to), Some(renamed))];
        if late_removal {
            entries.reverse();
        }
        vec![Update::Entries(entries)]
    }

    fn set_floor(&mut self, floor: u8, keep: bool) -> Vec<Update> {
        let key = format!("floor{floor}");
        self.floors.retain(|f| keep || f.id.as_str() != key);
        if keep {
            let row = [("floor_id", Value::text(&key)), ("name", Value::text(&key))];
            let row = FloorEntry::from_fields(fields(&row)).unwrap();
            put(&mut self.floors, |f| f.id.as_str() == key, row);
        }
        vec![Update::Floors(self.floors.clone())]
    }

    fn set_label(&mut self, label: u8, keep: bool) -> Vec<Update> {
        let key = format!("label{label}");
        self.labels.retain(|l| keep || l.id.as_str() != key);
        if keep {
            let row = [("label_id", Value::text(&key)), ("name", Value::text(&key))];
            let row = LabelEntry::from_fields(fields(&row)).unwrap();
            put(&mut self.labels, |l| l.id.as_str() == key, row);
        }
        vec![Update::Labels(self.labels.clone())]
    }

    fn set_device(&mut self, step: &Step) -> Vec<Update> {
        if let Step::Device {
            device,
            area,
            parent,
            name,
        } = *step
        {
            let key = format!("device{device}");
            let row = DeviceEntry::from_fields(fields(&[
                ("id", Value::text(&key)),
                ("area_id", reference("area", area)),
                ("parent_device_id", reference("device", parent)),
                ("name", Value::text(&format!("n{name}"))),
            ]));
            put(&mut self.devices, |d| d.id.as_str() == key, row.unwrap());
        }
        if let Step::RemoveDevice { device } = *step {
            let key = format!("device{device}");
            self.devices.retain(|d| d.id.as_str() != key);
        }
        vec![Update::Devices(self.devices.clone())]
    }

    fn set_area(&mut self, step: &Step) -> Vec<Update> {
        if let Step::Area { area, floor, name } = *step {
            let key = format!("area{area}");
            let row = AreaEntry::from_fields(fields(&[
                ("area_id", Value::text(&key)),
                ("floor_id", reference("floor", floor)),
                ("name", Value::text(&format!("n{name}"))),
            ]));
            put(&mut self.areas, |a| a.id.as_str() == key, row.unwrap());
        }
        if let Step::RemoveArea { area } = *step {
            let key = format!("area{area}");
            self.areas.retain(|a| a.id.as_str() != key);
        }
        vec![Update::Areas(self.areas.clone())]
    }

    /// The area of an entity by the rule, searched in lists.
    fn area_of(&self, entry: &EntityEntry) -> Option<&AreaEntry> {
        let area = |wanted: &Option<AreaId>| {
            wanted
                .as_ref()
                .and_then(|id| self.areas.iter().find(|a| a.id == *id))
        };
        let device = |wanted: &Option<DeviceId>| {
            wanted
                .as_ref()
                .and_then(|id| self.devices.iter().find(|d| d.id == *id))
        };
        if let Some(own) = area(&entry.area_id) {
            return Some(own);
        }
        let of = device(&entry.device_id);
        match of.map(|d| &d.area_id) {
            Some(own @ Some(_)) => area(own),
            Some(None) => {
                let whole = of.and_then(|d| device(&d.parent_device_id));
                whole.and_then(|d| area(&d.area_id))
            }
            None => None,
        }
    }

    /// Every index, searched in lists.
    fn index(&self) -> BTreeMap<IndexKey, BTreeSet<EntityId>> {
        let mut index: BTreeMap<IndexKey, BTreeSet<EntityId>> = BTreeMap::new();
        let mut add = |key: IndexKey, id: &EntityId| {
            index.entry(key).or_default().insert(id.clone());
        };
        for state in &self.states {
            add(
                IndexKey::Domain(Arc::from(state.entity_id.domain())),
                &state.entity_id,
            );
            if let Some(Value::Text(class)) = state.attributes.get("device_class") {
                add(IndexKey::DeviceClass(class.clone()), &state.entity_id);
            }
        }
        for entry in &self.entries {
            let id = &entry.entity_id;
            add(IndexKey::Domain(Arc::from(id.domain())), id);
            add(IndexKey::Integration(entry.platform.clone()), id);
            if let Some(device) = &entry.device_id {
                add(IndexKey::Device(device.clone()), id);
            }
            for label in entry.labels.iter() {
                add(IndexKey::Label(label.clone()), id);
            }
            if let Some(area) = self.area_of(entry) {
                add(IndexKey::Area(area.id.clone()), id);
                if let Some(floor) = &area.floor_id {
                    add(IndexKey::Floor(floor.clone()), id);
                }
            }
        }
        index
    }

    /// Entities by name, equal names in the order of the states.
    fn by_name(&self) -> Vec<EntityId> {
        let mut rows: Vec<&EntityState> = self.states.iter().collect();
        rows.sort_by_key(|state| state.name());
        rows.into_iter()
            .map(|state| state.entity_id.clone())
            .collect()
    }
}

/// All that a memo may depend on.
fn memo_text(snapshot: &Snapshot, entity: &Entity) -> Arc<str> {
    let registry = snapshot.registry();
    let entry = registry.entity(&entity.state().entity_id);
    let (device, whole) = entry.map_or((None, None), |entry| registry.device_chain(entry));
    let area = entry.and_then(|entry| registry.area_of(entry));
    let zone = &snapshot.config().time_zone;
    let fields = |a: &Attributes| serde_json::to_string(a).unwrap();
    Arc::from(format!(
        "{} {} {:?} {:?} {:?} {:?} {zone}",
        entity.state().state,
        fields(&entity.state().attributes),
        entry.map(|e| fields(&e.fields)),
        device.map(|d| fields(&d.fields)),
        whole.map(|d| fields(&d.fields)),
        area.map(|a| fields(&a.fields)),
    ))
}

fn index_of(snapshot: &Snapshot) -> BTreeMap<IndexKey, BTreeSet<EntityId>> {
    let rows = snapshot.0.index.iter();
    rows.map(|(key, ids)| (key.clone(), ids.iter().cloned().collect()))
        .collect()
}

fn check_equal(grown: &Snapshot, truth: &Truth) -> Result<(), TestCaseError> {
    let loaded = Replica::new(truth.parts()).snapshot();
    let states = |s: &Snapshot| s.entities().map(|e| e.state().clone()).collect::<Vec<_>>();
    prop_assert_eq!(states(grown), states(&loaded));
    prop_assert_eq!(states(grown), truth.states.clone());
    let names = |s: &Snapshot| -> Vec<EntityId> {
        s.entities_by_name()
            .map(|e| e.state().entity_id.clone())
            .collect()
    };
    prop_assert_eq!(names(grown), names(&loaded));
    prop_assert_eq!(names(grown), truth.by_name());
    prop_assert_eq!(index_of(grown), index_of(&loaded));
    prop_assert_eq!(index_of(grown), truth.index());
    let registry = grown.registry();
    prop_assert!(registry.entities().eq(truth.entries.iter()));
    prop_assert!(registry.devices().eq(truth.devices.iter()));
    prop_assert!(registry.areas().eq(truth.areas.iter()));
    prop_assert!(registry.floors().eq(truth.floors.iter()));
    prop_assert!(registry.labels().eq(truth.labels.iter()));
    let by_id: BTreeMap<RegistryId, EntityId> = registry
        .entity_ids
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let expected = truth
        .entries
        .iter()
        .map(|e| (e.id.clone(), e.entity_id.clone()));
    prop_assert_eq!(by_id, expected.collect::<BTreeMap<_, _>>());
    for entity in grown.entities() {
        prop_assert_eq!(
            grown.is_exposed(&entity.state().entity_id),
            loaded.is_exposed(&entity.state().entity_id)
        );
        let text = memo_text(grown, entity);
        let memo = entity
            .memo()
            .get_or_init(crate::snapshot::MemoPlace::First, || text.clone());
        prop_assert_eq!(memo, &text, "a memo is out of date");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]
    #[test]
    fn p2_a_replica_grown_by_events_equals_one_loaded_fresh(steps in prop::collection::vec(step(), 0..60)) {
        let mut truth = Truth::default();
        let mut replica = Replica::new(truth.parts());
        let mut revision = replica.snapshot().revision();
        for step in steps {
            for update in truth.apply(&step) {
                let change = replica.apply(update).expect("no difference is for an unknown entity");
                for id in change.order_unknown {
                    let whole = truth.state(&id).expect("it has a state").clone();
                    replica.apply(Update::State(whole)).unwrap();
                }
                let now = replica.snapshot().revision();
                prop_assert!(now > revision, "H5");
                revision = now;
            }
            check_equal(&replica.snapshot(), &truth)?;
        }
    }

    #[test]
    fn a_snapshot_does_not_change(steps in prop::collection::vec(step(), 1..30)) {
        let mut truth = Truth::default();
        let mut replica = Replica::new(truth.parts());
        let (first, rest) = steps.split_at(steps.len() / 2);
        for step in first {
            for update in truth.apply(step) {
                let change = replica.apply(update).unwrap();
                for id in change.order_unknown {
                    let whole = truth.state(&id).unwrap().clone();
                    replica.apply(Update::State(whole)).unwrap();
                }
            }
        }
        let (then, snapshot) = (truth.clone(), replica.snapshot());
        for update in rest.iter().flat_map(|step| truth.apply(step)) {
            replica.apply(update).unwrap();
        }
        check_equal(&snapshot, &then)?;
    }
}

#[test]
fn h6_a_difference_for_an_unknown_entity_is_no_update() {
    let mut replica = Replica::new(Truth::default().parts());
    let event = StatesEvent {
        changed: vec![(id(0), StateDiff::default())],
        ..StatesEvent::default()
    };
    assert_eq!(
        replica.apply(Update::States(event)).unwrap_err(),
        Desync(id(0))
    );
}

#[test]
fn a_difference_older_than_the_state_asks_for_the_whole_state() {
    let mut truth = Truth::default();
    let mut replica = Replica::new(truth.parts());
    for update in truth.set_state(0, 0, [1; 5]) {
        replica.apply(update).unwrap();
    }
    let late: StateDiff = serde_json::from_str(r#"{"+":{"s":"x","lc":-5.0}}"#).unwrap();
    let event = StatesEvent {
        changed: vec![(id(0), late)],
        ..StatesEvent::default()
    };
    let change = replica.apply(Update::States(event)).unwrap();
    assert_eq!(change.order_unknown, [id(0)]);
}

#[test]
fn revisions_continue_behind_those_of_an_earlier_replica() {
    let mut replica = Replica::new(Truth::default().parts());
    replica.continue_after(Revision(41));
    assert_eq!(replica.snapshot().revision(), Revision(42));
    replica.continue_after(Revision(7));
    assert_eq!(replica.snapshot().revision(), Revision(42));
}
