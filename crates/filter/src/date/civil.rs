//! Calendar arithmetic on the proleptic Gregorian calendar: plain integers, no zone, nothing that can fail on the hot
//! path.
//!
//! Own code because a day number is needed several million times a second; the tests hold it against `jiff`.

/// Seconds of a civil day.
pub(super) const DAY_SECS: i64 = 86_400;

/// The years a date may have; anything else is unreadable.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// Days from 1970-01-01 to the given date, which must exist.
pub(super) const fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    // Years begin in March here, so that the leap day is the last day of one.
    let march_year = year as i64 - (month <= 2) as i64;
    let march_month = (month as i64 + 9) % 12;
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - DAYS_TO_EPOCH
}

/// Year, month and day of the day that is `days` after 1970-01-01. Days outside of [`YEARS`] give the nearest year's
/// end.
pub(super) fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let days = days.clamp(days_from_civil(*YEARS.start(), 1, 1), days_from_civil(*YEARS.end(), 12, 31));
    let since = days + DAYS_TO_EPOCH;
    let era = since.div_euclid(146_097);
    let day_of_era = since.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = (march_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (i32::try_from(year).unwrap_or(0), u8::try_from(month).unwrap_or(0), u8::try_from(day).unwrap_or(0))
}

/// The day number of a date, or `None` if there is no such date.
pub(super) const fn checked_days(year: i32, month: u8, day: u8) -> Option<i64> {
    let exists =
        year >= *YEARS.start() && year <= *YEARS.end() && day >= 1 && day <= days_in_month(year, month);
    if exists { Some(days_from_civil(year, month, day)) } else { None }
}

/// How many days a month has; 0 for a month that does not exist.
pub(super) const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// The weekday of a day number, 0 = Monday.
pub(super) const fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn agrees_with_jiff_on_every_day_of_ten_thousand_years() {
        let mut day = date(1, 1, 1);
        let mut number = days_from_civil(1, 1, 1);
        loop {
            let (year, month, of_month) = (day.year(), day.month() as u8, day.day() as u8);
            assert_eq!(checked_days(i32::from(year), month, of_month), Some(number), "{day}");
            assert_eq!(civil_from_days(number), (i32::from(year), month, of_month));
            assert_eq!(weekday(number), i64::from(day.weekday().to_monday_zero_offset()));
            let Ok(next) = day.tomorrow() else { break };
            day = next;
            number += 1;
        }
        assert_eq!(day, date(9999, 12, 31));
        assert_eq!(days_from_civil(1970, 1, 1), 0);
    }

    #[test]
    fn dates_that_do_not_exist_have_no_number() {
        for (year, month, day) in [
            (2026, 2, 29),
            (1900, 2, 29),
            (2026, 4, 31),
            (2026, 0, 1),
            (2026, 13, 1),
            (2026, 1, 0),
            (0, 1, 1),
            (10_000, 1, 1),
        ] {
            assert_eq!(checked_days(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(checked_days(2000, 2, 29).is_some());
    }

    #[test]
    fn day_numbers_far_outside_stay_within_the_years() {
        assert_eq!(civil_from_days(i64::MAX), (9999, 12, 31));
        assert_eq!(civil_from_days(i64::MIN), (1, 1, 1));
    }
}
