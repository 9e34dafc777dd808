//! Random regexes of all constructs, and texts for them, small enough to meet each other's borders.

use proptest::prelude::*;

/// A regex whose first group is all of it, and a text.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) pattern: String,
    pub(super) multiline: bool,
    pub(super) text: String,
}

/// Cases made of random choices; `linear`: without what a finite automaton cannot do.
pub(super) fn cases(linear: bool) -> impl Strategy<Value = Case> {
    let choices = prop::collection::vec(any::<u8>(), 0..60);
    (
        choices,
        any::<bool>(),
        prop::sample::select(vec!["", "", "", "(?i)", "(?s)", "(?x)"]),
        "[abAc1 \n]{0,14}",
    )
        .prop_map(move |(choices, multiline, flags, text)| {
            let mut writer = Writer { choices, at: 0, closed: vec![], opened: 1, linear };
            let body = writer.alternation(0);
            Case {
                pattern: format!("{flags}({body})"),
                multiline,
                // Python's `$` also stands before a last line end; no line that is searched has one.
                text: text.trim_end_matches('\n').to_owned(),
            }
        })
}

/// Scraps of regexes put together anyhow: mostly none.
pub(super) fn scraps() -> impl Strategy<Value = Case> {
    let scraps = vec![
        "(", ")", "(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\", "a", "b", "1", "0", "9", "2", "-",
        "^", "$", ",", "{1,2}", "{2,1}", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?P<x>", "(?P<y>",
        "(?P=x)", "(?(1)", "(?(x)", "(?#", "(?i:", "(?-i:", "(?i-s:", "(?P", "(?<", "<", ">", "=", "[^",
        "[]", "[a-", "\\w", "\\d", "\\b", "\\x", "\\1", "\\2", "\\141", "\\0", "\\8", "\\q", "\\Z", "\\A",
        "\\-", "\\]", "\\[", "&&", ".", "--", " ", "#", "\n",
    ];
    let flags = prop::sample::select(vec!["", "", "(?x)", "(?i)"]);
    (
        flags,
        prop::collection::vec(prop::sample::select(scraps), 0..8),
        any::<bool>(),
        "[ab1 \\]\\[(){}-]{0,8}",
    )
        .prop_map(|(flags, scraps, multiline, text)| Case {
            pattern: format!("{flags}({})", scraps.concat()),
            multiline,
            text,
        })
}

/// Takes its choices one by one; when they are used up, always the first.
struct Writer {
    choices: Vec<u8>,
    at: usize,
    /// The groups that can be referred to, by number.
    closed: Vec<usize>,
    opened: usize,
    linear: bool,
}

const ATOMS: &[&str] = &[
    "a", "b", "ab", "c", ".", "[ab]", "[^a]", r"\w", r"\W", r"\s", r"\d", r"\b", r"\B", "^", "$", r"\A",
    r"\Z", "(?m:^)", "(?m:$)", "(?s:.)", "A", "[a-c1]", r"\n", "", "(?#x)", r"\x61", r"\141", "[^\\n]", "{",
    "aa", " ",
];
const TIMES: &[&str] =
    &["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{,2}", "{1,}?", "{,}", "{0}"];
const POSSESSIVE: &[&str] = &["*+", "++", "?+", "{1,2}+"];

impl Writer {
    fn choose(&mut self, of: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % of
    }

    fn one_of(&mut self, texts: &[&str]) -> String {
        let n = self.choose(texts.len());
        texts[n].to_owned()
    }

    fn alternation(&mut self, depth: usize) -> String {
        let branches = [1, 1, 1, 2, 3][self.choose(5)];
        let branches: Vec<String> = (0..branches).map(|_| self.sequence(depth)).collect();
        branches.join("|")
    }

    fn sequence(&mut self, depth: usize) -> String {
        let pieces = self.choose(4);
        (0..=pieces).map(|_| self.piece(depth)).collect()
    }

    fn piece(&mut self, depth: usize) -> String {
        let kind = if depth > 3 { 0 } else { self.choose(if self.linear { 7 } else { 16 }) };
        match kind {
            0..=2 => self.one_of(ATOMS),
            3 | 4 => {
                let sub = self.group(depth);
                let times = if self.linear { TIMES.to_vec() } else { [TIMES, POSSESSIVE].concat() };
                sub + &self.one_of(&times)
            }
            5 => self.group(depth),
            6 => {
                let atom = self.one_of(&["a", "b", ".", "[ab]", r"\w", "(?:ab|b)"]);
                atom + &self.one_of(TIMES)
            }
            7 | 8 => {
                let kind = self.one_of(&["(?=", "(?!", "(?>"]);
                format!("{kind}{})", self.alternation(depth + 1))
            }
            9 => {
                let kind = self.one_of(&["(?<=", "(?<!"]);
                let inside = [
                    "a", "b", ".", "[^a]", "ab|aa", "(?:a|b)c", "^", "a(?=b)", r"\b.", "(?!a).", "(?<=a)b",
                    "a{2}",
                ];
                format!("{kind}{})", self.one_of(&inside))
            }
            10..=12 if !self.closed.is_empty() => {
                let n = self.choose(self.closed.len());
                let group = self.closed[n];
                match self.choose(3) {
                    0 => format!("(?P=n{group})"),
                    // So that a digit that follows is no part of it.
                    1 => format!("\\{group}(?:)"),
                    _ => format!("(?:\\{group}){}", self.one_of(TIMES)),
                }
            }
            13 | 14 if !self.closed.is_empty() => {
                let n = self.choose(self.closed.len());
                let group = self.closed[n];
                let yes = self.sequence(depth + 1);
                match self.choose(3) {
                    0 => format!("(?({group}){yes})"),
                    1 => format!("(?(n{group}){yes}|{})", self.sequence(depth + 1)),
                    _ => format!("(?({group}){yes}|{})", self.sequence(depth + 1)),
                }
            }
            _ => self.one_of(ATOMS),
        }
    }

    fn group(&mut self, depth: usize) -> String {
        let kind = self.choose(5);
        if kind > 1 {
            let kind = self.one_of(&["(?:", "(?:", "(?i:", "(?-i:", "(?s:", "(?m:"]);
            return format!("{kind}{})", self.alternation(depth + 1));
        }
        self.opened += 1;
        let number = self.opened;
        let body = self.alternation(depth + 1);
        self.closed.push(number);
        format!("(?P<n{number}>{body})")
    }
}
