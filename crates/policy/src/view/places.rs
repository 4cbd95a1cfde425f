//! Areas, floors and devices as one token sees them: each exists when something readable is in it,
//! for a token that sees the whole house always.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use housekey_home::id::{AreaId, DeviceId, FloorId};
use housekey_home::registry::{AreaEntry, DeviceEntry};
use housekey_home::snapshot::IndexKey;

use super::View;

impl View {
    /// Areas that exist for this token, in registry order: for one that sees the whole house all of
    /// them, otherwise those in which something readable is.
    #[must_use]
    pub fn areas(&self) -> Vec<Area<'_>> {
        let registry = self.snapshot.registry();
        if self.scope.sees_whole_house() {
            return registry.areas().map(Area).collect();
        }
        let inhabited: BTreeSet<&AreaId> = self
            .entities()
            .iter()
            .filter_map(|v| v.facts.area().map(|area| &area.0.id))
            .collect();
        registry
            .areas()
            .filter(|area| inhabited.contains(&area.id))
            .map(Area)
            .collect()
    }

    /// The area that a device lies in: its own, or else that of the device that it is a part of.
    /// `None` as well for a device or an area that does not exist for this token.
    #[must_use]
    pub fn area_of_device(&self, id: &DeviceId) -> Option<Area<'_>> {
        let registry = self.snapshot.registry();
        let device = registry.device(id)?;
        if !self.is_inhabited(&IndexKey::Device(device.id.clone())) {
            return None;
        }
        let parent = device.parent_device_id.as_ref();
        let area_id = device.area_id.as_ref().or_else(|| {
            let parent = parent.and_then(|id| registry.device(id));
            parent.and_then(|device| device.area_id.as_ref())
        })?;
        let area = registry.area(area_id)?;
        self.is_inhabited(&IndexKey::Area(area.id.clone()))
            .then_some(Area(area))
    }

    /// The name of the floor that an area lies on. It exists because the area does.
    #[must_use]
    pub fn floor_name(&self, area: &Area<'_>) -> Option<&str> {
        let floor = self.snapshot.registry().floor(area.floor_id()?)?;
        Some(&floor.name)
    }

    /// Whether a place exists for this token.
    fn is_inhabited(&self, place: &IndexKey) -> bool {
        let mut ids = self.snapshot.indexed(place);
        self.scope.sees_whole_house() || ids.any(|id| self.get(id).is_some())
    }
}

/// The device of a readable entity.
#[derive(Clone, Copy)]
pub struct Device<'a> {
    device: &'a DeviceEntry,
    parent: Option<&'a DeviceEntry>,
}

impl<'a> Device<'a> {
    pub(super) fn of(device: &'a DeviceEntry, parent: Option<&'a DeviceEntry>) -> Self {
        Self { device, parent }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a DeviceId {
        &self.device.id
    }

    /// The name that a user gave, or else the integration's.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.device.display_name().map(|name| &**name)
    }

    /// Whether an area of its own is set.
    #[must_use]
    pub fn has_own_area(&self) -> bool {
        self.device.area_id.is_some()
    }

    /// The display name of the device that it is a part of.
    #[must_use]
    pub fn parent_name(&self) -> Option<&'a str> {
        self.parent
            .and_then(DeviceEntry::display_name)
            .map(|name| &**name)
    }
}

impl fmt::Debug for Device<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.device.id)
    }
}

/// An area that exists for the token.
#[derive(Clone, Copy)]
pub struct Area<'a>(pub(super) &'a AreaEntry);

impl<'a> Area<'a> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a AreaId {
        &self.0.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.0.name
    }

    /// Its other names, as delivered.
    #[must_use]
    pub fn aliases(&self) -> &'a [Arc<str>] {
        &self.0.aliases
    }

    /// The floor it lies on.
    #[must_use]
    pub fn floor_id(&self) -> Option<&'a FloorId> {
        self.0.floor_id.as_ref()
    }
}

impl fmt::Debug for Area<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Area({})", self.0.id)
    }
}
