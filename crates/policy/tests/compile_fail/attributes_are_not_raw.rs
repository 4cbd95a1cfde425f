//! Attributes come one by one and scrubbed, never as they are.

fn take<'a>(visible: &housekey_policy::Visible<'a>) -> &'a housekey_home::state::Attributes {
    visible.attributes()
}

fn main() {}
