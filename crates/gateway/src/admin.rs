//! What an owner may ask: the life of tokens, and why a token may do what.
//!
//! The same function serves a running server and a command line that opens the store by itself; only
//! what needs the live home says so when there is none.

mod acts;
mod audit;
mod change;
mod create;
mod grants;
mod permit;
mod said;
mod scope;

use std::sync::Arc;

use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_home::time::UtcMicros;
use housekey_policy::explain;
use housekey_policy::verdict::Explanation;
use housekey_store::audit::{Chain, Kept};
use housekey_store::{Principal, RawToken, Store, TokenId, TokenName, TokenRecord, TokenStatus};

pub use audit::AuditQuery;
pub use change::TokenChange;
pub use create::TokenOrder;
pub use grants::Grants;
pub(crate) use grants::anchor_in;
pub use permit::GrantEdit;
pub use scope::{ScopeArea, ScopeEntity, ScopeListing};

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
    /// What a token can read and write in the live home.
    Scope {
        /// Id or name.
        token: String,
    },
    /// Other grants for a token.
    PermitToken {
        /// Id or name.
        token: String,
        /// Which.
        edit: GrantEdit,
    },
    /// Other limits, capabilities or another name for a token.
    ChangeToken {
        /// Id or name.
        token: String,
        /// What.
        change: TokenChange,
    },
    /// Another secret for a token; the one before opens nothing any more.
    RotateToken {
        /// Id or name.
        token: String,
    },
    /// Ends a token for good.
    RevokeToken {
        /// Id or name.
        token: String,
    },
    /// Records of the audit.
    ReadAudit(AuditQuery),
    /// All records of one request.
    ShowRequest {
        /// Its id.
        request_id: String,
    },
    /// Whether the audit is what was written.
    CheckAudit,
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
    /// What the token opens.
    Scope {
        /// The token.
        token: Arc<TokenRecord>,
        /// By area.
        listing: ScopeListing,
    },
    /// The token was changed.
    Changed {
        /// As it is from here on.
        token: Arc<TokenRecord>,
        /// What the owner may want to know.
        remarks: Vec<String>,
    },
    /// The token has another secret, shown this once.
    Rotated {
        /// What is known of it.
        token: Arc<TokenRecord>,
        /// Its secret.
        secret: RawToken,
    },
    /// The token has ended.
    Revoked(Arc<TokenRecord>),
    /// Records, the oldest first.
    Records {
        /// With their numbers.
        records: Vec<Kept>,
        /// The number after which the next ones come.
        last: u64,
    },
    /// What a check of the audit found.
    Chain(Chain),
    /// No record of such a request.
    NoSuchRequest {
        /// What was asked for.
        request_id: String,
    },
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

/// What must not go on after an act.
pub(crate) enum Ends<'a> {
    /// The token.
    Token(&'a TokenId),
    /// The streams that it has open.
    Streams(&'a TokenId),
}

impl AdminReply {
    fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            problem: problem.into(),
        }
    }

    /// What must not go on after this reply.
    pub(crate) fn ends(&self) -> Option<Ends<'_>> {
        match self {
            Self::Revoked(token) => Some(Ends::Token(&token.id)),
            Self::Rotated { token, .. } => Some(Ends::Streams(&token.id)),
            Self::Changed { token, .. } if token.status == TokenStatus::Suspended => {
                Some(Ends::Streams(&token.id))
            }
            Self::Changed { .. }
            | Self::Created { .. }
            | Self::Tokens(_)
            | Self::Token(_)
            | Self::Explained { .. }
            | Self::Scope { .. }
            | Self::Records { .. }
            | Self::Chain(_)
            | Self::NoSuchRequest { .. }
            | Self::Invalid { .. }
            | Self::NotFound { .. }
            | Self::NeedsLiveHome
            | Self::Fault { .. } => None,
        }
    }
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
            AdminRequest::Scope { token } => self.scope(token),
            AdminRequest::PermitToken { token, edit } => self.permit(token, edit).await,
            AdminRequest::ChangeToken { token, change } => self.change(token, change).await,
            AdminRequest::RotateToken { token } => self.rotate(token).await,
            AdminRequest::RevokeToken { token } => self.revoke(token).await,
            AdminRequest::ReadAudit(query) => self.read_audit(query).await,
            AdminRequest::ShowRequest { request_id } => self.show_request(request_id).await,
            AdminRequest::CheckAudit => self.check_audit().await,
        }
    }

    /// A token that has not ended.
    fn living(&self, token: &str) -> Option<Arc<TokenRecord>> {
        self.find(token).filter(|record| !record.status.is_ended())
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
}

#[cfg(test)]
mod tests;
