//! Answers of Home Assistant's own MCP server, recorded beside a dump of the house they speak of.
//!
//! What a file holds is seen from its content, not from its name: calls with their arguments and
//! responses, listings of tools, and reads of the context snapshot.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use housekey_assist::date_time::date_time;
use housekey_assist::live_context::{Arguments, Form, answer, answer_into};
use housekey_assist::tools::{self, Face, Tool, ToolId};
use housekey_home::time::UtcMicros;
use housekey_home::value::Map;
use housekey_policy::View;
use serde_json::{Value, json};

use crate::report::Report;
use crate::{dump, entries, file_name, parse};

const SUITE: &str = "native";
/// Releases whose rules housekey knows.
const RELEASES: &str = "2026.11.";
/// Files that say how a recording came about.
const NO_RECORDINGS: [&str; 2] = ["meta.json", "steps.json"];
/// Part of the name of recordings that were made with nothing exposed.
const NOTHING_EXPOSED: &str = "none_exposed";

/// Runs the recordings of one folder.
///
/// # Errors
/// When a file cannot be read.
pub fn run(name: &str, dir: &Path, report: &mut Report) -> Result<()> {
    let release = dump::release(&dir.join("dump"))?;
    let files: Vec<_> = entries(dir)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| !NO_RECORDINGS.contains(&file_name(path).as_str()))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    if !release.starts_with(RELEASES) {
        report.not_yet_supported(format!("{name}: Home Assistant {release}"));
        return Ok(());
    }
    let (house, hidden) = dump::snapshots(&dir.join("dump"))?;
    let (house, hidden) = (View::unrestricted(house), View::unrestricted(hidden));
    let mut untested = BTreeMap::new();
    for path in &files {
        let file = file_name(path);
        let mut recording = Recording {
            name: format!("{name}/{file}"),
            view: if file.contains(NOTHING_EXPOSED) {
                &hidden
            } else {
                &house
            },
            cases: 0,
            untested: &mut untested,
            report,
        };
        recording.visit(&parse(path)?)?;
        if recording.cases == 0 {
            *untested.entry(file).or_insert(0) += 1;
        }
    }
    if !untested.is_empty() {
        let parts = untested.iter().map(|(what, count)| match count {
            1 => what.clone(),
            count => format!("{what} ({count})"),
        });
        let parts: Vec<String> = parts.collect();
        report.not_yet_supported(format!("{name}: {}", parts.join(", ")));
    }
    Ok(())
}

struct Recording<'a> {
    name: String,
    view: &'a View,
    cases: usize,
    untested: &'a mut BTreeMap<String, u32>,
    report: &'a mut Report,
}

impl Recording<'_> {
    fn visit(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.visit(item)),
            Value::Object(object) => {
                if let (Some(arguments), Some(response)) =
                    (object.get("arguments"), object.get("response"))
                {
                    let tool = object.get("tool").and_then(Value::as_str);
                    return self.call(tool.unwrap_or("GetLiveContext"), arguments, response);
                }
                for (key, value) in object {
                    self.member(key, value)?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn member(&mut self, key: &str, value: &Value) -> Result<()> {
        if let Some(arguments) = key.strip_prefix("GetLiveContext ") {
            return self.call("GetLiveContext", &written_arguments(arguments)?, value);
        }
        match key {
            "live" => self.call("GetLiveContext", &json!({}), value),
            "tools" => {
                for tool in value.as_array().into_iter().flatten() {
                    self.tool(tool);
                }
                Ok(())
            }
            "contents" => {
                for content in value.as_array().into_iter().flatten() {
                    self.resource(content);
                }
                Ok(())
            }
            _ => self.visit(value),
        }
    }

    fn call(&mut self, name: &str, arguments: &Value, response: &Value) -> Result<()> {
        let case = self.case_name(&format!("{name} {arguments}"));
        let Some(tool) = tools::find(name) else {
            return self.untested(name);
        };
        let arguments: Map = serde_json::from_value(arguments.clone())
            .with_context(|| format!("arguments of {case}"))?;
        let expected = Answer::recorded(response);
        match tool.id {
            ToolId::GetLiveContext => {
                let got = Answer::live_context(self.view, &arguments);
                let expected = expected.map_or_else(|| response.to_string(), |e| e.text());
                self.report.equal(SUITE, case, &expected, &got.text());
            }
            ToolId::GetDateTime => {
                let miss = match expected {
                    Some(answer) => time_miss(&answer, self.view.time_zone()),
                    None => Some(format!("no answer: {response}")),
                };
                self.report.case(SUITE, case, miss);
            }
            ToolId::GetState | ToolId::GetStates => return self.untested(name),
        }
        self.cases += 1;
        Ok(())
    }

    fn tool(&mut self, recorded: &Value) {
        let Some(name) = recorded.get("name").and_then(Value::as_str) else {
            return;
        };
        let ours = tools::listed(Face::Native).find(|t| t.name_on(Face::Native) == Some(name));
        let Some(ours) = ours else {
            *self.untested.entry("tools".to_owned()).or_insert(0) += 1;
            return;
        };
        let case = self.case_name(&format!("tool {name}"));
        let miss = (listing(ours) != *recorded)
            .then(|| format!("expected {recorded}, got {}", listing(ours)));
        self.report.case(SUITE, case, miss);
        self.cases += 1;
    }

    fn resource(&mut self, content: &Value) {
        let Some(text) = content.get("text").and_then(Value::as_str) else {
            return;
        };
        let case = self.case_name("context snapshot");
        let got = answer(self.view, &Arguments::default()).unwrap_or_else(|e| e.to_string());
        self.report.equal(SUITE, case, text, &got);
        self.cases += 1;
    }

    fn case_name(&self, what: &str) -> String {
        format!("{}#{} {what}", self.name, self.cases)
    }

    fn untested(&mut self, what: &str) -> Result<()> {
        *self.untested.entry(what.to_owned()).or_insert(0) += 1;
        Ok(())
    }
}

/// Arguments as recordings write them into keys: JSON, or with bare words for a person's eyes.
fn written_arguments(text: &str) -> Result<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let inner = text.trim_matches(['{', '}']);
    let (key, value) = inner.split_once(": ").context("arguments in a key")?;
    Ok(json!({ key: value }))
}

/// A tool as Home Assistant lists it.
fn listing(tool: &Tool) -> Value {
    let schema: Value = serde_json::from_str(tool.schema_on(Face::Native)).unwrap_or_default();
    json!({
        "name": tool.name_on(Face::Native),
        "title": tool.title,
        "description": tool.description,
        "inputSchema": schema,
        "annotations": {
            "readOnlyHint": tool.hints.read_only,
            "destructiveHint": tool.hints.destructive,
            "idempotentHint": tool.hints.idempotent,
            "openWorldHint": tool.hints.open_world,
        },
    })
}

/// The text of a tool's answer, and whether it is a failure.
struct Answer {
    text: String,
    is_error: bool,
}

impl Answer {
    fn recorded(response: &Value) -> Option<Self> {
        Some(Self {
            text: response.pointer("/content/0/text")?.as_str()?.to_owned(),
            is_error: response.get("isError")?.as_bool()?,
        })
    }

    fn live_context(view: &View, arguments: &Map) -> Self {
        let arguments = match Arguments::read(arguments) {
            Ok(arguments) => arguments,
            Err(error) => {
                return Self {
                    text: format!("Error calling tool: {error}"),
                    is_error: true,
                };
            }
        };
        let mut text = String::new();
        let is_error = answer_into(view, &arguments, Form::Tool, &mut text).is_err();
        let mut wire = String::from("\"");
        // The same refusal as above.
        let _ = answer_into(view, &arguments, Form::Wire, &mut wire);
        wire.push('"');
        match serde_json::from_str::<String>(&wire) {
            Ok(same) if same == text && wire.is_ascii() => Self { text, is_error },
            Ok(_) | Err(_) => Self {
                text: format!("the form for the wire differs: {wire}"),
                is_error,
            },
        }
    }

    fn text(&self) -> String {
        format!("{} (isError {})", self.text, self.is_error)
    }
}

/// What is wrong with a recorded time: it has to be what housekey says at that instant.
fn time_miss(answer: &Answer, zone: &str) -> Option<String> {
    let told: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let part = |key| told.get(key).and_then(Value::as_str).unwrap_or_default();
    let wall = format!("{}T{}", part("date"), part("time"));
    let instant = wall
        .parse::<jiff::civil::DateTime>()
        .and_then(|wall| wall.in_tz(zone));
    let Ok(instant) = instant else {
        return Some(format!("{} holds no time", answer.text));
    };
    let ours = date_time(UtcMicros(instant.timestamp().as_microsecond()), zone).json();
    (ours != answer.text).then(|| format!("expected {}, got {ours}", answer.text))
}
