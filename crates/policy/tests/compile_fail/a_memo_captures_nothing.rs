//! What is memoised for all tokens cannot depend on anything of one token.

use std::sync::Arc;

use housekey_home::snapshot::MemoPlace;

fn memoise<'a>(visible: housekey_policy::Visible<'a>, can_write: bool) -> &'a str {
    visible.memo(MemoPlace::First, |_| Arc::from(if can_write { "rw" } else { "r" }))
}

fn main() {}
