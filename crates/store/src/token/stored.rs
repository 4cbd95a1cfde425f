//! A token as it lies in the database, apart from the types that decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use housekey_home::id::{DeviceId, EntityId, RegistryId};
use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use housekey_policy::capability::{Capabilities, Capability, Extent};
use housekey_policy::tree::{Anchor, Color, EntityNode, Node, Tree};
use serde::{Deserialize, Serialize};

use super::{LastUsed, Rate, TokenId, TokenName, TokenRecord, TokenStatus};
use crate::database::StoreError;
use crate::principal::Principal;
use crate::secret::TokenHash;
use crate::stored::Stored;

/// A token; instants are microseconds of Unix time.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredToken {
    id: String,
    name: String,
    /// An archived token has none: what was archived can never be presented again.
    hash: Option<String>,
    status: String,
    created_at: i64,
    created_by: String,
    expires_at: Option<i64>,
    updated_at: i64,
    last_used_at: Option<i64>,
    ended_at: Option<i64>,
    generation: u64,
    rate: StoredRate,
    scope: StoredScope,
}

impl Stored for StoredToken {
    const KIND: &'static str = "token";
}

#[derive(Serialize, Deserialize)]
struct StoredRate {
    per_minute: u32,
    burst: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredScope {
    pass_through: bool,
    use_assist_exposure: bool,
    capabilities: BTreeMap<String, StoredExtent>,
    domains: BTreeMap<String, StoredNode>,
    devices: BTreeMap<String, StoredNode>,
    entities: BTreeMap<String, StoredEntityNode>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredExtent {
    Off,
    Ask,
    Scoped,
    On,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredColor {
    Grey,
    Yellow,
    Green,
    Red,
}

#[derive(Serialize, Deserialize)]
struct StoredNode {
    color: StoredColor,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEntityNode {
    #[serde(flatten)]
    node: StoredNode,
    anchor: StoredAnchor,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredAnchor {
    Unresolved,
    Unregistered,
    Registered(String),
}

impl StoredToken {
    pub(crate) fn of(record: &TokenRecord, hash: Option<&TokenHash>) -> Self {
        Self {
            id: record.id.as_str().to_owned(),
            name: record.name.as_str().to_owned(),
            hash: hash.map(TokenHash::to_hex),
            status: record.status.name().to_owned(),
            created_at: record.created_at.0,
            created_by: record.created_by.to_string(),
            expires_at: record.expires_at.map(|at| at.0),
            updated_at: record.updated_at.0,
            last_used_at: record.last_used_at().map(|at| at.0),
            ended_at: record.ended_at.map(|at| at.0),
            generation: record.generation,
            rate: StoredRate {
                per_minute: record.rate.per_minute,
                burst: record.rate.burst,
            },
            scope: StoredScope::of(&record.scope),
        }
    }

    pub(crate) fn into_record(self) -> Result<(TokenRecord, Option<TokenHash>), StoreError> {
        let invalid = |field| Self::damaged(&format!("no valid `{field}`"));
        let hash = match &self.hash {
            Some(text) => Some(TokenHash::from_hex(text).ok_or_else(|| invalid("hash"))?),
            None => None,
        };
        let record = TokenRecord {
            id: TokenId::parse(&self.id).ok_or_else(|| invalid("id"))?,
            name: TokenName::parse(&self.name).map_err(|_| invalid("name"))?,
            created_at: UtcMicros(self.created_at),
            created_by: Principal::parse(&self.created_by).ok_or_else(|| invalid("created_by"))?,
            expires_at: self.expires_at.map(UtcMicros),
            status: TokenStatus::from_name(&self.status).ok_or_else(|| invalid("status"))?,
            scope: Arc::new(self.scope.into_scope().ok_or_else(|| invalid("scope"))?),
            rate: Rate {
                per_minute: self.rate.per_minute,
                burst: self.rate.burst,
            },
            generation: self.generation,
            updated_at: UtcMicros(self.updated_at),
            ended_at: self.ended_at.map(UtcMicros),
            last_used: LastUsed::new(self.last_used_at.map(UtcMicros)),
        };
        Ok((record, hash))
    }
}

impl StoredScope {
    fn of(scope: &Scope) -> Self {
        let tree = &scope.tree;
        let extents = Capability::ALL.into_iter().filter_map(|capability| {
            let extent = match scope.capabilities.get(capability) {
                Extent::Off => return None,
                Extent::Ask => StoredExtent::Ask,
                Extent::Scoped => StoredExtent::Scoped,
                Extent::On => StoredExtent::On,
            };
            Some((capability.name().to_owned(), extent))
        });
        Self {
            pass_through: scope.pass_through,
            use_assist_exposure: scope.use_assist_exposure,
            capabilities: extents.collect(),
            domains: tree
                .domains()
                .map(|(domain, node)| (domain.as_ref().to_owned(), StoredNode::of(node)))
                .collect(),
            devices: tree
                .devices()
                .map(|(device, node)| (device.as_str().to_owned(), StoredNode::of(node)))
                .collect(),
            entities: tree
                .entities()
                .map(|(id, node)| (id.as_str().to_owned(), StoredEntityNode::of(node)))
                .collect(),
        }
    }

    fn into_scope(self) -> Option<Scope> {
        let mut capabilities = Capabilities::default();
        for (name, extent) in self.capabilities {
            let extent = match extent {
                StoredExtent::Off => Extent::Off,
                StoredExtent::Ask => Extent::Ask,
                StoredExtent::Scoped => Extent::Scoped,
                StoredExtent::On => Extent::On,
            };
            capabilities.set(Capability::from_name(&name)?, extent);
        }
        let mut tree = Tree::default();
        for (domain, node) in self.domains {
            tree.set_domain(&domain, node.into_node());
        }
        for (device, node) in self.devices {
            tree.set_device(DeviceId::new(&device), node.into_node());
        }
        for (id, node) in self.entities {
            tree.set_entity(EntityId::from_home(&id).ok()?, node.into_node());
        }
        Some(Scope {
            tree,
            capabilities,
            pass_through: self.pass_through,
            use_assist_exposure: self.use_assist_exposure,
        })
    }
}

impl StoredNode {
    fn of(node: &Node) -> Self {
        Self {
            color: match node.color {
                Color::Grey => StoredColor::Grey,
                Color::Yellow => StoredColor::Yellow,
                Color::Green => StoredColor::Green,
                Color::Red => StoredColor::Red,
            },
            hint: node.hint.clone(),
        }
    }

    fn into_node(self) -> Node {
        Node {
            color: match self.color {
                StoredColor::Grey => Color::Grey,
                StoredColor::Yellow => Color::Yellow,
                StoredColor::Green => Color::Green,
                StoredColor::Red => Color::Red,
            },
            hint: self.hint,
        }
    }
}

impl StoredEntityNode {
    fn of(node: &EntityNode) -> Self {
        Self {
            node: StoredNode::of(&node.node),
            anchor: match &node.anchor {
                Anchor::Unresolved => StoredAnchor::Unresolved,
                Anchor::Unregistered => StoredAnchor::Unregistered,
                Anchor::Registered(id) => StoredAnchor::Registered(id.as_str().to_owned()),
            },
        }
    }

    fn into_node(self) -> EntityNode {
        EntityNode {
            node: self.node.into_node(),
            anchor: match self.anchor {
                StoredAnchor::Unresolved => Anchor::Unresolved,
                StoredAnchor::Unregistered => Anchor::Unregistered,
                StoredAnchor::Registered(id) => Anchor::Registered(RegistryId::new(&id)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_went() {
        let mut tree = Tree::default();
        let node = |color| Node {
            color,
            hint: Some(Arc::from("so \"so\"")),
        };
        tree.set_domain("light", node(Color::Green));
        tree.set_device(DeviceId::new("d1"), node(Color::Red));
        let anchors = [
            Anchor::Unresolved,
            Anchor::Unregistered,
            Anchor::Registered(RegistryId::new("r1")),
        ];
        for (number, anchor) in anchors.into_iter().enumerate() {
            let id = EntityId::parse(&format!("light.l{number}")).unwrap();
            let node = Node {
                color: Color::Yellow,
                hint: None,
            };
            tree.set_entity(id, EntityNode { node, anchor });
        }
        let mut capabilities = Capabilities::default();
        let extents = [Extent::Ask, Extent::Scoped, Extent::On];
        for (capability, extent) in Capability::ALL.into_iter().zip(extents) {
            capabilities.set(capability, extent);
        }
        let scope = Scope {
            tree,
            capabilities,
            pass_through: true,
            use_assist_exposure: true,
        };
        let record = TokenRecord {
            id: TokenId::from_random([3; 16]),
            name: TokenName::parse("phone").unwrap(),
            created_at: UtcMicros(1),
            created_by: Principal::HaAdmin(Arc::from("u")),
            expires_at: Some(UtcMicros(2)),
            status: TokenStatus::Suspended,
            scope: Arc::new(scope),
            rate: Rate::default(),
            generation: 7,
            updated_at: UtcMicros(3),
            ended_at: None,
            last_used: LastUsed::new(Some(UtcMicros(4))),
        };
        let hash = crate::secret::RawToken::from_random([5; 32]).hash();
        let bytes = StoredToken::of(&record, Some(&hash)).encode().unwrap();
        let (back, back_hash) = StoredToken::decode(&bytes).unwrap().into_record().unwrap();
        assert!(back_hash.unwrap().matches(&hash));
        assert_eq!(format!("{back:?}"), format!("{record:?}"));
        assert_eq!(back.scope, record.scope);
    }

    #[test]
    fn an_unknown_form_is_damage() {
        let error = StoredToken::decode(br#"{"v":2}"#).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the database is damaged: token: form 2 is not known"
        );
        assert!(StoredToken::decode(b"{").is_err());
    }
}
