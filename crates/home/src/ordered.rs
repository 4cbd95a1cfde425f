//! `Ordered`, a persistent map that iterates as a Python dict does.
//!
//! Home Assistant's order is the insertion order of its dicts (HA 2026.11 `core.py`, `States`):
//! setting a known key keeps its place, removing and adding moves it to the end.

use std::borrow::Borrow;

use imbl::OrdMap;

/// A map in insertion order; clones share their content and cost the same for any size.
#[derive(Clone)]
pub struct Ordered<K, V> {
    rows: OrdMap<u64, (K, V)>,
    places: OrdMap<K, u64>,
    next_place: u64,
}

impl<K: Ord + Clone, V: Clone> Ordered<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: OrdMap::new(),
            places: OrdMap::new(),
            next_place: 0,
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The value of a key.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.at(self.place(key)?)
    }

    /// The place of a key: grows with the time of its insertion, and is not dense.
    pub fn place<Q>(&self, key: &Q) -> Option<u64>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.places.get(key).copied()
    }

    /// The value at a place.
    #[must_use]
    pub fn at(&self, place: u64) -> Option<&V> {
        self.rows.get(&place).map(|(_, value)| value)
    }

    /// Whether the key is there.
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.places.contains_key(key)
    }

    /// Keys and values in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.values().map(|(key, value)| (key, value))
    }

    /// Values in insertion order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values().map(|(_, value)| value)
    }

    /// Keys in insertion order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.rows.values().map(|(key, _)| key)
    }

    /// Sets a key: a known one keeps its place, a new one goes to the end. Gives the old value.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(place) = self.places.get(&key).copied() {
            return self.rows.insert(place, (key, value)).map(|(_, old)| old);
        }
        self.places.insert(key.clone(), self.next_place);
        self.rows.insert(self.next_place, (key, value));
        self.next_place += 1;
        None
    }

    /// Removes a key and gives its value.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let place = self.places.remove(key)?;
        self.rows.remove(&place).map(|(_, value)| value)
    }
}

impl<K: Ord + Clone, V: Clone> Default for Ordered<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for Ordered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Ordered;

    /// Law P3's reference: a Python dict as a list of pairs.
    #[derive(Default)]
    struct PythonDict(Vec<(u8, u16)>);

    impl PythonDict {
        fn set(&mut self, key: u8, value: u16) {
            match self.0.iter_mut().find(|(known, _)| *known == key) {
                Some(row) => row.1 = value,
                None => self.0.push((key, value)),
            }
        }
        fn pop(&mut self, key: u8) {
            self.0.retain(|(known, _)| *known != key);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn p3_order_is_a_python_dicts(operations in prop::collection::vec((0u8..20, prop::option::of(any::<u16>())), 0..200)) {
            let mut dict = PythonDict::default();
            let mut ordered = Ordered::new();
            for (key, value) in operations {
                if let Some(value) = value {
                    dict.set(key, value);
                    ordered.insert(key, value);
                } else {
                    dict.pop(key);
                    ordered.remove(&key);
                }
            }
            let rows: Vec<(u8, u16)> = ordered.iter().map(|(k, v)| (*k, *v)).collect();
            prop_assert_eq!(&rows, &dict.0);
            prop_assert_eq!(ordered.len(), dict.0.len());
            for (key, value) in &dict.0 {
                prop_assert_eq!(ordered.get(key), Some(value));
            }
        }
    }
}
