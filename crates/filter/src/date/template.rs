//! One template: how its match is found and what its match says.

use std::sync::OnceLock;

use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, Look};

use super::backref;
use super::emit::{self, WithGroups};
use super::error::DatePatternError;
use super::fields::Fields;
use super::list::Entry;
use super::marks::{self, Begin};
use super::syntax::{self, Parsed};

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: String,
    /// Finds the match: everything, boundaries included, no groups.
    pub(super) search: Hir,
    /// Can only match at the start of the line.
    pub(super) anchored: bool,
    /// Something that belongs to no word may stand between the start of the line and the match.
    pub(super) prefixed: bool,
    /// Ends with `$`.
    pub(super) line_end: bool,
    /// The line of the datepattern that it comes from.
    pub(super) line: usize,
    /// Takes a match apart.
    groups: WithGroups,
    /// The structure of that.
    captures: Hir,
    /// Compiled when the template matches for the first time; `None` if it then turns out to be too large.
    extractor: OnceLock<Option<meta::Regex>>,
}

/// What one template needs while it runs.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    cache: Option<meta::Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

/// A match taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extracted {
    /// `None`: a field has a value that it cannot have.
    pub(super) fields: Option<Fields>,
    pub(super) cut: std::ops::Range<usize>,
}

/// Memory, in bytes, that a compiled regex may take.
pub(super) const NFA_LIMIT: usize = 4 << 20;

/// At most two characters that belong to no word. A character of several bytes counts as one, and so does a stray byte.
const LINE_PREFIX: &str = concat!(
    r"^(?:[\x00-\x7F&&\W]",
    r"|[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}",
    r"|[\x80-\xFF]){0,2}",
);
/// Not within a word: no word character before, or none after.
const WORD_BOUND: &str = r"(?:\b{start-half}|\b{end-half})";

impl Template {
    pub(super) fn compile(entry: &Entry) -> Result<Self, DatePatternError> {
        let pattern = entry.name.as_str();
        let marked = marks::read(&entry.text);
        let parsed = syntax::parse(&marked.body)?;
        let parsed = Parsed {
            root: backref::expand(parsed.root, pattern)?,
            grouped: parsed.grouped && !entry.cut_whole,
            ..parsed
        };
        let flags = flags(&parsed);
        let begin = match marked.begin {
            Begin::Line => LINE_PREFIX,
            Begin::Word => WORD_BOUND,
            Begin::Free => "",
        };
        let end = if marked.word_end { WORD_BOUND } else { "" };
        let plain = emit::plain(&parsed.root, pattern)?;
        let search = hir(&format!("{begin}(?{flags}:{plain}){end}"), pattern)?;
        let mut groups = emit::with_groups(&parsed, pattern)?;
        groups.regex = format!(r"(?{flags}:{})\z", groups.regex);
        Ok(Self {
            name: entry.name.clone(),
            anchored: search.properties().look_set_prefix().contains(Look::Start),
            search,
            line_end: marked.line_end,
            prefixed: marked.begin == Begin::Line,
            line: entry.line,
            captures: hir(&groups.regex, pattern)?,
            groups,
            extractor: OnceLock::new(),
        })
    }

    /// Whether another template finds, cuts and says the same, however differently it may be written.
    pub(super) fn means_the_same(&self, other: &Self) -> bool {
        self.search == other.search
            && self.captures == other.captures
            && self.groups.fields == other.groups.fields
            && self.groups.cuts == other.groups.cuts
    }

    /// Takes apart the match that begins at `start` and ends with `text`, which is the line up to there.
    pub(super) fn extract(&self, text: &[u8], start: usize, scratch: &mut Scratch) -> Extracted {
        let nothing = Extracted { fields: None, cut: start..text.len() };
        let Some(regex) = self.extractor.get_or_init(|| self.groups.compile()) else { return nothing };
        let Scratch { cache, slots } = scratch;
        let cache = cache.get_or_insert_with(|| regex.create_cache());
        slots.resize(regex.captures_len() * 2, None);
        let mut matches_at = |from| {
            let input = Input::new(text).range(from..).anchored(Anchored::Yes);
            regex.search_slots_with(cache, &input, slots).is_some()
        };
        // What may stand before the date is taken greedily, as the search did.
        let [none, one, two] = if self.prefixed { line_prefixes(text) } else { [start; 3] };
        if !(matches_at(two) || (one < two && matches_at(one)) || (none < one && matches_at(none))) {
            return nothing;
        }
        let slot = |at: usize| slots.get(at).copied().flatten().map(NonMaxUsize::get);
        let group = |number: usize| Some(slot(number * 2)?..slot(number * 2 + 1)?);
        let cut = self.groups.cuts.iter().find_map(|number| group(*number)).unwrap_or(start..start);
        let mut fields = Some(Fields::default());
        for (number, field) in &self.groups.fields {
            let Some(value) = group(*number).and_then(|range| text.get(range)) else { continue };
            if fields.as_mut().and_then(|fields| fields.set(*field, value)).is_none() {
                fields = None;
            }
        }
        Extracted { fields, cut }
    }
}

/// Where a date at the start of a line may begin: at once, after one, after two characters that belong to no word.
fn line_prefixes(text: &[u8]) -> [usize; 3] {
    let outside = |at: usize| if text.get(at).copied().is_some_and(is_word) { 0 } else { char_len(text, at) };
    let one = outside(0);
    [0, one, if one == 0 { 0 } else { one + outside(one) }]
}

/// The bytes of the character that begins at `at`: 0 at the end of the text, 1 for a byte that begins none.
pub(super) fn char_len(text: &[u8], at: usize) -> usize {
    let length = match text.get(at) {
        None => return 0,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        Some(_) => 1,
    };
    let tail = text.get(at + 1..at + length);
    if tail.is_some_and(|tail| tail.iter().all(|byte| matches!(byte, 0x80..=0xbf))) { length } else { 1 }
}

/// Whether a byte is part of a word: words are ASCII.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl WithGroups {
    fn compile(&self) -> Option<meta::Regex> {
        // Matches are short and their ends are known, so the engines for searching would only take memory.
        let config =
            meta::Config::new().utf8_empty(false).hybrid(false).dfa(false).nfa_size_limit(Some(NFA_LIMIT));
        meta::Builder::new().configure(config).syntax(syntax_config()).build(&self.regex).ok()
    }
}

/// ASCII throughout, and any byte may stand in a line.
fn syntax_config() -> regex_automata::util::syntax::Config {
    regex_automata::util::syntax::Config::new().unicode(false).utf8(false)
}

fn hir(regex: &str, pattern: &str) -> Result<Hir, DatePatternError> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(regex);
    parsed.map_err(|error| {
        let reason = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            other => other.to_string(),
        };
        DatePatternError::Syntax { reason, pattern: pattern.to_owned() }
    })
}

/// The pattern's flags. A name of a month or a day makes it insensitive to case as a whole.
fn flags(parsed: &Parsed) -> String {
    let mut flags: String = parsed.flags.chars().filter(|flag| matches!(flag, 'i' | 's' | 'm')).collect();
    if emit::any_case(&parsed.root) && !flags.contains('i') {
        flags.push('i');
    }
    flags
}
