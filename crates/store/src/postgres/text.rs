//! Text as PostgreSQL takes it: it knows every character but one.

use std::borrow::Cow;

/// Stands before `0` for U+0000, and before itself for itself.
const MARK: char = '\u{2400}';

/// The text with U+0000 written in another way.
pub(super) fn to_sql(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => out.extend([MARK, '0']),
            MARK => out.extend([MARK, MARK]),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text that was written.
pub(super) fn from_sql(text: &str) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == MARK { chars.next() } else { None }) {
            (MARK, Some('0')) => out.push('\0'),
            (_, Some(other)) => out.push(other),
            (c, None) => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[\u{0}\u{2400}0a-c🔥]{0,20}") {
            let sql = to_sql(&text);
            prop_assert!(!sql.contains('\0'));
            prop_assert_eq!(from_sql(&sql), text.as_str());
        }
    }
}
