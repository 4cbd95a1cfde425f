//! How long to wait before the next attempt to connect. Pure: randomness is a seed.

use std::time::Duration;

use crate::limits::{BANNED_EVERY, JITTER, TOKEN_REFUSED_EVERY};
use crate::status::LinkError;

/// Counts attempts and spreads them.
pub(crate) struct Backoff {
    attempts: u32,
    max: Duration,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(max: Duration, seed: u64) -> Self {
        Self {
            attempts: 0,
            max,
            random: seed,
        }
    }

    /// The next wait starts from the beginning.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The wait after an attempt that ended with `error`: 0, 1, 2, 3, 4, 5, 5, … s as Home
    /// Assistant's own client does, with jitter. A refused token and a ban are never tried again
    /// early.
    pub(crate) fn next(&mut self, error: &LinkError) -> Duration {
        let jitter = self.jitter();
        match error {
            LinkError::TokenRefused { .. } => TOKEN_REFUSED_EVERY.mul_f64(1.0 + jitter),
            LinkError::Banned => BANNED_EVERY.mul_f64(1.0 + jitter),
            LinkError::Unreachable { .. }
            | LinkError::NotReady { .. }
            | LinkError::Lost { .. }
            | LinkError::Incompatible { .. }
            | LinkError::InvalidUrl { .. } => {
                let wait = Duration::from_secs(u64::from(self.attempts)).min(self.max);
                self.attempts = self.attempts.saturating_add(1);
                wait.mul_f64(1.0 - JITTER + 2.0 * jitter)
            }
        }
    }

    /// Between 0 and [`JITTER`]. The generator is `SplitMix64` (Steele, Lea, Flood 2014).
    fn jitter(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0);
        f64::from(high) / f64::from(u32::MAX) * JITTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RECONNECT_MAX;

    fn lost() -> LinkError {
        LinkError::Lost { cause: "x".into() }
    }

    #[test]
    fn ordinary_waits_grow_to_their_bound_and_begin_anew() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(RECONNECT_MAX, seed);
            for expected in [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0] {
                let wait = backoff.next(&lost()).as_secs_f64();
                assert!(
                    wait >= expected * 0.79 && wait <= expected * 1.21,
                    "{wait} for {expected}"
                );
            }
            backoff.reset();
            assert_eq!(backoff.next(&lost()), Duration::ZERO);
        }
    }

    #[test]
    fn a_refusal_is_never_tried_again_early() {
        let refused = LinkError::TokenRefused {
            message: "x".into(),
        };
        for seed in 0..200 {
            let mut backoff = Backoff::new(RECONNECT_MAX, seed);
            for _ in 0..5 {
                assert!(backoff.next(&refused) >= TOKEN_REFUSED_EVERY);
                assert!(backoff.next(&LinkError::Banned) >= BANNED_EVERY);
            }
        }
    }

    #[test]
    fn installations_spread() {
        let mut waits: Vec<Duration> = (0..50)
            .map(|seed| {
                let mut backoff = Backoff::new(RECONNECT_MAX, seed);
                backoff.next(&lost());
                backoff.next(&lost())
            })
            .collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 40);
        assert!(waits.last().unwrap().saturating_sub(waits[0]) > Duration::from_millis(200));
    }
}
