//! The audit, for its owner.

use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use housekey_gateway::{AdminRequest, AuditQuery, Gateway};

use super::{Asker, invalid};

/// How many records there are without a word about it.
const LIMIT_DEFAULT: usize = 100;

/// `limit`, `after`, `wait_s`, `token` and `outcome`.
fn understood(query: &str) -> Result<AuditQuery, (&'static str, String)> {
    let mut asked = AuditQuery {
        limit: LIMIT_DEFAULT,
        ..AuditQuery::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = |field: &'static str| {
            let expected = format!("{value:?}: expected a whole number");
            value.parse::<u64>().map_err(|_| (field, expected))
        };
        match key {
            "limit" => asked.limit = usize::try_from(number("limit")?).unwrap_or(usize::MAX),
            "after" => asked.after = Some(number("after")?),
            "wait_s" => asked.wait = Duration::from_secs(number("wait_s")?),
            "token" => asked.token = Some(value.to_owned()),
            "outcome" => asked.outcome = Some(value.to_owned()),
            _ => {
                let expected = "expected limit, after, wait_s, token and outcome";
                return Err(("query", format!("{key:?}: {expected}")));
            }
        }
    }
    Ok(asked)
}

pub(super) async fn read(
    State(gateway): State<Gateway>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Response {
    match understood(query.as_deref().unwrap_or_default()) {
        Ok(query) => asker.ask(&gateway, AdminRequest::ReadAudit(query)).await,
        Err((field, problem)) => invalid(field, &problem),
    }
}

pub(super) async fn of_request(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(request_id): Path<String>,
) -> Response {
    let request = AdminRequest::ShowRequest { request_id };
    asker.ask(&gateway, request).await
}

pub(super) async fn check(State(gateway): State<Gateway>, asker: Asker) -> Response {
    asker.ask(&gateway, AdminRequest::CheckAudit).await
}
