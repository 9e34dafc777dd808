//! Local time with a memory: what a zone's clock said on the days that were asked for lately.

use super::civil::{self, DAY_SECS};
use super::zone::Zone;

/// A zone, and what was found out about single days and years of it.
///
/// All times are in milliseconds since the epoch and within [`INSTANTS`].
#[derive(Clone, Debug)]
pub(super) struct LocalClock {
    zone: Zone,
    days: [DayMemo; DAY_SLOTS],
    dates: [DateMemo; 2],
    year: Span,
}

/// A year or a day of a zone, and the instants that belong to it: `from <= t < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The year, or the day number.
    pub(super) number: i64,
    /// Its first millisecond.
    pub(super) from: i64,
    /// The first millisecond of the next one.
    pub(super) to: i64,
}

#[derive(Clone, Copy, Debug)]
struct DayMemo {
    day: i64,
    /// `None`: the offset changes on this day, so every time needs a look-up of its own.
    offset: Option<i64>,
}

/// The reference times that are told apart, in milliseconds: the years 1 to 9999, less two days at both ends for the
/// zones.
pub(super) const INSTANTS: std::ops::RangeInclusive<i64> = {
    let (first, last) = (civil::days_from_civil(1, 1, 3), civil::days_from_civil(9999, 12, 29));
    first * DAY_SECS * 1000..=last * DAY_SECS * 1000
};

/// What is known of a date.
#[derive(Clone, Copy, Debug)]
struct DateMemo {
    date: (i32, u8, u8),
    begin: Begin,
}

/// When a date begins.
#[derive(Clone, Copy, Debug)]
enum Begin {
    /// There is no such date.
    Never,
    /// At this millisecond, and the offset holds all day.
    At(i64),
    /// The offset changes on this day, see [`DayMemo`].
    Varies(i64),
}

/// Days remembered at once. This year's day and last year's (365 or 366 days apart) must not share a slot.
const DAY_SLOTS: usize = 8;

impl LocalClock {
    pub(super) fn new(zone: Zone) -> Self {
        let never = DayMemo { day: i64::MIN, offset: None };
        let no_date = DateMemo { date: (0, 0, 0), begin: Begin::Never };
        Self { zone, days: [never; DAY_SLOTS], dates: [no_date; 2], year: Span { number: 0, from: 0, to: 0 } }
    }

    /// The instant of a local time.
    #[inline]
    pub(super) fn at(&mut self, day: i64, sec_of_day: i64) -> i64 {
        match self.offset_of_day(day) {
            Some(offset) => (day * DAY_SECS + sec_of_day - offset) * 1000,
            None => self.zone.to_epoch(day, sec_of_day).saturating_mul(1000),
        }
    }

    /// The instant of a local time on a date, `None` if there is no such date.
    #[inline]
    pub(super) fn at_date(&mut self, year: i32, month: u8, day: u8, sec_of_day: i64) -> Option<i64> {
        let date = (year, month, day);
        // Without a year in the line, this year's date and last year's are asked for in turn.
        let [even, odd] = &self.dates;
        let memo = if year & 1 == 0 { even } else { odd };
        let begin = if memo.date == date { memo.begin } else { self.find_begin(date) };
        match begin {
            Begin::At(midnight) => Some(midnight + sec_of_day * 1000),
            Begin::Varies(day) => Some(self.at(day, sec_of_day)),
            Begin::Never => None,
        }
    }

    /// The local year that `now` is in.
    #[inline]
    pub(super) fn year(&mut self, now: i64) -> Span {
        if !(self.year.from..self.year.to).contains(&now) {
            self.year = self.find_year(now);
        }
        self.year
    }

    /// The local day that `now` is in.
    pub(super) fn day(&mut self, now: i64) -> Span {
        let secs = now.div_euclid(1000);
        let number = secs.saturating_add(self.zone.offset_at(secs)).div_euclid(DAY_SECS);
        Span { number, from: self.at(number, 0), to: self.at(number.saturating_add(1), 0) }
    }

    #[cold]
    fn find_begin(&mut self, date: (i32, u8, u8)) -> Begin {
        let (year, month, day) = date;
        let begin = match civil::checked_days(year, month, day) {
            None => Begin::Never,
            Some(day) if self.offset_of_day(day).is_some() => Begin::At(self.at(day, 0)),
            Some(day) => Begin::Varies(day),
        };
        let [even, odd] = &mut self.dates;
        *(if year & 1 == 0 { even } else { odd }) = DateMemo { date, begin };
        begin
    }

    #[cold]
    fn find_year(&mut self, now: i64) -> Span {
        let (year, _, _) = civil::civil_from_days(self.day(now).number);
        let mut new_year = |year| self.at(civil::days_from_civil(year, 1, 1), 0);
        Span { number: i64::from(year), from: new_year(year), to: new_year(year + 1) }
    }

    #[inline]
    fn offset_of_day(&mut self, day: i64) -> Option<i64> {
        // Masking keeps the index below DAY_SLOTS, so the fallback is never taken.
        let slot = usize::try_from(day & 7).unwrap_or(0);
        let Some(memo) = self.days.get_mut(slot) else { return self.zone.offset_of_day(day) };
        if memo.day != day {
            *memo = DayMemo { day, offset: self.zone.offset_of_day(day) };
        }
        memo.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(year: i32, month: u8, day: u8, hour: i64) -> i64 {
        (civil::days_from_civil(year, month, day) * DAY_SECS + hour * 3600) * 1000
    }

    #[test]
    fn a_year_begins_at_local_midnight() {
        let mut clock = LocalClock::new(Zone::parse("Europe/Berlin").unwrap());
        let span = Span { number: 2026, from: ms(2025, 12, 31, 23), to: ms(2026, 12, 31, 23) };
        assert_eq!(clock.year(ms(2026, 6, 1, 0)), span);
        assert_eq!(clock.year(span.from), span);
        assert_eq!(clock.year(span.from - 1).number, 2025);
        assert_eq!(clock.year(span.to).number, 2027);
    }

    #[test]
    fn a_day_of_the_change_has_23_or_25_hours() {
        let mut clock = LocalClock::new(Zone::parse("Europe/Berlin").unwrap());
        for (month, day, hours) in [(3, 29, 23), (10, 25, 25), (6, 1, 24)] {
            let span = clock.day(ms(2026, month, day, 12));
            assert_eq!(span.to - span.from, hours * 3_600_000, "{month}-{day}");
        }
    }

    #[test]
    fn remembered_days_give_the_same_times_as_fresh_ones() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let mut clock = LocalClock::new(zone.clone());
        let first = civil::days_from_civil(2026, 10, 20);
        for round in 0..3 {
            for day in (first..first + 10).chain(first - 365..first - 355) {
                let (year, month, of_month) = civil::civil_from_days(day);
                for hour in [0, 1, 2, 3, 23] {
                    let secs = hour * 3600 + round;
                    let expected = Some(zone.to_epoch(day, secs) * 1000);
                    assert_eq!(clock.at_date(year, month, of_month, secs), expected, "{day} {hour}");
                    assert_eq!(clock.at(day, secs), zone.to_epoch(day, secs) * 1000, "{day} {hour}");
                }
            }
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_never() {
        let mut clock = LocalClock::new(Zone::UTC);
        assert_eq!(clock.at_date(0, 0, 0, 0), None);
        assert_eq!(clock.at_date(2026, 2, 29, 0), None);
        assert_eq!(clock.at_date(2028, 2, 29, 0), Some(ms(2028, 2, 29, 0)));
        assert_eq!(clock.at_date(2026, 2, 29, 0), None);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        for zone in ["UTC", "Europe/Berlin", "+1900", "-1900"] {
            let mut clock = LocalClock::new(Zone::parse(zone).unwrap());
            for now in [*INSTANTS.start(), 0, *INSTANTS.end()] {
                assert!(clock.day(now).from <= now && now < clock.day(now).to, "{zone} {now}");
                clock.year(now);
            }
        }
    }
}
