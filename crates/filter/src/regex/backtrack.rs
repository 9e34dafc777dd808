//! Runs a [`Program`]: alternatives are tried in the order in which Perl and Python try them, so the groups are theirs.

use memchr::memrchr;
use regex_syntax::hir::Look;

use super::program::{Inst, Loop, Next, Program, Ways};

/// How many steps one search may take, plus some for each byte of the text.
const BASE_STEPS: usize = 2_000;
const STEPS_PER_BYTE: usize = 16;

/// A position that was not reached.
pub(crate) const UNSET: usize = usize::MAX;

/// Room to work in.
#[derive(Debug, Default)]
pub(crate) struct Room {
    stack: Vec<Frame>,
    /// Where each group began and ended; [`UNSET`] for one that took no part.
    pub(crate) slots: Vec<usize>,
    /// Bytes from here on had no part in the answer.
    pub(crate) seen: usize,
}

/// Where to go on if this way fails.
#[derive(Debug)]
enum Frame {
    /// Try this.
    Branch { pc: usize, at: usize },
    /// A greedy loop took up to `at`; it may give back down to `low`.
    GiveBack { pc: usize, low: usize, at: usize },
    /// A lazy loop stopped at `at`; it may take up to `high`.
    TakeMore { pc: usize, at: usize, high: usize },
    /// The slot had this value.
    Slot { slot: usize, old: usize },
}

/// The search took more steps than it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfSteps;

impl Program {
    /// Where a match at the beginning of `text` ends; then the slots are set, and [`Room::seen`].
    pub(crate) fn match_start(&self, room: &mut Room, text: &[u8]) -> Option<usize> {
        let mut steps = BASE_STEPS + text.len() * STEPS_PER_BYTE;
        room.seen = 0;
        room.slots.clear();
        room.slots.resize(self.slots, UNSET);
        self.run::<true>(room, text, 0, &mut steps).ok().flatten()
    }

    /// Searches `text`; on a match the slots are set.
    pub(crate) fn search(&self, room: &mut Room, text: &[u8]) -> Result<bool, OutOfSteps> {
        let mut steps = BASE_STEPS + text.len() * STEPS_PER_BYTE;
        let last = if self.anchored { 0 } else { text.len() };
        let start = self.next.first().copied().unwrap_or_default();
        for at in 0..=last {
            if may_begin(&start, text, at) {
                room.slots.clear();
                room.slots.resize(self.slots.max(2), UNSET);
                if let Some(end) = self.run::<false>(room, text, at, &mut steps)? {
                    if let [first, last, ..] = room.slots.as_mut_slice() {
                        (*first, *last) = (at, end);
                    }
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Where a match that begins at `start` ends. `SEEN`: notes how far it looked.
    fn run<const SEEN: bool>(
        &self,
        room: &mut Room,
        text: &[u8],
        start: usize,
        steps: &mut usize,
    ) -> Result<Option<usize>, OutOfSteps> {
        room.stack.clear();
        let (mut pc, mut at) = (0, start);
        loop {
            *steps = steps.checked_sub(1).ok_or(OutOfSteps)?;
            if SEEN {
                room.seen = room.seen.max(self.code.get(pc).map_or(0, |inst| looks_to(inst, text, at)));
            }
            let went_on = match self.code.get(pc) {
                Some(Inst::Text(bytes)) => {
                    let fits = text.get(at..).is_some_and(|rest| rest.starts_with(bytes));
                    at += bytes.len();
                    fits
                }
                Some(Inst::Word(word)) => {
                    let fits = text.get(at..).is_some_and(|rest| word.begins(rest));
                    at += word.len;
                    fits
                }
                Some(Inst::One(set)) => {
                    let fits = text.get(at).is_some_and(|&byte| set.contains(byte));
                    at += 1;
                    fits
                }
                Some(Inst::Loop(one)) => {
                    let Some(next) = self.next.get(pc + 1) else { return Ok(None) };
                    let take = if one.greedy { greedy_loop } else { lazy_loop };
                    let taken = take(room, text, at, one, next, pc + 1);
                    at = taken.unwrap_or(at);
                    taken.is_some()
                }
                Some(Inst::Save(slot)) => {
                    if let Some(place) = room.slots.get_mut(*slot) {
                        if !room.stack.is_empty() {
                            room.stack.push(Frame::Slot { slot: *slot, old: *place });
                        }
                        *place = at;
                    }
                    true
                }
                Some(Inst::Look(look)) => holds(*look, text, at),
                Some(Inst::Split(choice)) => match choice.ways(text.get(at).copied()) {
                    Ways::Second => {
                        pc = choice.second;
                        continue;
                    }
                    Ways::First => {
                        pc = choice.first;
                        continue;
                    }
                    Ways::Both => {
                        room.stack.push(Frame::Branch { pc: choice.second, at });
                        pc = choice.first;
                        continue;
                    }
                    Ways::Neither => false,
                },
                Some(Inst::Jump(to)) => {
                    pc = *to;
                    continue;
                }
                Some(Inst::Match) => return Ok(Some(at)),
                None => false,
            };
            if went_on {
                pc += 1;
                continue;
            }
            match self.back(room, text, steps)? {
                Some((to, position)) => (pc, at) = (to, position),
                None => return Ok(None),
            }
        }
    }

    /// The next way to try.
    fn back(
        &self,
        room: &mut Room,
        text: &[u8],
        steps: &mut usize,
    ) -> Result<Option<(usize, usize)>, OutOfSteps> {
        loop {
            *steps = steps.checked_sub(1).ok_or(OutOfSteps)?;
            let Some(frame) = room.stack.pop() else { return Ok(None) };
            match frame {
                Frame::Branch { pc, at } => return Ok(Some((pc, at))),
                Frame::GiveBack { pc, low, at } => {
                    let next = self.next.get(pc).copied().unwrap_or_default();
                    if let Some(found) = at.checked_sub(1).and_then(|high| last_place(&next, text, low, high))
                    {
                        if found > low {
                            room.stack.push(Frame::GiveBack { pc, low, at: found });
                        }
                        return Ok(Some((pc, found)));
                    }
                }
                Frame::TakeMore { pc, at, high } => {
                    let Some(next) = self.next.get(pc) else { continue };
                    if let Some(place) = (at + 1..=high).find(|&place| may_begin(next, text, place)) {
                        *steps = steps.checked_sub(place - at).ok_or(OutOfSteps)?;
                        if place < high {
                            room.stack.push(Frame::TakeMore { pc, at: place, high });
                        }
                        return Ok(Some((pc, place)));
                    }
                    *steps = steps.checked_sub(high - at).ok_or(OutOfSteps)?;
                }
                Frame::Slot { slot, old } => {
                    if let Some(place) = room.slots.get_mut(slot) {
                        *place = old;
                    }
                }
            }
        }
    }
}

/// The first byte that an instruction at `at` does not look at; what it gives back later it has looked at already.
fn looks_to(inst: &Inst, text: &[u8], at: usize) -> usize {
    match inst {
        Inst::Text(bytes) => at + bytes.len(),
        Inst::Word(word) => at + word.len,
        Inst::Loop(one) => {
            let most = at.saturating_add(one.max).min(text.len());
            at + text.get(at..most).map_or(0, |span| one.run(span)) + 1
        }
        Inst::One(_) | Inst::Split(_) | Inst::Look(_) => at + 1,
        Inst::Save(_) | Inst::Jump(_) | Inst::Match => at,
    }
}

/// Takes as much as fits, down to the last place where the rest can begin. `None` if there is none.
#[inline]
fn greedy_loop(room: &mut Room, text: &[u8], at: usize, one: &Loop, next: &Next, pc: usize) -> Option<usize> {
    let most = at.saturating_add(one.max).min(text.len());
    let run = one.run(text.get(at..most)?);
    if run < one.min {
        return None;
    }
    let (low, high) = (at + one.min, at + run);
    if one.decided {
        return may_begin(next, text, high).then_some(high);
    }
    let place = last_place(next, text, low, high)?;
    if place > low {
        room.stack.push(Frame::GiveBack { pc, low, at: place });
    }
    Some(place)
}

/// Takes as little as fits, up to the first place where the rest can begin.
#[inline]
fn lazy_loop(room: &mut Room, text: &[u8], at: usize, one: &Loop, next: &Next, pc: usize) -> Option<usize> {
    let low = at.checked_add(one.min)?;
    let high = at.saturating_add(one.max).min(text.len());
    let high = at + one.run(text.get(at..high)?);
    if high < low {
        return None;
    }
    let place = (low..=high).find(|&place| may_begin(next, text, place))?;
    if place < high {
        room.stack.push(Frame::TakeMore { pc, at: place, high });
    }
    Some(place)
}

/// The last place from `low` to `high` where the rest can begin.
fn last_place(next: &Next, text: &[u8], low: usize, high: usize) -> Option<usize> {
    if next.empty {
        return (low <= high).then_some(high);
    }
    let span = text.get(low..text.len().min(high + 1))?;
    let place = match next.single {
        Some(byte) => memrchr(byte, span),
        None => span.iter().rposition(|&byte| next.bytes.contains(byte)),
    };
    place.map(|place| low + place)
}

#[inline]
fn may_begin(next: &Next, text: &[u8], at: usize) -> bool {
    next.empty || text.get(at).is_some_and(|&byte| next.bytes.contains(byte))
}

fn holds(look: Look, text: &[u8], at: usize) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let boundary = || word(at.checked_sub(1).and_then(|before| text.get(before))) != word(text.get(at));
    match look {
        Look::Start => at == 0,
        Look::End => at == text.len(),
        Look::StartLF => at.checked_sub(1).is_none_or(|before| text.get(before) == Some(&b'\n')),
        Look::EndLF => text.get(at).is_none_or(|&next| next == b'\n'),
        Look::WordAscii => boundary(),
        Look::WordAsciiNegate => !boundary(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta;

    use super::*;

    fn parse(pattern: &str) -> Option<regex_syntax::hir::Hir> {
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()
    }

    /// Both engines' groups; `None` where ours gave up.
    fn both(pattern: &str, text: &[u8]) -> Option<(Vec<usize>, Vec<usize>)> {
        let hir = parse(pattern)?;
        let program = Program::new(&hir)?;
        let mut room = Room::default();
        let matched = program.search(&mut room, text).ok()?;
        let ours = if matched { room.slots.get(2..).unwrap_or_default().to_vec() } else { vec![] };
        let engine = meta::Regex::builder()
            .configure(meta::Config::new().utf8_empty(false))
            .build_from_hir(&hir)
            .unwrap();
        let mut captures = engine.create_captures();
        engine.captures(text, &mut captures);
        assert_eq!(captures.is_match(), matched, "{pattern} on {:?}", String::from_utf8_lossy(text));
        let group = |n| captures.get_group(n).map_or([UNSET, UNSET], |span| [span.start, span.end]);
        let theirs = if matched { (1..captures.group_len()).flat_map(group).collect() } else { vec![] };
        Some((ours, theirs))
    }

    #[test]
    fn a_failregex_gives_its_groups() {
        let pattern = r"^Failed \S+ for (invalid user )?(.*) from ([0-9.]+)(?: port \d+)?(?: ssh\d)?$";
        let line = b"Failed password for invalid user x from 1.1.1.1 from 192.0.2.7 port 22 ssh2";
        let (ours, theirs) = both(pattern, line).unwrap();
        assert_eq!(ours, theirs);
        assert_eq!(&line[ours[4]..ours[5]], b"192.0.2.7");
    }

    #[test]
    fn a_search_that_runs_away_is_stopped() {
        let program = Program::new(&parse("^(?:a|b|ab)+(?:a|b|ab)+(?:a|b|ab)+c$").unwrap()).unwrap();
        assert_eq!(
            program.search(&mut Room::default(), &[b"ab".repeat(50), b"x".to_vec()].concat()),
            Err(OutOfSteps)
        );
    }

    /// Regexes of all constructs, small enough to meet each other's borders.
    fn regex() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("a".to_owned()),
            Just("b".to_owned()),
            Just("ab".to_owned()),
            Just("[ab]".to_owned()),
            Just("[^a]".to_owned()),
            Just(".".to_owned()),
            Just("".to_owned()),
            Just("^".to_owned()),
            Just("$".to_owned()),
            Just(r"\b".to_owned()),
            Just(r"\B".to_owned()),
            Just("(?m:^)".to_owned()),
            Just("(?m:$)".to_owned()),
            Just("(?s:.)".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|pieces| pieces.concat()),
                prop::collection::vec(inner.clone(), 2..4)
                    .prop_map(|pieces| format!("(?:{})", pieces.join("|"))),
                inner.clone().prop_map(|one| format!("({one})")),
                (
                    inner,
                    prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?"])
                )
                    .prop_map(|(one, times)| format!("(?:{one}){times}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn both_engines_agree(pattern in regex(), text in "[abc \n]{0,12}") {
            if let Some((ours, theirs)) = both(&pattern, text.as_bytes()) {
                prop_assert_eq!(ours, theirs, "{} on {:?}", pattern, text);
            }
        }
    }
}
