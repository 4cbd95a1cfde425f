//! The fields of Facts cannot be read.

fn take<'a>(visible: housekey_policy::Visible<'a>) -> &'a housekey_home::snapshot::Entity {
    visible.facts().entity
}

fn main() {}
