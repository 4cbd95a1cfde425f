//! What never leaves, whoever asks: attributes that carry credentials or addresses of streams.

use std::borrow::Cow;
use std::sync::Arc;

use housekey_home::value::{Map, Value};

/// Keys that are removed at every depth (ATM 1.1; there on the top level only).
pub const SCRUBBED_KEYS: [&str; 4] = [
    "entity_picture",
    "stream_url",
    "access_token",
    "still_image_url",
];

/// Whether a key is removed wherever it stands.
#[must_use]
pub fn is_scrubbed(key: &str) -> bool {
    SCRUBBED_KEYS.contains(&key)
}

/// The value without scrubbed keys at any depth; borrowed when there are none.
#[must_use]
pub fn scrubbed(value: &Value) -> Cow<'_, Value> {
    if holds_scrubbed(value) {
        Cow::Owned(without(value))
    } else {
        Cow::Borrowed(value)
    }
}

fn holds_scrubbed(value: &Value) -> bool {
    match value {
        Value::Map(map) => map
            .iter()
            .any(|(key, v)| is_scrubbed(key) || holds_scrubbed(v)),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().any(holds_scrubbed)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::DateTime(_) => false,
    }
}

fn without(value: &Value) -> Value {
    let items = |items: &Arc<[Value]>| items.iter().map(without).collect::<Arc<[Value]>>();
    match value {
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| !is_scrubbed(key));
            Value::Map(Arc::new(Map::from_pairs(
                kept.map(|(k, v)| (k.clone(), without(v))),
            )))
        }
        Value::List(list) => Value::List(items(list)),
        Value::Tuple(tuple) => Value::Tuple(items(tuple)),
        Value::Set(set) => Value::Set(items(set)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::BigInt(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::DateTime(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_at_every_depth() {
        let inner = |key: &str| {
            Value::Map(Arc::new(Map::from_pairs([
                (Arc::from(key), Value::Int(1)),
                (Arc::from("kept"), Value::Int(2)),
            ])))
        };
        let value = Value::List([inner("access_token"), inner("other")].into());
        let expected = Value::Map(Arc::new(Map::from_pairs([(
            Arc::from("kept"),
            Value::Int(2),
        )])));
        assert!(*scrubbed(&value) == Value::List([expected, inner("other")].into()));
        assert!(matches!(scrubbed(&inner("other")), Cow::Borrowed(_)));
    }
}
