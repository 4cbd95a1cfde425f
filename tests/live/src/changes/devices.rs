//! Changes of the device registry, and choices among ids.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Changer, Done, Home};

impl Changer {
    pub(super) async fn change_device(&mut self) -> Result<(&'static str, Done)> {
        let Some(device) = self.dice.pick(&self.home.devices).cloned() else {
            return Ok(("device", Done::Refused));
        };
        let (kind, key, value) = match self.dice.below(6) {
            0 | 1 => {
                let name = if self.dice.one_in(3) {
                    Value::Null
                } else {
                    json!(self.fresh("Device"))
                };
                ("device named", "name_by_user", name)
            }
            2..=4 => (
                "device moved",
                "area_id",
                json!(self.maybe(|home| &home.areas)),
            ),
            _ => ("device labels", "labels", json!(self.some_labels())),
        };
        let command = json!({
            "type": "config/device_registry/update", "device_id": device, key: value,
        });
        Ok((kind, self.command(&command).await?))
    }

    /// One of the ids, or none.
    pub(super) fn maybe(&mut self, ids: impl Fn(&Home) -> &Vec<String>) -> Option<String> {
        if self.dice.one_in(4) {
            return None;
        }
        self.dice.pick(ids(&self.home)).cloned()
    }

    pub(super) fn some_labels(&mut self) -> Vec<String> {
        let mut labels = Vec::new();
        for _ in 0..self.dice.below(4) {
            labels.extend(self.dice.pick(&self.home.labels).cloned());
        }
        labels.sort();
        labels.dedup();
        labels
    }
}
