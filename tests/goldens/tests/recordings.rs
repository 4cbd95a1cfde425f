//! The recordings that the project keeps, and that a wrong one would be noticed.

use std::path::{Path, PathBuf};

use anyhow::Result;
use housekey_goldens::listed::Listed;
use housekey_goldens::run;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ha-fixtures")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// A copy of a recorded instance in which one file has one text for another.
fn with(file: &str, before: &str, after: &str) -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let place = dir.path().join("some/instance");
    copy(&fixtures().join("native/2026.11.0"), &place)?;
    let file = place.join(file);
    let text = std::fs::read_to_string(&file)?;
    anyhow::ensure!(text.contains(before), "{before}");
    std::fs::write(&file, text.replacen(before, after, 1))?;
    Ok(dir)
}

#[test]
fn every_recorded_case_is_equal_or_a_known_difference() {
    let listed = Listed::of_the_project();
    let report = run(&fixtures()).unwrap();
    assert!(report.cases("native").len() > 2000);
    let misses: Vec<&str> = report
        .unlisted_misses(&listed)
        .iter()
        .map(|case| case.name.as_str())
        .collect();
    assert!(misses.is_empty(), "{misses:#?}\n{}", report.text(&listed));
}

#[test]
fn a_case_that_differs_is_a_miss_with_its_name() {
    let dir = with("livecontext.json", "names: AC", "names: AB").unwrap();
    let report = run(dir.path()).unwrap();
    let listed = Listed::default();
    let misses = report.unlisted_misses(&listed);
    assert_eq!(misses.len(), 1);
    let name = "some/instance/livecontext.json#0 GetLiveContext {}";
    assert_eq!(misses[0].name, name);
    let text = report.text(&listed);
    let total = report.cases("native").len();
    assert!(text.starts_with(&format!("miss: {name}: at character")));
    assert!(text.contains(&format!("\nnative: {} of {total}\n", total - 1)));
    let page = format!(
        "## Recorded cases that differ\n| `{}` | x |\n",
        "some/*#0 *"
    );
    assert!(report.unlisted_misses(&Listed::read(&page)).is_empty());
}

/// The recording of another release differs, so a release that is not known is seen to be taken for
/// the newest.
#[test]
fn a_release_that_is_not_known_is_taken_for_the_newest() {
    for (version, is_same) in [("2027.1.0b3", true), ("2026.10.4", false)] {
        let dir = with("dump/config.json", "2026.11.0", version).unwrap();
        let report = run(dir.path()).unwrap();
        let listed = Listed::default();
        let misses = report.unlisted_misses(&listed);
        assert_eq!(misses.is_empty(), is_same, "{version}");
    }
}

/// What was recorded of each release is run: without a tool that tells states it is the prompt alone.
#[test]
fn every_release_has_its_overview_and_its_prompt() {
    let report = run(&fixtures()).unwrap();
    let cases = report.cases("native");
    let mut releases = 0;
    for entry in std::fs::read_dir(fixtures().join("native")).unwrap() {
        let entry = entry.unwrap();
        if !entry.path().is_dir() {
            continue;
        }
        releases += 1;
        let name = entry.file_name().into_string().unwrap();
        let count = |what: &str| {
            let inside = format!("native/{name}/");
            let of_release = cases.iter().filter(|case| case.name.starts_with(&inside));
            let asked = of_release.filter_map(|case| case.name.split_once(' '));
            asked.filter(|(_, asked)| asked.starts_with(what)).count()
        };
        assert_eq!(count("GetLiveContext") > 1, name != "2025.2.5", "{name}");
        assert!(count("prompt") > 2, "{name}");
        assert!(count("prompts") > 0, "{name}");
        assert!(count("resources") + count("refusal") > 0, "{name}");
    }
    assert!(releases >= 18, "{releases}");
}
