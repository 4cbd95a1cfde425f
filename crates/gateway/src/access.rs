//! `Access`, what a token opens, as the agent that holds it is told (ATM's context document).

use std::sync::Arc;

use housekey_policy::View;
use housekey_policy::capability::{Capability, Extent};
use housekey_store::TokenRecord;
use housekey_store::token::Rate;

/// What a token opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Access {
    /// The token's name.
    pub token_name: String,
    /// Whether it passes through.
    pub pass_through: bool,
    /// What it may read, by entity id.
    pub entities: Vec<Opened>,
    /// What it may do beyond entities.
    pub capabilities: Vec<Capability>,
    /// How often it may ask.
    pub rate: Rate,
}

/// An entity that a token may read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Its id.
    pub entity_id: String,
    /// Whether it may be written as well.
    pub can_write: bool,
    /// The id of the area that it lies in.
    pub area_id: Option<String>,
    /// What the owner tells the agent of it; nothing for a token that passes through.
    pub hint: Option<Arc<str>>,
}

impl Access {
    pub(crate) fn of(view: &View, token: &TokenRecord) -> Self {
        let scope = view.scope();
        let mut entities: Vec<Opened> = view
            .entities()
            .iter()
            .map(|entity| Opened {
                entity_id: entity.id().to_string(),
                can_write: entity.can_write(),
                area_id: entity.area().map(|area| area.id().as_str().to_owned()),
                hint: (!scope.pass_through)
                    .then(|| view.hint(entity.id()))
                    .flatten(),
            })
            .collect();
        entities.sort_by(|a, b| a.entity_id.cmp(&b.entity_id));
        let capabilities = Capability::ALL
            .into_iter()
            .filter(|capability| scope.extent(*capability) != Extent::Off);
        Self {
            token_name: token.name.to_string(),
            pass_through: scope.pass_through,
            entities,
            rate: token.rate,
            capabilities: capabilities.collect(),
        }
    }

    /// Whether the token has a capability.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}
