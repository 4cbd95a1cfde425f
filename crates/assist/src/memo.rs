//! Which text lies where in an entity's memo; see [`housekey_policy::Visible::memo`].

use housekey_home::snapshot::MEMO_KINDS;

/// The entity's YAML in the overview.
pub(crate) const FRAGMENT: usize = 0;
/// The same, escaped for the native wire.
pub(crate) const FRAGMENT_ON_WIRE: usize = 1;
/// The names that a name filter compares with.
pub(crate) const FOLDED_NAMES: usize = 2;
/// The state as a JSON object.
pub(crate) const STATE: usize = 3;

const _: () = assert!(STATE < MEMO_KINDS);
