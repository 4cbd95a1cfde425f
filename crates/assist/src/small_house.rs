//! A house for tests: a few areas and devices, and the entities that a test puts in.

use std::sync::Arc;

use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry};
use housekey_home::replica::{Parts, Replica};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::{Attributes, EntityState};
use housekey_policy::tree::{Color, Node};
use housekey_policy::{Scope, View};
use serde_json::{Value, json};

const AREAS: &str = r#"[
    {"area_id":"kitchen","name":"Kitchen","aliases":["cuisine","Küche"],"floor_id":"ground"},
    {"area_id":"attic","name":"Attic","aliases":[]}
]"#;

const FLOORS: &str = r#"[{"floor_id":"ground","name":"Ground","aliases":[]}]"#;

const DEVICES: &str = r#"[
    {"id":"hub","name":"Hub","name_by_user":null,"area_id":"kitchen","parent_device_id":null},
    {"id":"socket","name":"Socket","name_by_user":"Left","area_id":null,"parent_device_id":"hub"},
    {"id":"away","name":"Away","name_by_user":null,"area_id":"attic","parent_device_id":"hub"},
    {"id":"nameless","name":null,"name_by_user":"","area_id":null,"parent_device_id":null}
]"#;

pub(crate) struct House {
    pub(crate) states: Vec<Value>,
    pub(crate) entries: Vec<Value>,
    pub(crate) exposed: bool,
    pub(crate) release: &'static str,
}

impl House {
    pub(crate) fn new() -> Self {
        Self {
            states: Vec::new(),
            entries: Vec::new(),
            exposed: true,
            release: "2026.11.0",
        }
    }

    pub(crate) fn of_release(mut self, release: &'static str) -> Self {
        self.release = release;
        self
    }

    pub(crate) fn state(mut self, id: &str, state: &str, attributes: &Value) -> Self {
        self.states.push(json!({
            "entity_id": id,
            "state": state,
            "attributes": attributes,
            "last_changed": "2026-11-23T05:14:04+00:00",
            "last_updated": "2026-11-23T05:14:04+00:00",
            "context": {"id": "c"},
        }));
        self
    }

    /// Registers an entity; `more` replaces what an entry has by default.
    pub(crate) fn entry(mut self, id: &str, more: &Value) -> Self {
        let mut entry = json!({
            "id": format!("r-{id}"),
            "entity_id": id,
            "aliases": [null],
            "original_name": "Own",
        });
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        self.entries.push(entry);
        self
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let rows = |json: &str| -> Vec<Attributes> { serde_json::from_str(json).unwrap() };
        let config = json!({
            "time_zone": "Europe/Berlin",
            "state": "RUNNING",
            "components": ["conversation"],
            "version": self.release,
        });
        let states: Vec<EntityState> = self.states.iter().map(read).collect();
        let exposed = states.iter().filter(|_| self.exposed);
        Replica::new(Parts {
            config: HouseConfig::from_fields(read(&config)),
            services: Services::default(),
            exposure: Exposure::Known {
                exposed: exposed.map(|state| state.entity_id.clone()).collect(),
                expose_new: false,
            },
            entities: self
                .entries
                .iter()
                .map(|entry| EntityEntry::from_fields(read(entry)).unwrap())
                .collect(),
            devices: rows(DEVICES)
                .into_iter()
                .map(|row| DeviceEntry::from_fields(row).unwrap())
                .collect(),
            areas: rows(AREAS)
                .into_iter()
                .map(|row| AreaEntry::from_fields(row).unwrap())
                .collect(),
            floors: rows(FLOORS)
                .into_iter()
                .map(|row| FloorEntry::from_fields(row).unwrap())
                .collect(),
            labels: Vec::new(),
            states,
        })
        .snapshot()
    }

    pub(crate) fn view(&self) -> View {
        View::unrestricted(self.snapshot())
    }
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

/// The house for a token that reads one domain.
pub(crate) fn limited(house: &House, domain: &str) -> View {
    let mut scope = Scope::default();
    let node = Node {
        color: Color::Yellow,
        hint: None,
    };
    scope.tree.set_domain(domain, node);
    View::new(house.snapshot(), Arc::new(scope))
}
