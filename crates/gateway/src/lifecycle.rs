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

use crate::anchors::{self, Move};
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

    /// Moves nodes with their entities. A move is an act: it is on record before it happens, and
    /// without a record it does not happen; the registry id of a node opens the right entity all the
    /// same.
    async fn settle(&self, token: &TokenRecord, home: &Snapshot) {
        let Some((_, moves)) = anchors::settled(&token.scope.tree, home) else {
            return;
        };
        let now = (self.0.surroundings.now)();
        let request_id = TokenId::from_random(self.random_id().to_be_bytes()).to_string();
        let record = |one: &Move, phase, outcome| Record {
            request_id: request_id.clone(),
            at: now,
            token_id: Some(token.id.clone()),
            token_name: Some(token.name.to_string()),
            principal: None,
            face: "home".into(),
            method: "token.follow_rename".into(),
            resource: one.to_string(),
            outcome,
            client: None,
            pass_through: token.scope.pass_through,
            payload: None,
            stale_s: None,
            phase,
            count: 1,
        };
        let deadline = Instant::now() + limits::AUDIT_WAIT_MAX;
        let Ok(mut slot) = self.0.store.audit().reserve(deadline).await else {
            return;
        };
        for one in &moves {
            let intent = record(one, Phase::Intent, Outcome::Allowed);
            if slot.commit(intent).await.is_err() {
                return;
            }
        }
        // The token may have changed since it was read; settle what is there now.
        let updated = self.0.store.tokens().update(&token.id, now, |edit| {
            if let Some((fresh, _)) = anchors::settled(&edit.scope.tree, home) {
                edit.scope.tree = fresh;
            }
        });
        let outcome = match updated {
            Ok(_) => Outcome::Allowed,
            Err(error) => {
                tracing::warn!(token = %token.name, %error, "entity nodes could not follow a rename");
                Outcome::Fault
            }
        };
        for one in &moves {
            if outcome == Outcome::Allowed {
                tracing::info!(token = %token.name, moved = %one, "a node followed its entity");
            }
            if slot
                .commit(record(one, Phase::Outcome, outcome))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use housekey_home::id::RegistryId;
    use housekey_link::{Absence, House, Link};
    use housekey_policy::Scope;
    use housekey_policy::tree::{Anchor, Color, EntityNode, Node};
    use housekey_store::token::{NewToken, Rate};
    use housekey_store::{Principal, RawToken, Store, TokenName};
    use tokio::sync::watch;

    use super::*;
    use crate::anchors::tests::home;
    use crate::gateway::{GatewayConfig, Surroundings};

    fn denied(entity: &str, entry: &str) -> NewToken {
        let mut scope = Scope::default();
        let node = EntityNode {
            node: Node {
                color: Color::Red,
                hint: None,
            },
            anchor: Anchor::Registered(RegistryId::new(entry)),
        };
        let id = housekey_home::id::EntityId::parse(entity).unwrap();
        scope.tree.set_entity(id, node);
        NewToken {
            id: TokenId::from_random([1; 16]),
            name: TokenName::parse("kitchen").unwrap(),
            created_by: Principal::Session,
            expires_at: None,
            scope,
            rate: Rate::default(),
        }
    }

    #[tokio::test]
    async fn a_node_that_follows_a_rename_is_on_record_before_and_after() {
        let store = Arc::new(Store::in_memory().unwrap());
        let secret = RawToken::from_random([1; 32]);
        let made = store
            .tokens()
            .create(denied("light.a", "1"), &secret, UtcMicros(1));
        let token = made.unwrap();
        let why = Absence::Connecting;
        let (houses, house) = watch::channel(House::Absent { why });
        let surroundings = Surroundings {
            now: Arc::new(|| UtcMicros(2)),
            random: Arc::new(|| [7; 32]),
        };
        let link = Link::from_houses(house);
        let gateway = Gateway::new(store.clone(), link, surroundings, GatewayConfig::default());
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (gateway, stop) = (gateway.clone(), stop.clone());
            async move { gateway.keep_anchors(stop).await }
        });
        houses.send_replace(House::Live {
            snapshot: home(&[("light.b", "1")], &["light.b"]),
            starting: false,
        });
        let deadline = Instant::now() + Duration::from_secs(30);
        store.audit().grown(1, deadline).await;
        stop.cancel();
        task.await.unwrap();

        let token = store.tokens().get(&token.id).unwrap();
        let nodes: Vec<_> = token
            .scope
            .tree
            .entities()
            .map(|(id, _)| id.as_str())
            .collect();
        assert_eq!(nodes, ["light.b"]);
        let kept = store.audit().read_after(0, 10).unwrap();
        let phases = kept.iter().map(|kept| {
            assert_eq!(kept.record.resource, "light.a -> light.b");
            kept.record.phase
        });
        assert_eq!(phases.collect::<Vec<_>>(), [Phase::Intent, Phase::Outcome]);
        assert_eq!(kept[0].record.request_id, kept[1].record.request_id);
        assert!(!kept[0].record.request_id.is_empty());
    }
}
