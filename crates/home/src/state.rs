//! A state of an entity: its text, its attributes in order, its times and its context.

use std::fmt;
use std::sync::Arc;

use crate::id::{ContextId, EntityId};
use crate::time::UtcMicros;
use crate::value::Value;

/// Keys in order, shared by all records that have them; values beside.
///
/// Holds the attributes of a state and, with the same economy, the fields of a registry entry.
/// A key that went away leaves a tombstone: Home Assistant rebuilds the whole attribute object at
/// each write, so a key that comes back comes back to its old place (HA 2026.11; diffs of
/// `subscribe_entities` do not carry order).
#[derive(Clone)]
pub struct Attributes {
    keys: Arc<[Arc<str>]>,
    values: Arc<[Option<Value>]>,
}

impl Attributes {
    /// Builds from keys and values in order; keys are unique (a [`crate::value::Map`]'s are).
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Arc<str>, Value)>) -> Self {
        let (keys, values): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .unzip();
        Self {
            keys: keys.into(),
            values: values.into(),
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let index = self.keys.iter().position(|known| **known == *key)?;
        self.values.get(index)?.as_ref()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.keys
            .iter()
            .zip(self.values.iter())
            .filter_map(|(k, v)| Some((k, v.as_ref()?)))
    }

    /// How many keys have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Sets `changed` and clears `removed`. The flag says that a key was set that these attributes
    /// never had, so that its true place is not known.
    #[must_use]
    pub fn patched(
        &self,
        changed: impl IntoIterator<Item = (Arc<str>, Value)>,
        removed: &[Arc<str>],
    ) -> (Self, bool) {
        let mut values: Vec<Option<Value>> = self.values.to_vec();
        let mut keys = None::<Vec<Arc<str>>>;
        for (key, value) in changed {
            let known = keys.as_deref().unwrap_or(&self.keys);
            if let Some(index) = known.iter().position(|k| *k == key) {
                if let Some(place) = values.get_mut(index) {
                    *place = Some(value);
                }
            } else {
                keys.get_or_insert_with(|| self.keys.to_vec()).push(key);
                values.push(Some(value));
            }
        }
        for key in removed {
            let index = self.keys.iter().position(|k| k == key);
            if let Some(place) = index.and_then(|index| values.get_mut(index)) {
                *place = None;
            }
        }
        let grew = keys.is_some();
        let keys = keys.map_or_else(|| self.keys.clone(), Arc::from);
        (
            Self {
                keys,
                values: values.into(),
            },
            grew,
        )
    }

    /// Every key that these attributes have or had, in order.
    pub(crate) fn keys(&self) -> &Arc<[Arc<str>]> {
        &self.keys
    }

    /// Takes `keys` for its own list when both are equal, so that records of one shape share one.
    pub(crate) fn share_keys(&mut self, keys: &Arc<[Arc<str>]>) {
        if *self.keys == **keys {
            self.keys = keys.clone();
        }
    }

    /// Whether keys, order and values are equal, values as Python compares them.
    #[must_use]
    pub fn python_eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|((k, v), (l, w))| k == l && v.python_eq(w))
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self::from_pairs([])
    }
}

/// Same keys in the same order with the same values; tombstones do not count.
impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attributes({} keys)", self.len())
    }
}

/// Who or what caused a state.
#[derive(Clone, PartialEq, Eq)]
pub struct Context {
    /// The context's own id.
    pub id: ContextId,
    /// The context that caused this one.
    pub parent_id: Option<ContextId>,
    /// The Home Assistant user who acted.
    pub user_id: Option<Arc<str>>,
}

/// The state of one entity, as Home Assistant's state machine holds it.
#[derive(Clone, PartialEq)]
pub struct EntityState {
    /// Whose state it is.
    pub entity_id: EntityId,
    /// The state text, at most 255 characters in Home Assistant.
    pub state: Arc<str>,
    /// The attributes, in Home Assistant's order.
    pub attributes: Attributes,
    /// When the text changed last.
    pub last_changed: UtcMicros,
    /// When text or attributes changed last.
    pub last_updated: UtcMicros,
    /// What caused it.
    pub context: Context,
}

impl EntityState {
    /// The display name: attribute `friendly_name`, or the object id with spaces for underscores
    /// (HA 2026.11 `core.py`, `State.name`).
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        match self.attributes.get("friendly_name") {
            Some(Value::Text(name)) if !name.is_empty() => name.clone(),
            Some(Value::Int(int)) if *int != 0 => Arc::from(int.to_string()),
            Some(_) | None => Arc::from(self.entity_id.object_id().replace('_', " ")),
        }
    }
}

/// Prints which entity it is and nothing of its data.
impl fmt::Debug for EntityState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntityState({})", self.entity_id)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(pairs: &[(&str, i64)]) -> Attributes {
        Attributes::from_pairs(pairs.iter().map(|(k, v)| (Arc::from(*k), Value::Int(*v))))
    }

    fn keys(attributes: &Attributes) -> Vec<&str> {
        attributes.iter().map(|(k, _)| &**k).collect()
    }

    #[test]
    fn a_key_that_comes_back_comes_back_to_its_place() {
        let full = attributes(&[("a", 1), ("b", 2), ("c", 3)]);
        let (less, grew) = full.patched([], &[Arc::from("b")]);
        assert_eq!((keys(&less), grew, less.len()), (vec!["a", "c"], false, 2));
        let (again, grew) = less.patched([(Arc::from("b"), Value::Int(9))], &[]);
        assert_eq!((keys(&again), grew), (vec!["a", "b", "c"], false));
        let (more, grew) = again.patched([(Arc::from("d"), Value::Null)], &[]);
        assert_eq!((keys(&more), grew), (vec!["a", "b", "c", "d"], true));
        assert!(less == attributes(&[("a", 1), ("c", 3)]));
    }
}
