//! Only a View makes what is visible.

use housekey_policy::{Facts, Permission, Visible};

fn forge(facts: Facts<'_>) -> Visible<'_> {
    Visible {
        facts,
        permission: Permission::Write,
    }
}

fn main() {}
