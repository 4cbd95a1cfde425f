//! `Value`, the one representation of a piece of Home Assistant data, and `Attributes`.
//!
//! Frames are parsed straight into these types; integers and floats stay apart because Home
//! Assistant renders `5` and `5.0` differently. Rendering is not done here.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::time::UtcMicros;

/// One piece of data, as Python holds it inside Home Assistant.
///
/// The wire (JSON) only carries the first eight kinds; the others are how native types that JSON
/// flattens are marked once they are known.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `None`.
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer that does not, as its decimal digits.
    BigInt(Arc<str>),
    /// A float.
    Float(f64),
    /// A string.
    Text(Arc<str>),
    /// A list.
    List(Arc<[Self]>),
    /// A dict with string keys, in insertion order.
    Map(Arc<Map>),
    /// A tuple; JSON shows it as a list.
    Tuple(Arc<[Self]>),
    /// A set; JSON shows it as a list.
    Set(Arc<[Self]>),
    /// An aware datetime; JSON shows it as ISO text.
    DateTime(UtcMicros),
}

/// A dict with string keys, in insertion order; keys are unique.
#[derive(Clone, Default, PartialEq)]
pub struct Map(Vec<(Arc<str>, Value)>);

impl Map {
    /// Builds a map; a later duplicate of a key replaces the value at the key's first place, as a
    /// Python dict does.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Arc<str>, Value)>) -> Self {
        let mut map = Self::default();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }

    fn insert(&mut self, key: Arc<str>, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, place)) => *place = value,
            None => self.0.push((key, value)),
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| **known == *key)
            .map(|(_, value)| value)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// The text, if this is a text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The items of a list, tuple or set.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Some(items),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::BigInt(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Map(_)
            | Self::DateTime(_) => None,
        }
    }

    /// Whether two values are equal for Python, where `1 == 1.0 == True` and the order of keys in a
    /// dict does not count (HA 2026.11, `core.py`: this is how a state write is judged unchanged).
    #[must_use]
    pub fn python_eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(x, y)| x.python_eq(y))
            }
            (Self::Set(a), Self::Set(b)) => {
                a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| x.python_eq(y)))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(key, x)| b.get(key).is_some_and(|y| x.python_eq(y)))
            }
            (a, b) => match (a.number(), b.number()) {
                (Some(x), Some(y)) => x == y,
                (Some(_), None) | (None, Some(_)) => false,
                (None, None) => a == b,
            },
        }
    }

    /// The value with every member of every map, at any depth, as `decide` says of its key.
    #[must_use]
    pub fn with_members(&self, decide: &impl Fn(&str) -> Member) -> Self {
        let all = |items: &Arc<[Self]>| -> Arc<[Self]> {
            items.iter().map(|item| item.with_members(decide)).collect()
        };
        match self {
            Self::Map(map) => {
                let members = map.iter().filter_map(|(key, value)| match decide(key) {
                    Member::Keep => Some((key.clone(), value.with_members(decide))),
                    Member::Replace(other) => Some((key.clone(), other)),
                    Member::Drop => None,
                });
                Self::Map(Arc::new(Map::from_pairs(members)))
            }
            Self::List(items) => Self::List(all(items)),
            Self::Tuple(items) => Self::Tuple(all(items)),
            Self::Set(items) => Self::Set(all(items)),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::BigInt(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::DateTime(_) => self.clone(),
        }
    }

    /// Bool, integer and float on one scale; exact enough for equality of 64-bit numbers.
    fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(flag) => Some(Number::Int(i128::from(*flag))),
            Self::Int(int) => Some(Number::Int(i128::from(*int))),
            Self::BigInt(digits) => digits.parse().ok().map(Number::Int),
            Self::Float(float) => Some(Number::of_float(*float)),
            Self::Null
            | Self::Text(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Tuple(_)
            | Self::Set(_)
            | Self::DateTime(_) => None,
        }
    }
}

/// What becomes of a member of a map; see [`Value::with_members`].
#[derive(Clone, PartialEq, Debug)]
pub enum Member {
    /// It stays, and so does what it holds as far as that is kept.
    Keep,
    /// It goes.
    Drop,
    /// Its value becomes another.
    Replace(Value),
}

#[derive(PartialEq)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn of_float(float: f64) -> Self {
        // 2^100 is far beyond any integer that JSON delivers as an integer.
        if float.fract() == 0.0 && float.abs() < 2f64.powi(100) {
            #[expect(clippy::cast_possible_truncation, reason = "integral and below 2^100")]
            return Self::Int(float as i128);
        }
        Self::Float(float)
    }
}

/// Prints the kind only: values may be secrets of the home and must not reach a log by accident.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Value::Null",
            Self::Bool(_) => "Value::Bool",
            Self::Int(_) => "Value::Int",
            Self::BigInt(_) => "Value::BigInt",
            Self::Float(_) => "Value::Float",
            Self::Text(_) => "Value::Text",
            Self::List(_) => "Value::List",
            Self::Map(_) => "Value::Map",
            Self::Tuple(_) => "Value::Tuple",
            Self::Set(_) => "Value::Set",
            Self::DateTime(_) => "Value::DateTime",
        })
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} keys)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(i64::try_from(int)
            .map_or_else(|_| Value::BigInt(Arc::from(int.to_string())), Value::Int))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        Ok(Value::Map(Arc::new(read_map(access)?)))
    }
}

fn read_map<'de, A: MapAccess<'de>>(mut access: A) -> Result<Map, A::Error> {
    let mut map = Map::default();
    while let Some((key, value)) = access.next_entry::<Arc<str>, Value>()? {
        map.insert(key, value);
    }
    Ok(map)
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor;
        impl<'de> Visitor<'de> for MapVisitor {
            type Value = Map;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Map, A::Error> {
                read_map(access)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Map, E> {
                Ok(Map::default())
            }
        }
        deserializer.deserialize_any(MapVisitor)
    }
}

/// JSON form, as Home Assistant sends it: tuples and sets are arrays, datetimes ISO text.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(int) => serializer.serialize_i64(*int),
            Self::BigInt(digits) => match digits.parse::<u64>() {
                Ok(int) => serializer.serialize_u64(int),
                Err(_) => serializer.serialize_str(digits),
            },
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(map) => map.serialize(serializer),
            Self::DateTime(at) => serializer.collect_str(&at.iso_utc()),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(&**key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn json_survives_a_round_trip() {
        for json in [
            r#"{"b":1,"a":1.0,"c":[null,true,"x",{"z":18446744073709551615}]}"#,
            "-9223372036854775808",
            "0.1",
            r#""""#,
        ] {
            assert_eq!(serde_json::to_string(&parse(json)).unwrap(), json);
        }
    }

    #[test]
    fn equality_is_pythons() {
        for (a, b, equal) in [
            ("1", "1.0", true),
            ("1", "true", true),
            ("0", "false", true),
            ("1", "\"1\"", false),
            (r#"{"a":1,"b":2}"#, r#"{"b":2.0,"a":true}"#, true),
            ("[1,2]", "[2,1]", false),
            ("18446744073709551615", "18446744073709551615.0", false),
            ("null", "0", false),
        ] {
            assert_eq!(parse(a).python_eq(&parse(b)), equal, "{a} == {b}");
        }
    }
}
