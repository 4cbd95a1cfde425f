//! Rules of the emitter that a recording may not happen to show; the recorded documents are run by
//! the goldens.

use super::*;

fn check(json: &str, yaml: &str) {
    let Value::List(maps) = serde_json::from_str(json).unwrap() else {
        panic!("a document is a list");
    };
    let maps = maps.iter().map(|map| {
        let Value::Map(map) = map else {
            panic!("an item is a map");
        };
        &**map
    });
    assert_eq!(document(maps), yaml, "{json}");
}

#[test]
fn collections() {
    check("[{}]", "- {}\n");
    check(r#"[{"a":[],"b":{}}]"#, "- a: []\n  b: {}\n");
    check(
        r#"[{"a":[1,[2,3],{"x":1,"y":[4]}],"b":{"c":{"d":null}}}]"#,
        "- a:\n  - 1\n  - - 2\n    - 3\n  - x: 1\n    y:\n    - 4\n  b:\n    c:\n      d:\n",
    );
}

#[test]
fn styles() {
    for (text, written) in [
        ("plain text", "plain text"),
        ("", "''"),
        ("it's", "it's"),
        ("'quoted'", "'''quoted'''"),
        ("- dash", "'- dash'"),
        ("-dash", "-dash"),
        ("a: b", "'a: b'"),
        ("a:b", "a:b"),
        ("a #b", "'a #b'"),
        ("a#b", "a#b"),
        (" lead", "' lead'"),
        ("tail ", "'tail '"),
        ("tab\there", "\"tab\\there\""),
        ("😀", "\"\\U0001F600\""),
        ("ü漢", "ü漢"),
        ("---", "'---'"),
        ("...x", "'...x'"),
        ("a\nb", "'a\n\n    b'"),
        ("a \nb", "\"a \\nb\""),
        ("\u{7f}", "\"\\x7F\""),
        ("\u{feff}", "\"\\uFEFF\""),
        ("a\u{2028}b", "'a\u{2028}    b'"),
        ("a: null", "'a: null'"),
    ] {
        let mut item = Item::begin();
        item.text("k", text);
        assert_eq!(item.finish(), format!("- k: {written}\n"), "{text:?}");
    }
}

#[test]
fn long_texts_fold_behind_column_80() {
    let word = "x".repeat(78);
    check(
        &format!(r#"[{{"k":"{word} y z"}}]"#),
        &format!("- k: {word}\n    y z\n"),
    );
    check(
        &format!(r#"[{{"k":"{word}  y z"}}]"#),
        &format!("- k: {word}  y\n    z\n"),
    );
    check(
        &format!(r#"[{{"k":"{word}\t  y"}}]"#),
        &format!("- k: \"{word}\\t\n    \\ y\"\n"),
    );
}

#[test]
fn null_at_the_end_of_a_line_vanishes_everywhere() {
    let word = "x".repeat(70);
    check(
        &format!(r#"[{{"k":"{word}: null bar"}}]"#),
        &format!("- k: '{word}:\n    bar'\n"),
    );
    check(r#"[{"k":[null]}]"#, "- k:\n  - null\n");
}

#[test]
fn long_and_broken_keys_are_explicit() {
    let key = "k".repeat(129);
    check(
        &format!(r#"[{{"{key}":1,"b":[2]}}]"#),
        &format!("- ? {key}\n  : 1\n  b:\n  - 2\n"),
    );
    check(r#"[{"a\nb":{"c":1}}]"#, "- ? 'a\n\n    b'\n  : c: 1\n");
}

#[test]
fn floats() {
    for (float, text) in [
        (21.0, "21.0"),
        (-0.0, "-0.0"),
        (1e-7, "1.0e-07"),
        (1.5e-7, "1.5e-07"),
        (1e16, "1.0e+16"),
        (f64::INFINITY, ".inf"),
        (f64::NEG_INFINITY, "-.inf"),
        (f64::NAN, ".nan"),
    ] {
        assert_eq!(float_text(float), text);
    }
}
