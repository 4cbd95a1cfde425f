//! The forms of a time that Home Assistant reads (HA 2026.11 `util/dt.py`, `parse_datetime`): those
//! of ISO 8601 as its first parser knows them, and a looser one that is tried on the rest.

use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};

use crate::pythonic::text::decimal_digit;

/// A wall clock, and the zone it was given in.
pub(super) struct Moment {
    pub(super) wall: DateTime,
    pub(super) zone: Zone,
}

/// The zone of a [`Moment`].
#[derive(Clone, Copy)]
pub(super) enum Zone {
    /// None was given.
    None,
    /// Seconds east of UTC.
    Seconds(i32),
}

/// Reads a time in any form; `None` for what is none or is impossible.
pub(super) fn parse(text: &str) -> Option<Moment> {
    iso(text).or_else(|| loose(text))
}

/// What of a text is still to be read. The end of the text reads as NUL, as it does in C: that is
/// how a NUL inside a text ends it.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> u8 {
        self.0.first().copied().unwrap_or(0)
    }

    fn skip(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    fn take(&mut self, accepted: &[u8]) -> bool {
        let found = self.peek() != 0 && accepted.contains(&self.peek());
        if found {
            self.skip();
        }
        found
    }

    /// Reads so many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let mut number = 0;
        for _ in 0..digits {
            let digit = self.peek();
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i16::from(digit - b'0');
            self.skip();
        }
        Some(number)
    }

    fn at_end(&self) -> bool {
        self.peek() == 0
    }

    fn at_end_of_date(&self) -> bool {
        matches!(self.peek(), 0 | b'T' | b't' | b' ')
    }

    fn at_end_of_time(&self) -> bool {
        matches!(self.peek(), 0 | b'Z' | b'z' | b'-' | b'+')
    }
}

/// ISO 8601: calendar, week and ordinal dates, each compact or with separators; the time in the
/// same manner as the date.
fn iso(text: &str) -> Option<Moment> {
    let mut reader = Reader(text.as_bytes());
    let year = reader.number(4)?;
    let extended = reader.take(b"-");
    let date = if reader.take(b"W") {
        week_date(&mut reader, year, extended)?
    } else if extended {
        extended_date(&mut reader, year)?
    } else {
        compact_date(&mut reader, year)?
    };
    if reader.at_end() {
        return Some(Moment {
            wall: date.to_datetime(Time::midnight()),
            zone: Zone::None,
        });
    }
    if !reader.take(b"Tt ") {
        return None;
    }
    let (wall, zone) = (clock(&mut reader, date, extended)?, zone(&mut reader)?);
    reader.at_end().then_some(Moment { wall, zone })
}

fn week_date(reader: &mut Reader<'_>, year: i16, extended: bool) -> Option<Date> {
    let week = reader.number(2)?;
    let day = if reader.at_end_of_date() {
        1
    } else {
        if extended && !reader.take(b"-") {
            return None;
        }
        reader.number(1)?
    };
    let day = Weekday::from_monday_one_offset(i8::try_from(day).ok()?).ok()?;
    let week_date = ISOWeekDate::new(year, i8::try_from(week).ok()?, day).ok()?;
    in_python(week_date.date()).filter(|_| year >= 1)
}

fn extended_date(reader: &mut Reader<'_>, year: i16) -> Option<Date> {
    let month = reader.number(2)?;
    if reader.at_end_of_date() {
        return date(year, month, 1);
    }
    if reader.take(b"-") {
        let day = reader.number(2)?;
        return date(year, month, day);
    }
    let last = reader.number(1)?;
    ordinal_date(year, month * 10 + last)
}

fn compact_date(reader: &mut Reader<'_>, year: i16) -> Option<Date> {
    let (month, third) = (reader.number(2)?, reader.number(1)?);
    if reader.at_end_of_date() {
        return ordinal_date(year, month * 10 + third);
    }
    let day = third * 10 + reader.number(1)?;
    date(year, month, day)
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    in_python(Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?)
}

fn ordinal_date(year: i16, day_of_year: i16) -> Option<Date> {
    let first = date(year, 1, 1)?;
    in_python(first.with().day_of_year(day_of_year).build().ok()?)
}

/// A Python date is in the years 1 to 9999.
fn in_python(date: Date) -> Option<Date> {
    (1..=9999).contains(&date.year()).then_some(date)
}

fn clock(reader: &mut Reader<'_>, date: Date, extended: bool) -> Option<DateTime> {
    let hour = reader.number(2)?;
    let (mut minute, mut second, mut micros) = (0, 0, 0);
    if !reader.at_end_of_time() {
        let separated = reader.take(b":");
        minute = reader.number(2)?;
        if !reader.at_end_of_time() {
            if separated && !reader.take(b":") {
                return None;
            }
            second = reader.number(2)?;
            if reader.take(b".,") {
                micros = fraction(reader)?;
            }
        }
        if separated != extended {
            return None;
        }
    }
    if (hour, minute, second, micros) == (24, 0, 0, 0) {
        let next = in_python(date.tomorrow().ok()?)?;
        return Some(next.to_datetime(Time::midnight()));
    }
    Some(date.to_datetime(time(hour, minute, second, micros)?))
}

fn time(hour: i16, minute: i16, second: i16, micros: i32) -> Option<Time> {
    let small = |number: i16| i8::try_from(number).ok();
    Time::new(small(hour)?, small(minute)?, small(second)?, micros * 1000).ok()
}

/// Microseconds; further digits are left out.
fn fraction(reader: &mut Reader<'_>) -> Option<i32> {
    let mut micros = 0;
    let mut places = 0;
    while reader.peek().is_ascii_digit() {
        if places < 6 {
            micros = micros * 10 + i32::from(reader.peek() - b'0');
            places += 1;
        }
        reader.skip();
    }
    (places > 0).then(|| micros * 10i32.pow(6 - places))
}

fn zone(reader: &mut Reader<'_>) -> Option<Zone> {
    let sign = match reader.peek() {
        b'Z' | b'z' => {
            reader.skip();
            return Some(Zone::Seconds(0));
        }
        b'+' => 1,
        b'-' => -1,
        _ => return Some(Zone::None),
    };
    reader.skip();
    let hours = reader.number(2)?;
    let separated = reader.take(b":");
    let minutes = if separated || !reader.at_end() {
        reader.number(2)?
    } else {
        0
    };
    if minutes > 59 {
        return None;
    }
    offset(sign, hours, minutes, 0)
}

fn offset(sign: i32, hours: i16, minutes: i16, seconds: i16) -> Option<Zone> {
    let minutes = i32::from(hours) * 60 + i32::from(minutes);
    let seconds = minutes * 60 + i32::from(seconds);
    (seconds < 24 * 3600).then_some(Zone::Seconds(sign * seconds))
}

/// The looser form: `Y-M-D` and `h:m`, one or two digits each, `T` or a space between, seconds and
/// a zone if there are any. Digits of all scripts count, and a line break may end the text.
fn loose(text: &str) -> Option<Moment> {
    let mut reader = Loose(text.strip_suffix('\n').unwrap_or(text));
    let year = reader.number(4, 4)?;
    reader.literal('-')?;
    let month = reader.number(1, 2)?;
    reader.literal('-')?;
    let day = reader.number(1, 2)?;
    reader.literal('T').or_else(|| reader.literal(' '))?;
    let hour = reader.number(1, 2)?;
    reader.literal(':')?;
    let minute = reader.number(1, 2)?;
    let (mut second, mut micros) = (0, 0);
    if reader.literal(':').is_some() {
        second = reader.number(1, 2)?;
        if reader.literal('.').is_some() {
            micros = reader.fraction()?;
        }
    }
    let zone = reader.zone()?;
    if !reader.0.is_empty() {
        return None;
    }
    let date = date(year, month, day)?;
    let wall = date.to_datetime(time(hour, minute, second, micros)?);
    Some(Moment { wall, zone })
}

struct Loose<'a>(&'a str);

impl Loose<'_> {
    fn literal(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    fn digit(&mut self) -> Option<i16> {
        let mut chars = self.0.chars();
        let digit = decimal_digit(chars.next()?)?.to_digit(10)?;
        self.0 = chars.as_str();
        i16::try_from(digit).ok()
    }

    /// Reads as many digits as there are up to `most`; at least `least`.
    fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let mut number = 0;
        for read in 0..most {
            match self.digit() {
                Some(digit) => number = number * 10 + digit,
                None if read >= least => break,
                None => return None,
            }
        }
        Some(number)
    }

    /// One to twelve digits, of which six count.
    fn fraction(&mut self) -> Option<i32> {
        let mut micros = 0;
        for place in 0..12 {
            match self.digit() {
                Some(digit) if place < 6 => {
                    micros += i32::from(digit) * 10i32.pow(5 - place);
                }
                Some(_) => {}
                None if place > 0 => break,
                None => return None,
            }
        }
        Some(micros)
    }

    fn zone(&mut self) -> Option<Zone> {
        if self.literal('Z').is_some() {
            return Some(Zone::Seconds(0));
        }
        let sign = if self.literal('+').is_some() {
            1
        } else if self.literal('-').is_some() {
            -1
        } else {
            return Some(Zone::None);
        };
        let hours = self.number(2, 2)?;
        let (minutes, seconds) = (self.more_of_zone()?, self.more_of_zone()?);
        offset(sign, hours, minutes, seconds)
    }

    /// Two digits, perhaps behind a colon, or zero at the end of the text.
    fn more_of_zone(&mut self) -> Option<i16> {
        if self.literal(':').is_none() && self.0.is_empty() {
            return Some(0);
        }
        self.number(2, 2)
    }
}
