//! The names that rotated logs have: which log a file is an older part of, and how old.

use std::cmp::Reverse;

/// How old a part of a log is, from its name. The order is from the oldest to the newest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Age {
    /// Dated; the digits of the date.
    Date(String),
    /// Numbered: the higher the older.
    Number(Reverse<u32>),
    /// Not rotated.
    Current,
}

/// A name taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The name of the log itself.
    pub(crate) base: String,
    /// Which part of it.
    pub(crate) age: Age,
    /// Whether the name says that it is packed.
    pub(crate) packed: bool,
    /// Whether the name alone is proof. `python3.11.log` may be the eleventh part of `python3.log`, or not: it is if
    /// that exists.
    pub(crate) certain: bool,
}

const PACKED: &[&str] = &[".gz", ".zst", ".xz", ".bz2", ".lz4", ".Z"];

/// Takes a file name apart. Known are the shapes that logrotate makes (`x.log.2`, `x.log-20261101`, and with
/// `extension` `x.2.log` and `x-20261101.log`), those of log libraries (`x.log.2026-11-01`, `x.2026-11-01.log`), and
/// `x.log.old`; each with or without a packer's suffix. Anything else is a log of its own.
pub(crate) fn rotation(name: &str) -> Rotation {
    let unpacked = PACKED.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|n| !n.is_empty());
    let packed = unpacked.is_some();
    let name = unpacked.unwrap_or(name);
    let part = |base: String, age, certain| Rotation { base, age, packed, certain };
    if let Some(base) = name.strip_suffix(".old").filter(|b| !b.is_empty()) {
        return part(base.to_owned(), Age::Number(Reverse(1)), true);
    }
    if let Some((base, age)) = split_age(name) {
        return part(base.to_owned(), age, true);
    }
    if let Some((stem, extension)) = name.rsplit_once('.').filter(|(_, e)| is_extension(e))
        && let Some((base, age)) = split_age(stem)
    {
        let certain = matches!(age, Age::Date(_));
        return part(format!("{base}.{extension}"), age, certain);
    }
    part(name.to_owned(), Age::Current, true)
}

/// `x.log.2`, `x.log-20261101` and the like; the longest date wins.
fn split_age(name: &str) -> Option<(&str, Age)> {
    let dated =
        name.char_indices().filter(|(at, c)| *at > 0 && matches!(c, '-' | '.')).find_map(|(at, _)| {
            let (base, date) = (name.get(..at)?, name.get(at + 1..)?);
            date_digits(date).map(|digits| (base, Age::Date(digits)))
        });
    dated.or_else(|| {
        let (base, number) = name.rsplit_once('.')?;
        let short = !base.is_empty() && (1..=5).contains(&number.len());
        let number = number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())??;
        short.then_some((base, Age::Number(Reverse(number))))
    })
}

/// The digits of a date such as `20261101`, `2026-11-01`, `2026-11-01_13-30`, `202611` or `1790000000` (seconds since
/// the epoch); `None` if it is none.
fn date_digits(text: &str) -> Option<String> {
    if text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'T' | b':'))
    {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 10 && digits.len() == text.len() && digits.starts_with('1') {
        return Some(digits);
    }
    let field = |from: usize, to: usize| digits.get(from..to).map(|d| d.parse::<u32>().unwrap_or(0));
    let year_is_right = text.get(..4).is_some_and(|y| y.starts_with("19") || y.starts_with("20"));
    let month_is_right = field(4, 6).is_some_and(|m| (1..=12).contains(&m));
    let day_is_right = field(6, 8).is_none_or(|d| (1..=31).contains(&d));
    (year_is_right && month_is_right && day_is_right && matches!(digits.len(), 6 | 8 | 10 | 12 | 14))
        .then_some(digits)
}

/// Whether it is an extension that a program may want to keep at the end: short, and not a number.
fn is_extension(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> (String, Age, bool) {
        let r = rotation(name);
        (r.base, r.age, r.packed)
    }

    fn number(n: u32) -> Age {
        Age::Number(Reverse(n))
    }

    fn date(digits: &str) -> Age {
        Age::Date(digits.to_owned())
    }

    #[test]
    fn the_shapes_that_rotation_makes() {
        for (name, base, age, packed) in [
            ("auth.log", "auth.log", Age::Current, false),
            ("auth.log.1", "auth.log", number(1), false),
            ("auth.log.10.gz", "auth.log", number(10), true),
            ("auth.log.1.zst", "auth.log", number(1), true),
            ("auth.log.old", "auth.log", number(1), false),
            ("syslog-20261101", "syslog", date("20261101"), false),
            ("syslog-20261101.gz", "syslog", date("20261101"), true),
            ("auth.log-20261101.xz", "auth.log", date("20261101"), true),
            ("auth.log-2026110113.xz", "auth.log", date("2026110113"), true),
            ("auth.log-1790000000", "auth.log", date("1790000000"), false),
            ("app-20261101.log", "app.log", date("20261101"), false),
            ("catalina.2026-11-01.log", "catalina.log", date("20261101"), false),
            ("app.log.2026-11-01_13-30", "app.log", date("202611011330"), false),
            ("app.2.log.gz", "app.log", number(2), true),
        ] {
            assert_eq!(parsed(name), (base.to_owned(), age, packed), "{name}");
        }
    }

    #[test]
    fn other_names_are_logs_of_their_own() {
        for name in ["messages", "x-1234.log", "x.123456", "app-20269999.log", ".1", "a-b.log", "x.log.bak"] {
            assert_eq!(parsed(name), (name.to_owned(), Age::Current, false), "{name}");
        }
        assert_eq!(parsed(".gz").0, ".gz");
        assert!(!rotation("python3.11.log").certain && rotation("app-20261101.log").certain);
    }

    #[test]
    fn the_order_is_from_the_oldest_to_the_newest() {
        let mut ages = [Age::Current, number(1), date("20261102"), number(10), number(2), date("20261101")];
        ages.sort();
        assert_eq!(
            ages,
            [date("20261101"), date("20261102"), number(10), number(2), number(1), Age::Current]
        );
    }
}
