//! The single moves of the backtracking engine.

use memchr::memrchr;
use regex_syntax::hir::Look;

use super::backtrack::{Frame, OutOfSteps, Room, UNSET};
use super::program::{Loop, Next};

#[inline]
pub(super) fn spend(steps: &mut usize, some: usize) -> Result<(), OutOfSteps> {
    *steps = steps.checked_sub(some).ok_or(OutOfSteps)?;
    Ok(())
}

pub(super) fn restore(room: &mut Room, slot: usize, old: usize) {
    if let Some(place) = room.slots.get_mut(slot) {
        *place = old;
    }
}

/// Where the group of a slot and the next matched, if it did.
pub(super) fn group(room: &Room, slot: usize) -> Option<(usize, usize)> {
    let (start, end) = (*room.slots.get(slot)?, *room.slots.get(slot + 1)?);
    // One that has begun again and not ended counts as one that did not match.
    (start != UNSET && end != UNSET && start <= end).then_some((start, end))
}

/// Where the text of a group ends that stands at `at` again.
pub(super) fn same_end(room: &Room, text: &[u8], at: usize, slot: usize, any_case: bool) -> Option<usize> {
    let (start, end) = group(room, slot)?;
    let (wanted, upto) = (text.get(start..end)?, at.checked_add(end - start)?);
    let found = text.get(at..upto)?;
    let same = if any_case { found.eq_ignore_ascii_case(wanted) } else { found == wanted };
    same.then_some(upto)
}

/// Takes as much as fits, down to the last place where the rest can begin. `None` if there is none.
#[inline]
pub(super) fn greedy_loop(
    room: &mut Room,
    text: &[u8],
    at: usize,
    one: &Loop,
    next: &Next,
    pc: usize,
    steps: &mut usize,
) -> Result<Option<usize>, OutOfSteps> {
    let most = at.saturating_add(one.max).min(text.len());
    let Some(span) = text.get(at..most) else { return Ok(None) };
    let run = one.run(span);
    spend(steps, one.cost(run))?;
    if run < one.min {
        return Ok(None);
    }
    let (low, high) = (at + one.min, at + run);
    if one.decided {
        return Ok(may_begin(next, text, high).then_some(high));
    }
    let place = last_place(next, text, low, high);
    spend(steps, next.cost(high - place.unwrap_or(low)))?;
    if let Some(place) = place
        && place > low
    {
        room.stack.push(Frame::GiveBack { pc, low, at: place });
    }
    Ok(place)
}

/// Takes as little as fits, up to the first place where the rest can begin.
#[inline]
pub(super) fn lazy_loop(
    room: &mut Room,
    text: &[u8],
    at: usize,
    one: &Loop,
    next: &Next,
    pc: usize,
    steps: &mut usize,
) -> Result<Option<usize>, OutOfSteps> {
    let low = at.saturating_add(one.min);
    let most = at.saturating_add(one.max).min(text.len());
    let Some(span) = text.get(at..most) else { return Ok(None) };
    let high = at + one.run(span);
    spend(steps, one.cost(high - at))?;
    let place = (low..=high).find(|&place| may_begin(next, text, place));
    spend(steps, next.cost(place.unwrap_or(high).saturating_sub(low)))?;
    if let Some(place) = place
        && place < high
    {
        room.stack.push(Frame::TakeMore { pc, at: place, high });
    }
    Ok(place)
}

/// The last place from `low` to `high` where the rest can begin.
pub(super) fn last_place(next: &Next, text: &[u8], low: usize, high: usize) -> Option<usize> {
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
pub(super) fn may_begin(next: &Next, text: &[u8], at: usize) -> bool {
    next.empty || text.get(at).is_some_and(|&byte| next.bytes.contains(byte))
}

pub(super) fn holds(look: Look, text: &[u8], at: usize) -> bool {
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
