//! Answers of Home Assistant's own MCP server, recorded beside a dump of the house they speak of.
//!
//! What a file holds is seen from its content, and from its name only which API was spoken to: calls
//! with their arguments and responses, listings of tools, prompts and resources, and what those say.

mod answer;
mod said;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use housekey_assist::prompt::Api;
use housekey_assist::release::{Listed, Profile};
use housekey_assist::tools::{self, Tool, ToolId};
use housekey_home::value::Map;
use housekey_policy::View;
use serde_json::{Value, json};

use crate::report::Report;
use crate::{dump, entries, file_name, parse};
use answer::{Answer, time_miss};

const SUITE: &str = "native";
/// Files that say how a recording came about.
const NO_RECORDINGS: [&str; 2] = ["meta.json", "steps.json"];
/// Files about the wire or the options of the server, which this crate does not speak to.
const ABOUT_THE_SERVER: [&str; 2] = ["wire_", "options_flow_"];
/// Part of the name of recordings that were made with nothing exposed.
const NOTHING_EXPOSED: &str = "none_exposed";

/// Runs the recordings of one folder.
///
/// # Errors
/// When a file cannot be read.
pub fn run(name: &str, dir: &Path, report: &mut Report) -> Result<()> {
    let files: Vec<_> = entries(dir)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| !NO_RECORDINGS.contains(&file_name(path).as_str()))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let (house, hidden) = dump::snapshots(&dir.join("dump"))?;
    let (house, hidden) = (View::unrestricted(house), View::unrestricted(hidden));
    let mut untested = BTreeMap::new();
    for path in &files {
        let file = file_name(path);
        let content: Value = parse(path)?;
        // Nothing was recorded where a release has nothing to ask.
        if content == json!([]) {
            continue;
        }
        let view = if file.contains(NOTHING_EXPOSED) {
            &hidden
        } else {
            &house
        };
        let mut recording = Recording {
            name: format!("{name}/{file}"),
            view,
            profile: Profile::of(view.release()),
            api: api(&file, view),
            cases: 0,
            untested: BTreeMap::new(),
            report,
        };
        if !ABOUT_THE_SERVER.iter().any(|kind| file.starts_with(kind)) {
            recording.visit(&content)?;
        }
        if recording.cases == 0 && recording.untested.is_empty() {
            recording.untested.insert(file, 1);
        }
        for (what, count) in recording.untested {
            *untested.entry(what).or_insert(0) += count;
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

/// Which API a file is about: `/api/mcp` and the older paths serve what a token is given, the others
/// are one API each.
fn api(file: &str, view: &View) -> Api {
    if file.starts_with("api_mcp_homeassistant.") {
        Api::HomeAssistant
    } else if file.starts_with("api_mcp.") || file.starts_with("sse.") {
        Api::of_view(view)
    } else {
        Api::Assist
    }
}

struct Recording<'a> {
    name: String,
    view: &'a View,
    profile: &'static Profile,
    api: Api,
    cases: usize,
    untested: BTreeMap<String, u32>,
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
                self.said(value);
                object
                    .iter()
                    .try_for_each(|(key, value)| self.member(key, value))
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
                let got = Answer::live_context(self.view, self.profile, &arguments);
                let expected = expected.map_or_else(|| response.to_string(), |e| e.text());
                self.report.equal(SUITE, case, &expected, &got.text());
            }
            ToolId::GetDateTime => {
                let miss = match expected {
                    Some(answer) => time_miss(&answer, self.profile, self.view.time_zone()),
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
        let ours = tools::all().iter().find_map(|tool| {
            let native = tool.native_in(self.profile)?;
            (native.name == name).then_some((tool, native))
        });
        let Some((tool, native)) = ours else {
            *self.untested.entry("tools".to_owned()).or_insert(0) += 1;
            return;
        };
        let got = listing(tool, native, self.profile);
        self.same_json(&format!("tool {name}"), recorded, &got);
    }

    /// A case that passes when both values are equal; the order of members does not matter.
    fn same_json(&mut self, what: &str, expected: &Value, got: &Value) {
        let miss = (expected != got).then(|| format!("expected {expected}, got {got}"));
        let case = self.case_name(what);
        self.report.case(SUITE, case, miss);
        self.cases += 1;
    }

    /// A case that passes when both texts are equal.
    fn same_text(&mut self, what: &str, expected: &str, got: &str) {
        let case = self.case_name(what);
        self.report.equal(SUITE, case, expected, got);
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

/// A tool as a release of Home Assistant lists it.
fn listing(tool: &Tool, native: Listed, profile: &Profile) -> Value {
    let schema: Value = serde_json::from_str(native.schema).unwrap_or_default();
    if !profile.tools_have_hints {
        return json!({
            "name": native.name,
            "description": native.description,
            "inputSchema": schema,
        });
    }
    json!({
        "name": native.name,
        "title": tool.title,
        "description": native.description,
        "inputSchema": schema,
        "annotations": {
            "readOnlyHint": tool.hints.read_only,
            "destructiveHint": tool.hints.destructive,
            "idempotentHint": tool.hints.idempotent,
            "openWorldHint": tool.hints.open_world,
        },
    })
}
