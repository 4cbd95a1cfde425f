//! `Unordered`, entities that are to be fetched whole because a difference left the order of their
//! attributes open.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::EntityId;
use crate::limits::{ORDER_DEBOUNCE, ORDER_EVERY};

#[derive(Default)]
pub(super) struct Unordered {
    due: BTreeMap<EntityId, Duration>,
    /// When each was fetched last, as far back as it matters.
    fetched: BTreeMap<EntityId, Duration>,
}

impl Unordered {
    pub(super) fn want(&mut self, id: EntityId, now: Duration) {
        let earliest = self.fetched.get(&id).map(|last| *last + ORDER_EVERY);
        let at = earliest.map_or(now + ORDER_DEBOUNCE, |earliest| {
            earliest.max(now + ORDER_DEBOUNCE)
        });
        self.due.entry(id).or_insert(at);
    }

    /// Forgets an entity that is gone.
    pub(super) fn forget(&mut self, id: &EntityId) {
        self.due.remove(id);
    }

    /// Forgets all, because everything was fetched.
    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    /// Those whose time has come.
    pub(super) fn take(&mut self, ids_max: usize, now: Duration) -> Vec<EntityId> {
        self.fetched.retain(|_, last| *last + ORDER_EVERY > now);
        let due = self.due.iter().filter(|(_, at)| **at <= now);
        let ids: Vec<EntityId> = due.map(|(id, _)| id.clone()).take(ids_max).collect();
        for id in &ids {
            self.due.remove(id);
            self.fetched.insert(id.clone(), now);
        }
        ids
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.due.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entity_is_fetched_seldom_and_never_forgotten() {
        let id = EntityId::parse("media_player.a").unwrap();
        let mut unordered = Unordered::default();
        let second = Duration::from_secs(1);
        unordered.want(id.clone(), second);
        unordered.want(id.clone(), second + ORDER_DEBOUNCE / 2);
        assert_eq!(unordered.next(), Some(second + ORDER_DEBOUNCE));
        assert!(unordered.take(10, second).is_empty());
        assert_eq!(unordered.take(10, second + ORDER_DEBOUNCE).len(), 1);
        unordered.want(id.clone(), 2 * second);
        assert_eq!(
            unordered.next(),
            Some(second + ORDER_DEBOUNCE + ORDER_EVERY)
        );
        assert_eq!(
            unordered.take(10, second + ORDER_DEBOUNCE + ORDER_EVERY),
            [id]
        );
        assert_eq!(unordered.next(), None);
    }
}
