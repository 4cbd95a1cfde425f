//! `Sessions`, which token opened which session, and how many there may be.
//!
//! The library lets any authenticated caller use any session and opens as many as are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use housekey_gateway::TokenId;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::limits::{SESSIONS_MAX, SESSIONS_PER_TOKEN_MAX};

/// The sessions that are open. The lock is held for a few instructions and never across a wait.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    manager: Arc<LocalSessionManager>,
    bound: Arc<Mutex<Bound>>,
}

#[derive(Debug, Default)]
struct Bound {
    sessions: BTreeMap<String, Session>,
    uses: u64,
}

#[derive(Debug)]
struct Session {
    token: TokenId,
    last_use: u64,
    /// Ends the task that waits for the end of the token.
    _watch: DropGuard,
}

/// What is known of a session that a request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Belongs {
    /// To the token of the request.
    Here,
    /// To another token.
    Elsewhere,
    /// There is none of that id.
    Nowhere,
}

impl Sessions {
    pub(super) fn new(manager: Arc<LocalSessionManager>) -> Self {
        Self {
            manager,
            bound: Arc::default(),
        }
    }

    /// Looks a session up for a token, which is a use of it.
    pub(super) fn find(&self, id: &str, token: &TokenId) -> Belongs {
        self.lock().find(id, token)
    }

    /// Binds a new session to its token, closing those that have to give way, until the token ends.
    pub(super) async fn bind(&self, id: String, token: TokenId, ended: CancellationToken) {
        let alive: Vec<String> = self
            .manager
            .sessions
            .read()
            .await
            .keys()
            .map(ToString::to_string)
            .collect();
        let closed = CancellationToken::new();
        let evicted = self
            .lock()
            .bind(&id, token, closed.clone().drop_guard(), &alive);
        for victim in evicted {
            self.close(&victim).await;
        }
        let sessions = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {
                    sessions.lock().sessions.remove(&id);
                    sessions.close(&id).await;
                }
                () = closed.cancelled() => {}
            }
        });
    }

    /// Forgets a session that its client closed.
    pub(super) fn forget(&self, id: &str) {
        self.lock().sessions.remove(id);
    }

    async fn close(&self, id: &str) {
        let id = id.to_owned().into();
        if let Err(error) = self.manager.close_session(&id).await {
            tracing::debug!(%error, "a session was already ending");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bound> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bound {
    fn find(&mut self, id: &str, token: &TokenId) -> Belongs {
        self.uses += 1;
        match self.sessions.get_mut(id) {
            None => Belongs::Nowhere,
            Some(session) if session.token != *token => Belongs::Elsewhere,
            Some(session) => {
                session.last_use = self.uses;
                Belongs::Here
            }
        }
    }

    /// Returns the sessions that give way. Those that the library has ended do not count.
    fn bind(
        &mut self,
        id: &str,
        token: TokenId,
        watch: DropGuard,
        alive: &[String],
    ) -> Vec<String> {
        self.sessions.retain(|known, _| alive.contains(known));
        let mut evicted = Vec::new();
        let of_token = |session: &Session| session.token == token;
        while self
            .sessions
            .values()
            .filter(|session| of_token(session))
            .count()
            >= SESSIONS_PER_TOKEN_MAX
        {
            evicted.extend(self.take_oldest(of_token));
        }
        while self.sessions.len() >= SESSIONS_MAX {
            evicted.extend(self.take_oldest(|_| true));
        }
        self.uses += 1;
        let session = Session {
            token,
            last_use: self.uses,
            _watch: watch,
        };
        self.sessions.insert(id.to_owned(), session);
        evicted
    }

    fn take_oldest(&mut self, which: impl Fn(&Session) -> bool) -> Option<String> {
        let candidates = self.sessions.iter().filter(|(_, session)| which(session));
        let id = candidates
            .min_by_key(|(_, session)| session.last_use)
            .map(|(id, _)| id.clone())?;
        self.sessions.remove(&id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u8) -> TokenId {
        TokenId::from_random([number; 16])
    }

    fn bind(bound: &mut Bound, id: &str, of: u8) -> Vec<String> {
        let mut alive: Vec<String> = bound.sessions.keys().cloned().collect();
        alive.push(id.to_owned());
        bound.bind(id, token(of), CancellationToken::new().drop_guard(), &alive)
    }

    #[test]
    fn a_session_belongs_to_the_token_that_opened_it() {
        let mut bound = Bound::default();
        bind(&mut bound, "a", 1);
        assert_eq!(bound.find("a", &token(1)), Belongs::Here);
        assert_eq!(bound.find("a", &token(2)), Belongs::Elsewhere);
        assert_eq!(bound.find("b", &token(1)), Belongs::Nowhere);
    }

    #[test]
    fn the_session_unused_for_longest_gives_way() {
        let mut bound = Bound::default();
        for at in 0..SESSIONS_PER_TOKEN_MAX {
            assert!(bind(&mut bound, &format!("s{at}"), 1).is_empty());
        }
        bound.find("s0", &token(1));
        assert!(bind(&mut bound, "other", 2).is_empty());
        assert_eq!(bind(&mut bound, "new", 1), ["s1"]);
        assert_eq!(bound.find("s0", &token(1)), Belongs::Here);
        assert_eq!(bound.find("other", &token(2)), Belongs::Here);
    }

    #[test]
    fn there_is_an_end_to_all_sessions_together() {
        let mut bound = Bound::default();
        let tokens = u8::try_from(SESSIONS_MAX / SESSIONS_PER_TOKEN_MAX).unwrap();
        for of in 0..tokens {
            for at in 0..SESSIONS_PER_TOKEN_MAX {
                assert!(bind(&mut bound, &format!("{of}-{at}"), of).is_empty());
            }
        }
        assert_eq!(bind(&mut bound, "one more", tokens), ["0-0"]);
        assert_eq!(bound.sessions.len(), SESSIONS_MAX);
    }

    #[test]
    fn sessions_that_have_ended_do_not_count() {
        let mut bound = Bound::default();
        for at in 0..SESSIONS_PER_TOKEN_MAX {
            bind(&mut bound, &format!("s{at}"), 1);
        }
        let watch = CancellationToken::new().drop_guard();
        assert!(
            bound
                .bind("new", token(1), watch, &["new".to_owned(), "s3".to_owned()])
                .is_empty()
        );
        assert_eq!(bound.sessions.len(), 2);
    }
}
