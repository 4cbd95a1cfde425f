//! No method of a View returns its snapshot.

fn take(view: housekey_policy::View) -> housekey_home::snapshot::Snapshot {
    view.snapshot()
}

fn main() {}
