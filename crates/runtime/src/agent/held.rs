//! The messages that were taken and are not yet done with: hidden for as long as it takes, then deleted, given back or
//! put into the dead-letter queue.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stockade_aws::FaultKind;
use stockade_source::aws::queue::{Queue, Received};

use super::tracker::{End, Token};

/// How many messages are held at most; then no more are taken.
const MAX_HELD: usize = 128;
/// How many bans they may tell of together; one more message is taken while there are fewer.
const MAX_HELD_NOTICES: usize = 100_000;
/// SQS hides a message for 12 hours at most, from when it was taken.
const MAX_HIDDEN: Duration = Duration::from_secs(11 * 60 * 60);
/// When a message comes again of which something failed: after this, each further time after this much longer…
const AGAIN_AFTER: Duration = Duration::from_secs(15);
/// …but no later than this.
const AGAIN_WITHIN: Duration = Duration::from_secs(600);
/// When there is room again for bans of which there were too many within a minute.
pub(super) const ROOM_AFTER: Duration = Duration::from_secs(60);
/// How often the keeper looks up.
const TICK: Duration = Duration::from_millis(500);
/// How many times it is tried to delete a message. One that is not deleted comes again, and is known then.
const DELETE_TRIES: u32 = 5;

/// What is held, shared by who takes messages and who keeps them.
#[derive(Debug, Default)]
pub(crate) struct Held {
    state: Mutex<State>,
    room: Condvar,
}

/// No two messages of this process have the same token, so that a late word on one of a life before is about no other.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Default)]
struct State {
    messages: HashMap<Token, Kept>,
    notices: usize,
    paused_until: Option<Instant>,
    closed: bool,
}

#[derive(Debug)]
struct Kept {
    receipt: String,
    notices: usize,
    /// How many times it was handed out.
    receives: u32,
    taken: Instant,
    hidden_until: Instant,
    /// What it said and what is wrong with it, if something is.
    bad: Option<(String, String)>,
}

impl Held {
    /// Holds a message from now on.
    pub(crate) fn hold(
        &self,
        message: Received,
        notices: usize,
        reason: Option<String>,
        hidden: Duration,
    ) -> Token {
        let now = Instant::now();
        let mut state = self.state();
        let token = NEXT.fetch_add(1, Ordering::Relaxed);
        state.notices += notices;
        let bad = reason.map(|reason| (message.body, reason));
        let kept = Kept {
            receipt: message.receipt,
            notices,
            receives: message.receives,
            taken: now,
            hidden_until: now + hidden,
            bad,
        };
        state.messages.insert(token, kept);
        token
    }

    /// Waits until there is room for more messages. `false` when it is closed.
    pub(crate) fn wait_for_room(&self) -> bool {
        let mut state = self.state();
        loop {
            if state.closed {
                return false;
            }
            let paused = state.paused_until.and_then(|until| until.checked_duration_since(Instant::now()));
            if paused.is_none() && state.messages.len() < MAX_HELD && state.notices < MAX_HELD_NOTICES {
                return true;
            }
            let wait = paused.unwrap_or(TICK);
            state = self.room.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes no more messages for a while.
    pub(super) fn pause(&self, time: Duration) {
        self.state().paused_until = Some(Instant::now() + time);
    }

    /// Nobody waits for room any more.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.room.notify_all();
    }

    fn remove(&self, token: Token) -> Option<Kept> {
        let mut state = self.state();
        let kept = state.messages.remove(&token)?;
        state.notices -= kept.notices;
        self.room.notify_all();
        Some(kept)
    }

    /// Those that are visible again soon, to be hidden until `until`; and those that cannot be hidden any longer.
    fn to_hide(&self, visibility: Duration) -> (Vec<String>, Vec<Token>) {
        let now = Instant::now();
        let (mut soon, mut over) = (Vec::new(), Vec::new());
        for (token, kept) in &mut self.state().messages {
            if now + visibility / 2 < kept.hidden_until {
                continue;
            }
            if now.duration_since(kept.taken) > MAX_HIDDEN {
                over.push(*token);
            } else {
                kept.hidden_until = now + visibility;
                soon.push(kept.receipt.clone());
            }
        }
        (soon, over)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the messages of a queue until `None` comes; what is held then is left to come again.
pub(crate) fn keep(queue: &Mutex<Option<Queue>>, held: &Arc<Held>, ended: &Receiver<Option<(Token, End)>>) {
    let mut delete: Vec<(String, u32)> = Vec::new();
    let mut open = true;
    while open || !delete.is_empty() {
        let mut again: BTreeMap<Duration, Vec<String>> = BTreeMap::new();
        let mut next = match ended.recv_timeout(TICK) {
            Ok(one) => {
                open &= one.is_some();
                one
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                open = false;
                None
            }
        };
        // Nothing was taken yet.
        let Some(queue) = queue.lock().unwrap_or_else(PoisonError::into_inner).clone() else { continue };
        while let Some((token, end)) = next {
            if let Some(kept) = held.remove(token) {
                let after = match end {
                    End::Done if bury(&queue, &kept) => None,
                    End::Done | End::Again => Some((AGAIN_AFTER * kept.receives).min(AGAIN_WITHIN)),
                    End::Later => Some(ROOM_AFTER),
                };
                match after {
                    None => delete.push((kept.receipt, 0)),
                    Some(after) => again.entry(after).or_default().push(kept.receipt),
                }
            }
            next = ended.try_recv().ok().and_then(|one| {
                open &= one.is_some();
                one
            });
        }
        let (soon, over) = held.to_hide(queue.visibility());
        // What was held for half a day comes again by itself.
        for token in over {
            held.remove(token);
        }
        tell("hide", queue.hide(&soon, queue.visibility()));
        for (after, receipts) in again {
            tell("give back", queue.hide(&receipts, after));
        }
        delete = delete_all(&queue, delete);
    }
}

/// Deletes what is done with; returns what is to be tried again.
fn delete_all(queue: &Queue, delete: Vec<(String, u32)>) -> Vec<(String, u32)> {
    if delete.is_empty() {
        return delete;
    }
    let receipts: Vec<String> = delete.iter().map(|(receipt, _)| receipt.clone()).collect();
    let (missed, fault) = queue.delete(&receipts);
    let passes = fault.as_ref().is_some_and(|fault| fault.kind.passes());
    tell("delete", (missed.clone(), fault));
    let tries = delete
        .into_iter()
        .filter(|(receipt, tries)| passes && *tries < DELETE_TRIES && missed.contains(receipt));
    tries.map(|(receipt, tries)| (receipt, tries + 1)).collect()
}

/// Puts a message that cannot be used, or not whole, into the dead-letter queue. `false` if that did not work.
fn bury(queue: &Queue, kept: &Kept) -> bool {
    let Some((body, reason)) = &kept.bad else { return true };
    tracing::warn!(reason, "a message cannot be used: it goes to the dead-letter queue");
    match queue.bury(body, reason) {
        Ok(()) => true,
        Err(fault) => {
            tracing::error!(error = %fault, hint = fault.hint, "a message that cannot be used stays in the queue");
            false
        }
    }
}

fn tell(what: &str, (missed, fault): (Vec<String>, Option<stockade_aws::Fault>)) {
    let Some(fault) = fault else { return };
    // A receipt is of no use any more when the message was handed out again: it is known by then.
    if fault.kind == FaultKind::Other || fault.kind == FaultKind::Missing {
        tracing::debug!(error = %fault, messages = missed.len(), "cannot {what} messages");
    } else {
        tracing::warn!(error = %fault, messages = missed.len(), "cannot {what} messages");
    }
}
