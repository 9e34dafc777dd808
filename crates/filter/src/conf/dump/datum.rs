//! A value of a command, and how Python writes it.

use std::fmt::{self, Write as _};

/// A value of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// No value: an option that is not set.
    Nothing,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Datum>),
    /// Values with names.
    Table(Vec<(String, Datum)>),
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// In the notation of Python.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(&python_text(text)),
            Self::List(items) => list(f, items),
            Self::Table(rows) => {
                f.write_char('{')?;
                for (at, (name, value)) in rows.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {value}", python_text(name))?;
                }
                f.write_char('}')
            }
        }
    }
}

pub(super) fn list(f: &mut fmt::Formatter<'_>, items: &[Datum]) -> fmt::Result {
    f.write_char('[')?;
    for (at, item) in items.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(f, "{comma}{item}")?;
    }
    f.write_char(']')
}

/// A text in quotes as Python's `repr` writes it: in single ones, unless that would need escapes that double ones do not;
/// what cannot be seen is escaped.
pub fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_shown(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a string cannot fail.
                match code {
                    0..0x100 => write!(out, "\\x{code:02x}").ok(),
                    0x100..0x1_0000 => write!(out, "\\u{code:04x}").ok(),
                    _ => write!(out, "\\U{code:08x}").ok(),
                };
            }
        }
    }
    out.push(quote);
    out
}

/// Whether Python calls a character printable: Unicode's separators other than the blank, its format characters and those
/// for private use are not. It leaves out the characters that no version of Unicode has assigned, which `repr` escapes too.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && (c == ' ' || !c.is_whitespace())
        && !matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (text, wanted) in [
            ("", "''"),
            ("it's", "\"it's\""),
            ("it's \"x\"", r#"'it\'s "x"'"#),
            ("a\\b\n\r\t\0\u{7f}\u{a0}é", r"'a\\b\n\r\t\x00\x7f\xa0é'"),
            ("\u{202e}\u{fffd}\u{e0001}", "'\\u202e\u{fffd}\\U000e0001'"),
        ] {
            assert_eq!(python_text(text), wanted);
        }
    }

    #[test]
    fn every_kind_has_its_notation() {
        let datum = Datum::List(vec![
            Datum::Nothing,
            Datum::Bool(true),
            Datum::Number(-5),
            Datum::List(Vec::new()),
            Datum::Table(vec![("a".into(), 1.into()), ("b".into(), "c".into())]),
        ]);
        assert_eq!(datum.to_string(), "[None, True, -5, [], {'a': 1, 'b': 'c'}]");
    }

    impl From<i64> for Datum {
        fn from(number: i64) -> Self {
            Self::Number(number)
        }
    }
}
