//! `Admission`, a request that its head lets in and whose body is not read yet.

use std::fmt;
use std::sync::Arc;

use housekey_assist::prompt::Api;
use housekey_home::time::UtcMicros;
use housekey_store::audit::{Record, Slot};
use housekey_store::{AuditUnavailable, TokenId, TokenRecord};
use tokio_util::sync::CancellationToken;

use crate::gateway::{Gateway, profile};
use crate::limiter::Allowance;
use crate::record;
use crate::request::Origin;

/// A request that may be handled. Dropped unused it leaves the record of an invalid request.
pub struct Admission {
    pub(crate) gateway: Gateway,
    pub(crate) slot: Option<Slot>,
    pub(crate) token: Arc<TokenRecord>,
    pub(crate) origin: Origin,
    pub(crate) admitted_at: UtcMicros,
    pub(crate) allowance: Option<Allowance>,
    pub(crate) stale_s: Option<u64>,
    pub(crate) api: Option<Api>,
    pub(crate) ended: CancellationToken,
}

/// Why an API of Home Assistant cannot be spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoApi {
    /// It is for an administrator, which a token with a scope is not.
    NotAllowed,
    /// There is none of that name.
    Unknown,
}

/// Why a door turns a request away that was admitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TurnedAway {
    /// What it was sent to is not for this token.
    NotAllowed {
        /// What that is.
        resource: String,
    },
    /// What it was sent to does not exist.
    NotThere {
        /// What that is.
        resource: String,
    },
    /// The token has as many streams as it may have.
    TooManyStreams {
        /// What was to be opened.
        resource: String,
    },
}

impl Admission {
    /// The token that was presented; a session belongs to it.
    #[must_use]
    pub fn token_id(&self) -> &TokenId {
        &self.token.id
    }

    /// Addresses the request to one API of Home Assistant. Whether the token may speak to it is looked
    /// at before whether it exists.
    ///
    /// # Errors
    /// [`NoApi`]; the request is on record then.
    pub fn addressed_to(mut self, id: &str) -> Result<Self, NoApi> {
        let resource = || format!("{}/{id}", record::path(self.origin.face));
        let profile = profile(&self.gateway.0.link.house());
        match id {
            "assist" => {
                self.api = Some(Api::Assist);
                Ok(self)
            }
            _ if !self.token.scope.pass_through => {
                let resource = resource();
                self.turn_away(&TurnedAway::NotAllowed { resource });
                Err(NoApi::NotAllowed)
            }
            "homeassistant" if profile.has_homeassistant_api => {
                self.api = Some(Api::HomeAssistant);
                Ok(self)
            }
            _ => {
                let resource = resource();
                self.turn_away(&TurnedAway::NotThere { resource });
                Err(NoApi::Unknown)
            }
        }
    }

    /// Puts on record why nothing of the request is done.
    pub fn turn_away(mut self, why: &TurnedAway) {
        let record = record::turned_away(&self, why);
        self.write(record);
    }

    /// Names the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.origin.request_id
    }

    /// When it was admitted.
    #[must_use]
    pub fn admitted_at(&self) -> UtcMicros {
        self.admitted_at
    }

    /// What is left of the token's rate; `None` without a limit.
    #[must_use]
    pub fn allowance(&self) -> Option<Allowance> {
        self.allowance
    }

    /// How old the home is that answers; `None` while Home Assistant is connected.
    #[must_use]
    pub fn stale_for_s(&self) -> Option<u64> {
        self.stale_s
    }

    /// Cancelled when the token is revoked or expires: its streams end then.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Writes the record of a request that was handled, before its reply goes out if the owner wants
    /// it so.
    pub(crate) async fn finish(&mut self, record: Record) -> Result<(), AuditUnavailable> {
        let Some(slot) = self.slot.take() else {
            return Ok(());
        };
        let counters = &self.gateway.0.counters;
        counters.count(&self.token.id, record.outcome);
        slot.finish(record).await
    }

    pub(crate) fn write(&mut self, record: Record) {
        if let Some(slot) = self.slot.take() {
            self.gateway
                .0
                .counters
                .count(&self.token.id, record.outcome);
            slot.send(record);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.slot.is_some() {
            let record = record::unreadable(self);
            self.write(record);
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admission({})", self.origin.request_id)
    }
}
