//! The texts of every validator.

use super::*;

const KEYS: [Key; 3] = [
    Key {
        name: "name",
        accepts: Accepts::Text,
    },
    Key {
        name: "domain",
        accepts: Accepts::Texts,
    },
    Key {
        name: "area",
        accepts: Accepts::Text,
    },
];

fn told(checks: Checks, json: &str) -> Option<String> {
    let arguments: Map = serde_json::from_str(json).unwrap();
    let error = read(&KEYS, checks, &arguments).err();
    error.map(|error| error.to_string())
}

fn error(json: &str) -> String {
    told(Checks::NEWEST, json).unwrap()
}

#[test]
fn errors_read_as_home_assistants() {
    for (json, text) in [
        (r#"{"name":null}"#, "string value is None at 'name'"),
        (r#"{"name":["a"]}"#, "value should be a string at 'name'"),
        (r#"{"area":{}}"#, "value should be a string at 'area'"),
        (r#"{"domain":null}"#, "string value is None at 'domain'"),
        (
            r#"{"domain":{"a":1}}"#,
            "value should be a string at 'domain'",
        ),
        (
            r#"{"domain":["light",["x"]]}"#,
            "value should be a string at 'domain[1]'",
        ),
        (
            r#"{"domain":[null,["x"]]}"#,
            "string value is None at 'domain[0]'",
        ),
        (
            r#"{"extra":1,"name":null}"#,
            "not a valid option at 'extra'",
        ),
        (
            r#"{"name":null,"extra":1}"#,
            "string value is None at 'name'",
        ),
        (
            r#"{"names":1}"#,
            "not a valid option, did you mean 'name'? at 'names'",
        ),
        (
            r#"{"Area":1}"#,
            "not a valid option, did you mean 'area'? at 'Area'",
        ),
        (
            r#"{"domains":1}"#,
            "not a valid option, did you mean 'domain'? at 'domains'",
        ),
        (r#"{"a b":1}"#, "not a valid option at '['a b']'"),
        (r#"{"":1}"#, "not a valid option at '['']'"),
        (r#"{"<x>":1}"#, "not a valid option at '<x>'"),
        (r#"{"ä":1}"#, "not a valid option at '['ä']'"),
    ] {
        assert_eq!(error(json), text, "{json}");
    }
    let long = "k".repeat(600);
    let shown = format!("not a valid option at '['{}...]'", "k".repeat(496));
    assert_eq!(error(&format!(r#"{{"{long}":1}}"#)), shown);
}

#[test]
fn numbers_are_taken_in_their_python_form() {
    let arguments: Map =
        serde_json::from_str(r#"{"name":true,"domain":[5,1.0,"x"],"area":1e16}"#).unwrap();
    let texts: Vec<Vec<String>> = read(&KEYS, Checks::NEWEST, &arguments)
        .unwrap()
        .into_iter()
        .map(|argument| argument.texts)
        .collect();
    assert_eq!(texts, [vec!["True"], vec!["5", "1.0", "x"], vec!["1e+16"]]);
}

#[test]
fn likeness_is_difflibs() {
    // Computed with CPython's difflib.
    for (a, b, expected) in [
        ("name", "nmae", 0.75),
        ("domain", "domains", 12.0 / 13.0),
        ("area", "aera", 0.75),
        ("abcd", "bcda", 0.75),
        ("name", "xyz", 0.0),
    ] {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let got = likeness(&chars(a), &chars(b));
        assert!((got - expected).abs() < 1e-12, "{a} and {b}: {got}");
    }
}

/// Computed with jsonschema 4.26, which Home Assistant 2026.2 and 2026.11 have.
#[test]
fn the_schema_is_checked_as_the_library_does() {
    for (json, all, texts) in [
        (
            r#"{"name":5}"#,
            Some("5 is not of type 'string'"),
            Some("5 is not of type 'string'"),
        ),
        (
            r#"{"area":5,"domain":6}"#,
            Some("6 is not valid under any of the given schemas"),
            Some("5 is not of type 'string'"),
        ),
        (
            r#"{"area":5,"domain":6,"name":7}"#,
            Some("7 is not of type 'string'"),
            Some("7 is not of type 'string'"),
        ),
        (
            r#"{"area":null,"domain":[1]}"#,
            Some("1 is not of type 'string'"),
            Some("None is not of type 'string'"),
        ),
        (
            r#"{"domain":["a",null,2]}"#,
            Some("None is not of type 'string'"),
            None,
        ),
        (
            r#"{"domain":{"a":[1.0,true]}}"#,
            Some("{'a': [1.0, True]} is not valid under any of the given schemas"),
            None,
        ),
        (
            r#"{"domain":["it's"],"area":1e16,"extra":1}"#,
            Some("1e+16 is not of type 'string'"),
            Some("1e+16 is not of type 'string'"),
        ),
        (
            r#"{"domain":"x","name":"y","area":"z","extra":1}"#,
            None,
            None,
        ),
        (r#"{"domain":[]}"#, None, None),
    ] {
        let arguments: Map = serde_json::from_str(json).unwrap();
        for (schema, text) in [
            (Schema::All, all),
            (Schema::Texts, texts),
            (Schema::None, None),
        ] {
            let told = match_schema(&KEYS, schema, &arguments).err();
            let expected = text.map(|text| ArgumentError::Schema(text.to_owned()));
            assert_eq!(told, expected, "{json} {schema:?}");
        }
    }
    let told = ArgumentError::Schema("x".to_owned()).told();
    assert_eq!(told, "Input validation error: x");
    let told = ArgumentError::Home("x".to_owned()).told();
    assert_eq!(told, "Error calling tool: x");
}

#[test]
fn older_releases_have_an_older_wording() {
    let checks = Checks {
        schema: Schema::Texts,
        wording: Wording::Voluptuous,
    };
    for (json, text) in [
        (
            r#"{"domain":null}"#,
            Some("string value is None for dictionary value @ data['domain']"),
        ),
        (
            r#"{"domain":{"a":1}}"#,
            Some("value should be a string for dictionary value @ data['domain']"),
        ),
        (
            r#"{"domain":["light",["x"]]}"#,
            Some("value should be a string @ data['domain'][1]"),
        ),
        (
            r#"{"domains":1,"domain":null}"#,
            Some("extra keys not allowed @ data['domains']"),
        ),
        (
            r#"{"it's":1}"#,
            Some("extra keys not allowed @ data[\"it's\"]"),
        ),
        // The schema comes before.
        (
            r#"{"extra":1,"name":null}"#,
            Some("Input validation error: None is not of type 'string'"),
        ),
        (r#"{"domain":[5,true],"name":"x"}"#, None),
    ] {
        assert_eq!(told(checks, json).as_deref(), text, "{json}");
    }
}
