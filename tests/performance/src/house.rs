//! A house of any size: areas, devices, registered entities with the attributes that real ones have.

use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::id::EntityId;
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry};
use housekey_home::replica::{Parts, Replica};
use housekey_home::state::{Attributes, EntityState};
use serde_json::{Value, json};

/// Entities of one device.
const ENTITIES_A_DEVICE: usize = 4;
/// Devices of one area.
const DEVICES_AN_AREA: usize = 12;

/// A house of `entities` entities, all exposed.
pub(crate) fn of(entities: usize) -> anyhow::Result<Replica> {
    let devices = entities.div_ceil(ENTITIES_A_DEVICE);
    let areas = devices.div_ceil(DEVICES_AN_AREA);
    let mut parts = Parts {
        config: HouseConfig::from_fields(serde_json::from_value(json!({
            "version": "2026.11.0", "location_name": "Bench", "time_zone": "Europe/Berlin",
            "state": "RUNNING", "components": ["conversation"],
        }))?),
        services: Services::default(),
        exposure: Exposure::Refused,
        entities: Vec::new(),
        devices: Vec::new(),
        areas: Vec::new(),
        floors: Vec::new(),
        labels: Vec::new(),
        states: Vec::new(),
    };
    for area in 0..areas {
        parts.areas.push(AreaEntry::from_fields(fields(json!({
            "area_id": format!("area_{area}"), "name": format!("Area {area}"),
            "aliases": [format!("Zone {area}")], "floor_id": null,
        }))?)?);
    }
    for device in 0..devices {
        parts.devices.push(DeviceEntry::from_fields(fields(json!({
            "id": format!("device{device}"), "name": format!("Device {device}"),
            "area_id": format!("area_{}", device / DEVICES_AN_AREA),
        }))?)?);
    }
    let mut exposed = Vec::new();
    for number in 0..entities {
        let (id, state) = state(number)?;
        exposed.push(id.clone());
        parts.states.push(state);
        parts.entities.push(EntityEntry::from_fields(fields(json!({
            "id": format!("{number:032x}"), "entity_id": id.as_str(),
            "device_id": format!("device{}", number / ENTITIES_A_DEVICE),
            "platform": "bench", "unique_id": format!("u{number}"), "aliases": [null],
            "original_name": format!("Part {number}"), "options": {},
        }))?)?);
    }
    parts.exposure = Exposure::Known {
        exposed: exposed.into_iter().collect(),
        expose_new: true,
    };
    Ok(Replica::new(parts))
}

/// One entity: lights, sensors, covers and switches in turn.
fn state(number: usize) -> anyhow::Result<(EntityId, EntityState)> {
    let (domain, text, mut attributes) = match number % 4 {
        0 => (
            "light",
            "on",
            json!({"brightness": number % 256, "color_mode": "hs"}),
        ),
        1 => (
            "sensor",
            "21.5",
            json!({"state_class": "measurement", "unit_of_measurement": "°C",
                   "device_class": "temperature"}),
        ),
        2 => ("cover", "open", json!({"current_position": number % 101})),
        _ => ("switch", "off", json!({"device_class": "outlet"})),
    };
    let id = EntityId::parse(&format!("{domain}.thing_{number}"))?;
    if let Some(members) = attributes.as_object_mut() {
        members.insert(
            "friendly_name".to_owned(),
            json!(format!("Device Thing {number}")),
        );
    }
    let at = "2026-11-24T10:00:00.123456+00:00";
    let state = serde_json::from_value(json!({
        "entity_id": id.as_str(), "state": text, "attributes": attributes, "last_changed": at,
        "last_updated": at,
        "context": {"id": format!("01BENCH{number:019}"), "parent_id": null, "user_id": null},
    }))?;
    Ok((id, state))
}

fn fields(object: Value) -> anyhow::Result<Attributes> {
    Ok(serde_json::from_value(object)?)
}
