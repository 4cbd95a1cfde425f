//! What the answers and events of the commands hold, read straight into the nouns of the house.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdSet;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::message::{Payload, WireError};
use super::states::pairs;
use crate::catalogue::{HouseConfig, Services};
use crate::exposure::ASSISTANT;
use crate::id::{DeviceId, EntityId};
use crate::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry, InvalidEntry, LabelEntry};
use crate::state::{Attributes, EntityState};
use crate::value::Map;

impl From<InvalidEntry> for WireError {
    fn from(error: InvalidEntry) -> Self {
        Self::Entry(error)
    }
}

impl Payload<'_> {
    /// The answer to `get_config`.
    ///
    /// # Errors
    /// [`WireError`] when it is something else; so for all of these.
    pub fn config(self) -> Result<HouseConfig, WireError> {
        Ok(HouseConfig::from_fields(self.parse::<Map>()?))
    }

    /// The answer to `get_services`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn services(self) -> Result<Services, WireError> {
        Ok(Services::from_fields(self.parse::<Map>()?))
    }

    /// The answer to `get_states`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn states(self) -> Result<Vec<EntityState>, WireError> {
        self.parse()
    }

    /// The answer to `config/area_registry/list`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn areas(self) -> Result<Vec<AreaEntry>, WireError> {
        self.list(AreaEntry::from_fields)
    }

    /// The answer to `config/floor_registry/list`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn floors(self) -> Result<Vec<FloorEntry>, WireError> {
        self.list(FloorEntry::from_fields)
    }

    /// The answer to `config/label_registry/list`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn labels(self) -> Result<Vec<LabelEntry>, WireError> {
        self.list(LabelEntry::from_fields)
    }

    /// The answer to `config/device_registry/list`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn devices(self) -> Result<Vec<DeviceEntry>, WireError> {
        self.list(DeviceEntry::from_fields)
    }

    /// The entity ids of the answer to `config/entity_registry/list`, in order.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn entity_ids(self) -> Result<Vec<EntityId>, WireError> {
        #[derive(Deserialize)]
        struct Listed {
            entity_id: EntityId,
        }
        let listed: Vec<Listed> = self.parse()?;
        Ok(listed.into_iter().map(|entry| entry.entity_id).collect())
    }

    /// The answer to `config/entity_registry/get_entries`: `None` for what does not exist.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn entity_entries(self) -> Result<Vec<(EntityId, Option<EntityEntry>)>, WireError> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Entries(#[serde(with = "pairs")] Vec<(EntityId, Option<Attributes>)>);
        let entries: Entries = self.parse()?;
        let typed = entries.0.into_iter().map(|(id, fields)| {
            let entry = fields.map(EntityEntry::from_fields).transpose()?;
            Ok((id, entry))
        });
        typed.collect()
    }

    /// The answer to `homeassistant/expose_entity/list`: what is exposed to [`ASSISTANT`].
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn exposed(self) -> Result<OrdSet<EntityId>, WireError> {
        #[derive(Deserialize)]
        struct List {
            exposed_entities: BTreeMap<EntityId, BTreeMap<String, bool>>,
        }
        let list: List = self.parse()?;
        let exposed = list
            .exposed_entities
            .into_iter()
            .filter(|(_, to)| to.get(ASSISTANT) == Some(&true))
            .map(|(id, _)| id);
        Ok(exposed.collect())
    }

    /// The answer to `homeassistant/expose_new_entities/get`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn expose_new(self) -> Result<bool, WireError> {
        #[derive(Deserialize)]
        struct ExposeNew {
            expose_new: bool,
        }
        Ok(self.parse::<ExposeNew>()?.expose_new)
    }

    /// The answer to `auth/current_user`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn current_user(self) -> Result<CurrentUser, WireError> {
        self.parse()
    }

    /// The event of the entity registry inside an event of `subscribe_events`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn entry_event(self) -> Result<EntryEvent, WireError> {
        self.fired()
    }

    /// The event of the device registry inside an event of `subscribe_events`.
    ///
    /// # Errors
    /// See [`Payload::config`].
    pub fn device_event(self) -> Result<DeviceEvent, WireError> {
        self.fired()
    }

    fn fired<T: for<'de> Deserialize<'de>>(self) -> Result<T, WireError> {
        #[derive(Deserialize)]
        struct Fired<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let fired: Fired<'_> = self.parse()?;
        serde_json::from_str(fired.data.get()).map_err(|error| WireError::of_payload(&error))
    }

    fn list<T>(
        self,
        entry: impl Fn(Attributes) -> Result<T, InvalidEntry>,
    ) -> Result<Vec<T>, WireError> {
        let rows: Vec<Attributes> = self.parse()?;
        let entries = rows.into_iter().map(|fields| Ok(entry(fields)?));
        entries.collect()
    }
}

/// The Home Assistant user whose token is used.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct CurrentUser {
    /// The user's id.
    #[serde(default)]
    pub id: Arc<str>,
    /// Whether the user is an administrator.
    #[serde(default)]
    pub is_admin: bool,
}

/// What happened to an entry of the entity registry.
#[derive(Clone, Debug, Deserialize)]
pub struct EntryEvent {
    /// The kind.
    pub action: EntryAction,
    /// Whose entry; after a rename the new id.
    pub entity_id: EntityId,
    /// The id before a rename.
    #[serde(default)]
    pub old_entity_id: Option<EntityId>,
    /// Changed fields.
    #[serde(default)]
    changes: BTreeMap<String, IgnoredAny>,
}

/// What happened to a device.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceEvent {
    /// The kind.
    pub action: EntryAction,
    /// Which device.
    pub device_id: DeviceId,
}

/// The kinds of an [`EntryEvent`] and a [`DeviceEvent`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryAction {
    /// It came to be.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Remove,
}

impl EntryEvent {
    /// Whether a field changed.
    #[must_use]
    pub fn changed(&self, field: &str) -> bool {
        self.changes.contains_key(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    fn with_result<T>(json: &str, read: impl FnOnce(Payload<'_>) -> T) -> T {
        let text = format!(r#"{{"id":1,"type":"result","success":true,"result":{json}}}"#);
        let mut messages = Message::parse_frame(&text).unwrap();
        let Some(Message::Result {
            outcome: Ok(payload),
            ..
        }) = messages.pop()
        else {
            panic!("a result");
        };
        read(payload)
    }

    #[test]
    fn answers_are_read_into_the_nouns_of_the_house() {
        let exposed = with_result(
            r#"{"exposed_entities":{"light.a":{"conversation":true,"cloud.alexa":true},"light.b":{"conversation":false},"light.c":{}}}"#,
            |p| p.exposed().unwrap(),
        );
        assert_eq!(
            exposed.iter().map(EntityId::as_str).collect::<Vec<_>>(),
            ["light.a"]
        );
        let entries = with_result(
            r#"{"light.b":{"id":"1","entity_id":"light.b"},"light.a":null}"#,
            |p| p.entity_entries().unwrap(),
        );
        assert_eq!(entries[0].1.as_ref().unwrap().id.as_str(), "1");
        assert!(entries[1].1.is_none() && entries[1].0.as_str() == "light.a");
        assert!(with_result(r#"[{"name":"x"}]"#, |p| p.areas()).is_err());
        assert!(with_result(r#"[1]"#, |p| p.areas()).is_err());
        let event = with_result(
            r#"{"event_type":"entity_registry_updated","data":{"action":"update","entity_id":"light.n","old_entity_id":"light.o","changes":{"options":{},"entity_id":"light.o"}},"origin":"LOCAL"}"#,
            |p| p.entry_event().unwrap(),
        );
        assert!(event.changed("options") && !event.changed("name"));
        assert_eq!(event.old_entity_id.unwrap().as_str(), "light.o");
    }

    #[test]
    fn an_error_quotes_nothing() {
        let error = with_result(r#"{"exposed_entities":"hunter2"}"#, |p| p.exposed()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
