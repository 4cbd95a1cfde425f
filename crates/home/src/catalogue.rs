//! What else describes a house: its configuration and its services.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::value::{Map, Value};

/// How far Home Assistant has come up (`get_config.state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunState {
    /// `NOT_RUNNING` or `STARTING`: entities may be missing that will come.
    Starting,
    /// `RUNNING`.
    Running,
    /// `STOPPING`, `FINAL_WRITE`, `STOPPED`.
    Stopping,
}

/// The answer to `get_config`.
#[derive(Clone, PartialEq, Debug)]
pub struct HouseConfig {
    /// The release, `YYYY.M.P` with a possible suffix.
    pub version: Arc<str>,
    /// The name of the home.
    pub location_name: Arc<str>,
    /// IANA name of the time zone.
    pub time_zone: Arc<str>,
    /// How far Home Assistant has come up.
    pub run_state: RunState,
    /// Loaded integrations.
    pub components: Arc<BTreeSet<Arc<str>>>,
    /// Every field as it came.
    pub fields: Arc<Map>,
}

impl HouseConfig {
    /// Reads the result of `get_config`; what is missing gets a safe value (UTC, starting).
    #[must_use]
    pub fn from_fields(fields: Map) -> Self {
        let text = |key: &str| -> Option<Arc<str>> {
            let Value::Text(text) = fields.get(key)? else {
                return None;
            };
            Some(text.clone())
        };
        let components = fields
            .get("components")
            .and_then(Value::as_items)
            .unwrap_or_default();
        let components = components
            .iter()
            .filter_map(Value::as_str)
            .map(Arc::from)
            .collect();
        let run_state = match text("state").as_deref() {
            Some("RUNNING") => RunState::Running,
            Some("STOPPING" | "FINAL_WRITE" | "STOPPED") => RunState::Stopping,
            Some(_) | None => RunState::Starting,
        };
        Self {
            version: text("version").unwrap_or_default(),
            location_name: text("location_name").unwrap_or_default(),
            time_zone: text("time_zone").unwrap_or_else(|| Arc::from("UTC")),
            run_state,
            components: Arc::new(components),
            fields: Arc::new(fields),
        }
    }
}

/// The answer to `get_services`: `{domain: {service: description}}`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Services(Arc<Map>);

impl Services {
    /// Takes the result of `get_services`.
    #[must_use]
    pub fn from_fields(fields: Map) -> Self {
        Self(Arc::new(fields))
    }

    /// The description of a service: `fields`, `target`, `response`, …
    #[must_use]
    pub fn get(&self, domain: &str, service: &str) -> Option<&Map> {
        let Value::Map(of_domain) = self.0.get(domain)? else {
            return None;
        };
        let Value::Map(description) = of_domain.get(service)? else {
            return None;
        };
        Some(description)
    }

    /// Everything, as it came.
    #[must_use]
    pub fn fields(&self) -> &Map {
        &self.0
    }
}
