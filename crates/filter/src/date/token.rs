//! The `%` tokens of a datepattern: what text each accepts, and what the text says.

use super::fields::Field;

/// A token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What follows the percent sign, or the name in braces.
    pub(super) name: &'static str,
    /// Optional blank before the value, which is not part of it.
    pub(super) blank: bool,
    /// Regex of the value, without groups that capture. Wherever possible no text has two ways through it: such
    /// patterns run on the one-pass engine.
    pub(super) value: &'static str,
    /// What the value says; `None` for text that is accepted and says nothing.
    pub(super) field: Option<Field>,
    /// Letters of either case are accepted, in the whole pattern, as soon as this token occurs in it.
    pub(super) any_case: bool,
}

/// The token that `text`, which follows a percent sign, begins with: the longest name wins.
pub(super) fn percent(text: &str) -> Option<&'static Token> {
    let extended = TOKENS.iter().find(|token| token.name.len() > 1 && text.starts_with(token.name));
    extended.or_else(|| TOKENS.iter().find(|token| text.starts_with(token.name)))
}

/// The token `{NAME}`, without the braces, in any case.
pub(super) fn braced(name: &str) -> Option<&'static Token> {
    BRACED.iter().find(|token| token.name.eq_ignore_ascii_case(name))
}

/// The field that a group of this name (`(?P<Y>…)`) sets: that of the token.
pub(super) fn named_field(name: &str) -> Option<Field> {
    TOKENS.iter().find(|token| token.name == name && name.len() == 1).and_then(|token| token.field)
}

/// Tokens that stand for other tokens, as in the C locale.
pub(super) const COMPOSITE: &[(char, &str)] =
    &[('c', r"%a %b\s+%d %H:%M:%S %Y"), ('x', "%m/%d/%y"), ('X', "%H:%M:%S")];

const fn token(name: &'static str, value: &'static str, field: Field) -> Token {
    Token { name, blank: false, value, field: Some(field), any_case: false }
}

const fn word(name: &'static str, value: &'static str, field: Field) -> Token {
    Token { name, blank: false, value, field: Some(field), any_case: true }
}

const fn blank(name: &'static str, value: &'static str, field: Field) -> Token {
    Token { name, blank: true, value, field: Some(field), any_case: false }
}

#[rustfmt::skip]
const TOKENS: &[Token] = &[
    // Strict: two digits (four for %ExY), the right range, so that digits without separators are told apart.
    token("ExY", "20[0-9]{2}", Field::Year),
    token("Exy", "[0-9]{2}", Field::YearOfCentury),
    token("Exm", "(?:0[1-9]|1[0-2])", Field::Month),
    token("Exd", "(?:0[1-9]|[12][0-9]|3[01])", Field::Day),
    token("ExH", "(?:[01][0-9]|2[0-3])", Field::Hour),
    blank("Exk", "(?:[01][0-9]?|2[0-3]?|[3-9])", Field::Hour),
    blank("Exl", "(?:1[0-2]?|[02-9])", Field::HalfDayHour),
    token("ExM", "[0-5][0-9]", Field::Minute),
    token("ExS", "(?:[0-5][0-9]|6[01])", Field::Second),
    token("ExZ", "[A-Z](?:[A-Z]{2,4})?", Field::Zone),
    token("Exz", "(?:[A-Z](?:[A-Z]{2,4})?(?:[+-][01][0-9](?::?[0-9]{2})?)?|[+-][01][0-9](?::?[0-9]{2})?)", Field::Zone),
    // strptime's, lenient: leading zeros may be missing.
    token("Y", "[0-9]{4}", Field::Year),
    token("y", "[0-9]{2}", Field::YearOfCentury),
    token("m", "(?:0[1-9]|1[0-2]?|[2-9])", Field::Month),
    word("b", "(?:j(?:an|u[nl])|feb|ma[ry]|a(?:pr|ug)|sep|oct|nov|dec)", Field::MonthName),
    word("B", "(?:j(?:anuary|u(?:ne|ly))|february|ma(?:rch|y)|a(?:pril|ugust)|september|october|november|december)", Field::MonthName),
    token("d", "(?:0[1-9]|[12][0-9]?|3[01]?|[4-9]| [1-9])", Field::Day),
    token("j", "(?:[0-2][0-9]{0,2}|3(?:[0-5][0-9]?|6[0-6]?|[7-9])?|[4-9][0-9]?)", Field::DayOfYear),
    token("H", "(?:[01][0-9]?|2[0-3]?|[3-9])", Field::Hour),
    blank("k", "(?:[0-2][0-9]?|[3-9])", Field::Hour),
    token("I", "(?:0[1-9]|1[0-2]?|[2-9])", Field::HalfDayHour),
    blank("l", "(?:1[0-9]?|[02-9])", Field::HalfDayHour),
    word("p", "[ap]m", Field::HalfDay),
    token("M", "(?:[0-5][0-9]?|[6-9])", Field::Minute),
    token("S", "(?:[0-5][0-9]?|6[01]?|[7-9])", Field::Second),
    Token { name: "f", blank: false, value: "[0-9]{1,6}", field: None, any_case: false },
    token("z", "(?:Z|UTC|GMT|[+-][01][0-9](?::?[0-9]{2})?)", Field::Zone),
    token("Z", "(?:[A-Y][A-Z]{2,4}|Z(?:[A-Z]{2,4})?)", Field::Zone),
    word("a", "(?:mon|t(?:ue|hu)|wed|fri|s(?:at|un))", Field::WeekdayName),
    word("A", "(?:monday|t(?:uesday|hursday)|wednesday|friday|s(?:aturday|unday))", Field::WeekdayName),
    token("w", "[0-6]", Field::WeekdayFromSunday),
    token("u", "[1-7]", Field::WeekdayFromMonday),
    token("U", "(?:[0-4][0-9]?|5[0-3]?|[6-9])", Field::WeekFromSunday),
    token("W", "(?:[0-4][0-9]?|5[0-3]?|[6-9])", Field::WeekFromMonday),
    token("V", "(?:0[1-9]|[1-4][0-9]?|5[0-3]?|[6-9])", Field::IsoWeek),
    token("G", "[0-9]{4}", Field::IsoYear),
];

/// Seconds since the epoch, the same or milli- or microseconds, and a TAI64N label.
const BRACED: &[Token] = &[
    token("EPOCH", r"[0-9]{10,11}\b(?:\.[0-9]{3,6})?", Field::Epoch),
    token("LEPOCH", r"[0-9]{10,11}(?:[0-9]{3}(?:\.[0-9]{1,6}|[0-9]{3})?)?", Field::LongEpoch),
    token("TAI64N", "@[0-9a-f]{24}", Field::Tai64n),
];

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::meta::Regex;

    /// Every text of up to three characters that a token accepts, out of the characters that matter.
    fn accepted(name: &str) -> Vec<String> {
        let token = percent(name).unwrap();
        let regex = Regex::new(&format!(r"\A(?:{})\z", token.value)).unwrap();
        let alphabet = "0123456789 ";
        let mut texts = vec![String::new()];
        let mut found = Vec::new();
        for _ in 0..3 {
            texts =
                texts.iter().flat_map(|text| alphabet.chars().map(move |c| format!("{text}{c}"))).collect();
            found.extend(texts.iter().filter(|text| regex.is_match(text.as_str())).cloned());
        }
        found.sort();
        found
    }

    fn numbers(plain: std::ops::RangeInclusive<u32>, padded: std::ops::RangeInclusive<u32>) -> Vec<String> {
        let mut all: Vec<_> = plain.map(|n| n.to_string()).chain(padded.map(|n| format!("{n:02}"))).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn number_tokens_accept_their_ranges_and_nothing_else() {
        assert_eq!(accepted("m"), numbers(1..=12, 1..=12));
        assert_eq!(accepted("Exm"), numbers(10..=12, 1..=12));
        assert_eq!(accepted("H"), numbers(0..=23, 0..=23));
        assert_eq!(accepted("ExH"), numbers(10..=23, 0..=23));
        assert_eq!(accepted("Exk"), numbers(0..=23, 0..=23));
        assert_eq!(accepted("k"), numbers(0..=29, 0..=29));
        assert_eq!(accepted("I"), numbers(1..=12, 1..=12));
        assert_eq!(accepted("l"), numbers(0..=19, 10..=19));
        assert_eq!(accepted("Exl"), numbers(0..=12, 10..=12));
        assert_eq!(accepted("M"), numbers(0..=59, 0..=59));
        assert_eq!(accepted("ExM"), numbers(10..=59, 0..=59));
        assert_eq!(accepted("S"), numbers(0..=61, 0..=61));
        assert_eq!(accepted("Exd"), numbers(10..=31, 1..=31));
        assert_eq!(accepted("U"), numbers(0..=53, 0..=53));
        assert_eq!(accepted("V"), numbers(1..=9, 1..=53));
        let mut days = numbers(1..=31, 1..=31);
        days.extend((1..=9).map(|n| format!(" {n}")));
        days.sort();
        assert_eq!(accepted("d"), days);
        let year = accepted("j");
        for n in 1..=366 {
            assert!(year.contains(&n.to_string()) && year.contains(&format!("{n:03}")), "{n}");
        }
        assert!(!year.contains(&"367".to_owned()) && !year.contains(&"370".to_owned()));
    }

    #[test]
    fn the_longest_name_wins() {
        assert_eq!(percent("ExYx").unwrap().name, "ExY");
        assert_eq!(percent("Yx").unwrap().name, "Y");
        assert_eq!(percent("E"), None);
        assert_eq!(percent(""), None);
        assert_eq!(braced("lepoch").unwrap().name, "LEPOCH");
        assert_eq!(named_field("Y"), Some(Field::Year));
        assert_eq!(named_field("_sep"), None);
    }

    #[test]
    fn names_of_months_and_days_are_english() {
        for (name, words) in [
            ("b", "jan feb mar apr may jun jul aug sep oct nov dec"),
            ("B", "january february march april may june july august september october november december"),
            ("a", "mon tue wed thu fri sat sun"),
            ("A", "monday tuesday wednesday thursday friday saturday sunday"),
        ] {
            let regex = Regex::new(&format!(r"\A(?:{})\z", percent(name).unwrap().value)).unwrap();
            assert!(words.split(' ').all(|word| regex.is_match(word)), "{name}");
            assert!(!regex.is_match("foo") && !regex.is_match(""));
        }
    }
}
