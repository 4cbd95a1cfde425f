//! Tokens in words.

use serde_json::Value;

use super::TOKENS;
use crate::commands::answer::{escaped, text};

pub(super) fn path_of(token: &str) -> String {
    format!("{TOKENS}/{}", escaped(token))
}

pub(super) fn rate(token: &Value) -> String {
    let number = |key: &str| token.pointer(key).and_then(Value::as_u64).unwrap_or(0);
    match number("/rate/per_minute") {
        0 => "no limit".to_owned(),
        limit => format!("{limit}/min, {}/s", number("/rate/burst")),
    }
}

/// What a token opens, in a few words.
pub(super) fn opens(token: &Value) -> String {
    let is_set = |key: &str| token.get(key).and_then(Value::as_bool).unwrap_or(false);
    let what = if is_set("pass_through") {
        "everything".to_owned()
    } else {
        let mut words = Vec::new();
        for (color, word) in [("yellow", "read"), ("green", "write"), ("red", "never")] {
            let named: Vec<String> = ["domains", "devices", "entities"]
                .into_iter()
                .filter_map(|level| token.pointer(&format!("/grants/{level}"))?.as_object())
                .flatten()
                .filter(|(_, node)| text(node, "color") == color)
                .map(|(name, _)| name.clone())
                .collect();
            if !named.is_empty() {
                words.push(format!("{word} {}", shortened(&named)));
            }
        }
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join("; ")
        }
    };
    if is_set("use_assist_exposure") {
        format!("{what}, of what is exposed")
    } else {
        what
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        Some(0) | None => shown,
    }
}

pub(super) fn word(color: &str) -> &'static str {
    match color {
        "yellow" => "read",
        "green" => "read and write",
        "red" => "denied",
        _ => "nothing of its own",
    }
}

pub(super) fn step_in_words(step: &Value) -> String {
    match text(step, "step").as_str() {
        "absent" => "there is no such entity".to_owned(),
        "blocked" => "it is closed to every token".to_owned(),
        "not_exposed" => "it is not exposed to the assistant".to_owned(),
        "pass_through" => "the token passes through".to_owned(),
        "no_grant" => "nothing grants it".to_owned(),
        "node" => {
            let color = text(step, "color");
            let says = word(&color);
            let red_only = step
                .get("red_only")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let other = if red_only && color != "red" {
                " (set for another entity that had this id: it does not count)"
            } else {
                ""
            };
            format!("its {} says: {says}{other}", text(step, "level"))
        }
        other => other.to_owned(),
    }
}
