//! One regex that gives its groups, compiled.

use std::sync::{Arc, OnceLock};

use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::{Hir, HirKind};

use super::backtrack::{Room, UNSET};
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

impl FieldRegex {
    /// Compiles a regex with tags.
    pub(crate) fn new(text: &str, usedns: UseDns) -> Result<Self, Problem> {
        let rust = to_rust(&expand_tags(text, usedns))?;
        let hir = parse(&rust).map_err(|error| Problem::Invalid(error.to_string()))?;
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
        let slots = &scratch.room.slots;
        Some(self.groups.iter().filter_map(move |(group, field)| {
            let (start, end) = (*slots.get(group * 2)?, *slots.get(group * 2 + 1)?);
            (start != UNSET && end != UNSET).then_some((field, start..end))
        }))
    }

    /// Searches `text` and tells where each of [`Self::groups`] matched, in their order; `None` for one that took no part.
    pub(crate) fn search_all(
        &self,
        scratch: &mut Scratch,
        text: &[u8],
    ) -> Option<Vec<Option<std::ops::Range<usize>>>> {
        drop(self.search(scratch, text)?);
        let slots = &scratch.room.slots;
        let bounds = |(group, _): &(usize, Field)| {
            let (start, end) = (*slots.get(group * 2)?, *slots.get(group * 2 + 1)?);
            (start != UNSET && end != UNSET).then_some(start..end)
        };
        Some(self.groups.iter().map(bounds).collect())
    }

    /// The names of [`Self::groups`] as they stand in the regex.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        group_names(&self.hir, &mut names);
        names
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

fn group_names(hir: &Hir, names: &mut Vec<Arc<str>>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_ref().map(|name| Arc::from(&**name)));
            group_names(&capture.sub, names);
        }
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => {
            pieces.iter().for_each(|piece| group_names(piece, names));
        }
        HirKind::Repetition(repetition) => group_names(&repetition.sub, names),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// Bytes, not characters: a log line may be no text at all. Only a regex that names characters beyond ASCII in a
/// class is read as Unicode.
fn parse(rust: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    let with = |unicode| {
        regex_syntax::ParserBuilder::new().unicode(unicode).utf8(false).build().parse(rust).map_err(Box::new)
    };
    with(false).or_else(|first| if rust.is_ascii() { Err(first) } else { with(true) })
}
