//! One configuration file: the dialect of Python's strict `ConfigParser` with `;` as inline comment.
//!
//! Python gives up at the first mistake. This reader goes on, so that one run names them all; a file with a problem is
//! still an error for whatever is read from it.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::origin::{Origin, Value};
use super::problem::{Problem, ProblemKind, cut};
use super::problems::Problems;
use super::space::{is_space, trim, trim_end};

/// Options of a section in the order in which they were first met. Names are lower case.
pub type Options = IndexMap<String, Value>;

/// The section that all others fall back to.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// A section of one file, or of many.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// The line of its (first) header.
    pub(crate) origin: Origin,
    pub(crate) options: Options,
}

/// The content of one file.
#[derive(Debug)]
pub(crate) struct ParsedFile {
    /// As messages name it.
    pub(crate) name: Arc<str>,
    pub(crate) defaults: Options,
    pub(crate) sections: IndexMap<String, Section>,
    pub(crate) problems: Problems,
}

/// Reads `text`, the content of the file that messages call `name`.
pub(crate) fn parse(name: &Arc<str>, text: &str) -> ParsedFile {
    let file = ParsedFile {
        name: Arc::clone(name),
        defaults: Options::new(),
        sections: IndexMap::new(),
        problems: Problems::default(),
    };
    let mut parser =
        Parser { file, section: None, lost: false, option: None, indent: 0, headers: HashMap::new() };
    for (number, line) in (1..).zip(lines(text)) {
        parser.line(number, line);
    }
    parser.close_option();
    parser.file
}

struct Parser {
    file: ParsedFile,
    /// The section that is open.
    section: Option<String>,
    /// Lines before the first section were met, and reported once.
    lost: bool,
    /// The option that may be continued.
    option: Option<Pending>,
    /// How deep the last option or header is indented, in characters.
    indent: usize,
    headers: HashMap<String, u32>,
}

/// An option whose lines are being collected.
struct Pending {
    name: String,
    line: u32,
    lines: Vec<(String, u32)>,
    /// It is there already: read, reported, but not kept.
    duplicate: bool,
}

impl Parser {
    fn line(&mut self, number: u32, line: &str) {
        let Some(text) = without_comment(line) else { return };
        if text.is_empty() {
            // An empty line stays in the value, a comment does not. Those at the end of a value are trimmed off.
            if let Some(option) = &mut self.option {
                option.lines.push((String::new(), number));
            }
            return;
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if indent > self.indent
            && let Some(option) = &mut self.option
        {
            option.lines.push((text.to_owned(), number));
            return;
        }
        self.indent = indent;
        if let Some(header) = header(text) {
            self.open_section(number, header);
        } else if self.section.is_none() {
            if !self.lost {
                self.lost = true;
                self.problem(number, ProblemKind::NoSectionYet { line: cut(text) });
            }
        } else {
            self.open_option(number, text);
        }
    }

    fn open_section(&mut self, number: u32, header: &str) {
        self.close_option();
        self.section = Some(header.to_owned());
        if header == DEFAULT {
            return;
        }
        match self.headers.get(header) {
            Some(first) => {
                let kind = ProblemKind::DuplicateSection { section: cut(header), first: *first };
                self.problem(number, kind);
            }
            None => {
                self.headers.insert(header.to_owned(), number);
                let origin = self.origin(number);
                self.file.sections.insert(header.to_owned(), Section { origin, options: Options::new() });
            }
        }
    }

    fn open_option(&mut self, number: u32, text: &str) {
        let (name, value) = match text.split_once(['=', ':']) {
            Some((name, value)) if !trim(name).is_empty() => (trim_end(name).to_lowercase(), trim(value)),
            // As in Python, what follows continues the option before: one slip, one message.
            _ => return self.problem(number, ProblemKind::NotAnOption { line: cut(text) }),
        };
        self.close_option();
        let first = self.options().and_then(|options| options.get(&name)).map(|value| value.origin().line());
        if let Some(first) = first {
            self.problem(number, ProblemKind::DuplicateOption { option: cut(&name), first });
        }
        let lines = vec![(value.to_owned(), number)];
        self.option = Some(Pending { name, line: number, lines, duplicate: first.is_some() });
    }

    fn close_option(&mut self) {
        let Some(option) = self.option.take().filter(|option| !option.duplicate) else { return };
        let value = Value::from_lines(&self.file.name, option.line, &option.lines);
        if let Some(options) = self.options() {
            options.insert(option.name, value);
        }
    }

    /// The options of the open section.
    fn options(&mut self) -> Option<&mut Options> {
        match self.section.as_deref()? {
            DEFAULT => Some(&mut self.file.defaults),
            name => self.file.sections.get_mut(name).map(|section| &mut section.options),
        }
    }

    fn problem(&mut self, number: u32, kind: ProblemKind) {
        let mut problem = Problem::error(kind, Some(self.origin(number)));
        problem.section.clone_from(&self.section);
        self.file.problems.push(problem);
    }

    fn origin(&self, line: u32) -> Origin {
        Origin::new(Arc::clone(&self.file.name), line)
    }
}

/// The lines of a text with universal line ends: `\n`, `\r\n`, `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line).split('\r')
    })
}

/// The line without white space at its ends and without the comment, `None` if the comment is all there is.
fn without_comment(line: &str) -> Option<&str> {
    let text = trim(line);
    if text.starts_with(['#', ';']) {
        return None;
    }
    let comment = line
        .match_indices(';')
        .find(|(at, _)| line.get(..*at).and_then(|before| before.chars().next_back()).is_some_and(is_space));
    match comment {
        Some((at, _)) => line.get(..at).map(trim),
        None => Some(text),
    }
}

/// The name in `[name]`, whatever follows the last bracket.
fn header(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    inner.rsplit_once(']').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ParsedFile {
        parse(&Arc::from("t.conf"), text)
    }

    fn get<'a>(file: &'a ParsedFile, section: &str, option: &str) -> &'a str {
        file.sections[section].options[option].text()
    }

    fn problems(text: &str) -> Vec<String> {
        read(text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_delimiter_counts_and_names_are_lower_case() {
        let file = read("[S]\nA.b = x=y:z\nC:d = e\n e f = \n");
        assert_eq!(get(&file, "S", "a.b"), "x=y:z");
        assert_eq!(get(&file, "S", "c"), "d = e\ne f =");
        assert!(file.problems.is_empty());
        let file = read("[S]\n  a b =\n c =1");
        assert_eq!(get(&file, "S", "a b"), "");
        assert_eq!(get(&file, "S", "c"), "1");
    }

    #[test]
    fn comments_are_whole_lines_or_semicolons_after_a_blank() {
        let file = read("[S]\na = b # c\n; x\n  # y\n    d;e ; f\n  ; g\nh = ; i\nj = k\t; l ; m\n");
        assert_eq!(get(&file, "S", "a"), "b # c\nd;e");
        assert_eq!(get(&file, "S", "h"), "");
        assert_eq!(get(&file, "S", "j"), "k");
    }

    #[test]
    fn empty_lines_stay_inside_a_value_and_comments_do_not() {
        let file = read("[S]\na = 1\n\n  2\n# no\n\n   3\n\nb = x\n");
        assert_eq!(get(&file, "S", "a"), "1\n\n2\n\n3");
        let lines: Vec<_> = file.sections["S"].options["a"].lines().map(|l| l.origin.line()).collect();
        assert_eq!(lines, [2, 4, 7]);
        assert_eq!(file.sections["S"].options["b"].origin().line(), 9);
    }

    #[test]
    fn only_a_deeper_line_continues() {
        let file = read("[S]\n  a = 1\n  b = 2\n   c = 3\nd = 4\n\td: 5\n");
        assert_eq!(get(&file, "S", "b"), "2\nc = 3");
        assert_eq!(get(&file, "S", "d"), "4\nd: 5");
        let file = read("[S]\na = 1\n  [T]\n[U] junk\nb = 2");
        assert_eq!(get(&file, "S", "a"), "1\n[T]");
        assert_eq!(get(&file, "U", "b"), "2");
        // A section ends the option before it: nothing is left to continue.
        let file = read("[S]\na = 1\n[T]\n   b = 2");
        assert_eq!(get(&file, "T", "b"), "2");
    }

    #[test]
    fn line_ends_of_every_kind() {
        let file = read("[S]\r\na = 1\r\n b\rc = 2\r");
        assert_eq!(get(&file, "S", "a"), "1\nb");
        assert_eq!(get(&file, "S", "c"), "2");
        assert_eq!(file.sections["S"].options["c"].origin().line(), 4);
    }

    #[test]
    fn brackets_in_headers() {
        assert_eq!(header("[a]b] c"), Some("a]b"));
        assert_eq!(header("[]"), None);
        assert_eq!(header("[a"), None);
        assert_eq!(header("[Init?family=inet6]"), Some("Init?family=inet6"));
    }

    #[test]
    fn every_mistake_is_reported_with_its_line() {
        let found =
            problems("x = 1\ny = 2\n[S]\na = 1\nb\na = 2\n= 3\n[DEFAULT]\n[S]\na: 4\n[DEFAULT]\nq=1\nq=2");
        assert_eq!(
            found,
            [
                "t.conf:1: expected a section header such as `[Definition]` before: `x = 1`",
                "t.conf:5: [S] expected `option = value`, got: `b`",
                "t.conf:6: [S] option `a` is already in this section, at line 4",
                "t.conf:7: [S] expected `option = value`, got: `= 3`",
                "t.conf:9: [S] section `[S]` is already in this file, at line 3",
                "t.conf:10: [S] option `a` is already in this section, at line 4",
                "t.conf:13: [DEFAULT] option `q` is already in this section, at line 12",
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_is_named() {
        let problem = read("\u{feff}[S]\n").problems.iter().next().cloned().expect("a problem");
        assert_eq!(problem.hint().as_deref(), Some("save the file without a byte order mark"));
    }
}
