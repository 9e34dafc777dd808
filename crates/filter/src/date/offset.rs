//! Zones as they stand beside a date: `Z`, `+0200`, `PDT`, `CET+01:00`.

use super::abbrev;

/// Seconds east of UTC of an abbreviation, an offset, or both, which then add up; `None` if it is neither.
///
/// Offsets are `+hh`, `+hhmm` or `+hh:mm` below 20 hours. Abbreviations are those of [`abbrev`].
pub(super) fn fixed(text: &[u8]) -> Option<i32> {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, rest) = text.split_at_checked(letters)?;
    let named = match name {
        [] => None,
        name => Some(abbrev::offset_minutes(name)?),
    };
    let numeric = match rest {
        [] => None,
        rest => Some(minutes(rest)?),
    };
    if named.is_none() && numeric.is_none() {
        return None;
    }
    Some((named.unwrap_or(0) + numeric.unwrap_or(0)) * 60)
}

/// Minutes of `+hh`, `+hhmm`, `+hh:mm`.
fn minutes(text: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match *text {
        [sign, h1, h0] => (sign, [h1, h0], *b"00"),
        [sign, h1, h0, m1, m0] | [sign, h1, h0, b':', m1, m0] => (sign, [h1, h0], [m1, m0]),
        _ => return None,
    };
    let total = pair(hours)? * 60 + pair(minutes)?;
    match sign {
        b'+' if pair(hours)? < 20 => Some(total),
        b'-' if pair(hours)? < 20 => Some(-total),
        _ => None,
    }
}

fn pair([tens, ones]: [u8; 2]) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_abbreviations_and_their_sum() {
        for (text, minutes) in [
            ("Z", 0),
            ("utc", 0),
            ("GMT", 0),
            ("+02", 120),
            ("-0930", -570),
            ("+05:30", 330),
            ("+1999", 1239),
            ("PDT", -420),
            ("CET+0100", 120),
            ("UTC-08:00", -480),
        ] {
            assert_eq!(fixed(text.as_bytes()), Some(minutes * 60), "{text}");
        }
        for text in ["", "+", "+1", "+2000", "+12:3", "+12:345", "ERROR", "CET+1", "+0a", "12:30", "J"] {
            assert_eq!(fixed(text.as_bytes()), None, "{text}");
        }
    }
}
