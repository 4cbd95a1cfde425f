//! What never leaves, whoever asks: attributes that carry credentials or addresses of streams.

use std::borrow::Cow;

use housekey_home::value::{Member, Value};

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
        Cow::Owned(value.with_members(&|key| {
            if is_scrubbed(key) {
                Member::Drop
            } else {
                Member::Keep
            }
        }))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use housekey_home::value::Map;

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
