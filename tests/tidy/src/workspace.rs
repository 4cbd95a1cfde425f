//! What the rules look at: the files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The text of a file, by its path from the root.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the folders in a folder, in order.
pub(crate) fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).unwrap();
    let mut names: Vec<_> = entries
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below a folder, by its path from the root, in order; what is built is left out.
pub(crate) fn files(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            if !entry.file_type().unwrap().is_dir() {
                found.push(path);
            } else if name != "target" && name != "__pycache__" {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file of the crates and of the test packages.
pub(crate) fn rust_files() -> Vec<String> {
    let all = files("crates").into_iter().chain(files("tests"));
    all.filter(|path| path.ends_with(".rs")).collect()
}

/// Whether a file holds nothing but tests.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// The part of a file before its tests, which come last.
pub(crate) fn without_tests(text: &str) -> &str {
    let tests = text.find("\n#[cfg(test)]\nmod tests {");
    tests.map_or(text, |tests| &text[..tests])
}

/// Fails when there is something to complain of; `remedy` says what to do about it.
#[track_caller]
pub(crate) fn expect_none(complaints: &[String], remedy: &str) {
    assert!(
        complaints.is_empty(),
        "\n  {}\n\n{remedy}\n",
        complaints.join("\n  ")
    );
}
