//! What happens to tokens by itself: they expire, and their nodes follow their entities.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use housekey_home::snapshot::{Revision, Snapshot};
use housekey_home::time::UtcMicros;
use housekey_store::audit::{Outcome, Phase, Record};
use housekey_store::{TokenId, TokenRecord};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::anchors;
use crate::gateway::Gateway;
use crate::limits;

/// One signal for each token in use: cancelled when the token ends.
#[derive(Default)]
pub(crate) struct Endings(Mutex<BTreeMap<TokenId, CancellationToken>>);

impl Endings {
    pub(crate) fn of(&self, token: &TokenId) -> CancellationToken {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(token.clone())
            .or_default()
            .clone()
    }

    pub(crate) fn end(&self, token: &TokenId) {
        let signal = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(token);
        if let Some(signal) = signal {
            signal.cancel();
        }
    }
}

impl Gateway {
    /// Does what time does, until `stop`: expires tokens, and ends the minutes of failed
    /// authentications.
    pub async fn keep_time(&self, stop: CancellationToken) {
        loop {
            let now = (self.0.surroundings.now)();
            let mut next = limits::TIME_CHECK;
            self.0.store.audit().tick(now);
            for token in self.0.store.tokens().list() {
                let Some(at) = token.expires_at else { continue };
                match u64::try_from(at.0 - now.0) {
                    Ok(left_us) if left_us > 0 => next = next.min(Duration::from_micros(left_us)),
                    Ok(_) | Err(_) => self.expire(&token, now),
                }
            }
            self.save_uses().await;
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Writes down when tokens were used last.
    async fn save_uses(&self) {
        let store = self.0.store.clone();
        let saved = tokio::task::spawn_blocking(move || store.tokens().flush_uses()).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last uses of tokens were not saved"),
            Err(error) => tracing::warn!(%error, "the last uses of tokens were not saved"),
        }
    }

    /// Archives a token whose time ran out. If the store cannot, the token stays closed all the
    /// same, because its time is looked at on each use.
    pub(crate) fn expire(&self, token: &TokenRecord, now: UtcMicros) {
        if let Err(error) = self.0.store.tokens().expire(&token.id, now) {
            tracing::warn!(token = %token.name, %error, "an expired token could not be archived");
        }
        self.forget(&token.id);
    }

    /// Keeps entity nodes on their entities whenever the home changes, until `stop`.
    pub async fn keep_anchors(&self, stop: CancellationToken) {
        let mut link = self.0.link.clone();
        let mut seen = None::<Revision>;
        loop {
            if let Some(home) = link.house().snapshot()
                && seen != Some(home.registry_revision())
            {
                seen = Some(home.registry_revision());
                for token in self.0.store.tokens().list() {
                    self.settle(&token, home).await;
                }
            }
            tokio::select! {
                more = link.changed() => if !more { return },
                () = stop.cancelled() => return,
            }
        }
    }

    async fn settle(&self, token: &TokenRecord, home: &Snapshot) {
        let Some((tree, moves)) = anchors::settled(&token.scope.tree, home) else {
            return;
        };
        let now = (self.0.surroundings.now)();
        let tokens = self.0.store.tokens();
        // The token may have changed since it was read; settle what is there now.
        let updated = tokens.update(&token.id, now, |edit| {
            if let Some((fresh, _)) = anchors::settled(&edit.scope.tree, home) {
                edit.scope.tree = fresh;
            }
        });
        drop(tree);
        if let Err(error) = updated {
            tracing::warn!(token = %token.name, %error, "entity nodes could not follow a rename");
            return;
        }
        for one in moves {
            tracing::info!(token = %token.name, from = %one.from, to = %one.to, "a node followed its entity");
            let Ok(slot) = self
                .0
                .store
                .audit()
                .reserve(Instant::now() + limits::AUDIT_WAIT_MAX)
                .await
            else {
                continue;
            };
            slot.send(Record {
                request_id: String::new(),
                at: now,
                token_id: Some(token.id.clone()),
                token_name: Some(token.name.to_string()),
                principal: None,
                face: "home".into(),
                method: "token.follow_rename".into(),
                resource: format!("{} -> {}", one.from, one.to),
                outcome: Outcome::Allowed,
                client: None,
                pass_through: token.scope.pass_through,
                payload: None,
                stale_s: None,
                phase: Phase::Outcome,
                count: 1,
            });
        }
    }
}
