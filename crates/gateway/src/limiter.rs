//! The sliding window that decides how often a token may ask. Pure: the time is a parameter.
//!
//! The rule is ATM 1.1's: at most `per_minute` requests in any 60 seconds, and among them at most
//! `burst` in any second; a refused request counts for nothing.

use std::collections::{BTreeMap, VecDeque};

use housekey_store::TokenId;
use housekey_store::token::Rate;

const WINDOW_US: i64 = 60_000_000;
const BURST_WINDOW_US: i64 = 1_000_000;

/// Where an admitted request leaves the window of its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Requests a minute.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
    /// Microseconds until the oldest request leaves the window.
    pub reset_in_us: i64,
}

/// A request came too early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany {
    /// Whole seconds until another one is admitted, at least 1.
    pub retry_after_s: u64,
}

/// The windows of all tokens.
#[derive(Default, Debug)]
pub struct Limiter {
    windows: BTreeMap<TokenId, VecDeque<i64>>,
}

impl Limiter {
    /// Admits a request at `now` (microseconds of a clock that never goes back) or refuses it.
    /// `None` is an admission without a limit.
    ///
    /// # Errors
    /// [`TooMany`] when the window or the burst is full.
    pub fn admit(
        &mut self,
        token: &TokenId,
        rate: Rate,
        now: i64,
    ) -> Result<Option<Allowance>, TooMany> {
        if rate.per_minute == 0 {
            self.windows.remove(token);
            return Ok(None);
        }
        let window = self.windows.entry(token.clone()).or_default();
        while window.front().is_some_and(|at| *at <= now - WINDOW_US) {
            window.pop_front();
        }
        let used = window.len();
        let limit = usize::try_from(rate.per_minute).unwrap_or(usize::MAX);
        if let Some(oldest) = window.front().filter(|_| used >= limit) {
            return Err(TooMany::until(oldest + WINDOW_US, now));
        }
        let recent = window.partition_point(|at| *at <= now - BURST_WINDOW_US);
        let burst = usize::try_from(rate.burst).unwrap_or(usize::MAX);
        if burst > 0
            && used - recent >= burst
            && let Some(oldest) = window.get(recent)
        {
            return Err(TooMany::until(oldest + BURST_WINDOW_US, now));
        }
        window.push_back(now);
        let oldest = window.front().copied().unwrap_or(now);
        let used = u32::try_from(window.len()).unwrap_or(u32::MAX);
        Ok(Some(Allowance {
            limit: rate.per_minute,
            remaining: rate.per_minute.saturating_sub(used),
            reset_in_us: oldest + WINDOW_US - now,
        }))
    }

    /// Forgets a token.
    pub fn forget(&mut self, token: &TokenId) {
        self.windows.remove(token);
    }
}

impl TooMany {
    fn until(at: i64, now: i64) -> Self {
        let wait_us = u64::try_from(at - now).unwrap_or(0);
        Self {
            retry_after_s: wait_us.div_ceil(1_000_000).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> TokenId {
        TokenId::from_random([1; 16])
    }

    #[test]
    fn six_a_minute_three_a_second() {
        // Observed on ATM 1.1.0 (rate-limit.json): remaining 5, 4, 3, then 429 with Retry-After 1;
        // after the sixth in the window Retry-After 58.
        let mut limiter = Limiter::default();
        let rate = Rate {
            per_minute: 6,
            burst: 3,
        };
        let mut at = |now| limiter.admit(&token(), rate, now);
        let remaining =
            |result: Result<Option<Allowance>, TooMany>| result.map(|a| a.unwrap().remaining);
        assert_eq!(remaining(at(0)), Ok(5));
        assert_eq!(remaining(at(100_000)), Ok(4));
        assert_eq!(remaining(at(200_000)), Ok(3));
        assert_eq!(at(300_000), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(remaining(at(1_300_000)), Ok(2));
        assert_eq!(remaining(at(1_400_000)), Ok(1));
        assert_eq!(remaining(at(1_500_000)), Ok(0));
        assert_eq!(at(2_600_000), Err(TooMany { retry_after_s: 58 }));
        assert_eq!(
            remaining(at(60_000_000)),
            Ok(0),
            "the first has left the window"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn p8_never_more_than_the_window_allows(
            steps in prop::collection::vec(0i64..3_000_000, 1..300),
            per_minute in 1u32..20, burst in 0u32..5,
        ) {
            let mut limiter = Limiter::default();
            let (mut now, mut admitted) = (0i64, Vec::new());
            for step in steps {
                now += step;
                if limiter.admit(&token(), Rate { per_minute, burst }, now).is_ok() {
                    admitted.push(now);
                }
                let within = |us: i64| admitted.iter().filter(|at| **at > now - us).count();
                prop_assert!(within(WINDOW_US) <= per_minute as usize);
                prop_assert!(burst == 0 || within(BURST_WINDOW_US) <= burst as usize);
            }
        }
    }
}
