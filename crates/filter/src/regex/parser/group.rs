//! What stands in parentheses.

use regex_syntax::hir::{Capture, Hir};

use super::{Flags, Item, MAX_NESTING, Parser, Read, Stop, atom};
use crate::regex::Problem;
use crate::regex::mark::{Mark, width};

impl Parser {
    /// A group; its `(` at `at` was read. `None`: it was a comment, or flags.
    pub(super) fn group(&mut self, at: usize) -> Read<Option<Item>> {
        if self.depth == MAX_NESTING {
            let what = "the number of groups within each other";
            return Err(Stop::Problem(Problem::TooLarge { what, limit: MAX_NESTING }));
        }
        self.depth += 1;
        let outside = self.flags;
        let item = self.group_by_kind(at);
        self.flags = outside;
        self.depth -= 1;
        item
    }

    fn group_by_kind(&mut self, at: usize) -> Read<Option<Item>> {
        if !self.eat('?') {
            let hir = if self.flags_inside()? { self.body(at)? } else { self.capture(None, at)? };
            return Ok(Some(atom(hir)));
        }
        let hir = match self.next() {
            Some(':') => {
                self.flags_inside()?;
                self.body(at)?
            }
            Some('=') => self.around(Mark::Ahead, at)?,
            Some('!') => self.around(Mark::NotAhead, at)?,
            Some('>') => self.around(Mark::Atomic, at)?,
            Some('<') if self.eat('=') => self.behind(Mark::Behind, at)?,
            Some('<') if self.eat('!') => self.behind(Mark::NotBehind, at)?,
            Some('(') => self.conditional(at)?,
            Some('P') if self.eat('<') => {
                let name = self.name('>')?;
                self.capture(Some(name), at)?
            }
            Some('P') if self.eat('=') => {
                let start = self.at;
                let name = self.name(')')?;
                let group = self.group_named(&name, start)?;
                return self.same(group, start).map(Some);
            }
            Some('#') => return self.comment(at),
            Some(c) if c == '-' || c.is_ascii_alphabetic() && c != 'P' => {
                self.at -= 1;
                return self.flags(at);
            }
            _ => return self.expected(
                at,
                "one of `(?:`, `(?P<`, `(?P=`, `(?=`, `(?!`, `(?<=`, `(?<!`, `(?>`, `(?(`, `(?#`, or flags",
            ),
        };
        Ok(Some(atom(hir)))
    }

    fn comment(&mut self, at: usize) -> Read<Option<Item>> {
        loop {
            match self.next() {
                Some(')') => return Ok(None),
                // An escaped parenthesis does not end it.
                Some('\\') => self.at += 1,
                Some(_) => {}
                None => return self.expected(at, "a `)` that ends this comment"),
            }
        }
    }

    /// What a group holds, up to its `)`.
    fn body(&mut self, at: usize) -> Read<Hir> {
        let hir = self.alternation()?;
        if self.eat(')') { Ok(hir) } else { self.expected(at, "a `)` that closes this group") }
    }

    fn capture(&mut self, name: Option<String>, at: usize) -> Read<Hir> {
        let number = self.widths.len();
        self.widths.push((0, None));
        if let Some(name) = &name {
            if let Some((other, _)) = self.names.iter().find(|(_, known)| known == name) {
                return self.expected(at, format!("a name of its own: group {other} is called `{name}` too"));
            }
            self.names.push((number, name.clone()));
        }
        self.open.push(number);
        let sub = self.body(at)?;
        self.open.pop();
        let wide = width(&sub, &self.widths);
        if let Some(place) = self.widths.get_mut(number) {
            *place = wide;
        }
        let index = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Hir::capture(Capture { index, name: name.map(Into::into), sub: Box::new(sub) }))
    }

    fn around(&mut self, mark: Mark, at: usize) -> Read<Hir> {
        let sub = self.body(at)?;
        Ok(self.marked(mark, sub))
    }

    fn behind(&mut self, mark: fn(usize) -> Mark, at: usize) -> Read<Hir> {
        let outside = self.behind;
        self.behind = outside.or(Some(self.widths.len()));
        let sub = self.body(at)?;
        self.behind = outside;
        match width(&sub, &self.widths) {
            (low, Some(high)) if low == high => Ok(self.marked(mark(low), sub)),
            _ => self.expected(at, "a lookbehind whose alternatives all have one length, in bytes of UTF-8"),
        }
    }

    /// `(?(1)…|…)`
    fn conditional(&mut self, at: usize) -> Read<Hir> {
        let start = self.at;
        let group = if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let group = self.digits().parse().unwrap_or(usize::MAX);
            if !self.eat(')') || group == 0 {
                return self.expected(start, "the number of a group and `)`");
            }
            self.awaited.push((group, start));
            group
        } else {
            let name = self.name(')')?;
            self.group_named(&name, start)?
        };
        self.outside_of_lookbehind(group, start)?;
        let yes = self.sequence()?;
        let no = if self.eat('|') { self.sequence()? } else { Hir::empty() };
        if !self.eat(')') {
            return self.expected(at, "a `)` that closes this conditional, which has two branches at most");
        }
        let arms = [yes, no].map(|arm| Mark::Arm.wrap(arm));
        Ok(self.marked(Mark::Given(group), Hir::concat(arms.into())))
    }

    /// The name of a group and the character behind it.
    fn name(&mut self, end: char) -> Read<String> {
        let start = self.at;
        let name = self.take(usize::MAX, |c| c.is_alphanumeric() || c == '_');
        if name.is_empty() || name.starts_with(|c: char| c.is_numeric()) || !self.eat(end) {
            return self.expected(start, format!("a name of letters, digits and `_`, and `{end}`"));
        }
        Ok(name)
    }

    fn group_named(&self, name: &str, at: usize) -> Read<usize> {
        match self.names.iter().find(|(_, known)| known == name) {
            Some((group, _)) => Ok(*group),
            None => {
                self.expected(at, format!("the name of a group that stands before: there is no `{name}`"))
            }
        }
    }

    /// Flags for the group that was just opened: fail2ban makes `((?i)…)` and `(?:(?i)…)` to `(?i:…)`.
    fn flags_inside(&mut self) -> Read<bool> {
        let start = self.at;
        if self.eat('(') && self.eat('?') {
            let letters = self.take(usize::MAX, |c| c.is_ascii_lowercase());
            if !letters.is_empty() && self.eat(')') {
                self.flags = self.set(self.flags, &letters, true, start)?;
                return Ok(true);
            }
        }
        self.at = start;
        Ok(false)
    }

    /// `(?i:…)`, `(?-i:…)`, `(?i)`; what stands behind `(?` is next. Python up to 3.10 takes flags in the middle for
    /// flags of the whole regex, later ones take them for an error.
    fn flags(&mut self, at: usize) -> Read<Option<Item>> {
        let on = self.take(usize::MAX, |c| c.is_ascii_alphabetic());
        if self.eat(')') {
            let whole = self.set(self.whole, &on, true, at)?;
            return if whole == self.whole { Ok(None) } else { Err(Stop::Flags(whole)) };
        }
        self.flags = self.set(self.flags, &on, true, at)?;
        if self.eat('-') {
            let off = self.take(usize::MAX, |c| c.is_ascii_alphabetic());
            self.flags = self.set(self.flags, &off, false, at)?;
        }
        if !self.eat(':') {
            return self.expected(self.at, "`:` or `)` behind the flags of a group");
        }
        Ok(Some(atom(self.body(at)?)))
    }

    fn set(&self, mut flags: Flags, letters: &str, on: bool, at: usize) -> Read<Flags> {
        for letter in letters.chars() {
            match letter {
                'i' => flags.any_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'x' => flags.verbose = on,
                // Which characters are letters: here those of ASCII are, always.
                'u' | 'a' | 'L' if on => {}
                _ => return self.expected(at, "flags, which are of the letters a, i, L, m, s, u, x"),
            }
        }
        Ok(flags)
    }
}
