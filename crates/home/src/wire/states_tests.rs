//! Law P1: applying the difference of two states to the first gives the second.

use proptest::prelude::*;

use super::*;
use crate::value::Value;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..3).prop_map(Value::Int),
        (-3i32..3).prop_map(|n| Value::Float(f64::from(n) / 2.0)),
        "[a-c]{0,2}".prop_map(|s| Value::text(&s)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| Value::List(items.into())),
            prop::collection::vec(("[a-c]", inner), 0..3).prop_map(|pairs| {
                Value::Map(Arc::new(crate::value::Map::from_pairs(
                    pairs.into_iter().map(|(k, v)| (Arc::from(k), v)),
                )))
            }),
        ]
    })
}

fn state() -> impl Strategy<Value = EntityState> {
    let context = (0u8..3, prop::option::of(0u8..3), prop::option::of(0u8..3));
    let attributes = prop::collection::btree_map("[a-f]", value(), 0..6);
    ("[xyz]", attributes, 0i64..5, 0i64..5, context).prop_map(|(text, attributes, lc, more, c)| {
        EntityState {
            entity_id: EntityId::parse("light.a").unwrap(),
            state: Arc::from(text),
            attributes: Attributes::from_pairs(
                attributes.into_iter().map(|(k, v)| (Arc::from(k), v)),
            ),
            last_changed: UtcMicros(lc * 1_234_567),
            last_updated: UtcMicros(lc * 1_234_567 + more * 11),
            context: Context {
                id: ContextId::new(&format!("c{}", c.0)),
                parent_id: c.1.map(|n| ContextId::new(&format!("p{n}"))),
                user_id: c.2.map(|n| Arc::from(format!("u{n}"))),
            },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn p1_a_difference_applied_to_the_first_gives_the_second(old in state(), mut new in state()) {
        // Home Assistant writes both times together, or the second alone.
        if new.last_changed == old.last_changed && new.state != old.state {
            new.last_changed = UtcMicros(new.last_changed.0 + 1);
        }
        if new.last_changed != old.last_changed {
            new.last_updated = new.last_changed;
        }
        let text = serde_json::to_string(&state_diff(&old, &new)).unwrap();
        let diff: StateDiff = serde_json::from_str(&text).unwrap();
        let (got, _) = diff.apply(&old);
        prop_assert_eq!(&got.state, &new.state);
        prop_assert_eq!(got.last_changed, new.last_changed);
        prop_assert_eq!(got.last_updated, new.last_updated);
        prop_assert!(got.context == new.context);
        prop_assert_eq!(got.attributes.len(), new.attributes.len());
        for (key, value) in new.attributes.iter() {
            prop_assert!(got.attributes.get(key).is_some_and(|v| v.python_eq(value)), "{}", key);
        }
    }
}

#[test]
fn the_order_of_another_writer_is_not_known() {
    let state = |json: &str| -> EntityState {
        let plain = r#""last_changed":"2026-11-24T14:00:00+00:00","last_updated":"2026-11-24T14:00:00+00:00","context":"c""#;
        let json = format!(r#"{{"entity_id":"number.a","state":"1",{plain},"attributes":{json}}}"#);
        serde_json::from_str(&json).unwrap()
    };
    let restored = state(r#"{"restored":true,"friendly_name":"A","unit_of_measurement":"K"}"#);
    let running = state(r#"{"unit_of_measurement":"K","friendly_name":"A"}"#);
    let (got, order_unknown) = state_diff(&restored, &running).apply(&restored);
    assert!(order_unknown && got.attributes != running.attributes);
    // It was restored before: the key has a place already, the others have not.
    let (again, order_unknown) = state_diff(&running, &restored).apply(&got);
    assert!(order_unknown && again.attributes == restored.attributes);
    let warmer = EntityState {
        state: "2".into(),
        ..running.clone()
    };
    assert!(!state_diff(&running, &warmer).apply(&running).1);
}
