//! `Snapshot`, the immutable reading surface of a house, and the memo of what was said of an entity.
//!
//! States and registries of one snapshot belong to one revision. The indices let a reader pay for
//! what it takes, not for the house.

use std::fmt;
use std::sync::{Arc, OnceLock};

use imbl::{OrdMap, OrdSet};

use crate::catalogue::{HouseConfig, Services};
use crate::exposure::Exposure;
use crate::id::{AreaId, DeviceId, EntityId, FloorId, LabelId};
use crate::ordered::Ordered;
use crate::registry::{EntityEntry, Registry};
use crate::state::EntityState;
use crate::value::Value;

/// Counts the changes of a replica; never leaves the process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Revision(pub u64);

/// The places of a [`Memo`]. What lies where is for those to say who derive it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoPlace {
    /// The first.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The fifth.
    Fifth,
}

/// Texts derived from one version of an entity, computed at most once each.
///
/// A version ends, and its memo with it, when the state, the registry entry, the device or the
/// device it is a part of, the area, the time zone or the release of Home Assistant changes. What is
/// memoised may depend on nothing else.
#[derive(Default)]
pub struct Memo {
    first: OnceLock<Arc<str>>,
    second: OnceLock<Arc<str>>,
    third: OnceLock<Arc<str>>,
    fourth: OnceLock<Arc<str>>,
    fifth: OnceLock<Arc<str>>,
}

impl Memo {
    /// The text at a place; `compute` runs if there is none yet.
    pub fn get_or_init(&self, place: MemoPlace, compute: impl FnOnce() -> Arc<str>) -> &Arc<str> {
        let cell = match place {
            MemoPlace::First => &self.first,
            MemoPlace::Second => &self.second,
            MemoPlace::Third => &self.third,
            MemoPlace::Fourth => &self.fourth,
            MemoPlace::Fifth => &self.fifth,
        };
        cell.get_or_init(compute)
    }
}

/// One version of an entity that has a state, with what the registry says of it at that time.
pub struct Entity {
    state: EntityState,
    name: Arc<str>,
    entry: Option<Arc<EntityEntry>>,
    is_exposed: bool,
    memo: Memo,
}

impl Entity {
    /// Its state.
    #[must_use]
    pub fn state(&self) -> &EntityState {
        &self.state
    }

    /// Its display name; see [`EntityState::name`].
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its entry in the entity registry.
    #[must_use]
    pub fn entry(&self) -> Option<&EntityEntry> {
        self.entry.as_deref()
    }

    /// Whether it is exposed to the assistant `conversation`; see [`Exposure::of`].
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.is_exposed
    }

    /// What was derived from this version.
    #[must_use]
    pub fn memo(&self) -> &Memo {
        &self.memo
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entity({})", self.state.entity_id)
    }
}

/// A property by which entities can be found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum IndexKey {
    /// The domain of the entity id.
    Domain(Arc<str>),
    /// The device of the registry entry.
    Device(DeviceId),
    /// The area that counts; see [`Registry::area_of`].
    Area(AreaId),
    /// The floor of that area.
    Floor(FloorId),
    /// A label of the registry entry itself.
    Label(LabelId),
    /// The platform of the registry entry.
    Integration(Arc<str>),
    /// The attribute `device_class` of the state.
    DeviceClass(Arc<str>),
}

/// The content of a house; one owner changes it, readers hold it inside a [`Snapshot`].
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) revision: Revision,
    pub(crate) registry_revision: Revision,
    pub(crate) states: Ordered<EntityId, Arc<Entity>>,
    /// The same entities by display name and place.
    pub(crate) by_name: OrdMap<(Arc<str>, u64), Arc<Entity>>,
    pub(crate) index: OrdMap<IndexKey, OrdSet<EntityId>>,
    pub(crate) registry: Registry,
    pub(crate) config: Arc<HouseConfig>,
    pub(crate) services: Services,
    pub(crate) exposure: Exposure,
}

impl House {
    /// A version of an entity as of this moment.
    pub(crate) fn version_of(&self, state: EntityState) -> Arc<Entity> {
        let entry = self.registry.entities.get(&state.entity_id).cloned();
        Arc::new(Entity {
            name: state.name(),
            is_exposed: self.exposes(&state, entry.as_deref()),
            state,
            entry,
            memo: Memo::default(),
        })
    }

    pub(crate) fn exposes(&self, state: &EntityState, entry: Option<&EntityEntry>) -> bool {
        self.exposure
            .of(&state.entity_id, Some(state), entry, &self.config)
    }

    /// Puts a version in the place of the one before, or at the end.
    pub(crate) fn put(&mut self, entity: Arc<Entity>) {
        let id = entity.state.entity_id.clone();
        let before = self.states.insert(id.clone(), entity.clone());
        let Some(place) = self.states.place(&id) else {
            return;
        };
        if let Some(before) = before.filter(|before| before.name != entity.name) {
            self.by_name.remove(&(before.name.clone(), place));
        }
        self.by_name.insert((entity.name.clone(), place), entity);
    }

    /// Every property of an entity, from its state and its registry entry.
    pub(crate) fn keys_of(&self, id: &EntityId) -> Vec<IndexKey> {
        let state = self.states.get(id);
        let entry = self.registry.entity(id);
        if state.is_none() && entry.is_none() {
            return Vec::new();
        }
        let mut keys = vec![IndexKey::Domain(Arc::from(id.domain()))];
        let class = state.and_then(|s| s.state().attributes.get("device_class"));
        if let Some(Value::Text(class)) = class {
            keys.push(IndexKey::DeviceClass(class.clone()));
        }
        let Some(entry) = entry else { return keys };
        keys.push(IndexKey::Integration(entry.platform.clone()));
        keys.extend(entry.device_id.clone().map(IndexKey::Device));
        keys.extend(entry.labels.iter().cloned().map(IndexKey::Label));
        if let Some(area) = self.registry.area_of(entry) {
            keys.push(IndexKey::Area(area.id.clone()));
            keys.extend(area.floor_id.clone().map(IndexKey::Floor));
        }
        keys
    }
}

/// A house at one revision. Cloning it costs one reference count.
#[derive(Clone)]
pub struct Snapshot(pub(crate) Arc<House>);

impl Snapshot {
    /// The revision of states and registries.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The revision at which an entity came or went, or an entry of the entity registry changed last.
    #[must_use]
    pub fn registry_revision(&self) -> Revision {
        self.0.registry_revision
    }

    /// An entity that has a state.
    #[must_use]
    pub fn entity(&self, id: &EntityId) -> Option<&Entity> {
        self.0.states.get(id).map(|entity| &**entity)
    }

    /// The place of an entity in the order of the state machine; see [`Ordered::place`].
    #[must_use]
    pub fn place(&self, id: &EntityId) -> Option<u64> {
        self.0.states.place(id)
    }

    /// Entities that have a state, in the order of Home Assistant's state machine.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.0.states.values().map(|entity| &**entity)
    }

    /// The same by display name in code point order, equal names in the order of the state machine.
    pub fn entities_by_name(&self) -> impl Iterator<Item = &Entity> {
        self.0.by_name.values().map(|entity| &**entity)
    }

    /// How many entities have a state.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.0.states.len()
    }

    /// Ids of the entities (with a state, a registry entry or both) that have a property.
    pub fn indexed(&self, key: &IndexKey) -> impl Iterator<Item = &EntityId> {
        self.0.index.get(key).into_iter().flatten()
    }

    /// How many entities [`Snapshot::indexed`] gives.
    #[must_use]
    pub fn indexed_count(&self, key: &IndexKey) -> usize {
        self.0.index.get(key).map_or(0, OrdSet::len)
    }

    /// The registries.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &HouseConfig {
        &self.0.config
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.0.services
    }

    /// Whether an entity is exposed to the assistant `conversation`; see [`Exposure::of`].
    #[must_use]
    pub fn is_exposed(&self, id: &EntityId) -> bool {
        let state = self.entity(id).map(Entity::state);
        self.0
            .exposure
            .of(id, state, self.0.registry.entity(id), &self.0.config)
    }

    /// Whether Home Assistant told which entities are exposed; if not, registry options decide.
    #[must_use]
    pub fn exposure_is_known(&self) -> bool {
        matches!(self.0.exposure, Exposure::Known { .. })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Snapshot(revision {}, {} entities)",
            self.0.revision.0,
            self.entity_count()
        )
    }
}
