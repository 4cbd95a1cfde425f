//! A new token.

use housekey_home::time::UtcMicros;
use housekey_policy::Scope;
use housekey_store::token::{NewToken, Rate};
use housekey_store::{RawToken, TokenId, TokenName};

use super::acts::Act;
use super::said::Said;
use super::{AdminReply, Desk, Grants};
use crate::limits;

/// A new token, in the owner's words.
#[derive(Debug)]
pub struct TokenOrder {
    /// Its name.
    pub name: String,
    /// Its grants.
    pub grants: Grants,
    /// Passes through.
    pub pass_through: bool,
    /// Opens nothing that is not exposed to the assistant.
    pub use_assist_exposure: bool,
    /// Requests a minute, 0 for no limit.
    pub rate_per_minute: u32,
    /// Requests a second, 0 for no limit.
    pub rate_burst: u32,
    /// When its time runs out.
    pub expires_at: Option<UtcMicros>,
}

impl TokenOrder {
    fn said(&self) -> Said {
        let mut said = self.grants.said(Said::default());
        for (key, is_set) in [
            ("pass_through", self.pass_through),
            ("use_assist_exposure", self.use_assist_exposure),
        ] {
            if is_set {
                said = said.plain(key, true);
            }
        }
        said = said
            .plain("rate_per_minute", self.rate_per_minute)
            .plain("rate_burst", self.rate_burst);
        match self.expires_at {
            Some(at) => said.text("expires_at", &at.iso_utc().to_string()),
            None => said,
        }
    }
}

impl Desk<'_> {
    pub(super) async fn create(&self, order: TokenOrder) -> AdminReply {
        let (new, remarks) = match self.checked(&order) {
            Ok(checked) => checked,
            Err(invalid) => return invalid,
        };
        let secret = RawToken::from_random((self.random)());
        let act = Act {
            method: "token.create",
            token: (new.id.clone(), new.name.clone()),
            pass_through: order.pass_through,
            payload: order.said().payload(),
        };
        let created = self.recorded(act, || {
            Ok(self.store.tokens().create(new, &secret, self.now)?.into())
        });
        match created.await {
            Ok(token) => AdminReply::Created {
                token,
                secret,
                remarks,
            },
            Err(refusal) => refusal,
        }
    }

    fn checked(&self, order: &TokenOrder) -> Result<(NewToken, Vec<String>), AdminReply> {
        let name = name(&order.name)?;
        rate_is_possible("rate_per_minute", order.rate_per_minute)?;
        rate_is_possible("rate_burst", order.rate_burst)?;
        self.is_to_come(order.expires_at)?;
        if order.pass_through && !order.grants.is_empty() {
            let problem = "a pass-through token reads and writes everything, so grants have no \
                           effect; leave out one or the other";
            return Err(AdminReply::invalid("pass_through", problem));
        }
        let (tree, remarks) = order.grants.tree(self.home.as_ref())?;
        let scope = Scope {
            tree,
            pass_through: order.pass_through,
            use_assist_exposure: order.use_assist_exposure,
            ..Scope::default()
        };
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip((self.random)()) {
            *to = from;
        }
        let new = NewToken {
            id: TokenId::from_random(id),
            name,
            created_by: self.principal.clone(),
            expires_at: order.expires_at,
            scope,
            rate: rate(order.rate_per_minute, order.rate_burst),
        };
        Ok((new, remarks))
    }

    /// Whether a token may end then.
    pub(super) fn is_to_come(&self, expires_at: Option<UtcMicros>) -> Result<(), AdminReply> {
        if expires_at.is_some_and(|at| at <= self.now) {
            let problem = "lies in the past; it must be a time to come";
            return Err(AdminReply::invalid("expires_at", problem));
        }
        Ok(())
    }
}

pub(super) fn name(text: &str) -> Result<TokenName, AdminReply> {
    TokenName::parse(text)
        .map_err(|error| AdminReply::invalid("name", format!("{text:?}: {error}")))
}

pub(super) fn rate_is_possible(field: &'static str, value: u32) -> Result<(), AdminReply> {
    let max = limits::RATE_MAX;
    if value > max {
        let problem = format!("{value} is too much; allowed is 0 to {max}");
        return Err(AdminReply::invalid(field, problem));
    }
    Ok(())
}

/// Without a limit a minute there is none a second (ATM 1.1).
pub(super) fn rate(per_minute: u32, burst: u32) -> Rate {
    Rate {
        per_minute,
        burst: if per_minute == 0 { 0 } else { burst },
    }
}
