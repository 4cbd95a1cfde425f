//! Keeps entity nodes on the entities that they were set for, through renames.
//!
//! A node that was set without a live home is anchored when its entity is first seen. A node whose
//! entity was renamed moves to the new id; the move is on record.

use std::fmt;

use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_policy::tree::{Anchor, Color, EntityNode, Tree};

use crate::admin::anchor_in;

/// One node that was moved or anchored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    pub(crate) from: EntityId,
    pub(crate) to: EntityId,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
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
                    let mut node = node.clone();
                    // Who denied the id denied whatever comes to have it.
                    if stays_denied(tree, to, home) {
                        node.node.color = Color::Red;
                    }
                    wanted.set_entity(to.clone(), node);
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

/// Whether an id has a RED of its own that does not go elsewhere with its entity.
fn stays_denied(tree: &Tree, id: &EntityId, home: &Snapshot) -> bool {
    tree.entities().any(|(at, node)| {
        let goes = match &node.anchor {
            Anchor::Unregistered | Anchor::Unresolved => false,
            Anchor::Registered(entry) => {
                let present = home.registry().entity_id(entry);
                present.is_some_and(|present| present != at)
            }
        };
        at == id && node.node.color == Color::Red && !goes
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use housekey_home::catalogue::{HouseConfig, Services};
    use housekey_home::exposure::Exposure;
    use housekey_home::id::RegistryId;
    use housekey_home::registry::EntityEntry;
    use housekey_home::replica::{Parts, Replica};
    use housekey_policy::tree::Node;
    use serde_json::json;

    use super::*;

    /// A home with these entries (entity id, registry id) and these states.
    pub(crate) fn home(entries: &[(&str, &str)], states: &[&str]) -> Snapshot {
        let entries = entries.iter().map(|(entity, registry)| {
            let fields = json!({"entity_id": entity, "id": registry, "platform": "test"});
            EntityEntry::from_fields(serde_json::from_value(fields).unwrap()).unwrap()
        });
        let at = "2026-11-24T10:00:00+00:00";
        let states = states.iter().map(|id| {
            serde_json::from_value(json!({
                "entity_id": id, "state": "on", "attributes": {}, "last_changed": at,
                "last_updated": at, "context": {"id": "c", "parent_id": null, "user_id": null},
            }))
            .unwrap()
        });
        Replica::new(Parts {
            config: HouseConfig::from_fields(serde_json::from_value(json!({})).unwrap()),
            services: Services::default(),
            exposure: Exposure::Refused,
            entities: entries.collect(),
            devices: Vec::new(),
            areas: Vec::new(),
            floors: Vec::new(),
            labels: Vec::new(),
            states: states.collect(),
        })
        .snapshot()
    }

    fn id(text: &str) -> EntityId {
        EntityId::parse(text).unwrap()
    }

    fn tree(nodes: &[(&str, Color, Anchor)]) -> Tree {
        let mut tree = Tree::default();
        for (entity, color, anchor) in nodes {
            let node = Node {
                color: *color,
                hint: None,
            };
            tree.set_entity(
                id(entity),
                EntityNode {
                    node,
                    anchor: anchor.clone(),
                },
            );
        }
        tree
    }

    fn registered(id: &str) -> Anchor {
        Anchor::Registered(RegistryId::new(id))
    }

    #[test]
    fn a_node_moves_with_its_entity_and_says_so() {
        let home = home(&[("light.b", "1")], &["light.b"]);
        let before = tree(&[("light.a", Color::Green, registered("1"))]);
        let (after, moves) = settled(&before, &home).unwrap();
        assert_eq!(
            moves,
            [Move {
                from: id("light.a"),
                to: id("light.b")
            }]
        );
        assert_eq!(after, tree(&[("light.b", Color::Green, registered("1"))]));
        assert_eq!(settled(&after, &home), None);
    }

    #[test]
    fn a_swap_of_two_names_keeps_both_grants() {
        let home = home(&[("light.a", "2"), ("light.b", "1")], &[]);
        let before = tree(&[
            ("light.a", Color::Green, registered("1")),
            ("light.b", Color::Red, registered("2")),
        ]);
        let (after, _) = settled(&before, &home).unwrap();
        let expected = tree(&[
            ("light.b", Color::Green, registered("1")),
            ("light.a", Color::Red, registered("2")),
        ]);
        assert_eq!(after, expected);
    }

    #[test]
    fn a_denied_id_stays_denied_for_whoever_comes_to_have_it() {
        let home = home(&[("light.b", "1")], &["light.b"]);
        for anchor in [Anchor::Unresolved, Anchor::Unregistered, registered("gone")] {
            let before = tree(&[
                ("light.a", Color::Green, registered("1")),
                ("light.b", Color::Red, anchor),
            ]);
            let (after, _) = settled(&before, &home).unwrap();
            assert_eq!(after, tree(&[("light.b", Color::Red, registered("1"))]));
        }
    }

    #[test]
    fn a_node_that_was_set_blindly_is_anchored_at_first_sight() {
        let home = home(&[("light.a", "1")], &["light.a", "sensor.raw"]);
        let blind = |entity| (entity, Color::Yellow, Anchor::Unresolved);
        let before = tree(&[blind("light.a"), blind("sensor.raw"), blind("light.none")]);
        let (after, moves) = settled(&before, &home).unwrap();
        assert!(moves.is_empty());
        let expected = tree(&[
            ("light.a", Color::Yellow, registered("1")),
            ("sensor.raw", Color::Yellow, Anchor::Unregistered),
            ("light.none", Color::Yellow, Anchor::Unresolved),
        ]);
        assert_eq!(after, expected);
    }

    #[test]
    fn a_node_whose_entity_is_gone_stays_for_its_return() {
        let home = home(&[], &["light.a"]);
        assert_eq!(
            settled(&tree(&[("light.a", Color::Green, registered("1"))]), &home),
            None
        );
    }
}
