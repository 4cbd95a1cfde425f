//! `UtcMicros`, an instant in whole microseconds; this crate never asks what time it is.

use std::fmt;

/// An instant: microseconds since 1970-01-01T00:00:00Z, as precise as a Python `datetime`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct UtcMicros(pub i64);

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

impl UtcMicros {
    /// The instant of a float of Unix seconds, as `datetime.fromtimestamp` rounds it: the fraction
    /// half to even (CPython `_PyTime_ROUND_HALF_EVEN`; spec of `lc` and `lu` in HA's compressed
    /// state format).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates; rounded before"
    )]
    pub fn from_unix_seconds(seconds: f64) -> Self {
        let whole = seconds.trunc();
        let micros = ((seconds - whole) * 1e6).round_ties_even();
        Self(
            (whole as i64)
                .saturating_mul(MICROS_PER_SECOND)
                .saturating_add(micros as i64),
        )
    }

    /// Float of Unix seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the wire format is a float")]
    pub fn unix_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`, the form in which HA sends instants.
    #[must_use]
    pub fn parse_iso_utc(text: &str) -> Option<Self> {
        let text = text
            .strip_suffix("+00:00")
            .or_else(|| text.strip_suffix('Z'))?;
        let (date, time) = text.split_once('T')?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut clock = clock.splitn(3, ':').map(|part| part.parse::<i64>().ok());
        let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
        let micros = match fraction.len() {
            0 => 0,
            1..=6 => {
                fraction.parse::<i64>().ok()? * 10i64.pow(6 - u32::try_from(fraction.len()).ok()?)
            }
            _ => return None,
        };
        let seconds =
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self(seconds * MICROS_PER_SECOND + micros))
    }

    /// `YYYY-MM-DDTHH:MM:SS[.ffffff]+00:00`; the fraction is left out when it is zero.
    #[must_use]
    pub fn iso_utc(self) -> impl fmt::Display {
        IsoUtc(self)
    }
}

struct IsoUtc(UtcMicros);

impl fmt::Display for IsoUtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (
            self.0.0.div_euclid(MICROS_PER_SECOND),
            self.0.0.rem_euclid(MICROS_PER_SECOND),
        );
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("+00:00")
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Hinnant, "chrono-compatible low-level date
/// algorithms"). Kept here so that the crate needs no calendar library for one wire form.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_text_and_floats_agree_with_home_assistant() {
        // Recorded: (float on the wire, ISO text of the same instant in get_states).
        for (seconds, iso) in [
            (1_795_410_843.973_330_5, "2026-11-23T05:14:03.973330+00:00"),
            (1_795_410_844.0, "2026-11-23T05:14:04+00:00"),
            (0.0, "1970-01-01T00:00:00+00:00"),
        ] {
            let at = UtcMicros::from_unix_seconds(seconds);
            assert_eq!(at.iso_utc().to_string(), iso);
            assert_eq!(UtcMicros::parse_iso_utc(iso), Some(at));
        }
    }
}
