//! `Behaviour`, what makes the demo home move: its sensors drift while one watches.

use housekey_home::id::EntityId;
use housekey_home::state::EntityState;
use housekey_home::time::UtcMicros;
use housekey_home::value::Value;

use crate::world::World;

/// How a kind of sensor moves in one step, by device class.
struct Drift {
    device_class: &'static str,
    /// Greatest step.
    step: f64,
    /// How far it may stray from where it began.
    range: f64,
    /// Lowest value that makes sense.
    floor: f64,
}

const DRIFTS: [Drift; 5] = [
    Drift {
        device_class: "temperature",
        step: 0.1,
        range: 2.0,
        floor: -40.0,
    },
    Drift {
        device_class: "humidity",
        step: 1.0,
        range: 8.0,
        floor: 0.0,
    },
    Drift {
        device_class: "power",
        step: 8.0,
        range: 60.0,
        floor: 0.0,
    },
    Drift {
        device_class: "illuminance",
        step: 3.0,
        range: 20.0,
        floor: 0.0,
    },
    Drift {
        device_class: "carbon_dioxide",
        step: 4.0,
        range: 60.0,
        floor: 0.0,
    },
];

/// Moves the sensors of a house in small bounded steps.
pub struct Behaviour {
    sensors: Vec<Sensor>,
}

struct Sensor {
    id: EntityId,
    drift: &'static Drift,
    home: f64,
    decimals: usize,
}

impl Behaviour {
    /// Takes every sensor of the house that has a number and a class that moves.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let truth = world.truth();
        let sensors = truth
            .entities()
            .filter_map(|entity| Sensor::of(entity.state()));
        Self {
            sensors: sensors.collect(),
        }
    }

    /// How many sensors move.
    #[must_use]
    pub fn sensor_count(&self) -> usize {
        self.sensors.len()
    }

    /// One step, about a second: about a third of the sensors report. `random` gives numbers from 0
    /// up to but not including 1.
    pub fn tick(&self, world: &mut World, now: UtcMicros, mut random: impl FnMut() -> f64) {
        for sensor in &self.sensors {
            if random() > 0.35 {
                continue;
            }
            let truth = world.truth();
            let Some(entity) = truth.entity(&sensor.id) else {
                continue;
            };
            // Someone may have written a text.
            let Ok(value) = entity.state().state.parse::<f64>() else {
                continue;
            };
            let text = sensor.moved(value, random());
            world.set_state(&sensor.id, &text, None, now);
        }
    }
}

impl Sensor {
    fn of(state: &EntityState) -> Option<Self> {
        let class = state
            .attributes
            .get("device_class")
            .and_then(Value::as_str)?;
        let drift = DRIFTS.iter().find(|drift| drift.device_class == class)?;
        let home = state.state.parse().ok()?;
        let decimals = state
            .state
            .split_once('.')
            .map_or(0, |(_, digits)| digits.len());
        (state.entity_id.domain() == "sensor").then(|| Self {
            id: state.entity_id.clone(),
            drift,
            home,
            decimals: decimals.min(2),
        })
    }

    fn moved(&self, value: f64, random: f64) -> String {
        let step = (random * 2.0 - 1.0) * self.drift.step;
        // A pull towards where it began keeps it from sticking to a bound.
        let pulled = value + step + (self.home - value) * 0.02;
        let low = (self.home - self.drift.range).max(self.drift.floor);
        let moved = pulled.clamp(low, self.home + self.drift.range);
        format!("{moved:.*}", self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dump;

    #[test]
    fn sensors_of_the_demo_home_move_within_bounds() {
        let mut world = World::new(Dump::demo().parts().unwrap(), "t");
        let behaviour = Behaviour::of(&world);
        assert!(behaviour.sensor_count() >= 10);
        let before = world.truth();
        // A generator that is good enough for a test: Knuth's constants.
        let mut seed = 7u64;
        let mut random = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(seed >> 33).unwrap()) / f64::from(1u32 << 31)
        };
        for second in 0..1_000 {
            behaviour.tick(&mut world, UtcMicros(second * 1_000_000), &mut random);
        }
        let after = world.truth();
        let mut moved = 0;
        for sensor in &behaviour.sensors {
            let text = |s: &housekey_home::snapshot::Snapshot| {
                s.entity(&sensor.id).unwrap().state().state.clone()
            };
            let value: f64 = text(&after).parse().unwrap();
            assert!(
                (value - sensor.home).abs() <= sensor.drift.range + 0.5,
                "{}",
                sensor.id
            );
            assert!(value >= sensor.drift.floor, "{}", sensor.id);
            moved += usize::from(text(&before) != text(&after));
        }
        assert!(moved * 2 > behaviour.sensor_count(), "{moved} moved");
        assert_eq!(before.entity_count(), after.entity_count());
    }
}
