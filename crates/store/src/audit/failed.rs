//! Failed authentications: counted by client and minute, so that a flood of them is a few records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use housekey_home::time::{MICROS_PER_SECOND, UtcMicros};

use super::{Client, Outcome, Phase, Record};
use crate::limits::{FAILED_ADDRESSES_MAX, FAILED_WINDOW_S};

/// Somebody presented no credential, or one that opens nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedAuthentication {
    /// The request.
    pub request_id: String,
    /// When.
    pub at: UtcMicros,
    /// From where.
    pub client: Option<Client>,
    /// The door and the wire through which it came.
    pub face: Cow<'static, str>,
    /// The HTTP method.
    pub method: Cow<'static, str>,
    /// The path.
    pub resource: String,
}

/// What came from one client within one minute.
struct Window {
    began: UtcMicros,
    last: FailedAuthentication,
    /// How many are in no record yet.
    unrecorded: u32,
}

/// Counts by client. `None` stands for clients without an address and for all that came when there
/// were too many addresses to tell apart.
#[derive(Default)]
pub(super) struct FailedAuthentications {
    windows: BTreeMap<Option<Client>, Window>,
    ends_next: Option<UtcMicros>,
}

impl FailedAuthentications {
    /// Counts one; the first of a client becomes a record if `send` takes it.
    pub(super) fn count(
        &mut self,
        mut attempt: FailedAuthentication,
        send: impl FnOnce(Record) -> bool,
    ) {
        let is_known = self.windows.contains_key(&attempt.client);
        if !is_known && self.windows.len() >= FAILED_ADDRESSES_MAX {
            attempt.client = None;
        }
        if let Some(window) = self.windows.get_mut(&attempt.client) {
            window.unrecorded = window.unrecorded.saturating_add(1);
            window.last = attempt;
            return;
        }
        let is_recorded = send(record(&attempt, 1));
        let began = attempt.at;
        self.ends_next = Some(
            self.ends_next
                .map_or(end(began), |next| next.min(end(began))),
        );
        let window = Window {
            began,
            unrecorded: u32::from(!is_recorded),
            last: attempt,
        };
        self.windows.insert(window.last.client, window);
    }

    /// Ends the windows whose minute is over; a count that `send` does not take stays.
    pub(super) fn end_windows(&mut self, now: UtcMicros, send: impl FnMut(Record) -> bool) {
        if self.ends_next.is_some_and(|next| now >= next) {
            self.end_where(|window| now >= end(window.began), send);
        }
    }

    /// Ends all windows.
    pub(super) fn end_all(&mut self, send: impl FnMut(Record) -> bool) {
        self.end_where(|_| true, send);
    }

    fn end_where(
        &mut self,
        is_over: impl Fn(&Window) -> bool,
        mut send: impl FnMut(Record) -> bool,
    ) {
        self.windows.retain(|_, window| {
            let ends = is_over(window)
                && (window.unrecorded == 0 || send(record(&window.last, window.unrecorded)));
            !ends
        });
        self.ends_next = self.windows.values().map(|window| end(window.began)).min();
    }
}

fn end(began: UtcMicros) -> UtcMicros {
    UtcMicros(began.0.saturating_add(FAILED_WINDOW_S * MICROS_PER_SECOND))
}

fn record(attempt: &FailedAuthentication, count: u32) -> Record {
    Record {
        request_id: attempt.request_id.clone(),
        at: attempt.at,
        token_id: None,
        token_name: None,
        principal: None,
        face: attempt.face.clone(),
        method: attempt.method.clone(),
        resource: attempt.resource.clone(),
        outcome: Outcome::Unauthorized,
        client: attempt.client,
        pass_through: false,
        payload: None,
        stale_s: None,
        phase: Phase::Read,
        count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(seconds: i64, client: Option<Client>) -> FailedAuthentication {
        FailedAuthentication {
            request_id: format!("r{seconds}"),
            at: UtcMicros(seconds * MICROS_PER_SECOND),
            client,
            face: "mcp".into(),
            method: "POST".into(),
            resource: "/mcp".to_owned(),
        }
    }

    /// Counts attempts of one client at these seconds, as [`crate::Audit`] does; what is recorded.
    fn recorded(at: &[i64], takes: bool) -> Vec<(i64, u32)> {
        let mut failed = FailedAuthentications::default();
        let mut sent = Vec::new();
        for seconds in at {
            let attempt = attempt(*seconds, Client::parse("192.0.2.1"));
            let mut send = |record: Record| {
                sent.push((record.at.0 / MICROS_PER_SECOND, record.count));
                takes
            };
            failed.end_windows(attempt.at, &mut send);
            failed.count(attempt, &mut send);
        }
        sent
    }

    #[test]
    fn the_first_of_a_minute_is_a_record_and_the_rest_a_count() {
        assert_eq!(recorded(&[0], true), [(0, 1)]);
        assert_eq!(recorded(&[0, 1, 2, 59], true), [(0, 1)]);
        assert_eq!(
            recorded(&[0, 1, 2, 59, 60], true),
            [(0, 1), (59, 3), (60, 1)]
        );
        assert_eq!(recorded(&[0, 60, 120], true), [(0, 1), (60, 1), (120, 1)]);
    }

    #[test]
    fn what_is_not_taken_is_counted() {
        // The count of the first minute is offered, refused, and grows.
        assert_eq!(recorded(&[0, 1, 60, 61], false), [(0, 1), (1, 2), (60, 3)]);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let mut failed = FailedAuthentications::default();
        let mut records = 0;
        for number in 0..5000_u32 {
            failed.count(attempt(0, Some(Client::Uid(number))), |_| {
                records += 1;
                true
            });
        }
        assert_eq!(failed.windows.len(), FAILED_ADDRESSES_MAX + 1);
        assert_eq!(records, FAILED_ADDRESSES_MAX + 1);
        let mut counted = 0;
        failed.end_all(|record| {
            counted += record.count;
            true
        });
        assert_eq!(counted as usize, 5000 - FAILED_ADDRESSES_MAX - 1);
        assert!(failed.windows.is_empty());
    }
}
