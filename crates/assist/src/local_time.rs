//! Instants in the home's time zone, and the forms of time that Home Assistant reads.

mod forms;

use std::fmt::Write;

use housekey_home::time::UtcMicros;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use forms::{Moment, Zone};

/// A time zone of the IANA database; UTC for a name that is not in it.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// An instant as clock and calendar of a zone show it.
///
/// `None` outside of the years that time zones are known for.
#[must_use]
pub fn at(instant: UtcMicros, zone: &TimeZone) -> Option<ZonedDateTime> {
    let timestamp = Timestamp::from_microsecond(instant.0).ok()?;
    Some(timestamp.to_zoned_datetime(zone.clone()))
}

/// What a state of device class `timestamp` is shown as: local ISO text (HA 2026.11
/// `helpers/llm.py`).
///
/// `None` for what is no time, and for what looks like one but is impossible: Home Assistant fails
/// on the latter, here the state stays as it is.
#[must_use]
pub fn timestamp_state(state: &str, zone: &TimeZone) -> Option<String> {
    let moment = forms::parse(state)?;
    local_iso(&moment, zone)
}

fn local_iso(moment: &Moment, zone: &TimeZone) -> Option<String> {
    let seconds = match moment.zone {
        // A time without a zone is local: its wall clock stays, of two offsets the first counts.
        Zone::None => {
            return Some(iso(moment.wall, offset_of_wall_clock(moment, zone)));
        }
        Zone::Seconds(seconds) => seconds,
    };
    let shift = SignedDuration::from_secs(i64::from(seconds));
    let utc = in_python(moment.wall.checked_sub(shift).ok()?)?;
    // Instants end a day before the calendar does; no zone changes its offset on that day.
    let instant = Offset::UTC.to_timestamp(utc).unwrap_or(Timestamp::MAX);
    let offset = zone.to_offset(instant);
    let shift = SignedDuration::from_secs(i64::from(offset.seconds()));
    let local = in_python(utc.checked_add(shift).ok()?)?;
    Some(iso(local, offset))
}

/// A Python datetime is in the years 1 to 9999.
fn in_python(wall: DateTime) -> Option<DateTime> {
    (1..=9999).contains(&wall.year()).then_some(wall)
}

fn offset_of_wall_clock(moment: &Moment, zone: &TimeZone) -> Offset {
    match zone.to_ambiguous_timestamp(moment.wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    }
}

/// `datetime.isoformat()` of an aware datetime.
fn iso(wall: DateTime, offset: Offset) -> String {
    let mut out = String::with_capacity(32);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        wall.year(),
        wall.month(),
        wall.day(),
        wall.hour(),
        wall.minute(),
        wall.second()
    );
    let micros = wall.subsec_nanosecond() / 1000;
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    let seconds = offset.seconds();
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let _ = write!(out, "{sign}{:02}:{:02}", size / 3600, size / 60 % 60);
    if size % 60 != 0 {
        let _ = write!(out, ":{:02}", size % 60);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone_name: &str, state: &str, shown: Option<&str>) {
        assert_eq!(
            timestamp_state(state, &zone(zone_name)).as_deref(),
            shown,
            "{state:?} in {zone_name}"
        );
    }

    #[test]
    fn local_text() {
        let berlin = "Europe/Berlin";
        check(
            berlin,
            "2026-07-01T12:00:00Z",
            Some("2026-07-01T14:00:00+02:00"),
        );
        check(
            berlin,
            "2026-07-01T12:00:00.5+05:30",
            Some("2026-07-01T08:30:00.500000+02:00"),
        );
        check(
            berlin,
            "2026-07-01T12:00:00+00:00:30",
            Some("2026-07-01T13:59:30+02:00"),
        );
        // Local, in the hour that does not exist and in the hour that exists twice.
        check(
            berlin,
            "2026-03-29T02:30:00",
            Some("2026-03-29T02:30:00+01:00"),
        );
        check(
            berlin,
            "2026-10-25T02:30:00",
            Some("2026-10-25T02:30:00+02:00"),
        );
        check(
            berlin,
            "1880-01-01T00:00:00Z",
            Some("1880-01-01T00:53:28+00:53:28"),
        );
        check(berlin, "unknown", None);
        check("No/Where", "2026-07-01", Some("2026-07-01T00:00:00+00:00"));
    }

    #[test]
    fn the_impossible_stays() {
        for state in [
            "2026-02-30T00:00:00",
            "2026-07-01T25:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-07-01T12:00:00+24:00",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+01:00",
        ] {
            check("Europe/Berlin", state, None);
        }
        check(
            "UTC",
            "9999-12-31T23:59:59Z",
            Some("9999-12-31T23:59:59+00:00"),
        );
    }
}
