//! The page of known differences against the code that it speaks of.

use std::path::Path;

#[test]
fn every_difference_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/COMPATIBILITY.md")).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let mut differences = 0;
    for pair in lines.windows(2).filter(|pair| pair[0].starts_with("- ")) {
        differences += 1;
        let test = pair[1]
            .strip_prefix("  Test: `")
            .and_then(|t| t.strip_suffix("`."));
        let (path, name) = test.and_then(|t| t.split_once("` `")).unwrap_or_else(|| {
            panic!("no line `  Test: `path` `name`.` below: {}", pair[0]);
        });
        let source = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let is_test = source.split("#[test]").skip(1).any(|behind| {
            let declared = behind.trim_start().strip_prefix("fn ");
            declared.is_some_and(|rest| rest.starts_with(&format!("{name}(")))
        });
        assert!(is_test, "{path} has no test `{name}`");
    }
    assert!(differences > 10);
}
