//! The five registries and the rules that join them.
//!
//! An entry keeps every field that Home Assistant sent, and beside it, typed, those that decide.

use std::sync::Arc;

use imbl::OrdMap;

use crate::id::{AreaId, DeviceId, EntityId, FloorId, LabelId, RegistryId};
use crate::ordered::Ordered;
use crate::state::Attributes;
use crate::value::Value;

/// An entry of the entity registry, extended form (`config/entity_registry/get_entries`).
#[derive(Clone, PartialEq, Debug)]
pub struct EntityEntry {
    /// Stable over renames.
    pub id: RegistryId,
    /// The present entity id.
    pub entity_id: EntityId,
    /// The device it belongs to.
    pub device_id: Option<DeviceId>,
    /// The area of its own; see [`Registry::area_of`] for the one that counts.
    pub area_id: Option<AreaId>,
    /// The integration that provides it.
    pub platform: Arc<str>,
    /// The integration's own id of it.
    pub unique_id: Arc<str>,
    /// The name that a user gave; may be empty.
    pub name: Option<Arc<str>>,
    /// The name that the integration gave.
    pub original_name: Option<Arc<str>>,
    /// Names in order; `None` stands for the computed name (HA 2026.4 and later).
    pub aliases: Arc<[Option<Arc<str>>]>,
    /// Labels of its own.
    pub labels: Arc<[LabelId]>,
    /// Who hid it (`user`, `integration`).
    pub hidden_by: Option<Arc<str>>,
    /// Who disabled it.
    pub disabled_by: Option<Arc<str>>,
    /// `config` or `diagnostic`.
    pub entity_category: Option<Arc<str>>,
    /// Every field as it came.
    pub fields: Attributes,
}

/// An entry of the device registry; child devices (HA 2026.9 and later) included.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceEntry {
    /// Its id.
    pub id: DeviceId,
    /// The name that the integration gave.
    pub name: Option<Arc<str>>,
    /// The name that a user gave.
    pub name_by_user: Option<Arc<str>>,
    /// Its area.
    pub area_id: Option<AreaId>,
    /// The device that it is a part of.
    pub parent_device_id: Option<DeviceId>,
    /// Its labels.
    pub labels: Arc<[LabelId]>,
    /// Pairs of integration and the integration's own id.
    pub identifiers: Arc<[Arc<[Arc<str>]>]>,
    /// Every field as it came.
    pub fields: Attributes,
}

/// An entry of the area registry.
#[derive(Clone, PartialEq, Debug)]
pub struct AreaEntry {
    /// Its id.
    pub id: AreaId,
    /// Its name.
    pub name: Arc<str>,
    /// Other names, in the order delivered.
    pub aliases: Arc<[Arc<str>]>,
    /// The floor it lies on.
    pub floor_id: Option<FloorId>,
    /// Its labels.
    pub labels: Arc<[LabelId]>,
    /// Every field as it came.
    pub fields: Attributes,
}

/// An entry of the floor registry.
#[derive(Clone, PartialEq, Debug)]
pub struct FloorEntry {
    /// Its id.
    pub id: FloorId,
    /// Its name.
    pub name: Arc<str>,
    /// Other names.
    pub aliases: Arc<[Arc<str>]>,
    /// Every field as it came.
    pub fields: Attributes,
}

/// An entry of the label registry.
#[derive(Clone, PartialEq, Debug)]
pub struct LabelEntry {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: Arc<str>,
    /// Every field as it came.
    pub fields: Attributes,
}

/// A registry entry lacks what makes it one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a {kind} registry entry has no valid `{field}`")]
pub struct InvalidEntry {
    /// Which registry.
    pub kind: &'static str,
    /// Which field.
    pub field: &'static str,
}

impl EntityEntry {
    /// Reads an entry; fields that are missing count as null.
    ///
    /// # Errors
    /// [`InvalidEntry`] without `id` or `entity_id`.
    pub fn from_fields(fields: Attributes) -> Result<Self, InvalidEntry> {
        let invalid = |field| InvalidEntry {
            kind: "entity",
            field,
        };
        let entity_id = text(&fields, "entity_id").ok_or(invalid("entity_id"))?;
        Ok(Self {
            id: RegistryId::new(&text(&fields, "id").ok_or(invalid("id"))?),
            entity_id: EntityId::from_home(&entity_id).map_err(|_| invalid("entity_id"))?,
            device_id: text(&fields, "device_id").map(|id| DeviceId::new(&id)),
            area_id: text(&fields, "area_id").map(|id| AreaId::new(&id)),
            platform: text(&fields, "platform").unwrap_or_default(),
            unique_id: text(&fields, "unique_id").unwrap_or_default(),
            name: text(&fields, "name"),
            original_name: text(&fields, "original_name"),
            aliases: items(&fields, "aliases").iter().map(as_text).collect(),
            labels: texts(&fields, "labels")
                .map(|id| LabelId::new(&id))
                .collect(),
            hidden_by: text(&fields, "hidden_by"),
            disabled_by: text(&fields, "disabled_by"),
            entity_category: text(&fields, "entity_category"),
            fields,
        })
    }

    /// `options.<domain>.<key>`.
    #[must_use]
    pub fn option(&self, domain: &str, key: &str) -> Option<&Value> {
        let Value::Map(options) = self.fields.get("options")? else {
            return None;
        };
        let Value::Map(of_domain) = options.get(domain)? else {
            return None;
        };
        of_domain.get(key)
    }
}

impl DeviceEntry {
    /// Reads an entry; fields that are missing count as null.
    ///
    /// # Errors
    /// [`InvalidEntry`] without `id`.
    pub fn from_fields(fields: Attributes) -> Result<Self, InvalidEntry> {
        let id = text(&fields, "id").ok_or(InvalidEntry {
            kind: "device",
            field: "id",
        })?;
        let identifiers = items(&fields, "identifiers")
            .iter()
            .map(|pair| {
                pair.as_items()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(as_text)
                    .collect()
            })
            .collect();
        Ok(Self {
            id: DeviceId::new(&id),
            name: text(&fields, "name"),
            name_by_user: text(&fields, "name_by_user"),
            area_id: text(&fields, "area_id").map(|id| AreaId::new(&id)),
            parent_device_id: text(&fields, "parent_device_id").map(|id| DeviceId::new(&id)),
            labels: texts(&fields, "labels")
                .map(|id| LabelId::new(&id))
                .collect(),
            identifiers,
            fields,
        })
    }

    /// The name that a user gave, or else the integration's.
    #[must_use]
    pub fn display_name(&self) -> Option<&Arc<str>> {
        self.name_by_user
            .as_ref()
            .filter(|name| !name.is_empty())
            .or(self.name.as_ref())
    }
}

impl AreaEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`InvalidEntry`] without `area_id` or `name`.
    pub fn from_fields(fields: Attributes) -> Result<Self, InvalidEntry> {
        let invalid = |field| InvalidEntry {
            kind: "area",
            field,
        };
        Ok(Self {
            id: AreaId::new(&text(&fields, "area_id").ok_or(invalid("area_id"))?),
            name: text(&fields, "name").ok_or(invalid("name"))?,
            aliases: texts(&fields, "aliases").collect(),
            floor_id: text(&fields, "floor_id").map(|id| FloorId::new(&id)),
            labels: texts(&fields, "labels")
                .map(|id| LabelId::new(&id))
                .collect(),
            fields,
        })
    }
}

impl FloorEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`InvalidEntry`] without `floor_id` or `name`.
    pub fn from_fields(fields: Attributes) -> Result<Self, InvalidEntry> {
        let invalid = |field| InvalidEntry {
            kind: "floor",
            field,
        };
        Ok(Self {
            id: FloorId::new(&text(&fields, "floor_id").ok_or(invalid("floor_id"))?),
            name: text(&fields, "name").ok_or(invalid("name"))?,
            aliases: texts(&fields, "aliases").collect(),
            fields,
        })
    }
}

impl LabelEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`InvalidEntry`] without `label_id` or `name`.
    pub fn from_fields(fields: Attributes) -> Result<Self, InvalidEntry> {
        let invalid = |field| InvalidEntry {
            kind: "label",
            field,
        };
        Ok(Self {
            id: LabelId::new(&text(&fields, "label_id").ok_or(invalid("label_id"))?),
            name: text(&fields, "name").ok_or(invalid("name"))?,
            fields,
        })
    }
}

fn as_text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(int) => Some(Arc::from(int.to_string())),
        Value::BigInt(digits) => Some(digits.clone()),
        Value::Null
        | Value::Bool(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Tuple(_)
        | Value::Set(_)
        | Value::DateTime(_) => None,
    }
}

fn text(fields: &Attributes, key: &str) -> Option<Arc<str>> {
    fields.get(key).and_then(as_text)
}

fn items<'a>(fields: &'a Attributes, key: &str) -> &'a [Value] {
    fields
        .get(key)
        .and_then(Value::as_items)
        .unwrap_or_default()
}

fn texts<'a>(fields: &'a Attributes, key: &str) -> impl Iterator<Item = Arc<str>> + 'a {
    items(fields, key).iter().filter_map(as_text)
}

/// All five registries of one moment.
#[derive(Clone, Default)]
pub struct Registry {
    pub(crate) entities: Ordered<EntityId, Arc<EntityEntry>>,
    pub(crate) entity_ids: OrdMap<RegistryId, EntityId>,
    pub(crate) devices: Ordered<DeviceId, Arc<DeviceEntry>>,
    pub(crate) areas: Ordered<AreaId, Arc<AreaEntry>>,
    pub(crate) floors: Ordered<FloorId, Arc<FloorEntry>>,
    pub(crate) labels: Ordered<LabelId, Arc<LabelEntry>>,
}

impl Registry {
    /// The entry of an entity id.
    #[must_use]
    pub fn entity(&self, id: &EntityId) -> Option<&EntityEntry> {
        self.entities.get(id).map(|entry| &**entry)
    }

    /// The present entity id of a registry id.
    #[must_use]
    pub fn entity_id(&self, id: &RegistryId) -> Option<&EntityId> {
        self.entity_ids.get(id)
    }

    /// A device.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&DeviceEntry> {
        self.devices.get(id).map(|entry| &**entry)
    }

    /// An area.
    #[must_use]
    pub fn area(&self, id: &AreaId) -> Option<&AreaEntry> {
        self.areas.get(id).map(|entry| &**entry)
    }

    /// A floor.
    #[must_use]
    pub fn floor(&self, id: &FloorId) -> Option<&FloorEntry> {
        self.floors.get(id).map(|entry| &**entry)
    }

    /// A label.
    #[must_use]
    pub fn label(&self, id: &LabelId) -> Option<&LabelEntry> {
        self.labels.get(id).map(|entry| &**entry)
    }

    /// Entity entries in registry order.
    pub fn entities(&self) -> impl Iterator<Item = &EntityEntry> {
        self.entities.values().map(|entry| &**entry)
    }

    /// Devices in registry order.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceEntry> {
        self.devices.values().map(|entry| &**entry)
    }

    /// Areas in registry order.
    pub fn areas(&self) -> impl Iterator<Item = &AreaEntry> {
        self.areas.values().map(|entry| &**entry)
    }

    /// Floors in registry order.
    pub fn floors(&self) -> impl Iterator<Item = &FloorEntry> {
        self.floors.values().map(|entry| &**entry)
    }

    /// Labels in registry order.
    pub fn labels(&self) -> impl Iterator<Item = &LabelEntry> {
        self.labels.values().map(|entry| &**entry)
    }

    /// The device of an entry and, if that is a part of another device, the whole.
    #[must_use]
    pub fn device_chain(
        &self,
        entry: &EntityEntry,
    ) -> (Option<&DeviceEntry>, Option<&DeviceEntry>) {
        let device = entry.device_id.as_ref().and_then(|id| self.device(id));
        let parent = device
            .and_then(|d| d.parent_device_id.as_ref())
            .and_then(|id| self.device(id));
        (device, parent)
    }

    /// The one area that counts for an entity: its own if it exists, else its device's, else that
    /// of the device that its device is a part of (HA 2026.11; child devices since 2026.9).
    #[must_use]
    pub fn area_of(&self, entry: &EntityEntry) -> Option<&AreaEntry> {
        if let Some(area) = entry.area_id.as_ref().and_then(|id| self.area(id)) {
            return Some(area);
        }
        let (device, parent) = self.device_chain(entry);
        let area_id = device
            .and_then(|d| d.area_id.as_ref())
            .or_else(|| parent.and_then(|d| d.area_id.as_ref()))?;
        self.area(area_id)
    }
}
