//! What an owner may ask: the life of tokens, and why a token may do what.
//!
//! The same function serves a running server and a command line that opens the store by itself; only
//! what needs the live home says so when there is none.

mod grants;

use std::sync::Arc;

use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_home::time::UtcMicros;
use housekey_policy::verdict::Explanation;
use housekey_policy::{Scope, explain};
use housekey_store::audit::{Client, Outcome, Phase, Record};
use housekey_store::token::{NewToken, Rate};
use housekey_store::{Principal, RawToken, Store, TokenError, TokenId, TokenName, TokenRecord};
use tokio::time::Instant;

pub use grants::Grants;
pub(crate) use grants::anchor_in;

use crate::limits;

/// What an owner asks.
#[derive(Debug)]
pub enum AdminRequest {
    /// A new token.
    CreateToken(TokenOrder),
    /// All tokens; archived ones instead with the flag.
    ListTokens {
        /// Expired and revoked ones.
        archived: bool,
    },
    /// One token, by id or name.
    ShowToken {
        /// Id or name.
        token: String,
    },
    /// Why a token may or may not read and write an entity.
    Explain {
        /// Id or name.
        token: String,
        /// Entity id.
        entity: String,
    },
    /// Ends a token for good.
    RevokeToken {
        /// Id or name.
        token: String,
    },
}

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

/// What an owner gets.
#[derive(Debug)]
pub enum AdminReply {
    /// The token was made; its secret is shown this once.
    Created {
        /// What is known of it.
        token: Arc<TokenRecord>,
        /// Its secret.
        secret: RawToken,
        /// What the owner may want to know, such as a grant for something that does not exist.
        remarks: Vec<String>,
    },
    /// Tokens.
    Tokens(Vec<Arc<TokenRecord>>),
    /// One token.
    Token(Arc<TokenRecord>),
    /// Why.
    Explained {
        /// The entity that was asked for.
        entity: EntityId,
        /// The verdict with its steps.
        explanation: Explanation,
    },
    /// The token has ended.
    Revoked(Arc<TokenRecord>),
    /// Something in the request cannot be.
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// No such token.
    NotFound {
        /// What was asked for.
        token: String,
    },
    /// Only a running server with a loaded home can say.
    NeedsLiveHome,
    /// Something is broken.
    Fault {
        /// What.
        cause: String,
    },
}

/// Everything that an admin request works on.
pub struct Desk<'a> {
    /// The store.
    pub store: &'a Store,
    /// The live home, if there is one.
    pub home: Option<Snapshot>,
    /// Who asks.
    pub principal: Principal,
    /// Names the request.
    pub request_id: String,
    /// The time.
    pub now: UtcMicros,
    /// Where secrets and ids come from.
    pub random: &'a (dyn Fn() -> [u8; 32] + Send + Sync),
}

impl Desk<'_> {
    /// Does what is asked. An act is on record before it happens, its outcome after; reads of the
    /// owner leave no record.
    pub async fn perform(&self, request: AdminRequest) -> AdminReply {
        match request {
            AdminRequest::CreateToken(order) => self.create(order).await,
            AdminRequest::ListTokens { archived: false } => {
                AdminReply::Tokens(self.store.tokens().list())
            }
            AdminRequest::ListTokens { archived: true } => {
                AdminReply::Tokens(self.store.tokens().archived())
            }
            AdminRequest::ShowToken { token } => match self.find(&token) {
                Some(record) => AdminReply::Token(record),
                None => AdminReply::NotFound { token },
            },
            AdminRequest::Explain { token, entity } => self.explain(token, &entity),
            AdminRequest::RevokeToken { token } => self.revoke(token).await,
        }
    }

    /// A token by id or name; archived ones by id only, because names are reused.
    fn find(&self, token: &str) -> Option<Arc<TokenRecord>> {
        let tokens = self.store.tokens();
        if let Some(id) = TokenId::parse(token) {
            let archived = || tokens.archived().into_iter().find(|record| record.id == id);
            return tokens.get(&id).or_else(archived);
        }
        tokens.by_name(&TokenName::parse(token).ok()?)
    }

    fn explain(&self, token: String, entity: &str) -> AdminReply {
        let Some(record) = self.find(&token) else {
            return AdminReply::NotFound { token };
        };
        let Ok(entity) = EntityId::parse(entity) else {
            return AdminReply::Invalid {
                field: "entity",
                problem: format!(
                    "{entity:?} is no entity id; expected something like light.kitchen"
                ),
            };
        };
        match &self.home {
            None => AdminReply::NeedsLiveHome,
            Some(home) => {
                let explanation = explain(home, &record.scope, &entity);
                AdminReply::Explained {
                    entity,
                    explanation,
                }
            }
        }
    }

    async fn create(&self, order: TokenOrder) -> AdminReply {
        let (new, remarks) = match self.checked(&order) {
            Ok(checked) => checked,
            Err(invalid) => return invalid,
        };
        let secret = RawToken::from_random((self.random)());
        let resource = format!("token:{}", new.name);
        let created = self.recorded("token.create", resource, || {
            self.store.tokens().create(new, &secret, self.now)
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
        let invalid = |field, problem| AdminReply::Invalid { field, problem };
        let name = TokenName::parse(&order.name)
            .map_err(|error| invalid("name", format!("{:?}: {error}", order.name)))?;
        for (field, value) in [
            ("rate_per_minute", order.rate_per_minute),
            ("rate_burst", order.rate_burst),
        ] {
            if value > limits::RATE_MAX {
                let max = limits::RATE_MAX;
                return Err(invalid(
                    field,
                    format!("{value} is too much; allowed is 0 to {max}"),
                ));
            }
        }
        if order.expires_at.is_some_and(|at| at <= self.now) {
            return Err(invalid(
                "expires_at",
                "lies in the past; it must be a time to come".into(),
            ));
        }
        if order.pass_through && !order.grants.is_empty() {
            let problem = "a pass-through token reads and writes everything, so grants have no \
                           effect; leave out one or the other";
            return Err(invalid("pass_through", problem.into()));
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
        let burst = if order.rate_per_minute == 0 {
            0
        } else {
            order.rate_burst
        };
        let new = NewToken {
            id: TokenId::from_random(id),
            name,
            created_by: self.principal.clone(),
            expires_at: order.expires_at,
            scope,
            rate: Rate {
                per_minute: order.rate_per_minute,
                burst,
            },
        };
        Ok((new, remarks))
    }

    async fn revoke(&self, token: String) -> AdminReply {
        let Some(record) = self.find(&token).filter(|record| !record.status.is_ended()) else {
            return AdminReply::NotFound { token };
        };
        let revoked = self.recorded("token.revoke", format!("token:{}", record.name), || {
            self.store.tokens().revoke(&record.id, self.now)
        });
        match revoked.await {
            Ok(record) => AdminReply::Revoked(record),
            Err(refusal) => refusal,
        }
    }

    /// Runs a change of the store between its intent, which is durable first, and its outcome.
    async fn recorded(
        &self,
        method: &'static str,
        resource: String,
        change: impl FnOnce() -> Result<Arc<TokenRecord>, TokenError>,
    ) -> Result<Arc<TokenRecord>, AdminReply> {
        let deadline = Instant::now() + limits::AUDIT_WAIT_MAX;
        let unavailable = |error: housekey_store::AuditUnavailable| AdminReply::Fault {
            cause: error.to_string(),
        };
        let mut slot = self
            .store
            .audit()
            .reserve(deadline)
            .await
            .map_err(unavailable)?;
        let intent = self.record(method, &resource, Phase::Intent, Outcome::Allowed);
        slot.commit(intent).await.map_err(unavailable)?;
        let result = change();
        let outcome = match &result {
            Ok(_) => Outcome::Allowed,
            Err(TokenError::NameTaken | TokenError::TooMany) => Outcome::Denied,
            Err(TokenError::Unknown) => Outcome::NotFound,
            Err(TokenError::Reused | TokenError::Store(_)) => Outcome::Fault,
        };
        slot.send(self.record(method, &resource, Phase::Outcome, outcome));
        result.map_err(|error| match error {
            TokenError::NameTaken => AdminReply::Invalid {
                field: "name",
                problem:
                    "another token has it already, or one that differs only in case or in `-` \
                          for `_`"
                        .into(),
            },
            TokenError::Unknown => AdminReply::NotFound { token: resource },
            TokenError::TooMany | TokenError::Reused | TokenError::Store(_) => AdminReply::Fault {
                cause: error.to_string(),
            },
        })
    }

    fn record(
        &self,
        method: &'static str,
        resource: &str,
        phase: Phase,
        outcome: Outcome,
    ) -> Record {
        Record {
            request_id: self.request_id.clone(),
            at: self.now,
            token_id: None,
            token_name: None,
            principal: Some(self.principal.clone()),
            face: "admin".into(),
            method: method.into(),
            resource: resource.to_owned(),
            outcome,
            client: match &self.principal {
                Principal::Local(uid) => Some(Client::Uid(*uid)),
                Principal::Token(_)
                | Principal::Session
                | Principal::HaAdmin(_)
                | Principal::Mqtt => None,
            },
            pass_through: false,
            payload: None,
            stale_s: None,
            phase,
            count: 1,
        }
    }
}
