//! What is visible of an entity does not lead to its state as Home Assistant holds it.

fn take<'a>(visible: housekey_policy::Visible<'a>) -> &'a housekey_home::state::EntityState {
    visible.facts().raw()
}

fn main() {}
