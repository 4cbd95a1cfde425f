//! T8: every tool is tested through a door.

use housekey_assist::tools;

use crate::workspace::{expect_none, rust_files, text};

/// T8.
#[test]
fn every_tool_occurs_in_a_test_of_a_door() {
    let tests: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| path.starts_with("crates/mcp/tests/") || path.starts_with("tests/"))
        .map(|path| text(&path))
        .collect();
    let is_tested = |name: &str| {
        tests
            .iter()
            .any(|test| test.contains(&format!("\"{name}\"")))
    };
    let untested: Vec<_> = tools::all()
        .iter()
        .flat_map(|tool| [Some(tool.bare_name), tool.native_name])
        .flatten()
        .filter(|name| !is_tested(name))
        .map(str::to_owned)
        .collect();
    expect_none(
        &untested,
        "Call the tool by this name in crates/mcp/tests or in a suite under tests/, and check what it \
         answers.",
    );
}
