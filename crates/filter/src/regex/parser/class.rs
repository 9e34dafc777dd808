//! Classes: `[a-z«]`, `\d`.

use regex_syntax::hir::{Class, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir};

use super::escape::Escape;
use super::{Parser, Read, bytes};
use crate::regex::ByteSet;
use crate::regex::mark::Mark;

/// What is in a class.
#[derive(Default)]
pub(super) struct Members {
    /// Characters of ASCII, and where one of `\D`, `\S`, `\W` is in it all bytes beyond.
    bytes: ByteSet,
    /// Characters beyond ASCII.
    chars: Vec<ClassUnicodeRange>,
}

impl Members {
    /// `\d`, `\D`, …
    pub(super) fn named(name: char) -> Option<Self> {
        let has: fn(u8) -> bool = match name.to_ascii_lowercase() {
            'd' => |byte| byte.is_ascii_digit(),
            's' => |byte| matches!(byte, b'\t'..=b'\r' | b' '),
            'w' => |byte| byte.is_ascii_alphanumeric() || byte == b'_',
            _ => return None,
        };
        let negated = name.is_ascii_uppercase();
        let bytes = ByteSet::of((0..=u8::MAX).filter(|&byte| has(byte) != negated));
        Some(Self { bytes, chars: Vec::new() })
    }

    fn insert(&mut self, low: char, high: char, any_case: bool) {
        for byte in (low..=high).take_while(char::is_ascii).filter_map(|c| u8::try_from(c).ok()) {
            self.bytes.insert(byte);
            if any_case {
                self.bytes.insert(byte.to_ascii_lowercase());
                self.bytes.insert(byte.to_ascii_uppercase());
            }
        }
        if !high.is_ascii() {
            self.chars.push(ClassUnicodeRange::new(low.max('\u{80}'), high));
        }
    }

    fn add(&mut self, other: Self) {
        self.bytes = self.bytes.union(other.bytes);
        self.chars.extend(other.chars);
    }

    /// The class of its bytes.
    pub(super) fn one_byte(&self) -> Hir {
        self.of_bytes(false)
    }

    fn of_bytes(&self, negated: bool) -> Hir {
        let chosen = (0..=u8::MAX).filter(|&byte| self.bytes.contains(byte) != negated);
        bytes(chosen.map(|byte| ClassBytesRange::new(byte, byte)))
    }

    fn of_chars(&self) -> Hir {
        Hir::class(Class::Unicode(ClassUnicode::new(self.chars.iter().copied())))
    }
}

impl Parser {
    /// A class; its `[` at `at` was read.
    pub(super) fn class(&mut self, at: usize) -> Read<Hir> {
        let negated = self.eat('^');
        let mut members = Members::default();
        let mut first = true;
        while first || !self.eat(']') {
            first = false;
            let from = self.at;
            match self.member(at)? {
                Escape::Members(named) => {
                    members.add(named);
                    // `[\w-]` has a hyphen; `[\w-.]` is no range.
                    if self.peek() == Some('-') && !matches!(self.chars.get(self.at + 1), Some(']')) {
                        return self.expected(from, "a range between two characters");
                    }
                }
                Escape::Char(low) => {
                    let high = self.range_end(at)?.unwrap_or(low);
                    if high < low {
                        return self.expected(from, "a range that does not end before it begins");
                    }
                    members.insert(low, high, self.flags.any_case);
                }
            }
        }
        Ok(self.of_members(&members, negated))
    }

    /// One character of a class, or `\d` and the like.
    fn member(&mut self, class: usize) -> Read<Escape> {
        let at = self.at;
        match self.next() {
            Some('\\') => self.class_escape(at),
            Some(c) => Ok(Escape::Char(c)),
            None => self.expected(class, "a `]` that closes this `[`"),
        }
    }

    /// What stands behind a hyphen, if that makes a range.
    fn range_end(&mut self, class: usize) -> Read<Option<char>> {
        if self.peek() != Some('-') || self.chars.get(self.at + 1) == Some(&']') {
            return Ok(None);
        }
        self.at += 1;
        let at = self.at;
        match self.member(class)? {
            Escape::Char(high) => Ok(Some(high)),
            Escape::Members(_) => self.expected(at, "a range between two characters"),
        }
    }

    fn of_members(&mut self, members: &Members, negated: bool) -> Hir {
        // All bytes beyond ASCII are in it, and so are the characters made of them.
        let all_beyond = members.bytes.contains(u8::MAX);
        if members.chars.is_empty() || all_beyond {
            return members.of_bytes(negated);
        }
        if negated {
            // Any byte but those, unless one of the characters begins here: a text may be no UTF-8 at all, and a
            // name with a stray byte in it must not keep a line from being matched.
            let none = self.marked(Mark::NotAhead, members.of_chars());
            return Hir::concat(vec![none, members.of_bytes(true)]);
        }
        Hir::alternation(vec![members.of_bytes(false), members.of_chars()])
    }
}
