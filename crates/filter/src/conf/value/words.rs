//! Words as a POSIX shell splits them, for `journalmatch`.

use thiserror::Error;

/// Why a line cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WordsError {
    /// A quote without its partner.
    #[error("no closing `{0}`")]
    OpenQuote(char),
    /// A backslash at the very end.
    #[error("nothing after the last `\\`")]
    OpenEscape,
}

/// Splits at white space, except inside `"…"` and `'…'` and after `\`; the rules of Python's `shlex.split`. Nothing is expanded
/// and nothing is a comment.
///
/// # Errors
/// See [`WordsError`].
pub fn split_words(text: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None) => word.get_or_insert_default().push(chars.next().ok_or(WordsError::OpenEscape)?),
            ('\\', Some('"')) => {
                let next = chars.next().ok_or(WordsError::OpenQuote('"'))?;
                let word = word.get_or_insert_default();
                if !matches!(next, '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ' | '\t' | '\r' | '\n', None) => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(open) => Err(WordsError::OpenQuote(open)),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_python_splits_them() {
        let split = |text| split_words(text).expect("words");
        assert_eq!(
            split("_SYSTEMD_UNIT=sshd.service + _COMM=sshd"),
            ["_SYSTEMD_UNIT=sshd.service", "+", "_COMM=sshd"]
        );
        assert_eq!(
            split(r#" a"b c"'d e' "" \  "\"\x\\" '\' #f "#),
            ["ab cd e", "", " ", r#""\x\"#, r"\", "#f"]
        );
        assert_eq!(split(""), Vec::<String>::new());
    }

    #[test]
    fn open_ends_are_errors() {
        assert_eq!(split_words("a 'b"), Err(WordsError::OpenQuote('\'')));
        assert_eq!(split_words("\"a\\"), Err(WordsError::OpenQuote('"')));
        assert_eq!(split_words("a\\"), Err(WordsError::OpenEscape));
    }
}
