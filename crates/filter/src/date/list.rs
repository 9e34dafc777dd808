//! From the text of a datepattern to the list of templates it means.

use super::defaults::{self, EPOCH, TAI64N};
use super::error::DatePatternError;
use super::marks::{self, LINE_BEGIN};

/// A template before it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The pattern as a person knows it.
    pub(super) name: String,
    /// The pattern as it is compiled, marks included.
    pub(super) text: String,
    /// The whole match is cut, whatever groups there are.
    pub(super) cut_whole: bool,
    /// The line of the datepattern that it comes from.
    pub(super) line: usize,
}

/// Bytes a datepattern may have.
const MAX_BYTES: usize = 16 * 1024;
/// Templates a datepattern may amount to.
const MAX_TEMPLATES: usize = 400;

const DATE: &str = "{DATE}";
const NONE: &str = "{NONE}";

/// The templates of a datepattern: one pattern a line; of none, or of blank lines only, the default ones.
pub(super) fn entries(datepattern: Option<&str>) -> Result<Vec<Entry>, DatePatternError> {
    let text = datepattern.unwrap_or_default();
    if text.len() > MAX_BYTES {
        return Err(DatePatternError::TooLarge { what: "the number of its bytes", limit: MAX_BYTES });
    }
    let mut list = List::default();
    for (number, pattern) in text.lines().map(str::trim).filter(|pattern| !pattern.is_empty()).enumerate() {
        list.line = number;
        list.pattern(pattern);
        if list.entries.len() > MAX_TEMPLATES {
            return Err(DatePatternError::TooLarge {
                what: "the number of its templates",
                limit: MAX_TEMPLATES,
            });
        }
    }
    if list.entries.is_empty() {
        list.defaults(false);
    }
    Ok(list.entries)
}

/// Whether the datepattern says that lines have no date: `{NONE}` and nothing else.
pub(super) fn is_none(datepattern: Option<&str>) -> bool {
    let mut patterns =
        datepattern.unwrap_or_default().lines().map(str::trim).filter(|pattern| !pattern.is_empty());
    patterns.next().is_some_and(|only| only.eq_ignore_ascii_case(NONE)) && patterns.next().is_none()
}

#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    line: usize,
}

impl List {
    fn pattern(&mut self, pattern: &str) {
        if pattern.eq_ignore_ascii_case("{DEFAULT}") {
            self.defaults(false);
        } else if pattern.eq_ignore_ascii_case(LINE_BEGIN) {
            self.defaults(true);
        } else if contains(pattern, DATE) {
            self.containing_date(pattern);
        } else if pattern.eq_ignore_ascii_case(NONE) {
            self.add(NONE.to_owned(), "{UNB}^".to_owned(), false);
        } else {
            let cut_whole = contains(pattern, "{EPOCH}") || contains(pattern, "{LEPOCH}");
            self.add(pattern.to_owned(), named(pattern), cut_whole);
        }
    }

    /// A pattern with `{DATE}` in it: one for each default template, without the template's anchor.
    fn containing_date(&mut self, pattern: &str) {
        for default in defaults::patterns() {
            let name = replace(pattern, DATE, marks::unmarked(&default));
            let meaning = named(&name);
            if meaning != name {
                // `^{DATE}` becomes `^EPOCH`, which is a pattern by itself.
                self.add(name, meaning, false);
            } else if default != EPOCH && default != TAI64N {
                // Within other patterns the names mean nothing to fail2ban, so there `{DATE}` has no epochs.
                let date = format!("(?:{})", marks::unmarked(&default));
                self.add(name, replace(pattern, DATE, &date), false);
            }
        }
    }

    /// The default templates: first all that can be at the start of a line, there; then each wherever it may be.
    fn defaults(&mut self, anchored_only: bool) {
        let patterns = defaults::patterns();
        let has_anchor = |pattern: &&String| pattern.starts_with('^') || pattern.starts_with(LINE_BEGIN);
        for pattern in patterns.iter().filter(|pattern| !has_anchor(pattern)) {
            let anchored = format!("{LINE_BEGIN}{pattern}");
            self.add(anchored.clone(), named(&anchored), false);
        }
        for pattern in patterns.iter().filter(|pattern| !anchored_only || has_anchor(pattern)) {
            self.add(pattern.clone(), named(pattern), false);
        }
    }

    /// Adds a template, unless the list has it.
    fn add(&mut self, name: String, text: String, cut_whole: bool) {
        if !self.entries.iter().any(|entry| entry.text == text) {
            self.entries.push(Entry { name, text, cut_whole, line: self.line });
        }
    }
}

/// The pattern that the names `EPOCH`, `LEPOCH` and `TAI64N` stand for, alone or at the start of a line.
fn named(pattern: &str) -> String {
    let (anchored, name) = match marks::strip_mark(pattern, LINE_BEGIN).or_else(|| pattern.strip_prefix('^'))
    {
        Some(name) => (true, name),
        None => (false, pattern),
    };
    let name = name.to_ascii_uppercase();
    match (name.as_str(), anchored) {
        (EPOCH | "LEPOCH" | TAI64N, true) => format!("{LINE_BEGIN}{{{name}}}"),
        // Where nsd and SELinux write it: first in the line, perhaps after a bracket, or after `audit(`.
        (EPOCH | "LEPOCH", false) => format!(r"(?:^\[?|\baudit\()({{{name}}})"),
        (TAI64N, false) => format!("**{{{name}}}"),
        _ => pattern.to_owned(),
    }
}

fn contains(pattern: &str, mark: &str) -> bool {
    replace(pattern, mark, "") != pattern
}

/// Replaces a mark, in any case and not behind a backslash.
fn replace(pattern: &str, mark: &str, by: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        match marks::strip_mark(rest, mark).filter(|_| !out.ends_with('\\')) {
            Some(after) => {
                out.push_str(by);
                rest = after;
            }
            None => {
                out.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(datepattern: &str) -> Vec<String> {
        entries(Some(datepattern)).unwrap().into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn without_a_pattern_all_defaults_anchored_first() {
        let default = names("");
        assert_eq!(default, names(" \n\t\n"));
        assert_eq!(default, names("{default}"));
        assert_eq!(default.len(), 14 + 17);
        assert!(default[..14].iter().all(|name| name.starts_with(LINE_BEGIN)));
        assert_eq!(default[14..], defaults::patterns());
    }

    #[test]
    fn at_the_line_start_only_the_anchored_ones() {
        let anchored = names("{^LN-BEG}");
        assert_eq!(anchored.len(), 17);
        assert!(anchored.iter().all(|name| name.starts_with(LINE_BEGIN) || name.starts_with('^')));
    }

    #[test]
    fn nothing_is_listed_twice() {
        assert_eq!(names("{^LN-BEG}TAI64N\n{^LN-BEG}").len(), 17);
        assert_eq!(names("{^LN-BEG}Epoch\n{^LN-BEG}").len(), 17);
        assert_eq!(names("%Y\n%Y"), ["%Y"]);
    }

    #[test]
    fn date_stands_for_every_default_without_its_anchor() {
        let all = names(r"^[^\[]*\[({date})");
        assert_eq!(all.len(), 15, "without EPOCH and TAI64N");
        assert_eq!(all[7], r"^[^\[]*\[(%H:%M:%S)");
        assert_eq!(names("^{DATE}").len(), 17);
        assert_eq!(names(r"\{DATE}"), [r"\{DATE}"]);
    }

    #[test]
    fn epochs_and_labels_are_patterns_too() {
        let text = |pattern| entries(Some(pattern)).unwrap().remove(0);
        assert_eq!(text("epoch").text, r"(?:^\[?|\baudit\()({EPOCH})");
        assert_eq!(text("^Lepoch").text, "{^LN-BEG}{LEPOCH}");
        assert_eq!(text("tai64n").text, "**{TAI64N}");
        assert!(text("^x({epoch})").cut_whole && !text("^({DATE})").cut_whole);
    }

    #[test]
    fn none_means_none_only_alone() {
        assert!(is_none(Some("\n{none} \n")));
        assert!(!is_none(Some("{NONE}\n%Y")) && !is_none(None) && !is_none(Some("")));
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(matches!(entries(Some(&"x".repeat(MAX_BYTES + 1))), Err(DatePatternError::TooLarge { .. })));
        let many: String = (0..30).map(|n| format!("x{n}{{DATE}}\n")).collect();
        assert!(matches!(entries(Some(&many)), Err(DatePatternError::TooLarge { .. })));
    }
}
