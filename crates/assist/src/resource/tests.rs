//! Which resources there are, and what is said where there is none.

use serde_json::json;

use super::*;
use crate::small_house::{House, limited};

fn house(release: &'static str) -> House {
    House::new()
        .of_release(release)
        .state("light.a", "on", &json!({"friendly_name": "A"}))
}

#[test]
fn the_overview_is_a_resource_since_it_can_be_filtered() {
    for (release, tool) in [
        ("2026.4.0", None),
        ("2026.5.0", Some("GetLiveContext")),
        ("2026.9.0", Some("homeassistant__GetLiveContext")),
    ] {
        let profile = Profile::of(release);
        let listed = listed(profile, Api::Assist);
        let Some(tool) = tool else {
            assert_eq!(listed, Err(NoResource::Unsupported));
            continue;
        };
        let listed = listed.unwrap();
        assert_eq!(listed.len(), 1);
        let wanted = format!("matching the existing {tool} tool output.");
        assert!(listed[0].description.ends_with(&wanted));
    }
    let newest = Profile::of("2026.11.0");
    assert_eq!(listed(newest, Api::HomeAssistant), Ok(Vec::new()));
    assert_eq!(listed(newest, Api::Merged).unwrap().len(), 1);
}

#[test]
fn its_text_is_the_whole_overview() {
    let house = house("2026.11.0");
    for view in [house.view(), limited(&house, "light")] {
        let overview = live_context::answer(&view, &Arguments::default()).unwrap();
        assert_eq!(read(&view, Api::Assist, SNAPSHOT_URI), Ok(overview));
    }
    for (view, api, uri, refusal) in [
        (
            house.view(),
            Api::Assist,
            "homeassistant://ASSIST/context-snapshot",
            "Unknown resource: homeassistant://ASSIST/context-snapshot",
        ),
        (
            house.view(),
            Api::HomeAssistant,
            SNAPSHOT_URI,
            "Unknown resource: homeassistant://assist/context-snapshot",
        ),
        (
            limited(&house, "fan"),
            Api::Assist,
            SNAPSHOT_URI,
            "An error occurred while reading the Assist context snapshot",
        ),
        (
            self::house("2026.2.3").view(),
            Api::Assist,
            SNAPSHOT_URI,
            "Method not found",
        ),
    ] {
        let told = read(&view, api, uri).unwrap_err().to_string();
        assert_eq!(told, refusal);
    }
}
