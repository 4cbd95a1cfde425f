//! What is changed of a token beside its grants, and its new secret.

use housekey_home::time::UtcMicros;
use housekey_policy::capability::{Capability, Extent};
use housekey_store::token::TokenEdit;
use housekey_store::{RawToken, TokenName};

use super::acts::Act;
use super::create::{name, rate, rate_is_possible};
use super::said::Said;
use super::{AdminReply, Desk};

/// What is to be changed of a token; what is `None` or empty stays.
#[derive(Clone, Debug, Default)]
pub struct TokenChange {
    /// Its name.
    pub name: Option<String>,
    /// When its time runs out; `Some(None)` for never.
    pub expires_at: Option<Option<UtcMicros>>,
    /// Requests a minute, 0 for no limit.
    pub rate_per_minute: Option<u32>,
    /// Requests a second, 0 for no limit.
    pub rate_burst: Option<u32>,
    /// Capabilities that it gets, by name.
    pub allow: Vec<String>,
    /// Capabilities that it loses, by name.
    pub forbid: Vec<String>,
    /// Whether it passes through.
    pub pass_through: Option<bool>,
    /// Whether it opens nothing that is not exposed to the assistant.
    pub use_assist_exposure: Option<bool>,
    /// Whether it opens nothing for the time being.
    pub suspended: Option<bool>,
}

/// A change of which everything is possible.
struct Checked {
    name: Option<TokenName>,
    allow: Vec<Capability>,
    forbid: Vec<Capability>,
}

impl TokenChange {
    fn said(&self) -> Said {
        let mut said = Said::default();
        if let Some(name) = &self.name {
            said = said.text("name", name);
        }
        match self.expires_at {
            Some(Some(at)) => said = said.text("expires_at", &at.iso_utc().to_string()),
            Some(None) => said = said.plain("expires_at", "null"),
            None => {}
        }
        for (key, number) in [
            ("rate_per_minute", self.rate_per_minute),
            ("rate_burst", self.rate_burst),
        ] {
            if let Some(number) = number {
                said = said.plain(key, number);
            }
        }
        said = said
            .texts("allow", &self.allow)
            .texts("forbid", &self.forbid);
        for (key, flag) in [
            ("pass_through", self.pass_through),
            ("use_assist_exposure", self.use_assist_exposure),
            ("suspended", self.suspended),
        ] {
            if let Some(flag) = flag {
                said = said.plain(key, flag);
            }
        }
        said
    }

    fn checked(&self) -> Result<Checked, AdminReply> {
        for (field, value) in [
            ("rate_per_minute", self.rate_per_minute),
            ("rate_burst", self.rate_burst),
        ] {
            rate_is_possible(field, value.unwrap_or(0))?;
        }
        let checked = Checked {
            name: self.name.as_deref().map(name).transpose()?,
            allow: capabilities("allow", &self.allow)?,
            forbid: capabilities("forbid", &self.forbid)?,
        };
        if let Some(both) = checked
            .allow
            .iter()
            .find(|one| checked.forbid.contains(one))
        {
            let problem = format!("{} is to be allowed and forbidden", both.name());
            return Err(AdminReply::invalid("allow", problem));
        }
        Ok(checked)
    }

    fn apply(&self, checked: Checked, edit: &mut TokenEdit) {
        if let Some(name) = checked.name {
            edit.name = name;
        }
        edit.expires_at = self.expires_at.unwrap_or(edit.expires_at);
        edit.rate = rate(
            self.rate_per_minute.unwrap_or(edit.rate.per_minute),
            self.rate_burst.unwrap_or(edit.rate.burst),
        );
        for capability in checked.allow {
            edit.scope.capabilities.set(capability, Extent::On);
        }
        for capability in checked.forbid {
            edit.scope.capabilities.set(capability, Extent::Off);
        }
        let scope = &mut edit.scope;
        scope.pass_through = self.pass_through.unwrap_or(scope.pass_through);
        scope.use_assist_exposure = self
            .use_assist_exposure
            .unwrap_or(scope.use_assist_exposure);
        edit.suspended = self.suspended.unwrap_or(edit.suspended);
    }
}

fn capabilities(field: &'static str, names: &[String]) -> Result<Vec<Capability>, AdminReply> {
    let capability = |name: &String| {
        let wanted = name.replace('-', "_");
        Capability::from_name(&wanted).ok_or_else(|| {
            let known = Capability::ALL.map(Capability::name).join(", ");
            AdminReply::invalid(
                field,
                format!("{name:?} is no capability; there are {known}"),
            )
        })
    };
    names.iter().map(capability).collect()
}

impl Desk<'_> {
    pub(super) async fn change(&self, token: String, change: TokenChange) -> AdminReply {
        let Some(record) = self.living(&token) else {
            return AdminReply::NotFound { token };
        };
        let said = change.said();
        if said.is_empty() {
            return AdminReply::invalid("change", "there is nothing to change");
        }
        let checked = self
            .is_to_come(change.expires_at.flatten())
            .and_then(|()| change.checked());
        let checked = match checked {
            Ok(checked) => checked,
            Err(invalid) => return invalid,
        };
        let act = Act::on("token.change", &record, said.payload());
        let changed = self.recorded(act, || {
            let edit = |edit: &mut TokenEdit| change.apply(checked, edit);
            Ok(self
                .store
                .tokens()
                .update(&record.id, self.now, edit)?
                .into())
        });
        match changed.await {
            Ok(token) => AdminReply::Changed {
                remarks: remarks(&change, &token.scope),
                token,
            },
            Err(refusal) => refusal,
        }
    }

    pub(super) async fn rotate(&self, token: String) -> AdminReply {
        let Some(record) = self.living(&token) else {
            return AdminReply::NotFound { token };
        };
        let secret = RawToken::from_random((self.random)());
        let act = Act::on("token.rotate", &record, None);
        let rotated = self.recorded(act, || {
            Ok(self
                .store
                .tokens()
                .rotate(&record.id, &secret, self.now)?
                .into())
        });
        match rotated.await {
            Ok(token) => AdminReply::Rotated { token, secret },
            Err(refusal) => refusal,
        }
    }

    pub(super) async fn revoke(&self, token: String) -> AdminReply {
        let Some(record) = self.living(&token) else {
            return AdminReply::NotFound { token };
        };
        let act = Act::on("token.revoke", &record, None);
        let revoked = self.recorded(act, || {
            Ok(self.store.tokens().revoke(&record.id, self.now)?.into())
        });
        match revoked.await {
            Ok(record) => AdminReply::Revoked(record),
            Err(refusal) => refusal,
        }
    }
}

fn remarks(change: &TokenChange, scope: &housekey_policy::Scope) -> Vec<String> {
    let tree = &scope.tree;
    let has_grants = tree.domains().next().is_some()
        || tree.devices().next().is_some()
        || tree.entities().next().is_some();
    let sleeps = change.pass_through == Some(true) && has_grants;
    let remark = "its grants are kept and count again once it no longer passes through";
    sleeps.then(|| remark.to_owned()).into_iter().collect()
}
