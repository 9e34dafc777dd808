//! Where a value was written. Substitution carries it along, so that a regex put together from three files can still name the
//! line to look at.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A place in a configuration file, or the name of whatever else a value came from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    file: Arc<str>,
    line: u32,
}

impl Origin {
    /// Line `line` (from 1) of `file`.
    pub fn new(file: impl Into<Arc<str>>, line: u32) -> Self {
        Self { file: file.into(), line }
    }

    /// A value that stands in no file, such as `command line` or `built in`.
    pub fn given(what: impl Into<Arc<str>>) -> Self {
        Self::new(what, 0)
    }

    /// The file as [`ConfFiles::display`](super::ConfFiles::display) names it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1; 0 for a value that stands in no file.
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One line of a value, as [`Value::lines`] gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text, without its line end.
    pub text: String,
    /// Where this line was written. A line that is one reference (`%(name)s`, `<tag>`) and nothing else has the place of what
    /// it refers to.
    pub origin: Origin,
}

/// The text of an option and where it was written, line by line.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    text: String,
    origin: Origin,
    /// Sorted by `at`, which is always the start of a line. A line without a mark belongs to the mark before it.
    marks: Vec<Mark>,
}

#[derive(Clone, PartialEq, Eq)]
struct Mark {
    at: usize,
    origin: Origin,
}

impl Value {
    /// A value that was written at `origin`, all of it.
    pub fn new(text: impl Into<String>, origin: Origin) -> Self {
        Self { text: text.into(), origin, marks: Vec::new() }
    }

    /// A value that stands in no file; `what` says who gave it, as in [`Origin::given`].
    pub fn given(text: impl Into<String>, what: &str) -> Self {
        Self::new(text, Origin::given(what))
    }

    /// The whole text, lines separated by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the option stands: the line of its key.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The lines that are not empty, each with its own place.
    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        let mut at = 0;
        self.text.split('\n').filter_map(move |text| {
            let start = at;
            at += text.len() + 1;
            (!text.is_empty()).then(|| Line { text: text.to_owned(), origin: self.origin_at(start).clone() })
        })
    }

    /// Where the byte at `offset` was written.
    pub(crate) fn origin_at(&self, offset: usize) -> &Origin {
        let after = self.marks.partition_point(|mark| mark.at <= offset);
        after.checked_sub(1).and_then(|last| self.marks.get(last)).map_or(&self.origin, |mark| &mark.origin)
    }

    /// Joins the physical lines of an option as `ConfigParser` does: by `\n`, without white space at the end.
    pub(crate) fn from_lines(file: &Arc<str>, key_line: u32, lines: &[(String, u32)]) -> Self {
        let mut value = Self::new(String::new(), Origin::new(Arc::clone(file), key_line));
        for (index, (text, line)) in lines.iter().enumerate() {
            if index > 0 {
                value.text.push('\n');
            }
            let origin = Origin::new(Arc::clone(file), *line);
            value.marks.push(Mark { at: value.text.len(), origin });
            value.text.push_str(text);
        }
        value.text.truncate(super::space::trim_end(&value.text).len());
        let end = value.text.len();
        value.marks.retain(|mark| mark.at <= end);
        value
    }

    /// The same text, as if it had been written at `origin`.
    pub(crate) fn with_text(&self, text: impl Into<String>) -> Self {
        Self::new(text, self.origin.clone())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({})", self.text, self.origin)
    }
}

/// A value under construction out of pieces of others.
#[derive(Default)]
pub(crate) struct Builder {
    text: String,
    marks: Vec<Mark>,
}

impl Builder {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends `range` of `from`.
    pub(crate) fn copy(&mut self, from: &Value, range: Range<usize>) {
        let Some(piece) = from.text.get(range.clone()) else { return };
        let base = self.text.len();
        self.begin_line(from.origin_at(range.start), false);
        let inner = from.marks.iter().filter(|mark| range.start < mark.at && mark.at <= range.end);
        self.marks
            .extend(inner.map(|mark| Mark { at: base + mark.at - range.start, origin: mark.origin.clone() }));
        self.text.push_str(piece);
    }

    /// Appends all of `value` in place of the reference that fills `hole` of `outer`.
    ///
    /// The lines keep the places of `value` if it has several, or if the reference was alone on its line.
    pub(crate) fn splice(&mut self, value: &Value, outer: &Value, hole: Range<usize>) {
        let alone = outer.text.get(hole.end..).is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'));
        let keep = !value.text.is_empty() && (alone || value.text.contains('\n'));
        self.begin_line(if keep { value.origin_at(0) } else { outer.origin_at(hole.start) }, keep);
        let base = self.text.len();
        let inner = value.marks.iter().filter(|mark| mark.at > 0);
        self.marks.extend(inner.map(|mark| Mark { at: base + mark.at, origin: mark.origin.clone() }));
        self.text.push_str(&value.text);
    }

    pub(crate) fn finish(self, origin: Origin) -> Value {
        Value { text: self.text, origin, marks: self.marks }
    }

    /// Marks the line that begins here, if one does and it has no mark yet (or `anew`).
    fn begin_line(&mut self, origin: &Origin, anew: bool) {
        let at = self.text.len();
        if at > 0 && !self.text.ends_with('\n') {
            return;
        }
        match self.marks.last_mut().filter(|mark| mark.at == at) {
            Some(mark) if anew => mark.origin = origin.clone(),
            Some(_) => {}
            None => self.marks.push(Mark { at, origin: origin.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(file: &str, first: u32, lines: &[&str]) -> Value {
        let lines: Vec<_> = (first..).zip(lines).map(|(n, text)| ((*text).to_owned(), n)).collect();
        Value::from_lines(&Arc::from(file), first, &lines)
    }

    fn places(value: &Value) -> Vec<String> {
        value.lines().map(|line| format!("{} {}", line.text, line.origin)).collect()
    }

    #[test]
    fn lines_know_their_place_and_the_end_is_trimmed() {
        let v = value("f", 3, &["", "a", "", "b", ""]);
        assert_eq!(v.text(), "\na\n\nb");
        assert_eq!(v.origin().to_string(), "f:3");
        assert_eq!(places(&v), ["a f:4", "b f:6"]);
    }

    #[test]
    fn a_spliced_block_keeps_its_places_and_a_piece_of_a_line_does_not() {
        let outer = value("o", 1, &["head", "<T>", "x<T>y", "tail"]);
        let put = |inner: &Value| {
            let mut out = Builder::default();
            out.copy(&outer, 0..5);
            out.splice(inner, &outer, 5..8);
            out.copy(&outer, 8..10);
            out.splice(inner, &outer, 10..13);
            out.copy(&outer, 13..outer.text().len());
            out.finish(outer.origin().clone())
        };
        let one = value("i", 7, &["one"]);
        assert_eq!(places(&put(&one)), ["head o:1", "one i:7", "xoney o:3", "tail o:4"]);
        let two = value("i", 7, &["p", "q"]);
        assert_eq!(places(&put(&two)), ["head o:1", "p i:7", "q i:8", "xp o:3", "qy i:8", "tail o:4"]);
        // A block with text after it, at the start of a line: all its lines keep their places.
        let outer = value("o", 1, &["<T>z"]);
        let mut out = Builder::default();
        out.splice(&two, &outer, 0..3);
        out.copy(&outer, 3..4);
        assert_eq!(places(&out.finish(outer.origin().clone())), ["p i:7", "qz i:8"]);
    }

    #[test]
    fn an_empty_value_leaves_the_place_of_the_line() {
        let outer = value("o", 1, &["head", "<T>", "x<T>y"]);
        let none = value("i", 7, &[""]);
        let mut out = Builder::default();
        out.copy(&outer, 0..5);
        out.splice(&none, &outer, 5..8);
        out.copy(&outer, 8..10);
        out.splice(&none, &outer, 10..13);
        out.copy(&outer, 13..14);
        assert_eq!(places(&out.finish(outer.origin().clone())), ["head o:1", "xy o:3"]);
    }
}
