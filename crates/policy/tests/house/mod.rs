//! A random small house, and random scopes over it.
//!
//! Twelve possible entities, some of them registered, on devices that may be parts of others, in
//! areas that may not exist, exposed or not, among them those that are closed to every token.

use std::collections::BTreeSet;
use std::sync::Arc;

use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::id::{AreaId, ContextId, DeviceId, EntityId, RegistryId};
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry};
use housekey_home::replica::{Parts, Replica};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::{Attributes, Context, EntityState};
use housekey_home::time::UtcMicros;
use housekey_home::value::{Map, Value};
use housekey_policy::Scope;
use housekey_policy::capability::Capabilities;
use housekey_policy::tree::{Anchor, Color, EntityNode, Node, Tree};
use proptest::prelude::*;

/// Every entity id that a house may have, and two that none has.
pub(crate) const IDS: [&str; 14] = [
    "light.a",
    "light.b",
    "light.c",
    "sensor.a",
    "sensor.b",
    "sensor.c",
    "lock.a",
    "switch.a",
    "binary_sensor.a",
    "cover.a",
    "atm.status",
    "sensor.own",
    "light.nowhere",
    "vacuum.nowhere",
];
/// How many of [`IDS`] a house may have.
const POSSIBLE: usize = 12;
/// Domains that a tree may have nodes for.
pub(crate) const DOMAINS: [&str; 6] = ["light", "sensor", "lock", "switch", "binary_sensor", "atm"];
/// How many devices and areas entries may name; the last of each does not exist.
pub(crate) const PLACES: usize = 4;
const PLATFORMS: [&str; 3] = ["demo", "mqtt", "atm"];
const NAMES: [&str; 3] = ["Lamp", "lamp", "Äther"];

pub(crate) fn entity_id(index: usize) -> EntityId {
    EntityId::parse(IDS[index]).unwrap()
}

pub(crate) fn device_id(index: usize) -> DeviceId {
    DeviceId::new(&format!("device{index}"))
}

fn area_id(index: usize) -> AreaId {
    AreaId::new(&format!("area{index}"))
}

fn registry_id(index: usize) -> RegistryId {
    RegistryId::new(&format!("registry{index}"))
}

/// One possible entity.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    has_state: bool,
    has_entry: bool,
    device: Option<usize>,
    area: Option<usize>,
    platform: usize,
    is_own: bool,
    should_expose: Option<bool>,
    is_listed: bool,
    name: usize,
}

/// One device.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    area: Option<usize>,
    whole: Option<usize>,
    is_own: bool,
}

/// A house before it is built.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) slots: Vec<Slot>,
    pub(crate) devices: Vec<Part>,
    order: Vec<usize>,
    exposure_is_known: bool,
    has_conversation: bool,
}

fn place() -> impl Strategy<Value = Option<usize>> {
    prop::option::weighted(0.7, 0..PLACES)
}

fn slot() -> impl Strategy<Value = Slot> {
    let exists = (prop::bool::weighted(0.85), prop::bool::weighted(0.75));
    let where_it_is = (place(), prop::option::weighted(0.3, 0..PLACES));
    let what_it_is = (
        0..PLATFORMS.len(),
        prop::bool::weighted(0.2),
        0..NAMES.len(),
    );
    let exposure = (prop::option::weighted(0.4, any::<bool>()), any::<bool>());
    (exists, where_it_is, what_it_is, exposure).prop_map(
        |((has_state, has_entry), (device, area), (platform, is_own, name), exposure)| Slot {
            has_state,
            has_entry,
            device,
            area,
            platform,
            is_own,
            should_expose: exposure.0,
            is_listed: exposure.1,
            name,
        },
    )
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let part = (place(), place(), prop::bool::weighted(0.15));
    let part = part.prop_map(|(area, whole, is_own)| Part {
        area,
        whole,
        is_own,
    });
    let order = Just((0..POSSIBLE).collect::<Vec<_>>()).prop_shuffle();
    let slots = prop::collection::vec(slot(), POSSIBLE);
    let devices = prop::collection::vec(part, PLACES - 1);
    (slots, devices, order, any::<bool>(), any::<bool>()).prop_map(
        |(slots, devices, order, exposure_is_known, has_conversation)| Plan {
            slots,
            devices,
            order,
            exposure_is_known,
            has_conversation,
        },
    )
}

impl Plan {
    pub(crate) fn build(&self) -> Snapshot {
        let exposed = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.is_listed);
        let components = if self.has_conversation {
            Value::List([Value::Text(Arc::from("conversation"))].into())
        } else {
            Value::List([].into())
        };
        let of_some = |index: &usize| self.slots[*index].has_state.then(|| self.state(*index));
        let parts = Parts {
            config: HouseConfig::from_fields(Map::from_pairs([(
                Arc::from("components"),
                components,
            )])),
            services: Services::default(),
            exposure: if self.exposure_is_known {
                Exposure::Known {
                    exposed: exposed.map(|(index, _)| entity_id(index)).collect(),
                    expose_new: true,
                }
            } else {
                Exposure::Refused
            },
            entities: (0..POSSIBLE)
                .filter(|index| self.slots[*index].has_entry)
                .map(|index| self.entry(index))
                .collect(),
            devices: (0..PLACES - 1).map(|index| self.device(index)).collect(),
            areas: (0..PLACES - 1).rev().map(area).collect(),
            floors: Vec::new(),
            labels: Vec::new(),
            states: self.order.iter().filter_map(of_some).collect(),
        };
        Replica::new(parts).snapshot()
    }

    fn state(&self, index: usize) -> EntityState {
        let text = |text: &str| Value::Text(Arc::from(text));
        let secret = |key: &str| (Arc::from(key), text("secret"));
        let nested = Value::Map(Arc::new(Map::from_pairs([secret("access_token")])));
        EntityState {
            entity_id: entity_id(index),
            state: Arc::from("on"),
            attributes: Attributes::from_pairs([
                (
                    Arc::from("friendly_name"),
                    text(NAMES[self.slots[index].name]),
                ),
                secret("entity_picture"),
                (Arc::from("nested"), nested),
            ]),
            last_changed: UtcMicros(0),
            last_updated: UtcMicros(0),
            context: Context {
                id: ContextId::new("context"),
                parent_id: None,
                user_id: None,
            },
        }
    }

    fn entry(&self, index: usize) -> EntityEntry {
        let slot = &self.slots[index];
        let prefix = if slot.is_own { "housekey_" } else { "" };
        let text = |text: &str| Value::Text(Arc::from(text));
        let mut fields = vec![
            (Arc::from("id"), text(registry_id(index).as_str())),
            (Arc::from("entity_id"), text(IDS[index])),
            (Arc::from("platform"), text(PLATFORMS[slot.platform])),
            (Arc::from("unique_id"), text(&format!("{prefix}{index}"))),
        ];
        let device = slot.device.map(|device| text(device_id(device).as_str()));
        fields.extend(device.map(|device| (Arc::from("device_id"), device)));
        let area = slot.area.map(|area| text(area_id(area).as_str()));
        fields.extend(area.map(|area| (Arc::from("area_id"), area)));
        if let Some(should_expose) = slot.should_expose {
            let option =
                Map::from_pairs([(Arc::from("should_expose"), Value::Bool(should_expose))]);
            let options = [(Arc::from("conversation"), Value::Map(Arc::new(option)))];
            let options = Value::Map(Arc::new(Map::from_pairs(options)));
            fields.push((Arc::from("options"), options));
        }
        EntityEntry::from_fields(Attributes::from_pairs(fields)).unwrap()
    }

    fn device(&self, index: usize) -> DeviceEntry {
        let part = &self.devices[index];
        let text = |text: &str| Value::Text(Arc::from(text));
        let prefix = if part.is_own { "housekey_" } else { "x_" };
        let pair = Value::List([text("mqtt"), text(&format!("{prefix}{index}"))].into());
        let mut fields = vec![
            (Arc::from("id"), text(device_id(index).as_str())),
            (Arc::from("identifiers"), Value::List([pair].into())),
        ];
        let area = part.area.map(|area| text(area_id(area).as_str()));
        fields.extend(area.map(|area| (Arc::from("area_id"), area)));
        let whole = part.whole.filter(|whole| *whole != index);
        let whole = whole.map(|whole| text(device_id(whole).as_str()));
        fields.extend(whole.map(|whole| (Arc::from("parent_device_id"), whole)));
        DeviceEntry::from_fields(Attributes::from_pairs(fields)).unwrap()
    }

    /// Whether no token ever opens it; the rules of `verdict` once more, from the plan.
    pub(crate) fn is_blocked(&self, index: usize) -> bool {
        let slot = &self.slots[index];
        let is_on_own_device = || {
            let device = slot.device.and_then(|device| self.devices.get(device));
            device.is_some_and(|device| device.is_own)
        };
        let platform = PLATFORMS[slot.platform];
        IDS[index].starts_with("atm.")
            || slot.has_entry
                && (platform == "atm" || platform == "mqtt" && (slot.is_own || is_on_own_device()))
    }

    pub(crate) fn has_state(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.has_state)
    }

    pub(crate) fn has_entry(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.has_entry)
    }

    pub(crate) fn device_of(&self, index: usize) -> Option<usize> {
        self.slots.get(index).filter(|slot| slot.has_entry)?.device
    }

    /// The anchor that an owner's node gets in this house.
    pub(crate) fn anchor(&self, index: usize) -> Anchor {
        if self.has_entry(index) {
            Anchor::Registered(registry_id(index))
        } else if self.has_state(index) {
            Anchor::Unregistered
        } else {
            Anchor::Unresolved
        }
    }
}

fn area(index: usize) -> AreaEntry {
    let text = |text: &str| Value::Text(Arc::from(text));
    let fields = [
        (Arc::from("area_id"), text(area_id(index).as_str())),
        (Arc::from("name"), text("area")),
    ];
    AreaEntry::from_fields(Attributes::from_pairs(fields)).unwrap()
}

pub(crate) fn color() -> impl Strategy<Value = Color> {
    prop_oneof![
        Just(Color::Grey),
        Just(Color::Yellow),
        Just(Color::Green),
        Just(Color::Red)
    ]
}

/// For which entity an entity node was set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// The one that has the id.
    Present,
    /// One that was there before and is gone.
    Gone,
    /// One that nobody has seen.
    Unresolved,
    /// One without a registry entry.
    Unregistered,
    /// The one that has another id by this time.
    Renamed(usize),
}

/// What a token is given, by indices into the house.
#[derive(Clone, Debug)]
pub(crate) struct Grants {
    pub(crate) domains: Vec<(usize, Color)>,
    pub(crate) devices: Vec<(usize, Color)>,
    pub(crate) entities: Vec<(usize, Color, Aim)>,
    pub(crate) pass_through: bool,
    pub(crate) use_assist_exposure: bool,
}

/// Random grants; `settled` are those after renames were followed, as the gateway does.
pub(crate) fn grants(settled: bool) -> impl Strategy<Value = Grants> {
    let aim = prop_oneof![
        6 => Just(Aim::Present),
        1 => Just(Aim::Gone),
        1 => Just(Aim::Unresolved),
        1 => Just(Aim::Unregistered),
        2 => (0..POSSIBLE).prop_map(move |to| if settled { Aim::Present } else { Aim::Renamed(to) }),
    ];
    let domains = prop::collection::vec((0..DOMAINS.len(), color()), 0..4);
    let devices = prop::collection::vec((0..PLACES, color()), 0..4);
    let entities = prop::collection::vec((0..IDS.len(), color(), aim), 0..8);
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.25));
    (domains, devices, entities, flags).prop_map(|(domains, devices, entities, flags)| Grants {
        domains,
        devices,
        entities,
        pass_through: flags.0,
        use_assist_exposure: flags.1,
    })
}

impl Grants {
    pub(crate) fn scope(&self, plan: &Plan) -> Scope {
        let mut tree = Tree::default();
        let node = |color| Node { color, hint: None };
        for (domain, color) in &self.domains {
            tree.set_domain(DOMAINS[*domain], node(*color));
        }
        for (device, color) in &self.devices {
            tree.set_device(device_id(*device), node(*color));
        }
        for (index, color, aim) in &self.entities {
            let anchor = match aim {
                Aim::Present => plan.anchor(*index),
                Aim::Gone => Anchor::Registered(RegistryId::new("gone")),
                Aim::Unresolved => Anchor::Unresolved,
                Aim::Unregistered => Anchor::Unregistered,
                Aim::Renamed(to) => Anchor::Registered(registry_id(*to)),
            };
            let node = node(*color);
            tree.set_entity(entity_id(*index), EntityNode { node, anchor });
        }
        Scope {
            tree,
            capabilities: Capabilities::default(),
            pass_through: self.pass_through,
            use_assist_exposure: self.use_assist_exposure,
        }
    }
}

/// Ids as text, for comparison.
pub(crate) fn ids<'a>(all: impl IntoIterator<Item = &'a EntityId>) -> Vec<String> {
    all.into_iter().map(ToString::to_string).collect()
}

/// The same without their order.
pub(crate) fn set<'a>(all: impl IntoIterator<Item = &'a EntityId>) -> BTreeSet<String> {
    all.into_iter().map(ToString::to_string).collect()
}
