//! Runs a [`Program`]: alternatives are tried in the order in which Perl and Python try them, so the groups are theirs.

use super::compile::Program;
use super::moves::{
    first_place, greedy_loop, group, holds, ip4, last_place, lazy_loop, restore, same_end, spend,
};
use super::program::{Cut, Inst, Next, SEARCHED_PER_STEP, Save, Ways};

/// How many steps one search may take, plus some for each byte of the text. A step is worth a few nanoseconds.
const BASE_STEPS: usize = 2_000;
const STEPS_PER_BYTE: usize = 16;
/// How many ways that are still open a search may remember.
const MAX_FRAMES: usize = 1 << 17;
/// Room for how many of them is kept for the next search.
const KEPT_FRAMES: usize = 1 << 10;

/// A position that was not reached.
pub(crate) const UNSET: usize = usize::MAX;

/// Room to work in.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(super) stack: Vec<Frame>,
    /// Where each group began and ended; [`UNSET`] for one that took no part.
    pub(crate) slots: Vec<usize>,
    /// Bytes from here on had no part in the answer.
    pub(crate) seen: usize,
}

impl Room {
    /// Notes a position.
    #[inline]
    pub(super) fn save(&mut self, save: Save, at: usize) {
        if let Some(place) = self.slots.get_mut(save.slot) {
            if save.undo && !self.stack.is_empty() {
                self.stack.push(Frame::Slot { slot: save.slot, old: *place });
            }
            *place = at;
        }
    }
}

/// Where to go on if this way fails.
#[derive(Debug)]
pub(super) enum Frame {
    /// Try this.
    Branch { pc: usize, at: usize },
    /// A greedy loop took up to `at`; it may give back down to `low`.
    GiveBack { pc: usize, low: usize, at: usize },
    /// A lazy loop stopped at `at`; it may take up to `high`.
    TakeMore { pc: usize, at: usize, high: usize },
    /// The slot had this value.
    Slot { slot: usize, old: usize },
    /// Here began something that has one answer. If it has no match: go on there, unless that is [`UNSET`].
    Guard { at: usize, out: usize },
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
        self.search_within(room, text, &mut (BASE_STEPS + text.len() * STEPS_PER_BYTE))
    }

    /// The same within so many steps; those that it takes are counted off.
    pub(crate) fn search_within(
        &self,
        room: &mut Room,
        text: &[u8],
        steps: &mut usize,
    ) -> Result<bool, OutOfSteps> {
        let found = self.search_from_left(room, text, steps);
        if room.stack.capacity() > KEPT_FRAMES {
            room.stack.clear();
            room.stack.shrink_to(KEPT_FRAMES);
        }
        if found.is_err() {
            *steps = 0;
        }
        found
    }

    fn search_from_left(&self, room: &mut Room, text: &[u8], steps: &mut usize) -> Result<bool, OutOfSteps> {
        let last = if self.anchored { 0 } else { text.len() };
        let start = self.next.first().copied().unwrap_or_default();
        for at in 0..=last {
            if start.may_begin(text.get(at..).unwrap_or_default()) {
                // A long row of slots takes its time too.
                spend(steps, self.slots / SEARCHED_PER_STEP)?;
                room.slots.clear();
                room.slots.resize(self.slots.max(2), UNSET);
                if let Some(end) = self.run::<false>(room, text, at, steps)? {
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
            spend(steps, 1)?;
            if SEEN {
                room.seen = room.seen.max(self.looks_to(pc, text, at));
            }
            let went_on = match self.code.get(pc) {
                Some(Inst::Text(bytes)) => {
                    let fits = text.get(at..).is_some_and(|rest| rest.starts_with(bytes));
                    at += bytes.len();
                    fits
                }
                Some(Inst::Word(word)) => {
                    let fits = text.get(at..).is_some_and(|rest| word.begins(rest));
                    at += word.len();
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
                    match take(room, text, at, one, next, pc + 1, steps)? {
                        Some(taken) => {
                            at = taken;
                            true
                        }
                        None => false,
                    }
                }
                Some(Inst::Save(save)) => {
                    room.save(*save, at);
                    true
                }
                Some(Inst::Ip4(address)) => {
                    if let Some(len) = ip4(text.get(at..).unwrap_or_default()) {
                        if !address.decided {
                            room.stack.push(Frame::Branch { pc: pc + 1, at });
                        }
                        let Save { slot, undo } = address.group;
                        room.save(address.group, at);
                        at += len;
                        room.save(Save { slot: slot + 1, undo }, at);
                        pc = address.end;
                        continue;
                    }
                    true
                }
                Some(Inst::Look(look)) => holds(*look, text, at),
                Some(Inst::Split(choice)) => match choice.ways(text.get(at..).unwrap_or_default()) {
                    Ways::Second => {
                        pc = choice.second;
                        continue;
                    }
                    Ways::First => {
                        pc = choice.first;
                        continue;
                    }
                    Ways::Both => {
                        // Nothing else is remembered without a choice between.
                        if room.stack.len() > MAX_FRAMES {
                            return Err(OutOfSteps);
                        }
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
                Some(Inst::Turned { slot, out }) => {
                    pc = if room.slots.get(*slot) == Some(&at) { *out } else { pc + 1 };
                    continue;
                }
                Some(Inst::Guard { back, not, out }) => match at.checked_sub(*back) {
                    Some(before) => {
                        room.stack.push(Frame::Guard { at, out: if *not { *out } else { UNSET } });
                        at = before;
                        true
                    }
                    None if *not => {
                        pc = *out;
                        continue;
                    }
                    None => false,
                },
                Some(Inst::Cut(cut)) => match self.cut(room, *cut, steps)? {
                    Some(began) => {
                        at = if *cut == Cut::Return { began } else { at };
                        true
                    }
                    None => false,
                },
                Some(Inst::Same { slot, any_case }) => {
                    let end = same_end(room, text, at, *slot, *any_case);
                    spend(steps, end.map_or(0, |end| end - at) / SEARCHED_PER_STEP)?;
                    at = end.unwrap_or(at);
                    end.is_some()
                }
                Some(Inst::Given { slot, no }) => {
                    pc = if group(room, *slot).is_some() { pc + 1 } else { *no };
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
            spend(steps, 1)?;
            let Some(frame) = room.stack.pop() else { return Ok(None) };
            match frame {
                Frame::Branch { pc, at } => return Ok(Some((pc, at))),
                Frame::GiveBack { pc, low, at } => {
                    let Some(next) = self.next.get(pc) else { continue };
                    let found = at.checked_sub(1).and_then(|high| last_place(next, text, low, high));
                    spend(steps, next.cost(at - found.unwrap_or(low)))?;
                    if let Some(found) = found {
                        if found > low {
                            room.stack.push(Frame::GiveBack { pc, low, at: found });
                        }
                        self.end_group(room, pc, found);
                        return Ok(Some((pc, found)));
                    }
                }
                Frame::TakeMore { pc, at, high } => {
                    let Some(next) = self.next.get(pc) else { continue };
                    if let Some(place) = first_place(next, text, at + 1, high) {
                        spend(steps, next.cost(place - at))?;
                        if place < high {
                            room.stack.push(Frame::TakeMore { pc, at: place, high });
                        }
                        self.end_group(room, pc, place);
                        return Ok(Some((pc, place)));
                    }
                    spend(steps, next.cost(high - at))?;
                }
                Frame::Slot { slot, old } => restore(room, slot, old),
                Frame::Guard { out: UNSET, .. } => {}
                Frame::Guard { at, out } => return Ok(Some((out, at))),
            }
        }
    }

    /// The loop before `pc` ends at `at` now, and so does its group. The old value was put aside when the loop began.
    fn end_group(&self, room: &mut Room, pc: usize, at: usize) {
        if let Some(Inst::Loop(one)) = pc.checked_sub(1).and_then(|pc| self.code.get(pc))
            && let Some(group) = one.group
        {
            restore(room, group.slot + 1, at);
        }
    }

    /// Forgets the ways through what the innermost guard began, and says where that was. `None`: it should not have
    /// matched.
    fn cut(&self, room: &mut Room, cut: Cut, steps: &mut usize) -> Result<Option<usize>, OutOfSteps> {
        let guard = room.stack.iter().rposition(|frame| matches!(frame, Frame::Guard { .. }));
        let Some(guard) = guard else { return Ok(None) };
        spend(steps, room.stack.len() - guard)?;
        if cut == Cut::Fail {
            while room.stack.len() > guard {
                if let Some(Frame::Slot { slot, old }) = room.stack.pop() {
                    restore(room, slot, old);
                }
            }
            return Ok(None);
        }
        let Some(Frame::Guard { at, .. }) = room.stack.get(guard) else { return Ok(None) };
        let at = *at;
        // What it captured counts, and is taken back with what came before it.
        let mut kept = guard;
        for n in guard + 1..room.stack.len() {
            if matches!(room.stack.get(n), Some(Frame::Slot { .. })) {
                room.stack.swap(kept, n);
                kept += 1;
            }
        }
        room.stack.truncate(kept);
        Ok(Some(at))
    }
}

impl Program {
    /// The first byte that an instruction does not look at, started at `at`; what it gives back later it has looked at
    /// already.
    fn looks_to(&self, pc: usize, text: &[u8], at: usize) -> usize {
        let rest = text.get(at..).unwrap_or_default();
        match self.code.get(pc) {
            None => at,
            Some(inst) => at + self.looks(inst, pc, rest),
        }
    }

    fn looks(&self, inst: &Inst, pc: usize, rest: &[u8]) -> usize {
        match inst {
            Inst::Text(bytes) => bytes.len(),
            Inst::Word(word) => word.len(),
            Inst::Loop(one) => {
                let most = one.max.min(rest.len());
                let run = rest.get(..most).map_or(0, |span| one.run(span));
                // What follows is looked for behind every turn.
                let longest =
                    |next: &Next| (0..=run).filter_map(|n| Some(n + next.looks(rest.get(n..)?))).max();
                self.next.get(pc + 1).and_then(longest).unwrap_or(run + 1) + one.stop_len()
            }
            Inst::Split(choice) => choice.looks(rest),
            Inst::One(_) | Inst::Look(_) => 1,
            // The text that it compares with may be as long as all before it.
            Inst::Same { .. } => rest.len(),
            // As far as an address can reach, and the byte that ends it.
            Inst::Ip4(_) => 16,
            Inst::Save(_)
            | Inst::Jump(_)
            | Inst::Turned { .. }
            | Inst::Guard { .. }
            | Inst::Cut(_)
            | Inst::Given { .. }
            | Inst::Match => 0,
        }
    }
}
