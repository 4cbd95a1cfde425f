//! Writes the sample database of this version, and what it holds, for `tests/databases`:
//! `cargo run -p housekey-store --example sample_database -- crates/store/tests/databases/NAME`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a sample that cannot be written is a failure"
)]

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::fs;

use housekey_store::Store;

fn main() {
    let target = std::env::args()
        .nth(1)
        .expect("the path to write to, without an ending");
    let directory = tempfile::tempdir().unwrap();
    sample::write(directory.path());
    for (file, ending) in [("housekey.redb", "redb"), ("audit.key", "key")] {
        let from = directory.path().join(file);
        fs::copy(from, format!("{target}.{ending}")).unwrap();
    }
    let store = Store::open(directory.path(), sample::KEY).unwrap();
    fs::write(format!("{target}.txt"), sample::describe(&store)).unwrap();
}
