//! `Loading`, the parts of a first sync. A replica with a missing part cannot exist (H4).

use std::collections::BTreeMap;
use std::fmt;

use crate::catalogue::{HouseConfig, Services};
use crate::exposure::Exposure;
use crate::id::EntityId;
use crate::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry, LabelEntry};
use crate::replica::{Parts, Replica};
use crate::state::EntityState;

/// Collects the parts of a first sync; a part that comes twice counts as it came last.
#[derive(Default)]
pub struct Loading {
    config: Option<HouseConfig>,
    services: Option<Services>,
    exposure: Option<Exposure>,
    entity_ids: Option<Vec<EntityId>>,
    /// Extended entries as they come in; `None` for one that went away after it was listed.
    entries: BTreeMap<EntityId, Option<EntityEntry>>,
    devices: Option<Vec<DeviceEntry>>,
    areas: Option<Vec<AreaEntry>>,
    floors: Option<Vec<FloorEntry>>,
    labels: Option<Vec<LabelEntry>>,
    states: Option<Vec<EntityState>>,
}

/// One part.
#[derive(Debug)]
pub enum Part {
    /// Configuration.
    Config(HouseConfig),
    /// Services.
    Services(Services),
    /// Exposure, known or refused.
    Exposure(Exposure),
    /// The entity ids of the registry, in its order.
    EntityIds(Vec<EntityId>),
    /// Some of their entries.
    Entries(Vec<(EntityId, Option<EntityEntry>)>),
    /// Device registry.
    Devices(Vec<DeviceEntry>),
    /// Area registry.
    Areas(Vec<AreaEntry>),
    /// Floor registry.
    Floors(Vec<FloorEntry>),
    /// Label registry.
    Labels(Vec<LabelEntry>),
    /// All states.
    States(Vec<EntityState>),
}

impl Loading {
    /// Takes a part.
    pub fn add(&mut self, part: Part) {
        match part {
            Part::Config(config) => self.config = Some(config),
            Part::Services(services) => self.services = Some(services),
            Part::Exposure(exposure) => self.exposure = Some(exposure),
            Part::EntityIds(ids) => self.entity_ids = Some(ids),
            Part::Entries(entries) => self.entries.extend(entries),
            Part::Devices(devices) => self.devices = Some(devices),
            Part::Areas(areas) => self.areas = Some(areas),
            Part::Floors(floors) => self.floors = Some(floors),
            Part::Labels(labels) => self.labels = Some(labels),
            Part::States(states) => self.states = Some(states),
        }
    }

    /// What is still missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let entries_complete = self
            .entity_ids
            .as_ref()
            .is_some_and(|ids| ids.iter().all(|id| self.entries.contains_key(id)));
        [
            ("config", self.config.is_some()),
            ("services", self.services.is_some()),
            ("exposure", self.exposure.is_some()),
            ("entity list", self.entity_ids.is_some()),
            ("entity entries", entries_complete),
            ("devices", self.devices.is_some()),
            ("areas", self.areas.is_some()),
            ("floors", self.floors.is_some()),
            ("labels", self.labels.is_some()),
            ("states", self.states.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| (!there).then_some(name))
        .collect()
    }

    /// The replica.
    ///
    /// # Errors
    /// Gives itself back while a part is missing.
    pub fn finish(mut self) -> Result<Replica, Box<Self>> {
        if !self.missing().is_empty() {
            return Err(Box::new(self));
        }
        match self {
            Self {
                config: Some(config),
                services: Some(services),
                exposure: Some(exposure),
                entity_ids: Some(entity_ids),
                ref mut entries,
                devices: Some(devices),
                areas: Some(areas),
                floors: Some(floors),
                labels: Some(labels),
                states: Some(states),
            } => Ok(Replica::new(Parts {
                config,
                services,
                exposure,
                entities: entity_ids
                    .iter()
                    .filter_map(|id| entries.remove(id).flatten())
                    .collect(),
                devices,
                areas,
                floors,
                labels,
                states,
            })),
            incomplete => Err(Box::new(incomplete)),
        }
    }
}

impl fmt::Debug for Loading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loading(missing {:?})", self.missing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;

    fn parts() -> Vec<Part> {
        let id = EntityId::parse("light.a").unwrap();
        vec![
            Part::Config(HouseConfig::from_fields(Map::default())),
            Part::Services(Services::default()),
            Part::Exposure(Exposure::Refused),
            Part::EntityIds(vec![id.clone()]),
            Part::Entries(vec![(id, None)]),
            Part::Devices(Vec::new()),
            Part::Areas(Vec::new()),
            Part::Floors(Vec::new()),
            Part::Labels(Vec::new()),
            Part::States(Vec::new()),
        ]
    }

    #[test]
    fn h4_a_replica_with_a_missing_part_cannot_exist() {
        let count = parts().len();
        for left_out in 0..count {
            let mut loading = Loading::default();
            for (index, part) in parts().into_iter().enumerate() {
                if index != left_out {
                    loading.add(part);
                }
            }
            let missing = loading.missing();
            assert!(!missing.is_empty(), "part {left_out}");
            let loading = loading.finish().err().expect("a part is missing");
            assert_eq!(loading.missing(), missing);
        }
        let mut loading = Loading::default();
        parts().into_iter().for_each(|part| loading.add(part));
        assert!(loading.finish().is_ok());
    }
}
