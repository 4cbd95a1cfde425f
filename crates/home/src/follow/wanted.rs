//! `Wanted`, entries of the entity registry that were announced and are not fetched yet.
//!
//! Home Assistant's registry is a dict: what is created or renamed goes to its end. Entries are
//! fetched later than they were announced, so the announcements are kept in the dict's order.

use std::collections::BTreeMap;

use crate::id::EntityId;
use crate::ordered::Ordered;
use crate::registry::EntityEntry;

#[derive(Default)]
pub(super) struct Wanted {
    rows: Ordered<EntityId, Want>,
    /// Counts requests; an entry that was born after a request was made is not answered by it.
    turn: u64,
    in_flight: bool,
}

#[derive(Clone, Copy)]
struct Want {
    /// The turn in which it was created or renamed; 0 when it has its place.
    born: u64,
    /// It changed after the request that is under way.
    open: bool,
    /// Shown without it, the entity would look like one that nobody placed anywhere.
    holds: bool,
}

impl Wanted {
    /// Its entry changed.
    pub(super) fn changed(&mut self, id: &EntityId) {
        let mut want = self.rows.get(id).copied().unwrap_or(Want {
            born: 0,
            open: true,
            holds: false,
        });
        want.open = true;
        self.rows.insert(id.clone(), want);
    }

    /// Its entry came to be under this id.
    pub(super) fn born(&mut self, id: &EntityId, holds: bool) {
        self.rows.remove(id);
        let want = Want {
            born: self.turn + 1,
            open: true,
            holds,
        };
        self.rows.insert(id.clone(), want);
    }

    /// Its entry is gone.
    pub(super) fn gone(&mut self, id: &EntityId) {
        self.rows.remove(id);
    }

    pub(super) fn contains(&self, id: &EntityId) -> bool {
        self.rows.contains(id)
    }

    /// Those that must not be shown yet.
    pub(super) fn held(&self) -> impl Iterator<Item = &EntityId> {
        let held = self.rows.iter().filter(|(_, want)| want.holds);
        held.map(|(id, _)| id)
    }

    /// The ids of the next request; one is under way at a time, so that bursts gather.
    pub(super) fn next_request(&mut self, ids_max: usize) -> Option<Vec<EntityId>> {
        if self.in_flight {
            return None;
        }
        let open = self.rows.iter().filter(|(_, want)| want.open);
        let ids: Vec<EntityId> = open.map(|(id, _)| id.clone()).take(ids_max).collect();
        if ids.is_empty() {
            return None;
        }
        self.in_flight = true;
        self.turn += 1;
        for id in &ids {
            if let Some(want) = self.rows.get(id).copied() {
                self.rows.insert(
                    id.clone(),
                    Want {
                        open: false,
                        ..want
                    },
                );
            }
        }
        Some(ids)
    }

    /// The answer to the request under way: what of it is to be applied, in the dict's order.
    pub(super) fn answered(
        &mut self,
        entries: Vec<(EntityId, Option<EntityEntry>)>,
    ) -> Vec<(EntityId, Option<EntityEntry>)> {
        self.in_flight = false;
        let mut answers: BTreeMap<EntityId, Option<EntityEntry>> = entries.into_iter().collect();
        let wants: Vec<(EntityId, Want)> = self
            .rows
            .iter()
            .map(|(id, want)| (id.clone(), *want))
            .collect();
        let mut valid = Vec::new();
        for (id, want) in wants {
            if want.born > self.turn {
                continue;
            }
            let Some(entry) = answers.remove(&id) else {
                continue;
            };
            if want.open {
                let rest = Want {
                    born: 0,
                    open: true,
                    holds: false,
                };
                self.rows.insert(id.clone(), rest);
            } else {
                self.rows.remove(&id);
            }
            // A renamed entry may stand in the replica already, ahead of others that were created
            // before and come only with this answer.
            if want.born > 0 {
                valid.push((id.clone(), None));
            }
            valid.push((id, entry));
        }
        valid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::RegistryId;
    use crate::ordered::Ordered;
    use crate::state::Attributes;
    use crate::value::Value;
    use std::collections::VecDeque;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Step {
        Create(u8),
        Change(u8),
        Rename(u8, u8),
        Remove(u8),
        /// Home Assistant takes the next request.
        Handle,
        /// Its answer, or the next event, arrives.
        Arrive,
        /// The client asks for what it wants.
        Ask,
    }

    enum Frame {
        Born(EntityId, Option<EntityId>),
        Changed(EntityId),
        Gone(EntityId),
        Answer(Vec<(EntityId, Option<EntityEntry>)>),
    }

    fn id(n: u8) -> EntityId {
        EntityId::parse(&format!("light.l{n}")).unwrap()
    }

    fn entry(id: &EntityId, version: u64) -> EntityEntry {
        let fields = [("id", format!("{version}")), ("entity_id", id.to_string())];
        EntityEntry::from_fields(Attributes::from_pairs(
            fields.map(|(k, v)| (Arc::from(k), Value::text(&v))),
        ))
        .unwrap()
    }

    fn step() -> impl Strategy<Value = Step> {
        let n = 0u8..6;
        prop_oneof![
            3 => n.clone().prop_map(Step::Create),
            3 => n.clone().prop_map(Step::Change),
            2 => (n.clone(), n.clone()).prop_map(|(a, b)| Step::Rename(a, b)),
            2 => n.prop_map(Step::Remove),
            4 => Just(Step::Handle),
            6 => Just(Step::Arrive),
            4 => Just(Step::Ask),
        ]
    }

    /// Home Assistant's side: a dict, a queue of frames to the client, a queue of requests from it.
    #[derive(Default)]
    struct Home {
        registry: Vec<(EntityId, EntityEntry)>,
        frames: VecDeque<Frame>,
        requests: VecDeque<Vec<EntityId>>,
        versions: u64,
    }

    impl Home {
        fn place(&self, id: &EntityId) -> Option<usize> {
            self.registry.iter().position(|(known, _)| known == id)
        }
        fn fresh(&mut self, id: &EntityId) -> EntityEntry {
            self.versions += 1;
            entry(id, self.versions)
        }
        fn step(&mut self, step: &Step) {
            match *step {
                Step::Create(n) if self.place(&id(n)).is_none() => {
                    let entry = self.fresh(&id(n));
                    self.registry.push((id(n), entry));
                    self.frames.push_back(Frame::Born(id(n), None));
                }
                Step::Change(n) => {
                    if let Some(place) = self.place(&id(n)) {
                        self.registry[place].1 = self.fresh(&id(n));
                        self.frames.push_back(Frame::Changed(id(n)));
                    }
                }
                Step::Rename(a, b) if self.place(&id(b)).is_none() => {
                    if let Some(place) = self.place(&id(a)) {
                        self.registry.remove(place);
                        let entry = self.fresh(&id(b));
                        self.registry.push((id(b), entry));
                        self.frames.push_back(Frame::Born(id(b), Some(id(a))));
                    }
                }
                Step::Remove(n) => {
                    if let Some(place) = self.place(&id(n)) {
                        self.registry.remove(place);
                        self.frames.push_back(Frame::Gone(id(n)));
                    }
                }
                Step::Handle => {
                    if let Some(ids) = self.requests.pop_front() {
                        let answer = ids.into_iter().map(|id| {
                            let place = self.place(&id);
                            (id, place.map(|place| self.registry[place].1.clone()))
                        });
                        let answer = Frame::Answer(answer.collect());
                        self.frames.push_back(answer);
                    }
                }
                Step::Create(_) | Step::Rename(..) | Step::Arrive | Step::Ask => {}
            }
        }
    }

    #[derive(Default)]
    struct Client {
        wanted: Wanted,
        registry: Ordered<EntityId, EntityEntry>,
    }

    impl Client {
        fn set(&mut self, id: &EntityId, entry: Option<EntityEntry>) {
            match entry {
                Some(entry) => {
                    self.registry.insert(id.clone(), entry);
                }
                None => {
                    self.registry.remove(id);
                }
            }
        }
        fn arrive(&mut self, frame: Frame) {
            match frame {
                Frame::Born(id, old) => {
                    if let Some(old) = old {
                        self.wanted.gone(&old);
                        self.set(&old, None);
                    }
                    self.wanted.born(&id, true);
                }
                Frame::Changed(id) => self.wanted.changed(&id),
                Frame::Gone(id) => {
                    self.wanted.gone(&id);
                    self.set(&id, None);
                }
                Frame::Answer(entries) => {
                    for (id, entry) in self.wanted.answered(entries) {
                        self.set(&id, entry);
                    }
                }
            }
        }
        fn ask(&mut self, home: &mut Home) {
            if let Some(ids) = self.wanted.next_request(3) {
                home.requests.push_back(ids);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]
        #[test]
        fn entries_end_up_as_a_python_dict_would(steps in prop::collection::vec(step(), 0..80)) {
            let (mut home, mut client) = (Home::default(), Client::default());
            for step in &steps {
                home.step(step);
                match step {
                    Step::Arrive => {
                        if let Some(frame) = home.frames.pop_front() {
                            client.arrive(frame);
                        }
                    }
                    Step::Ask => client.ask(&mut home),
                    Step::Create(_) | Step::Change(_) | Step::Rename(..) | Step::Remove(_) | Step::Handle => {}
                }
            }
            for _ in 0..100 {
                home.step(&Step::Handle);
                while let Some(frame) = home.frames.pop_front() {
                    client.arrive(frame);
                }
                client.ask(&mut home);
            }
            let got: Vec<_> = client.registry.iter().map(|(id, e)| (id.clone(), e.id.clone())).collect();
            let truth: Vec<(EntityId, RegistryId)> =
                home.registry.iter().map(|(id, e)| (id.clone(), e.id.clone())).collect();
            prop_assert_eq!(got, truth);
            prop_assert!(client.wanted.held().next().is_none() && client.wanted.next_request(1).is_none());
        }
    }
}
