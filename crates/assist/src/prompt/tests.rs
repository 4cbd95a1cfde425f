//! How prompts are put together; their wording is held by the goldens.

use serde_json::json;

use super::*;
use crate::small_house::{House, limited};

const RELEASES: [&str; 7] = [
    "2025.2.5",
    "2025.4.0",
    "2026.2.3",
    "2026.6.0",
    "2026.8.3",
    "2026.9.4",
    "2026.11.0",
];

fn reader(face: Face, api: Api) -> Reader<'static> {
    Reader {
        face,
        api,
        requester: None,
        assist_tools: &[],
        homeassistant_tools: &[],
    }
}

fn house(release: &'static str) -> House {
    House::new()
        .of_release(release)
        .state("light.a", "on", &json!({"friendly_name": "A"}))
        .entry("light.a", &json!({"device_id": "hub"}))
        .state("script.b", "off", &json!({"friendly_name": "B"}))
        .state("fan.c", "off", &json!({"friendly_name": "C"}))
        .entry("fan.c", &json!({"device_id": "away"}))
}

/// The first words of each line that begins a block, in order.
fn blocks(text: &str) -> Vec<&str> {
    const BEGINNINGS: [(&str, &str); 7] = [
        ("When controlling", "control"),
        ("When a user", "area"),
        ("This device", "timers"),
        ("You ARE", "dynamic"),
        ("Static Context:", "house"),
        ("An overview", "house"),
        ("Only if", "nothing"),
    ];
    let lines = text.lines().filter_map(|line| {
        let mut known = BEGINNINGS.iter();
        known.find_map(|(beginning, block)| line.starts_with(beginning).then_some(*block))
    });
    lines.collect()
}

#[test]
fn blocks_stand_in_the_order_of_the_release() {
    for (release, order) in [
        ("2025.2.5", "control area timers house"),
        ("2025.4.2", "control area timers house"),
        ("2025.4.3", "control area timers dynamic house"),
        ("2026.5.4", "control area timers dynamic house"),
        ("2026.6.0", "control dynamic house area timers"),
        ("2026.8.0", "dynamic house control area timers"),
        ("2026.11.0", "dynamic house control area timers"),
    ] {
        let text = text(&house(release).view(), &reader(Face::Native, Api::Assist));
        assert_eq!(blocks(&text).join(" "), order, "{release}");
    }
}

#[test]
fn the_house_has_states_only_where_nothing_else_tells_them() {
    for release in RELEASES {
        let text = text(&house(release).view(), &reader(Face::Native, Api::Assist));
        let is_told = text.contains("state: 'on'");
        assert_eq!(is_told, release == "2025.2.5", "{release}");
        assert!(text.contains("domain: light\n"), "{release}");
        assert!(!text.contains("domain: script"), "{release}");
    }
}

#[test]
fn without_entities_the_prompt_says_how_to_get_some() {
    for release in RELEASES {
        let goes_on = matches!(release, "2026.8.3" | "2026.9.4" | "2026.11.0");
        let mut house = house(release);
        let said = |view: &View| text(view, &reader(Face::Native, Api::Assist));
        let only_script = said(&limited(&house, "script"));
        let rest = if goes_on {
            "nothing control area timers"
        } else {
            "nothing"
        };
        assert_eq!(blocks(&only_script).join(" "), rest, "{release}");
        assert!(only_script.starts_with(NOTHING_EXPOSED));
        assert_eq!(said(&limited(&house, "vacuum")), NOTHING_EXPOSED);
        house.exposed = false;
        assert_eq!(said(&house.view()), NOTHING_EXPOSED);
    }
}

#[test]
fn tools_have_prefixes_where_the_face_and_the_release_have_them() {
    for (release, face, names) in [
        ("2026.8.3", Face::Native, ["HassTurnOn", "`GetLiveContext`"]),
        (
            "2026.9.4",
            Face::Native,
            ["intent__HassTurnOn", "`homeassistant__GetLiveContext`"],
        ),
        ("2026.9.4", Face::Agent, ["HassTurnOn", "`GetLiveContext`"]),
        ("2026.9.4", Face::Atm, ["HassTurnOn", "`GetLiveContext`"]),
    ] {
        let text = text(&house(release).view(), &reader(face, Api::Assist));
        for name in names {
            assert!(text.contains(&format!(" {name} ")), "{name} in {release}");
        }
        assert_eq!(text.contains("__"), names[0].contains("__"), "{release}");
    }
}

fn place(view: &View, device: &str, has_timers: bool) -> String {
    let requester = Requester {
        device: DeviceId::new(device),
        has_timers,
    };
    let reader = Reader {
        requester: Some(&requester),
        ..reader(Face::Native, Api::Assist)
    };
    let text = text(view, &reader);
    let after = text.split("area name and domain.\n").nth(1);
    after.unwrap_or_default().to_owned()
}

const AIM: &str = "and all generic commands like 'turn on the lights' should target this area.";
const NO_TIMERS: &str = "This device is not able to start timers.";

#[test]
fn a_device_is_where_its_area_is() {
    let view = house("2026.11.0").view();
    for (device, has_timers, place_of) in [
        ("hub", false, "You are in area Kitchen (floor Ground)"),
        ("hub", true, "You are in area Kitchen (floor Ground)"),
        ("socket", false, "You are in area Kitchen (floor Ground)"),
        ("away", false, "You are in area Attic"),
    ] {
        let timers = if has_timers {
            String::new()
        } else {
            format!("\n{NO_TIMERS}")
        };
        let expected = format!("{place_of} {AIM}{timers}");
        assert_eq!(place(&view, device, has_timers), expected, "{device}");
    }
    for device in ["nameless", "gone", ""] {
        assert!(place(&view, device, false).starts_with("When a user asks"));
    }
    // A request could not say where it came from.
    let old = house("2026.9.4").view();
    assert!(place(&old, "hub", true).starts_with("When a user asks"));
    assert!(place(&old, "hub", true).ends_with(NO_TIMERS));
}

#[test]
fn a_limited_token_is_told_the_place_of_devices_that_it_sees() {
    let view = limited(&house("2026.11.0"), "light");
    assert!(place(&view, "hub", false).starts_with("You are in area Kitchen (floor Ground)"));
    for device in ["away", "socket", "gone"] {
        assert!(place(&view, device, false).starts_with("When a user asks"));
    }
    // Its entity lies elsewhere, so the area of the device is none for the token.
    let elsewhere = House::new()
        .state("light.a", "on", &json!({}))
        .entry("light.a", &json!({"device_id": "hub", "area_id": "attic"}));
    assert!(place(&limited(&elsewhere, "light"), "hub", false).starts_with("When a user asks"));
    assert!(place(&elsewhere.view(), "hub", false).starts_with("You are in area Kitchen"));
}

#[test]
fn an_administrator_gets_the_merged_prompt() {
    let house = house("2026.11.0");
    for (view, api) in [
        (house.view(), Api::Merged),
        (limited(&house, "light"), Api::Assist),
    ] {
        assert_eq!(Api::of_view(&view), api);
    }
    assert_eq!(Api::of_view(&self::house("2026.10.4").view()), Api::Assist);
    let view = house.view();
    let assist = text(&view, &reader(Face::Native, Api::Assist));
    let merged = Reader {
        assist_tools: &["a__A", "b__B"],
        homeassistant_tools: &["c__C"],
        ..reader(Face::Native, Api::Merged)
    };
    assert_eq!(
        text(&view, &merged),
        format!(
            "Follow these instructions for tools from \"assist\" (a__A, b__B):\n{assist}\n\n\
             Follow these instructions for tools from \"homeassistant\" (c__C):\n\n\n"
        )
    );
    assert_eq!(text(&view, &reader(Face::Native, Api::HomeAssistant)), "");
}

#[test]
fn prompts_have_the_name_of_their_api() {
    for (release, api, name, description) in [
        (
            "2025.2.5",
            Api::Assist,
            "Assist",
            "Default prompt for the Home Assistant LLM API Assist",
        ),
        (
            "2026.10.4",
            Api::Assist,
            "Assist",
            "Default prompt for Home Assistant Assist API",
        ),
        (
            "2026.11.0",
            Api::Assist,
            "Device control",
            "Default prompt for Home Assistant Device control API",
        ),
        (
            "2026.11.0",
            Api::Merged,
            "Merged LLM API",
            "Default prompt for Home Assistant Merged LLM API API",
        ),
        (
            "2026.11.0",
            Api::HomeAssistant,
            "Home Assistant",
            "Default prompt for Home Assistant Home Assistant API",
        ),
    ] {
        let prompt = find(Profile::of(release), api, name).unwrap();
        assert_eq!(prompt.description, description);
        let unknown = find(Profile::of(release), api, "assist").unwrap_err();
        assert_eq!(unknown.to_string(), "Unknown prompt: assist");
    }
}
