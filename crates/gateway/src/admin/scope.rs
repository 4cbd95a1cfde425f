//! What a token can read and write in the live home, by area.

use std::collections::BTreeMap;

use housekey_home::id::EntityId;
use housekey_policy::View;

use super::{AdminReply, Desk};

/// What a token opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeListing {
    /// By area, by name; what has no area comes last.
    pub areas: Vec<ScopeArea>,
    /// How many entities it can read, those that it can write included.
    pub readable: usize,
    /// How many it can write.
    pub writable: usize,
    /// How many the home has.
    pub of: usize,
}

/// What a token opens in one area.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeArea {
    /// Its name; `None` for what has no area.
    pub name: Option<String>,
    /// What is in it, by id.
    pub entities: Vec<ScopeEntity>,
}

/// One entity that a token opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeEntity {
    /// Its id.
    pub id: EntityId,
    /// Its name.
    pub name: String,
    /// Whether the token can write it.
    pub can_write: bool,
}

impl Desk<'_> {
    pub(super) fn scope(&self, token: String) -> AdminReply {
        let Some(record) = self.find(&token) else {
            return AdminReply::NotFound { token };
        };
        let Some(home) = &self.home else {
            return AdminReply::NeedsLiveHome;
        };
        let of = home.entity_count();
        let view = View::new(home.clone(), record.scope.clone());
        // Two areas may have one name; their ids keep them apart.
        let mut areas: BTreeMap<(bool, String, String), Vec<ScopeEntity>> = BTreeMap::new();
        let (mut readable, mut writable) = (0, 0);
        for entity in view.entities() {
            readable += 1;
            writable += usize::from(entity.can_write());
            let key = match entity.area() {
                Some(area) => (false, area.name().to_owned(), area.id().as_str().to_owned()),
                None => (true, String::new(), String::new()),
            };
            areas.entry(key).or_default().push(ScopeEntity {
                id: entity.id().clone(),
                name: entity.name().to_owned(),
                can_write: entity.can_write(),
            });
        }
        let areas = areas.into_iter().map(|((is_none, name, _), mut entities)| {
            entities.sort_by(|a, b| a.id.cmp(&b.id));
            let name = (!is_none).then_some(name);
            ScopeArea { name, entities }
        });
        let listing = ScopeListing {
            areas: areas.collect(),
            readable,
            writable,
            of,
        };
        AdminReply::Scope {
            token: record,
            listing,
        }
    }
}
