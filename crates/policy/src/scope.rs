//! `Scope`, the part of a token that policy reads.

use crate::capability::{Capabilities, Capability, Extent};
use crate::tree::Tree;

/// What a token opens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Its grants; without effect while `pass_through` is on.
    pub tree: Tree,
    /// What it may do beyond entities.
    pub capabilities: Capabilities,
    /// Reads and writes every entity that exists and is not blocked.
    pub pass_through: bool,
    /// Opens nothing that is not exposed to the assistant.
    pub use_assist_exposure: bool,
}

impl Scope {
    /// Everything: pass-through with all capabilities.
    #[must_use]
    pub fn unrestricted() -> Self {
        Self {
            capabilities: Capabilities::all(),
            pass_through: true,
            ..Self::default()
        }
    }

    /// How far a capability reaches, pass-through counted in.
    #[must_use]
    pub fn extent(&self, capability: Capability) -> Extent {
        if self.pass_through && capability.comes_with_pass_through() {
            return Extent::On;
        }
        self.capabilities.get(capability)
    }

    /// Whether the house is seen whole, so that areas, floors and labels exist even when empty.
    #[must_use]
    pub fn sees_whole_house(&self) -> bool {
        self.pass_through && !self.use_assist_exposure
    }
}
