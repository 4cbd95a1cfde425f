//! Changes of the entity registry, and of exposure.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Changer, Done, id_of};

impl Changer {
    pub(super) async fn change_entity(&mut self) -> Result<(&'static str, Done)> {
        let Some(row) = self.dice.pick(&self.home.entries).cloned() else {
            return Ok(("entity", Done::Refused));
        };
        let Some(id) = id_of(&row, "entity_id") else {
            return Ok(("entity", Done::Refused));
        };
        let (kind, change) = self.entity_change(&id, &row);
        if kind == "entity removed" {
            let command = json!({"type": "config/entity_registry/remove", "entity_id": id});
            return Ok((kind, self.command(&command).await?));
        }
        let mut command = json!({"type": "config/entity_registry/update", "entity_id": id});
        if let (Some(command), Value::Object(change)) = (command.as_object_mut(), change) {
            command.extend(change);
        }
        Ok((kind, self.command(&command).await?))
    }

    fn entity_change(&mut self, id: &str, row: &Value) -> (&'static str, Value) {
        let is = |key: &str| row.get(key).is_some_and(|value| !value.is_null());
        match self.dice.below(11) {
            0 | 1 => {
                let domain = id.split('.').next().unwrap_or_default();
                let fresh = format!("{domain}.renamed_{}", self.dice.below(400));
                ("entity renamed", json!({"new_entity_id": fresh}))
            }
            2 => {
                let name = if is("name") {
                    Value::Null
                } else {
                    json!(self.fresh("Name"))
                };
                ("entity named", json!({"name": name}))
            }
            3 | 4 => {
                let aliases = match self.dice.below(4) {
                    0 => json!([]),
                    1 => json!([null]),
                    2 => json!([null, self.fresh("Alias"), " padded "]),
                    _ => json!([self.fresh("Ä"), null, "zwei"]),
                };
                ("entity aliases", json!({"aliases": aliases}))
            }
            5 | 6 => {
                let area = self.maybe(|home| &home.areas);
                ("entity moved", json!({"area_id": area}))
            }
            7 => {
                let labels = self.some_labels();
                ("entity labels", json!({"labels": labels}))
            }
            8 => {
                let by = if is("disabled_by") {
                    Value::Null
                } else {
                    json!("user")
                };
                ("entity disabled or enabled", json!({"disabled_by": by}))
            }
            9 if self.dice.one_in(3) => ("entity removed", Value::Null),
            9 => {
                let by = if is("hidden_by") {
                    Value::Null
                } else {
                    json!("user")
                };
                ("entity hidden or shown", json!({"hidden_by": by}))
            }
            _ => {
                let precision = self.dice.below(4);
                let change = json!({
                    "options_domain": "sensor", "options": {"display_precision": precision},
                });
                ("entity options", change)
            }
        }
    }

    pub(super) async fn change_exposure(&mut self) -> Result<(&'static str, Done)> {
        let mut ids = Vec::new();
        for _ in 0..=self.dice.below(4) {
            let rows = if self.dice.one_in(3) {
                &self.home.states
            } else {
                &self.home.entries
            };
            ids.extend(self.dice.pick(rows).and_then(|row| id_of(row, "entity_id")));
        }
        let command = json!({
            "type": "homeassistant/expose_entity",
            "assistants": ["conversation"],
            "entity_ids": ids,
            "should_expose": self.dice.one_in(2),
        });
        Ok(("exposure", self.command(&command).await?))
    }
}
