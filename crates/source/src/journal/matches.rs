//! `journalmatch`: which journal entries are wanted.

use crate::SourceError;

/// Which journal entries are wanted, in the language of fail2ban's `journalmatch`, which is that of `journalctl`.
///
/// Words `FIELD=value`: of several values of one field any may be there, and all fields must be. ` + ` and line ends
/// separate alternatives. Words may be quoted as in a shell. The empty text wants everything.
///
/// ```
/// # use stockade_source::JournalMatch;
/// let sshd = JournalMatch::parse("_SYSTEMD_UNIT=ssh.service + _COMM=sshd")?;
/// assert_eq!(sshd.arguments().collect::<Vec<_>>(), ["_SYSTEMD_UNIT=ssh.service", "+", "_COMM=sshd"]);
/// # Ok::<(), stockade_source::SourceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalMatch {
    /// Alternatives of terms. None at all wants everything.
    alternatives: Vec<Vec<Term>>,
}

/// `FIELD=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    word: String,
    /// Where the `=` is.
    equals: usize,
}

/// The longest name of a journal field, in bytes, as journald has it.
const MAX_FIELD_NAME_BYTES: usize = 64;

impl JournalMatch {
    /// Reads a `journalmatch`.
    ///
    /// # Errors
    ///
    /// [`SourceError::BadMatch`], with the word and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let mut alternatives = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let bad = |word: &str, reason| SourceError::BadMatch {
                line: line.trim().to_owned(),
                word: word.to_owned(),
                reason,
            };
            let words = shlex::split(line).ok_or_else(|| bad(line.trim(), "a quote is not closed"))?;
            for alternative in words.split(|word| word == "+") {
                if alternative.is_empty() {
                    return Err(bad("+", "nothing stands on one side of it"));
                }
                let terms =
                    alternative.iter().map(|word| Term::parse(word).map_err(|reason| bad(word, reason)));
                alternatives.push(terms.collect::<Result<Vec<_>, _>>()?);
            }
        }
        Ok(Self { alternatives })
    }

    /// Whether every entry is wanted.
    pub fn is_everything(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// The arguments by which `journalctl` delivers these entries. None of them can be taken for an option.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        let plus = |at| (at > 0).then_some("+");
        self.alternatives.iter().enumerate().flat_map(move |(at, terms)| {
            plus(at).into_iter().chain(terms.iter().map(|term| term.word.as_str()))
        })
    }

    /// The fields that it asks for.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.alternatives.iter().flatten().map(Term::field)
    }

    /// Whether an entry is wanted; `has` says whether it holds a field with a value.
    pub(crate) fn wants(&self, has: impl Fn(&str, &[u8]) -> bool) -> bool {
        let given = |term: &Term| has(term.field(), term.value().as_bytes());
        self.is_everything()
            || self.alternatives.iter().any(|terms| {
                terms
                    .iter()
                    .all(|term| terms.iter().any(|other| other.field() == term.field() && given(other)))
            })
    }
}

impl Term {
    fn parse(word: &str) -> Result<Self, &'static str> {
        let equals = word.find('=').ok_or("it is not of the form FIELD=value")?;
        let field = word.get(..equals).unwrap_or_default();
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if field.is_empty() || field.len() > MAX_FIELD_NAME_BYTES {
            Err("a field's name has 1 to 64 characters")
        } else if !field.bytes().all(allowed) || field.starts_with(|c: char| c.is_ascii_digit()) {
            Err("a field's name is of A-Z, 0-9 and _, and starts with no digit")
        } else if word.contains('\0') {
            Err("a value cannot hold a NUL")
        } else {
            Ok(Self { word: word.to_owned(), equals })
        }
    }

    fn field(&self) -> &str {
        self.word.get(..self.equals).unwrap_or_default()
    }

    fn value(&self) -> &str {
        self.word.get(self.equals + 1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        JournalMatch::parse(text).unwrap().arguments().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_and_plus_and_lines_are_or() {
        assert_eq!(
            arguments("_COMM=sshd _UID=0 + A=b\n C=d"),
            ["_COMM=sshd", "_UID=0", "+", "A=b", "+", "C=d"]
        );
        assert_eq!(arguments("A='b c' D=\"e + f\""), ["A=b c", "D=e + f"]);
        assert_eq!(arguments(" \n "), [""; 0]);
    }

    #[test]
    fn what_journalctl_would_misread_is_refused() {
        for (text, word) in [
            ("--flush", "--flush"),
            ("A=b /usr/sbin/sshd", "/usr/sbin/sshd"),
            ("-o=x", "-o=x"),
            ("=x", "=x"),
            ("1A=x", "1A=x"),
            ("a=x", "a=x"),
            ("A=b +", "+"),
            ("+ A=b", "+"),
            ("A=b + + C=d", "+"),
            ("A='b", "A='b"),
        ] {
            let error = JournalMatch::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad journalmatch: `{word}` in")), "{text}: {error}");
        }
    }

    #[test]
    fn several_values_of_one_field_are_alternatives() {
        let entry = [("_COMM", "sshd"), ("_UID", "0"), ("_UID", "5")];
        let wants = |text: &str| {
            let has =
                |field: &str, value: &[u8]| entry.iter().any(|(f, v)| *f == field && v.as_bytes() == value);
            JournalMatch::parse(text).unwrap().wants(has)
        };
        assert!(
            wants("")
                && wants("_COMM=sshd")
                && wants("_COMM=su _COMM=sshd")
                && wants("_COMM=su _COMM=sshd _UID=5")
        );
        assert!(wants("_COMM=su + _UID=0") && wants("_COMM=su\n_UID=0"));
        assert!(!wants("_COMM=su") && !wants("_COMM=sshd _UID=1") && !wants("_COMM=sshd MISSING=x + _UID=7"));
    }

    proptest! {
        #[test]
        fn no_text_gives_an_argument_that_is_an_option(text in "[-A-Z+= '\"a/\\\\\n]{0,40}") {
            if let Ok(parsed) = JournalMatch::parse(&text) {
                for argument in parsed.arguments() {
                    prop_assert!(argument == "+" || argument.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'));
                }
            }
        }
    }
}
