//! T9, T11: documents that a test reads do not rot.

use crate::workspace::{expect_none, files, folders, root, text};

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const COMPATIBILITY: &str = "docs/COMPATIBILITY.md";
/// Folders of the root that documents name paths in.
const ROOTS: [&str; 5] = ["crates/", "tests/", "scripts/", "docs/", "ha-fixtures/"];

/// The contents of the fenced blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```").skip(1).step_by(2).collect()
}

/// Names that a block lists under a folder: the first words of its indented lines.
fn listed_under<'a>(block: &'a str, folder: &str) -> Vec<&'a str> {
    let lines = block
        .lines()
        .skip_while(|line| !line.starts_with(folder))
        .skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// T9.
#[test]
fn the_architecture_names_the_crates_that_exist() {
    let page = text(ARCHITECTURE);
    let first = blocks(&page)[0];
    let mut named = listed_under(first, "crates/");
    named.sort_unstable();
    assert_eq!(
        named,
        folders("crates"),
        "\n\nThe first block of {ARCHITECTURE} (left) lists the folders of crates/ (right), each with \
         a line that says what it is for.\n"
    );
}

/// T9.
#[test]
fn the_architecture_names_the_test_packages_that_exist() {
    let page = text(ARCHITECTURE);
    let blocks = blocks(&page);
    let tree = blocks
        .iter()
        .find(|block| block.contains("\ntests/"))
        .expect("a tree with tests/");
    let mut named: Vec<_> = listed_under(tree, "tests/")
        .into_iter()
        .map(|name| name.trim_end_matches('/'))
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        folders("tests"),
        "\n\nThe tree in {ARCHITECTURE} (left) lists the folders of tests/ (right), each with a line \
         that says what it is for.\n"
    );
}

/// Paths from the root that a page names in backquotes, and the targets of its links.
fn named_paths(page: &str, path: &str) -> Vec<String> {
    let prose: String = page.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    let quoted = quoted.filter_map(|quote| {
        let first = quote.split([' ', ':']).next()?;
        let is_path = ROOTS.iter().any(|root| first.starts_with(root));
        let is_one_path = !first.contains(['*', '<', '{', '…']);
        (is_path && is_one_path).then(|| first.to_owned())
    });
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let links = prose.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#']).next()?;
        let is_ours =
            !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
        is_ours.then(|| format!("{folder}/{target}"))
    });
    quoted.chain(links).collect()
}

/// T9.
#[test]
fn every_path_that_a_document_names_exists() {
    let mut complaints = Vec::new();
    let readme = root().join("README.md").exists();
    let pages = files("docs")
        .into_iter()
        .chain(readme.then(|| "README.md".to_owned()));
    for path in pages.filter(|path| path.ends_with(".md")) {
        for named in named_paths(&text(&path), &path) {
            if !root().join(named.trim_start_matches('/')).exists() {
                complaints.push(format!("{path} names {named}"));
            }
        }
    }
    expect_none(
        &complaints,
        "A path in a document exists: correct the document, or add what it promises.",
    );
}

/// The entries of the page: rows of its tables and items of its lists, with the heading above.
fn entries(page: &str) -> Vec<(String, String)> {
    let mut heading = String::new();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let is_head_of_table = lines.peek().is_some_and(|next| next.starts_with("|--"));
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        } else if line.starts_with("- ") || line.starts_with('|') && !is_head_of_table {
            if !line.starts_with("|--") {
                found.push((heading.clone(), line.to_owned()));
            }
        } else if line.starts_with("  ")
            && let Some((_, last)) = found.last_mut()
        {
            last.push_str(line);
        }
    }
    found
}

/// Whether an entry names its tests, each as `path/to/file.rs::name`, and all of them exist.
fn names_a_test(entry: &str) -> bool {
    let quoted = entry.split('`').skip(1).step_by(2);
    let mut tests = quoted
        .filter_map(|quote| quote.split_once(".rs::"))
        .peekable();
    tests.peek().is_some()
        && tests.all(|(path, name)| {
            let path = format!("{path}.rs");
            let is_there = ROOTS.iter().any(|root| path.starts_with(root));
            let is_there = is_there && root().join(&path).is_file();
            is_there && text(&path).contains(&format!("fn {name}("))
        })
}

/// Whether an entry names a recorded file: `path/under/ha-fixtures#case`, with `*` for anything.
fn names_a_recording(entry: &str) -> bool {
    let Some(pattern) = entry.split('`').nth(1) else {
        return false;
    };
    let path = pattern.split('#').next().unwrap_or_default();
    let literal = path.split('*').next().unwrap_or_default();
    let start = format!("ha-fixtures/{literal}");
    !literal.is_empty()
        && files("ha-fixtures")
            .iter()
            .any(|file| file.starts_with(&start))
}

/// T11.
#[test]
fn every_difference_names_its_test() {
    let page = text(COMPATIBILITY);
    let untested: Vec<_> = entries(&page)
        .into_iter()
        .filter(|(heading, entry)| {
            let is_recorded = heading == "Recorded cases that differ";
            !(names_a_test(entry) || is_recorded && names_a_recording(entry))
        })
        .map(|(heading, entry)| format!("{heading}: {entry}"))
        .collect();
    expect_none(
        &untested,
        "Each entry of docs/COMPATIBILITY.md names the test that shows the difference, as \
         `crates/NAME/tests/FILE.rs::TEST_NAME`; a row of the recorded cases begins with a recording \
         below ha-fixtures, as `FOLDER/FILE.json#CASE`.",
    );
}

#[test]
fn entries_are_told_from_what_surrounds_them() {
    let page = "# T\n- x\n## A\ntext\n\n| a | b |\n|---|---|\n| `1` | 2 |\n\n- y\n  more\n";
    let entries = entries(page);
    let expected = [("", "- x"), ("A", "| `1` | 2 |"), ("A", "- y  more")];
    assert_eq!(entries.len(), expected.len());
    for ((heading, entry), expected) in entries.iter().zip(expected) {
        assert_eq!((heading.as_str(), entry.as_str()), expected);
    }
    let here = "tests/tidy/src/documents.rs::entries_are_told_from_what_surrounds_them";
    assert!(names_a_test(&format!("- x. Test: `{here}`.")));
    assert!(names_a_test(&format!("- x. Tests: `{here}` and `{here}`.")));
    assert!(!names_a_test(&format!(
        "- x. Tests: `{here}` and `{here}_not`."
    )));
    assert!(!names_a_test("- x. Test: `tests/no.rs::it`."));
    assert!(!names_a_test("- x."));
    assert!(names_a_recording("| `native/*#3` | why |") && !names_a_recording("| `no/x#3` | y |"));
}
