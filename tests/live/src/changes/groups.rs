//! Changes of areas, floors and labels.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Changer, Done};

/// Below this many of a kind none is deleted, so that there is something to move things to.
const FEW: usize = 3;

impl Changer {
    pub(super) async fn change_group(&mut self) -> Result<(&'static str, Done)> {
        let (kind, command) = match self.dice.below(12) {
            0 | 1 => ("area created", self.area("create", None)),
            2..=4 => {
                let area = self.dice.pick(&self.home.areas).cloned();
                ("area updated", self.area("update", area))
            }
            5 => (
                "area deleted",
                deletion("area", one_of_many(self, |c| &c.home.areas)),
            ),
            6 => {
                let mut areas = self.home.areas.clone();
                let by = self.dice.below(areas.len());
                areas.rotate_left(by);
                let command = json!({"type": "config/area_registry/reorder", "area_ids": areas});
                ("areas reordered", command)
            }
            7 => ("floor created", self.named("floor", "create", None)),
            8 => {
                let floor = self.dice.pick(&self.home.floors).cloned();
                ("floor updated", self.named("floor", "update", floor))
            }
            9 if self.dice.one_in(2) => (
                "floor deleted",
                deletion("floor", one_of_many(self, |c| &c.home.floors)),
            ),
            9 | 10 => {
                let label = self
                    .maybe(|home| &home.labels)
                    .filter(|_| self.dice.one_in(2));
                let action = if label.is_some() { "update" } else { "create" };
                (
                    "label created or updated",
                    self.named("label", action, label),
                )
            }
            _ => (
                "label deleted",
                deletion("label", one_of_many(self, |c| &c.home.labels)),
            ),
        };
        if command.is_null() {
            return Ok((kind, Done::Refused));
        }
        Ok((kind, self.command(&command).await?))
    }

    fn area(&mut self, action: &str, id: Option<String>) -> Value {
        let mut command = self.named("area", action, id);
        if let Some(command) = command.as_object_mut() {
            let floor = self.maybe(|home| &home.floors);
            let aliases = match self.dice.below(3) {
                0 => Vec::new(),
                1 => vec![self.fresh("Zimmer")],
                _ => vec![self.fresh("Zimmer"), self.fresh("Ärea"), "A".to_owned()],
            };
            command.insert("floor_id".to_owned(), json!(floor));
            command.insert("aliases".to_owned(), json!(aliases));
            command.insert("labels".to_owned(), json!(self.some_labels()));
        }
        command
    }

    fn named(&mut self, what: &str, action: &str, id: Option<String>) -> Value {
        let name = self.fresh(&format!("{what} Ö"));
        let kind = format!("config/{what}_registry/{action}");
        let mut command = json!({"type": kind, "name": name});
        if let (Some(id), Some(command)) = (id, command.as_object_mut()) {
            command.insert(format!("{what}_id"), json!(id));
        }
        command
    }
}

fn one_of_many(changer: &mut Changer, ids: impl Fn(&Changer) -> &Vec<String>) -> Option<String> {
    let ids = ids(changer).clone();
    if ids.len() <= FEW {
        return None;
    }
    changer.dice.pick(&ids).cloned()
}

fn deletion(what: &str, id: Option<String>) -> Value {
    let Some(id) = id else { return Value::Null };
    let key = format!("{what}_id");
    json!({"type": format!("config/{what}_registry/delete"), key: id})
}
