//! Which regex of a filter may match a line: all of them asked at once by one automaton, without captures.
//!
//! `prefregex` and `failregex` are two searches, the second within what the first captured as `<F-CONTENT>`. Put
//! together, prefix and failregex make one regex that matches *at least* the lines that the two searches match. So a
//! "no" is final and costs about a nanosecond a byte; a "yes" names the first regex worth trying.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

/// The largest automaton, in bytes.
const MAX_NFA_BYTES: usize = 16 << 20;
/// How much the automaton may remember of what it worked out, in bytes, per stream.
const CACHE_BYTES: usize = 2 << 20;

/// One automaton for all regexes of a filter.
#[derive(Debug)]
pub(crate) struct Decider {
    dfa: DFA,
    anchored: Anchored,
}

/// The answer of a [`Decider`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// No regex matches.
    None,
    /// None before this one matches; it and those after it may.
    From(usize),
}

impl Decider {
    /// The automaton for these regexes behind this prefix. `None` if it would be too large: then every line may match.
    pub(crate) fn new(prefix: Option<&Hir>, regexes: &[&Hir]) -> Option<Self> {
        let joined: Vec<Hir> = regexes.iter().map(|regex| join(prefix, regex)).collect();
        let config = NFA::config()
            .utf8(false)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(MAX_NFA_BYTES))
            .shrink(false);
        let nfa = NFA::compiler().configure(config).build_many_from_hir(&joined).ok()?;
        let anchored = if nfa.is_always_start_anchored() { Anchored::Yes } else { Anchored::No };
        let config = DFA::config()
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .unicode_word_boundary(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { dfa, anchored })
    }

    pub(crate) fn cache(&self) -> Cache {
        self.dfa.create_cache()
    }

    /// Asks. When the automaton gives up, every regex may match.
    pub(crate) fn ask(&self, cache: &mut Cache, text: &[u8]) -> May {
        match self.dfa.try_search_fwd(cache, &Input::new(text).anchored(self.anchored)) {
            // Of those that may begin anywhere it is not the first that is found, but the one that begins first.
            Ok(Some(_)) if self.anchored == Anchored::No => May::From(0),
            Ok(Some(half)) => May::From(half.pattern().as_usize()),
            Ok(None) => May::None,
            Err(_) => May::From(0),
        }
    }

    /// How many bytes of `text` can be the beginning of a match of a regex that starts where the text starts.
    pub(crate) fn reach(&self, cache: &mut Cache, text: &[u8]) -> usize {
        let Ok(mut state) = self.dfa.start_state_forward(cache, &Input::new(text).anchored(Anchored::Yes))
        else {
            return 0;
        };
        for (at, &byte) in text.iter().enumerate() {
            match self.dfa.next_state(cache, state, byte) {
                Ok(next) if !next.is_dead() && !next.is_quit() => state = next,
                _ => return at,
            }
        }
        text.len()
    }
}

/// The prefix with the regex in the place of its content; matches at least what the two searches match.
fn join(prefix: Option<&Hir>, regex: &Hir) -> Hir {
    let Some((prefix, place)) = prefix.and_then(|prefix| Some((prefix, find_content(prefix)?))) else {
        // No content: both search the whole line.
        return regex.clone();
    };
    let joined = join_at(place, prefix, regex);
    // An empty content is taken for none.
    if content_may_be_empty(prefix) { Hir::alternation(vec![joined, regex.clone()]) } else { joined }
}

fn join_at(place: Place, prefix: &Hir, regex: &Hir) -> Hir {
    let anchored = regex.properties().look_set_prefix().contains(Look::Start);
    // Beside the content stands something else than in the content alone: nothing.
    let inner = without(regex, &|look| !matches!(look, Look::End | Look::EndLF));
    let inner = if anchored { inner } else { Hir::concat(vec![anything(), inner]) };
    match place {
        Place::ToLineEnd => replace_content(prefix, &inner).unwrap_or_else(|| inner.clone()),
        // The content ends somewhere: so may the regex.
        Place::Somewhere => {
            let inner = without(&inner, &|_| true);
            replace_content(prefix, &inner).unwrap_or_else(|| Hir::concat(vec![anything(), inner]))
        }
    }
}

fn content_may_be_empty(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("content") => {
            capture.sub.properties().minimum_len().is_none_or(|bytes| bytes == 0)
        }
        HirKind::Capture(capture) => content_may_be_empty(&capture.sub),
        HirKind::Repetition(repetition) => content_may_be_empty(&repetition.sub),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => pieces.iter().any(content_may_be_empty),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Up to where the content of a prefix goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    ToLineEnd,
    Somewhere,
}

/// Where the content group stands; `None` if there is none.
fn find_content(hir: &Hir) -> Option<Place> {
    match hir.kind() {
        HirKind::Capture(capture) if capture.name.as_deref() == Some("content") => {
            Some(match capture.sub.kind() {
                HirKind::Repetition(r) if r.greedy && r.max.is_none() && is_dot(&r.sub) => Place::ToLineEnd,
                _ => Place::Somewhere,
            })
        }
        HirKind::Capture(capture) => find_content(&capture.sub),
        HirKind::Repetition(repetition) => find_content(&repetition.sub).map(|_| Place::Somewhere),
        HirKind::Alternation(branches) => branches.iter().find_map(find_content).map(|_| Place::Somewhere),
        HirKind::Concat(pieces) => {
            let at = pieces.iter().position(|piece| find_content(piece).is_some())?;
            let place = find_content(pieces.get(at)?)?;
            let last = pieces
                .iter()
                .skip(at + 1)
                .all(|p| matches!(p.kind(), HirKind::Look(Look::End) | HirKind::Empty));
            Some(if last { place } else { Place::Somewhere })
        }
        _ => None,
    }
}

fn is_dot(hir: &Hir) -> bool {
    [regex_syntax::hir::Dot::AnyByteExceptLF, regex_syntax::hir::Dot::AnyCharExceptLF]
        .iter()
        .any(|dot| *hir == Hir::dot(*dot))
}

/// `.*?`
fn anything() -> Hir {
    let sub = Box::new(Hir::dot(regex_syntax::hir::Dot::AnyByte));
    Hir::repetition(Repetition { min: 0, max: None, greedy: false, sub })
}

/// The prefix up to its content, and `inner` there. `None` where the content is inside a choice or a repetition.
fn replace_content(hir: &Hir, inner: &Hir) -> Option<Hir> {
    match hir.kind() {
        // What the content itself and what follows it demand is left out: that only lets more lines through.
        HirKind::Capture(capture) if capture.name.as_deref() == Some("content") => Some(inner.clone()),
        HirKind::Capture(capture) => replace_content(&capture.sub, inner),
        HirKind::Concat(pieces) => {
            let at = pieces.iter().position(|piece| find_content(piece).is_some())?;
            let mut joined: Vec<Hir> = pieces.iter().take(at).cloned().collect();
            joined.push(replace_content(pieces.get(at)?, inner)?);
            Some(Hir::concat(joined))
        }
        _ => None,
    }
}

/// The regex without assertions that would not hold, or not hold there, inside a longer one.
fn without(hir: &Hir, gone: &impl Fn(Look) -> bool) -> Hir {
    match hir.kind() {
        HirKind::Look(found) if gone(*found) => Hir::empty(),
        HirKind::Capture(capture) => without(&capture.sub, gone),
        HirKind::Concat(pieces) => Hir::concat(pieces.iter().map(|piece| without(piece, gone)).collect()),
        HirKind::Alternation(branches) => {
            Hir::alternation(branches.iter().map(|b| without(b, gone)).collect())
        }
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(without(&repetition.sub, gone)),
            ..repetition.clone()
        }),
        _ => hir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hir(pattern: &str) -> Hir {
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap()
    }

    #[test]
    fn the_first_regex_that_may_match_is_named() {
        let prefix = hir(r"^ \S+ sshd\[\d+\]: (?:error: )?(?P<content>.+)$");
        let regexes = [hir(r"^Failed \S+ for"), hir(r"^Invalid user"), hir(r"preauth\]$")];
        let decider = Decider::new(Some(&prefix), &regexes.iter().collect::<Vec<_>>()).unwrap();
        let mut cache = decider.cache();
        for (line, wanted) in [
            (" h sshd[1]: Failed password for x", May::From(0)),
            (" h sshd[1]: error: Invalid user", May::From(1)),
            (" h sshd[1]: anything [preauth]", May::From(2)),
            (" h sshd[1]: Failed x for [preauth]", May::From(0)),
            (" h sshd[1]: x Failed password for x", May::None),
            (" h cron[1]: Failed password for x", May::None),
        ] {
            assert_eq!(decider.ask(&mut cache, line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn a_content_that_ends_before_the_line_lets_a_regex_end_there() {
        let prefix = hir(r"^(?P<content>.+?) \[preauth\]$");
        let regex = hir(r"^Failed for \S+$");
        let decider = Decider::new(Some(&prefix), &[&regex]).unwrap();
        assert_eq!(decider.ask(&mut decider.cache(), b"Failed for x [preauth]"), May::From(0));
    }

    #[test]
    fn reach_tells_where_a_line_parted_from_a_regex() {
        let regex = hir(r"^Failed \S+ for");
        let decider = Decider::new(None, &[&regex]).unwrap();
        assert_eq!(decider.reach(&mut decider.cache(), b"Failed password xor"), 16);
    }
}
