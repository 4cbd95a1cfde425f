//! Grants in the owner's words, and the tree they make.

use housekey_home::id::{DeviceId, EntityId};
use housekey_home::snapshot::{IndexKey, Snapshot};
use housekey_policy::tree::{Anchor, Color, EntityNode, Node, Tree};

use super::AdminReply;
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

enum Target {
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
        // The last word on one target wins, and the strictest word is said last.
        for (field, items, color) in [
            ("read", &self.read, Color::Yellow),
            ("write", &self.write, Color::Green),
            ("deny", &self.deny, Color::Red),
        ] {
            for item in items {
                let target = Target::parse(item).map_err(|problem| AdminReply::Invalid {
                    field,
                    problem: format!("{item:?}: {problem}"),
                })?;
                remarks.extend(home.and_then(|home| target.remark(home)));
                target.set(&mut tree, color, home);
            }
        }
        Ok((tree, remarks))
    }
}

impl Target {
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

    fn set(self, tree: &mut Tree, color: Color, home: Option<&Snapshot>) {
        let node = Node { color, hint: None };
        match self {
            Self::Domain(domain) => tree.set_domain(&domain, node),
            Self::Device(device) => tree.set_device(device, node),
            Self::Entity(entity) => {
                let anchor = home.map_or(Anchor::Unresolved, |home| anchor_in(home, &entity));
                tree.set_entity(entity, EntityNode { node, anchor });
            }
        }
    }

    fn remark(&self, home: &Snapshot) -> Option<String> {
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

/// What the entity of an id is in a live home; one that does not exist there stays open.
pub(crate) fn anchor_in(home: &Snapshot, entity: &EntityId) -> Anchor {
    match home.registry().entity(entity) {
        Some(entry) => Anchor::Registered(entry.id.clone()),
        None if home.entity(entity).is_some() => Anchor::Unregistered,
        None => Anchor::Unresolved,
    }
}
