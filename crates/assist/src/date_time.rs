//! `GetDateTime`: the time in the home's time zone.

use housekey_home::time::UtcMicros;

use crate::local_time;

/// What `GetDateTime` tells (HA 2026.11 `components/llm`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DateAndTime {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// `HH:MM:SS`; the fraction is cut off.
    pub time: String,
    /// The zone's abbreviation, such as `CET`; `-03` where it has none.
    pub timezone: String,
    /// The zone's distance from UTC, such as `+01` or `+05:30`.
    pub offset: String,
    /// The English name of the day.
    pub weekday: &'static str,
}

/// The time of an instant in a zone of the IANA database.
#[must_use]
pub fn date_time(now: UtcMicros, zone: &str) -> DateAndTime {
    let zone = local_time::zone(zone);
    let local = local_time::at(now, &zone).unwrap_or_default();
    let abbreviation = zone
        .to_offset_info(local.timestamp())
        .abbreviation()
        .to_owned();
    DateAndTime {
        date: format!(
            "{:04}-{:02}-{:02}",
            local.year(),
            local.month(),
            local.day()
        ),
        time: format!(
            "{:02}:{:02}:{:02}",
            local.hour(),
            local.minute(),
            local.second()
        ),
        timezone: abbreviation,
        offset: offset(local.offset().seconds()),
        weekday: match local.weekday() {
            jiff::civil::Weekday::Monday => "Monday",
            jiff::civil::Weekday::Tuesday => "Tuesday",
            jiff::civil::Weekday::Wednesday => "Wednesday",
            jiff::civil::Weekday::Thursday => "Thursday",
            jiff::civil::Weekday::Friday => "Friday",
            jiff::civil::Weekday::Saturday => "Saturday",
            jiff::civil::Weekday::Sunday => "Sunday",
        },
    }
}

impl DateAndTime {
    /// The keys and values in their order.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 4] {
        [
            ("date", &self.date),
            ("time", &self.time),
            ("timezone", &self.timezone),
            ("weekday", self.weekday),
        ]
    }

    /// The answer as JSON with Python's separators.
    #[must_use]
    pub fn json(&self) -> String {
        let pairs = self
            .fields()
            .map(|(key, value)| format!("\"{key}\": \"{}\"", crate::json::escaped(value)));
        format!("{{{}}}", pairs.join(", "))
    }

    /// The same as ATM 1.1 has it: with the offset in place of the abbreviation.
    #[must_use]
    pub fn json_with_offset(&self) -> String {
        let timezone = self.offset.clone();
        Self {
            timezone,
            ..self.clone()
        }
        .json()
    }
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{sign}{hours:02}"),
        (hours, minutes) => format!("{sign}{hours:02}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_local() {
        let now = UtcMicros::parse_iso_utc("2026-07-15T23:59:59.9+00:00").unwrap();
        assert_eq!(
            date_time(now, "Europe/Berlin").json(),
            r#"{"date": "2026-07-16", "time": "01:59:59", "timezone": "CEST", "weekday": "Thursday"}"#
        );
        assert_eq!(date_time(now, "America/Sao_Paulo").timezone, "-03");
        assert_eq!(date_time(now, "Asia/Kathmandu").timezone, "+0545");
        // ATM 1.1 gave `+01` in Berlin's winter.
        for (zone, offset) in [
            ("Europe/Berlin", "+02"),
            ("America/Sao_Paulo", "-03"),
            ("Asia/Kathmandu", "+05:45"),
            ("UTC", "+00"),
        ] {
            assert_eq!(date_time(now, zone).offset, offset, "{zone}");
        }
        assert!(
            date_time(now, "Asia/Kathmandu")
                .json_with_offset()
                .contains(r#""timezone": "+05:45", "weekday""#)
        );
    }
}
