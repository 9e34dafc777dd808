//! What the parts of a date say, read from their text.

use super::offset;

/// What a part of a date says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    /// Two digits, always in this century, as in fail2ban.
    YearOfCentury,
    Month,
    MonthName,
    Day,
    DayOfYear,
    WeekFromSunday,
    WeekFromMonday,
    WeekdayName,
    WeekdayFromSunday,
    WeekdayFromMonday,
    IsoYear,
    IsoWeek,
    Hour,
    HalfDayHour,
    HalfDay,
    Minute,
    Second,
    Zone,
    /// Seconds since the epoch, with a fraction.
    Epoch,
    /// Seconds, milliseconds or microseconds since the epoch, told apart by their length.
    LongEpoch,
    Tai64n,
}

impl Field {
    /// Whether the field only matters together with a week number.
    pub(super) fn is_weekday(self) -> bool {
        matches!(self, Self::WeekdayName | Self::WeekdayFromSunday | Self::WeekdayFromMonday)
    }

    /// Whether the field counts weeks.
    pub(super) fn is_week(self) -> bool {
        matches!(self, Self::WeekFromSunday | Self::WeekFromMonday | Self::IsoWeek)
    }
}

/// The parts of one date. Values are in range for their field, but the date as a whole need not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) year: Option<i32>,
    pub(super) month: Option<u8>,
    pub(super) day: Option<u8>,
    pub(super) day_of_year: Option<u16>,
    pub(super) week: Option<Week>,
    /// 0 = Monday.
    pub(super) weekday: Option<u8>,
    pub(super) iso_year: Option<i32>,
    pub(super) hour: u8,
    pub(super) half_day_hour: Option<u8>,
    pub(super) afternoon: bool,
    pub(super) minute: u8,
    pub(super) second: u8,
    /// Seconds east of UTC.
    pub(super) offset: Option<i32>,
    /// Milliseconds since the epoch: the date is an instant by itself.
    pub(super) instant: Option<i64>,
}

/// A week of a year, by the way it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Week {
    /// Week 1 begins with the first Sunday.
    FromSunday(u8),
    /// Week 1 begins with the first Monday.
    FromMonday(u8),
    /// Week 1 has the first Thursday.
    Iso(u8),
}

impl Fields {
    /// Takes up the text of one field. `None`: the text is not a value of that field, the date is unreadable.
    pub(super) fn set(&mut self, field: Field, text: &[u8]) -> Option<()> {
        match field {
            Field::Year => self.year = Some(number(text)?),
            Field::YearOfCentury => self.year = Some(2000 + number::<i32>(text)?),
            Field::Month => self.month = Some(number(text)?),
            Field::MonthName => self.month = Some(month_named(text)?),
            Field::Day => self.day = Some(number(text.trim_ascii_start())?),
            Field::DayOfYear => self.day_of_year = Some(number(text)?),
            Field::WeekFromSunday => self.week = Some(Week::FromSunday(number(text)?)),
            Field::WeekFromMonday => self.week = Some(Week::FromMonday(number(text)?)),
            Field::IsoWeek => self.week = Some(Week::Iso(number(text)?)),
            Field::IsoYear => self.iso_year = Some(number(text)?),
            Field::WeekdayName => self.weekday = Some(weekday_named(text)?),
            Field::WeekdayFromSunday => self.weekday = Some((number::<u8>(text)? + 6) % 7),
            Field::WeekdayFromMonday => self.weekday = Some(number::<u8>(text)?.checked_sub(1)?),
            Field::Hour => self.hour = number(text)?,
            Field::HalfDayHour => self.half_day_hour = Some(number(text)?),
            Field::HalfDay => self.afternoon = text.first()?.eq_ignore_ascii_case(&b'p'),
            Field::Minute => self.minute = number(text)?,
            Field::Second => self.second = number(text)?,
            Field::Zone => self.offset = Some(offset::fixed(text)?),
            Field::Epoch => self.instant = Some(epoch(text, false)?),
            Field::LongEpoch => self.instant = Some(epoch(text, true)?),
            Field::Tai64n => self.instant = Some(tai64n(text)?),
        }
        Some(())
    }

    /// Seconds since midnight. `18:00 AM`, which `%l` lets pass, is 18 o'clock; `18:00 PM` is nothing. A leap second
    /// (60, 61) runs over into the next minute.
    pub(super) fn sec_of_day(&self) -> Option<i64> {
        let hour = match (self.half_day_hour, self.afternoon) {
            (None, _) => self.hour,
            (Some(12), false) => 0,
            (Some(12), true) => 12,
            (Some(hour), afternoon) => hour.saturating_add(if afternoon { 12 } else { 0 }),
        };
        (hour < 24).then(|| i64::from(hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second))
    }
}

/// The month, 1 to 12, that begins with three letters, in any case.
pub(super) fn month_named(text: &[u8]) -> Option<u8> {
    position(text, b"janfebmaraprmayjunjulaugsepoctnovdec").map(|at| at + 1)
}

fn weekday_named(text: &[u8]) -> Option<u8> {
    position(text, b"montuewedthufrisatsun")
}

fn position(text: &[u8], names: &[u8]) -> Option<u8> {
    let start = text.get(..3)?;
    names
        .chunks_exact(3)
        .position(|name| name.eq_ignore_ascii_case(start))
        .and_then(|at| u8::try_from(at).ok())
}

fn number<T: TryFrom<u32>>(text: &[u8]) -> Option<T> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    let mut value = 0_u32;
    for byte in text {
        value = value * 10 + u32::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    T::try_from(value).ok()
}

/// Milliseconds of `seconds[.fraction]`; of a long form with at least 13 characters, milliseconds, and with at least
/// 16 digits and no fraction, microseconds.
fn epoch(text: &[u8], long: bool) -> Option<i64> {
    let dot = memchr::memchr(b'.', text);
    let (whole, fraction) = text.split_at_checked(dot.unwrap_or(text.len()))?;
    let whole = whole.iter().try_fold(0_i64, |value, byte| {
        value.checked_mul(10)?.checked_add(i64::from(byte.is_ascii_digit().then(|| byte - b'0')?))
    })?;
    match text.len() {
        16.. if long && dot.is_none() => Some(whole / 1000),
        13.. if long => Some(whole),
        _ => {
            let mut digits = fraction.iter().skip(1).map(|byte| i64::from(byte.wrapping_sub(b'0')));
            let millis = (0..3).fold(0, |value, _| value * 10 + digits.next().unwrap_or(0));
            whole.checked_mul(1000)?.checked_add(millis)
        }
    }
}

/// Milliseconds of a TAI64N label `@` and 24 hexadecimal digits. As in fail2ban the seconds of the label are taken as
/// they are, without the leap seconds between TAI and UTC, and the nanoseconds are dropped.
fn tai64n(text: &[u8]) -> Option<i64> {
    let seconds = std::str::from_utf8(text.get(2..17)?).ok()?;
    i64::from_str_radix(seconds, 16).ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: Field, text: &str) -> Option<Fields> {
        let mut fields = Fields::default();
        fields.set(field, text.as_bytes()).map(|()| fields)
    }

    #[test]
    fn epochs_keep_their_fraction_and_know_their_unit_by_length() {
        for (field, text, millis) in [
            (Field::Epoch, "1124013600", 1_124_013_600_000),
            (Field::Epoch, "1124013600.5", 1_124_013_600_500),
            (Field::Epoch, "1124013600.123456", 1_124_013_600_123),
            (Field::LongEpoch, "1124013600", 1_124_013_600_000),
            (Field::LongEpoch, "1124013600123", 1_124_013_600_123),
            (Field::LongEpoch, "1124013600123456", 1_124_013_600_123),
            (Field::LongEpoch, "1124013600123.456", 1_124_013_600_123),
            (Field::Tai64n, "@4000000050d506482dbdf024", 1_356_138_056_000),
        ] {
            assert_eq!(read(field, text).and_then(|fields| fields.instant), Some(millis), "{text}");
        }
        assert_eq!(read(Field::Tai64n, "@7fffffffffffffff00000000"), None);
        assert_eq!(read(Field::Tai64n, "@"), None);
    }

    #[test]
    fn half_days() {
        for (hour, half, expected) in [
            ("12", "AM", 0),
            ("12", "pm", 12),
            ("1", "PM", 13),
            ("11", "am", 11),
            ("0", "PM", 12),
            ("18", "AM", 18),
        ] {
            let mut fields = read(Field::HalfDayHour, hour).unwrap();
            fields.set(Field::HalfDay, half.as_bytes()).unwrap();
            assert_eq!(fields.sec_of_day(), Some(expected * 3600), "{hour} {half}");
        }
        assert_eq!(read(Field::HalfDayHour, "12").unwrap().sec_of_day(), Some(0));
        let mut none = read(Field::HalfDayHour, "18").unwrap();
        none.set(Field::HalfDay, b"PM").unwrap();
        assert_eq!(none.sec_of_day(), None);
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(read(Field::MonthName, "SEPTEMBER").unwrap().month, Some(9));
        assert_eq!(read(Field::WeekdayName, "Sun").unwrap().weekday, Some(6));
        assert_eq!(read(Field::WeekdayFromSunday, "0").unwrap().weekday, Some(6));
        assert_eq!(read(Field::WeekdayFromMonday, "7").unwrap().weekday, Some(6));
        assert_eq!(read(Field::Day, " 5").unwrap().day, Some(5));
        assert_eq!(read(Field::YearOfCentury, "05").unwrap().year, Some(2005));
        for (field, text) in
            [(Field::Hour, "256"), (Field::MonthName, "Foo"), (Field::Year, "20x5"), (Field::Day, "")]
        {
            assert_eq!(read(field, text), None, "{text}");
        }
    }
}
