//! One regex that gives its groups, compiled.

use std::sync::OnceLock;

use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::{Hir, HirKind};

use super::backtrack::{Room, UNSET};
use super::line_end::without_line_feed;
use super::program::Program;
use super::{Problem, expand_tags, to_rust};
use crate::fields::Field;
use crate::spec::UseDns;

/// The largest automaton a regex may compile to, in bytes: a regex from a file must not eat the memory.
const MAX_COMPILED_BYTES: usize = 8 << 20;

/// A regex that says where its groups matched.
#[derive(Debug)]
pub(crate) struct FieldRegex {
    /// As it stands in the file.
    pub(crate) text: String,
    /// Its structure.
    pub(crate) hir: Hir,
    /// What each group means.
    pub(crate) groups: Vec<(usize, Field)>,
    /// Finds the groups fast.
    program: Option<Program>,
    /// Finds them surely; built when it is first needed, as that takes longer than all the rest of a start.
    engine: OnceLock<Option<Regex>>,
}

/// What a [`FieldRegex`] needs to search: made once per thread.
#[derive(Debug)]
pub(crate) struct Scratch {
    room: Room,
    cache: Option<Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

impl Scratch {
    fn group(&self, number: usize) -> Option<std::ops::Range<usize>> {
        let slots = &self.room.slots;
        let (start, end) = (*slots.get(number * 2)?, *slots.get(number * 2 + 1)?);
        (start != UNSET && end != UNSET).then_some(start..end)
    }
}

impl FieldRegex {
    /// Compiles a regex with tags. `multiline`: it sees several lines at once, and `^` and `$` stand at the ends of
    /// each of them.
    pub(crate) fn new(text: &str, usedns: UseDns, multiline: bool) -> Result<Self, Problem> {
        let rust = to_rust(&expand_tags(text, usedns))?;
        let hir = parse(&rust, multiline).map_err(|error| Problem::Invalid(error.to_string()))?;
        let hir = without_line_feed(&hir);
        let program = Program::new(&hir);
        let mut groups = Vec::new();
        named_groups(&hir, &mut groups);
        let regex = Self { text: text.to_owned(), hir, groups, program, engine: OnceLock::new() };
        // What our engine takes is small; anything else must show now that it can be compiled at all.
        if regex.program.is_none() && regex.engine().is_none() {
            return Err(Problem::Invalid(format!("compiles to more than {} MiB", MAX_COMPILED_BYTES >> 20)));
        }
        Ok(regex)
    }

    fn engine(&self) -> Option<&Regex> {
        let config = Regex::config()
            .utf8_empty(false)
            .nfa_size_limit(Some(MAX_COMPILED_BYTES))
            .hybrid_cache_capacity(1 << 20);
        self.engine.get_or_init(|| Regex::builder().configure(config).build_from_hir(&self.hir).ok()).as_ref()
    }

    pub(crate) fn scratch(&self) -> Scratch {
        Scratch { room: Room::default(), cache: None, slots: Vec::new() }
    }

    /// Searches `text` and tells each group that took part, with its meaning.
    pub(crate) fn search<'s>(
        &'s self,
        scratch: &'s mut Scratch,
        text: &[u8],
    ) -> Option<impl Iterator<Item = (&'s Field, std::ops::Range<usize>)> + 's> {
        match self.program.as_ref().map(|program| program.search(&mut scratch.room, text)) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return None,
            // Not for this engine, or more steps than it may take.
            Some(Err(_)) | None => self.search_surely(scratch, text)?,
        }
        Some(self.found(scratch))
    }

    /// The groups that took part in what the last [`Self::search`] found, with their meaning.
    pub(crate) fn found<'s>(
        &'s self,
        scratch: &'s Scratch,
    ) -> impl Iterator<Item = (&'s Field, std::ops::Range<usize>)> + 's {
        self.groups.iter().filter_map(|(group, field)| Some((field, scratch.group(*group)?)))
    }

    /// All that the last [`Self::search`] matched.
    pub(crate) fn whole(&self, scratch: &Scratch) -> Option<std::ops::Range<usize>> {
        scratch.group(0)
    }

    fn search_surely(&self, scratch: &mut Scratch, text: &[u8]) -> Option<()> {
        let engine = self.engine()?;
        let cache = scratch.cache.get_or_insert_with(|| engine.create_cache());
        scratch.slots.clear();
        scratch.slots.resize(engine.group_info().slot_len(), None);
        engine.search_slots_with(cache, &Input::new(text), &mut scratch.slots)?;
        // The engine keeps the slots of all groups' zeroth pattern side by side: group n has the slots 2n and 2n+1.
        scratch.room.slots.clear();
        scratch.room.slots.extend(scratch.slots.iter().map(|slot| slot.map_or(UNSET, NonMaxUsize::get)));
        Some(())
    }

    /// Whether `text` matches somewhere.
    pub(crate) fn is_match(&self, scratch: &mut Scratch, text: &[u8]) -> bool {
        let Some(engine) = self.engine() else { return false };
        let cache = scratch.cache.get_or_insert_with(|| engine.create_cache());
        engine.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
    }
}

/// The groups that have a name, with their numbers.
fn named_groups(hir: &Hir, groups: &mut Vec<(usize, Field)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            if let (Some(name), Ok(number)) = (&capture.name, usize::try_from(capture.index)) {
                groups.push((number, Field::named(name)));
            }
            named_groups(&capture.sub, groups);
        }
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().for_each(|piece| named_groups(piece, groups));
        }
        HirKind::Repetition(repetition) => named_groups(&repetition.sub, groups),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// Bytes, not characters: a log line may be no text at all. Only a regex that names characters beyond ASCII in a
/// class is read as Unicode.
fn parse(rust: &str, multiline: bool) -> Result<Hir, Box<regex_syntax::Error>> {
    let with = |unicode| {
        let mut parser = regex_syntax::ParserBuilder::new();
        parser.unicode(unicode).utf8(false).multi_line(multiline).build().parse(rust).map_err(Box::new)
    };
    with(false).or_else(|first| if rust.is_ascii() { Err(first) } else { with(true) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of every group.
    fn groups(regex: &str, multiline: bool, text: &str) -> Option<Vec<(String, String)>> {
        let regex = FieldRegex::new(regex, UseDns::No, multiline).unwrap();
        let mut scratch = regex.scratch();
        let found = regex.search(&mut scratch, text.as_bytes())?;
        Some(found.map(|(field, at)| (field.name().to_owned(), text[at].to_owned())).collect())
    }

    #[test]
    fn several_lines_have_several_ends() {
        let regex = "^begin <HOST>$<SKIPLINES>^end$";
        let text = "x\nbegin 192.0.2.1\none\ntwo\nend\nend\n";
        let wanted =
            [("ip4".to_owned(), "192.0.2.1".to_owned()), ("skiplines".to_owned(), "one\ntwo\n".to_owned())];
        assert_eq!(groups(regex, true, text).unwrap(), wanted);
        assert_eq!(groups(regex, false, text), None);
    }
}
