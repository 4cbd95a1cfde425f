//! JSON read without loss: integers of any size stay integers.

use std::fmt;
use std::sync::Arc;

use anyhow::Result;
use housekey_home::value::{Map, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Reads a value; what does not fit 64 bits becomes [`Value::BigInt`].
///
/// # Errors
/// When the text is no JSON.
pub fn value(json: &str) -> Result<Value> {
    let json = json.trim();
    Ok(match json.as_bytes().first() {
        Some(b'[') => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(json)?;
            let items = items.iter().map(|item| value(item.get()));
            Value::List(items.collect::<Result<Vec<_>>>()?.into())
        }
        Some(b'{') => Value::Map(Arc::new(map(json)?)),
        Some(b'-' | b'0'..=b'9') if json.bytes().all(|b| b == b'-' || b.is_ascii_digit()) => {
            match json.parse() {
                Ok(int) => Value::Int(int),
                Err(_) => Value::BigInt(Arc::from(json)),
            }
        }
        Some(_) | None => serde_json::from_str(json)?,
    })
}

/// Reads an object in the same way.
///
/// # Errors
/// When the text is no JSON object.
pub fn map(json: &str) -> Result<Map> {
    let Pairs(pairs) = serde_json::from_str(json)?;
    let pairs = pairs.into_iter().map(|(k, v)| Ok((k, value(v.get())?)));
    Ok(Map::from_pairs(pairs.collect::<Result<Vec<_>>>()?))
}

struct Pairs(Vec<(Arc<str>, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_integers_stay() {
        let read = value(r#"{"a": [100000000000000000000, -5, 1.0, "x"]}"#).unwrap();
        let Value::Map(map) = read else {
            panic!("an object is a map");
        };
        let expected = [
            Value::BigInt(Arc::from("100000000000000000000")),
            Value::Int(-5),
            Value::Float(1.0),
            Value::text("x"),
        ];
        assert!(map.get("a") == Some(&Value::List(expected.into())));
    }
}
