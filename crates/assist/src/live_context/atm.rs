//! The overview as ATM 1.1 gives it to a token with a scope: every readable entity, under its one
//! name, with fewer attributes, of which numbers are texts.
//!
//! ATM writes its YAML by hand and forgets quotes; here they are written, so that a name cannot pass
//! for a line of the overview.

use std::borrow::Cow;

use housekey_home::value::Value;
use housekey_policy::{View, Visible};

use crate::pythonic::scalar_text;
use crate::yaml;

const HEADING: &str = "Live Context: An overview of the areas and the devices in this smart home:";

const SHOWN: [&str; 9] = [
    "unit_of_measurement",
    "device_class",
    "brightness",
    "volume_level",
    "media_title",
    "current_temperature",
    "temperature",
    "current_position",
    "percentage",
];

/// The overview; its heading alone when nothing may be read.
#[must_use]
pub fn overview(view: &View) -> String {
    let entities = view.entities();
    let mut named: Vec<(Cow<'_, str>, &Visible<'_>)> = entities
        .iter()
        .map(|entity| (name(entity), entity))
        .collect();
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut out = format!("{HEADING}\n");
    for (name, entity) in named {
        out.push_str(&fragment(&name, entity));
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// Its friendly name, or else its id.
fn name<'v>(entity: &Visible<'v>) -> Cow<'v, str> {
    match entity.attribute("friendly_name").as_deref() {
        Some(Value::Text(name)) if !name.is_empty() => Cow::Owned(name.to_string()),
        Some(_) | None => Cow::Borrowed(entity.id().as_str()),
    }
}

fn fragment(name: &str, entity: &Visible<'_>) -> String {
    let mut item = yaml::Item::begin();
    item.text("names", name);
    item.text("domain", entity.domain());
    item.text("state", entity.state());
    if let Some(area) = entity.area() {
        item.text("areas", area.name());
    }
    let attributes: Vec<(&str, Value)> = SHOWN
        .into_iter()
        .filter_map(|key| {
            let value = entity.attribute(key)?;
            Some((key, shown(&value)?))
        })
        .collect();
    if !attributes.is_empty() {
        let pairs = attributes.iter().map(|(key, value)| (*key, value));
        item.map("attributes", pairs);
    }
    item.finish()
}

/// Floats and nothing stay what they are; every other scalar becomes a text.
fn shown(value: &Value) -> Option<Value> {
    match value {
        Value::Float(_) | Value::Null => Some(value.clone()),
        Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Tuple(_)
        | Value::Set(_)
        | Value::DateTime(_) => scalar_text(value).map(|text| Value::text(&text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::small_house::{House, limited};

    #[test]
    fn as_recorded_of_atm() {
        let house = House::new()
            .state(
                "light.bed_light",
                "on",
                &json!({"friendly_name": "Bed Light", "brightness": 180, "color_mode": "hs"}),
            )
            .state(
                "light.percent",
                "54",
                &json!({"friendly_name": "Backup: Size", "unit_of_measurement": "%",
                        "volume_level": 0.5, "media_title": null, "percentage": true}),
            )
            .state("light.plain", "idle", &json!({}))
            .state("lock.hidden", "locked", &json!({"friendly_name": "A"}));
        let expected = "Live Context: An overview of the areas and the devices in this smart home:
- names: 'Backup: Size'
  domain: light
  state: '54'
  attributes:
    unit_of_measurement: '%'
    volume_level: 0.5
    media_title:
    percentage: 'True'
- names: Bed Light
  domain: light
  state: 'on'
  attributes:
    brightness: '180'
- names: light.plain
  domain: light
  state: idle";
        assert_eq!(overview(&limited(&house, "light")), expected);
        assert_eq!(overview(&limited(&house, "fan")), HEADING);
    }
}
