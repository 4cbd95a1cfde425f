//! T12: recordings say where they come from.

use crate::workspace::{expect_none, files, root};

/// T12.
#[test]
fn every_recording_has_its_origin_beside_it() {
    let has_origin = |path: &str| {
        let mut folder = path;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            if parent == "ha-fixtures" {
                return false;
            }
            if root().join(parent).join("meta.json").is_file() {
                return true;
            }
            folder = parent;
        }
        false
    };
    let unknown: Vec<_> = files("ha-fixtures")
        .into_iter()
        .filter(|path| !has_origin(path))
        .collect();
    expect_none(
        &unknown,
        "What lies in ha-fixtures was recorded: put a meta.json into its folder or the one above, with \
         the release, the date and how it was recorded. Data typed by hand belongs to its test.",
    );
}
