//! What the owner tells the agent of what it may read.

use std::sync::Arc;

use housekey_home::id::EntityId;

use super::View;
use crate::verdict::explain;

impl View {
    /// What the owner tells the agent of a readable entity.
    #[must_use]
    pub fn hint(&self, id: &EntityId) -> Option<Arc<str>> {
        self.get(id)?;
        explain(&self.snapshot, &self.scope, id).hint
    }
}
