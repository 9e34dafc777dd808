//! One regex that gives its groups, compiled.

use std::sync::{Arc, OnceLock};

use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::Hir;

use super::budget::Budget;
use super::compile::{MAX_INSTRUCTIONS, most_instructions};
use super::line_end::without_line_feed;
use super::mark::approximate;
use super::tags::expand_tags;
use super::{OutOfSteps, Problem, Program, Room, UNSET, parser};
use crate::fields::Field;
use crate::groups::{MAX_ID_PARTS, meanings};
use crate::spec::UseDns;

/// The largest automaton a regex may compile to, in bytes: a regex from a file must not eat the memory.
const MAX_COMPILED_BYTES: usize = 8 << 20;

/// A regex that says where its groups matched.
#[derive(Debug)]
pub(crate) struct FieldRegex {
    /// As it stands in the file.
    pub(crate) text: String,
    /// The structure of a regex that matches at least what this one matches: its own, if it is linear.
    pub(crate) hir: Hir,
    /// A finite automaton can run it: it does not look around, nor back.
    pub(crate) linear: bool,
    /// What each group means, in the order in which they are to be taken in.
    pub(crate) groups: Vec<(usize, Field)>,
    /// The named groups in their order, by the names that stand in the regex.
    pub(crate) names: Vec<(usize, Arc<str>)>,
    /// The structure with its marks, where it has any.
    marked: Option<Hir>,
    /// Finds the groups fast; or, of a regex that is not linear, at all. Built when it is first needed: of all filters
    /// that are loaded few have anything to do.
    program: OnceLock<Option<Program>>,
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
        let expanded = expand_tags(text, usedns);
        let parsed = parser::parse(&expanded.text, multiline);
        let parsed = parsed.map_err(|problem| problem.placed(|at| expanded.place(at)))?;
        let hir = without_line_feed(&parsed.hir);
        let Some(groups) = meanings(&parsed.names) else {
            return Err(Problem::TooLarge { what: "the number of parts of an id", limit: MAX_ID_PARTS });
        };
        let regex = Self {
            text: text.to_owned(),
            hir: approximate(&hir),
            linear: parsed.linear,
            groups,
            names: parsed.names.iter().map(|(number, name)| (*number, Arc::from(name.as_str()))).collect(),
            marked: (!parsed.linear).then_some(hir),
            program: OnceLock::new(),
            engine: OnceLock::new(),
        };
        if regex.is_surely_small() {
            return Ok(regex);
        }
        if regex.program().is_none() && !regex.linear {
            return Err(Problem::TooLarge {
                what: "the number of its instructions",
                limit: MAX_INSTRUCTIONS,
            });
        }
        // What our engine takes is small; anything else must show now that it can be compiled at all.
        if regex.program().is_none() && regex.engine().is_none() {
            return Err(Problem::TooLarge { what: "its size in bytes", limit: MAX_COMPILED_BYTES });
        }
        Ok(regex)
    }

    fn is_surely_small(&self) -> bool {
        most_instructions(self.marked.as_ref().unwrap_or(&self.hir)) <= MAX_INSTRUCTIONS
    }

    fn program(&self) -> Option<&Program> {
        let build = || {
            let named: Vec<usize> = self.names.iter().map(|(number, _)| *number).collect();
            Program::with_groups(self.marked.as_ref().unwrap_or(&self.hir), &named)
        };
        self.program.get_or_init(build).as_ref()
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

    /// Searches `text` and tells each group that took part, with its meaning. A regex that is not linear may spend the
    /// budget instead: then there is no answer, which [`Budget::spent_by`] tells.
    pub(crate) fn search<'s>(
        &'s self,
        scratch: &'s mut Scratch,
        budget: &mut Budget,
        text: &[u8],
    ) -> Option<impl Iterator<Item = (&'s Field, std::ops::Range<usize>)> + 's> {
        let found = match self.program() {
            Some(program) if !self.linear => self.search_within(program, &mut scratch.room, budget, text),
            Some(program) => match program.search(&mut scratch.room, text) {
                Ok(found) => found,
                Err(OutOfSteps) => self.search_surely(scratch, text).is_some(),
            },
            None => self.search_surely(scratch, text).is_some(),
        };
        if !found {
            return None;
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

    /// Where each of [`Self::names`] matched in what the last [`Self::search`] found; `None` for one that took no part.
    pub(crate) fn bounds<'s>(
        &'s self,
        scratch: &'s Scratch,
    ) -> impl Iterator<Item = (&'s Arc<str>, Option<std::ops::Range<usize>>)> + 's {
        self.names.iter().map(|(group, name)| (name, scratch.group(*group)))
    }

    /// All that the last [`Self::search`] matched.
    pub(crate) fn whole(&self, scratch: &Scratch) -> Option<std::ops::Range<usize>> {
        scratch.group(0)
    }

    fn search_within(&self, program: &Program, room: &mut Room, budget: &mut Budget, text: &[u8]) -> bool {
        if budget.spent_by().is_some() {
            return false;
        }
        program.search_within(room, text, &mut budget.steps).unwrap_or_else(|OutOfSteps| {
            budget.spent_by = Some(self.text.clone());
            false
        })
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

    /// Whether `text` matches somewhere; the budget as in [`FieldRegex::search`].
    pub(crate) fn is_match(&self, scratch: &mut Scratch, budget: &mut Budget, text: &[u8]) -> bool {
        if let Some(program) = if self.linear { None } else { self.program() } {
            return self.search_within(program, &mut scratch.room, budget, text);
        }
        let Some(engine) = self.engine() else { return false };
        let cache = scratch.cache.get_or_insert_with(|| engine.create_cache());
        engine.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of every group.
    fn groups(regex: &str, multiline: bool, text: &str) -> Option<Vec<(String, String)>> {
        let regex = FieldRegex::new(regex, UseDns::No, multiline).unwrap();
        let mut scratch = regex.scratch();
        let mut budget = Budget::of_line(text.len());
        let found = regex.search(&mut scratch, &mut budget, text.as_bytes())?;
        Some(
            found
                .map(|(field, at)| {
                    (field.name().to_owned(), String::from_utf8_lossy(&text.as_bytes()[at]).into_owned())
                })
                .collect(),
        )
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
