//! Lengths of time: `600`, `10m`, `1d 12h`, `1w6d`, `5*60`, `(1h 30m) / 2`.
//!
//! fail2ban turns the units into factors and hands the rest to Python's `eval`. Here it is a small grammar with the same
//! results for numbers, units, `+ - * /` and parentheses, and an error for all else that Python would run. It is more lenient
//! in one point: leading zeros are allowed (`1h 05m`).

use std::fmt;
use std::str::Chars;
use std::time::Duration;

use thiserror::Error;

use crate::conf::limits::MAX_TIME_BYTES;
use crate::conf::space::is_space;

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TimeSpan {
    /// `-1`: without end.
    Forever,
    /// Seconds; finite, not negative.
    Seconds(f64),
}

impl TimeSpan {
    /// The length, `None` if it is without end. What is more than a [`Duration`] holds is cut to that.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Forever => None,
            Self::Seconds(seconds) => Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        }
    }
}

impl fmt::Display for TimeSpan {
    /// Seconds as a number; -1 for [`TimeSpan::Forever`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str("-1"),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
        }
    }
}

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// Longer than [`MAX_TIME_BYTES`].
    #[error("it is longer than {MAX_TIME_BYTES} bytes")]
    TooLong,
    /// A word that is no unit.
    #[error("`{word}` is no unit of time")]
    UnknownUnit {
        /// The word.
        word: String,
    },
    /// Something that does not belong there.
    #[error("`{found}` is not expected there")]
    Unexpected {
        /// The character.
        found: char,
    },
    /// The text ends too early.
    #[error("it ends where a number is expected")]
    Unfinished,
    /// The result is infinite, divided by zero, or negative (but not -1).
    #[error("it is no finite length")]
    OutOfRange,
}

/// Reads a length of time; a plain number is seconds.
///
/// Units, in any case: `y`, `mo` (a twelfth of a year), `w`, `d`, `h`, `m` (minutes), `s`, and their English words. A year has
/// 365.25 days. Lengths that stand side by side are added.
///
/// # Errors
/// See [`TimeError`].
///
/// # Examples
/// ```
/// use stockade_filter::conf::value::{TimeSpan, parse_time};
/// assert_eq!(parse_time("1d12h"), Ok(TimeSpan::Seconds(129_600.0)));
/// assert_eq!(parse_time("-1"), Ok(TimeSpan::Forever));
/// assert!(parse_time("soon").is_err());
/// ```
pub fn parse_time(text: &str) -> Result<TimeSpan, TimeError> {
    if text.len() > MAX_TIME_BYTES {
        return Err(TimeError::TooLong);
    }
    let mut evaluator = Evaluator { tokens: tokens(text)?, at: 0 };
    if evaluator.tokens.is_empty() {
        return Err(TimeError::Empty);
    }
    let seconds = evaluator.sum()?;
    if let Some(rest) = evaluator.peek() {
        return Err(TimeError::Unexpected { found: rest.first_char() });
    }
    match seconds {
        -1.0 => Ok(TimeSpan::Forever),
        seconds if seconds.is_finite() && seconds >= 0.0 => Ok(TimeSpan::Seconds(seconds)),
        _ => Err(TimeError::OutOfRange),
    }
}

#[derive(Clone, Copy)]
enum Token {
    Number(f64),
    /// Multiplies what stands before it; with the first character of the word.
    Unit(f64, char),
    Sign(char),
}

impl Token {
    fn first_char(self) -> char {
        match self {
            Self::Sign(sign) => sign,
            Self::Number(number) => number.to_string().chars().next().unwrap_or('0'),
            Self::Unit(_, first) => first,
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, TimeError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars();
    while let Some(first) = chars.clone().next() {
        if is_space(first) {
            chars.next();
        } else if first.is_ascii_digit() || first == '.' {
            let digits = take(&mut chars, |c| c.is_ascii_digit() || c == '.');
            tokens.push(Token::Number(digits.parse().map_err(|_| TimeError::Unexpected { found: '.' })?));
        } else if first.is_alphabetic() || first == '_' {
            let word = take(&mut chars, |c| c.is_alphabetic() || c == '_');
            let factor = unit(word).ok_or_else(|| TimeError::UnknownUnit { word: word.to_owned() })?;
            tokens.push(Token::Unit(factor, first));
        } else if "+-*/()".contains(first) {
            chars.next();
            tokens.push(Token::Sign(first));
        } else {
            return Err(TimeError::Unexpected { found: first });
        }
    }
    Ok(tokens)
}

fn take<'t>(chars: &mut Chars<'t>, wanted: impl Fn(char) -> bool) -> &'t str {
    let text = chars.as_str();
    let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
    let (head, tail) = text.split_at_checked(end).unwrap_or((text, ""));
    *chars = tail.chars();
    head
}

fn unit(word: &str) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    const YEAR: f64 = 365.25 * DAY;
    Some(match word.to_lowercase().as_str() {
        "s" | "ss" | "se" | "sec" | "second" | "seconds" => 1.0,
        "m" | "mm" | "mi" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hh" | "ho" | "hou" | "hour" | "hours" => 3600.0,
        "d" | "dd" | "da" | "day" | "days" => DAY,
        "w" | "ww" | "we" | "wee" | "week" | "weeks" => 7.0 * DAY,
        "mo" | "mon" | "month" | "months" => YEAR / 12.0,
        "y" | "yy" | "ye" | "yea" | "year" | "years" => YEAR,
        _ => return None,
    })
}

/// Recursive descent. Its depth is bounded by [`MAX_TIME_BYTES`].
struct Evaluator {
    tokens: Vec<Token>,
    at: usize,
}

impl Evaluator {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn accept(&mut self, wanted: char) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(sign)) if sign == wanted);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Result<f64, TimeError> {
        let mut sum = self.product()?;
        loop {
            if self.accept('+') || self.follows_length() {
                sum += self.product()?;
            } else if self.accept('-') {
                sum -= self.product()?;
            } else {
                return Ok(sum);
            }
        }
    }

    /// Whether a number stands right after a number or unit, as in `1h 30`: then it is added.
    fn follows_length(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|last| self.tokens.get(last));
        matches!(self.peek(), Some(Token::Number(_)))
            && matches!(before, Some(Token::Number(_) | Token::Unit(..)))
    }

    fn product(&mut self) -> Result<f64, TimeError> {
        let mut product = self.factor()?;
        loop {
            // A unit is a factor like any other: `60/1h` is `60/1*3600`, as in fail2ban.
            if let Some(Token::Unit(unit, _)) = self.peek() {
                self.at += 1;
                product *= unit;
            } else if self.accept('*') {
                product *= self.factor()?;
            } else if self.accept('/') {
                product /= self.factor()?;
                if !product.is_finite() {
                    return Err(TimeError::OutOfRange);
                }
            } else {
                return Ok(product);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, TimeError> {
        if self.accept('-') {
            return Ok(-self.factor()?);
        }
        if self.accept('+') {
            return self.factor();
        }
        if self.accept('(') {
            let inner = self.sum()?;
            return match self.peek() {
                _ if self.accept(')') => Ok(inner),
                Some(token) => Err(TimeError::Unexpected { found: token.first_char() }),
                None => Err(TimeError::Unfinished),
            };
        }
        match self.peek() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(number)
            }
            Some(token) => Err(TimeError::Unexpected { found: token.first_char() }),
            None => Err(TimeError::Unfinished),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fail2ban_reads() {
        // Results of `fail2ban-client --str2sec`.
        for (text, seconds) in [
            ("600", 600.0),
            ("1.5h", 5400.0),
            ("1d12h", 129_600.0),
            ("1y 6mo 1w 2d 3h 4m 5s", 48_125_045.0),
            ("1h 30", 3630.0),
            ("1h30", 3630.0),
            ("5*60", 300.0),
            ("10 minutes", 600.0),
            ("1HOUR+30Min", 5400.0),
            ("1year-6mo", 15_778_800.0),
            ("(1h 30m)*2", 10_800.0),
            ("2*1h 30m", 9000.0),
            ("60/1h", 216_000.0),
            ("1h - 30m", 1800.0),
            ("1h -30m", 1800.0),
            ("--5", 5.0),
            ("(1+1) h", 7200.0),
            ("3/2", 1.5),
            ("0", 0.0),
        ] {
            assert_eq!(parse_time(text), Ok(TimeSpan::Seconds(seconds)), "{text}");
        }
        assert_eq!(parse_time(" -1 "), Ok(TimeSpan::Forever));
    }

    #[test]
    fn what_it_does_not() {
        use TimeError::{Empty, OutOfRange, TooLong, Unexpected, Unfinished, UnknownUnit};
        for (text, error) in [
            ("", Empty),
            (" ", Empty),
            ("1 fortnight", UnknownUnit { word: "fortnight".into() }),
            ("h", Unexpected { found: 'h' }),
            ("1e3", UnknownUnit { word: "e".into() }),
            ("1..2", Unexpected { found: '.' }),
            ("1h,2m", Unexpected { found: ',' }),
            ("1 +", Unfinished),
            ("(1", Unfinished),
            ("1)", Unexpected { found: ')' }),
            ("(1h)(2m)", Unexpected { found: '(' }),
            ("__import__('os')", UnknownUnit { word: "__import__".into() }),
            ("1/0", OutOfRange),
            ("-2", OutOfRange),
            (&"9".repeat(257), TooLong),
            (&format!("9{}", " y".repeat(100)), OutOfRange),
        ] {
            assert_eq!(parse_time(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_very_long_time_is_cut_to_what_a_duration_holds() {
        assert_eq!(parse_time(&"9".repeat(256)).map(TimeSpan::duration), Ok(Some(Duration::MAX)));
    }

    proptest! {
        #[test]
        fn any_text_ends(text in r"[ 0-9.a-z+*/()\-]{0,300}") {
            if let Ok(TimeSpan::Seconds(seconds)) = parse_time(&text) {
                prop_assert!(seconds.is_finite() && seconds >= 0.0);
            }
        }

        #[test]
        fn sums_are_sums(parts in prop::collection::vec((0u32..1000, prop::sample::select(vec![("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)])), 1..8)) {
            let text: String = parts.iter().map(|(n, (unit, _))| format!("{n}{unit} ")).collect();
            let sum: f64 = parts.iter().map(|(n, (_, factor))| f64::from(*n) * factor).sum();
            prop_assert_eq!(parse_time(&text), Ok(TimeSpan::Seconds(sum)));
            prop_assert_eq!(parse_time(&text.replace(' ', "")), Ok(TimeSpan::Seconds(sum)));
        }
    }
}
