//! A recorded house: what Home Assistant's WebSocket said of an instance at one moment.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::{ASSISTANT, Exposure};
use housekey_home::id::EntityId;
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry, LabelEntry};
use housekey_home::replica::{Parts, Replica};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::Attributes;
use housekey_home::value::{Map, Value};
use imbl::OrdSet;

use crate::parse;

/// The parts of the house in a `dump` folder.
///
/// # Errors
/// When a file is missing or not what it should be.
pub fn parts(dir: &Path) -> Result<Parts> {
    let list = |file: &str| -> Result<Vec<Attributes>> { parse(&dir.join(file)) };
    // Instances without floors or labels were recorded without them.
    let list_if_any = |file: &str| match dir.join(file).is_file() {
        true => list(file),
        false => Ok(Vec::new()),
    };
    let entries: Map = parse(&dir.join("entity_registry_entries.json"))?;
    let entries = entries.iter().map(|(id, entry)| {
        let Value::Map(fields) = entry else {
            anyhow::bail!("the registry entry of {id} is no object");
        };
        let fields = fields.iter().map(|(k, v)| (k.clone(), v.clone()));
        Ok(EntityEntry::from_fields(Attributes::from_pairs(fields))?)
    });
    Ok(Parts {
        config: HouseConfig::from_fields(parse(&dir.join("config.json"))?),
        services: Services::default(),
        exposure: exposure(dir)?,
        entities: entries.collect::<Result<_>>()?,
        devices: all(list("device_registry.json")?, DeviceEntry::from_fields)?,
        areas: all(list("area_registry.json")?, AreaEntry::from_fields)?,
        floors: all(list_if_any("floor_registry.json")?, FloorEntry::from_fields)?,
        labels: all(list_if_any("label_registry.json")?, LabelEntry::from_fields)?,
        states: parse(&dir.join("states.json"))?,
    })
}

/// The house in a `dump` folder, and the same house with nothing exposed.
///
/// # Errors
/// As [`parts`].
pub fn snapshots(dir: &Path) -> Result<(Snapshot, Snapshot)> {
    let house = Replica::new(parts(dir)?).snapshot();
    let mut hidden = parts(dir)?;
    hidden.exposure = Exposure::Known {
        exposed: OrdSet::new(),
        expose_new: false,
    };
    Ok((house, Replica::new(hidden).snapshot()))
}

fn all<T, E>(
    rows: Vec<Attributes>,
    read: impl Fn(Attributes) -> std::result::Result<T, E>,
) -> Result<Vec<T>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    rows.into_iter().map(|row| Ok(read(row)?)).collect()
}

fn exposure(dir: &Path) -> Result<Exposure> {
    let list: Map = parse(&dir.join("expose_list.json"))?;
    let new: Map = parse(&dir.join("expose_new.json"))?;
    let Some(Value::Map(entities)) = list.get("exposed_entities") else {
        anyhow::bail!("expose_list.json has no exposed_entities");
    };
    let mut exposed = OrdSet::new();
    for (id, assistants) in entities.iter() {
        let Value::Map(assistants) = assistants else {
            continue;
        };
        if assistants.get(ASSISTANT) == Some(&Value::Bool(true)) {
            exposed.insert(EntityId::from_home(id).with_context(|| format!("exposed: {id}"))?);
        }
    }
    Ok(Exposure::Known {
        exposed,
        expose_new: new.get("expose_new") == Some(&Value::Bool(true)),
    })
}

/// The release that a dump was taken from.
///
/// # Errors
/// When there is no configuration.
pub fn release(dir: &Path) -> Result<Arc<str>> {
    Ok(HouseConfig::from_fields(parse(&dir.join("config.json"))?).version)
}
