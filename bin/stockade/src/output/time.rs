//! Times for people, in their zone, and for programs, in UTC; and times that people type.

use jiff::tz::{Offset, TimeZone};
use stockade_core::Timestamp;
use stockade_filter::conf::value::{TimeSpan, parse_time};
use stockade_filter::date::{DateReader, Zone};

use crate::exit::Failure;

/// Shows times in one zone.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    zone: TimeZone,
    name: String,
    form: &'static str,
}

/// A whole time.
const FULL: &str = "%Y-%m-%d %H:%M:%S";
/// Without the year.
const SHORT: &str = "%b %e %H:%M:%S";
/// Without year and seconds.
const SHORTEST: &str = "%b %e %H:%M";

impl Clock {
    /// A clock in this zone, with the year.
    pub(crate) fn new(zone: &Zone) -> Self {
        Self { zone: of(zone), name: zone.to_string(), form: FULL }
    }

    /// A clock in the machine's zone.
    pub(crate) fn local() -> Self {
        Self::new(&Zone::system())
    }

    /// A clock in the machine's zone that shows times as C's `ctime` does.
    pub(crate) fn ctime() -> Self {
        Self { form: "%a %b %d %H:%M:%S %Y", ..Self::local() }
    }

    /// Leaves out what does not fit in a table that is so many columns wide.
    pub(crate) fn for_width(mut self, columns: Option<usize>) -> Self {
        self.form = match columns {
            Some(..125) => SHORTEST,
            Some(..150) => SHORT,
            _ => FULL,
        };
        self
    }

    /// The name of the zone.
    pub(crate) fn zone(&self) -> &str {
        &self.name
    }

    /// The end of something: `until 2026-11-22 10:00:00`, or `for ever`.
    pub(crate) fn until(&self, end: Timestamp) -> String {
        if end == Timestamp::MAX { self.show(end) } else { format!("until {}", self.show(end)) }
    }

    /// A time: `2026-11-22 10:00:00`, or less of it; `for ever` for one that never comes.
    pub(crate) fn show(&self, time: Timestamp) -> String {
        if time == Timestamp::MAX {
            return "for ever".to_owned();
        }
        let Ok(time) = jiff::Timestamp::from_second(time.as_secs()) else { return format!("{time:?}") };
        time.to_zoned(self.zone.clone()).strftime(self.form).to_string()
    }
}

/// A time in the machine's zone as Python's `isoformat` writes it: with microseconds if it has any, and with the offset.
pub(crate) fn iso(time: Timestamp) -> String {
    let millis = time.as_millis();
    let Ok(instant) = jiff::Timestamp::from_millisecond(millis) else { return format!("{time:?}") };
    let form = if millis % 1000 == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.6f%:z" };
    instant.to_zoned(of(&Zone::system())).strftime(form).to_string()
}

/// A time for programs: RFC 3339 in UTC, with milliseconds if it has any; `None` for one that never comes.
pub(crate) fn utc(time: Timestamp) -> Option<String> {
    if time == Timestamp::MAX {
        return None;
    }
    jiff::Timestamp::from_millisecond(time.as_millis())
        .map_or_else(|_| Some(format!("{time:?}")), |t| Some(t.to_string()))
}

/// The time that an option asks for, if it is given.
///
/// # Errors
/// What was typed is no time.
pub(crate) fn asked(
    option: &str,
    text: Option<&str>,
    zone: &Zone,
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match point(text, zone, now) {
        Some(time) => Ok(Some(time)),
        None => Err(Failure::usage(format_args!("cannot read `{text}` of --{option} as a time"))
            .hint(Some("write 2026-11-22, '2026-11-22 10:00', yesterday, or 2h for two hours ago"))),
    }
}

/// The time that a person means by `text`: a date with or without a time, as a log would write it; `today`,
/// `yesterday`, `now`; or how long ago, as `2h`.
pub(crate) fn point(text: &str, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let midnight = |days_ago: i64| {
        let today = jiff::Timestamp::from_second(now.as_secs()).ok()?.to_zoned(of(zone));
        let day = today.start_of_day().ok()?.checked_sub(jiff::Span::new().try_days(days_ago).ok()?).ok()?;
        Some(Timestamp::from_secs(day.timestamp().as_second()))
    };
    match text {
        "now" => return Some(now),
        "today" => return midnight(0),
        "yesterday" => return midnight(1),
        _ => {}
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim_end();
    if let Ok(TimeSpan::Seconds(_)) = parse_time(ago)
        && ago.ends_with(|c: char| c.is_ascii_alphabetic())
    {
        return parse_time(ago).ok()?.duration().map(|span| now.minus(span));
    }
    let is_day = text.parse::<jiff::civil::Date>().is_ok() && !text.contains(':');
    let full = if is_day { format!("{text} 00:00:00") } else { text.to_owned() };
    let with_seconds = if full.bytes().filter(|&b| b == b':').count() == 1 && !full.ends_with(':') {
        format!("{full}:00")
    } else {
        full
    };
    if let Ok(exact) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(exact.as_millisecond()));
    }
    let found = DateReader::new(None, zone.clone()).ok()?.find(with_seconds.as_bytes(), now)?;
    // A date that is only a part of what was typed was not what was meant.
    found.time.filter(|_| found.cut == (0..with_seconds.len()))
}

/// The same zone in the terms of the library that shows times.
fn of(zone: &Zone) -> TimeZone {
    let name = zone.to_string();
    if let Some(offset) = name.strip_prefix("UTC") {
        let (sign, digits) = match offset.split_at_checked(1) {
            Some(("-", digits)) => (-1, digits),
            Some((_, digits)) => (1, digits),
            None => return TimeZone::UTC,
        };
        let number: i32 = digits.parse().unwrap_or(0);
        let seconds = sign * (number / 100 * 3600 + number % 100 * 60);
        return Offset::from_seconds(seconds).map_or(TimeZone::UTC, TimeZone::fixed);
    }
    TimeZone::get(&name).unwrap_or_else(|_| TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_341_600);

    #[test]
    fn times_are_shown_in_their_zone_and_for_programs_in_utc() {
        let show = |zone: &str| Clock::new(&Zone::parse(zone).unwrap()).show(NOW);
        assert_eq!(show("UTC"), "2026-11-22 10:00:00");
        assert_eq!(show("UTC-0430"), "2026-11-22 05:30:00");
        assert_eq!(show("Europe/Berlin"), "2026-11-22 11:00:00");
        assert_eq!(Clock::new(&Zone::UTC).for_width(Some(149)).show(NOW), "Nov 22 10:00:00");
        assert_eq!(Clock::new(&Zone::UTC).for_width(Some(80)).show(NOW), "Nov 22 10:00");
        assert_eq!(Clock::new(&Zone::UTC).for_width(None).show(NOW), "2026-11-22 10:00:00");
        assert_eq!(Clock::local().show(Timestamp::MAX), "for ever");
        assert_eq!(
            utc(Timestamp::from_millis(1_795_341_600_250)).as_deref(),
            Some("2026-11-22T10:00:00.25Z")
        );
        assert_eq!(utc(Timestamp::MAX), None);
        assert!(!Clock::local().show(Timestamp::MIN).is_empty());
    }

    #[test]
    fn a_person_may_write_a_time_in_many_ways() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let read = |text: &str| point(text, &zone, NOW).map(|time| NOW.as_secs() - time.as_secs());
        for (text, seconds_ago) in [
            ("2026-11-22 11:00:00", 0),
            ("2026-11-22 10:00", 3_600),
            ("2026-11-22T10:00", 3_600),
            ("2026-11-22T10:00:00Z", 0),
            ("2026-11-22", 39_600),
            ("today", 39_600),
            ("yesterday", 126_000),
            ("now", 0),
            ("2h", 7_200),
            ("1d12h ago", 129_600),
            ("Nov 22 10:00:00", 3_600),
        ] {
            assert_eq!(read(text), Some(seconds_ago), "{text}");
        }
        for text in ["", "soon", "2026-13-01", "2026-11-22 10:00 or so", "-1", "99"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
