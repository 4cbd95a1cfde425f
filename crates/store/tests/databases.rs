//! S5: a database of every released version opens and holds what it held.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample;

use std::fs;
use std::path::Path;

use housekey_store::Store;

#[test]
fn every_version_opens() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/databases");
    let mut versions = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "redb") {
            continue;
        }
        let home = tempfile::tempdir().unwrap();
        fs::copy(&file, home.path().join("housekey.redb")).unwrap();
        let key = file.with_extension("key");
        if key.exists() {
            fs::copy(&key, home.path().join("audit.key")).unwrap();
        }
        let store = Store::open(home.path(), [0; 32]).unwrap();
        let held = fs::read_to_string(file.with_extension("txt")).unwrap();
        assert_eq!(sample::describe(&store), held, "{}", file.display());
        versions += 1;
    }
    assert!(versions > 0, "no sample database");
}

#[test]
fn what_is_written_is_what_the_newest_sample_holds() {
    let home = tempfile::tempdir().unwrap();
    sample::write(home.path());
    let store = Store::open(home.path(), [0; 32]).unwrap();
    let newest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/databases/0.1.0.txt");
    assert_eq!(
        sample::describe(&store),
        fs::read_to_string(newest).unwrap(),
        "the form changed: write a new sample with `cargo run --example sample_database`"
    );
}
