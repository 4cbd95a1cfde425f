//! Writes down all that an outside client can read of an instance, as files of a fixture.
//!
//! The layout is that of the recorded dumps: one JSON file per WebSocket answer, as it came, but for
//! credentials, addresses and paths, which are taken out.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::house::HouseContainer;
use crate::ws::Ws;

/// File name and the command whose result it holds.
const FILES: [(&str, &str); 8] = [
    ("entity_registry_list", "config/entity_registry/list"),
    ("device_registry", "config/device_registry/list"),
    ("area_registry", "config/area_registry/list"),
    ("floor_registry", "config/floor_registry/list"),
    ("label_registry", "config/label_registry/list"),
    ("expose_list", "homeassistant/expose_entity/list"),
    ("services", "get_services"),
    ("states", "get_states"),
];
/// Keys of `config.json` that tell where an instance is or how to reach it.
const CONFIG_ADDRESSES: [&str; 2] = ["internal_url", "external_url"];
const CONFIG_PATHS: [&str; 5] = [
    "config_dir",
    "allowlist_external_dirs",
    "whitelist_external_dirs",
    "allowlist_external_urls",
    "media_dirs",
];
/// A token in an `entity_picture` is this long, and is replaced by as many zeros.
const PICTURE_TOKEN_KEYS: [&str; 2] = ["token=", "authSig="];

/// Writes the dump of an instance into `folder`, with a `meta.json` that says `how` it was made.
///
/// # Errors
/// When Home Assistant refuses a command or a file cannot be written.
pub async fn write_dump(house: &HouseContainer, folder: &Path, how: &str) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut ws = house.ws().await?;
    for (file, command) in FILES {
        let answer = ws.call(&json!({"type": command})).await?;
        save(folder, file, answer)?;
    }
    let expose_new =
        json!({"type": "homeassistant/expose_new_entities/get", "assistant": "conversation"});
    save(folder, "expose_new", ws.call(&expose_new).await?)?;
    save(
        folder,
        "entity_registry_entries",
        full_entries(&mut ws).await?,
    )?;
    save(
        folder,
        "config",
        public_config(ws.call(&json!({"type": "get_config"})).await?),
    )?;
    let meta = json!({
        "release": house.release(),
        "date": jiff::Timestamp::now().strftime("%F").to_string(),
        "how": how,
    });
    save(folder, "meta", meta)
}

/// All entries with what the list leaves out (aliases, capabilities), in registry order.
async fn full_entries(ws: &mut Ws) -> Result<Value> {
    let listed = ws
        .call(&json!({"type": "config/entity_registry/list"}))
        .await?;
    let entries = listed.as_array().context("the list is an array")?;
    let ids: Vec<&Value> = entries
        .iter()
        .filter_map(|entry| entry.get("entity_id"))
        .collect();
    ws.call(&json!({"type": "config/entity_registry/get_entries", "entity_ids": ids}))
        .await
}

fn public_config(mut config: Value) -> Value {
    if let Some(config) = config.as_object_mut() {
        for key in CONFIG_PATHS {
            config.shift_remove(key);
        }
        for key in CONFIG_ADDRESSES {
            config.insert(key.to_owned(), Value::Null);
        }
        // A set in Home Assistant, in random order on the wire; sorted, recordings can be compared.
        if let Some(components) = config.get_mut("components").and_then(Value::as_array_mut) {
            components.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        }
    }
    config
}

fn save(folder: &Path, name: &str, mut value: Value) -> Result<()> {
    zero_tokens(&mut value);
    let mut text = serde_json::to_string_pretty(&value)?;
    text.push('\n');
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, text).with_context(|| file.display().to_string())
}

/// Replaces access tokens, wherever they stand, by zeros of the same length.
fn zero_tokens(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                if let (Value::String(text), "access_token") = (&mut *member, key.as_str()) {
                    *text = "0".repeat(text.len());
                } else {
                    zero_tokens(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(zero_tokens),
        Value::String(text) => zero_in_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn zero_in_text(text: &mut String) {
    for key in PICTURE_TOKEN_KEYS {
        let Some((head, tail)) = text.split_once(key) else {
            continue;
        };
        let end = tail.find('&').unwrap_or(tail.len());
        let (token, rest) = tail.split_at(end);
        *text = format!("{head}{key}{}{rest}", "0".repeat(token.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_zeroed_wherever_they_stand() {
        let mut value = json!([
            {"access_token": "abc", "entity_picture": "/api/camera_proxy/camera.x?token=1f2e&cache=3"},
            "plain",
        ]);
        zero_tokens(&mut value);
        let expected = json!([
            {"access_token": "000", "entity_picture": "/api/camera_proxy/camera.x?token=0000&cache=3"},
            "plain",
        ]);
        assert_eq!(value, expected);
    }
}
