//! The marks of a datepattern: `{^LN-BEG}`, `{UNB}`, `**`, and what they say about the ends of a match.

/// A pattern without its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) body: String,
    pub(super) begin: Begin,
    /// The match must not end within a word.
    pub(super) word_end: bool,
    /// The pattern ends with `$`: fail2ban then takes its match before looking for a better one.
    pub(super) line_end: bool,
}

/// Where a match may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// At the start of the line, after at most two characters that belong to no word.
    Line,
    /// Not within a word.
    Word,
    /// Where the pattern itself says.
    Free,
}

/// The mark for the start of the line, which is also a pattern of its own: all templates, but only there.
pub(super) const LINE_BEGIN: &str = "{^LN-BEG}";

const UNBOUND: &str = "{UNB}";

/// Reads and removes the marks.
pub(super) fn read(pattern: &str) -> Marked {
    let (unbound, pattern) = match strip_mark(pattern, UNBOUND) {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (line, text) = match strip_mark(pattern, LINE_BEGIN) {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let text = text.trim();
    let begin = match (unbound, line) {
        (true, _) => Begin::Free,
        _ if begins_free(text) => Begin::Free,
        (_, true) => Begin::Line,
        _ => Begin::Word,
    };
    Marked {
        body: without_stars(text),
        begin,
        word_end: !unbound && !ends_free(text),
        line_end: ends_with(text, "$") || ends_with(text, "$)"),
    }
}

/// The pattern without the marks that would make no sense within another pattern.
pub(super) fn unmarked(pattern: &str) -> &str {
    let pattern = strip_mark(pattern, UNBOUND).unwrap_or(pattern);
    strip_mark(pattern, LINE_BEGIN).unwrap_or(pattern)
}

/// Removes a mark, in any case, from the front.
pub(super) fn strip_mark<'p>(text: &'p str, mark: &str) -> Option<&'p str> {
    let (head, rest) = text.split_at_checked(mark.len())?;
    head.eq_ignore_ascii_case(mark).then_some(rest)
}

/// The pattern says itself where it begins: `^` or `**`, possibly within parentheses and after flags.
fn begins_free(text: &str) -> bool {
    let inner = opened(text);
    inner.starts_with('^') || inner.starts_with("**")
}

fn ends_free(text: &str) -> bool {
    let inner = text.trim_end_matches(')');
    ends_with(inner, "**") || ["$", "$)", "\\b", "\\s"].iter().any(|end| ends_with(text, end))
}

/// What follows the parentheses and flags in front.
fn opened(text: &str) -> &str {
    let mut inner = text;
    loop {
        let rest = match inner.strip_prefix("(?") {
            Some(flags) => {
                let flags = flags.trim_start_matches(|c: char| c.is_ascii_lowercase());
                flags.strip_prefix([':', ')'])
            }
            None => inner.strip_prefix('('),
        };
        match rest {
            Some(rest) => inner = rest,
            None => return inner,
        }
    }
}

/// Whether the text ends so, and a backslash does not make the end mean something else.
fn ends_with(text: &str, end: &str) -> bool {
    text.strip_suffix(end).is_some_and(|before| !before.ends_with('\\'))
}

fn without_stars(text: &str) -> String {
    let inner = opened(text);
    let (front, inner) = text.split_at_checked(text.len() - inner.len()).unwrap_or(("", text));
    let inner = inner.strip_prefix("**").unwrap_or(inner);
    let body = inner.trim_end_matches(')');
    let (body, back) = inner.split_at_checked(body.len()).unwrap_or((inner, ""));
    let body = if ends_with(body, "**") { body.strip_suffix("**").unwrap_or(body) } else { body };
    format!("{front}{body}{back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_bound_to_words_unless_the_pattern_says_otherwise() {
        for (pattern, body, begin, word_end) in [
            ("%d", "%d", Begin::Word, true),
            ("{^LN-BEG}%d", "%d", Begin::Line, true),
            ("{^ln-beg} %d", "%d", Begin::Line, true),
            ("{UNB}%d", "%d", Begin::Free, false),
            ("{UNB}^", "^", Begin::Free, false),
            ("^%d$", "^%d$", Begin::Free, false),
            ("(^%d$)", "(^%d$)", Begin::Free, false),
            ("(?iu)(?:^|x)%d", "(?iu)(?:^|x)%d", Begin::Free, true),
            ("**%d**", "%d", Begin::Free, false),
            ("(**(%d)**)", "((%d))", Begin::Free, false),
            ("(%d**)", "(%d)", Begin::Word, false),
            ("^I\\(()**", "^I\\(()", Begin::Free, false),
            ("{^LN-BEG}**%d", "%d", Begin::Free, true),
            ("%d\\s", "%d\\s", Begin::Word, false),
            ("%d\\s*", "%d\\s*", Begin::Word, true),
            ("%d\\b", "%d\\b", Begin::Word, false),
            ("%d\\\\b", "%d\\\\b", Begin::Word, true),
            ("%d\\$", "%d\\$", Begin::Word, true),
            ("%d\\**", "%d\\**", Begin::Word, true),
        ] {
            let read = read(pattern);
            assert_eq!((read.body.as_str(), read.begin, read.word_end), (body, begin, word_end), "{pattern}");
        }
    }

    #[test]
    fn the_end_of_the_line_is_noticed() {
        assert!(read("%d$").line_end && read("(%d$)").line_end);
        assert!(!read("%d").line_end && !read("%d\\$").line_end);
    }

    #[test]
    fn marks_are_stripped_for_use_within_a_pattern() {
        assert_eq!(unmarked("{^LN-BEG}%H"), "%H");
        assert_eq!(unmarked("{UNB}{^LN-BEG}%H"), "%H");
        assert_eq!(unmarked("%H"), "%H");
    }
}
