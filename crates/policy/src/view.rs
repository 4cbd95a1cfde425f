//! `View`, a snapshot seen through one scope, and what it yields.
//!
//! Nothing that answers an agent can name the snapshot: it holds a View, and a View cannot utter
//! what the token may not read (V3).

mod hints;
mod places;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use housekey_home::catalogue::RunState;
use housekey_home::id::{ContextId, EntityId, LabelId};
use housekey_home::registry::{DeviceEntry, EntityEntry};
use housekey_home::snapshot::{Entity, IndexKey, MemoPlace, Snapshot};
use housekey_home::state::EntityState;
use housekey_home::time::UtcMicros;
use housekey_home::value::Value;

use crate::redact;
use crate::scope::Scope;
use crate::tree::{Anchor, Color};
use crate::verdict::{Permission, permission, permission_of};

pub use places::{Area, Device};

/// The house as one token sees it.
#[derive(Clone)]
pub struct View {
    snapshot: Snapshot,
    scope: Arc<Scope>,
}

impl View {
    /// The house through a scope.
    #[must_use]
    pub fn new(snapshot: Snapshot, scope: Arc<Scope>) -> Self {
        Self { snapshot, scope }
    }

    /// The house as its owner sees it. There is no second way to read it.
    #[must_use]
    pub fn unrestricted(snapshot: Snapshot) -> Self {
        Self::new(snapshot, Arc::new(Scope::unrestricted()))
    }

    /// The scope that it is seen through.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// An entity that has a state and may be read. Hidden and absent are the same `None` (V4).
    #[must_use]
    pub fn get(&self, id: &EntityId) -> Option<Visible<'_>> {
        self.visible(self.snapshot.entity(id)?)
    }

    /// What may be done with an entity, and if nothing, why: for the record and the owner, never for
    /// an answer.
    #[must_use]
    pub fn permission(&self, id: &EntityId) -> Permission {
        permission(&self.snapshot, &self.scope, id)
    }

    /// Every readable entity that has a state, in the order of Home Assistant's state machine.
    #[must_use]
    pub fn entities(&self) -> Vec<Visible<'_>> {
        let Some(mut granted) = self.granted() else {
            return self
                .snapshot
                .entities()
                .filter_map(|entity| self.visible(entity))
                .collect();
        };
        granted.sort_unstable_by_key(|visible| self.snapshot.place(visible.id()));
        granted
    }

    /// What an assistant is shown: every readable entity, for a pass-through token only the exposed
    /// ones; by display name in code point order, equal names in the order of the state machine.
    #[must_use]
    pub fn overview(&self) -> Vec<Visible<'_>> {
        let Some(mut granted) = self.granted() else {
            let all = self.snapshot.entities_by_name();
            let shown = all.filter(|entity| !self.scope.pass_through || entity.is_exposed());
            return shown.filter_map(|entity| self.visible(entity)).collect();
        };
        granted.sort_by(|a, b| {
            let place = |visible: &Visible<'_>| self.snapshot.place(visible.id());
            a.name().cmp(b.name()).then_with(|| place(a).cmp(&place(b)))
        });
        granted
    }

    /// [`View::overview`] in the order of the state machine.
    #[must_use]
    pub fn overview_by_place(&self) -> Vec<Visible<'_>> {
        let mut shown = self.entities();
        shown.retain(|visible| !self.scope.pass_through || visible.facts.entity.is_exposed());
        shown
    }

    /// IANA name of the home's time zone.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.snapshot.config().time_zone
    }

    /// The release of Home Assistant.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.snapshot.config().version
    }

    /// Whether entities may still be missing because Home Assistant is coming up.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        self.snapshot.config().run_state == RunState::Starting
    }

    fn visible<'a>(&'a self, entity: &'a Entity) -> Option<Visible<'a>> {
        let permission = permission_of(&self.snapshot, &self.scope, entity);
        permission.can_read().then_some(Visible {
            facts: Facts {
                snapshot: &self.snapshot,
                entity,
            },
            permission,
        })
    }

    /// Readable entities found from the grants, in no order; `None` when so much may be granted that
    /// going through the house in its order is cheaper than looking up and sorting.
    fn granted(&self) -> Option<Vec<Visible<'_>>> {
        if self.scope.pass_through {
            return None;
        }
        let tree = &self.scope.tree;
        let grants = |color| matches!(color, Color::Yellow | Color::Green);
        let devices = tree.devices().filter(|(_, node)| grants(node.color));
        let domains = tree.domains().filter(|(_, node)| grants(node.color));
        let keys: Vec<IndexKey> = devices
            .map(|(id, _)| IndexKey::Device(id.clone()))
            .chain(domains.map(|(domain, _)| IndexKey::Domain(domain.clone())))
            .collect();
        let entities: Vec<_> = tree
            .entities()
            .filter(|(_, n)| grants(n.node.color))
            .collect();
        let counted = keys.iter().map(|key| self.snapshot.indexed_count(key));
        let candidates = counted.sum::<usize>() + entities.len();
        if candidates > self.snapshot.entity_count() / LOOK_UP_SHARE {
            return None;
        }
        let mut ids: BTreeSet<&EntityId> = BTreeSet::new();
        for (id, node) in entities {
            let followed = match &node.anchor {
                Anchor::Registered(registry_id) => self.snapshot.registry().entity_id(registry_id),
                Anchor::Unresolved | Anchor::Unregistered => None,
            };
            ids.insert(followed.unwrap_or(id));
        }
        for key in &keys {
            ids.extend(self.snapshot.indexed(key));
        }
        Some(ids.into_iter().filter_map(|id| self.get(id)).collect())
    }
}

/// A look-up and its share of sorting cost about as much as passing by this many entities.
const LOOK_UP_SHARE: usize = 6;

/// Says nothing of the house.
impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// A readable entity: its [`Facts`], and whether it may be written.
#[derive(Clone, Copy)]
pub struct Visible<'a> {
    facts: Facts<'a>,
    permission: Permission,
}

impl<'a> Visible<'a> {
    /// Whether the token may write it.
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.permission.can_write()
    }

    /// What may be read of it.
    #[must_use]
    pub fn facts(&self) -> Facts<'a> {
        self.facts
    }

    /// The text at a place of the memo, derived from this version of the entity once for all tokens:
    /// `derive` is a plain function of the facts, so it depends on nothing that differs between them.
    #[must_use]
    pub fn memo(&self, place: MemoPlace, derive: fn(&Facts<'_>) -> Arc<str>) -> &'a str {
        let facts = &self.facts;
        facts.entity.memo().get_or_init(place, || derive(facts))
    }
}

impl<'a> Deref for Visible<'a> {
    type Target = Facts<'a>;

    fn deref(&self) -> &Facts<'a> {
        &self.facts
    }
}

impl fmt::Debug for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visible({})", self.id())
    }
}

/// What may be read of an entity by whoever may read it: its state without scrubbed attributes, and
/// what registries say of it.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    snapshot: &'a Snapshot,
    entity: &'a Entity,
}

impl<'a> Facts<'a> {
    fn raw(&self) -> &'a EntityState {
        self.entity.state()
    }

    fn entry(&self) -> Option<&'a EntityEntry> {
        self.entity.entry()
    }

    fn devices(&self) -> (Option<&'a DeviceEntry>, Option<&'a DeviceEntry>) {
        let registry = self.snapshot.registry();
        self.entry()
            .map_or((None, None), |entry| registry.device_chain(entry))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a EntityId {
        &self.raw().entity_id
    }

    /// Its domain.
    #[must_use]
    pub fn domain(&self) -> &'a str {
        self.id().domain()
    }

    /// The state text.
    #[must_use]
    pub fn state(&self) -> &'a str {
        &self.raw().state
    }

    /// Its display name (HA `State.name`).
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.entity.name()
    }

    /// An attribute, without what is scrubbed.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<Cow<'a, Value>> {
        if redact::is_scrubbed(key) {
            return None;
        }
        self.raw().attributes.get(key).map(redact::scrubbed)
    }

    /// All attributes in Home Assistant's order, without what is scrubbed.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, Cow<'a, Value>)> + use<'a> {
        self.raw()
            .attributes
            .iter()
            .filter(|(key, _)| !redact::is_scrubbed(key))
            .map(|(key, value)| (&**key, redact::scrubbed(value)))
    }

    /// When the state text changed last.
    #[must_use]
    pub fn last_changed(&self) -> UtcMicros {
        self.raw().last_changed
    }

    /// When text or attributes changed last.
    #[must_use]
    pub fn last_updated(&self) -> UtcMicros {
        self.raw().last_updated
    }

    /// The context of the state: its id and its parent's. The user stays in the house.
    #[must_use]
    pub fn context(&self) -> (&'a ContextId, Option<&'a ContextId>) {
        let context = &self.raw().context;
        (&context.id, context.parent_id.as_ref())
    }

    /// What the entity registry says of it.
    #[must_use]
    pub fn registered(&self) -> Option<Registered<'a>> {
        self.entry().map(|entry| Registered { entry })
    }

    /// The display names of its device, and of the device which that is a part of together with
    /// whether the part lies in the area of the whole.
    #[must_use]
    pub fn device(&self) -> Option<Device<'a>> {
        let (device, parent) = self.devices();
        device.map(|device| Device::of(device, parent))
    }

    /// The area that counts for it.
    #[must_use]
    pub fn area(&self) -> Option<Area<'a>> {
        self.entry()
            .and_then(|entry| self.snapshot.registry().area_of(entry))
            .map(Area)
    }

    /// IANA name of the home's time zone.
    #[must_use]
    pub fn time_zone(&self) -> &'a str {
        &self.snapshot.config().time_zone
    }

    /// The release of Home Assistant.
    #[must_use]
    pub fn release(&self) -> &'a str {
        &self.snapshot.config().version
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({})", self.id())
    }
}

/// What the entity registry says of a readable entity.
#[derive(Clone, Copy)]
pub struct Registered<'a> {
    entry: &'a EntityEntry,
}

impl<'a> Registered<'a> {
    /// The name that a user gave; may be empty.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.entry.name.as_deref()
    }

    /// The name that the integration gave.
    #[must_use]
    pub fn original_name(&self) -> Option<&'a str> {
        self.entry.original_name.as_deref()
    }

    /// Names in order; `None` stands for the computed name.
    #[must_use]
    pub fn aliases(&self) -> &'a [Option<Arc<str>>] {
        &self.entry.aliases
    }

    /// Whether an area of its own is set, be it one that exists or not.
    #[must_use]
    pub fn has_own_area(&self) -> bool {
        self.entry.area_id.is_some()
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> &'a [LabelId] {
        &self.entry.labels
    }

    /// `options.<domain>.<key>`.
    #[must_use]
    pub fn option(&self, domain: &str, key: &str) -> Option<&'a Value> {
        self.entry.option(domain, key)
    }
}

impl fmt::Debug for Registered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registered({})", self.entry.entity_id)
    }
}
