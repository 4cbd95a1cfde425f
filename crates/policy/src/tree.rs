//! `Tree`, the grants of a token: a color and a hint for domains, devices and entities.
//!
//! The colors and their meaning are ATM 1.1's. Areas, floors and labels are no levels of the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use housekey_home::id::{DeviceId, EntityId, RegistryId};

/// What a node says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Color {
    /// Nothing: the next wider node decides.
    #[default]
    Grey,
    /// Read.
    Yellow,
    /// Read and write.
    Green,
    /// Denied; no narrower node can lift it.
    Red,
}

/// Most characters of a hint (ATM 1.1).
pub const HINT_CHARS_MAX: usize = 200;

/// A color and what the owner tells the agent about it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// What is granted.
    pub color: Color,
    /// A remark for the agent, at most [`HINT_CHARS_MAX`] characters.
    pub hint: Option<Arc<str>>,
}

/// What the entity of a node was when the owner set it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Not yet seen in a live home: the entity id alone counts.
    Unresolved,
    /// It had no entry in the entity registry.
    Unregistered,
    /// It had this entry.
    Registered(RegistryId),
}

/// A node for one entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntityNode {
    /// Color and hint.
    pub node: Node,
    /// Which entity it was set for; see [`Tree::entity`].
    pub anchor: Anchor,
}

/// The grants of a token.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    domains: BTreeMap<Arc<str>, Node>,
    devices: BTreeMap<DeviceId, Node>,
    entities: BTreeMap<EntityId, EntityNode>,
    anchored: BTreeMap<RegistryId, EntityId>,
}

impl Tree {
    /// Sets the node of a domain.
    pub fn set_domain(&mut self, domain: &str, node: Node) {
        self.domains.insert(Arc::from(domain), node);
    }

    /// Sets the node of a device.
    pub fn set_device(&mut self, device: DeviceId, node: Node) {
        self.devices.insert(device, node);
    }

    /// Sets the node of an entity; one that was anchored to the same registry entry under another
    /// id goes away.
    pub fn set_entity(&mut self, id: EntityId, node: EntityNode) {
        self.remove_entity(&id);
        if let Anchor::Registered(registry_id) = &node.anchor
            && let Some(before) = self.anchored.insert(registry_id.clone(), id.clone())
        {
            self.entities.remove(&before);
        }
        self.entities.insert(id, node);
    }

    /// Removes the node of a domain.
    pub fn remove_domain(&mut self, domain: &str) -> Option<Node> {
        self.domains.remove(domain)
    }

    /// Removes the node of a device.
    pub fn remove_device(&mut self, device: &DeviceId) -> Option<Node> {
        self.devices.remove(device)
    }

    /// Removes the node of an entity.
    pub fn remove_entity(&mut self, id: &EntityId) -> Option<EntityNode> {
        let node = self.entities.remove(id)?;
        if let Anchor::Registered(registry_id) = &node.anchor {
            self.anchored.remove(registry_id);
        }
        Some(node)
    }

    /// The node of a domain.
    #[must_use]
    pub fn domain(&self, domain: &str) -> Option<&Node> {
        self.domains.get(domain)
    }

    /// The node of a device.
    #[must_use]
    pub fn device(&self, device: &DeviceId) -> Option<&Node> {
        self.devices.get(device)
    }

    /// The node that counts for an entity, and whether only its RED does.
    ///
    /// The registry id decides first, so a grant follows its entity through a rename. A node found
    /// by its entity id alone counts in full only for the entity that it was set for: another one
    /// that took over the id inherits nothing but RED.
    #[must_use]
    pub fn entity(&self, id: &EntityId, registered: Option<&RegistryId>) -> Option<(&Node, bool)> {
        let followed = registered.and_then(|registry_id| self.anchored.get(registry_id));
        if let Some(found) = followed.and_then(|id| self.entities.get(id)) {
            return Some((&found.node, false));
        }
        let found = self.entities.get(id)?;
        let is_the_same = match &found.anchor {
            Anchor::Unresolved => true,
            Anchor::Unregistered => registered.is_none(),
            // The entry it was set for has another id by this time, or is gone.
            Anchor::Registered(_) => false,
        };
        Some((&found.node, !is_the_same))
    }

    /// Domains and their nodes.
    pub fn domains(&self) -> impl Iterator<Item = (&Arc<str>, &Node)> {
        self.domains.iter()
    }

    /// Devices and their nodes.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceId, &Node)> {
        self.devices.iter()
    }

    /// Entities and their nodes, by the ids under which they were set.
    pub fn entities(&self) -> impl Iterator<Item = (&EntityId, &EntityNode)> {
        self.entities.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(color: Color, anchor: Anchor) -> EntityNode {
        EntityNode {
            node: Node { color, hint: None },
            anchor,
        }
    }

    #[test]
    fn a_grant_follows_its_entity_and_not_its_name() {
        let (old, new) = (
            EntityId::parse("light.a").unwrap(),
            EntityId::parse("light.b").unwrap(),
        );
        let (mine, other) = (RegistryId::new("1"), RegistryId::new("2"));
        let mut tree = Tree::default();
        tree.set_entity(
            old.clone(),
            node(Color::Green, Anchor::Registered(mine.clone())),
        );

        let found = |id, registered| tree.entity(id, registered).map(|(n, red)| (n.color, red));
        assert_eq!(found(&old, Some(&mine)), Some((Color::Green, false)));
        assert_eq!(
            found(&new, Some(&mine)),
            Some((Color::Green, false)),
            "renamed"
        );
        assert_eq!(
            found(&old, Some(&other)),
            Some((Color::Green, true)),
            "taken over"
        );
        assert_eq!(
            found(&old, None),
            Some((Color::Green, true)),
            "taken over, unregistered"
        );
        assert_eq!(found(&new, None), None);
    }

    #[test]
    fn an_unregistered_entity_that_gets_registered_is_another() {
        let id = EntityId::parse("sensor.x").unwrap();
        let mut tree = Tree::default();
        tree.set_entity(id.clone(), node(Color::Yellow, Anchor::Unregistered));
        assert_eq!(tree.entity(&id, None).map(|(_, red)| red), Some(false));
        assert_eq!(
            tree.entity(&id, Some(&RegistryId::new("9")))
                .map(|(_, red)| red),
            Some(true)
        );
    }

    #[test]
    fn one_registry_entry_has_one_node() {
        let (a, b) = (
            EntityId::parse("light.a").unwrap(),
            EntityId::parse("light.b").unwrap(),
        );
        let anchor = Anchor::Registered(RegistryId::new("1"));
        let mut tree = Tree::default();
        tree.set_entity(a.clone(), node(Color::Green, anchor.clone()));
        tree.set_entity(b.clone(), node(Color::Red, anchor));
        assert_eq!(
            tree.entities()
                .map(|(id, _)| id.clone())
                .collect::<Vec<_>>(),
            vec![b.clone()]
        );
        tree.remove_entity(&b);
        assert_eq!(tree.entity(&a, Some(&RegistryId::new("1"))), None);
    }
}
