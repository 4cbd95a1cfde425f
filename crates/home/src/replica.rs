//! `Replica`, the one mutable owner of a house. What it gives out are snapshots.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalogue::{HouseConfig, Services};
use crate::exposure::Exposure;
use crate::id::{AreaId, DeviceId, EntityId};
use crate::ordered::Ordered;
use crate::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry, LabelEntry, Registry};
use crate::snapshot::{Entity, House, IndexKey, Revision, Snapshot};
use crate::state::{Attributes, EntityState};
use crate::wire::{StateDiff, StatesEvent};

/// Everything that a replica consists of; it cannot exist with a part missing (H4).
pub struct Parts {
    /// Configuration.
    pub config: HouseConfig,
    /// Services.
    pub services: Services,
    /// Exposure to the assistant.
    pub exposure: Exposure,
    /// Entity registry, in its order.
    pub entities: Vec<EntityEntry>,
    /// Device registry, in its order.
    pub devices: Vec<DeviceEntry>,
    /// Area registry, in its order.
    pub areas: Vec<AreaEntry>,
    /// Floor registry, in its order.
    pub floors: Vec<FloorEntry>,
    /// Label registry, in its order.
    pub labels: Vec<LabelEntry>,
    /// States, in the order of the state machine.
    pub states: Vec<EntityState>,
}

/// One change of a house, as Home Assistant told it.
#[derive(Debug)]
pub enum Update {
    /// An event of `subscribe_entities`.
    States(StatesEvent),
    /// All states anew, in order: what is not among them is gone.
    AllStates(Vec<EntityState>),
    /// One state anew, with its attributes in their true order.
    State(EntityState),
    /// Entity entries, in the order in which they came to be; `None` is one that is gone.
    Entries(Vec<(EntityId, Option<EntityEntry>)>),
    /// The device registry anew.
    Devices(Vec<DeviceEntry>),
    /// The area registry anew.
    Areas(Vec<AreaEntry>),
    /// The floor registry anew.
    Floors(Vec<FloorEntry>),
    /// The label registry anew.
    Labels(Vec<LabelEntry>),
    /// The services anew.
    Services(Services),
    /// The configuration anew.
    Config(HouseConfig),
    /// Exposure anew.
    Exposure(Exposure),
}

/// What an update did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// Entities whose attribute order is not known until they are fetched whole, and those whose
    /// difference was older than their state, which happens with releases that send two changes of
    /// one entity in the wrong order (before 2026.8).
    pub order_unknown: Vec<EntityId>,
}

/// The replica and Home Assistant have parted ways; only a fresh set of states heals it (H6).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a difference came for {0}, which is not known")]
pub struct Desync(pub EntityId);

/// The mutable owner of a house.
pub struct Replica {
    house: House,
    shapes: BTreeSet<Arc<[Arc<str>]>>,
    shapes_checked: usize,
}

impl Replica {
    /// Builds a replica from all its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let house = House {
            revision: Revision::default(),
            registry_revision: Revision::default(),
            states: Ordered::new(),
            by_name: imbl::OrdMap::new(),
            index: imbl::OrdMap::new(),
            registry: Registry::default(),
            config: Arc::new(parts.config),
            services: parts.services,
            exposure: parts.exposure,
        };
        let mut replica = Self {
            house,
            shapes: BTreeSet::new(),
            shapes_checked: 64,
        };
        replica.set_areas(parts.areas);
        replica.set_floors(parts.floors);
        replica.set_labels(parts.labels);
        replica.set_devices(parts.devices);
        for entry in parts.entities {
            replica.set_entry(&entry.entity_id.clone(), Some(entry));
        }
        replica.set_all_states(parts.states);
        replica
    }

    /// Lets the revisions continue behind those of an earlier replica of the same house, so that a
    /// revision never stands for two contents.
    pub fn continue_after(&mut self, revision: Revision) {
        self.house.revision = self.house.revision.max(Revision(revision.0 + 1));
        self.house.registry_revision = self.house.revision;
    }

    /// The content, for those who compare before they apply.
    pub(crate) fn house(&self) -> &House {
        &self.house
    }

    /// What readers may hold; costs the same for any size of house.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(Arc::new(self.house.clone()))
    }

    /// The same without the states of some entities.
    pub(crate) fn snapshot_without(&self, ids: &[&EntityId]) -> Snapshot {
        let mut rest = Self {
            house: self.house.clone(),
            shapes: BTreeSet::new(),
            shapes_checked: 0,
        };
        for id in ids {
            rest.remove_state(id);
        }
        rest.snapshot()
    }

    /// Applies one update; the revision grows with each (H5).
    ///
    /// # Errors
    /// [`Desync`] when a difference names an entity that is not known. What the same update said
    /// before it is applied; the caller fetches all states anew.
    pub fn apply(&mut self, update: Update) -> Result<Change, Desync> {
        self.house.revision.0 += 1;
        let mut change = Change::default();
        match update {
            Update::States(event) => self.apply_states(event, &mut change)?,
            Update::AllStates(states) => self.set_all_states(states),
            Update::State(state) => {
                if self.house.states.contains(&state.entity_id) {
                    self.set_state(state);
                }
            }
            Update::Entries(entries) => {
                for (id, entry) in entries {
                    self.set_entry(&id, entry);
                }
            }
            Update::Devices(devices) => self.set_devices(devices),
            Update::Areas(areas) => self.set_areas(areas),
            Update::Floors(floors) => self.set_floors(floors),
            Update::Labels(labels) => self.set_labels(labels),
            Update::Services(services) => self.house.services = services,
            Update::Config(config) => self.set_config(config),
            Update::Exposure(exposure) => self.set_exposure(exposure),
        }
        Ok(change)
    }

    fn apply_states(&mut self, event: StatesEvent, change: &mut Change) -> Result<(), Desync> {
        for (id, state) in event.added {
            self.set_state(state.into_state(id));
        }
        for id in event.removed {
            self.remove_state(&id);
        }
        for (id, diff) in event.changed {
            self.apply_diff(&id, diff, change)?;
        }
        Ok(())
    }

    fn apply_diff(
        &mut self,
        id: &EntityId,
        diff: StateDiff,
        change: &mut Change,
    ) -> Result<(), Desync> {
        let before = self
            .house
            .states
            .get(id)
            .ok_or_else(|| Desync(id.clone()))?;
        let (state, place_unknown) = diff.apply(before.state());
        if place_unknown || state.last_updated < before.state().last_updated {
            change.order_unknown.push(id.clone());
        }
        self.set_state(state);
        Ok(())
    }

    fn set_state(&mut self, mut state: EntityState) {
        state.attributes = self.shared_shape(state.attributes);
        let id = state.entity_id.clone();
        let class = |state: &EntityState| state.attributes.get("device_class").cloned();
        let before = self.house.states.get(&id);
        let keys_stay = before.is_some_and(|b| class(b.state()) == class(&state));
        let entity = self.house.version_of(state);
        if keys_stay {
            self.house.put(entity);
        } else {
            self.reindexed(&id, |house| house.put(entity));
        }
    }

    fn remove_state(&mut self, id: &EntityId) {
        let Some(place) = self.house.states.place(id) else {
            return;
        };
        if let Some(entity) = self.house.states.get(id) {
            self.house.by_name.remove(&(entity.name().clone(), place));
        }
        self.reindexed(id, |house| {
            house.states.remove(id);
        });
    }

    /// Replaces all states. When ids and order are as before, versions that are equal to the letter
    /// stay, and their memos with them.
    fn set_all_states(&mut self, states: Vec<EntityState>) {
        let same_order = self.house.states.len() == states.len()
            && self
                .house
                .states
                .keys()
                .eq(states.iter().map(|state| &state.entity_id));
        if !same_order {
            let gone: Vec<EntityId> = self.house.states.keys().cloned().collect();
            for id in gone {
                self.remove_state(&id);
            }
        }
        for state in states {
            let known = self.house.states.get(&state.entity_id);
            if !known.is_some_and(|entity| *entity.state() == state) {
                self.set_state(state);
            }
        }
    }

    fn set_entry(&mut self, id: &EntityId, entry: Option<EntityEntry>) {
        if entry.as_ref() == self.house.registry.entity(id) {
            return;
        }
        let fields = entry
            .as_ref()
            .map(|entry| self.shared_shape(entry.fields.clone()));
        self.reindexed(id, |house| {
            let registry = &mut house.registry;
            // After a rename the registry id may belong to the new entity id already.
            if let Some(before) = registry.entities.get(id)
                && registry.entity_ids.get(&before.id) == Some(id)
            {
                registry.entity_ids.remove(&before.id);
            }
            match (entry, fields) {
                (Some(entry), Some(fields)) => {
                    registry.entity_ids.insert(entry.id.clone(), id.clone());
                    registry
                        .entities
                        .insert(id.clone(), Arc::new(EntityEntry { fields, ..entry }));
                }
                (_, _) => {
                    registry.entities.remove(id);
                }
            }
        });
        self.renew(id);
    }

    fn set_devices(&mut self, devices: Vec<DeviceEntry>) {
        let fresh: Ordered<DeviceId, Arc<DeviceEntry>> = devices
            .into_iter()
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
        let before = &self.house.registry.devices;
        let mut touched: BTreeSet<DeviceId> = changed_keys(before, &fresh).into_iter().collect();
        let parts: Vec<DeviceId> = before
            .values()
            .chain(fresh.values())
            .filter(|d| {
                d.parent_device_id
                    .as_ref()
                    .is_some_and(|id| touched.contains(id))
            })
            .map(|d| d.id.clone())
            .collect();
        touched.extend(parts);
        let entities = self.indexed(touched.into_iter().map(IndexKey::Device));
        self.reindexed_all(&entities, |house| house.registry.devices = fresh);
    }

    fn set_areas(&mut self, areas: Vec<AreaEntry>) {
        let fresh: Ordered<AreaId, Arc<AreaEntry>> = areas
            .into_iter()
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
        let before = &self.house.registry.areas;
        let came_or_went = before.keys().any(|id| !fresh.contains(id))
            || fresh.keys().any(|id| !before.contains(id));
        // An entry may name an area that does not exist, so a new area can take in any entity.
        let entities = if came_or_went {
            self.house.registry.entities.keys().cloned().collect()
        } else {
            self.indexed(changed_keys(before, &fresh).into_iter().map(IndexKey::Area))
        };
        self.reindexed_all(&entities, |house| house.registry.areas = fresh);
    }

    fn set_floors(&mut self, floors: Vec<FloorEntry>) {
        self.house.registry.floors = floors
            .into_iter()
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
    }

    fn set_labels(&mut self, labels: Vec<LabelEntry>) {
        self.house.registry.labels = labels
            .into_iter()
            .map(|entry| (entry.id.clone(), Arc::new(entry)))
            .collect();
    }

    fn set_config(&mut self, config: HouseConfig) {
        let before = std::mem::replace(&mut self.house.config, Arc::new(config));
        let config = &self.house.config;
        let same_words = before.time_zone == config.time_zone && before.version == config.version;
        if same_words {
            self.renew_where_exposure_moved();
        } else {
            self.renew_all(|_| true);
        }
    }

    fn set_exposure(&mut self, exposure: Exposure) {
        self.house.exposure = exposure;
        self.renew_where_exposure_moved();
    }

    fn renew_where_exposure_moved(&mut self) {
        let house = self.house.clone();
        self.renew_all(|entity| {
            house.exposes(entity.state(), entity.entry()) != entity.is_exposed()
        });
    }

    fn renew_all(&mut self, which: impl Fn(&Entity) -> bool) {
        let chosen = self.house.states.values().filter(|entity| which(entity));
        let ids: Vec<EntityId> = chosen
            .map(|entity| entity.state().entity_id.clone())
            .collect();
        for id in &ids {
            self.renew(id);
        }
    }

    fn indexed(&self, keys: impl Iterator<Item = IndexKey>) -> Vec<EntityId> {
        let index = &self.house.index;
        keys.flat_map(|key| index.get(&key).into_iter().flatten().cloned())
            .collect()
    }

    fn reindexed_all(&mut self, ids: &[EntityId], change: impl FnOnce(&mut House)) {
        let before: Vec<Vec<IndexKey>> = ids.iter().map(|id| self.house.keys_of(id)).collect();
        change(&mut self.house);
        for (id, before) in ids.iter().zip(before) {
            self.reindex(id, &before);
            self.renew(id);
        }
    }

    fn reindexed(&mut self, id: &EntityId, change: impl FnOnce(&mut House)) {
        self.house.registry_revision = self.house.revision;
        let before = self.house.keys_of(id);
        change(&mut self.house);
        self.reindex(id, &before);
    }

    fn reindex(&mut self, id: &EntityId, before: &[IndexKey]) {
        let after = self.house.keys_of(id);
        for key in before.iter().filter(|key| !after.contains(key)) {
            let Some(ids) = self.house.index.get_mut(key) else {
                continue;
            };
            ids.remove(id);
            if ids.is_empty() {
                self.house.index.remove(key);
            }
        }
        for key in after.into_iter().filter(|key| !before.contains(key)) {
            self.house.index.entry(key).or_default().insert(id.clone());
        }
    }

    /// Begins a new version of the entity, with the registry entry of this moment and an empty memo.
    fn renew(&mut self, id: &EntityId) {
        if let Some(entity) = self.house.states.get(id) {
            let fresh = self.house.version_of(entity.state().clone());
            self.house.put(fresh);
        }
    }

    /// Lets attributes of one shape share one list of keys. Lists that nothing uses are dropped
    /// whenever their number has doubled.
    fn shared_shape(&mut self, mut attributes: Attributes) -> Attributes {
        if let Some(known) = self.shapes.get(attributes.keys()) {
            attributes.share_keys(&known.clone());
        } else {
            self.shapes.insert(attributes.keys().clone());
            if self.shapes.len() > 2 * self.shapes_checked {
                self.shapes.retain(|keys| Arc::strong_count(keys) > 1);
                self.shapes_checked = self.shapes.len().max(64);
            }
        }
        attributes
    }
}

/// Keys whose value differs between two maps, or that only one of them has.
fn changed_keys<K: Ord + Clone, V: Clone + PartialEq>(
    before: &Ordered<K, V>,
    after: &Ordered<K, V>,
) -> Vec<K> {
    let went_or_changed = before
        .iter()
        .filter(|(key, value)| after.get(*key) != Some(*value));
    let came = after.iter().filter(|(key, _)| !before.contains(*key));
    went_or_changed
        .chain(came)
        .map(|(key, _)| key.clone())
        .collect()
}

#[cfg(test)]
mod tests;
