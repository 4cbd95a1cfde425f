//! `Changer`, random changes of a real home: states, services, registries, exposure, reloads.
//!
//! It chooses from what the home holds, which it looks up again and again; what Home Assistant refuses
//! is counted and no error, because a refused change is one that did not happen.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use housekey_harness::{CommandError, Rejected, Rest, Ws};
use serde_json::{Value, json};

use crate::dice::Dice;

mod devices;
mod entities;
mod groups;
mod states;

/// After so many changes it looks anew what the home holds.
const LOOK_EVERY: usize = 10;

/// Makes random changes.
pub struct Changer {
    ws: Ws,
    rest: Rest,
    dice: Dice,
    home: Home,
    /// The keys that attributes of an entity had so far, in order.
    orders: BTreeMap<String, Vec<String>>,
    since_look: usize,
    count: usize,
    tally: BTreeMap<&'static str, (usize, usize)>,
}

/// What a home holds, as far as choices need it.
#[derive(Default)]
struct Home {
    states: Vec<Value>,
    entries: Vec<Value>,
    devices: Vec<String>,
    areas: Vec<String>,
    floors: Vec<String>,
    labels: Vec<String>,
    config_entries: Vec<String>,
}

/// What a change came to.
enum Done {
    Applied,
    Refused,
}

impl Changer {
    /// Works on the home behind these clients; equal seeds and equal homes make equal changes.
    #[must_use]
    pub fn new(ws: Ws, rest: Rest, seed: u64) -> Self {
        Self {
            ws,
            rest,
            dice: Dice::new(seed),
            home: Home::default(),
            orders: BTreeMap::new(),
            since_look: LOOK_EVERY,
            count: 0,
            tally: BTreeMap::new(),
        }
    }

    /// Goes on over a new connection, after a restart.
    pub fn reconnect(&mut self, ws: Ws) {
        self.ws = ws;
        self.since_look = LOOK_EVERY;
        self.orders.clear();
    }

    /// Makes one change, and gives its kind.
    ///
    /// # Errors
    /// When Home Assistant cannot be reached.
    pub async fn one(&mut self) -> Result<&'static str> {
        if self.since_look >= LOOK_EVERY {
            self.look().await?;
            self.since_look = 0;
        }
        self.since_look += 1;
        self.count += 1;
        let (kind, done) = match self.dice.below(100) {
            0..34 => self.change_state().await?,
            34..52 => self.call_service().await?,
            52..72 => self.change_entity().await?,
            72..80 => self.change_device().await?,
            80..92 => self.change_group().await?,
            92..97 => self.change_exposure().await?,
            _ => self.reload().await?,
        };
        let (applied, refused) = self.tally.entry(kind).or_default();
        match done {
            Done::Applied => *applied += 1,
            Done::Refused => *refused += 1,
        }
        Ok(kind)
    }

    /// How many changes of each kind were applied, and how many refused.
    #[must_use]
    pub fn tally(&self) -> String {
        let rows = self.tally.iter();
        let rows = rows.map(|(kind, (applied, refused))| format!("{kind} {applied}+{refused}"));
        rows.collect::<Vec<_>>().join(", ")
    }

    /// How many changes were applied.
    #[must_use]
    pub fn applied(&self) -> usize {
        self.tally.values().map(|(applied, _)| applied).sum()
    }

    async fn look(&mut self) -> Result<()> {
        let entries = self.rest.get("/api/config/config_entries/entry").await?;
        let reloadable = entries
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry.get("supports_unload") == Some(&Value::Bool(true)));
        self.home = Home {
            config_entries: reloadable
                .filter_map(|entry| id_of(entry, "entry_id"))
                .collect(),
            states: self.list("get_states").await?,
            entries: self.list("config/entity_registry/list").await?,
            devices: self.ids("config/device_registry/list", "id").await?,
            areas: self.ids("config/area_registry/list", "area_id").await?,
            floors: self.ids("config/floor_registry/list", "floor_id").await?,
            labels: self.ids("config/label_registry/list", "label_id").await?,
        };
        Ok(())
    }

    async fn list(&mut self, command: &str) -> Result<Vec<Value>> {
        let answer = self.ws.call(&json!({"type": command})).await?;
        let Value::Array(rows) = answer else {
            anyhow::bail!("{command} is no list: {answer}");
        };
        Ok(rows)
    }

    async fn ids(&mut self, command: &str, key: &str) -> Result<Vec<String>> {
        let rows = self.list(command).await?;
        Ok(rows.iter().filter_map(|row| id_of(row, key)).collect())
    }

    /// Sends a command; a refusal is an answer.
    async fn command(&mut self, command: &Value) -> Result<Done> {
        match self.ws.call(command).await {
            Ok(_) => Ok(Done::Applied),
            Err(error) if error.root_cause().is::<CommandError>() => Ok(Done::Refused),
            Err(error) => Err(error).with_context(|| command.to_string()),
        }
    }

    async fn reload(&mut self) -> Result<(&'static str, Done)> {
        let Some(entry) = self.dice.pick(&self.home.config_entries).cloned() else {
            return Ok(("reload", Done::Refused));
        };
        let path = format!("/api/config/config_entries/entry/{entry}/reload");
        let done = judged(self.rest.post(&path, &json!({})).await)?;
        Ok(("reload", done))
    }

    /// A text that no other change of this run uses.
    fn fresh(&self, what: &str) -> String {
        format!("{what} {}", self.count)
    }
}

/// A refusal over HTTP is an answer.
fn judged(result: Result<Value>) -> Result<Done> {
    match result {
        Ok(_) => Ok(Done::Applied),
        Err(error) if error.root_cause().is::<Rejected>() => Ok(Done::Refused),
        Err(error) => Err(error),
    }
}

fn id_of(row: &Value, key: &str) -> Option<String> {
    Some(row.get(key)?.as_str()?.to_owned())
}
