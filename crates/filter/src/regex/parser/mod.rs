//! Reads a regex as Python's `re` does.
//!
//! What comes out is the structure that `regex-syntax` would make of the same regex, with marks for the constructs that
//! it does not know ([`super::mark`]). Texts are bytes here and classes are ASCII, as in a Python regex of bytes; but a
//! character beyond ASCII, written as such or as `\xe9`, is its UTF-8 bytes.

mod class;
mod escape;
mod group;

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Dot, Hir, Look, Repetition};

use super::Problem;
use super::mark::{Mark, Width};

/// How deep groups may stand within each other: what walks a regex later does so by recursion.
const MAX_NESTING: usize = 100;

/// A regex that was read.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// Its structure, with marks.
    pub(crate) hir: Hir,
    /// It has no marks: a finite automaton can run it.
    pub(crate) linear: bool,
    /// The groups that have a name, by number.
    pub(crate) names: Vec<(usize, String)>,
}

/// Reads a regex. `multiline`: `^` and `$` stand at the ends of every line.
pub(crate) fn parse(text: &str, multiline: bool) -> Result<Parsed, Problem> {
    let mut flags = Flags { multi_line: multiline, ..Flags::default() };
    loop {
        let mut parser = Parser::new(text, flags);
        match parser.whole() {
            Ok(hir) => return Ok(Parsed { hir, linear: parser.linear, names: parser.names }),
            Err(Stop::Problem(problem)) => return Err(problem),
            // Each turn adds a flag at least.
            Err(Stop::Flags(more)) => flags = more,
        }
    }
}

/// The flags that hold at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    any_case: bool,
    multi_line: bool,
    dot_all: bool,
    verbose: bool,
}

/// Why reading stopped.
#[derive(Debug)]
enum Stop {
    Problem(Problem),
    /// Flags for the whole regex stand in the middle of it: it must be read again with them.
    Flags(Flags),
}

type Read<T> = Result<T, Stop>;

/// A piece of a sequence.
struct Item {
    hir: Hir,
    kind: Kind,
}

/// What may stand behind an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A repetition.
    Atom,
    /// No repetition: it is a place, such as `^`.
    Place,
    /// No repetition: it has one.
    Repeated,
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    /// The flags with which reading began.
    whole: Flags,
    /// The flags here.
    flags: Flags,
    names: Vec<(usize, String)>,
    /// The width of every group that is closed, by number; the whole regex is the zeroth.
    widths: Vec<Width>,
    /// The groups that are open here.
    open: Vec<usize>,
    /// Groups from this number on began within the lookbehind that is being read.
    behind: Option<usize>,
    /// Groups that a conditional asks about before they stand, and where it does.
    awaited: Vec<(usize, usize)>,
    depth: usize,
    linear: bool,
}

impl Parser {
    fn new(text: &str, flags: Flags) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            whole: flags,
            flags,
            names: Vec::new(),
            widths: vec![(0, None)],
            open: Vec::new(),
            behind: None,
            awaited: Vec::new(),
            depth: 0,
            linear: true,
        }
    }

    fn whole(&mut self) -> Read<Hir> {
        let hir = self.alternation()?;
        if self.at < self.chars.len() {
            return self.expected(self.at, "a `(` before this `)`");
        }
        if let Some(&(group, at)) = self.awaited.iter().find(|(group, _)| *group >= self.widths.len()) {
            return self.expected(at, format!("the number of a group: there is no group {group}"));
        }
        Ok(hir)
    }

    fn alternation(&mut self) -> Read<Hir> {
        let mut branches = vec![self.sequence()?];
        while self.eat('|') {
            branches.push(self.sequence()?);
        }
        Ok(Hir::alternation(branches))
    }

    fn sequence(&mut self) -> Read<Hir> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            if self.flags.verbose {
                self.skip_space();
            }
            let at = self.at;
            let Some(c) = self.peek().filter(|c| !matches!(c, '|' | ')')) else { break };
            self.at += 1;
            match c {
                '\\' => items.push(self.escape(at)?),
                '[' => items.push(atom(self.class(at)?)),
                '(' => items.extend(self.group(at)?),
                '.' => {
                    let dot = if self.flags.dot_all { Dot::AnyByte } else { Dot::AnyByteExceptLF };
                    items.push(atom(Hir::dot(dot)));
                }
                '^' => items.push(place(if self.flags.multi_line { Look::StartLF } else { Look::Start })),
                '$' => items.push(place(if self.flags.multi_line { Look::EndLF } else { Look::End })),
                '*' => self.repeat(&mut items, at, 0, None)?,
                '+' => self.repeat(&mut items, at, 1, None)?,
                '?' => self.repeat(&mut items, at, 0, Some(1))?,
                '{' => match self.times(at)? {
                    Some((min, max)) => self.repeat(&mut items, at, min, max)?,
                    None => items.push(atom(self.literal('{'))),
                },
                c => items.push(atom(self.literal(c))),
            }
        }
        Ok(Hir::concat(items.into_iter().map(|item| item.hir).collect()))
    }

    /// Repeats the last item.
    fn repeat(&mut self, items: &mut Vec<Item>, at: usize, min: u32, max: Option<u32>) -> Read<()> {
        let item = match items.pop() {
            Some(item) if item.kind == Kind::Atom => item,
            Some(item) if item.kind == Kind::Repeated => {
                return self.expected(at, "no second repetition of the same thing");
            }
            _ => return self.expected(at, "something to repeat before a repetition"),
        };
        let greedy = !self.eat('?');
        let sub = Box::new(item.hir);
        let mut hir = Hir::repetition(Repetition { min, max, greedy, sub });
        if greedy && self.eat('+') {
            hir = self.marked(Mark::Atomic, hir);
        }
        items.push(Item { hir, kind: Kind::Repeated });
        Ok(())
    }

    /// What stands behind `{`, if it is a number of times: `{2}`, `{2,}`, `{,3}`, `{2,3}`, `{,}`.
    fn times(&mut self, at: usize) -> Read<Option<(u32, Option<u32>)>> {
        let start = self.at;
        let low = self.digits();
        let comma = self.eat(',');
        let high = if comma { self.digits() } else { low.clone() };
        if !self.eat('}') || (low.is_empty() && !comma) {
            self.at = start;
            return Ok(None);
        }
        let number = |digits: &str| digits.parse::<u32>().ok().filter(|&n| n != u32::MAX);
        let min = if low.is_empty() { Some(0) } else { number(&low) };
        let max = if high.is_empty() { Some(None) } else { number(&high).map(Some) };
        let (Some(min), Some(max)) = (min, max) else {
            return self.expected(at, "a smaller number of times");
        };
        if max.is_some_and(|max| max < min) {
            return self.expected(at, "a largest number of times that is not below the smallest");
        }
        Ok(Some((min, max)))
    }

    /// One character.
    fn literal(&self, c: char) -> Hir {
        match u8::try_from(c) {
            Ok(letter) if self.flags.any_case && letter.is_ascii_alphabetic() => {
                let cases = [letter.to_ascii_uppercase(), letter.to_ascii_lowercase()];
                bytes(cases.map(|byte| ClassBytesRange::new(byte, byte)))
            }
            _ => Hir::literal(c.to_string().into_bytes()),
        }
    }

    fn marked(&mut self, mark: Mark, sub: Hir) -> Hir {
        self.linear = false;
        mark.wrap(sub)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// The characters from here on that are so, at most `most`.
    fn take(&mut self, most: usize, so: impl Fn(char) -> bool) -> String {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let taken: String = rest.iter().take(most).take_while(|&&c| so(c)).collect();
        self.at += taken.chars().count();
        taken
    }

    fn digits(&mut self) -> String {
        self.take(usize::MAX, |c| c.is_ascii_digit())
    }

    /// In a verbose regex: white space and what stands behind `#`.
    fn skip_space(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => self.at += 1,
                // An escaped line end does not end it.
                '#' => {
                    while let Some(c) = self.next().filter(|&c| c != '\n') {
                        self.at += usize::from(c == '\\');
                    }
                }
                _ => return,
            }
        }
    }

    /// The error that something was expected at a place.
    fn expected<T>(&self, at: usize, what: impl Into<String>) -> Read<T> {
        let expected = format!("expected {}", what.into());
        Err(Stop::Problem(Problem::Syntax { at: at + 1, expected }))
    }

    fn unsupported<T>(&self, at: usize, construct: &'static str) -> Read<T> {
        Err(Stop::Problem(Problem::Unsupported { at: at + 1, construct }))
    }
}

fn atom(hir: Hir) -> Item {
    Item { hir, kind: Kind::Atom }
}

fn place(look: Look) -> Item {
    Item { hir: Hir::look(look), kind: Kind::Place }
}

/// One byte of these.
fn bytes(ranges: impl IntoIterator<Item = ClassBytesRange>) -> Hir {
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

#[cfg(test)]
mod tests;
