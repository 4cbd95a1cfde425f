//! Which text lies where in an entity's memo; see [`housekey_policy::Visible::memo`].

use housekey_home::snapshot::MemoPlace;

/// The entity's YAML in the overview.
pub(crate) const FRAGMENT: MemoPlace = MemoPlace::First;
/// The same, escaped for the native wire.
pub(crate) const FRAGMENT_ON_WIRE: MemoPlace = MemoPlace::Second;
/// The names that a name filter compares with.
pub(crate) const FOLDED_NAMES: MemoPlace = MemoPlace::Third;
/// The state as a JSON object.
pub(crate) const STATE: MemoPlace = MemoPlace::Fourth;
/// The entity's YAML in a prompt.
pub(crate) const OUTLINE: MemoPlace = MemoPlace::Fifth;
