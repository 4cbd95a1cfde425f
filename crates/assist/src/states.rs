//! Single states and lists of them: the bodies of `get_state`, `get_states` and the routes that say
//! the same.

use housekey_home::id::EntityId;
use housekey_home::value::{Map, Value};
use housekey_policy::{Facts, View, Visible};

use crate::json::{self, Object};
use crate::pythonic;

/// Most states that one page holds.
pub const PAGE_STATES_MAX: usize = 500;

/// Why a state is not told. Hidden, unknown and impossible are the same.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StateRefusal {
    /// No entity id was given.
    #[error("Missing required argument: entity_id")]
    Missing,
    /// The entity id is no text.
    #[error("Input validation error: {0} is not of type 'string'")]
    NotText(String),
    /// Nothing readable has this id.
    #[error("Entity not found.")]
    NotFound,
}

/// The state that the arguments of `get_state` ask for; keys that it does not know are ignored.
///
/// # Errors
/// [`StateRefusal`].
pub fn asked<'v>(view: &'v View, arguments: &Map) -> Result<Visible<'v>, StateRefusal> {
    match arguments.get("entity_id") {
        None => Err(StateRefusal::Missing),
        Some(Value::Text(id)) => find(view, id).ok_or(StateRefusal::NotFound),
        Some(other) => Err(StateRefusal::NotText(pythonic::repr(other))),
    }
}

/// A readable state by the letter of its entity id.
#[must_use]
pub fn find<'v>(view: &'v View, id: &str) -> Option<Visible<'v>> {
    view.get(&EntityId::from_home(id).ok()?)
}

/// A state as a JSON object with Python's separators, made at most once. The Home Assistant user
/// who caused it is not told, and `last_reported` is the last update: Home Assistant does not send
/// it.
#[must_use]
pub fn state_json<'v>(entity: &Visible<'v>) -> &'v str {
    entity.memo(crate::memo::STATE, |facts| state_text(facts).into())
}

fn state_text(facts: &Facts<'_>) -> String {
    let mut out = String::new();
    let mut object = Object::begin(&mut out);
    json::string_into(facts.id().as_str(), object.key("entity_id"));
    json::string_into(facts.state(), object.key("state"));
    let mut attributes = Object::begin(object.key("attributes"));
    for (key, value) in facts.attributes() {
        json::value_into(&value, attributes.key(key));
    }
    attributes.end();
    let updated = facts.last_updated();
    for (key, at) in [
        ("last_changed", facts.last_changed()),
        ("last_reported", updated),
        ("last_updated", updated),
    ] {
        json::string_into(&at.iso_utc().to_string(), object.key(key));
    }
    let (id, parent) = facts.context();
    let mut context = Object::begin(object.key("context"));
    json::string_into(id.as_str(), context.key("id"));
    match parent {
        Some(parent) => json::string_into(parent.as_str(), context.key("parent_id")),
        None => context.key("parent_id").push_str("null"),
    }
    context.key("user_id").push_str("null");
    context.end();
    object.end();
    out
}

/// States as a JSON array, behind what is there.
pub fn states_into<'v>(states: impl IntoIterator<Item = Visible<'v>>, out: &mut String) {
    out.push('[');
    for (index, state) in states.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(state_json(&state));
    }
    out.push(']');
}

/// Every readable state as a JSON array, in the order of Home Assistant's state machine.
#[must_use]
pub fn states_json(view: &View) -> String {
    let mut out = String::new();
    states_into(view.entities(), &mut out);
    out
}

/// Which part of a list of states is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    limit: usize,
    offset: usize,
}

/// A limit or an offset is no number, or the limit is below zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Invalid pagination parameters.")]
pub struct InvalidPage;

impl Page {
    /// Reads `limit` and `offset`: at most [`PAGE_STATES_MAX`] states, which is also what no limit
    /// means; an offset below zero is zero.
    ///
    /// # Errors
    /// [`InvalidPage`].
    pub fn read(limit: Option<&str>, offset: Option<&str>) -> Result<Self, InvalidPage> {
        let number = |text: Option<&str>, default: i64| match text {
            Some(text) => text.trim().parse::<i64>().map_err(|_| InvalidPage),
            None => Ok(default),
        };
        let limit = usize::try_from(number(limit, i64::MAX)?).map_err(|_| InvalidPage)?;
        Ok(Self {
            limit: limit.min(PAGE_STATES_MAX),
            offset: usize::try_from(number(offset, 0)?).unwrap_or(0),
        })
    }

    /// The part of a list.
    #[must_use]
    pub fn of<'s, T>(&self, all: &'s [T]) -> &'s [T] {
        let behind = all.get(self.offset..).unwrap_or_default();
        behind.get(..self.limit).unwrap_or(behind)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::small_house::{House, limited, read};

    fn house() -> House {
        House::new()
            .state(
                "camera.a",
                "idle",
                &json!({
                    "access_token": "s",
                    "friendly_name": "Ä",
                    "nested": [{"entity_picture": "s", "kept": 1.0}],
                }),
            )
            .state("light.b", "on", &json!({}))
    }

    #[test]
    fn a_state_holds_no_secret_and_no_user() {
        let mut house = house();
        house.states[0]["context"] = json!({"id": "c", "parent_id": "p", "user_id": "owner"});
        let view = house.view();
        assert_eq!(
            state_json(&find(&view, "camera.a").unwrap()),
            r#"{"entity_id": "camera.a", "state": "idle", "attributes": {"friendly_name": "Ä", "nested": [{"kept": 1.0}]}, "last_changed": "2026-11-23T05:14:04+00:00", "last_reported": "2026-11-23T05:14:04+00:00", "last_updated": "2026-11-23T05:14:04+00:00", "context": {"id": "c", "parent_id": "p", "user_id": null}}"#
        );
    }

    #[test]
    fn hidden_unknown_and_impossible_read_alike() {
        let view = limited(&house(), "light");
        for (arguments, told) in [
            (json!({"entity_id": "light.b", "other": 1}), None),
            (json!({"entity_id": "camera.a"}), Some("Entity not found.")),
            (
                json!({"entity_id": "camera.none"}),
                Some("Entity not found."),
            ),
            (json!({"entity_id": "light.B"}), Some("Entity not found.")),
            (json!({"entity_id": " light.b"}), Some("Entity not found.")),
            (json!({"entity_id": ""}), Some("Entity not found.")),
            (json!({}), Some("Missing required argument: entity_id")),
            (
                json!({"entity_id": ["light.b", null]}),
                Some("Input validation error: ['light.b', None] is not of type 'string'"),
            ),
            (
                json!({"entity_id": null}),
                Some("Input validation error: None is not of type 'string'"),
            ),
        ] {
            let refusal = asked(&view, &read(&arguments)).err();
            let refusal = refusal.map(|refusal| refusal.to_string());
            assert_eq!(refusal.as_deref(), told, "{arguments}");
        }
    }

    #[test]
    fn lists_hold_what_is_readable_in_its_order() {
        let ids = |view: &View| -> Vec<String> {
            let states: Vec<serde_json::Value> = serde_json::from_str(&states_json(view)).unwrap();
            let ids = states.iter().map(|state| state["entity_id"].as_str());
            ids.map(|id| id.unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&house().view()), ["camera.a", "light.b"]);
        assert_eq!(ids(&limited(&house(), "light")), ["light.b"]);
        assert_eq!(states_json(&limited(&house(), "fan")), "[]");
    }

    #[test]
    fn pages() {
        let all: Vec<usize> = (0..600).collect();
        for (limit, offset, first, count) in [
            (None, None, Some(0), 500),
            (Some("1000"), Some("-5"), Some(0), 500),
            (Some("2"), Some("3"), Some(3), 2),
            (Some("0"), None, None, 0),
            (Some("5"), Some("598"), Some(598), 2),
            (None, Some("600"), None, 0),
        ] {
            let page = Page::read(limit, offset).unwrap();
            let part = page.of(&all);
            assert_eq!((part.first().copied(), part.len()), (first, count));
        }
        for (limit, offset) in [(Some("-1"), None), (Some("x"), None), (None, Some("1.5"))] {
            assert_eq!(Page::read(limit, offset), Err(InvalidPage));
        }
    }
}
