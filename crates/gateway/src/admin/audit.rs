//! What an owner reads of the audit.

use std::time::Duration;

use housekey_store::audit::{Audit, Kept, Outcome, Record};
use housekey_store::{StoreError, TokenId};
use tokio::time::Instant;

use super::{AdminReply, Desk};
use crate::limits;

/// Which records.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// At most so many.
    pub limit: usize,
    /// Those after this number, the oldest first; without it the newest.
    pub after: Option<u64>,
    /// How long to wait for one after that number, if there is none.
    pub wait: Duration,
    /// Those of one token, by id or name.
    pub token: Option<String>,
    /// Those with one outcome, by name.
    pub outcome: Option<String>,
}

/// What a record must have.
struct Filter {
    token: Option<Named>,
    outcome: Option<Outcome>,
}

enum Named {
    Id(TokenId),
    /// The name at the time of the record: names are reused.
    Name(String),
}

impl Filter {
    fn of(query: &AuditQuery) -> Result<Self, AdminReply> {
        let outcome = query.outcome.as_deref().map(|name| {
            Outcome::from_name(name).ok_or_else(|| {
                let known = Outcome::ALL.map(Outcome::name).join(", ");
                let problem = format!("{name:?} is no outcome; there are {known}");
                AdminReply::invalid("outcome", problem)
            })
        });
        let token = query
            .token
            .as_ref()
            .map(|token| match TokenId::parse(token) {
                Some(id) => Named::Id(id),
                None => Named::Name(token.clone()),
            });
        Ok(Self {
            token,
            outcome: outcome.transpose()?,
        })
    }

    fn takes(&self, record: &Record) -> bool {
        let is_of_token = match &self.token {
            None => true,
            Some(Named::Id(id)) => record.token_id.as_ref() == Some(id),
            Some(Named::Name(name)) => record.token_name.as_ref() == Some(name),
        };
        is_of_token && self.outcome.is_none_or(|outcome| outcome == record.outcome)
    }
}

impl Desk<'_> {
    pub(super) async fn read_audit(&self, query: AuditQuery) -> AdminReply {
        let max = limits::AUDIT_ANSWER_RECORDS_MAX;
        if query.limit == 0 || query.limit > max {
            let problem = format!("{}: expected 1 to {max}", query.limit);
            return AdminReply::invalid("limit", problem);
        }
        let filter = match Filter::of(&query) {
            Ok(filter) => filter,
            Err(invalid) => return invalid,
        };
        let audit = self.store.audit().clone();
        if let Some(after) = query.after {
            let wait = query.wait.min(limits::AUDIT_FOLLOW_MAX);
            audit.grown(after, Instant::now() + wait).await;
        }
        let read = blocking(move || read(&audit, &query, &filter)).await;
        read.unwrap_or_else(fault)
    }

    pub(super) async fn show_request(&self, request_id: String) -> AdminReply {
        let audit = self.store.audit().clone();
        let asked = request_id.clone();
        let max = limits::AUDIT_ANSWER_RECORDS_MAX;
        match blocking(move || audit.of_request(&asked, max)).await {
            Ok(records) if records.is_empty() => AdminReply::NoSuchRequest { request_id },
            Ok(records) => AdminReply::Records {
                last: records.last().map_or(0, |kept| kept.seq),
                records,
            },
            Err(error) => fault(error),
        }
    }

    pub(super) async fn check_audit(&self) -> AdminReply {
        let audit = self.store.audit().clone();
        match blocking(move || audit.check()).await {
            Ok(chain) => AdminReply::Chain(chain),
            Err(error) => fault(error),
        }
    }
}

/// Records, the oldest first, and the number after which the next ones come.
fn read(audit: &Audit, query: &AuditQuery, filter: &Filter) -> Result<AdminReply, StoreError> {
    let (records, last) = match query.after {
        Some(after) => {
            let all = audit.read_after(after, query.limit)?;
            let last = all.last().map_or(after, |kept| kept.seq);
            let taken = all.into_iter().filter(|kept| filter.takes(&kept.record));
            (taken.collect(), last)
        }
        None => {
            let newest = audit.read(1, 0)?.first().map_or(0, |kept| kept.seq);
            let mut newest_first: Vec<Kept> =
                audit.read_where(usize::MAX, query.limit, 0, |record| filter.takes(record))?;
            newest_first.reverse();
            let last = newest_first
                .last()
                .map_or(newest, |kept| kept.seq.max(newest));
            (newest_first, last)
        }
    };
    Ok(AdminReply::Records { records, last })
}

/// Reads of the disk take a thread that may wait.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(read).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Closed),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of the error")]
fn fault(error: StoreError) -> AdminReply {
    AdminReply::Fault {
        cause: error.to_string(),
    }
}
