//! `Standing`, what the head of an answer says of its request: its id, what is left of the token's
//! rate, how old the home is that answered.

use housekey_gateway::{Admission, UtcMicros};
use http::header::{HeaderMap, HeaderName, HeaderValue};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-housekey-request-id");
const STALE: HeaderName = HeaderName::from_static("x-housekey-stale");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Taken from an admission before it is used up.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    request_id: String,
    stale_s: Option<u64>,
    rate: Option<Rate>,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    limit: u32,
    remaining: u32,
    resets_at_unix_s: i64,
}

impl Standing {
    pub(crate) fn of(admission: &Admission) -> Self {
        let rate = admission.allowance().map(|allowance| {
            let UtcMicros(now) = admission.admitted_at();
            Rate {
                limit: allowance.limit,
                remaining: allowance.remaining,
                resets_at_unix_s: (now + allowance.reset_in_us).div_euclid(1_000_000),
            }
        });
        Self {
            request_id: admission.request_id().to_owned(),
            stale_s: admission.stale_for_s(),
            rate,
        }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(age) = self.stale_s {
            headers.insert(STALE, age.into());
        }
        if let Some(rate) = self.rate {
            headers.insert(RATE_LIMIT, rate.limit.into());
            headers.insert(RATE_REMAINING, rate.remaining.into());
            headers.insert(RATE_RESET, rate.resets_at_unix_s.into());
        }
    }
}
