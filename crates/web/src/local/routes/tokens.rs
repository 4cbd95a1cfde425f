//! Tokens, from their making to their end.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use housekey_gateway::{
    AdminRequest, Gateway, GrantEdit, Grants, Rate, TokenChange, TokenOrder, UtcMicros,
};
use serde::{Deserialize, Deserializer};

use super::{Asker, invalid};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    name: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    pass_through: bool,
    #[serde(default)]
    use_assist_exposure: bool,
    rate_per_minute: Option<u32>,
    rate_burst: Option<u32>,
    expires_at: Option<String>,
}

impl Order {
    fn understood(self) -> Result<TokenOrder, String> {
        let expires_at = self.expires_at.as_deref().map(time).transpose()?;
        let rate = Rate::default();
        Ok(TokenOrder {
            name: self.name,
            grants: Grants {
                read: self.read,
                write: self.write,
                deny: self.deny,
            },
            pass_through: self.pass_through,
            use_assist_exposure: self.use_assist_exposure,
            rate_per_minute: self.rate_per_minute.unwrap_or(rate.per_minute),
            rate_burst: self.rate_burst.unwrap_or(rate.burst),
            expires_at,
        })
    }
}

fn time(text: &str) -> Result<UtcMicros, String> {
    UtcMicros::parse_iso_utc(text)
        .ok_or_else(|| format!("{text:?} is no time; expected 2027-01-31T12:00:00Z"))
}

/// Other grants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    clear: Vec<String>,
}

/// Other limits, capabilities or another name; what is not there stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    name: Option<String>,
    /// Null for never.
    #[serde(default, deserialize_with = "present")]
    expires_at: Option<Option<String>>,
    rate_per_minute: Option<u32>,
    rate_burst: Option<u32>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    forbid: Vec<String>,
    pass_through: Option<bool>,
    use_assist_exposure: Option<bool>,
    suspended: Option<bool>,
}

/// A null that is there is something else than nothing.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Change {
    fn understood(self) -> Result<TokenChange, String> {
        let expires_at = match self.expires_at {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => Some(Some(time(&text)?)),
        };
        Ok(TokenChange {
            name: self.name,
            expires_at,
            rate_per_minute: self.rate_per_minute,
            rate_burst: self.rate_burst,
            allow: self.allow,
            forbid: self.forbid,
            pass_through: self.pass_through,
            use_assist_exposure: self.use_assist_exposure,
            suspended: self.suspended,
        })
    }
}

pub(super) async fn permit(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
    edit: Result<Json<Edit>, JsonRejection>,
) -> Response {
    let edit = match edit {
        Ok(Json(edit)) => edit,
        Err(rejection) => return invalid("body", &rejection.body_text()),
    };
    let edit = GrantEdit {
        set: Grants {
            read: edit.read,
            write: edit.write,
            deny: edit.deny,
        },
        clear: edit.clear,
    };
    let request = AdminRequest::PermitToken { token, edit };
    asker.ask(&gateway, request).await
}

pub(super) async fn change(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
    change: Result<Json<Change>, JsonRejection>,
) -> Response {
    let change = match change {
        Ok(Json(change)) => change,
        Err(rejection) => return invalid("body", &rejection.body_text()),
    };
    match change.understood() {
        Ok(change) => {
            let request = AdminRequest::ChangeToken { token, change };
            asker.ask(&gateway, request).await
        }
        Err(problem) => invalid("expires_at", &problem),
    }
}

pub(super) async fn rotate(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
) -> Response {
    let request = AdminRequest::RotateToken { token };
    asker.ask(&gateway, request).await
}

pub(super) async fn scope(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
) -> Response {
    asker.ask(&gateway, AdminRequest::Scope { token }).await
}

pub(super) async fn create(
    State(gateway): State<Gateway>,
    asker: Asker,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(rejection) => return invalid("body", &rejection.body_text()),
    };
    match order.understood() {
        Ok(order) => asker.ask(&gateway, AdminRequest::CreateToken(order)).await,
        Err(problem) => invalid("expires_at", &problem),
    }
}

pub(super) async fn list(
    State(gateway): State<Gateway>,
    asker: Asker,
    RawQuery(query): RawQuery,
) -> Response {
    let archived = match query.as_deref() {
        None | Some("" | "archived=false") => false,
        Some("archived=true") => true,
        Some(query) => {
            return invalid(
                "query",
                &format!("{query:?}: expected archived=true or false"),
            );
        }
    };
    asker
        .ask(&gateway, AdminRequest::ListTokens { archived })
        .await
}

pub(super) async fn show(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
) -> Response {
    asker.ask(&gateway, AdminRequest::ShowToken { token }).await
}

pub(super) async fn revoke(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path(token): Path<String>,
) -> Response {
    asker
        .ask(&gateway, AdminRequest::RevokeToken { token })
        .await
}

pub(super) async fn explain(
    State(gateway): State<Gateway>,
    asker: Asker,
    Path((token, entity)): Path<(String, String)>,
) -> Response {
    asker
        .ask(&gateway, AdminRequest::Explain { token, entity })
        .await
}
