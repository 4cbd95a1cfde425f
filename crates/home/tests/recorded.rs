//! The one known divergence of a replica, as recorded: a change between values that Python deems
//! equal is not sent.
#![cfg(test)]

use housekey_home::catalogue::{HouseConfig, Services};
use housekey_home::exposure::Exposure;
use housekey_home::replica::{Parts, Replica, Update};
use housekey_home::state::EntityState;
use housekey_home::value::Map;
use housekey_home::wire::StatesEvent;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recording {
    frames: Vec<Frame>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Frame {
    Event(StatesEvent),
    GetStates(EntityState),
}

fn empty() -> Parts {
    Parts {
        config: HouseConfig::from_fields(Map::default()),
        services: Services::default(),
        exposure: Exposure::Refused,
        entities: Vec::new(),
        devices: Vec::new(),
        areas: Vec::new(),
        floors: Vec::new(),
        labels: Vec::new(),
        states: Vec::new(),
    }
}

#[test]
fn what_python_deems_equal_parts_the_replica_from_the_home_until_it_is_compared() {
    let text = include_str!("../../../ha-fixtures/ws/type_equal_attributes.json");
    let recording: Recording = serde_json::from_str(text).unwrap();
    let mut replica = Replica::new(empty());
    let (mut compared, mut differed) = (0, 0);
    for frame in recording.frames {
        let truth = match frame {
            Frame::Event(event) => {
                replica.apply(Update::States(event)).unwrap();
                continue;
            }
            Frame::GetStates(truth) => truth,
        };
        let snapshot = replica.snapshot();
        let state = snapshot.entity(&truth.entity_id).unwrap().state();
        assert_eq!(state.state, truth.state);
        assert_eq!(state.last_updated, truth.last_updated);
        for (key, value) in truth.attributes.iter() {
            let known = state.attributes.get(key).unwrap();
            assert!(known.python_eq(value), "{key}");
        }
        compared += 1;
        differed += usize::from(*state != truth);
        // The comparison adopts what Home Assistant says, though Python sees no difference.
        let mut healed = Replica::new(empty());
        healed
            .apply(Update::AllStates(vec![state.clone()]))
            .unwrap();
        healed
            .apply(Update::AllStates(vec![truth.clone()]))
            .unwrap();
        let snapshot = healed.snapshot();
        assert!(*snapshot.entity(&truth.entity_id).unwrap().state() == truth);
    }
    assert!(compared >= 3 && differed >= 1, "{differed} of {compared}");
}
