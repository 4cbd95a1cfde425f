//! `Truth`, what Home Assistant itself says its house is at one moment, and how the replica differs.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use housekey_harness::poll_until;
use housekey_home::snapshot::Entity;
use housekey_home::state::{Attributes, EntityState};
use housekey_link::{Answer, Everything, Link, Query};

/// Differences beyond these are only counted.
const SHOWN_MAX: usize = 12;
const ASK_DEADLINE: Duration = Duration::from_secs(30);

/// States and registries of one moment, and the replica of that moment. All of it is asked for in one
/// frame on the replica's own connection, so every event before the answer has been applied.
pub struct Truth(Box<Everything>);

impl Truth {
    /// Asks Home Assistant.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn ask(link: &Link) -> Result<Self> {
        let Answer::Everything(everything) = link.ask(Query::Everything, ASK_DEADLINE).await?;
        Ok(Self(everything))
    }

    /// How many states and registry entries it holds.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        let all = &self.0;
        let lists = all.devices.len() + all.areas.len() + all.floors.len() + all.labels.len();
        (all.states.len(), all.entity_ids.len() + lists)
    }

    /// What the replica says otherwise of states but for the order of attributes, which differences do
    /// not tell. Values are compared as Python does, because Home Assistant does not tell when `1`
    /// becomes `1.0`.
    #[must_use]
    pub fn state_differences(&self) -> Differences {
        let mut found = Differences::default();
        self.compare_states(&mut found, Order::Any);
        found
    }

    /// What the replica says otherwise at all: order, states, and every field of every registry entry.
    #[must_use]
    pub fn differences(&self) -> Differences {
        let mut found = Differences::default();
        self.compare_states(&mut found, Order::Exact);
        let (all, registry) = (&self.0, self.0.snapshot.registry());
        let ids: Vec<String> = all.entity_ids.iter().map(ToString::to_string).collect();
        let ours: Vec<String> = registry
            .entities()
            .map(|e| e.entity_id.to_string())
            .collect();
        found.same_ids("entity", &ids, &ours);
        for (id, entry) in &all.entries {
            // One that is gone is a ghost above.
            let (Some(entry), Some(ours)) = (entry, registry.entity(id)) else {
                continue;
            };
            found.entry("entity", id.as_str(), &entry.fields, &ours.fields);
        }
        macro_rules! lists {
            ($($kind:literal $list:ident;)*) => {$(
                found.entries(
                    $kind,
                    all.$list.iter().map(|entry| (entry.id.to_string(), &entry.fields)),
                    registry.$list().map(|entry| (entry.id.to_string(), &entry.fields)),
                );
            )*};
        }
        lists! { "device" devices; "area" areas; "floor" floors; "label" labels; }
        found
    }

    /// What the replica says otherwise of the exposure of entities that have a state.
    #[must_use]
    pub fn exposure_differences(&self) -> Differences {
        let mut found = Differences::default();
        let Some(exposed) = &self.0.exposed else {
            found.note("Home Assistant does not tell what is exposed".to_owned());
            return found;
        };
        for state in &self.0.states {
            let theirs = exposed.contains(&state.entity_id);
            if self.0.snapshot.is_exposed(&state.entity_id) != theirs {
                found.note(format!("{} is exposed: {theirs}", state.entity_id));
            }
        }
        found
    }

    fn compare_states(&self, found: &mut Differences, order: Order) {
        let ours: Vec<&EntityState> = self.0.snapshot.entities().map(Entity::state).collect();
        let ids = |states: &mut dyn Iterator<Item = &EntityState>| -> Vec<String> {
            states.map(|state| state.entity_id.to_string()).collect()
        };
        found.same_ids(
            "state",
            &ids(&mut self.0.states.iter()),
            &ids(&mut ours.iter().copied()),
        );
        for theirs in &self.0.states {
            let Some(ours) = self.0.snapshot.entity(&theirs.entity_id) else {
                continue;
            };
            if let Some(text) = state_difference(theirs, ours.state(), order) {
                found.note(format!("state {}: {text}", theirs.entity_id));
            }
        }
    }
}

/// Whether the order of attributes counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Any,
    Exact,
}

/// What was found to differ, for people.
#[derive(Default, Debug)]
pub struct Differences {
    shown: Vec<String>,
    count: usize,
}

impl Differences {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn note(&mut self, difference: String) {
        self.count += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(difference);
        }
    }

    fn entries<'a>(
        &mut self,
        kind: &str,
        theirs: impl Iterator<Item = (String, &'a Attributes)>,
        ours: impl Iterator<Item = (String, &'a Attributes)>,
    ) {
        let (their_ids, theirs): (Vec<String>, Vec<_>) = theirs.unzip();
        let (our_ids, ours): (Vec<String>, Vec<_>) = ours.unzip();
        self.same_ids(kind, &their_ids, &our_ids);
        for (id, theirs) in their_ids.iter().zip(theirs) {
            let ours = our_ids
                .iter()
                .position(|our_id| our_id == id)
                .and_then(|at| ours.get(at));
            if let Some(ours) = ours {
                self.entry(kind, id, theirs, ours);
            }
        }
    }

    fn entry(&mut self, kind: &str, id: &str, theirs: &Attributes, ours: &Attributes) {
        if let Some(text) = attributes_difference(theirs, ours, Order::Exact) {
            self.note(format!("{kind} {id}: {text}"));
        }
    }

    /// The same ids in the same order.
    fn same_ids(&mut self, kind: &str, theirs: &[String], ours: &[String]) {
        for missing in theirs.iter().filter(|id| !ours.contains(id)) {
            self.note(format!("{kind} {missing} is missing"));
        }
        for ghost in ours.iter().filter(|id| !theirs.contains(id)) {
            self.note(format!("{kind} {ghost} is a ghost"));
        }
        let common = |ids: &[String], others: &[String]| -> Vec<String> {
            ids.iter()
                .filter(|id| others.contains(id))
                .cloned()
                .collect()
        };
        let (theirs, ours) = (common(theirs, ours), common(ours, theirs));
        if let Some((their, our)) = theirs.iter().zip(&ours).find(|(their, our)| their != our) {
            self.note(format!("{kind} order: {their} where ours has {our}"));
        }
    }
}

impl std::fmt::Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} differences", self.count)?;
        self.shown
            .iter()
            .try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

fn state_difference(theirs: &EntityState, ours: &EntityState, order: Order) -> Option<String> {
    let mut text = String::new();
    if theirs.state != ours.state {
        let _ = write!(text, "state {:?}, ours {:?}; ", theirs.state, ours.state);
    }
    for (what, theirs, ours) in [
        ("last_changed", theirs.last_changed, ours.last_changed),
        ("last_updated", theirs.last_updated, ours.last_updated),
    ] {
        if theirs != ours {
            let _ = write!(
                text,
                "{what} {}, ours {}; ",
                theirs.iso_utc(),
                ours.iso_utc()
            );
        }
    }
    if theirs.context != ours.context {
        text.push_str("context; ");
    }
    text.extend(attributes_difference(
        &theirs.attributes,
        &ours.attributes,
        order,
    ));
    (!text.is_empty()).then_some(text)
}

fn attributes_difference(theirs: &Attributes, ours: &Attributes, order: Order) -> Option<String> {
    let mut text = String::new();
    let keys = |attributes: &Attributes| -> Vec<String> {
        let mut keys: Vec<String> = attributes.iter().map(|(key, _)| key.to_string()).collect();
        if order == Order::Any {
            keys.sort();
        }
        keys
    };
    if keys(theirs) != keys(ours) {
        let _ = write!(
            text,
            "keys {}, ours {}; ",
            keys(theirs).join(","),
            keys(ours).join(",")
        );
    }
    for (key, value) in theirs.iter() {
        let our = ours.get(key);
        if our.is_some_and(|our| !our.python_eq(value)) {
            let shown = |value| serde_json::to_string(value).unwrap_or_default();
            let _ = write!(
                text,
                "{key} {}, ours {}; ",
                shown(value),
                our.map(shown).unwrap_or_default()
            );
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Waits until the replica and Home Assistant agree, and gives what they agree on, and whether the
/// states but for the order of attributes agreed at once.
///
/// # Errors
/// When they do not within `deadline`; the message tells the last differences.
pub async fn agree(
    link: &Link,
    deadline: Duration,
    differences: impl Fn(&Truth) -> Differences,
) -> Result<(Truth, bool)> {
    let mut at_once = None;
    let truth = poll_until("the replica equals Home Assistant", deadline, async || {
        let truth = Truth::ask(link).await?;
        at_once.get_or_insert(truth.state_differences().is_empty());
        let found = differences(&truth);
        ensure!(found.is_empty(), "{found}");
        Ok(Some(truth))
    })
    .await?;
    Ok((truth, at_once.unwrap_or(false)))
}
