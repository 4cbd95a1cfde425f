//! `housekey config check | print`

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::ConfigCommand;
use crate::config::{Config, Effective, Flags, Held};
use crate::print;

const MASK: &str = "***";

pub(super) fn run(command: &ConfigCommand, flags: &Flags) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => check(flags),
        ConfigCommand::Print { json } => tell(flags, *json),
    }
}

fn check(flags: &Flags) -> anyhow::Result<ExitCode> {
    let config = Config::load(flags, no_stdin)?;
    let file = Effective::load(flags)?.file;
    let file = file.map_or("no file".to_owned(), |file| file.display().to_string());
    print::line(format!(
        "the configuration is valid ({file}): Home Assistant at {}, serving on {}",
        config.ha_url, config.server.listen
    ));
    Ok(ExitCode::SUCCESS)
}

fn no_stdin() -> std::io::Result<String> {
    Err(std::io::Error::other("not read by this command"))
}

fn tell(flags: &Flags, json: bool) -> anyhow::Result<ExitCode> {
    let effective = Effective::load(flags)?;
    if json {
        let keys = effective.keys.iter().map(|held| {
            let (value, source) = match &held.value {
                Some((value, source)) => (masked(held, value), json!(source)),
                None => (Value::Null, Value::Null),
            };
            let path = format!("{}.{}", held.section, held.name);
            (
                path,
                json!({ "value": value, "source": source, "doc": held.doc }),
            )
        });
        print::line(Value::Object(keys.collect::<Map<_, _>>()).to_string());
    } else {
        print::line(as_file(&effective.keys));
    }
    // What counts is shown even when it cannot count.
    Config::load(flags, no_stdin)?;
    Ok(ExitCode::SUCCESS)
}

fn masked(held: &Held, value: &toml::Value) -> Value {
    if held.is_secret {
        return Value::from(MASK);
    }
    match value {
        toml::Value::Integer(number) => json!(number),
        toml::Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect(),
        toml::Value::String(text) => json!(text),
        toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Table(_) => json!(value.to_string()),
    }
}

/// The text of a file that says the same; what such a file must not hold stands in a comment.
fn as_file(keys: &[Held]) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for held in keys {
        if held.section != section {
            section = held.section;
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(format!("[{section}]"));
        }
        lines.push(match &held.value {
            None => format!("# {} is not set", held.name),
            Some((_, source)) if held.is_secret => {
                format!("# {} = {MASK}  # {source}", held.name)
            }
            Some((value, source)) => format!("{} = {value}  # {source}", held.name),
        });
    }
    lines.join("\n")
}
