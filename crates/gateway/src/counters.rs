//! What a token was used for since the program started.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use housekey_store::TokenId;
use housekey_store::audit::Outcome;

/// Use of one token since the program started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Requests that were admitted.
    pub requests: u64,
    /// Requests that were denied or found nothing.
    pub denied: u64,
    /// Requests that came too early.
    pub rate_limited: u64,
}

/// Use of all tokens. The lock is held for a few instructions and never across a wait.
#[derive(Default, Debug)]
pub(crate) struct Counters(Mutex<BTreeMap<TokenId, Usage>>);

impl Counters {
    pub(crate) fn count(&self, token: &TokenId, outcome: Outcome) {
        let mut all = self.lock();
        let usage = all.entry(token.clone()).or_default();
        match outcome {
            Outcome::RateLimited => usage.rate_limited += 1,
            Outcome::Denied | Outcome::NotFound => {
                usage.requests += 1;
                usage.denied += 1;
            }
            Outcome::Allowed
            | Outcome::NotImplemented
            | Outcome::InvalidRequest
            | Outcome::Unauthorized
            | Outcome::Fault => usage.requests += 1,
        }
    }

    pub(crate) fn of(&self, token: &TokenId) -> Usage {
        self.lock().get(token).copied().unwrap_or_default()
    }

    pub(crate) fn forget(&self, token: &TokenId) {
        self.lock().remove(token);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TokenId, Usage>> {
        // Numbers stay numbers even if a thread died while it counted.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
