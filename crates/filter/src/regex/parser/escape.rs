//! What stands behind a backslash.

use regex_syntax::hir::Look;

use super::class::Members;
use super::{Item, Parser, Read, atom, place};
use crate::regex::mark::Mark;

/// An escape that may stand in a class.
pub(super) enum Escape {
    Char(char),
    Members(Members),
}

impl Parser {
    /// An escape outside of a class; the backslash at `at` was read.
    pub(super) fn escape(&mut self, at: usize) -> Read<Item> {
        match self.peek() {
            Some('A') => self.look(Look::Start),
            Some('Z') => self.look(Look::End),
            Some('b') => self.look(Look::WordAscii),
            Some('B') => self.look(Look::WordAsciiNegate),
            Some('1'..='9') => self.number(at),
            _ => Ok(atom(match self.class_escape(at)? {
                Escape::Char(c) => self.literal(c),
                Escape::Members(members) => members.one_byte(),
            })),
        }
    }

    fn look(&mut self, look: Look) -> Read<Item> {
        self.at += 1;
        Ok(place(look))
    }

    /// `\12`: a group, or a character whose number is written with three octal digits.
    fn number(&mut self, at: usize) -> Read<Item> {
        let start = self.at;
        let octal = self.take(3, |c| matches!(c, '0'..='7'));
        if octal.len() == 3 {
            return Ok(atom(self.octal(&octal, at).map(|c| self.literal(c))?));
        }
        self.at = start;
        let group = self.take(2, |c| c.is_ascii_digit()).parse().unwrap_or(usize::MAX);
        self.same(group, at)
    }

    /// The text of a group again.
    pub(super) fn same(&mut self, group: usize, at: usize) -> Read<Item> {
        if group == 0 || group >= self.widths.len() {
            return self
                .expected(at, format!("the number of a group that stands before: there is no {group}"));
        }
        if self.open.contains(&group) {
            return self.expected(at, "a group that is closed: this stands within it");
        }
        self.outside_of_lookbehind(group, at)?;
        self.linear = false;
        Ok(atom(Mark::same(group, self.flags.any_case)))
    }

    /// Within a lookbehind Python takes only groups that are closed, and none of the same lookbehind.
    pub(super) fn outside_of_lookbehind(&self, group: usize, at: usize) -> Read<()> {
        match self.behind {
            Some(first) if group >= first => {
                self.expected(at, "a group that does not stand in the same lookbehind")
            }
            Some(_) if self.open.contains(&group) => {
                self.expected(at, "a group that is closed: this stands within it")
            }
            _ => Ok(()),
        }
    }

    /// An escape that means the same within a class and outside of one, and within one those that do not.
    pub(super) fn class_escape(&mut self, at: usize) -> Read<Escape> {
        let Some(c) = self.next() else {
            return self.expected(at, "a character behind the backslash");
        };
        if let Some(members) = Members::named(c) {
            return Ok(Escape::Members(members));
        }
        Ok(Escape::Char(match c {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hex(2, at)?,
            'u' => self.hex(4, at)?,
            'U' => self.hex(8, at)?,
            'N' => return self.unsupported(at, "a character by its name, `\\N{…}`,"),
            '0'..='7' => {
                let more = self.take(2, |c| matches!(c, '0'..='7'));
                self.octal(&format!("{c}{more}"), at)?
            }
            c if c.is_ascii_alphanumeric() => {
                return self.expected(at, format!("an escape that Python knows, not `\\{c}`"));
            }
            c => c,
        }))
    }

    fn hex(&mut self, digits: usize, at: usize) -> Read<char> {
        let number = self.take(digits, |c| c.is_ascii_hexdigit());
        if number.len() < digits {
            return self.expected(at, format!("{digits} hexadecimal digits"));
        }
        match u32::from_str_radix(&number, 16).ok().and_then(char::from_u32) {
            Some(c) => Ok(c),
            None => self.expected(at, "the number of a character"),
        }
    }

    fn octal(&mut self, digits: &str, at: usize) -> Read<char> {
        match u8::from_str_radix(digits, 8) {
            Ok(byte) => Ok(char::from(byte)),
            Err(_) => self.expected(at, "an octal number up to 377"),
        }
    }
}
