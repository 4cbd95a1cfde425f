//! Grants in the owner's words, and the tree they make.

use std::fmt;

use housekey_home::id::{DeviceId, EntityId};
use housekey_home::snapshot::{IndexKey, Snapshot};
use housekey_policy::tree::{Anchor, Color, EntityNode, Node, Tree};

use super::AdminReply;
use super::said::Said;
use crate::limits;

/// What may be read, written and never touched. Each item is a domain (`light`), an entity
/// (`light.kitchen`) or a device (`device:` and its id).
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Readable.
    pub read: Vec<String>,
    /// Readable and writable.
    pub write: Vec<String>,
    /// Denied, whatever else is granted.
    pub deny: Vec<String>,
}

/// What a grant is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Domain(String),
    Device(DeviceId),
    Entity(EntityId),
}

impl Grants {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.write.is_empty() && self.deny.is_empty()
    }

    /// The tree that these grants make, and remarks on those that open nothing at present. With a
    /// live home, entities are anchored to their registry entries.
    pub(super) fn tree(&self, home: Option<&Snapshot>) -> Result<(Tree, Vec<String>), AdminReply> {
        let count = self.read.len() + self.write.len() + self.deny.len();
        if count > limits::GRANTS_MAX {
            let max = limits::GRANTS_MAX;
            let problem = format!("{count} grants are too many; allowed are {max}");
            return Err(AdminReply::Invalid {
                field: "grants",
                problem,
            });
        }
        let mut tree = Tree::default();
        let mut remarks = Vec::new();
        for (_, target, color) in self.targets()? {
            remarks.extend(home.and_then(|home| target.remark(home)));
            target.set(&mut tree, color, home);
        }
        Ok((tree, remarks))
    }

    /// All of them in the order in which they are set, each with the field that it stands in.
    pub(super) fn targets(&self) -> Result<Vec<(&'static str, Target, Color)>, AdminReply> {
        // The last word on one target wins, and the strictest word is said last.
        let mut targets = Vec::new();
        for (field, items, color) in [
            ("read", &self.read, Color::Yellow),
            ("write", &self.write, Color::Green),
            ("deny", &self.deny, Color::Red),
        ] {
            for item in items {
                targets.push((field, Target::read(field, item)?, color));
            }
        }
        Ok(targets)
    }

    pub(super) fn said(&self, said: Said) -> Said {
        said.texts("read", &self.read)
            .texts("write", &self.write)
            .texts("deny", &self.deny)
    }
}

impl Target {
    pub(super) fn read(field: &'static str, item: &str) -> Result<Self, AdminReply> {
        Self::parse(item)
            .map_err(|problem| AdminReply::invalid(field, format!("{item:?}: {problem}")))
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if let Some(id) = text.strip_prefix("device:") {
            let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
            return if is_id {
                Ok(Self::Device(DeviceId::new(id)))
            } else {
                Err("expected device: and the id of a device")
            };
        }
        if text.contains('.') {
            return EntityId::parse(text).map(Self::Entity).map_err(
                |_| "expected an entity id such as light.kitchen (lower case, no wildcards)",
            );
        }
        if is_word(text) {
            Ok(Self::Domain(text.to_owned()))
        } else {
            Err("expected a domain (light), an entity id (light.kitchen) or device:ID")
        }
    }

    pub(super) fn is_entity(&self, id: &EntityId) -> bool {
        matches!(self, Self::Entity(entity) if entity == id)
    }

    /// Sets a color; what the owner told the agent about it stays.
    pub(super) fn set(self, tree: &mut Tree, color: Color, home: Option<&Snapshot>) {
        match self {
            Self::Domain(domain) => {
                let hint = tree.domain(&domain).and_then(|node| node.hint.clone());
                tree.set_domain(&domain, Node { color, hint });
            }
            Self::Device(device) => {
                let hint = tree.device(&device).and_then(|node| node.hint.clone());
                tree.set_device(device, Node { color, hint });
            }
            Self::Entity(entity) => {
                let anchor = home.map_or(Anchor::Unresolved, |home| anchor_in(home, &entity));
                let before = tree.remove_entity(&entity);
                let same = before.filter(|before| before.anchor == anchor);
                let hint = same.and_then(|before| before.node.hint);
                let node = Node { color, hint };
                tree.set_entity(entity, EntityNode { node, anchor });
            }
        }
    }

    /// Takes a node away.
    pub(super) fn clear(&self, tree: &mut Tree) {
        match self {
            Self::Domain(domain) => drop(tree.remove_domain(domain)),
            Self::Device(device) => drop(tree.remove_device(device)),
            Self::Entity(entity) => drop(tree.remove_entity(entity)),
        }
    }

    pub(super) fn remark(&self, home: &Snapshot) -> Option<String> {
        let (what, exists) = match self {
            Self::Domain(domain) => {
                let key = IndexKey::Domain(domain.as_str().into());
                (
                    format!("the domain {domain}"),
                    home.indexed(&key).next().is_some(),
                )
            }
            Self::Device(device) => (
                format!("the device {device}"),
                home.registry().device(device).is_some(),
            ),
            Self::Entity(entity) => {
                let registered = home.registry().entity(entity).is_some();
                (
                    format!("the entity {entity}"),
                    registered || home.entity(entity).is_some(),
                )
            }
        };
        (!exists).then(|| format!("{what} does not exist in the home at present"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Device(device) => write!(f, "device:{device}"),
            Self::Entity(entity) => entity.fmt(f),
        }
    }
}

/// What the entity of an id is in a live home; one that does not exist there stays open.
pub(crate) fn anchor_in(home: &Snapshot, entity: &EntityId) -> Anchor {
    match home.registry().entity(entity) {
        Some(entry) => Anchor::Registered(entry.id.clone()),
        None if home.entity(entity).is_some() => Anchor::Unregistered,
        None => Anchor::Unresolved,
    }
}
