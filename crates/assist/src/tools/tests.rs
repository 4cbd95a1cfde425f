//! The catalogue against its own rules.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::release::newest;

/// All that a schema on `/mcp` may say: one client refuses a whole server for a single keyword that
/// it does not know.
const KEYWORDS: [&str; 12] = [
    "type",
    "properties",
    "required",
    "enum",
    "items",
    "description",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "additionalProperties",
];

fn assert_few_keywords(tool: &str, schema: &Value) {
    let object = schema.as_object().unwrap();
    for key in object.keys() {
        assert!(KEYWORDS.contains(&key.as_str()), "{tool}: {key}");
    }
    if let Some(allowed) = object.get("additionalProperties") {
        assert_eq!(allowed, &Value::Bool(false), "{tool}");
    }
    let properties = object.get("properties").and_then(Value::as_object);
    for property in properties.into_iter().flat_map(|map| map.values()) {
        assert_few_keywords(tool, property);
    }
    if let Some(items) = object.get("items") {
        assert_few_keywords(tool, items);
    }
}

#[test]
fn schemas_are_objects_and_few_keywords_suffice_on_the_agent_face() {
    for tool in all() {
        for face in [Face::Agent, Face::Native, Face::Atm] {
            let schema: Value = serde_json::from_str(tool.schema_on(face)).unwrap();
            assert_eq!(schema["type"], "object", "{}", tool.bare_name);
            if face == Face::Agent {
                assert_few_keywords(tool.bare_name, &schema);
            }
        }
    }
}

#[test]
fn names_are_found_in_both_forms_and_are_unique() {
    let mut seen = BTreeSet::new();
    for tool in all() {
        assert_eq!(find(tool.bare_name).map(|t| t.id), Some(tool.id));
        assert!(seen.insert(tool.bare_name), "{}", tool.bare_name);
        if let Some(name) = tool.native_name {
            assert_eq!(find(name).map(|t| t.id), Some(tool.id));
            assert!(seen.insert(name), "{name}");
        }
    }
    for name in [
        "getlivecontext",
        "LLM__GETDATETIME",
        "homeassistant__GetDateTime",
        "",
    ] {
        assert_eq!(find(name), None, "{name}");
    }
}

#[test]
fn state_tools_are_accepted_but_not_listed_on_the_native_face() {
    let names = |face| {
        listed(face)
            .filter_map(|tool| tool.name_on(face))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(Face::Native),
        ["homeassistant__GetLiveContext", "llm__GetDateTime"]
    );
    let bare = ["get_state", "get_states", "GetLiveContext", "GetDateTime"];
    assert_eq!(names(Face::Agent), bare);
    assert_eq!(names(Face::Atm), bare);
}

#[test]
fn the_newest_release_lists_what_the_catalogue_says() {
    for tool in all() {
        let native = tool.native_in(newest());
        assert_eq!(native.map(|native| native.name), tool.native_name);
        if let Some(native) = native {
            assert_eq!(native.description, tool.description);
            assert_eq!(native.schema, tool.schema_on(Face::Native));
        }
    }
    let old = Profile::of("2026.8.3");
    let names = all().iter().filter_map(|tool| tool.native_in(old));
    let names: Vec<&str> = names.map(|native| native.name).collect();
    assert_eq!(names, ["GetLiveContext", "GetDateTime"]);
}
