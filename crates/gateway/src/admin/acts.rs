//! How an owner's act is done: its intent is on the disk before, its outcome on record after.

use std::sync::Arc;

use housekey_store::audit::{Client, Outcome, Payload, Phase, Record};
use housekey_store::{AuditUnavailable, Principal, TokenError, TokenId, TokenName, TokenRecord};
use tokio::time::Instant;

use super::{AdminReply, Desk};
use crate::limits;

/// An act on one token.
pub(super) struct Act {
    pub(super) method: &'static str,
    pub(super) token: (TokenId, TokenName),
    pub(super) pass_through: bool,
    /// What was asked for.
    pub(super) payload: Option<Payload>,
}

impl Act {
    pub(super) fn on(method: &'static str, token: &TokenRecord, payload: Option<Payload>) -> Self {
        Self {
            method,
            token: (token.id.clone(), token.name.clone()),
            pass_through: token.scope.pass_through,
            payload,
        }
    }
}

/// What was done.
pub(super) struct Done {
    token: Arc<TokenRecord>,
    /// What came of it beside what was asked for.
    payload: Option<Payload>,
}

impl Done {
    pub(super) fn with(token: Arc<TokenRecord>, payload: Option<Payload>) -> Self {
        Self { token, payload }
    }
}

impl From<Arc<TokenRecord>> for Done {
    fn from(token: Arc<TokenRecord>) -> Self {
        Self::with(token, None)
    }
}

/// Why nothing was done.
pub(super) enum Undone {
    /// The store did not.
    Token(TokenError),
    /// It turned out that it must not be done.
    Refused(AdminReply),
}

impl From<TokenError> for Undone {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl Undone {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(_) | Self::Token(TokenError::NameTaken | TokenError::TooMany) => {
                Outcome::Denied
            }
            Self::Token(TokenError::Unknown) => Outcome::NotFound,
            Self::Token(TokenError::Reused | TokenError::Store(_)) => Outcome::Fault,
        }
    }

    fn reply(self, token: &TokenName) -> AdminReply {
        match self {
            Self::Refused(reply) => reply,
            Self::Token(TokenError::NameTaken) => AdminReply::invalid(
                "name",
                "another token has it already, or one that differs only in case or in `-` for `_`",
            ),
            Self::Token(TokenError::Unknown) => AdminReply::NotFound {
                token: token.to_string(),
            },
            Self::Token(
                error @ (TokenError::TooMany | TokenError::Reused | TokenError::Store(_)),
            ) => AdminReply::Fault {
                cause: error.to_string(),
            },
        }
    }
}

impl Desk<'_> {
    /// Runs a change of the store between its intent, which is durable first, and its outcome.
    pub(super) async fn recorded(
        &self,
        act: Act,
        change: impl FnOnce() -> Result<Done, Undone>,
    ) -> Result<Arc<TokenRecord>, AdminReply> {
        let deadline = Instant::now() + limits::AUDIT_WAIT_MAX;
        let unavailable = |error: AuditUnavailable| AdminReply::Fault {
            cause: error.to_string(),
        };
        let audit = self.store.audit();
        let mut slot = audit.reserve(deadline).await.map_err(unavailable)?;
        let asked = act.payload.clone();
        let intent = self.record(&act, Phase::Intent, Outcome::Allowed, asked);
        slot.commit(intent).await.map_err(unavailable)?;
        let result = change();
        let (outcome, payload) = match &result {
            Ok(done) => (Outcome::Allowed, done.payload.clone()),
            Err(undone) => (undone.outcome(), None),
        };
        slot.send(self.record(&act, Phase::Outcome, outcome, payload));
        match result {
            Ok(done) => Ok(done.token),
            Err(undone) => Err(undone.reply(&act.token.1)),
        }
    }

    fn record(
        &self,
        act: &Act,
        phase: Phase,
        outcome: Outcome,
        payload: Option<Payload>,
    ) -> Record {
        let (id, name) = &act.token;
        Record {
            request_id: self.request_id.clone(),
            at: self.now,
            token_id: Some(id.clone()),
            token_name: Some(name.to_string()),
            principal: Some(self.principal.clone()),
            face: "admin".into(),
            method: act.method.into(),
            resource: format!("token:{name}"),
            outcome,
            client: match &self.principal {
                Principal::Local(uid) => Some(Client::Uid(*uid)),
                Principal::Token(_)
                | Principal::Session
                | Principal::HaAdmin(_)
                | Principal::Mqtt => None,
            },
            pass_through: act.pass_through,
            payload,
            stale_s: None,
            phase,
            count: 1,
        }
    }
}
