//! Law P2 over the wire: a follower fed with the frames of a changing house equals that house in the
//! end, whatever the order in which frames, requests and time went by.
#![cfg(test)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use housekey_home::follow::Follower;
use housekey_home::id::EntityId;
use housekey_home::session::{Session, SessionEvent};
use housekey_home::snapshot::{Revision, Snapshot};
use housekey_home::time::UtcMicros;
use housekey_home::value::Value;
use housekey_home::wire::{Secret, StateDiff, StatesEvent};
use housekey_sim::{Dump, Fields, World};
use proptest::prelude::*;

const TOKEN: &str = "t";

/// Entities that have an entry as long as they have a state.
const REGISTERED: [&str; 4] = ["light.r0", "light.r1", "light.r2", "light.r3"];
const FREE: [&str; 3] = ["sensor.u0", "sensor.u1", "sensor.u2"];
const KEYS: [&str; 4] = ["a", "b", "device_class", "friendly_name"];

#[derive(Clone, Debug)]
enum Step {
    SetFree {
        entity: usize,
        text: u8,
        attributes: [u8; 4],
        shuffled: bool,
    },
    RemoveFree {
        entity: usize,
    },
    Register {
        entity: usize,
        device: u8,
        area: u8,
    },
    SetRegistered {
        entity: usize,
        text: u8,
        attributes: [u8; 4],
    },
    Unregister {
        entity: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Device {
        device: u8,
        area: u8,
    },
    RemoveDevice {
        device: u8,
    },
    Area {
        area: u8,
        name: u8,
    },
    RemoveArea {
        area: u8,
    },
    Expose {
        entity: usize,
        exposed: bool,
    },
    Service {
        name: u8,
    },
    RunState {
        running: bool,
    },
    Silent {
        entity: usize,
        text: u8,
    },
    Lost {
        entity: usize,
        text: u8,
    },
    SpoofRemoval {
        entity: usize,
    },
    SpoofChange {
        entity: usize,
    },
    /// Home Assistant takes what the client sent.
    Serve,
    /// Some messages arrive at the client.
    Arrive {
        messages: usize,
    },
    Wait {
        millis: u64,
    },
}

fn step(faults: bool) -> impl Strategy<Value = Step> {
    let fault_weight = u32::from(faults);
    let free = 0..FREE.len();
    let registered = 0..REGISTERED.len();
    let attributes = prop::array::uniform4(0u8..4);
    let faults = prop_oneof![
        (free.clone(), 0u8..3).prop_map(|(entity, text)| Step::Silent { entity, text }),
        (free.clone(), 0u8..3).prop_map(|(entity, text)| Step::Lost { entity, text }),
        free.clone()
            .prop_map(|entity| Step::SpoofRemoval { entity }),
        free.clone().prop_map(|entity| Step::SpoofChange { entity }),
    ];
    let shuffles = fault_weight == 1;
    let states = prop_oneof![
        4 => (free.clone(), 0u8..3, attributes.clone(), any::<bool>()).prop_map(
            move |(entity, text, attributes, shuffled)| Step::SetFree {
                entity, text, attributes, shuffled: shuffled && shuffles
            }
        ),
        2 => free.clone().prop_map(|entity| Step::RemoveFree { entity }),
        4 => (registered.clone(), 0u8..3, attributes)
            .prop_map(|(entity, text, attributes)| Step::SetRegistered { entity, text, attributes }),
    ];
    let registry = prop_oneof![
        4 => (registered.clone(), 0u8..3, 0u8..3)
            .prop_map(|(entity, device, area)| Step::Register { entity, device, area }),
        2 => registered.clone().prop_map(|entity| Step::Unregister { entity }),
        2 => (registered.clone(), registered.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => (0u8..2, 0u8..3).prop_map(|(device, area)| Step::Device { device, area }),
        1 => (0u8..2).prop_map(|device| Step::RemoveDevice { device }),
        2 => (0u8..2, 0u8..3).prop_map(|(area, name)| Step::Area { area, name }),
        1 => (0u8..2).prop_map(|area| Step::RemoveArea { area }),
        1 => (registered, any::<bool>()).prop_map(|(entity, exposed)| Step::Expose { entity, exposed }),
        1 => (0u8..3).prop_map(|name| Step::Service { name }),
        1 => any::<bool>().prop_map(|running| Step::RunState { running }),
    ];
    let traffic = prop_oneof![
        3 => Just(Step::Serve),
        4 => (1usize..6).prop_map(|messages| Step::Arrive { messages }),
        2 => (1u64..400).prop_map(|millis| Step::Wait { millis }),
    ];
    // Shrinking goes from later ones to earlier ones.
    prop_oneof![9 => traffic, 5 => states, 4 => registry, fault_weight => faults]
}

struct Wire {
    world: World,
    desk: housekey_sim::DeskId,
    session: Session,
    follower: Follower,
    to_home: VecDeque<String>,
    to_client: VecDeque<String>,
    now: Duration,
    clock: i64,
    published: Vec<Snapshot>,
}

fn id(text: &str) -> EntityId {
    EntityId::parse(text).unwrap()
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    Fields::from_pairs(pairs.iter().map(|(k, v)| (Arc::from(*k), v.clone())))
}

fn reference(kind: &str, n: u8) -> Value {
    n.checked_sub(1)
        .map_or(Value::Null, |n| Value::text(&format!("{kind}{n}")))
}

/// Values that Python tells apart from each other but JSON does not always, and the other way round.
fn value(n: u8, shuffled: bool) -> Value {
    match (n, shuffled) {
        (1, false) => Value::Int(1),
        (1, true) => Value::Float(1.0),
        (n, _) => Value::text(&format!("v{n}")),
    }
}

fn attributes(values: [u8; 4], shuffled: bool) -> Fields {
    let mut pairs: Vec<(Arc<str>, Value)> = KEYS
        .iter()
        .zip(values)
        .filter(|(_, n)| *n > 0)
        .map(|(key, n)| (Arc::from(*key), value(n, shuffled)))
        .collect();
    if shuffled {
        pairs.reverse();
    }
    Fields::from_pairs(pairs)
}

impl Wire {
    fn new() -> Self {
        let mut parts = Dump::demo().parts().unwrap();
        // A few of each are enough here, and faster.
        parts.states.truncate(6);
        parts.entities.truncate(6);
        parts.devices.truncate(3);
        let mut world = World::new(parts, TOKEN);
        let desk = world.open();
        let now = Duration::ZERO;
        let mut session = Session::new(Secret::new(TOKEN), now);
        let follower = Follower::new(&mut session, Revision(0), now);
        Self {
            world,
            desk,
            session,
            follower,
            to_home: VecDeque::new(),
            to_client: VecDeque::new(),
            now,
            clock: 1_795_500_000_000_000,
            published: Vec::new(),
        }
    }

    /// Takes the frames of the house apart, so that time can pass between any two messages.
    fn collect(&mut self) {
        for frame in self.world.frames(self.desk) {
            let json: Vec<Box<serde_json::value::RawValue>> = if frame.starts_with('[') {
                serde_json::from_str(&frame).unwrap()
            } else {
                vec![serde_json::from_str(&frame).unwrap()]
            };
            self.to_client
                .extend(json.iter().map(|message| message.get().to_owned()));
        }
    }

    fn serve(&mut self) {
        while let Some(frame) = self.to_home.pop_front() {
            self.world.handle_text(self.desk, &frame);
        }
        self.collect();
    }

    fn arrive(&mut self, messages: usize) {
        for _ in 0..messages {
            let Some(message) = self.to_client.pop_front() else {
                break;
            };
            self.session.handle_text(&message, self.now);
        }
        self.turn();
    }

    fn turn(&mut self) {
        self.session.handle_timeout(self.now);
        while let Some(event) = self.session.poll_event() {
            let back = self
                .follower
                .handle(&mut self.session, event, self.now)
                .unwrap();
            assert!(!matches!(back, Some(SessionEvent::Closed(_))));
        }
        self.follower.handle_timeout(&mut self.session, self.now);
        while let Some(frame) = self.session.poll_transmit() {
            self.to_home.push_back(frame);
        }
        self.published.extend(self.follower.poll_snapshot());
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.turn();
    }

    /// Lets everything arrive and every timer run for a while.
    fn settle(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.serve();
            let messages = self.to_client.len();
            self.arrive(messages);
            if !self.to_home.is_empty() || !self.to_client.is_empty() {
                continue;
            }
            let timers = [self.follower.poll_timeout(), self.session.poll_timeout()];
            match timers.into_iter().flatten().min() {
                Some(next) if next <= end => {
                    self.now = next.max(self.now);
                    self.turn();
                }
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    fn step(&mut self, step: &Step) {
        self.clock += 1_001;
        let at = UtcMicros(self.clock);
        let world = &mut self.world;
        match *step {
            Step::SetFree {
                entity,
                text,
                attributes: a,
                shuffled,
            } => {
                let attributes = attributes(a, shuffled);
                world.set_state(&id(FREE[entity]), &format!("s{text}"), Some(attributes), at);
            }
            Step::RemoveFree { entity } => world.remove_state(&id(FREE[entity])),
            Step::Service { name } => world.add_service("probe", &format!("s{name}")),
            Step::RunState { running } => {
                let state = if running { "RUNNING" } else { "STARTING" };
                world.set_config("state", Value::text(state));
            }
            Step::Silent { entity, text } => {
                world.set_state_silently(&id(FREE[entity]), &format!("s{text}"), at);
            }
            Step::Lost { entity, text } => {
                world.set_state_and_lose_event(&id(FREE[entity]), &format!("s{text}"), at);
            }
            Step::SpoofRemoval { entity } => {
                let entity = id(FREE[entity]);
                let removed = vec![entity.clone()];
                world.spoof(
                    &entity,
                    &StatesEvent {
                        removed,
                        ..StatesEvent::default()
                    },
                );
            }
            Step::SpoofChange { entity } => {
                let entity = id(FREE[entity]);
                let diff = serde_json::from_str::<StateDiff>(r#"{"+":{"s":"spoofed"}}"#).unwrap();
                let changed = vec![(entity.clone(), diff)];
                world.spoof(
                    &entity,
                    &StatesEvent {
                        changed,
                        ..StatesEvent::default()
                    },
                );
            }
            Step::Serve => self.serve(),
            Step::Arrive { messages } => self.arrive(messages),
            Step::Wait { millis } => self.wait(Duration::from_millis(millis)),
            Step::SetRegistered { .. }
            | Step::Register { .. }
            | Step::Unregister { .. }
            | Step::Rename { .. }
            | Step::Device { .. }
            | Step::RemoveDevice { .. }
            | Step::Area { .. }
            | Step::RemoveArea { .. }
            | Step::Expose { .. } => self.registry_step(step, at),
        }
        self.collect();
    }

    fn register(&mut self, entity: &str, device: u8, area: u8, at: UtcMicros) {
        let truth = self.world.truth();
        let known = truth.registry().entity(&id(entity));
        let registry_id = known.map_or_else(|| format!("n{}", at.0), |e| e.id.to_string());
        let entry = fields(&[
            ("id", Value::text(&registry_id)),
            ("entity_id", Value::text(entity)),
            ("device_id", reference("probe_device", device)),
            ("area_id", reference("probe_area", area)),
            ("options", Value::Map(Arc::default())),
            ("aliases", Value::List(Arc::from(vec![Value::Null]))),
        ]);
        self.world.put_entry(entry).unwrap();
    }

    fn registry_step(&mut self, step: &Step, at: UtcMicros) {
        let world = &mut self.world;
        let is_registered = |world: &World, entity: usize| {
            world
                .truth()
                .registry()
                .entity(&id(REGISTERED[entity]))
                .is_some()
        };
        match *step {
            Step::SetRegistered {
                entity,
                text,
                attributes: a,
            } if is_registered(world, entity) => {
                let attributes = attributes(a, false);
                world.set_state(
                    &id(REGISTERED[entity]),
                    &format!("s{text}"),
                    Some(attributes),
                    at,
                );
            }
            Step::Register {
                entity,
                device,
                area,
            } => self.register(REGISTERED[entity], device, area, at),
            Step::Unregister { entity } => world.remove_entry(&id(REGISTERED[entity])),
            Step::Rename { from, to }
                if is_registered(world, from) && !is_registered(world, to) =>
            {
                world
                    .rename_entity(&id(REGISTERED[from]), &id(REGISTERED[to]), at)
                    .unwrap();
            }
            Step::Device { device, area } => world
                .put_device(fields(&[
                    ("id", Value::text(&format!("probe_device{device}"))),
                    ("area_id", reference("probe_area", area)),
                ]))
                .unwrap(),
            Step::RemoveDevice { device } => world.remove_device(&format!("probe_device{device}")),
            Step::Area { area, name } => world
                .put_area(fields(&[
                    ("area_id", Value::text(&format!("probe_area{area}"))),
                    ("name", Value::text(&format!("n{name}"))),
                ]))
                .unwrap(),
            Step::RemoveArea { area } => world.remove_area(&format!("probe_area{area}")),
            Step::Expose { entity, exposed } if is_registered(world, entity) => {
                world.expose(&id(REGISTERED[entity]), exposed);
            }
            Step::SetFree { .. }
            | Step::RemoveFree { .. }
            | Step::SetRegistered { .. }
            | Step::Rename { .. }
            | Step::Expose { .. }
            | Step::Service { .. }
            | Step::RunState { .. }
            | Step::Silent { .. }
            | Step::Lost { .. }
            | Step::SpoofRemoval { .. }
            | Step::SpoofChange { .. }
            | Step::Serve
            | Step::Arrive { .. }
            | Step::Wait { .. } => {}
        }
    }
}

fn check_equal(got: &Snapshot, truth: &Snapshot) -> Result<(), TestCaseError> {
    let states = |s: &Snapshot| -> Vec<String> {
        s.entities()
            .map(|e| serde_json::to_string(e.state()).unwrap())
            .collect()
    };
    let (a, b) = (states(got), states(truth));
    prop_assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        prop_assert_eq!(a, b);
    }
    let names = |s: &Snapshot| {
        s.entities_by_name()
            .map(|e| e.state().entity_id.clone())
            .collect::<Vec<_>>()
    };
    prop_assert_eq!(names(got), names(truth));
    let (a, b) = (got.registry(), truth.registry());
    let tail = |r: &housekey_home::registry::Registry| {
        let rows: Vec<_> = r
            .entities()
            .map(|e| (e.entity_id.clone(), e.id.clone()))
            .collect();
        rows[rows.len() - 6..].to_vec()
    };
    prop_assert_eq!(tail(a), tail(b), "entities, in order");
    prop_assert!(a.entities().eq(b.entities()), "entities, in order");
    prop_assert!(a.devices().eq(b.devices()));
    prop_assert!(a.areas().eq(b.areas()));
    prop_assert!(a.floors().eq(b.floors()));
    prop_assert!(a.labels().eq(b.labels()));
    prop_assert!(got.config() == truth.config());
    prop_assert!(got.services() == truth.services());
    Ok(())
}

fn check_exposure(got: &Snapshot, world: &World) -> Result<(), TestCaseError> {
    prop_assert!(got.exposure_is_known());
    for entity in got.entities() {
        let id = &entity.state().entity_id;
        prop_assert_eq!(got.is_exposed(id), world.exposed().contains(id), "{}", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn p2_a_follower_ends_up_with_the_house(steps in prop::collection::vec(step(false), 0..120)) {
        let mut wire = Wire::new();
        for step in &steps {
            wire.step(step);
        }
        wire.settle(Duration::from_secs(60));
        check_equal(&wire.follower.snapshot().unwrap(), &wire.world.truth())?;
        check_exposure(&wire.follower.snapshot().unwrap(), &wire.world)?;
        prop_assert_eq!(wire.follower.facts().resyncs, 0);
        // What was given out last is what there is.
        let last = wire.published.last().unwrap();
        prop_assert_eq!(last.revision(), wire.follower.snapshot().unwrap().revision());
        // Nothing that has an entry was ever shown without it.
        for snapshot in &wire.published {
            for entity in REGISTERED {
                if snapshot.entity(&id(entity)).is_some() {
                    prop_assert!(snapshot.registry().entity(&id(entity)).is_some(), "{}", entity);
                }
            }
        }
        // The states and the nine kinds of events; every one-shot was closed.
        prop_assert_eq!(wire.world.subscription_count(), 10);
    }

    #[test]
    fn p2_holds_after_lost_silent_and_spoofed_events(steps in prop::collection::vec(step(true), 0..120)) {
        let mut wire = Wire::new();
        wire.settle(Duration::ZERO);
        for step in &steps {
            wire.step(step);
        }
        wire.settle(Duration::from_secs(30 * 60));
        check_equal(&wire.follower.snapshot().unwrap(), &wire.world.truth())?;
        prop_assert_eq!(wire.world.subscription_count(), 10);
    }
}

#[test]
fn a_spoofed_state_is_healed_by_the_comparison() {
    let mut wire = Wire::new();
    wire.settle(Duration::ZERO);
    let steps = [
        Step::SetFree {
            entity: 0,
            text: 0,
            attributes: [0; 4],
            shuffled: false,
        },
        Step::SpoofChange { entity: 0 },
    ];
    for step in &steps {
        wire.step(step);
    }
    wire.settle(Duration::from_secs(1));
    let text = |wire: &Wire| {
        let snapshot = wire.follower.snapshot().unwrap();
        snapshot
            .entity(&id(FREE[0]))
            .unwrap()
            .state()
            .state
            .to_string()
    };
    assert_eq!(text(&wire), "spoofed");
    wire.settle(Duration::from_secs(13 * 60));
    assert_eq!(text(&wire), "s0");
    assert_eq!(wire.follower.facts().drifted, 1);
}
