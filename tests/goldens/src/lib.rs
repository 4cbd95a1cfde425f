//! Runs recordings of real Home Assistants against housekey: same input, same answer.
//!
//! [`run`] looks for whatever suites a folder holds; [`report`] is what comes out, [`listed`] which
//! misses are known differences. [`dump`] makes a house of a recorded one, [`exact`] reads JSON
//! without loss. Each other module is one kind of recording.

pub mod dump;
pub mod exact;
pub mod listed;
pub mod native;
pub mod report;
pub mod vectors;
pub mod ws;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use report::Report;

/// Folders that are input of other recordings and hold no cases themselves.
const INPUTS: [&str; 2] = ["dump", "fixture"];
/// Suites that the laying-out of recordings knows and that are run elsewhere or not yet.
const OTHER_SUITES: [&str; 3] = ["atm", "intents", "templates"];

/// Runs every suite in a folder.
///
/// # Errors
/// When a file cannot be read, or is not what its place says.
pub fn run(dir: &Path) -> Result<Report> {
    let mut report = Report::default();
    walk(dir, dir, &mut report)?;
    ws::run(dir, &mut report)?;
    Ok(report)
}

fn walk(root: &Path, dir: &Path, report: &mut Report) -> Result<()> {
    if dir.join("dump").join("states.json").is_file() {
        native::run(&shown(root, dir), dir, report)?;
    }
    for path in entries(dir)? {
        let name = file_name(&path);
        if path.is_dir() {
            if INPUTS.contains(&name.as_str()) {
                continue;
            }
            if OTHER_SUITES.contains(&name.as_str()) {
                report.not_yet_supported(shown(root, &path));
                continue;
            }
            walk(root, &path, report)?;
        } else if path.extension().is_some_and(|e| e == "json") {
            vectors::run(&shown(root, &path), &path, report)?;
        }
    }
    Ok(())
}

/// What a folder holds, by name, so that reports come out in one order.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let mut paths = read
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A path as reports name it: from the folder that is run, or by its last part if it is that.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    if inside.as_os_str().is_empty() {
        file_name(&path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    } else {
        inside.to_string_lossy().into_owned()
    }
}

pub(crate) fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

pub(crate) fn parse<T: for<'de> serde::Deserialize<'de>>(path: &Path) -> Result<T> {
    serde_json::from_str(&read_text(path)?).with_context(|| format!("parsing {}", path.display()))
}
