//! Argument forms for `GetLiveContext`: those of the recordings, and others made from a home's own names.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use housekey_harness::repository_root;
use housekey_home::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::dice::Dice;

const RECORDING: &str = "ha-fixtures/native/2026.11.0-rich/livecontext.json";

/// The arguments of every recorded call.
///
/// # Errors
/// When the recording cannot be read.
pub fn recorded() -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(repository_root().join(RECORDING)).context(RECORDING)?;
    let calls: Vec<Value> = serde_json::from_str(&text)?;
    let arguments = calls
        .iter()
        .filter_map(|call| call.get("arguments").cloned());
    Ok(arguments.collect())
}

/// The words of a home by which entities and areas are asked for.
struct Words {
    names: Vec<String>,
    areas: Vec<String>,
    domains: Vec<String>,
}

impl Words {
    fn of(house: &Snapshot) -> Self {
        let registry = house.registry();
        let (mut names, mut areas) = (BTreeSet::new(), BTreeSet::new());
        let mut domains = BTreeSet::from(["nope".to_owned(), "lock".to_owned()]);
        for entity in house.entities() {
            let id = &entity.state().entity_id;
            names.insert(entity.name().to_string());
            names.insert(id.to_string());
            domains.insert(id.domain().to_owned());
        }
        for entry in registry.entities() {
            let texts = [&entry.name, &entry.original_name];
            names.extend(texts.into_iter().flatten().map(ToString::to_string));
            names.extend(entry.aliases.iter().flatten().map(ToString::to_string));
        }
        for device in registry.devices() {
            names.extend(device.display_name().map(ToString::to_string));
        }
        for area in registry.areas() {
            areas.extend([area.id.to_string(), area.name.to_string()]);
            areas.extend(area.aliases.iter().map(ToString::to_string));
        }
        for floor in registry.floors() {
            areas.extend([floor.id.to_string(), floor.name.to_string()]);
        }
        Self {
            names: names.into_iter().collect(),
            areas: areas.into_iter().collect(),
            domains: domains.into_iter().collect(),
        }
    }
}

/// Every name, entity id, area and domain of a home once, then forms of several of them at random, until
/// there are `count`.
#[must_use]
pub fn generated(house: &Snapshot, dice: &mut Dice, count: usize) -> Vec<Value> {
    let words = Words::of(house);
    let mut forms: Vec<Value> = words
        .areas
        .iter()
        .map(|area| json!({"area": area}))
        .collect();
    forms.extend(words.domains.iter().map(|domain| json!({"domain": domain})));
    let mut names: Vec<&String> = words.names.iter().collect();
    while forms.len() < count {
        if names.is_empty() || dice.one_in(3) {
            forms.push(mixed(&words, dice));
        } else {
            let name = names.swap_remove(dice.below(names.len()));
            forms.push(json!({"name": name}));
        }
    }
    forms
}

fn mixed(words: &Words, dice: &mut Dice) -> Value {
    let mut form = json!({});
    let Some(members) = form.as_object_mut() else {
        return form;
    };
    if !dice.one_in(3) {
        let name = spelled(&words.names, dice);
        members.insert("name".to_owned(), name);
    }
    if dice.one_in(3) {
        let area = spelled(&words.areas, dice);
        members.insert("area".to_owned(), area);
    }
    if dice.one_in(2) {
        let domain = if dice.one_in(2) {
            spelled(&words.domains, dice)
        } else {
            (0..dice.below(4))
                .map(|_| spelled(&words.domains, dice))
                .collect()
        };
        members.insert("domain".to_owned(), domain);
    }
    if dice.one_in(40) {
        members.insert("floor".to_owned(), json!("Erdgeschoss"));
    }
    form
}

/// One of the words: as it is, in other letters, padded, cut, or something that is no word.
fn spelled(words: &[String], dice: &mut Dice) -> Value {
    let word = dice.pick(words).cloned().unwrap_or_default();
    match dice.below(14) {
        0 => json!(word.to_uppercase()),
        1 => json!(word.to_lowercase()),
        2 => json!(format!(" \u{2003}{word}\u{1f}\t")),
        3 => json!(word.chars().skip(1).collect::<String>()),
        4 => json!(word.replace('s', "ſ").replace("ss", "ß")),
        5 => odd(dice),
        _ => json!(word),
    }
}

fn odd(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => json!(-5),
        3 => json!(1e16),
        4 => json!(0.1),
        5 => json!([]),
        6 => json!({"a": [1]}),
        7 => json!(u64::MAX),
        _ => json!(["light", ["x"], null, 3.0]),
    }
}
