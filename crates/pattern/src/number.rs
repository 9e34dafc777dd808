//! Numbers as JSON writes them, compared as the decimals they are.
//!
//! event-ruler goes through a double and gives up on what a double does not hold: `12345678901234567890 >= 0` is false
//! there. Here a number is its digits and its magnitude, however many digits there are.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::limits::MAX_EXPONENT;

/// How many leading digits fit a word.
const HEAD_DIGITS: u32 = 19;

/// A decimal number: sign, magnitude of the first digit, leading digits as a word, and the digits after them as text.
///
/// The text may hold a point and ends in zeros; both count for nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Zero digits at all: every zero is the same.
    zero: bool,
    /// The power of ten of the first digit.
    magnitude: i64,
    /// The first 19 digits, filled up with zeros.
    head: u64,
    tail: &'a [u8],
}

impl<'a> Decimal<'a> {
    /// Reads a number that is written as JSON writes it; what is not, is read as far as it goes.
    #[inline]
    pub(crate) fn parse(lexeme: &'a [u8]) -> Self {
        let (negative, digits) = match lexeme.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, lexeme),
        };
        let mut head = 0u64;
        let mut count = 0u32;
        let mut magnitude = -1i64; // of the first digit that counts, once there is one
        let mut point = false;
        let mut tail: &[u8] = &[];
        let mut exponent = 0i64;
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    if count == 0 && digit == 0 {
                        magnitude -= i64::from(point);
                        continue;
                    }
                    magnitude += i64::from(!point);
                    if count < HEAD_DIGITS {
                        head = head * 10 + digit;
                    } else if count == HEAD_DIGITS {
                        tail = digits.get(at..).unwrap_or_default();
                    }
                    count = count.saturating_add(1);
                }
                b'.' => point = true,
                _ => {
                    exponent = read_exponent(digits.get(at + 1..).unwrap_or_default());
                    if !tail.is_empty() {
                        tail = tail.get(..tail.len() - (digits.len() - at)).unwrap_or_default();
                    }
                    break;
                }
            }
        }
        if count == 0 {
            return Self { negative: false, zero: true, magnitude: 0, head: 0, tail: &[] };
        }
        let missing = HEAD_DIGITS.saturating_sub(count);
        let head = head.saturating_mul(10u64.saturating_pow(missing));
        let magnitude = magnitude.saturating_add(exponent).clamp(-MAX_EXPONENT, MAX_EXPONENT);
        Self { negative, zero: false, magnitude, head, tail: trimmed(tail) }
    }

    /// The number as an integer, if it is one of up to 18 digits.
    pub(crate) fn integer(&self) -> Option<i64> {
        if self.zero {
            return Some(0);
        }
        let below = 10u64.checked_pow(u32::try_from(i64::from(HEAD_DIGITS) - 1 - self.magnitude).ok()?)?;
        let fits =
            self.tail.is_empty() && (0..18).contains(&self.magnitude) && self.head.is_multiple_of(below);
        let value = i64::try_from(self.head / below).ok().filter(|_| fits)?;
        Some(if self.negative { -value } else { value })
    }

    fn cmp_magnitude(&self, other: &Decimal<'_>) -> Ordering {
        (self.magnitude, self.head).cmp(&(other.magnitude, other.head)).then_with(|| {
            if self.tail.is_empty() && other.tail.is_empty() {
                return Ordering::Equal;
            }
            digits_of(self.tail).cmp(digits_of(other.tail))
        })
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| {
            if number.zero {
                0
            } else if number.negative {
                -1i8
            } else {
                1
            }
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => self.cmp_magnitude(other),
            _ => other.cmp_magnitude(self),
        })
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

/// The digits of a tail, without the point. Its last digit is never zero, so that the order of texts is that of numbers.
fn digits_of(tail: &[u8]) -> impl Iterator<Item = &u8> {
    tail.iter().filter(|byte| byte.is_ascii_digit())
}

fn trimmed(mut tail: &[u8]) -> &[u8] {
    while let Some((b'0' | b'.', rest)) = tail.split_last() {
        tail = rest;
    }
    tail
}

fn read_exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let value = digits.iter().fold(0i64, |value, byte| {
        value.saturating_mul(10).saturating_add(i64::from(byte.wrapping_sub(b'0'))).min(MAX_EXPONENT * 4)
    });
    if negative { -value } else { value }
}

/// Reads a number of up to 18 digits without point and exponent.
#[inline]
pub(crate) fn integer(lexeme: &[u8]) -> Option<i64> {
    let (negative, digits) = match lexeme.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, lexeme),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A decimal that owns its digits: what tables hold, so that nothing is read again.
#[derive(Debug, Clone)]
pub(crate) struct OwnedDecimal {
    lead: Decimal<'static>,
    tail: Box<[u8]>,
}

impl Decimal<'_> {
    pub(crate) fn to_owned(self) -> OwnedDecimal {
        OwnedDecimal { tail: self.tail.into(), lead: Decimal { tail: &[], ..self } }
    }
}

impl OwnedDecimal {
    #[inline]
    pub(crate) fn decimal(&self) -> Decimal<'_> {
        Decimal { tail: &self.tail, ..self.lead }
    }
}

/// A number of a pattern: its text, read again where it is compared.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) lexeme: Box<str>,
}

impl Number {
    pub(crate) fn new(lexeme: &str) -> Self {
        Self { lexeme: lexeme.into() }
    }

    pub(crate) fn decimal(&self) -> Decimal<'_> {
        Decimal::parse(self.lexeme.as_bytes())
    }

    /// Whether AWS can compare it: whether the shortest decimal of the nearest double is the number itself.
    pub(crate) fn is_comparable(&self) -> bool {
        let Ok(double) = self.lexeme.parse::<f64>() else { return false };
        double.is_finite() && Decimal::parse(format!("{double:e}").as_bytes()) == self.decimal()
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.decimal() == other.decimal()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let decimal = self.decimal();
        (decimal.negative, decimal.zero, decimal.magnitude, decimal.head).hash(state);
    }
}

/// One end of a range, or none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bound {
    pub(crate) number: Number,
    /// Whether the number itself lies in the range.
    pub(crate) inclusive: bool,
}

/// What `numeric` says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
}

impl Range {
    pub(crate) fn contains(&self, number: Decimal<'_>) -> bool {
        let above = self.low.as_ref().is_none_or(|low| match number.cmp(&low.number.decimal()) {
            Ordering::Greater => true,
            Ordering::Equal => low.inclusive,
            Ordering::Less => false,
        });
        above
            && self.high.as_ref().is_none_or(|high| match number.cmp(&high.number.decimal()) {
                Ordering::Less => true,
                Ordering::Equal => high.inclusive,
                Ordering::Greater => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal<'_> {
        Decimal::parse(text.as_bytes())
    }

    #[test]
    fn spellings_of_a_number_are_one() {
        for same in [
            vec!["300", "300.0", "3e2", "3.0e+2", "0.003E5", "30000e-2"],
            vec!["0", "-0", "0.000", "0e5", "-0.0E-999999999999999999999"],
            vec!["12345678901234567890", "1.2345678901234567890e19", "1234567890123456789.0e1"],
            vec!["0.1234567890123456789012", "1234567890123456789012e-22", "12345678901234567890.12e-20"],
            vec!["1e400", "10E399", "0.1e401"],
        ] {
            for number in &same {
                assert_eq!(decimal(number), decimal(same[0]), "{number}");
            }
        }
    }

    #[test]
    fn order_is_that_of_numbers() {
        let rising = [
            "-1e400",
            "-12345678901234567891",
            "-12345678901234567890",
            "-10",
            "-9.5",
            "-0.001",
            "0",
            "1e-400",
            "0.1",
            "0.1000000000000000055511151231257827",
            "0.2",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
            "12345678901234567890",
            "12345678901234567890.00001",
            "12345678901234567891",
            "1e400",
        ];
        for pair in rising.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn comparable_is_what_a_double_holds() {
        for (text, comparable) in [
            ("0.1", true),
            ("0.30000000000000004", true),
            ("123456789012", true),
            ("1E-320", true),
            ("9007199254740993", false),
            ("1e400", false),
            ("1E-325", false),
            ("12345678901234567890", false),
            ("0.1000000000000000055511151231257827", false),
        ] {
            assert_eq!(Number::new(text).is_comparable(), comparable, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_are_read_as_what_they_are(value in any::<i64>(), shift in 0u32..64, zeros in 0usize..4) {
            let value = value >> shift;
            let lexeme = format!("{}{}{}", if value < 0 { "-" } else { "" }, "0".repeat(zeros), value.unsigned_abs());
            let short = (value.unsigned_abs() < 10u64.pow(18)).then_some(value);
            let digits = lexeme.trim_start_matches('-').len();
            prop_assert_eq!(integer(lexeme.as_bytes()), short.filter(|_| digits <= 18));
            prop_assert_eq!(decimal(&lexeme).integer(), short);
            prop_assert_eq!(decimal(&format!("{lexeme}.5")).integer(), None);
            prop_assert_eq!(decimal(&format!("{lexeme}.0")).integer(), short);
        }

        #[test]
        fn agrees_with_integers(a in any::<i128>(), b in any::<i128>(), zeros in 0usize..4) {
            let (left, right) = (a.to_string(), format!("{b}.{}", "0".repeat(zeros + 1)));
            prop_assert_eq!(decimal(&left).cmp(&decimal(&right)), a.cmp(&b));
            let shifted = format!("{b}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(decimal(&shifted), decimal(&right));
        }
    }
}
