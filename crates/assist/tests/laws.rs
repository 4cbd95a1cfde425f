//! Laws of what is said of a house: it says nothing of what a token may not read (P7), and a text
//! that was made once is as good as one made anew.

#![cfg(test)]

mod house;

use std::collections::BTreeSet;
use std::sync::Arc;

use house::{DOMAINS, Edit, Entity, House, NAMES, PLACES};
use housekey_assist::live_context::{Arguments, Form, answer_into};
use housekey_assist::prompt::{self, Api, Reader, Requester};
use housekey_assist::release::Profile;
use housekey_assist::resource::{self, SNAPSHOT_URI};
use housekey_assist::states;
use housekey_assist::tools::Face;
use housekey_home::id::{DeviceId, EntityId};
use housekey_home::replica::{Replica, Update};
use housekey_home::snapshot::Snapshot;
use housekey_home::value::Map;
use housekey_policy::{Scope, View};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Arguments of a live context: names, ids and areas that may or may not be there.
fn arguments() -> impl Strategy<Value = Value> {
    let id = (0usize..9, select(&DOMAINS[..])).prop_map(|(i, domain)| format!("{domain}.e{i}"));
    let name = prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), id];
    let area_id = (0..PLACES).prop_map(|i| format!("a{i}"));
    let area = prop_oneof![select(&NAMES[..]).prop_map(str::to_owned), area_id];
    let domains = vec(select(&DOMAINS[..]), 0..3);
    (of(name), of(area), of(domains)).prop_map(|(name, area, domain)| {
        let mut arguments = serde_json::Map::new();
        for (key, value) in [
            ("name", json!(name)),
            ("area", json!(area)),
            ("domain", json!(domain)),
        ] {
            if !value.is_null() {
                arguments.insert(key.into(), value);
            }
        }
        Value::Object(arguments)
    })
}

/// Everything that a token can be told in answer to some requests.
fn told(snapshot: &Snapshot, scope: &Arc<Scope>, requests: &[Value]) -> Vec<String> {
    let view = View::new(snapshot.clone(), scope.clone());
    let mut told = vec![states::states_json(&view)];
    let profile = Profile::of(view.release());
    for request in requests {
        let map: Map = serde_json::from_value(request.clone()).unwrap();
        let by_release = Arguments::read_as(profile, &map).unwrap();
        for arguments in [Arguments::read(&map).unwrap(), by_release] {
            for form in [Form::Text, Form::Tool, Form::Wire] {
                let mut out = String::new();
                let outcome = answer_into(&view, &arguments, form, &mut out);
                told.push(format!("{outcome:?} {out}"));
            }
        }
    }
    told.extend(prompts(&view));
    let api = Api::of_view(&view);
    told.push(format!("{:?}", resource::listed(profile, api)));
    told.push(format!("{:?}", resource::read(&view, api, SNAPSHOT_URI)));
    for index in 0..10 {
        for domain in DOMAINS {
            let asked = json!({"entity_id": format!("{domain}.e{index}")});
            let map: Map = serde_json::from_value(asked).unwrap();
            told.push(match states::asked(&view, &map) {
                Ok(state) => states::state_json(&state).to_owned(),
                Err(refusal) => refusal.to_string(),
            });
        }
    }
    told
}

/// The prompt on every face, read on no device and on each that there may be.
fn prompts(view: &View) -> Vec<String> {
    let api = Api::of_view(view);
    let mut told = vec![format!(
        "{:?}",
        prompt::listed(Profile::of(view.release()), api)
    )];
    for face in [Face::Native, Face::Agent] {
        for device in 0..=PLACES {
            let requester = Requester {
                device: DeviceId::new(&format!("d{device}")),
                has_timers: device % 2 == 0,
            };
            let reader = Reader {
                face,
                api,
                requester: (device < PLACES).then_some(&requester),
                assist_tools: &["a"],
                homeassistant_tools: &["b"],
            };
            told.push(prompt::text(view, &reader));
        }
    }
    told
}

fn readable(snapshot: &Snapshot, scope: &Arc<Scope>) -> BTreeSet<EntityId> {
    let view = View::new(snapshot.clone(), scope.clone());
    view.entities().iter().map(|v| v.id().clone()).collect()
}

/// What a token sees: readable entities, the areas that exist for it, devices that its entities
/// belong to.
type Seen = (BTreeSet<EntityId>, BTreeSet<String>, Vec<usize>);

fn seen(house: &House, scope: &Arc<Scope>) -> Seen {
    let snapshot = snapshot(house);
    let ids = readable(&snapshot, scope);
    let view = View::new(snapshot, scope.clone());
    let areas = view.areas();
    let areas = areas.iter().map(|area| area.id().to_string()).collect();
    let seen = house
        .present()
        .filter(|(i, e)| ids.contains(&house::id(*i, e)));
    let devices = seen.flat_map(|(_, e)| house.device_chain(e)).collect();
    (ids, areas, devices)
}

/// Whether an edit touches nothing that the token can read, before or after it.
fn is_hidden(before: &House, after: &House, edit: &Edit, scope: &Arc<Scope>) -> bool {
    let (ids, areas, devices) = seen(before, scope);
    let (ids_after, areas_after, devices_after) = seen(after, scope);
    // What the edit may change is known; what is readable has to stay.
    if ids != ids_after || areas != areas_after {
        return false;
    }
    let entity_is_hidden = |index: usize, house: &House, ids: &BTreeSet<EntityId>| {
        let entity = house.entities.get(index).and_then(Option::<Entity>::as_ref);
        !entity.is_some_and(|entity| ids.contains(&house::id(index, entity)))
    };
    match edit {
        Edit::Entity(index, _) => {
            let index = (*index).min(before.entities.len());
            entity_is_hidden(index, before, &ids) && entity_is_hidden(index, after, &ids_after)
        }
        // Whoever sees the whole house may ask where any device stands.
        Edit::Device(..) if scope.sees_whole_house() => false,
        Edit::Device(index, _) => !devices.contains(index) && !devices_after.contains(index),
        Edit::Area(index, _) => !areas.contains(&format!("a{index}")),
        Edit::Floor(index, _) => {
            let on_floor = before.areas.iter().enumerate().filter(|(_, area)| {
                let area = area.as_ref();
                area.is_some_and(|area| area.floor == Some(*index))
            });
            on_floor
                .into_iter()
                .all(|(i, _)| !areas.contains(&format!("a{i}")))
        }
        Edit::TimeZone(_) | Edit::Release(_) => false,
    }
}

fn snapshot(house: &House) -> Snapshot {
    Replica::new(house.parts()).snapshot()
}

/// How often each law is tried.
fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(512)
}

proptest! {
    #![proptest_config(cases())]

    /// P7: changing, adding or removing what a token cannot read changes no byte of what it gets.
    #[test]
    fn p7_what_is_hidden_has_no_say(
        house in house::house(),
        scope in house::scope(),
        edits in vec(house::edit(), 1..12),
        requests in vec(arguments(), 1..4),
    ) {
        let mut changed = house.clone();
        for edit in &edits {
            let after = changed.after(edit);
            if is_hidden(&changed, &after, edit, &scope) {
                changed = after;
            }
        }
        prop_assert_eq!(
            told(&snapshot(&house), &scope, &requests),
            told(&snapshot(&changed), &scope, &requests)
        );
    }

    /// A1, D15: what one token made the house memoise is nothing to another.
    #[test]
    fn memos_know_no_token(
        house in house::house(),
        first in house::scope(),
        second in house::scope(),
        requests in vec(arguments(), 1..4),
    ) {
        let shared = snapshot(&house);
        told(&shared, &Arc::new(Scope::unrestricted()), &requests);
        told(&shared, &first, &requests);
        prop_assert_eq!(
            told(&shared, &second, &requests),
            told(&snapshot(&house), &second, &requests)
        );
    }

    /// D15: a house that was read and then changed says what the changed house says.
    #[test]
    fn memos_end_with_what_they_speak_of(
        house in house::house(),
        edits in vec(house::edit_of_all(), 1..8),
        requests in vec(arguments(), 1..4),
    ) {
        let scope = Arc::new(Scope::unrestricted());
        let mut replica = Replica::new(house.parts());
        let mut changed = house.clone();
        for edit in &edits {
            told(&replica.snapshot(), &scope, &requests);
            let before = changed.clone();
            changed = changed.after(edit);
            for update in updates(&before, &changed, edit) {
                replica.apply(update).unwrap();
            }
        }
        prop_assert_eq!(
            told(&replica.snapshot(), &scope, &requests),
            told(&snapshot(&changed), &scope, &requests)
        );
    }
}

/// What Home Assistant says when this happens.
fn updates(before: &House, after: &House, edit: &Edit) -> Vec<Update> {
    match edit {
        Edit::Area(..) => vec![Update::Areas(after.area_entries())],
        Edit::Device(..) => vec![Update::Devices(after.device_entries())],
        Edit::Floor(..) => vec![Update::Floors(after.floor_entries())],
        Edit::TimeZone(_) | Edit::Release(_) => vec![Update::Config(after.config())],
        Edit::Entity(index, _) => {
            let index = (*index).min(before.entities.len());
            let houses = [before, after].into_iter();
            let ids: BTreeSet<EntityId> = houses
                .filter_map(|house| {
                    let entity = house.entities.get(index)?.as_ref()?;
                    Some(house::id(index, entity))
                })
                .collect();
            let entry = |id: &EntityId| after.entries().into_iter().find(|e| e.entity_id == *id);
            let entries = ids.into_iter().map(|id| (id.clone(), entry(&id)));
            vec![
                Update::Entries(entries.collect()),
                Update::AllStates(after.states()),
                Update::Exposure(after.exposure()),
            ]
        }
    }
}

#[test]
fn the_law_has_something_to_say() {
    // The generators would be worth nothing if edits were never hidden, or views always empty.
    let mut runner = TestRunner::deterministic();
    let (mut hidden, mut tried) = (0, 0);
    while tried < 200 {
        let strategy = (house::house(), house::scope(), house::edit());
        let (house, scope, edit) = strategy.new_tree(&mut runner).unwrap().current();
        if !readable(&snapshot(&house), &scope).is_empty() {
            hidden += usize::from(is_hidden(&house, &house.after(&edit), &edit, &scope));
            tried += 1;
        }
    }
    assert!(hidden * 5 > tried, "{hidden} of {tried} edits were hidden");
}
