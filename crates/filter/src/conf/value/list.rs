//! Values that are lists: actions, addresses, log files.

use super::params::scan_option;
use crate::conf::origin::{Origin, Value};
use crate::conf::space::is_space;

/// Splits the value of `action` at white space, except inside `[…]`. What is left is for
/// [`split_params`](super::split_params), which also says what is wrong with a part that is none.
pub fn split_action_list(text: &str) -> Vec<&str> {
    action_parts(text).map(|(_, part)| part).collect()
}

/// The parts of a list of actions, each with its offset.
pub(crate) fn action_parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_space);
        let length = definition(rest).unwrap_or_else(|| rest.find(is_space).unwrap_or(rest.len()));
        let (part, tail) = rest.split_at_checked(length)?;
        let at = text.len() - rest.len();
        rest = tail;
        (!part.is_empty()).then_some((at, part))
    })
}

/// Splits a list of addresses at blanks, commas and line ends.
pub fn split_addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', '\n']).map(|part| part.trim_matches(is_space)).filter(|part| !part.is_empty())
}

/// A line of `logpath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// The glob.
    pub pattern: String,
    /// The word after the last blank, `head` if there is none. Only `head` and `tail` mean anything.
    pub from: String,
    /// Where the line was written.
    pub origin: Origin,
}

impl LogPath {
    /// Whether reading begins at the end of the file; `None` if [`LogPath::from`] says neither.
    pub fn tail(&self) -> Option<bool> {
        match self.from.to_lowercase().as_str() {
            "tail" => Some(true),
            "head" => Some(false),
            _ => None,
        }
    }
}

/// Splits the value of `logpath` into its lines: a glob, and perhaps ` tail` or ` head`.
pub fn split_log_paths(value: &Value) -> Vec<LogPath> {
    let path = |line: crate::conf::Line| {
        let (pattern, from) = line.text.rsplit_once(' ').unwrap_or((&line.text, "head"));
        LogPath { pattern: pattern.to_owned(), from: from.to_owned(), origin: line.origin }
    };
    value.lines().map(path).collect()
}

/// The length of `name[…][…]` or `name`, if what follows is white space or the end.
fn definition(text: &str) -> Option<usize> {
    let name = text.find(|c| c == '[' || is_space(c)).unwrap_or(text.len());
    if name == 0 {
        return None;
    }
    let ends = |at: usize| text.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with(is_space));
    let mut end = name;
    // Blanks may stand before a bracket; of several groups those count that can be read.
    while let Some(length) = text.get(end..).and_then(group) {
        end += length;
    }
    ends(end).then_some(end)
}

/// The length of `[option=value, …]` with white space before it.
fn group(text: &str) -> Option<usize> {
    let blank = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        at + rest.len() - rest.trim_start_matches(is_space).len()
    };
    let open = blank(0);
    text.get(open..)?.strip_prefix('[')?;
    let mut at = blank(open + 1);
    loop {
        if text.get(at..)?.starts_with(']') {
            return Some(at + 1);
        }
        at = blank(at + scan_option(text.get(at..)?)?.end);
        if text.get(at..)?.starts_with(',') {
            at = blank(at + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_split_outside_brackets() {
        for (text, expected) in [
            ("a b", &["a", "b"][..]),
            ("", &[]),
            (" a[x=1] b[y=2]\n c\n", &["a[x=1]", "b[y=2]", "c"]),
            ("a[x=\"1 2\", y='3\n4'] b", &["a[x=\"1 2\", y='3\n4']", "b"]),
            ("a[x=\"1\"y=2] c", &["a[x=\"1\"y=2]", "c"]),
            ("a[x=\"foo bar, baz] q", &["a[x=\"foo", "bar,", "baz]", "q"]),
            ("a [x=1] b", &["a [x=1]", "b"]),
            ("a[x=1 2] [y=2] b", &["a[x=1 2] [y=2]", "b"]),
            ("a[x=1]b c", &["a[x=1]b", "c"]),
            ("a[ [x] a[ ] a[x=1]] b", &["a[", "[x]", "a[ ]", "a[x=1]]", "b"]),
            ("a[x=\"q[1] r\"] b", &["a[x=\"q[1] r\"]", "b"]),
            ("a[x=1,, y=2] b", &["a[x=1,,", "y=2]", "b"]),
            ("a[x=1 , y=2,] b", &["a[x=1 , y=2,]", "b"]),
        ] {
            assert_eq!(split_action_list(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_and_log_paths() {
        let list: Vec<_> = split_addresses("192.0.2.1, 2001:db8::/32\n198.51.100.0/24,,host").collect();
        assert_eq!(list, ["192.0.2.1", "2001:db8::/32", "198.51.100.0/24", "host"]);
        let paths = split_log_paths(&Value::given("/var/log/a*.log\n\n/var/log/b tail\n/x y", "test"));
        let paths: Vec<_> = paths.iter().map(|p| (p.pattern.as_str(), p.tail())).collect();
        assert_eq!(paths, [("/var/log/a*.log", Some(false)), ("/var/log/b", Some(true)), ("/x", None)]);
    }
}
