//! Who works on a thing, and what he did of it: known to all, so that one works on it at a time, and whoever comes after a
//! crash goes on with all of it.
//!
//! A lease says who, until when. It is renewed with each call of a repair, in the same write that tells of the call, and
//! once more before the end is recorded: whoever was so slow that another took over finds out before he does anything.

use std::time::Duration;

use stockade_core::Timestamp;

use super::{Engine, state};
use crate::playbook::Subject;
use crate::run::Done;
use crate::shelf::ShelfError;
use crate::state::{Case, Doing, Lease, Open};

/// How long a run may work on a thing without a word before another may take over from it.
const LEASE: Duration = Duration::from_secs(180);

impl Engine {
    /// Whether a repair of the thing began or ended since it was looked at: it is to be looked at again then.
    pub(super) fn is_old(
        &mut self,
        playbook: &str,
        subject: &Subject,
        seen: &Open,
    ) -> Result<bool, ShelfError> {
        let now: Open = state::read(self.shelf.as_mut(), &state::open(&subject.place))?.unwrap_or_default();
        Ok(now.turned_since(seen, &state::open_key(playbook, subject)))
    }

    /// Says what was done so far, and with it that we are alive; whether the thing is still ours.
    pub(super) fn renew(
        &mut self,
        playbook: &str,
        subject: &Subject,
        turn: u64,
        doing: &Doing,
    ) -> Result<bool, ShelfError> {
        let until = self.time.now().plus(LEASE);
        let key = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &key, |case: &mut Case| {
            let Some(lease) = case.lease.as_mut().filter(|lease| lease.turn == turn) else { return false };
            lease.until = until;
            case.doing = Some(doing.clone());
            true
        })
    }

    /// Takes a thing to end its repair: it is good, and whoever repaired it is gone. `None`: somebody works on it.
    pub(super) fn take_over(
        &mut self,
        playbook: &str,
        subject: &Subject,
        id: &str,
    ) -> Result<Option<(u64, Option<Doing>)>, ShelfError> {
        let now = self.time.now();
        let key = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &key, |case: &mut Case| {
            is_free(case, now)
                .then(|| (put(case, id, now), case.doing.clone().filter(|doing| doing.id == id)))
        })
    }

    /// Gives the thing back, if it is still ours. `done`: whether the repair was verified; none takes back that there was
    /// one, and leaves what a life before did.
    pub(super) fn release(
        &mut self,
        playbook: &str,
        subject: &Subject,
        id: &str,
        turn: u64,
        done: Option<bool>,
    ) -> Result<(), ShelfError> {
        let key = state::case(playbook, subject);
        state::update(self.shelf.as_mut(), &key, |case: &mut Case| {
            if case.lease.as_ref().is_none_or(|lease| lease.turn != turn) {
                return;
            }
            case.lease = None;
            match done {
                None => _ = case.recent.pop_if(|attempt| attempt.id == id && !attempt.done),
                Some(done) => {
                    case.doing = None;
                    if let Some(last) = case.recent.iter_mut().rev().find(|attempt| attempt.id == id) {
                        last.done = done;
                    }
                }
            }
        })
    }

    /// Marks that a repair of the thing ended, and closes it if it is over.
    pub(super) fn ended_repair(
        &mut self,
        playbook: &str,
        subject: &Subject,
        over: bool,
    ) -> Result<(), ShelfError> {
        let key = state::open_key(playbook, subject);
        state::update(self.shelf.as_mut(), &state::open(&subject.place), |open: &mut Open| {
            if over {
                open.repairs.remove(&key);
                open.told.remove(&key);
            }
            open.turned(&key);
        })
    }
}

/// Whether nobody works on the thing.
pub(super) fn is_free(case: &Case, now: Timestamp) -> bool {
    case.lease.as_ref().is_none_or(|lease| now >= lease.until)
}

/// Takes the thing; the number of the turn.
pub(super) fn put(case: &mut Case, id: &str, now: Timestamp) -> u64 {
    case.turn += 1;
    case.lease = Some(Lease { by: id.to_owned(), until: now.plus(LEASE), turn: case.turn });
    case.turn
}

/// The calls of all lives, oldest first: what may not have been made and was made again stands there once, with a way
/// back if either had one.
pub(super) fn joined(earlier: &[Done], now: &[Done]) -> Vec<Done> {
    let mut all: Vec<Done> = now.to_vec();
    let mut first = Vec::new();
    for done in earlier {
        let again = all.iter_mut().find(|one| one.call == done.call);
        match again {
            Some(again) if done.request_id.is_empty() => {
                if again.undo.is_none() {
                    again.undo.clone_from(&done.undo);
                }
            }
            _ => first.push(done.clone()),
        }
    }
    first.extend(all);
    first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ApiCall, Place};

    fn done(operation: &str, request: &str, undo: Option<&str>) -> Done {
        let call = |operation| ApiCall::new(&Place::new("1", "r"), "x", operation, json!({}));
        Done {
            says: String::new(),
            call: call(operation),
            request_id: request.to_owned(),
            at: Timestamp::from_secs(0),
            already: false,
            undo: undo.map(call),
        }
    }

    #[test]
    fn what_was_perhaps_made_and_made_again_is_there_once_and_can_be_undone() {
        let earlier = [done("Create", "1", Some("Delete")), done("Put", "", Some("Unput"))];
        let all = joined(&earlier, &[done("Put", "2", None), done("Start", "3", None)]);
        let calls: Vec<_> = all.iter().map(|one| (one.call.operation.as_str(), one.undo.is_some())).collect();
        assert_eq!(calls, [("Create", true), ("Put", true), ("Start", false)]);
        // What nobody made again may have been made.
        let all = joined(&earlier, &[done("Start", "3", None)]);
        let calls: Vec<_> = all.iter().map(|one| one.call.operation.as_str()).collect();
        assert_eq!(calls, ["Create", "Put", "Start"]);
        // What was certainly made twice was made twice.
        assert_eq!(joined(&[done("Put", "1", None)], &[done("Put", "2", None)]).len(), 2);
    }

    #[test]
    fn a_look_is_old_when_a_repair_began_or_ended_since() {
        let mut open = Open::default();
        let empty = open.clone();
        open.turned("a");
        let first = open.clone();
        open.turned("b");
        assert!(open.turned_since(&empty, "a") && open.turned_since(&empty, "b"));
        assert!(!open.turned_since(&first, "a") && open.turned_since(&first, "b"));
        assert!(!open.turned_since(&open.clone(), "a"));
        for nth in 0..500 {
            open.turned(&format!("other-{nth}"));
        }
        assert!(open.turned_since(&first, "a"), "what is forgotten may have been about it");
    }
}
