//! Which entities are exposed to the assistant `conversation`.

use imbl::OrdSet;

use crate::catalogue::HouseConfig;
use crate::id::EntityId;
use crate::registry::EntityEntry;
use crate::state::EntityState;
use crate::value::Value;

/// The assistant whose exposure counts for agents.
pub const ASSISTANT: &str = "conversation";

/// What `homeassistant/expose_entity/list` said; it needs an administrator.
#[derive(Clone, PartialEq, Debug)]
pub enum Exposure {
    /// The answer, and the default for entities that nobody decided on.
    Known {
        /// Exposed entities.
        exposed: OrdSet<EntityId>,
        /// `expose_new_entities` of the assistant.
        expose_new: bool,
    },
    /// Home Assistant refused to tell: the registry's options decide.
    Refused,
}

/// Domains exposed by default (HA 2026.11 `homeassistant/exposed_entities.py`).
const DOMAINS: [&str; 11] = [
    "climate",
    "cover",
    "fan",
    "humidifier",
    "light",
    "media_player",
    "scene",
    "switch",
    "todo",
    "vacuum",
    "water_heater",
];
/// Device classes of binary sensors exposed by default (same source).
const BINARY_SENSOR_CLASSES: [&str; 7] = [
    "door",
    "garage_door",
    "lock",
    "motion",
    "opening",
    "presence",
    "window",
];
/// Device classes of sensors exposed by default (same source).
const SENSOR_CLASSES: [&str; 8] = [
    "aqi",
    "carbon_monoxide",
    "carbon_dioxide",
    "humidity",
    "pm10",
    "pm25",
    "temperature",
    "volatile_organic_compounds",
];

impl Exposure {
    /// Whether an entity is exposed; one without a state only when somebody decided so.
    ///
    /// With the integration `conversation` loaded the list is complete, because Home Assistant
    /// decides on every new entity by itself; without it the default applies to entities that
    /// nobody decided on.
    #[must_use]
    pub fn of(
        &self,
        id: &EntityId,
        state: Option<&EntityState>,
        entry: Option<&EntityEntry>,
        config: &HouseConfig,
    ) -> bool {
        let stored = || entry.and_then(|entry| entry.option(ASSISTANT, "should_expose"));
        let (listed, expose_new) = match self {
            Self::Known {
                exposed,
                expose_new,
            } => (exposed.contains(id), *expose_new),
            Self::Refused => (stored() == Some(&Value::Bool(true)), true),
        };
        if listed || config.components.contains(ASSISTANT) || stored().is_some() {
            return listed;
        }
        expose_new && state.is_some_and(|state| exposed_by_default(state, entry))
    }
}

fn exposed_by_default(state: &EntityState, entry: Option<&EntityEntry>) -> bool {
    if entry.is_some_and(|entry| entry.entity_category.is_some() || entry.hidden_by.is_some()) {
        return false;
    }
    let class = state
        .attributes
        .get("device_class")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match state.entity_id.domain() {
        "binary_sensor" => BINARY_SENSOR_CLASSES.contains(&class),
        "sensor" => SENSOR_CLASSES.contains(&class),
        domain => DOMAINS.contains(&domain),
    }
}
