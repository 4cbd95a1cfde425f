//! What the overview says of one entity.

use housekey_home::value::Value;
use housekey_policy::{Facts, Visible};
use std::borrow::Cow;

use crate::pythonic::number::sensor_round;
use crate::pythonic::text::{normalized, strip};
use crate::release::{Names, Profile};
use crate::{json, local_time, yaml};

/// Attributes that are shown (HA 2026.11 `components/homeassistant/llm.py`).
const SHOWN: [&str; 13] = [
    "temperature",
    "current_temperature",
    "temperature_unit",
    "brightness",
    "humidity",
    "unit_of_measurement",
    "device_class",
    "current_position",
    "percentage",
    "volume_level",
    "media_title",
    "media_artist",
    "media_album_name",
];

/// A memoised form of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Its YAML.
    Text,
    /// Its YAML as it stands in a JSON text that stands in an ASCII JSON text.
    Wire,
    /// Its YAML without state and attributes.
    Outline,
}

impl Kind {
    /// The fragment of an entity, made at most once.
    #[must_use]
    pub fn of<'v>(self, entity: &Visible<'v>) -> &'v str {
        match self {
            Self::Text => entity.memo(crate::memo::FRAGMENT, |facts| {
                text(facts, Profile::of(facts.release())).into()
            }),
            Self::Wire => entity.memo(crate::memo::FRAGMENT_ON_WIRE, |facts| {
                wire(facts, Profile::of(facts.release())).into()
            }),
            Self::Outline => entity.memo(crate::memo::OUTLINE, |facts| {
                outline(facts, Profile::of(facts.release())).into()
            }),
        }
    }
}

fn text(facts: &Facts<'_>, profile: &Profile) -> String {
    let mut item = yaml::Item::begin();
    item.text("names", &names(facts, profile).join(", "));
    item.text("domain", facts.domain());
    item.text("state", &state_text(facts, profile));
    if let Some(areas) = areas(facts, profile) {
        item.text("areas", &areas);
    }
    let attributes = attributes(facts, profile);
    if !attributes.is_empty() {
        let pairs = attributes.iter().map(|(key, value)| (*key, value));
        item.map("attributes", pairs);
    }
    item.finish()
}

fn outline(facts: &Facts<'_>, profile: &Profile) -> String {
    let mut item = yaml::Item::begin();
    item.text("names", &names(facts, profile).join(", "));
    item.text("domain", facts.domain());
    if let Some(areas) = areas(facts, profile) {
        item.text("areas", &areas);
    }
    item.finish()
}

fn wire(facts: &Facts<'_>, profile: &Profile) -> String {
    let text = text(facts, profile);
    let mut escaped = String::with_capacity(text.len() * 5 / 4);
    if profile.inner_json_is_ascii {
        json::escape_ascii_into(&text, &mut escaped);
    } else {
        json::escape_into(&text, &mut escaped);
    }
    let mut out = String::with_capacity(escaped.len() * 5 / 4);
    json::escape_ascii_into(&escaped, &mut out);
    out
}

/// Whether one of the names of an entity, stripped and folded, is `wanted`.
#[must_use]
pub fn is_called(entity: &Visible<'_>, profile: &Profile, wanted: &str) -> bool {
    let is_wanted = |name: &str| normalized(name) == wanted;
    if wanted.contains(MATCH_SEPARATOR) {
        return names(entity, profile).iter().any(|name| is_wanted(name));
    }
    let folded = entity.memo(crate::memo::FOLDED_NAMES, |facts| {
        let names = names(facts, Profile::of(facts.release()));
        let folded: Vec<_> = names.iter().map(|name| normalized(name)).collect();
        folded.join(MATCH_SEPARATOR_TEXT).into()
    });
    // A name may hold the separator, so what is found is looked at once more.
    let found = folded.split(MATCH_SEPARATOR).any(|name| name == wanted);
    found && names(entity, profile).iter().any(|name| is_wanted(name))
}

const MATCH_SEPARATOR: char = '\0';
const MATCH_SEPARATOR_TEXT: &str = "\0";

/// The names that an entity is shown under. For a registered one these are its aliases, in which
/// null stands for a name that depends on the release; see [`Names`].
#[must_use]
pub fn names(facts: &Facts<'_>, profile: &Profile) -> Vec<String> {
    let entry = facts.registered();
    if profile.names == Names::DisplayThenAliases {
        let aliases = entry.iter().flat_map(|entry| entry.aliases()).flatten();
        let names = std::iter::once(facts.name()).chain(aliases.map(|alias| &**alias));
        return names.map(str::to_owned).collect();
    }
    let Some(entry) = entry else {
        return vec![strip(facts.name()).to_owned()];
    };
    let names = entry.aliases().iter().map(|alias| match alias {
        Some(alias) => strip(alias).to_owned(),
        None => strip(&own_name(facts, profile.names)).to_owned(),
    });
    names.collect()
}

/// The name that null stands for among the aliases of a registered entity.
fn own_name(facts: &Facts<'_>, names: Names) -> String {
    let Some(entry) = facts.registered() else {
        return String::new();
    };
    let given = match names {
        Names::DisplayThenAliases | Names::GivenOrDevice => entry.name(),
        Names::GivenOrComputed => entry.name().filter(|name| !name.is_empty()),
        Names::Computed => None,
    };
    if let Some(given) = given {
        return given.to_owned();
    }
    let own = entry.name().or(entry.original_name());
    match names {
        Names::DisplayThenAliases | Names::GivenOrDevice => {
            joined([facts.device().and_then(|device| device.name()), own])
        }
        Names::GivenOrComputed | Names::Computed => computed_name(facts, entry.has_own_area(), own),
    }
}

/// The name that Home Assistant computes: in front of the entity's own part the name of its device,
/// and before that the name of the device which that is a part of, for as long as nothing on the way
/// was given an area of its own.
fn computed_name(facts: &Facts<'_>, has_own_area: bool, own: Option<&str>) -> String {
    let device = facts.device().filter(|_| !has_own_area);
    let parent = device
        .filter(|device| !device.has_own_area())
        .and_then(|device| device.parent_name());
    joined([parent, device.and_then(|device| device.name()), own])
}

fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let parts: Vec<&str> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

fn areas(facts: &Facts<'_>, profile: &Profile) -> Option<String> {
    let area = facts.area()?;
    let mut aliases: Vec<&str> = area.aliases().iter().map(|alias| &**alias).collect();
    if profile.area_aliases_are_sorted {
        aliases.sort_unstable();
    }
    let mut text = area.name().to_owned();
    for alias in aliases {
        text.push_str(", ");
        text.push_str(alias);
    }
    Some(text)
}

fn state_text<'a>(facts: &Facts<'a>, profile: &Profile) -> Cow<'a, str> {
    let state = facts.state();
    if profile.localizes_times && is_timestamp(facts) && !state.is_empty() {
        let zone = local_time::zone(facts.time_zone());
        if let Some(local) = local_time::timestamp_state(state, &zone) {
            return Cow::Owned(local);
        }
    }
    if !profile.rounds_sensors {
        return Cow::Borrowed(state);
    }
    let rounded = display_precision(facts).and_then(|places| sensor_round(state, places));
    rounded.map_or(Cow::Borrowed(state), Cow::Owned)
}

fn is_timestamp(facts: &Facts<'_>) -> bool {
    let class = facts.attribute("device_class");
    class.is_some_and(|class| class.as_str() == Some("timestamp"))
}

fn display_precision(facts: &Facts<'_>) -> Option<i64> {
    if facts.domain() != "sensor" {
        return None;
    }
    let entry = facts.registered()?;
    let option = |key| match entry.option("sensor", key) {
        Some(Value::Int(places)) => Some(*places),
        Some(_) | None => None,
    };
    option("display_precision").or_else(|| option("suggested_display_precision"))
}

fn attributes<'a>(facts: &Facts<'a>, profile: &Profile) -> Vec<(&'a str, Value)> {
    let shown = facts.attributes().filter(|(key, _)| SHOWN.contains(key));
    let mut shown: Vec<(&str, Value)> = shown
        .map(|(key, value)| (key, shown_value(&value)))
        .collect();
    if profile.has_brightness_percent && facts.domain() == "light" {
        let brightness = facts.attribute("brightness");
        let percent = brightness.and_then(|value| brightness_percent(&value));
        shown.extend(percent.map(|percent| ("brightness_pct", Value::text(&percent))));
    }
    shown
}

/// On the top level integers and booleans are shown as texts.
fn shown_value(value: &Value) -> Value {
    match value {
        Value::Bool(true) => Value::text("True"),
        Value::Bool(false) => Value::text("False"),
        Value::Int(int) => Value::text(&int.to_string()),
        Value::BigInt(digits) => Value::Text(digits.clone()),
        Value::Null
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Tuple(_)
        | Value::Set(_)
        | Value::DateTime(_) => value.clone(),
    }
}

/// A brightness of 0 to 255 in percent: rounded half to even, but what shines shines with 1 at
/// least. Only integers and booleans have one.
fn brightness_percent(value: &Value) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "Python divides as floats too")]
    let brightness = match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Int(int) => *int as f64,
        Value::BigInt(digits) => digits.parse().ok()?,
        Value::Null
        | Value::Float(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Tuple(_)
        | Value::Set(_)
        | Value::DateTime(_) => return None,
    };
    let percent = (brightness / 255.0 * 100.0).round_ties_even();
    let percent = if brightness > 0.0 {
        percent.max(1.0)
    } else {
        // Adding zero makes a negative zero positive.
        percent + 0.0
    };
    Some(format!("{percent:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_in_percent() {
        for (json, percent) in [
            ("128", Some("50")),
            ("1", Some("1")),
            ("0", Some("0")),
            ("true", Some("1")),
            ("false", Some("0")),
            ("300", Some("118")),
            ("-1", Some("0")),
            ("255", Some("100")),
            ("128.0", None),
            ("\"128\"", None),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(brightness_percent(&value).as_deref(), percent, "{json}");
        }
    }
}
