//! Keeps entity nodes on the entities that they were set for, through renames.
//!
//! A node that was set without a live home is anchored when its entity is first seen. A node whose
//! entity was renamed moves to the new id; the move is on record.

use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_policy::tree::{Anchor, EntityNode, Tree};

use crate::admin::anchor_in;

/// One node that was moved or anchored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    pub(crate) from: EntityId,
    pub(crate) to: EntityId,
}

/// The tree as the live home wants it, or `None` when it is so already. Moves are renames only;
/// anchoring changes nothing that an owner would notice.
pub(crate) fn settled(tree: &Tree, home: &Snapshot) -> Option<(Tree, Vec<Move>)> {
    let mut wanted = tree.clone();
    let mut moves = Vec::new();
    let mut changed = false;
    for (id, node) in tree.entities() {
        match &node.anchor {
            Anchor::Unregistered => {}
            Anchor::Unresolved => {
                let anchor = anchor_in(home, id);
                if anchor != Anchor::Unresolved {
                    let node = EntityNode {
                        anchor,
                        ..node.clone()
                    };
                    wanted.set_entity(id.clone(), node);
                    changed = true;
                }
            }
            Anchor::Registered(registry_id) => {
                let present = home.registry().entity_id(registry_id);
                if let Some(to) = present.filter(|present| *present != id) {
                    wanted.set_entity(to.clone(), node.clone());
                    moves.push(Move {
                        from: id.clone(),
                        to: to.clone(),
                    });
                    changed = true;
                }
            }
        }
    }
    changed.then_some((wanted, moves))
}
