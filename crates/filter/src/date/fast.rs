//! The commonest shapes read by hand: syslog, ISO 8601, Apache.
//!
//! Each reader takes exactly what it can read in one way only, and gives up on everything else, however right it may
//! be: the templates decide then. What it does read, it reads as its template does; a property test holds the two
//! together.

use super::template::is_word;

/// A date as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) year: Option<i32>,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) sec_of_day: i64,
    /// Seconds east of UTC.
    pub(super) offset: Option<i32>,
    /// Bytes of the date.
    pub(super) len: usize,
    /// Bytes of the text that were looked at; more than it has, if its end was noticed.
    pub(super) seen: usize,
}

/// `Jun 14 12:00:00`, perhaps after a weekday, perhaps followed by a fraction and a year.
#[inline]
pub(super) fn syslog(text: &[u8]) -> Option<Stamp> {
    let (month, start) = match month(text) {
        Some(month) => (month, 0),
        None => (month(weekday(text)?)?, 4),
    };
    let [_, _, _, b' ', d1, d0, b' ', time @ ..] = text.get(start..)?.first_chunk::<15>()? else {
        return None;
    };
    let day = day(*d1, *d0)?;
    let sec_of_day = clock(*time)?;
    let mut rest = Rest { text, at: start + 15, seen: start + 16 };
    if rest.peek() == Some(b'.') {
        rest.fraction()?;
    }
    let mut year = None;
    match rest.peek() {
        Some(b' ') if rest.ahead(1) == Some(b'2') => {
            let [b' ', b'2', b'0', y1, y0] = rest.chunk()? else { return None };
            year = Some(2000 + i32::from(pair(*y1, *y0)?));
            rest.take(5);
            rest.end_of_word()?;
        }
        _ => rest.end_of_word()?,
    }
    Some(Stamp { year, month, day, sec_of_day, offset: None, len: rest.at, seen: rest.seen })
}

/// `2005-06-14T12:00:00`, with `-`, `/` or `.`, `T` or a blank, perhaps followed by a fraction and a zone.
#[inline]
pub(super) fn iso(text: &[u8]) -> Option<Stamp> {
    let [b'2', b'0', y1, y0, s1, m1, m0, s0, d1, d0, b'T' | b' ', time @ ..] = text.first_chunk::<19>()?
    else {
        return None;
    };
    if s1 != s0 || !matches!(s1, b'-' | b'/' | b'.') {
        return None;
    }
    let month = pair(*m1, *m0).filter(|month| matches!(month, 1..=12))?;
    let day = pair(*d1, *d0).filter(|day| matches!(day, 1..=31))?;
    let year = Some(2000 + i32::from(pair(*y1, *y0)?));
    let sec_of_day = clock(*time)?;
    let mut rest = Rest { text, at: 19, seen: 20 };
    if matches!(rest.peek(), Some(b'.' | b',')) {
        rest.fraction()?;
    }
    let end = rest.at;
    rest.blanks()?;
    let offset = match rest.zone()? {
        Zone::Offset(secs) => Some(secs),
        Zone::None => {
            rest.at = end;
            None
        }
    };
    rest.end_of_word()?;
    Some(Stamp { year, month, day, sec_of_day, offset, len: rest.at, seen: rest.seen })
}

/// `14/Jun/2005:12:00:00`, with `/` or `-`, `:` or a blank, perhaps followed by a numeric zone.
#[inline]
pub(super) fn apache(text: &[u8]) -> Option<Stamp> {
    let [d1, d0, s1, _, _, _, s0, b'2', b'0', y1, y0, b':' | b' ', time @ ..] = text.first_chunk::<20>()?
    else {
        return None;
    };
    if s1 != s0 || !matches!(s1, b'-' | b'/') {
        return None;
    }
    let day = day(*d1, *d0)?;
    let month = month(text.get(3..)?)?;
    let year = Some(2000 + i32::from(pair(*y1, *y0)?));
    let sec_of_day = clock(*time)?;
    let mut rest = Rest { text, at: 20, seen: 21 };
    let mut offset = None;
    if rest.peek() == Some(b' ') && matches!(rest.ahead(1), Some(b'+' | b'-')) {
        rest.take(1);
        match rest.zone()? {
            Zone::Offset(secs) => offset = Some(secs),
            Zone::None => rest.at = 20,
        }
    } else if rest.peek() == Some(b'.') || rest.ahead(1).is_some_and(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    rest.end_of_word()?;
    Some(Stamp { year, month, day, sec_of_day, offset, len: rest.at, seen: rest.seen })
}

/// White space before a zone.
const MAX_BLANKS: usize = 8;

/// What stands where a zone may be.
enum Zone {
    None,
    Offset(i32),
}

/// What follows the fixed part of a date. Where its methods return an `Option`, `None` means to give up.
struct Rest<'t> {
    text: &'t [u8],
    at: usize,
    seen: usize,
}

impl<'t> Rest<'t> {
    fn peek(&mut self) -> Option<u8> {
        self.ahead(0)
    }

    fn ahead(&mut self, bytes: usize) -> Option<u8> {
        self.seen = self.seen.max(self.at + bytes + 1);
        self.text.get(self.at + bytes).copied()
    }

    fn chunk<const N: usize>(&mut self) -> Option<&'t [u8; N]> {
        self.seen = self.seen.max(self.at + N);
        self.text.get(self.at..)?.first_chunk::<N>()
    }

    fn take(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// A fraction of one to six digits; gives up on any other.
    fn fraction(&mut self) -> Option<()> {
        let mut digits = 0;
        while self.ahead(1 + digits).is_some_and(|byte| byte.is_ascii_digit()) {
            digits += 1;
            if digits > 6 {
                return None;
            }
        }
        (digits > 0).then(|| self.take(1 + digits))
    }

    /// White space; gives up on more of it than anybody writes, so that a long line costs nothing.
    fn blanks(&mut self) -> Option<()> {
        for _ in 0..MAX_BLANKS {
            if !matches!(self.peek(), Some(b' ' | b'\t'..=b'\r')) {
                return Some(());
            }
            self.take(1);
        }
        None
    }

    /// A zone that ends its word.
    fn zone(&mut self) -> Option<Zone> {
        let sign = match self.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(b'Z') if !self.ahead(1).is_some_and(is_word) => {
                self.take(1);
                return Some(Zone::Offset(0));
            }
            Some(b'Z' | b'U' | b'G') => return None,
            _ => return Some(Zone::None),
        };
        let Some([_, h1 @ b'0'..=b'1', h0 @ b'0'..=b'9']) = self.chunk() else { return Some(Zone::None) };
        let colon = usize::from(self.ahead(3) == Some(b':'));
        let minutes = pair(self.ahead(3 + colon)?, self.ahead(4 + colon)?)?;
        self.take(5 + colon);
        self.end_of_word()?;
        Some(Zone::Offset(sign * (i32::from(pair(*h1, *h0)?) * 60 + i32::from(minutes)) * 60))
    }

    /// Gives up if the word goes on.
    fn end_of_word(&mut self) -> Option<()> {
        (!self.peek().is_some_and(is_word)).then_some(())
    }
}

/// `hh:mm:ss`; gives up on leap seconds.
#[inline]
fn clock([h1, h0, c1, m1, m0, c0, s1, s0]: [u8; 8]) -> Option<i64> {
    let (hour, minute, second) = (pair(h1, h0)?, pair(m1, m0)?, pair(s1, s0)?);
    let valid = hour < 24 && minute < 60 && second < 60 && c1 == b':' && c0 == b':';
    valid.then(|| i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

/// A day of two digits, or of a blank and one.
#[inline]
fn day(tens: u8, ones: u8) -> Option<u8> {
    let tens = if tens == b' ' { b'0' } else { tens };
    pair(tens, ones).filter(|day| matches!(day, 1..=31))
}

#[inline]
fn pair(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}

#[inline]
fn month(text: &[u8]) -> Option<u8> {
    Some(match text.first_chunk::<3>()? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// What follows a weekday and a blank.
#[inline]
fn weekday(text: &[u8]) -> Option<&[u8]> {
    let (day, rest) = text.split_first_chunk::<4>()?;
    matches!(day, b"Mon " | b"Tue " | b"Wed " | b"Thu " | b"Fri " | b"Sat " | b"Sun ").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader finds, without what it saw.
    fn read(reader: fn(&[u8]) -> Option<Stamp>, text: &str) -> Option<Stamp> {
        reader(text.as_bytes()).map(|stamp| Stamp { seen: 0, ..stamp })
    }

    /// Noon of a 14 June.
    fn stamp(year: Option<i32>, offset: Option<i32>, len: usize) -> Option<Stamp> {
        Some(Stamp { year, month: 6, day: 14, sec_of_day: 12 * 3600, offset, len, seen: 0 })
    }

    #[test]
    fn syslog_dates() {
        assert_eq!(read(syslog, "Jun 14 12:00:00 host"), stamp(None, None, 15));
        assert_eq!(read(syslog, "Jun 14 12:00:00"), stamp(None, None, 15));
        assert_eq!(read(syslog, "Tue Jun 14 12:00:00.123 2005]"), stamp(Some(2005), None, 28));
        assert_eq!(read(syslog, "Jun  4 12:00:00 host").map(|stamp| stamp.day), Some(4));
        for text in [
            "Jun 14 12:00:00x",
            "Jun 14 12:00:60 ",
            "Jun 14 24:00:00 ",
            "Jun 4 12:00:00 ",
            "jun 14 12:00:00 ",
            "Jun 14  2:00:00 ",
            "Jun 14 12:00:00 2005x",
            "Jun 14 12:00:00. ",
            "Jun 14 12:00:00.1234567 ",
            "Jun 32 12:00:00 ",
            "Foo Jun 14 12:00:00",
            "Jun 14 12:00",
        ] {
            assert_eq!(read(syslog, text), None, "{text}");
        }
    }

    #[test]
    fn iso_dates() {
        let stamp = |offset, len| stamp(Some(2005), offset, len);
        assert_eq!(read(iso, "2005-06-14T12:00:00 host"), stamp(None, 19));
        assert_eq!(read(iso, "2005/06/14 12:00:00"), stamp(None, 19));
        assert_eq!(read(iso, "2005-06-14 12:00:00,123 host"), stamp(None, 23));
        assert_eq!(read(iso, "2005-06-14T12:00:00.123456Z host"), stamp(Some(0), 27));
        assert_eq!(read(iso, "2005-06-14T12:00:00+02:00 host"), stamp(Some(7200), 25));
        assert_eq!(read(iso, "2005-06-14T12:00:00 -0330]"), stamp(Some(-12_600), 25));
        assert_eq!(read(iso, "2005-06-14T12:00:00 -x"), stamp(None, 19));
        for text in [
            "2005-06-14T12:00:00x",
            "2005-06/14T12:00:00 ",
            "2005-6-14T12:00:00 ",
            "1999-06-14T12:00:00 ",
            "2005-06-14  12:00:00",
            "2005-06-14T12:00:00.1234567Z",
            "2005-06-14T12:00:00Zx",
            "2005-06-14T12:00:00 UTC",
            "2005-06-14T12:00:00         x",
            "2005-06-14T12:00:00 +02:0",
            "2005-13-14T12:00:00",
        ] {
            assert_eq!(read(iso, text), None, "{text}");
        }
    }

    #[test]
    fn apache_dates() {
        assert_eq!(read(apache, "14/Jun/2005:12:00:00 -0700] x"), stamp(Some(2005), Some(-25_200), 26));
        assert_eq!(read(apache, "14-Jun-2005 12:00:00] x"), stamp(Some(2005), None, 20));
        assert_eq!(read(apache, " 4/Jun/2005:12:00:00] x").map(|stamp| stamp.day), Some(4));
        for text in [
            "14/Jun/2005:12:00:00 UTC]",
            "14/Jun/2005:12:00:00.5 +0200]",
            "14/Jun-2005:12:00:00",
            "14/Jun/2005:12:00:00 +02x",
        ] {
            assert_eq!(read(apache, text), None, "{text}");
        }
    }

    #[test]
    fn the_answer_depends_on_what_was_seen_and_nothing_else() {
        for (reader, text) in [
            (syslog as fn(&[u8]) -> Option<Stamp>, "Jun 14 12:00:00 host and so on"),
            (syslog, "Tue Jun 14 12:00:00.123 2005] and so on"),
            (iso, "2005-06-14 12:00:00,123 \t host and so on"),
            (iso, "2005-06-14T12:00:00+02:00 host and so on"),
            (apache, "14/Jun/2005:12:00:00 -0700] and so on"),
        ] {
            let stamp = reader(text.as_bytes()).unwrap();
            assert!(stamp.seen < text.len() && stamp.seen >= stamp.len, "{text}: {stamp:?}");
            for byte in 0..=255 {
                let mut changed = text.as_bytes()[..stamp.seen].to_vec();
                changed.extend([byte; 20]);
                assert_eq!(reader(&changed), Some(stamp), "{text} {byte}");
            }
        }
        let stamp = syslog(b"Jun 14 12:00:00").unwrap();
        assert!(stamp.seen > 15, "the end of the text was noticed");
    }
}
