//! An owner who makes, changes and ends tokens until nobody answers, and keeps what was acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::Sender;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::http::{Answer, ask};
use crate::program::unix;

const TOKENS: &str = "/api/admin/tokens";
const TOKENS_MAX: usize = 8;
/// What of a token is not durable, or is said once.
const PASSING: [&str; 4] = ["since_start", "last_used_at", "secret", "remarks"];

/// What an owner knows of the tokens that were made.
#[derive(Default)]
pub(crate) struct Owner {
    /// By id: the token as it was acknowledged last, and its secret unless that is in doubt.
    pub(crate) tokens: BTreeMap<String, (Value, Option<String>)>,
    /// Requests that were acknowledged since the last start.
    pub(crate) acknowledged: Vec<String>,
    /// What the last request was to do, if nobody answered it.
    pub(crate) in_doubt: Option<Doubt>,
    made: usize,
}

/// A request that nobody answered.
pub(crate) enum Doubt {
    /// A token of this name was to be made.
    Made(String),
    /// The token of this id was to be changed or ended.
    Changed(String),
}

/// A token without what passes.
pub(crate) fn lasting(token: &Value) -> Value {
    let mut token = token.clone();
    if let Some(members) = token.as_object_mut() {
        members.retain(|key, _| !PASSING.contains(&key.as_str()));
    }
    token
}

fn text(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

impl Owner {
    /// Acts until nobody answers.
    pub(crate) fn act(&mut self, socket: &Path, dice: &mut Dice, done: &Sender<()>) -> Result<()> {
        self.acknowledged.clear();
        while self.act_once(socket, dice)? {
            // The campaign may have counted enough.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Whether there was an answer. A refusal is an error: nothing is asked that cannot be.
    fn act_once(&mut self, socket: &Path, dice: &mut Dice) -> Result<bool> {
        let ids: Vec<String> = self.tokens.keys().cloned().collect();
        let id = ids.get(dice.below(ids.len())).cloned();
        let (method, path, body, doubt) = match (id, dice.below(4)) {
            (Some(id), 0) => (
                "PATCH",
                format!("{TOKENS}/{id}"),
                json!({"rate_per_minute": dice.below(1000), "suspended": false}),
                Doubt::Changed(id),
            ),
            (Some(id), 1) => (
                "POST",
                format!("{TOKENS}/{id}/grants"),
                json!({"write": [format!("light.l{}", dice.below(9))], "clear": ["sensor"]}),
                Doubt::Changed(id),
            ),
            (Some(id), 2) => (
                "POST",
                format!("{TOKENS}/{id}/rotate"),
                Value::Null,
                Doubt::Changed(id),
            ),
            (Some(id), _) if ids.len() >= TOKENS_MAX => (
                "DELETE",
                format!("{TOKENS}/{id}"),
                Value::Null,
                Doubt::Changed(id),
            ),
            (Some(_) | None, _) => {
                self.made += 1;
                let name = format!("token-{}", self.made);
                let order =
                    json!({"name": name, "read": ["light", "sensor"], "rate_per_minute": 0});
                ("POST", TOKENS.to_owned(), order, Doubt::Made(name))
            }
        };
        match unix(socket).and_then(|stream| ask(stream, method, &path, None, &body)) {
            Ok(answer) => {
                ensure!(answer.status < 300, "{method} {path} {body}: {answer:?}");
                self.note(&answer);
                Ok(true)
            }
            Err(_) => {
                self.in_doubt = Some(doubt);
                Ok(false)
            }
        }
    }

    fn note(&mut self, answer: &Answer) {
        self.acknowledged.push(answer.request_id.clone());
        let (id, secret) = (text(&answer.body, "id"), text(&answer.body, "secret"));
        if text(&answer.body, "status") == "revoked" {
            self.tokens.remove(&id);
            return;
        }
        let before = self.tokens.remove(&id).and_then(|(_, secret)| secret);
        let secret = Some(secret).filter(|secret| !secret.is_empty()).or(before);
        self.tokens.insert(id, (lasting(&answer.body), secret));
    }

    /// Holds the tokens that are there to those that were acknowledged, and takes over what was in
    /// doubt.
    pub(crate) fn judge(&mut self, listed: &[Value]) -> Result<()> {
        let doubt = self.in_doubt.take();
        let mut there: BTreeMap<String, Value> = listed
            .iter()
            .map(|token| (text(token, "id"), lasting(token)))
            .collect();
        if let Some(Doubt::Changed(id)) = &doubt
            && let Some((before, secret)) = self.tokens.remove(id)
            && let Some(is) = there.remove(id)
        {
            let is_later = text(&is, "updated_at") > text(&before, "updated_at");
            ensure!(
                is == before || is_later,
                "neither as before nor changed: {is}"
            );
            let secret = secret.filter(|_| is == before);
            self.tokens.insert(id.clone(), (is.clone(), secret));
            there.insert(id.clone(), is);
        }
        for (id, (token, _)) in &self.tokens {
            let is = there.remove(id);
            ensure!(
                is.as_ref() == Some(token),
                "acknowledged was {token}, there is {is:?}"
            );
        }
        for (id, token) in there {
            let name = text(&token, "name");
            if !name.starts_with("token-") {
                continue;
            }
            let was_asked_for = matches!(&doubt, Some(Doubt::Made(made)) if *made == name);
            ensure!(was_asked_for, "nobody made {token}");
            self.tokens.insert(id, (token, None));
        }
        Ok(())
    }
}
