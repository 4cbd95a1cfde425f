//! `Command`, everything that is sent to Home Assistant after authentication.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::EntityId;

/// A command of the WebSocket API; its name on the wire is `type`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Command {
    /// Says what the client can do; the first command.
    #[serde(rename = "supported_features")]
    SupportedFeatures {
        /// What it can do.
        features: Features,
    },
    /// Begins the events of one type.
    #[serde(rename = "subscribe_events")]
    SubscribeEvents {
        /// The type.
        event_type: EventType,
    },
    /// Begins the events of states; the first holds all states asked for.
    #[serde(rename = "subscribe_entities")]
    SubscribeEntities {
        /// The entities asked for; all of them without.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entity_ids: Option<EntityIds>,
    },
    /// Ends a subscription.
    #[serde(rename = "unsubscribe_events")]
    Unsubscribe {
        /// The id of the command that began it.
        subscription: u64,
    },
    /// All states, uncompressed.
    #[serde(rename = "get_states")]
    GetStates,
    /// The configuration.
    #[serde(rename = "get_config")]
    GetConfig,
    /// The services with their fields.
    #[serde(rename = "get_services")]
    GetServices,
    /// Who we are.
    #[serde(rename = "auth/current_user")]
    CurrentUser,
    /// The area registry.
    #[serde(rename = "config/area_registry/list")]
    AreaList,
    /// The floor registry.
    #[serde(rename = "config/floor_registry/list")]
    FloorList,
    /// The label registry.
    #[serde(rename = "config/label_registry/list")]
    LabelList,
    /// The device registry.
    #[serde(rename = "config/device_registry/list")]
    DeviceList,
    /// The entity registry, without the fields that only [`Command::EntityEntries`] has.
    #[serde(rename = "config/entity_registry/list")]
    EntityList,
    /// Extended entries of the entity registry, null for those that do not exist.
    #[serde(rename = "config/entity_registry/get_entries")]
    EntityEntries {
        /// Whose entries.
        entity_ids: EntityIds,
    },
    /// What is exposed to which assistant; for administrators.
    #[serde(rename = "homeassistant/expose_entity/list")]
    ExposeList,
    /// Whether new entities are exposed to an assistant; for administrators.
    #[serde(rename = "homeassistant/expose_new_entities/get")]
    ExposeNewGet {
        /// The assistant.
        assistant: Arc<str>,
    },
    /// Asks for a pong.
    #[serde(rename = "ping")]
    Ping,
}

/// What a client can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Features {
    /// 1: text frames may be arrays of messages.
    #[serde(default)]
    pub coalesce_messages: u8,
}

/// The events that are subscribed to; all of them are open to every user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Home Assistant's own")]
pub enum EventType {
    EntityRegistryUpdated,
    DeviceRegistryUpdated,
    AreaRegistryUpdated,
    FloorRegistryUpdated,
    LabelRegistryUpdated,
    CoreConfigUpdated,
    ComponentLoaded,
    ServiceRegistered,
    ServiceRemoved,
}

impl EventType {
    /// All of them. The event of the category registry is not among them: what it changes in an
    /// entity's entry has an event of its own, and categories themselves are not kept.
    pub const ALL: [Self; 9] = [
        Self::EntityRegistryUpdated,
        Self::DeviceRegistryUpdated,
        Self::AreaRegistryUpdated,
        Self::FloorRegistryUpdated,
        Self::LabelRegistryUpdated,
        Self::CoreConfigUpdated,
        Self::ComponentLoaded,
        Self::ServiceRegistered,
        Self::ServiceRemoved,
    ];
}

/// One or more entity ids. An empty list cannot be said: to Home Assistant it means every entity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct EntityIds(Vec<EntityId>);

impl EntityIds {
    /// Takes the ids; `None` if there are none.
    #[must_use]
    pub fn new(ids: Vec<EntityId>) -> Option<Self> {
        (!ids.is_empty()).then_some(Self(ids))
    }

    /// The ids.
    #[must_use]
    pub fn as_slice(&self) -> &[EntityId] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for EntityIds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ids = Vec::deserialize(deserializer)?;
        Self::new(ids).ok_or_else(|| serde::de::Error::custom("no entity id"))
    }
}

#[derive(Serialize)]
struct Numbered<'a> {
    id: u64,
    #[serde(flatten)]
    command: &'a Command,
}

impl Command {
    /// The text of the command under an id.
    #[must_use]
    pub fn to_json(&self, id: u64) -> String {
        // Strings and integers only: nothing here can fail to be JSON.
        serde_json::to_string(&Numbered { id, command: self }).unwrap_or_default()
    }

    /// The text of several commands in one frame. Home Assistant handles them in order; commands
    /// whose handlers are synchronous are answered from one moment.
    #[must_use]
    pub fn batch_to_json(commands: &[(u64, Self)]) -> String {
        let numbered: Vec<Numbered<'_>> = commands
            .iter()
            .map(|(id, command)| Numbered { id: *id, command })
            .collect();
        serde_json::to_string(&numbered).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_home_assistants() {
        let ids = |texts: &[&str]| {
            EntityIds::new(texts.iter().map(|t| EntityId::parse(t).unwrap()).collect())
        };
        let check = |command: Command, json: &str| {
            assert_eq!(command.to_json(7), json);
            let parsed: Command = serde_json::from_str(json).unwrap();
            assert_eq!(parsed, command);
        };
        check(Command::GetStates, r#"{"id":7,"type":"get_states"}"#);
        check(
            Command::SupportedFeatures {
                features: Features {
                    coalesce_messages: 1,
                },
            },
            r#"{"id":7,"type":"supported_features","features":{"coalesce_messages":1}}"#,
        );
        check(
            Command::SubscribeEvents {
                event_type: EventType::EntityRegistryUpdated,
            },
            r#"{"id":7,"type":"subscribe_events","event_type":"entity_registry_updated"}"#,
        );
        check(
            Command::SubscribeEntities { entity_ids: None },
            r#"{"id":7,"type":"subscribe_entities"}"#,
        );
        check(
            Command::SubscribeEntities {
                entity_ids: ids(&["light.a"]),
            },
            r#"{"id":7,"type":"subscribe_entities","entity_ids":["light.a"]}"#,
        );
        check(
            Command::ExposeNewGet {
                assistant: Arc::from("conversation"),
            },
            r#"{"id":7,"type":"homeassistant/expose_new_entities/get","assistant":"conversation"}"#,
        );
        assert!(ids(&[]).is_none());
        assert_eq!(
            Command::batch_to_json(&[(1, Command::Ping), (2, Command::AreaList)]),
            r#"[{"id":1,"type":"ping"},{"id":2,"type":"config/area_registry/list"}]"#
        );
    }
}
