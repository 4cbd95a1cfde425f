//! A recorded house as files, the layout in which recordings are made, and the demo home that is
//! part of the program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use housekey_home::exposure::Exposure;
use housekey_home::id::EntityId;
use housekey_home::replica::Parts;
use housekey_home::wire::{Payload, WireError};

/// The texts of a recorded house.
#[derive(Clone)]
pub struct Dump {
    states: Cow<'static, str>,
    config: Cow<'static, str>,
    services: Cow<'static, str>,
    entities: Option<Cow<'static, str>>,
    entries: Cow<'static, str>,
    devices: Cow<'static, str>,
    areas: Cow<'static, str>,
    floors: Cow<'static, str>,
    labels: Cow<'static, str>,
    exposed: Cow<'static, str>,
    expose_new: Cow<'static, str>,
}

/// A recorded house cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file is missing.
    #[error("cannot read {file}")]
    Read {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{file} is not what its name says: {error}")]
    Content {
        /// Which.
        file: &'static str,
        /// Why.
        error: WireError,
    },
}

macro_rules! demo {
    ($file:literal) => {
        Cow::Borrowed(include_str!(concat!(
            "../../../ha-fixtures/demo-home/dump/",
            $file
        )))
    };
}

impl Dump {
    /// The demo home.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            states: demo!("states.json"),
            config: demo!("config.json"),
            services: demo!("services.json"),
            entities: Some(demo!("entity_registry_list.json")),
            entries: demo!("entity_registry_entries.json"),
            devices: demo!("device_registry.json"),
            areas: demo!("area_registry.json"),
            floors: demo!("floor_registry.json"),
            labels: demo!("label_registry.json"),
            exposed: demo!("expose_list.json"),
            expose_new: demo!("expose_new.json"),
        }
    }

    /// Reads the files of a recording. Without `services.json` there are no services but those of
    /// scripts, if `services_script.json` is there; without `entity_registry_list.json` the entries
    /// are in their own order.
    ///
    /// # Errors
    /// [`DumpError::Read`] when another file is missing.
    pub fn read(dir: &Path) -> Result<Self, DumpError> {
        let text = |name: &str| {
            let file = dir.join(name);
            let text = std::fs::read_to_string(&file).map_err(|source| DumpError::Read {
                file: file.display().to_string(),
                source,
            })?;
            Ok(Cow::Owned(text))
        };
        let services = text("services.json").or_else(|_| {
            let scripts = text("services_script.json").unwrap_or(Cow::Borrowed("{}"));
            Ok(Cow::Owned(format!("{{\"script\":{scripts}}}")))
        })?;
        Ok(Self {
            states: text("states.json")?,
            config: text("config.json")?,
            services,
            entities: text("entity_registry_list.json").ok(),
            entries: text("entity_registry_entries.json")?,
            devices: text("device_registry.json")?,
            areas: text("area_registry.json")?,
            floors: text("floor_registry.json")?,
            labels: text("label_registry.json")?,
            exposed: text("expose_list.json")?,
            expose_new: text("expose_new.json")?,
        })
    }

    /// The house.
    ///
    /// # Errors
    /// [`DumpError::Content`] when a file is not what its name says.
    pub fn parts(&self) -> Result<Parts, DumpError> {
        let entries = read("entity_registry_entries.json", &self.entries, |p| {
            p.entity_entries()
        })?;
        let mut order: Vec<EntityId> = entries.iter().map(|(id, _)| id.clone()).collect();
        if let Some(list) = &self.entities {
            order = read("entity_registry_list.json", list, Payload::entity_ids)?;
        }
        let mut entries: BTreeMap<_, _> = entries.into_iter().collect();
        Ok(Parts {
            config: read("config.json", &self.config, |p| p.config())?,
            services: read("services.json", &self.services, |p| p.services())?,
            exposure: Exposure::Known {
                exposed: read("expose_list.json", &self.exposed, |p| p.exposed())?,
                expose_new: read("expose_new.json", &self.expose_new, |p| p.expose_new())?,
            },
            entities: order
                .iter()
                .filter_map(|id| entries.remove(id).flatten())
                .collect(),
            devices: read("device_registry.json", &self.devices, |p| p.devices())?,
            areas: read("area_registry.json", &self.areas, |p| p.areas())?,
            floors: read("floor_registry.json", &self.floors, |p| p.floors())?,
            labels: read("label_registry.json", &self.labels, |p| p.labels())?,
            states: read("states.json", &self.states, |p| p.states())?,
        })
    }
}

fn read<'a, T>(
    file: &'static str,
    text: &'a str,
    reader: impl FnOnce(Payload<'a>) -> Result<T, WireError>,
) -> Result<T, DumpError> {
    reader(Payload::new(text)).map_err(|error| DumpError::Content { file, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_home_can_be_loaded() {
        let parts = Dump::demo().parts().unwrap();
        assert!(parts.states.len() > 50 && parts.entities.len() > 50);
        assert!(parts.areas.len() > 3 && !parts.floors.is_empty());
        assert!(parts.services.get("light", "turn_on").is_some());
        assert!(matches!(parts.exposure, Exposure::Known { .. }));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Dump::read(Path::new("no-such-folder")).err().unwrap();
        assert!(error.to_string().contains("states.json"), "{error}");
    }
}
