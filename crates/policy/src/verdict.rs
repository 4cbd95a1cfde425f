//! The one resolver: what a scope says of one entity, and why.
//!
//! Enforcement, listings and the explanation for people are projections of the same walk (V1). The
//! order of its rules is ATM 1.1's (`policy_engine.py`), with exposure inside it.

use std::sync::Arc;

use housekey_home::id::EntityId;
use housekey_home::registry::{DeviceEntry, EntityEntry};
use housekey_home::snapshot::{Entity, Snapshot};

use crate::scope::Scope;
use crate::tree::{Color, Node};

/// What may be done with an entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Read and written.
    Write,
    /// Read.
    Read,
    /// Neither. Why is for the record and the owner, never for the agent.
    Refused(Truth),
}

impl Permission {
    /// Whether it may be read.
    #[must_use]
    pub fn can_read(self) -> bool {
        match self {
            Self::Write | Self::Read => true,
            Self::Refused(_) => false,
        }
    }

    /// Whether it may be written.
    #[must_use]
    pub fn can_write(self) -> bool {
        self == Self::Write
    }
}

/// Why an entity is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Truth {
    /// It does not exist.
    Absent,
    /// RED.
    Denied,
    /// Nothing grants it, or it is closed to every token.
    NoGrant,
}

/// A level of the tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// The entity's own node.
    Entity,
    /// The node of its device.
    Device,
    /// The node of its domain.
    Domain,
}

/// One step of the walk, in the order of the rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// No state and no registry entry.
    Absent,
    /// Closed to every token: housekey's and ATM's own entities.
    Blocked,
    /// The token opens only what is exposed, and this is not.
    NotExposed,
    /// The token passes through.
    PassThrough,
    /// A node was met.
    Node {
        /// Where.
        level: Level,
        /// What it says.
        color: Color,
        /// It was set for another entity that had this id: only RED counts.
        red_only: bool,
    },
    /// No node grants anything.
    NoGrant,
}

/// The verdict on one entity, with the steps that led to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The steps, in order; the last one that applies decided.
    pub steps: Vec<Step>,
    /// The verdict.
    pub permission: Permission,
    /// What the owner tells the agent: of the entity's node, or else its device's, or its domain's.
    pub hint: Option<Arc<str>>,
}

/// Decides on one entity and says why.
#[must_use]
pub fn explain(snapshot: &Snapshot, scope: &Scope, id: &EntityId) -> Explanation {
    let mut steps = Vec::new();
    let permission = resolve(snapshot, scope, id, |step| steps.push(step));
    let entry = snapshot.registry().entity(id);
    let hint = chain(scope, id, entry)
        .into_iter()
        .flatten()
        .find_map(|(_, node, red_only)| {
            node.hint
                .clone()
                .filter(|hint| !red_only && !hint.is_empty())
        });
    Explanation {
        steps,
        permission,
        hint,
    }
}

/// Decides on one entity.
#[must_use]
pub fn permission(snapshot: &Snapshot, scope: &Scope, id: &EntityId) -> Permission {
    resolve(snapshot, scope, id, |_| ())
}

/// Decides on an entity that is at hand; the same walk as [`permission`] without the look-ups.
#[must_use]
pub fn permission_of(snapshot: &Snapshot, scope: &Scope, entity: &Entity) -> Permission {
    let id = &entity.state().entity_id;
    walk(
        snapshot,
        scope,
        id,
        entity.entry(),
        || entity.is_exposed(),
        |_| (),
    )
}

fn resolve(
    snapshot: &Snapshot,
    scope: &Scope,
    id: &EntityId,
    mut note: impl FnMut(Step),
) -> Permission {
    let entry = snapshot.registry().entity(id);
    if entry.is_none() && snapshot.entity(id).is_none() {
        note(Step::Absent);
        return Permission::Refused(Truth::Absent);
    }
    walk(snapshot, scope, id, entry, || snapshot.is_exposed(id), note)
}

/// The rules, in their order, for an entity that exists.
fn walk(
    snapshot: &Snapshot,
    scope: &Scope,
    id: &EntityId,
    entry: Option<&EntityEntry>,
    is_exposed: impl FnOnce() -> bool,
    mut note: impl FnMut(Step),
) -> Permission {
    if is_blocked(snapshot, id, entry) {
        note(Step::Blocked);
        return Permission::Refused(Truth::NoGrant);
    }
    if scope.use_assist_exposure && !is_exposed() {
        note(Step::NotExposed);
        return Permission::Refused(Truth::NoGrant);
    }
    if scope.pass_through {
        note(Step::PassThrough);
        return Permission::Write;
    }
    let chain = chain(scope, id, entry);
    let mut grant = None;
    let mut red = false;
    for (level, node, red_only) in chain.into_iter().flatten() {
        note(Step::Node {
            level,
            color: node.color,
            red_only,
        });
        match node.color {
            Color::Red => red = true,
            Color::Green if !red_only => grant = grant.or(Some(Permission::Write)),
            Color::Yellow if !red_only => grant = grant.or(Some(Permission::Read)),
            Color::Grey | Color::Green | Color::Yellow => {}
        }
    }
    if red {
        return Permission::Refused(Truth::Denied);
    }
    grant.unwrap_or_else(|| {
        note(Step::NoGrant);
        Permission::Refused(Truth::NoGrant)
    })
}

type Link<'a> = Option<(Level, &'a Node, bool)>;

/// The nodes that bear on an entity, the most specific first.
fn chain<'a>(scope: &'a Scope, id: &EntityId, entry: Option<&EntityEntry>) -> [Link<'a>; 3] {
    let tree = &scope.tree;
    let entity = tree.entity(id, entry.map(|entry| &entry.id));
    let device = entry
        .and_then(|entry| entry.device_id.as_ref())
        .and_then(|id| tree.device(id));
    [
        entity.map(|(node, red_only)| (Level::Entity, node, red_only)),
        device.map(|node| (Level::Device, node, false)),
        tree.domain(id.domain())
            .map(|node| (Level::Domain, node, false)),
    ]
}

/// Domain and platform of ATM's own entities.
const ATM: &str = "atm";
/// Prefix of the unique ids and device identifiers under which housekey announces itself by MQTT.
const OWN_PREFIX: &str = "housekey_";

/// Entities about tokens are closed to every token.
fn is_blocked(snapshot: &Snapshot, id: &EntityId, entry: Option<&EntityEntry>) -> bool {
    if id.domain() == ATM {
        return true;
    }
    let Some(entry) = entry else { return false };
    if &*entry.platform == ATM {
        return true;
    }
    // The look-up of a device is not for the great many that come from elsewhere.
    if &*entry.platform != "mqtt" {
        return false;
    }
    let is_own_device = |device: &DeviceEntry| {
        device
            .identifiers
            .iter()
            .flat_map(|pair| pair.iter())
            .any(|id| id.starts_with(OWN_PREFIX))
    };
    let device = entry
        .device_id
        .as_ref()
        .and_then(|id| snapshot.registry().device(id));
    entry.unique_id.starts_with(OWN_PREFIX) || device.is_some_and(is_own_device)
}
