//! When a token ends, as its owner writes it.

use anyhow::Context;
use housekey_gateway::UtcMicros;
use jiff::{Span, Timestamp, civil, tz::TimeZone};

/// When a token ends: a day, a time or a while.
pub(super) fn expiry(text: &str, now: UtcMicros) -> anyhow::Result<UtcMicros> {
    let now = Timestamp::from_microsecond(now.0)?;
    let at = if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else if let Ok(day) = text.parse::<civil::Date>() {
        day.to_zoned_datetime(TimeZone::UTC)?.timestamp()
    } else {
        let span: Span = text.parse().ok().with_context(|| {
            format!("--expires {text:?}: expected a day (2027-01-31), a time or a while (30d, 12h)")
        })?;
        now.to_zoned_datetime(TimeZone::UTC)
            .checked_add(span)?
            .timestamp()
    };
    Ok(UtcMicros(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_day_a_time_or_a_while() {
        let now = UtcMicros(1_795_500_000_000_000);
        for (text, iso) in [
            ("2027-01-31", "2027-01-31T00:00:00+00:00"),
            ("2027-01-31T12:00:00+01:00", "2027-01-31T11:00:00+00:00"),
            ("30d", "2026-12-24T06:00:00+00:00"),
            ("12h", "2026-11-24T18:00:00+00:00"),
        ] {
            assert_eq!(
                expiry(text, now).unwrap().iso_utc().to_string(),
                iso,
                "{text}"
            );
        }
        assert!(expiry("soon", now).is_err());
    }
}
