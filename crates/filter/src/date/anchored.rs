//! Templates at the start of the line: one lazy DFA for all of them, and how much of the line it looked at.

use regex_automata::hybrid::{LazyStateID, dfa};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::Hir;

use super::template::NFA_LIMIT;

/// The automaton of some templates that can only match at the start of the line.
#[derive(Debug)]
pub(super) struct AnchoredSet {
    dfa: dfa::DFA,
    /// The template that each pattern of the automaton is.
    templates: Vec<usize>,
}

/// What a search found, and what it saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// The first template, in order, that matches, and the end of its match.
    pub(super) hit: Option<(usize, usize)>,
    /// Bytes of the line that were looked at. Every line with the same ones gives the same result …
    pub(super) seen: usize,
    /// … unless this is set: then only the same line does.
    pub(super) whole: bool,
}

/// States a probe may meet.
const MAX_PROBED: usize = 4096;

impl AnchoredSet {
    /// `patterns`: the place of each template in the list, and its regex. The error is what the regex engine says.
    pub(super) fn new(patterns: &[(usize, &Hir)]) -> Result<Self, String> {
        let regexes: Vec<&Hir> = patterns.iter().map(|(_, regex)| *regex).collect();
        let config = thompson::Config::new()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(NFA_LIMIT));
        let nfa = thompson::Compiler::new()
            .configure(config)
            .build_many_from_hir(&regexes)
            .map_err(|e| e.to_string())?;
        let config = dfa::DFA::config().skip_cache_capacity_check(true);
        let dfa = dfa::DFA::builder().configure(config).build_from_nfa(nfa).map_err(|e| e.to_string())?;
        Ok(Self { dfa, templates: patterns.iter().map(|(place, _)| *place).collect() })
    }

    pub(super) fn create_cache(&self) -> dfa::Cache {
        self.dfa.create_cache()
    }

    /// Searches the first `window` bytes of a line.
    pub(super) fn search(&self, line: &[u8], window: usize, cache: &mut dfa::Cache) -> Walk {
        self.walk(line, window, cache).unwrap_or(Walk { hit: None, seen: line.len(), whole: true })
    }

    /// `None` if the automaton gave up, which it is not configured to do.
    fn walk(&self, line: &[u8], window: usize, cache: &mut dfa::Cache) -> Option<Walk> {
        let input = Input::new(line).range(..window).anchored(Anchored::Yes);
        let mut state = self.dfa.start_state_forward(cache, &input).ok()?;
        let mut hit = None;
        for (at, byte) in line.get(..window)?.iter().enumerate() {
            state = self.dfa.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                if state.is_match() {
                    // A match is reported one byte late.
                    hit = Some((self.template(cache, state), at));
                } else if state.is_dead() {
                    return Some(Walk { hit, seen: at + 1, whole: false });
                }
            }
        }
        let whole = window == line.len();
        state = match line.get(window) {
            Some(byte) => self.dfa.next_state(cache, state, *byte).ok()?,
            None => self.dfa.next_eoi_state(cache, state).ok()?,
        };
        if state.is_match() {
            hit = Some((self.template(cache, state), window));
        }
        Some(Walk { hit, seen: window + usize::from(!whole), whole })
    }

    fn template(&self, cache: &dfa::Cache, state: LazyStateID) -> usize {
        let pattern = self.dfa.match_pattern(cache, state, 0);
        self.templates.get(pattern.as_usize()).copied().unwrap_or(0)
    }

    /// Whether no line that begins like `skeleton`, a choice of bytes for each position, can match: the automaton dies
    /// on the way. Before the skeleton may stand up to `margin` bytes, each one of `before`; without a limit if that
    /// is `None`.
    pub(super) fn never_matches(&self, before: &[u8], margin: Option<usize>, skeleton: &[&[u8]]) -> bool {
        let mut cache = self.create_cache();
        let survivors = self.probe(&mut cache, before, margin, skeleton);
        // Clearing the cache would have renamed the states.
        survivors.is_some_and(|states| states.is_empty()) && cache.clear_count() == 0
    }

    /// The states that are alive after all that; `None` if a match came first, or there are too many to follow.
    fn probe(
        &self,
        cache: &mut dfa::Cache,
        before: &[u8],
        margin: Option<usize>,
        skeleton: &[&[u8]],
    ) -> Option<Vec<LazyStateID>> {
        let input = Input::new("").anchored(Anchored::Yes);
        let mut states = vec![self.dfa.start_state_forward(cache, &input).ok()?];
        for _ in 0..margin.unwrap_or(MAX_PROBED) {
            let known = states.len();
            states.append(&mut self.step(cache, &states, before)?);
            states.sort_unstable();
            states.dedup();
            if states.len() == known {
                break;
            }
        }
        for choice in skeleton {
            states = self.step(cache, &states, choice)?;
        }
        Some(states)
    }

    /// Every living state one byte on.
    fn step(
        &self,
        cache: &mut dfa::Cache,
        states: &[LazyStateID],
        choice: &[u8],
    ) -> Option<Vec<LazyStateID>> {
        let mut reached = Vec::new();
        for state in states {
            for byte in choice {
                let next = self.dfa.next_state(cache, *state, *byte).ok()?;
                if next.is_match() || next.is_quit() {
                    return None;
                }
                if !next.is_dead() {
                    reached.push(next);
                }
            }
        }
        reached.sort_unstable();
        reached.dedup();
        (reached.len() <= MAX_PROBED).then_some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(patterns: &[&str]) -> AnchoredSet {
        let parser = || regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let hirs: Vec<Hir> = patterns.iter().map(|pattern| parser().parse(pattern).unwrap()).collect();
        AnchoredSet::new(&(10..).zip(&hirs).collect::<Vec<_>>()).unwrap()
    }

    fn search(patterns: &[&str], line: &str, window: usize) -> Walk {
        let set = set(patterns);
        set.search(line.as_bytes(), window.min(line.len()), &mut set.create_cache())
    }

    #[test]
    fn the_first_template_in_order_wins_and_the_walk_says_what_it_saw() {
        // A match is known one byte after its end, and that nothing longer follows may take one more.
        let walk = search(&["^ab+c?", "^ab"], "abbd and more", 99);
        assert_eq!(walk, Walk { hit: Some((10, 3)), seen: 5, whole: false });
        let walk = search(&["^abx", "^ab"], "abbd", 99);
        assert_eq!(walk, Walk { hit: Some((11, 2)), seen: 4, whole: false });
        let walk = search(&["^abx", "^ab"], "zabbd", 99);
        assert_eq!(walk, Walk { hit: None, seen: 1, whole: false });
    }

    #[test]
    fn the_end_of_the_line_and_of_the_window_are_told_apart() {
        assert_eq!(search(&["^a+$"], "aaa", 99), Walk { hit: Some((10, 3)), seen: 3, whole: true });
        assert_eq!(search(&["^a+$"], "aaaa", 3), Walk { hit: None, seen: 4, whole: false });
        assert_eq!(search(&[r"^a+\b"], "aaa-", 3), Walk { hit: Some((10, 3)), seen: 4, whole: false });
    }

    #[test]
    fn probing_finds_out_what_can_never_match() {
        let digits: &[u8] = b"0123456789";
        let skeleton: &[&[u8]] = &[b"ab", digits, b"-"];
        assert!(set(&["^a[0-9][0-9]"]).never_matches(b"", Some(0), skeleton));
        assert!(!set(&["^a[0-9]-x"]).never_matches(b"", Some(0), skeleton), "still alive at the end");
        assert!(!set(&["^a[0-9]"]).never_matches(b"", Some(0), skeleton), "matches on the way");
        assert!(set(&["^<a[0-9]-x"]).never_matches(b"", Some(0), skeleton));
        assert!(!set(&["^<a[0-9]-x"]).never_matches(b"<", Some(1), skeleton));
        assert!(!set(&["^<{3}a[0-9]-x"]).never_matches(b"<", None, skeleton));
    }
}
