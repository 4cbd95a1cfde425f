//! Identifiers, each a type of its own so that an area cannot be passed for a device.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest entity id that Home Assistant stores, in bytes (HA `MAX_LENGTH_STATE_ENTITY_ID`).
const ENTITY_ID_BYTES_MAX: usize = 255;

/// An entity id: `domain.object_id`.
///
/// Ordered and compared as its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityId {
    text: Arc<str>,
    /// Bytes before the dot; equal texts have equal ones, so comparing it changes nothing.
    domain_len: usize,
}

/// What is wrong with the text of an entity id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "not an entity id: expected `domain.object_id` in lower-case letters, digits and single underscores"
)]
pub struct InvalidEntityId;

impl EntityId {
    /// Accepts what Home Assistant's own rule accepts (HA 2026.11 `core.py`, `valid_entity_id`):
    /// two parts of `[0-9a-z_]`, neither beginning nor ending with an underscore, no double
    /// underscore behind the first character.
    ///
    /// # Errors
    /// [`InvalidEntityId`] for everything else; upper case is not folded.
    pub fn parse(text: &str) -> Result<Self, InvalidEntityId> {
        let (domain, object) = text.split_once('.').ok_or(InvalidEntityId)?;
        let part_is_valid = |part: &str| {
            !part.is_empty()
                && !part.starts_with('_')
                && !part.ends_with('_')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let valid = text.len() <= ENTITY_ID_BYTES_MAX
            && part_is_valid(domain)
            && part_is_valid(object)
            && !text.contains("__");
        if valid {
            Ok(Self {
                text: Arc::from(text),
                domain_len: domain.len(),
            })
        } else {
            Err(InvalidEntityId)
        }
    }

    /// Accepts what a running Home Assistant calls an entity id: any text with a dot between two
    /// parts that are not empty. What exists there is not ours to judge.
    ///
    /// # Errors
    /// [`InvalidEntityId`] when there are no two parts.
    pub fn from_home(text: &str) -> Result<Self, InvalidEntityId> {
        match text.split_once('.') {
            Some((domain, object)) if !domain.is_empty() && !object.is_empty() => Ok(Self {
                text: Arc::from(text),
                domain_len: domain.len(),
            }),
            Some(_) | None => Err(InvalidEntityId),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the dot.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(..self.domain_len).unwrap_or_default()
    }

    /// The part behind the dot.
    #[must_use]
    pub fn object_id(&self) -> &str {
        self.text.get(self.domain_len + 1..).unwrap_or_default()
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Borrow<str> for EntityId {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Reads an id that Home Assistant sent; see [`EntityId::from_home`].
impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_home(&text).map_err(serde::de::Error::custom)
    }
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

opaque_id!(
    /// The `id` of an entry in the entity registry: 32 hex digits that survive a rename.
    RegistryId
);
opaque_id!(
    /// The `id` of an entry in the device registry.
    DeviceId
);
opaque_id!(
    /// An `area_id`: a slug.
    AreaId
);
opaque_id!(
    /// A `floor_id`: a slug.
    FloorId
);
opaque_id!(
    /// A `label_id`: a slug.
    LabelId
);
opaque_id!(
    /// The id of a context: 26 characters of a ULID, or what an integration chose.
    ContextId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_home_assistants() {
        // HA 2026.11 tests/test_core.py, test_valid_entity_id, and boundary cases.
        let valid = [
            "1.a",
            "1light.kitchen",
            "a.1",
            "a.a",
            "input_boolean.hello_world_0123",
        ];
        let invalid = [
            "_light.kitchen",
            ".kitchen",
            ".light.kitchen",
            "light_.kitchen",
            "light._kitchen",
            "light.",
            "light.kitchen__ceiling",
            "light.kitchen_yo_",
            "light.kitchen.",
            "Light.kitchen",
            "light.Kitchen",
            "lightkitchen",
            "",
            "light.küche",
            "light.a b",
            "light.a\n",
        ];
        for text in valid {
            assert!(EntityId::parse(text).is_ok(), "{text}");
        }
        for text in invalid {
            assert!(EntityId::parse(text).is_err(), "{text}");
        }
        assert!(EntityId::parse(&format!("a.{}", "b".repeat(254))).is_err());
    }
}
