//! T3 to T6: what every source file keeps.

use std::collections::BTreeMap;

use crate::workspace::{expect_none, is_test, rust_files, text, without_tests};

/// Most lines of a file, without its tests.
const LINES_MAX: usize = 400;
/// Most lines of a file that holds nothing but tests.
const TEST_LINES_MAX: usize = 800;
/// Files that are larger, each with the lines that it may have; the list may only shrink.
const LARGE_FILES: &str = "tests/tidy/large_files.txt";

/// T3.
#[test]
fn every_file_says_what_it_is_for() {
    let silent = rust_files()
        .into_iter()
        .filter(|path| !text(path).starts_with("//! "))
        .collect::<Vec<_>>();
    expect_none(
        &silent,
        "Begin each file with `//! ` and a sentence that says what it is for and, where that is not \
         plain, what it does not do.",
    );
}

fn allowed_lines() -> BTreeMap<String, usize> {
    let list = text(LARGE_FILES);
    let rows = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| {
        let (path, lines) = row.split_once(' ').expect("`path lines`");
        (
            path.to_owned(),
            lines.trim().parse().expect("a number of lines"),
        )
    })
    .collect()
}

/// T4.
#[test]
fn files_stay_small() {
    let allowed = allowed_lines();
    let mut complaints = Vec::new();
    let files = rust_files();
    for path in &files {
        let text = text(path);
        if is_test(path) {
            let lines = text.lines().count();
            if lines > TEST_LINES_MAX {
                complaints.push(format!(
                    "{path} has {lines} lines of tests, over {TEST_LINES_MAX}"
                ));
            }
            continue;
        }
        let lines = without_tests(&text).lines().count();
        match allowed.get(path) {
            None if lines > LINES_MAX => {
                complaints.push(format!("{path} has {lines} lines, over {LINES_MAX}"));
            }
            Some(most) if lines > *most => {
                complaints.push(format!("{path} grew to {lines} lines, from {most}"));
            }
            Some(_) if lines <= LINES_MAX => {
                complaints.push(format!("{path} is small again: take it off {LARGE_FILES}"));
            }
            None | Some(_) => {}
        }
    }
    for path in allowed.keys().filter(|path| !files.contains(path)) {
        complaints.push(format!("{path} does not exist: take it off {LARGE_FILES}"));
    }
    expect_none(
        &complaints,
        "Split the file by nouns: a file is one thing. The list of larger files may only shrink.",
    );
}

/// T5.
#[test]
fn no_test_is_skipped_or_expected_to_panic() {
    // Split, so that this file does not find itself.
    let words = [concat!("#[should", "_panic"), concat!("#[ign", "ore")];
    let mut complaints = Vec::new();
    for path in rust_files() {
        for (number, line) in text(&path).lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                complaints.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    expect_none(
        &complaints,
        "Assert what happens at present and say why it is wrong. A suite that needs a container is a \
         target of its own under tests/.",
    );
}

/// T6.
#[test]
fn doors_only_translate() {
    let mut complaints = Vec::new();
    for path in rust_files() {
        let is_door = path.starts_with("crates/mcp/src/") || path.starts_with("crates/web/src/");
        let is_wire_conversion = path.ends_with("/shape.rs");
        if !is_door || is_test(&path) || is_wire_conversion {
            continue;
        }
        let text = text(&path);
        for (number, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("Color::") || code.contains("Permission::") {
                complaints.push(format!("{path}:{}: {}", number + 1, code.trim()));
            }
        }
    }
    expect_none(
        &complaints,
        "A door decides nothing: policy decides, the gateway asks it. Words for colors and permissions \
         on a wire are written in a file named `shape.rs`.",
    );
}
