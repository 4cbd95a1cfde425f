//! Files of values: YAML documents with their text, and what Python makes of single values.

use std::path::Path;

use anyhow::{Context, Result};
use housekey_assist::date_time::date_time;
use housekey_assist::pythonic::{self, number, text};
use housekey_assist::{local_time, yaml};
use housekey_home::time::UtcMicros;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::report::Report;
use crate::{exact, parse};

const SUITE: &str = "native";

/// A YAML document and its text.
#[derive(serde::Deserialize)]
struct Document {
    doc: Vec<Box<RawValue>>,
    yaml: String,
}

/// Runs a file if it is one of vectors.
///
/// # Errors
/// When the file is no JSON, or its rows have another form.
pub fn run(name: &str, path: &Path, report: &mut Report) -> Result<()> {
    match parse(path)? {
        Value::Array(rows) if rows.first().is_some_and(|row| row.get("yaml").is_some()) => {
            let documents: Vec<Document> = parse(path)?;
            for (index, document) in documents.iter().enumerate() {
                let maps = document.doc.iter().map(|item| exact::map(item.get()));
                let maps = maps.collect::<Result<Vec<_>>>()?;
                let got = yaml::document(&maps);
                report.equal(SUITE, format!("{name}#{index}"), &document.yaml, &got);
            }
        }
        Value::Object(sections) if sections.contains_key("sensor_round") => {
            for (section, rows) in &sections {
                let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
                for (index, row) in rows.iter().enumerate() {
                    let name = format!("{name}#{section}/{index}");
                    python(&name, section, row, report)?;
                }
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {}
    }
    Ok(())
}

fn python(name: &str, section: &str, row: &Value, report: &mut Report) -> Result<()> {
    // Rows of one cell hold it bare.
    let cell = |index: usize| match row {
        Value::Array(cells) => cells.get(index),
        Value::String(_) if index == 0 => Some(row),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            None
        }
    };
    let string = |index| {
        let cell = cell(index).and_then(Value::as_str);
        cell.with_context(|| format!("{name}: cell {index}"))
    };
    let (expected, got) = match section {
        "sensor_round" => {
            let precision = cell(1).and_then(Value::as_i64).context("a precision")?;
            let rounded = number::sensor_round(string(0)?, precision);
            (string(2)?, rounded.unwrap_or(string(0)?.to_owned()))
        }
        "timestamp_state" => {
            let zone = local_time::zone(string(0)?);
            let shown = local_time::timestamp_state(string(1)?, &zone);
            // Where Home Assistant fails, the state stays.
            let expected = string(2).unwrap_or(string(1)?);
            (expected, shown.unwrap_or(string(1)?.to_owned()))
        }
        "strip_characters" => {
            let code = string(0)?.trim_start_matches("U+");
            let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            let padded = format!("{0}x{0}", c.context("a character")?);
            ("x", text::strip(&padded).to_owned())
        }
        "casefold" => (string(1)?, text::casefold(string(0)?).into_owned()),
        "python_repr_of_list" => (string(1)?, pythonic::list_text([string(0)?])),
        "datetime_format" => return time(name, string(0)?, string(1)?, cell(2), report),
        _ if section.ends_with("_columns") => return Ok(()),
        _ => {
            report.not_yet_supported(name);
            return Ok(());
        }
    };
    report.equal(SUITE, name, expected, &got);
    Ok(())
}

fn time(
    name: &str,
    zone: &str,
    instant: &str,
    expected: Option<&Value>,
    report: &mut Report,
) -> Result<()> {
    let instant = UtcMicros::parse_iso_utc(instant).context("an instant")?;
    let ours = date_time(instant, zone);
    let told = expected.context("a time")?;
    let differs = ours
        .fields()
        .iter()
        .any(|(key, value)| told.get(key).and_then(Value::as_str) != Some(value));
    let miss = differs.then(|| format!("expected {told}, got {}", ours.json()));
    report.case(SUITE, name, miss);
    Ok(())
}
