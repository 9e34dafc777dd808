//! Zones: in which a date that names none of its own is read.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{AmbiguousOffset, TimeZone};

use super::civil::{self, DAY_SECS};
use super::error::ZoneError;
use super::offset;

/// The zone of the dates that name none: `logtimezone`, or the machine's own.
///
/// Two local times need a rule. One that occurs **twice** (the hour repeated in autumn) is its first occurrence. One
/// that **does not exist** (the hour left out in spring) is read with the offset that held before, so 02:30 becomes
/// 03:30. That is what RFC 5545 says; fail2ban leaves both to the C library.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// Seconds east of UTC, all year.
    Fixed(i32),
    /// With a history, or a rule, of daylight saving.
    Named(TimeZone),
}

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(Kind::Fixed(0));

    /// The machine's zone: `TZ`, else `/etc/localtime`, else UTC.
    pub fn system() -> Self {
        Self::from_jiff(TimeZone::system())
    }

    /// A constant offset, in seconds east of UTC.
    pub(super) const fn fixed(secs: i32) -> Self {
        Self(Kind::Fixed(secs))
    }

    /// Reads a zone. In this order:
    ///
    /// 1. fail2ban's fixed offsets: `UTC+0200`, `GMT`, `Z`, `-0400`, `+05:30`, or an abbreviation (`CET`, `PDT`), which
    ///    is a **constant** offset without daylight saving. An abbreviation and an offset add up: `CET+0100` is two
    ///    hours.
    /// 2. a name of the zone database, with daylight saving: `Europe/Berlin` (fail2ban knows none of these).
    /// 3. a POSIX rule with daylight saving: `CET-01CEST-02,M3.5.0,M10.5.0`. Its sign counts west of Greenwich.
    ///
    /// # Errors
    /// [`ZoneError::Unknown`] for anything else; a POSIX form without daylight saving (`UTC+2`) is refused as well,
    /// because its sign means the opposite of form 1.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        let text = text.trim();
        if let Some(secs) = offset::fixed(text.as_bytes()) {
            return Ok(Self(Kind::Fixed(secs)));
        }
        let unknown = || ZoneError::Unknown { text: text.to_owned() };
        if text.is_empty() {
            return Err(unknown());
        }
        if let Ok(named) = TimeZone::get(text) {
            return Ok(Self::from_jiff(named));
        }
        if text.contains(',') || text.starts_with('<') {
            return TimeZone::posix(text).map(Self::from_jiff).map_err(|_| unknown());
        }
        Err(unknown())
    }

    /// Seconds since the epoch of the local time `sec_of_day` (which may exceed a day) on the day numbered `day`.
    pub(super) fn to_epoch(&self, day: i64, sec_of_day: i64) -> i64 {
        let local = day.saturating_mul(DAY_SECS).saturating_add(sec_of_day);
        match &self.0 {
            Kind::Fixed(secs) => local.saturating_sub(i64::from(*secs)),
            Kind::Named(zone) => named_to_epoch(zone, local).unwrap_or(local),
        }
    }

    /// Seconds east of UTC at an instant.
    pub(super) fn offset_at(&self, epoch_secs: i64) -> i64 {
        match &self.0 {
            Kind::Fixed(secs) => i64::from(*secs),
            Kind::Named(zone) => jiff::Timestamp::from_second(epoch_secs)
                .map_or(0, |at| i64::from(zone.to_offset(at).seconds())),
        }
    }

    /// The one offset that holds for every local time of a day, if there is one.
    pub(super) fn offset_of_day(&self, day: i64) -> Option<i64> {
        match &self.0 {
            Kind::Fixed(secs) => Some(i64::from(*secs)),
            Kind::Named(zone) => named_offset_of_day(zone, day),
        }
    }

    fn from_jiff(zone: TimeZone) -> Self {
        if zone.following(jiff::Timestamp::MIN).next().is_some() {
            return Self(Kind::Named(zone));
        }
        Self(Kind::Fixed(zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds()))
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        Self::parse(text)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Fixed(0) => f.write_str("UTC"),
            Kind::Fixed(secs) => {
                let sign = if *secs < 0 { '-' } else { '+' };
                let minutes = secs.abs() / 60;
                write!(f, "UTC{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            Kind::Named(zone) => f.write_str(zone.iana_name().unwrap_or("local rule")),
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

fn named_to_epoch(zone: &TimeZone, local: i64) -> Option<i64> {
    let (year, month, day) = civil::civil_from_days(local.div_euclid(DAY_SECS));
    let date =
        jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
            .ok()?;
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let then = midnight.checked_add(jiff::SignedDuration::from_secs(local.rem_euclid(DAY_SECS))).ok()?;
    let offset = match zone.to_ambiguous_timestamp(then).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    Some(local - i64::from(offset.seconds()))
}

fn named_offset_of_day(zone: &TimeZone, day: i64) -> Option<i64> {
    /// No transition moves a clock by more than this.
    const REACH: i64 = 26 * 3600;
    /// A leap second may stand two seconds after the day's last.
    const LEAP: i64 = 2;
    let first = day.checked_mul(DAY_SECS)?;
    let last = first + DAY_SECS + LEAP;
    let offset_at =
        |secs: i64| Some(i64::from(zone.to_offset(jiff::Timestamp::from_second(secs).ok()?).seconds()));
    for transition in zone.following(jiff::Timestamp::from_second(first - REACH).ok()?) {
        let at = transition.timestamp().as_second();
        if at > last + REACH {
            break;
        }
        let (before, after) = (offset_at(at - 1)?, i64::from(transition.offset().seconds()));
        // The local times the transition skips or repeats, and the local time at which it changes the offset.
        let (from, to) = (at + before.min(after), at + before.max(after));
        if to >= first && from <= last && before != after {
            return None;
        }
    }
    offset_at(first - offset_at(first)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u8, of_month: u8) -> i64 {
        civil::days_from_civil(year, month, of_month)
    }

    #[test]
    fn reads_every_form() {
        for (text, minutes) in [
            ("UTC", 0),
            ("GMT", 0),
            ("Z", 0),
            ("UTC+0200", 120),
            ("UTC+02:00", 120),
            ("UTC-03", -180),
            ("-0400", -240),
            ("+05:30", 330),
            ("CET", 60),
            ("CET+0100", 120),
            (" PDT ", -420),
            ("Etc/GMT-2", 120),
        ] {
            assert_eq!(Zone::parse(text).unwrap(), Zone(Kind::Fixed(minutes * 60)), "{text}");
        }
        for named in [
            "Europe/Berlin",
            "America/St_Johns",
            "CET-01CEST-02,M3.5.0,M10.5.0",
            "<+0330>-3:30<+0430>,J79/24,J263/24",
        ] {
            assert!(matches!(Zone::parse(named).unwrap().0, Kind::Named(_)), "{named}");
        }
        for refused in
            ["", "UTC+2", "CET-1", "Europe/Nowhere", "ERROR", "UTC+2500", "utc+0200x", "CET-01CEST-02,M3"]
        {
            assert!(Zone::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_time_that_occurs_twice_is_its_first_and_one_that_does_not_exist_moves_on() {
        for name in ["Europe/Berlin", "CET-01CEST-02,M3.5.0,M10.5.0/3"] {
            let zone = Zone::parse(name).unwrap();
            let half_past_two = 2 * 3600 + 1800;
            // 2026-10-25 02:30 is both 00:30 and 01:30 UTC; 2026-03-29 02:30 is skipped and becomes 03:30 = 01:30 UTC.
            assert_eq!(zone.to_epoch(day(2026, 10, 25), half_past_two), day(2026, 10, 25) * DAY_SECS + 1800);
            assert_eq!(
                zone.to_epoch(day(2026, 3, 29), half_past_two),
                day(2026, 3, 29) * DAY_SECS + 3600 + 1800
            );
            assert_eq!(zone.to_epoch(day(2026, 10, 25), 3 * 3600), day(2026, 10, 25) * DAY_SECS + 2 * 3600);
            assert_eq!(zone.offset_of_day(day(2026, 10, 25)), None);
            assert_eq!(zone.offset_of_day(day(2026, 3, 29)), None);
            assert_eq!(zone.offset_of_day(day(2026, 3, 30)), Some(7200));
            assert_eq!(zone.offset_of_day(day(2026, 10, 26)), Some(3600));
        }
    }

    #[test]
    fn the_offset_of_a_day_holds_for_each_of_its_hours() {
        for name in [
            "Europe/Berlin",
            "America/Sao_Paulo",
            "Pacific/Apia",
            "Africa/Casablanca",
            "Antarctica/Troll",
            "Asia/Kolkata",
        ] {
            let zone = Zone::parse(name).unwrap();
            let (mut uniform, days) = (0, day(2005, 1, 1)..day(2030, 1, 1));
            for number in days.clone() {
                let Some(offset) = zone.offset_of_day(number) else { continue };
                uniform += 1;
                for hour in 0..=24 {
                    let expected = number * DAY_SECS + hour * 3600 - offset;
                    assert_eq!(zone.to_epoch(number, hour * 3600), expected, "{name} {number} {hour}");
                }
            }
            assert!(uniform + 220 > days.end - days.start, "{name}: only {uniform} days with one offset");
        }
    }

    #[test]
    fn prints_what_it_is() {
        assert_eq!(Zone::parse("+05:30").unwrap().to_string(), "UTC+0530");
        assert_eq!(format!("{:?}", Zone::parse("Europe/Berlin").unwrap()), "Zone(Europe/Berlin)");
        assert_eq!(Zone::parse("MART").unwrap().to_string(), "UTC-0930");
    }
}
