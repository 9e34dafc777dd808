//! Text for terminals. Whatever comes from a log was chosen by an attacker and may hold commands for the terminal.

use std::borrow::Cow;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

/// The text with everything escaped that is not simply shown: control characters, and those that reorder the line.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// The same for a message of ours, which may have several lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_unsafe(c))
}

fn escaped(text: &str, unsafe_char: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if unsafe_char(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Whether a character commands a terminal, or changes the direction or the joining of those around it.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to so many columns, the last of them `…` if anything was cut.
pub(crate) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    for c in text.chars() {
        let mut longer = kept.clone();
        longer.push(c);
        if width(&longer) + 1 > columns {
            break;
        }
        kept = longer;
    }
    kept.push('…');
    Cow::Owned(kept)
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 line`, `2 lines`: a number with its noun, to which `s` is added, or `es` to one that ends with `s`.
pub(crate) fn count(value: u64, noun: &str) -> String {
    let ending = if value == 1 {
        ""
    } else if noun.ends_with('s') || noun.ends_with("ch") {
        "es"
    } else {
        "s"
    };
    format!("{} {noun}{ending}", number(value))
}

/// A length of time in its two largest units: `10m`, `1h 30m`, `7d`.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 5] = [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = span.as_secs();
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS {
        // A week is written as seven days, unless there are whole weeks only.
        if unit == "w" && (!rest.is_multiple_of(seconds) || rest / seconds < 2) {
            continue;
        }
        if rest >= seconds && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / seconds));
            rest %= seconds;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_an_attacker_wrote_reaches_the_terminal_as_a_command() {
        assert_eq!(shown("root"), "root");
        assert_eq!(shown("a\x1b[2Jb\r\n\u{202e}c\u{9b}d"), "a\\u{1b}[2Jb\\r\\n\\u{202e}c\\u{9b}d");
        assert_eq!(lines("one\ntwo\x07"), "one\ntwo\\u{7}");
    }

    #[test]
    fn what_is_cut_shows_it() {
        assert_eq!(fit("administrator", 6), "admin…");
        assert_eq!(fit("admin", 5), "admin");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("abc", 0), "…");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(1, "address"), "1 address");
        assert_eq!(count(2, "address"), "2 addresses");
        assert_eq!(count(0, "line"), "0 lines");
        assert_eq!(count(3, "match"), "3 matches");
    }

    #[test]
    fn lengths_of_time_are_short() {
        let text = |secs| span(Duration::from_secs(secs));
        assert_eq!([0, 59, 600, 5_400, 86_400].map(text), ["0s", "59s", "10m", "1h 30m", "1d"]);
        assert_eq!([604_800, 1_209_600, 694_861].map(text), ["7d", "2w", "8d 1h"]);
    }
}
