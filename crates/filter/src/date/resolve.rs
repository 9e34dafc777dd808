//! From the parts of a date to an instant: the missing year, the missing day, the zone.

use std::ops::Range;

use super::civil::{self, DAY_SECS};
use super::clock::{INSTANTS, LocalClock, Span};
use super::fields::{Fields, Week};
use super::zone::Zone;

/// An instant, and for which reference times it is the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Milliseconds since the epoch; `None` if there is no such date.
    pub(super) time: Option<i64>,
    /// The reference times, in milliseconds, that give this same answer.
    pub(super) valid: Range<i64>,
}

/// The parts of a date after the calendar's questions are settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The year, if it is known.
    pub(super) year: Option<i32>,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) sec_of_day: i64,
}

/// A date without a year that would lie this much ahead of the reference time, or more, is last year's.
const AHEAD_MS: i64 = DAY_SECS * 1000;

/// Every reference time.
const ALWAYS: Range<i64> = *INSTANTS.start()..*INSTANTS.end() + 1;

/// Turns the fields of a date into an instant. `now` is the reference time in milliseconds, within [`INSTANTS`];
/// `year` replaces the year of dates that have none.
pub(super) fn resolve(fields: &Fields, clock: &mut LocalClock, year: Option<i32>, now: i64) -> Resolved {
    if let Some(instant) = fields.instant {
        return always(Some(instant));
    }
    match fields.offset.map(Zone::fixed) {
        Some(zone) => in_zone(fields, &mut LocalClock::new(zone), year, now),
        None => in_zone(fields, clock, year, now),
    }
}

fn in_zone(fields: &Fields, clock: &mut LocalClock, year: Option<i32>, now: i64) -> Resolved {
    let Some(sec_of_day) = fields.sec_of_day() else { return always(None) };
    if let (Some(month), Some(day)) = (fields.month, fields.day) {
        return resolve_moment(Moment { year: fields.year.or(year), month, day, sec_of_day }, clock, now);
    }
    if let Some(day_of) = day_in_year(fields) {
        let time_in = |year, clock: &mut LocalClock| Some(clock.at(day_of(year)?, sec_of_day));
        return place(time_in, fields.year.or(fields.iso_year).or(year), clock, now);
    }
    match (fields.month, fields.day) {
        (None, None) => today(fields.year, sec_of_day, clock, now),
        _ => always(None),
    }
}

/// The same for a date of which month and day are known.
#[inline]
pub(super) fn resolve_moment(moment: Moment, clock: &mut LocalClock, now: i64) -> Resolved {
    let Moment { year, month, day, sec_of_day } = moment;
    place(|year, clock| clock.at_date(year, month, day, sec_of_day), year, clock, now)
}

/// The same for a date that names its offset, in seconds east of UTC, and its year.
#[inline]
pub(super) fn resolve_exact(year: i32, moment: Moment, offset: i32) -> Resolved {
    let days = civil::checked_days(year, moment.month, moment.day);
    always(days.map(|days| (days * DAY_SECS + moment.sec_of_day - i64::from(offset)) * 1000))
}

/// Places a date in its year; without one, in the current year, or in the previous one if that would be more than a
/// day ahead. `Feb 29` is unreadable, as in fail2ban, where the year chosen by this rule has none.
#[inline]
fn place(
    time_in: impl Fn(i32, &mut LocalClock) -> Option<i64>,
    year: Option<i32>,
    clock: &mut LocalClock,
    now: i64,
) -> Resolved {
    if let Some(year) = year {
        return always(time_in(year, clock));
    }
    let Span { number, from, to } = clock.year(now);
    let this_year = i32::try_from(number).unwrap_or(0);
    let Some(time) = time_in(this_year, clock) else { return Resolved { time: None, valid: from..to } };
    let turn = time.saturating_sub(AHEAD_MS);
    if now >= turn {
        Resolved { time: Some(time), valid: from.max(turn)..to }
    } else {
        Resolved { time: time_in(this_year - 1, clock), valid: from..to.min(turn) }
    }
}

/// A time of day alone is today's; if that is still to come, yesterday's.
fn today(year: Option<i32>, sec_of_day: i64, clock: &mut LocalClock, now: i64) -> Resolved {
    let Span { number: today, from, to } = clock.day(now);
    let day = match year {
        None => Some(today),
        Some(year) => {
            let (_, month, day) = civil::civil_from_days(today);
            civil::checked_days(year, month, day)
        }
    };
    let Some(day) = day else { return Resolved { time: None, valid: from..to } };
    let time = clock.at(day, sec_of_day);
    if time <= now {
        Resolved { time: Some(time), valid: from.max(time)..to }
    } else {
        Resolved { time: Some(clock.at(day - 1, sec_of_day)), valid: from..to.min(time) }
    }
}

/// How the day is found in a year, where it is not given by month and day.
fn day_in_year(fields: &Fields) -> Option<impl Fn(i32) -> Option<i64>> {
    let fields = *fields;
    let known = fields.day_of_year.is_some() || (fields.week.is_some() && fields.weekday.is_some());
    known.then_some(move |year: i32| {
        let first = civil::checked_days(year, 1, 1)?;
        if let Some(day_of_year) = fields.day_of_year {
            return (1..=366).contains(&day_of_year).then(|| first + i64::from(day_of_year) - 1);
        }
        let weekday = i64::from(fields.weekday?);
        let day = match fields.week? {
            // Week 0 is what lies before the first Monday (Sunday); week 1 begins with it.
            Week::FromMonday(week) => first_weekday(first, 0) + (i64::from(week) - 1) * 7 + weekday,
            Week::FromSunday(week) => first_weekday(first, 6) + (i64::from(week) - 1) * 7 + (weekday + 1) % 7,
            Week::Iso(week) => first_weekday(first, 3) - 3 + (i64::from(week) - 1) * 7 + weekday,
        };
        Some(day)
    })
}

/// The first day from `day` on that is the given weekday, 0 = Monday.
fn first_weekday(day: i64, weekday: i64) -> i64 {
    day + (weekday - civil::weekday(day)).rem_euclid(7)
}

fn always(time: Option<i64>) -> Resolved {
    Resolved { time, valid: ALWAYS }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(year: i32, month: u8, day: u8, sec_of_day: i64) -> i64 {
        (civil::checked_days(year, month, day).unwrap() * DAY_SECS + sec_of_day) * 1000
    }

    fn utc() -> LocalClock {
        LocalClock::new(Zone::UTC)
    }

    fn no_year(month: u8, day: u8, sec_of_day: i64, now: i64) -> Resolved {
        resolve_moment(Moment { year: None, month, day, sec_of_day }, &mut utc(), now)
    }

    #[test]
    fn a_missing_year_is_this_one_unless_that_is_more_than_a_day_ahead() {
        let noon = 12 * 3600;
        assert_eq!(no_year(12, 31, 0, ms(2026, 1, 1, 0)).time, Some(ms(2025, 12, 31, 0)));
        assert_eq!(no_year(1, 1, 0, ms(2026, 12, 31, 0)).time, Some(ms(2026, 1, 1, 0)));
        assert_eq!(no_year(6, 2, noon, ms(2026, 6, 1, noon)).time, Some(ms(2026, 6, 2, noon)));
        assert_eq!(no_year(6, 2, noon + 1, ms(2026, 6, 1, noon)).time, Some(ms(2025, 6, 2, noon + 1)));
    }

    #[test]
    fn the_leap_day_is_unreadable_where_the_rule_chooses_a_year_without_one() {
        assert_eq!(no_year(2, 29, 0, ms(2026, 3, 1, 0)).time, None);
        assert_eq!(no_year(2, 29, 0, ms(2028, 3, 1, 0)).time, Some(ms(2028, 2, 29, 0)));
        assert_eq!(no_year(2, 29, 0, ms(2028, 1, 1, 0)).time, None, "2027 has none");
        assert_eq!(no_year(2, 30, 0, ms(2028, 3, 1, 0)).time, None);
    }

    #[test]
    fn a_time_alone_is_the_last_such_time() {
        let fields = Fields { hour: 12, minute: 30, ..Fields::default() };
        let at = |now| resolve(&fields, &mut utc(), None, now).time;
        assert_eq!(at(ms(2026, 1, 1, 12 * 3600 + 1800)), Some(ms(2026, 1, 1, 12 * 3600 + 1800)));
        assert_eq!(at(ms(2026, 1, 1, 12 * 3600)), Some(ms(2025, 12, 31, 12 * 3600 + 1800)));
    }

    #[test]
    fn every_answer_holds_for_exactly_its_reference_times() {
        let cases = [
            Fields { month: Some(7), day: Some(14), ..Fields::default() },
            Fields { month: Some(2), day: Some(29), ..Fields::default() },
            Fields { hour: 3, ..Fields::default() },
            Fields { year: Some(2020), month: Some(1), day: Some(1), ..Fields::default() },
            Fields { day_of_year: Some(200), ..Fields::default() },
        ];
        for zone in ["UTC", "Europe/Berlin"] {
            let mut clock = LocalClock::new(Zone::parse(zone).unwrap());
            for fields in cases {
                let mut now = ms(2027, 1, 1, 0);
                while now < ms(2029, 1, 1, 0) {
                    let Resolved { time, valid } = resolve(&fields, &mut clock, None, now);
                    assert!(valid.contains(&now), "{fields:?} {now}");
                    for edge in [valid.start, valid.end - 1] {
                        let again = resolve(
                            &fields,
                            &mut clock,
                            None,
                            edge.clamp(*INSTANTS.start(), *INSTANTS.end()),
                        );
                        assert_eq!(again.time, time, "{fields:?} {now} {edge}");
                    }
                    now += 7 * 3_600_000 + 13;
                }
            }
        }
    }

    #[test]
    fn weeks_count_as_in_strptime() {
        // 2026-01-01 is a Thursday.
        let day = |week, weekday| {
            let fields =
                Fields { year: Some(2026), week: Some(week), weekday: Some(weekday), ..Fields::default() };
            resolve(&fields, &mut utc(), None, 0).time
        };
        assert_eq!(day(Week::FromMonday(0), 3), Some(ms(2026, 1, 1, 0)));
        assert_eq!(day(Week::FromMonday(1), 0), Some(ms(2026, 1, 5, 0)));
        assert_eq!(day(Week::FromSunday(1), 6), Some(ms(2026, 1, 4, 0)));
        assert_eq!(day(Week::FromSunday(1), 0), Some(ms(2026, 1, 5, 0)));
        assert_eq!(day(Week::Iso(1), 0), Some(ms(2025, 12, 29, 0)));
        assert_eq!(day(Week::Iso(53), 6), Some(ms(2027, 1, 3, 0)));
    }

    #[test]
    fn an_offset_beside_the_date_decides_year_and_day_too() {
        let fields = Fields { offset: Some(-10 * 3600), hour: 20, ..Fields::default() };
        // 04:00 UTC on the 2nd is 18:00 on the 1st there, so 20:00 is still to come.
        let time = resolve(&fields, &mut utc(), None, ms(2026, 1, 2, 4 * 3600)).time;
        assert_eq!(time, Some(ms(2026, 1, 1, 6 * 3600)));
    }
}
