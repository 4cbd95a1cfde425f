//! The snapshot inside a View cannot be reached.

fn take(view: &housekey_policy::View) -> &housekey_home::snapshot::Snapshot {
    &view.snapshot
}

fn main() {}
