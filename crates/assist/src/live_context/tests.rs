//! The rules of the overview on a house that shows each of them; recorded homes are run by the
//! goldens.

use serde_json::{Value, json};

use super::*;
use crate::small_house::{House, limited, read};

fn ask(view: &View, arguments: &Value) -> String {
    let arguments = Arguments::read(&read(arguments)).unwrap();
    answer(view, &arguments).unwrap_or_else(|no_match| format!("! {no_match}"))
}

/// The values of one key in an overview, in order.
fn column(overview: &str, key: &str) -> Vec<String> {
    let lines = overview
        .lines()
        .map(|line| line.trim_start_matches(['-', ' ']));
    lines
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn names_of_registered_entities() {
    for (entry, names) in [
        (json!({}), "Own"),
        (json!({"name": "Given"}), "Given"),
        (json!({"name": ""}), "''"),
        (json!({"aliases": []}), "''"),
        (json!({"aliases": [" one ", null, "two"]}), "one, Own, two"),
        (json!({"device_id": "hub"}), "Hub Own"),
        (json!({"device_id": "hub", "name": "Given"}), "Hub Given"),
        (json!({"device_id": "hub", "name": ""}), "Hub"),
        (json!({"device_id": "hub", "original_name": null}), "Hub"),
        (json!({"device_id": "hub", "area_id": "attic"}), "Own"),
        (json!({"device_id": "hub", "area_id": "gone"}), "Own"),
        (json!({"device_id": "socket"}), "Hub Left Own"),
        (json!({"device_id": "socket", "area_id": "attic"}), "Own"),
        (json!({"device_id": "away"}), "Away Own"),
        (json!({"device_id": "nameless"}), "Own"),
        (json!({"device_id": "gone"}), "Own"),
    ] {
        let house = House::new()
            .state("light.a", "on", &json!({"friendly_name": "Friendly"}))
            .entry("light.a", &entry);
        let overview = ask(&house.view(), &json!({}));
        assert_eq!(column(&overview, "names"), [names], "{entry}");
    }
}

#[test]
fn names_of_entities_without_an_entry() {
    for (attributes, names) in [
        (json!({"friendly_name": " Friendly "}), "Friendly"),
        (json!({"friendly_name": ""}), "some lamp"),
        (json!({}), "some lamp"),
    ] {
        let house = House::new().state("light.some_lamp", "on", &attributes);
        let overview = ask(&house.view(), &json!({}));
        assert_eq!(column(&overview, "names"), [names]);
    }
}

#[test]
fn the_area_is_the_own_or_else_that_of_the_device() {
    for (entry, areas) in [
        (json!({}), None),
        (json!({"area_id": "attic"}), Some("Attic")),
        (
            json!({"area_id": "kitchen"}),
            Some("Kitchen, Küche, cuisine"),
        ),
        (json!({"area_id": "gone"}), None),
        (json!({"device_id": "away"}), Some("Attic")),
        (
            json!({"device_id": "socket"}),
            Some("Kitchen, Küche, cuisine"),
        ),
        (
            json!({"device_id": "socket", "area_id": "attic"}),
            Some("Attic"),
        ),
        (
            json!({"device_id": "away", "area_id": "gone"}),
            Some("Attic"),
        ),
        (json!({"device_id": "nameless"}), None),
    ] {
        let house = House::new()
            .state("light.a", "on", &json!({}))
            .entry("light.a", &entry);
        let overview = ask(&house.view(), &json!({}));
        let shown = column(&overview, "areas");
        assert_eq!(shown.first().map(String::as_str), areas, "{entry}");
    }
}

#[test]
fn states_are_rounded_and_times_are_local() {
    let berlin = "'2026-07-01T00:00:00+02:00'";
    for (id, options, class, state, shown) in [
        (
            "sensor.a",
            r#"{"display_precision":1}"#,
            "power",
            "-0.04",
            "'0.0'",
        ),
        (
            "sensor.a",
            r#"{"suggested_display_precision":0}"#,
            "power",
            "2.5",
            "'2'",
        ),
        (
            "sensor.a",
            r#"{"display_precision":null,"suggested_display_precision":2}"#,
            "power",
            "0.125",
            "'0.12'",
        ),
        (
            "sensor.a",
            r#"{"display_precision":0,"suggested_display_precision":2}"#,
            "power",
            "0.125",
            "'0'",
        ),
        (
            "sensor.a",
            r#"{"display_precision":1}"#,
            "power",
            "unknown",
            "unknown",
        ),
        (
            "number.a",
            r#"{"display_precision":1}"#,
            "power",
            "1.25",
            "'1.25'",
        ),
        ("sensor.a", "{}", "power", "1.25", "'1.25'"),
        (
            "sensor.a",
            "{}",
            "timestamp",
            "2026-06-30T22:00:00Z",
            berlin,
        ),
        ("light.a", "{}", "timestamp", "2026-07-01", berlin),
        ("sensor.a", "{}", "timestamp", "unknown", "unknown"),
        ("sensor.a", "{}", "timestamp", "", "''"),
        // The time is read from the state itself, not from its rounded form.
        (
            "sensor.a",
            r#"{"display_precision":0}"#,
            "timestamp",
            "20260701",
            berlin,
        ),
    ] {
        let options: Value = serde_json::from_str(options).unwrap();
        let house = House::new()
            .state(id, state, &json!({"device_class": class}))
            .entry(id, &json!({"options": {"sensor": options}}));
        let overview = ask(&house.view(), &json!({}));
        assert_eq!(column(&overview, "state"), [shown], "{state} of {id}");
    }
}

/// Listed in docs/COMPATIBILITY.md: Home Assistant fails for everybody.
#[test]
fn an_impossible_time_stays_as_it_is() {
    for state in [
        "2026-02-30T00:00:00",
        "2026-07-01T25:00:00Z",
        "2026-07-01T12:00:00+24:00",
    ] {
        let house = House::new().state("sensor.a", state, &json!({"device_class": "timestamp"}));
        let overview = ask(&house.view(), &json!({}));
        assert_eq!(column(&overview, "state"), [format!("'{state}'")]);
    }
}

/// Listed in docs/COMPATIBILITY.md: Home Assistant fails for everybody.
#[test]
fn an_own_area_that_is_gone_counts_as_none_in_a_filter() {
    let house = House::new()
        .state("light.a", "on", &json!({}))
        .entry("light.a", &json!({"area_id": "gone"}))
        .state("light.b", "off", &json!({}))
        .entry("light.b", &json!({"area_id": "kitchen"}));
    let overview = ask(&house.view(), &json!({"area": "Kitchen"}));
    assert_eq!(column(&overview, "state"), ["'off'"]);
}

#[test]
fn attributes_keep_their_order_and_are_a_fixed_few() {
    let attributes = json!({
        "media_title": "A: b",
        "icon": "mdi:x",
        "brightness": 128,
        "humidity": null,
        "temperature": 20.0,
        "percentage": true,
        "current_position": [1, true, {"x": null}],
        "friendly_name": "n",
    });
    let house = House::new().state("light.a", "on", &attributes);
    assert_eq!(
        ask(&house.view(), &json!({})),
        "Live Context: An overview of the areas and the devices in this smart home:
- names: n
  domain: light
  state: 'on'
  attributes:
    media_title: 'A: b'
    brightness: '128'
    humidity:
    temperature: 20.0
    percentage: 'True'
    current_position:
    - 1
    - true
    - x:
    brightness_pct: '50'
"
    );
}

#[test]
fn the_order_is_by_display_name_and_then_by_place() {
    let named = |name: &str| json!({"friendly_name": name});
    let house = House::new()
        .state("light.e", "on", &named("b"))
        .state("light.d", "on", &named("a"))
        .state("light.c", "on", &named("B"))
        .state("light.b", "on", &named("a"))
        .state("light.a", "on", &named("ä"))
        // Sorted by the friendly name, shown under another.
        .entry("light.e", &json!({"aliases": ["0"]}));
    let overview = ask(&house.view(), &json!({}));
    assert_eq!(column(&overview, "names"), ["B", "a", "a", "'0'", "ä"]);
}

fn filter_house() -> House {
    House::new()
        .state(
            "light.a",
            "on",
            &json!({"friendly_name": "A", "entity_picture": "x"}),
        )
        .state("sensor.b", "1", &json!({"friendly_name": "B"}))
        .state("script.c", "off", &json!({"friendly_name": "C"}))
        .entry(
            "light.a",
            &json!({"aliases": [null, "Große Lampe"], "area_id": "kitchen"}),
        )
        .entry("sensor.b", &json!({"aliases": ["B", "a\u{0}b"]}))
}

#[test]
fn filters_apply_in_their_order() {
    let view = filter_house().view();
    for (arguments, answer) in [
        (json!({}), "on 1"),
        (json!({"name": "", "area": "", "domain": ["", " "]}), "on 1"),
        (json!({"domain": " LIGHT "}), "on"),
        (json!({"domain": ["light", "sensor"]}), "on 1"),
        (
            json!({"domain": "script"}),
            "! No exposed entities found in domain(s): script",
        ),
        (
            json!({"domain": ["X", "y"]}),
            "! No exposed entities found in domain(s): x, y",
        ),
        (json!({"name": " GROSSE lampe"}), "on"),
        (json!({"name": "light.a"}), "on"),
        (
            json!({"name": "Light.a"}),
            "! No exposed entities matched name 'Light.a'",
        ),
        (
            json!({"name": "A"}),
            "! No exposed entities matched name 'A'",
        ),
        (json!({"name": "a\u{0}B"}), "1"),
        (json!({"name": "b"}), "1"),
        (
            json!({"name": "C"}),
            "! No exposed entities matched name 'C'",
        ),
        (
            json!({"name": true}),
            "! No exposed entities matched name 'True'",
        ),
        (json!({"area": "KÜCHE "}), "on"),
        (json!({"area": "kitchen"}), "on"),
        (
            json!({"area": "attic"}),
            "! No exposed entities found in area 'attic'",
        ),
        (json!({"area": "cellar"}), "! Area 'cellar' does not exist"),
        (
            json!({"area": "kitchen", "domain": "sensor"}),
            "! No exposed entities found in area 'kitchen'",
        ),
        (
            json!({"area": "cellar", "name": "x"}),
            "! No exposed entities matched name 'x'",
        ),
    ] {
        let told = ask(&view, &arguments);
        let told = if told.starts_with('!') {
            told
        } else {
            column(&told, "state").join(" ").replace('\'', "")
        };
        assert_eq!(told, answer, "{arguments}");
    }
}

#[test]
fn forms_wrap_the_same_text() {
    let view = filter_house().view();
    for arguments in [json!({}), json!({"name": "\"x\\"})] {
        let arguments = Arguments::read(&read(&arguments)).unwrap();
        let form = |form| {
            let mut out = String::from("before ");
            let refused = answer_into(&view, &arguments, form, &mut out).is_err();
            (out.strip_prefix("before ").unwrap().to_owned(), refused)
        };
        let (text, refused) = form(Form::Text);
        let (tool, _) = form(Form::Tool);
        let (wire, _) = form(Form::Wire);
        let key = if refused { "error" } else { "result" };
        assert_eq!(tool, format!("{{\"{key}\": \"{}\"}}", json::escaped(&text)));
        let unwrapped: String = serde_json::from_str(&format!("\"{wire}\"")).unwrap();
        assert_eq!(unwrapped, tool);
        assert!(wire.is_ascii());
    }
}

/// Listed in docs/COMPATIBILITY.md.
#[test]
fn a_hidden_area_does_not_exist_for_a_limited_token() {
    let house = filter_house();
    let in_kitchen = |view: &View| ask(view, &json!({"area": "kitchen"}));
    assert_eq!(
        in_kitchen(&limited(&house, "sensor")),
        "! Area 'kitchen' does not exist"
    );
    assert!(in_kitchen(&limited(&house, "light")).contains("state: 'on'"));
}

/// Listed in docs/COMPATIBILITY.md.
#[test]
fn a_limited_token_is_shown_what_it_may_read_exposed_or_not() {
    let mut house = filter_house();
    house.exposed = false;
    assert_eq!(
        ask(&house.view(), &json!({})),
        format!("! {NOTHING_EXPOSED}")
    );
    let overview = ask(&limited(&house, "light"), &json!({}));
    assert_eq!(column(&overview, "state"), ["'on'"]);
}

#[test]
fn nothing_to_show_is_said_before_any_filter() {
    let script = House::new().state("script.c", "off", &json!({}));
    for (view, arguments) in [
        (House::new().view(), json!({})),
        (script.view(), json!({"name": "x"})),
        (limited(&filter_house(), "fan"), json!({"area": "cellar"})),
    ] {
        assert_eq!(ask(&view, &arguments), format!("! {NOTHING_EXPOSED}"));
    }
}

/// The house of the names, for one entry and one release.
fn names_in(release: &'static str, entry: &Value) -> Vec<String> {
    let house = House::new()
        .of_release(release)
        .state("light.a", "on", &json!({"friendly_name": " Friendly "}))
        .entry("light.a", entry);
    column(&ask(&house.view(), &json!({})), "names")
}

#[test]
fn names_in_older_releases() {
    let listed = json!({"aliases": [" one ", "two"]});
    assert_eq!(names_in("2026.3.4", &listed), ["' Friendly ,  one , two'"]);
    assert_eq!(names_in("2026.4.0", &listed), ["one, two"]);
    for (entry, given_or_device, given_or_computed, computed) in [
        (json!({"name": "Given"}), "Given", "Given", "Given"),
        (json!({"name": "", "device_id": "hub"}), "''", "Hub", "Hub"),
        (
            json!({"name": "Given", "device_id": "hub"}),
            "Given",
            "Given",
            "Hub Given",
        ),
        (
            json!({"device_id": "hub", "area_id": "attic"}),
            "Hub Own",
            "Own",
            "Own",
        ),
        (
            json!({"device_id": "socket"}),
            "Left Own",
            "Hub Left Own",
            "Hub Left Own",
        ),
    ] {
        for (release, names) in [
            ("2026.4.0", given_or_device),
            ("2026.9.4", given_or_device),
            ("2026.10.0", given_or_computed),
            ("2026.11.0", computed),
        ] {
            assert_eq!(names_in(release, &entry), [names], "{entry} in {release}");
        }
    }
}

#[test]
fn what_is_shown_in_older_releases() {
    let shown = |release, key| {
        let house = House::new()
            .of_release(release)
            .state("sensor.a", "1.25", &json!({"friendly_name": "b"}))
            .entry(
                "sensor.a",
                &json!({"area_id": "kitchen", "options": {"sensor": {"display_precision": 1}}}),
            )
            .state(
                "light.b",
                "2026-07-01",
                &json!({"friendly_name": "a", "device_class": "timestamp", "brightness": 255}),
            );
        column(&ask(&house.view(), &json!({})), key)
    };
    let local = "'2026-07-01T00:00:00+02:00'";
    for (release, states) in [
        ("2025.4.4", ["'1.25'", "'2026-07-01'"]),
        ("2025.5.0", ["'2026-07-01'", "'1.25'"]),
        ("2025.10.0", [local, "'1.25'"]),
        ("2026.6.9", [local, "'1.25'"]),
        ("2026.7.0", [local, "'1.2'"]),
    ] {
        assert_eq!(shown(release, "state"), states, "{release}");
    }
    assert_eq!(shown("2026.6.2", "areas"), ["Kitchen, cuisine, Küche"]);
    assert_eq!(shown("2026.6.3", "areas"), ["Kitchen, Küche, cuisine"]);
    assert_eq!(shown("2026.9.4", "brightness_pct"), [""; 0]);
    assert_eq!(shown("2026.10.0", "brightness_pct"), ["'100'"]);
}

#[test]
fn filters_of_the_native_server_in_older_releases() {
    let house = |release| {
        filter_house()
            .of_release(release)
            .state("light.d", "off", &json!({"friendly_name": "Große Lampe"}))
            .entry("light.d", &json!({"aliases": ["GROSSE LAMPE"]}))
    };
    let told = |release, arguments: &Value| {
        let view = house(release).view();
        match Arguments::read_as(Profile::of(release), &read(arguments)) {
            Ok(arguments) => match answer(&view, &arguments) {
                Ok(overview) => column(&overview, "state").join(" ").replace('\'', ""),
                Err(no_match) => no_match.to_string(),
            },
            Err(error) => error.told(),
        }
    };
    let namesakes = "No entities matched the provided filter";
    let lamp = json!({"name": "große lampe"});
    for (release, answer) in [
        ("2026.4.0", "on 1 off"),
        ("2026.5.0", namesakes),
        ("2026.6.9", namesakes),
        ("2026.7.0", "on off"),
        ("2026.11.0", "on off"),
    ] {
        assert_eq!(told(release, &lamp), answer, "{release}");
    }
    // The area may leave one of them.
    let in_kitchen = json!({"name": "große lampe", "area": "kitchen"});
    assert_eq!(told("2026.6.0", &in_kitchen), "on");
    assert_eq!(told("2026.4.0", &json!({"extra": null})), "on 1 off");
    // Other faces read arguments by the newest rules.
    let view = house("2026.4.0").view();
    assert_eq!(
        ask(&view, &json!({"domain": "fan"})).chars().next(),
        Some('!')
    );
    let shown = ask(&house("2026.6.0").view(), &lamp);
    assert_eq!(column(&shown, "state"), ["'on'", "'off'"]);
}

#[test]
fn envelopes_of_older_releases() {
    let told = |release, arguments: &Value| {
        let house = House::new().of_release(release).state(
            "light.a",
            "ö\"\u{7f}",
            &json!({"friendly_name": "a"}),
        );
        let view = house.view();
        let arguments = Arguments::read(&read(arguments)).unwrap();
        let form = |form| {
            let mut out = String::new();
            let _ = answer_into(&view, &arguments, form, &mut out);
            out
        };
        let tool = form(Form::Tool);
        let wire: String = serde_json::from_str(&format!("\"{}\"", form(Form::Wire))).unwrap();
        assert_eq!(wire, tool, "{release}");
        tool
    };
    let heading = "Live Context: An overview of the areas and the devices in this smart home:";
    let shown = r#"\n- names: a\n  domain: light\n  state: \"ö\\\"\\x7F\"\n"#;
    let ascii = shown.replace('ö', "\\u00f6");
    let success = |shown: &str| format!("{{\"success\": true, \"result\": \"{heading}{shown}\"}}");
    for (release, text) in [
        ("2026.2.0", success(&ascii)),
        ("2026.2.1", success(shown)),
        ("2026.9.4", success(shown)),
        ("2026.10.0", format!("{{\"result\": \"{heading}{shown}\"}}")),
    ] {
        assert_eq!(told(release, &json!({})), text, "{release}");
    }
    let refusal = "No exposed entities matched name 'ö'";
    for (release, text) in [
        (
            "2026.2.0",
            format!("{{\"success\": false, \"error\": \"{refusal}\"}}").replace('ö', "\\u00f6"),
        ),
        (
            "2026.9.4",
            format!("{{\"success\": false, \"error\": \"{refusal}\"}}"),
        ),
        ("2026.10.0", format!("{{\"error\": \"{refusal}\"}}")),
    ] {
        assert_eq!(told(release, &json!({"name": "ö"})), text, "{release}");
        let is_error = release == "2026.10.0";
        assert_eq!(Profile::of(release).refusals_are_errors(), is_error);
    }
    for (release, text) in [
        ("2026.9.4", r#"{"success": true, "result": {"a": 1}}"#),
        ("2026.10.0", r#"{"a": 1}"#),
    ] {
        assert_eq!(Profile::of(release).answer(r#"{"a": 1}"#.to_owned()), text);
    }
}
