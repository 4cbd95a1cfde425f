//! The compressed state format of `subscribe_entities` (HA 2026.11
//! `components/websocket_api/messages.py`), both ways, and the uncompressed form of `get_states`.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::id::{ContextId, EntityId};
use crate::state::{Attributes, Context, EntityState};
use crate::time::UtcMicros;

/// One event of `subscribe_entities`: what was added, changed and removed.
#[derive(Clone, Default, Debug, serde::Deserialize, serde::Serialize)]
pub struct StatesEvent {
    /// Whole states, in the order of Home Assistant's state machine.
    #[serde(
        default,
        rename = "a",
        with = "pairs",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub added: Vec<(EntityId, WireState)>,
    /// Differences to the state before.
    #[serde(
        default,
        rename = "c",
        with = "pairs",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub changed: Vec<(EntityId, StateDiff)>,
    /// Entities that are gone.
    #[serde(default, rename = "r", skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<EntityId>,
}

/// A whole state in compressed form.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct WireState {
    /// The state text.
    #[serde(rename = "s")]
    pub state: Arc<str>,
    /// The attributes.
    #[serde(rename = "a", default)]
    pub attributes: Attributes,
    /// The context; a bare text is an id without parent and user.
    #[serde(rename = "c")]
    pub context: WireContext,
    /// Last changed, Unix seconds.
    #[serde(rename = "lc")]
    pub last_changed: f64,
    /// Last updated, Unix seconds; missing when equal.
    #[serde(rename = "lu", default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<f64>,
}

/// A context in compressed form.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum WireContext {
    /// An id; parent and user are null.
    Id(ContextId),
    /// All three.
    Whole {
        /// Its id.
        id: ContextId,
        /// Its parent.
        #[serde(default)]
        parent_id: Option<ContextId>,
        /// Its user.
        #[serde(default)]
        user_id: Option<Arc<str>>,
    },
}

/// The difference between two states of one entity.
#[derive(Clone, Default, Debug, serde::Deserialize, serde::Serialize)]
pub struct StateDiff {
    /// What was set.
    #[serde(rename = "+", default)]
    pub set: StateAddition,
    /// What vanished.
    #[serde(rename = "-", default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<StateRemoval>,
}

/// The set half of a [`StateDiff`].
#[derive(Clone, Default, Debug, serde::Deserialize, serde::Serialize)]
pub struct StateAddition {
    /// The state text.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Arc<str>>,
    /// Changed and new attributes; each value is whole.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Attributes>,
    /// Changed parts of the context.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextDiff>,
    /// Last changed, and with it last updated.
    #[serde(rename = "lc", default, skip_serializing_if = "Option::is_none")]
    pub last_changed: Option<f64>,
    /// Last updated alone.
    #[serde(rename = "lu", default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<f64>,
}

/// Changed parts of a context.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum ContextDiff {
    /// Only the id.
    Id(ContextId),
    /// The parts that are present; null is a value.
    Parts(ContextParts),
}

/// Parts of a context; the outer option says whether the part changed.
#[derive(Clone, Default, Debug, serde::Deserialize, serde::Serialize)]
pub struct ContextParts {
    /// The id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ContextId>,
    /// The parent.
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Option<ContextId>>,
    /// The user.
    #[serde(default, with = "present", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Option<Arc<str>>>,
}

/// The removed half of a [`StateDiff`].
#[derive(Clone, Default, Debug, serde::Deserialize, serde::Serialize)]
pub struct StateRemoval {
    /// Attributes that vanished, in no order.
    #[serde(rename = "a", default)]
    pub attributes: Vec<Arc<str>>,
}

impl WireState {
    /// The state that it stands for.
    #[must_use]
    pub fn into_state(self, entity_id: EntityId) -> EntityState {
        let last_changed = UtcMicros::from_unix_seconds(self.last_changed);
        EntityState {
            entity_id,
            state: self.state,
            attributes: self.attributes,
            last_changed,
            last_updated: self
                .last_updated
                .map_or(last_changed, UtcMicros::from_unix_seconds),
            context: self.context.into_context(),
        }
    }

    /// The compressed form of a state.
    #[must_use]
    pub fn of(state: &EntityState) -> Self {
        let updated =
            (state.last_updated != state.last_changed).then(|| state.last_updated.unix_seconds());
        Self {
            state: state.state.clone(),
            attributes: state.attributes.clone(),
            context: WireContext::of(&state.context),
            last_changed: state.last_changed.unix_seconds(),
            last_updated: updated,
        }
    }
}

impl WireContext {
    fn into_context(self) -> Context {
        match self {
            Self::Id(id) => Context {
                id,
                parent_id: None,
                user_id: None,
            },
            Self::Whole {
                id,
                parent_id,
                user_id,
            } => Context {
                id,
                parent_id,
                user_id,
            },
        }
    }

    fn of(context: &Context) -> Self {
        if context.parent_id.is_none() && context.user_id.is_none() {
            return Self::Id(context.id.clone());
        }
        Self::Whole {
            id: context.id.clone(),
            parent_id: context.parent_id.clone(),
            user_id: context.user_id.clone(),
        }
    }
}

/// Marks a state that Home Assistant itself wrote for an entity whose integration does not run.
const RESTORED: &str = "restored";

impl StateDiff {
    /// Applies the difference. The flag says that this difference does not tell the true order of
    /// the attributes: one came whose place is not known, or the state has another writer than
    /// before, who puts the same attributes in another order (HA 2026.11: the unit stands behind
    /// the name in a restored state, and before it when the integration runs).
    #[must_use]
    pub fn apply(self, to: &EntityState) -> (EntityState, bool) {
        let removed = self.removed.unwrap_or_default().attributes;
        let changed = self.set.attributes.unwrap_or_default();
        let other_writer =
            changed.get(RESTORED).is_some() || removed.iter().any(|key| **key == *RESTORED);
        let (attributes, grew) = to.attributes.patched(
            changed.iter().map(|(k, v)| (k.clone(), v.clone())),
            &removed,
        );
        let changed_at = self.set.last_changed.map(UtcMicros::from_unix_seconds);
        let updated_at = self.set.last_updated.map(UtcMicros::from_unix_seconds);
        let state = EntityState {
            entity_id: to.entity_id.clone(),
            state: self.set.state.unwrap_or_else(|| to.state.clone()),
            attributes,
            last_changed: changed_at.unwrap_or(to.last_changed),
            last_updated: changed_at.or(updated_at).unwrap_or(to.last_updated),
            context: match self.set.context {
                None => to.context.clone(),
                Some(ContextDiff::Id(id)) => Context {
                    id,
                    ..to.context.clone()
                },
                Some(ContextDiff::Parts(parts)) => Context {
                    id: parts.id.unwrap_or_else(|| to.context.id.clone()),
                    parent_id: parts
                        .parent_id
                        .unwrap_or_else(|| to.context.parent_id.clone()),
                    user_id: parts.user_id.unwrap_or_else(|| to.context.user_id.clone()),
                },
            },
        };
        (state, grew || other_writer)
    }
}

/// The difference from `old` to `new`, as Home Assistant sends it: values that Python deems equal
/// are left out (`_state_diff_event`).
#[must_use]
pub fn state_diff(old: &EntityState, new: &EntityState) -> StateDiff {
    let changed_at =
        (new.last_changed != old.last_changed).then(|| new.last_changed.unix_seconds());
    let updated_at = (changed_at.is_none() && new.last_updated != old.last_updated)
        .then(|| new.last_updated.unix_seconds());
    let set = new.attributes.iter().filter(|(key, value)| {
        !old.attributes
            .get(key)
            .is_some_and(|before| before.python_eq(value))
    });
    let set = Attributes::from_pairs(set.map(|(k, v)| (k.clone(), v.clone())));
    let gone: Vec<Arc<str>> = old
        .attributes
        .iter()
        .filter(|(key, _)| new.attributes.get(key).is_none())
        .map(|(key, _)| key.clone())
        .collect();
    StateDiff {
        set: StateAddition {
            state: (new.state != old.state).then(|| new.state.clone()),
            attributes: (!set.is_empty()).then_some(set),
            context: context_diff(&old.context, &new.context),
            last_changed: changed_at,
            last_updated: updated_at,
        },
        removed: (!gone.is_empty()).then_some(StateRemoval { attributes: gone }),
    }
}

fn context_diff(old: &Context, new: &Context) -> Option<ContextDiff> {
    let id = (new.id != old.id).then(|| new.id.clone());
    let parent_id = (new.parent_id != old.parent_id).then(|| new.parent_id.clone());
    let user_id = (new.user_id != old.user_id).then(|| new.user_id.clone());
    match (id, parent_id, user_id) {
        (None, None, None) => None,
        (Some(id), None, None) => Some(ContextDiff::Id(id)),
        (id, parent_id, user_id) => Some(ContextDiff::Parts(ContextParts {
            id,
            parent_id,
            user_id,
        })),
    }
}

/// Reads an attribute object in its own order.
impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = crate::value::Map::deserialize(deserializer)?;
        Ok(Self::from_pairs(
            map.iter().map(|(k, v)| (k.clone(), v.clone())),
        ))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(&**key, value)?;
        }
        map.end()
    }
}

/// The uncompressed form: `get_states` and REST. `last_reported` is not kept.
#[derive(serde::Deserialize)]
struct PlainState {
    entity_id: EntityId,
    state: Arc<str>,
    #[serde(default)]
    attributes: Attributes,
    last_changed: String,
    last_updated: String,
    context: WireContext,
}

impl<'de> Deserialize<'de> for EntityState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plain = PlainState::deserialize(deserializer)?;
        let instant = |text: &str| {
            UtcMicros::parse_iso_utc(text)
                .ok_or_else(|| serde::de::Error::custom("an instant is not ISO 8601 in UTC"))
        };
        Ok(Self {
            last_changed: instant(&plain.last_changed)?,
            last_updated: instant(&plain.last_updated)?,
            entity_id: plain.entity_id,
            state: plain.state,
            attributes: plain.attributes,
            context: plain.context.into_context(),
        })
    }
}

/// Objects whose order matters, as lists of pairs.
pub(super) mod pairs {
    use std::marker::PhantomData;

    use super::{
        Deserialize, Deserializer, EntityId, MapAccess, Serialize, Serializer, Visitor, fmt,
    };

    pub(in crate::wire) fn serialize<S: Serializer, T: Serialize>(
        pairs: &[(EntityId, T)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(pairs.iter().map(|(id, value)| (id, value)))
    }

    pub(in crate::wire) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Vec<(EntityId, T)>, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Vec<(EntityId, T)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object keyed by entity id")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::with_capacity(map.size_hint().unwrap_or(0));
                while let Some(row) = map.next_entry()? {
                    rows.push(row);
                }
                Ok(rows)
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// `Some(None)` is a key with null, `None` a missing key.
mod present {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, T: Serialize>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .as_ref()
            .and_then(Option::as_ref)
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(deserializer).map(Some)
    }
}

/// The uncompressed form, as `get_states` gives it (without `last_reported`).
#[derive(serde::Serialize)]
struct PlainStateOut<'a> {
    entity_id: &'a EntityId,
    state: &'a str,
    attributes: &'a Attributes,
    last_changed: String,
    last_updated: String,
    context: PlainContextOut<'a>,
}

#[derive(serde::Serialize)]
struct PlainContextOut<'a> {
    id: &'a ContextId,
    parent_id: &'a Option<ContextId>,
    user_id: &'a Option<Arc<str>>,
}

impl Serialize for EntityState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PlainStateOut {
            entity_id: &self.entity_id,
            state: &self.state,
            attributes: &self.attributes,
            last_changed: self.last_changed.iso_utc().to_string(),
            last_updated: self.last_updated.iso_utc().to_string(),
            context: PlainContextOut {
                id: &self.context.id,
                parent_id: &self.context.parent_id,
                user_id: &self.context.user_id,
            },
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
#[path = "states_tests.rs"]
mod tests;
