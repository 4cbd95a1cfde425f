//! Small random houses, the scopes to look at them with, and changes to them.

use std::sync::Arc;

use housekey_assist::release::{self, Release};
use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::id::{DeviceId, EntityId, RegistryId};
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry};
use housekey_home::replica::Parts;
use housekey_home::state::EntityState;
use housekey_home::value::Map;
use housekey_policy::Scope;
use housekey_policy::tree::{Anchor, Color, EntityNode, Node};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Names of everything; few, so that they meet, and awkward for YAML and for matching.
pub(crate) const NAMES: [&str; 10] = [
    "Lamp",
    "lamp",
    " LAMP ",
    "Straße",
    "STRASSE",
    "a: null",
    "it's \"x\"",
    "漢😀",
    "yes",
    "",
];
/// Domains; scripts and calendars are left out of the overview, `atm` is closed to every token.
pub(crate) const DOMAINS: [&str; 7] = [
    "light",
    "sensor",
    "switch",
    "media_player",
    "script",
    "calendar",
    "atm",
];
/// How many areas, devices and floors there can be.
pub(crate) const PLACES: usize = 4;

const STATES: [&str; 7] = [
    "on",
    "off",
    "21.456",
    "-0.04",
    "2026-11-23T05:00:00Z",
    "unavailable",
    "",
];
const CLASSES: [&str; 3] = ["timestamp", "temperature", "outlet"];

/// A house as a list of things; `None` is one that is gone, so that indices stay.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) floors: Vec<Option<&'static str>>,
    pub(crate) areas: Vec<Option<Area>>,
    pub(crate) devices: Vec<Option<Device>>,
    pub(crate) entities: Vec<Option<Entity>>,
    pub(crate) in_utc: bool,
    /// Which of the known releases it is of.
    pub(crate) release: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) aliases: Vec<&'static str>,
    pub(crate) floor: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) name: Option<&'static str>,
    pub(crate) name_by_user: Option<&'static str>,
    pub(crate) area: Option<usize>,
    pub(crate) parent: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) domain: &'static str,
    pub(crate) exposed: bool,
    pub(crate) state: &'static str,
    pub(crate) friendly_name: Option<&'static str>,
    pub(crate) class: Option<&'static str>,
    pub(crate) brightness: Option<i64>,
    pub(crate) entry: Option<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) device: Option<usize>,
    pub(crate) area: Option<usize>,
    pub(crate) aliases: Vec<Option<&'static str>>,
    pub(crate) name: Option<&'static str>,
    pub(crate) original_name: Option<&'static str>,
    pub(crate) precision: Option<i64>,
    pub(crate) hidden: bool,
}

impl House {
    /// The id of an entity.
    pub(crate) fn entity_id(index: usize, entity: &Entity) -> String {
        format!("{}.e{index}", entity.domain)
    }

    /// All that a replica is built from.
    pub(crate) fn parts(&self) -> Parts {
        let present = self.present().collect::<Vec<_>>();
        Parts {
            config: self.config(),
            services: Services::default(),
            exposure: self.exposure(),
            entities: self.entries(),
            devices: self.device_entries(),
            areas: self.area_entries(),
            floors: self.floor_entries(),
            labels: Vec::new(),
            states: present.iter().map(|(i, e)| state(*i, e)).collect(),
        }
    }

    pub(crate) fn config(&self) -> HouseConfig {
        let zone = if self.in_utc { "UTC" } else { "Asia/Kolkata" };
        let config = json!({
            "version": self.version(),
            "time_zone": zone,
            "state": "RUNNING",
            "components": ["conversation"],
        });
        HouseConfig::from_fields(from_json::<Map>(&config))
    }

    /// The first release that a profile is for.
    fn version(&self) -> String {
        let Release { year, month, patch } = release::all()[self.release].since;
        format!("{year}.{month}.{patch}")
    }

    pub(crate) fn exposure(&self) -> Exposure {
        let exposed = self.present().filter(|(_, entity)| entity.exposed);
        Exposure::Known {
            exposed: exposed.map(|(i, e)| id(i, e)).collect(),
            expose_new: false,
        }
    }

    pub(crate) fn entries(&self) -> Vec<EntityEntry> {
        let entries = self.present().filter_map(|(index, entity)| {
            let entry = entity.entry.as_ref()?;
            let fields = json!({
                "id": format!("r{index}"),
                "entity_id": Self::entity_id(index, entity),
                "device_id": entry.device.map(|d| format!("d{d}")),
                "area_id": entry.area.map(|a| format!("a{a}")),
                "platform": "demo",
                "unique_id": index.to_string(),
                "name": entry.name,
                "original_name": entry.original_name,
                "aliases": entry.aliases,
                "labels": [],
                "hidden_by": entry.hidden.then_some("user"),
                "options": {"sensor": {"display_precision": entry.precision}},
            });
            Some(EntityEntry::from_fields(from_json(&fields)).unwrap())
        });
        entries.collect()
    }

    pub(crate) fn device_entries(&self) -> Vec<DeviceEntry> {
        let devices = self
            .devices
            .iter()
            .enumerate()
            .filter_map(|(index, device)| {
                let device = device.as_ref()?;
                let fields = json!({
                    "id": format!("d{index}"),
                    "name": device.name,
                    "name_by_user": device.name_by_user,
                    "area_id": device.area.map(|a| format!("a{a}")),
                    "parent_device_id": device.parent.map(|d| format!("d{d}")),
                });
                Some(DeviceEntry::from_fields(from_json(&fields)).unwrap())
            });
        devices.collect()
    }

    pub(crate) fn area_entries(&self) -> Vec<AreaEntry> {
        let areas = self.areas.iter().enumerate().filter_map(|(index, area)| {
            let area = area.as_ref()?;
            let fields = json!({
                "area_id": format!("a{index}"),
                "name": area.name,
                "aliases": area.aliases,
                "floor_id": area.floor.map(|f| format!("f{f}")),
            });
            Some(AreaEntry::from_fields(from_json(&fields)).unwrap())
        });
        areas.collect()
    }

    pub(crate) fn floor_entries(&self) -> Vec<FloorEntry> {
        let floors = self.floors.iter().enumerate().filter_map(|(index, name)| {
            let fields = json!({"floor_id": format!("f{index}"), "name": (*name)?});
            Some(FloorEntry::from_fields(from_json(&fields)).unwrap())
        });
        floors.collect()
    }

    pub(crate) fn states(&self) -> Vec<EntityState> {
        self.present().map(|(i, e)| state(i, e)).collect()
    }

    /// Entities that there are, with their indices.
    pub(crate) fn present(&self) -> impl Iterator<Item = (usize, &Entity)> {
        let entities = self.entities.iter().enumerate();
        entities.filter_map(|(index, entity)| Some((index, entity.as_ref()?)))
    }

    /// The device of an entity and the one which that is a part of.
    pub(crate) fn device_chain(&self, entity: &Entity) -> Vec<usize> {
        let Some(device) = entity.entry.as_ref().and_then(|entry| entry.device) else {
            return Vec::new();
        };
        let known = self.devices.get(device).and_then(Option::as_ref);
        let parent = known.and_then(|device| device.parent);
        [Some(device), parent].into_iter().flatten().collect()
    }
}

pub(crate) fn id(index: usize, entity: &Entity) -> EntityId {
    EntityId::parse(&House::entity_id(index, entity)).unwrap()
}

fn state(index: usize, entity: &Entity) -> EntityState {
    let mut attributes = serde_json::Map::new();
    if let Some(brightness) = entity.brightness {
        attributes.insert("brightness".into(), json!(brightness));
    }
    if let Some(class) = entity.class {
        attributes.insert("device_class".into(), json!(class));
    }
    attributes.insert("access_token".into(), json!("secret"));
    if let Some(name) = entity.friendly_name {
        attributes.insert("friendly_name".into(), json!(name));
    }
    from_json(&json!({
        "entity_id": House::entity_id(index, entity),
        "state": entity.state,
        "attributes": attributes,
        "last_changed": "2026-11-23T05:14:04+00:00",
        "last_updated": "2026-11-23T05:14:04.5+00:00",
        "context": {"id": "c", "parent_id": null, "user_id": "owner"},
    }))
}

fn from_json<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    // By its text: the same way on which it comes from a wire.
    serde_json::from_str(&value.to_string()).unwrap()
}

fn name() -> impl Strategy<Value = &'static str> {
    select(&NAMES[..])
}

pub(crate) fn area() -> impl Strategy<Value = Area> {
    (name(), vec(name(), 0..3), of(0..PLACES)).prop_map(|(name, aliases, floor)| Area {
        name,
        aliases,
        floor,
    })
}

pub(crate) fn device() -> impl Strategy<Value = Device> {
    (of(name()), of(name()), of(0..PLACES), of(0..PLACES)).prop_map(
        |(name, name_by_user, area, parent)| Device {
            name,
            name_by_user,
            area,
            parent,
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    let names = vec(of(name()), 0..3);
    let places = (of(0..PLACES), of(0..PLACES));
    (
        places,
        names,
        of(name()),
        of(name()),
        of(-1i64..4),
        any::<bool>(),
    )
        .prop_map(
            |((device, area), aliases, name, original_name, precision, hidden)| Entry {
                device,
                area,
                aliases,
                name,
                original_name,
                precision,
                hidden,
            },
        )
}

pub(crate) fn entity() -> impl Strategy<Value = Entity> {
    (
        select(&DOMAINS[..]),
        any::<bool>(),
        select(&STATES[..]),
        of(name()),
        of(select(&CLASSES[..])),
        of(0i64..256),
        weighted(0.8, entry()),
    )
        .prop_map(
            |(domain, exposed, state, friendly_name, class, brightness, entry)| Entity {
                domain,
                exposed,
                state,
                friendly_name,
                class,
                brightness,
                entry,
            },
        )
}

/// One of the known releases; the newest as often as all others together.
fn release() -> impl Strategy<Value = usize> {
    let newest = release::all().len() - 1;
    prop_oneof![Just(newest), 0..newest]
}

pub(crate) fn house() -> impl Strategy<Value = House> {
    (
        vec(weighted(0.8, name()), PLACES),
        vec(weighted(0.8, area()), PLACES),
        vec(weighted(0.8, device()), PLACES),
        vec(entity().prop_map(Some), 1..9),
        any::<bool>(),
        release(),
    )
        .prop_map(
            |(floors, areas, devices, entities, in_utc, release)| House {
                floors,
                areas,
                devices,
                entities,
                in_utc,
                release,
            },
        )
}

fn node() -> impl Strategy<Value = Node> {
    // Grants more often than not.
    const COLORS: &[Color] = &[
        Color::Grey,
        Color::Yellow,
        Color::Yellow,
        Color::Green,
        Color::Green,
        Color::Red,
    ];
    select(COLORS).prop_map(|color| Node { color, hint: None })
}

/// A scope for houses of this size: mostly a tree, sometimes pass-through.
pub(crate) fn scope() -> impl Strategy<Value = Arc<Scope>> {
    (
        weighted(0.3, Just(())),
        any::<bool>(),
        vec((select(&DOMAINS[..]), node()), 1..4),
        vec((0..PLACES, node()), 0..3),
        vec(
            (0usize..9, select(&DOMAINS[..]), any::<bool>(), node()),
            0..4,
        ),
    )
        .prop_map(
            |(pass_through, use_assist_exposure, domains, devices, entities)| {
                let mut scope = Scope {
                    pass_through: pass_through.is_some(),
                    use_assist_exposure,
                    ..Scope::default()
                };
                for (domain, node) in domains {
                    scope.tree.set_domain(domain, node);
                }
                for (device, node) in devices {
                    let device = DeviceId::new(&format!("d{device}"));
                    scope.tree.set_device(device, node);
                }
                for (index, domain, anchored, node) in entities {
                    let anchor = if anchored {
                        Anchor::Registered(RegistryId::new(&format!("r{index}")))
                    } else {
                        Anchor::Unresolved
                    };
                    let id = EntityId::parse(&format!("{domain}.e{index}")).unwrap();
                    scope.tree.set_entity(id, EntityNode { node, anchor });
                }
                Arc::new(scope)
            },
        )
}

/// A change of one thing; `None` takes it away.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Floor(usize, Option<&'static str>),
    Area(usize, Option<Area>),
    Device(usize, Option<Device>),
    Entity(usize, Option<Entity>),
    TimeZone(bool),
    Release(usize),
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..PLACES, weighted(0.7, name())).prop_map(|(i, floor)| Edit::Floor(i, floor)),
        (0..PLACES, weighted(0.7, area())).prop_map(|(i, area)| Edit::Area(i, area)),
        (0..PLACES, weighted(0.7, device())).prop_map(|(i, device)| Edit::Device(i, device)),
        (0usize..10, weighted(0.7, entity())).prop_map(|(i, entity)| Edit::Entity(i, entity)),
    ]
}

/// An edit that may also be one of the whole house.
pub(crate) fn edit_of_all() -> impl Strategy<Value = Edit> {
    prop_oneof![
        9 => edit(),
        1 => any::<bool>().prop_map(Edit::TimeZone),
        1 => release().prop_map(Edit::Release),
    ]
}

impl House {
    /// The house after an edit. An entity keeps its domain, and with it its id.
    pub(crate) fn after(&self, edit: &Edit) -> Self {
        let mut house = self.clone();
        match edit {
            Edit::Area(index, area) => house.areas[*index] = area.clone(),
            Edit::Device(index, device) => house.devices[*index] = device.clone(),
            Edit::Entity(index, entity) => {
                if *index >= house.entities.len() {
                    house.entities.push(entity.clone());
                    return house;
                }
                let place = &mut house.entities[*index];
                let domain = place.as_ref().map(|before| before.domain);
                *place = entity.clone().map(|entity| Entity {
                    domain: domain.unwrap_or(entity.domain),
                    ..entity
                });
            }
            Edit::Floor(index, floor) => house.floors[*index] = *floor,
            Edit::TimeZone(in_utc) => house.in_utc = *in_utc,
            Edit::Release(release) => house.release = *release,
        }
        house
    }
}
