//! Which message waits for what: it is done with when every ban that it told of is in force.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;
use stockade_core::ports::OutboxItem;
use stockade_core::{Key, Outcome};

/// A message that was taken from the queue.
pub(crate) type Token = u64;

type Id = (Arc<str>, Key);

/// What is yet to be carried out, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    /// How many lines of the outbox there are for a key.
    owed: HashMap<Id, u32>,
    /// The messages that wait for a key.
    waiting: HashMap<Id, SmallVec<[Token; 1]>>,
    /// For how many keys a message waits.
    left: HashMap<Token, usize>,
    /// What became of messages since the last time somebody asked.
    ended: Vec<(Token, End)>,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All that it told of is in force, or was refused for good: it is deleted.
    Done,
    /// Something of it could not be done now: it is given back and comes again.
    Again,
    /// There were too many bans this minute: it is given back and comes again when there is room.
    Later,
}

impl Tracker {
    /// One that knows what the outbox still holds from before.
    pub(crate) fn new(outbox: &[OutboxItem]) -> Self {
        let mut tracker = Self::default();
        for item in outbox {
            tracker.owe(&item.decision.jail, &item.decision.key, 1);
        }
        tracker
    }

    /// So many more lines of the outbox are about this key.
    pub(crate) fn owe(&mut self, jail: &Arc<str>, key: &Key, lines: usize) {
        if lines > 0 {
            let owed = self.owed.entry((Arc::clone(jail), key.clone())).or_default();
            *owed = owed.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        }
    }

    /// Whether something about this key is yet to be carried out.
    pub(crate) fn is_owed(&self, jail: &Arc<str>, key: &Key) -> bool {
        self.owed.contains_key(&(Arc::clone(jail), key.clone()))
    }

    /// A message waits for these keys, of which all are owed; each is named once.
    pub(crate) fn wait(&mut self, token: Token, keys: Vec<Id>) {
        if keys.is_empty() {
            self.ended.push((token, End::Done));
            return;
        }
        self.left.insert(token, keys.len());
        for id in keys {
            self.waiting.entry(id).or_default().push(token);
        }
    }

    /// A message has to come again when there is room for its bans.
    pub(crate) fn postpone(&mut self, token: Token) {
        self.ended.push((token, End::Later));
    }

    /// A line of the outbox came to this.
    pub(crate) fn settled(&mut self, jail: &Arc<str>, key: &Key, outcome: &Outcome) {
        if matches!(outcome, Outcome::Later { .. }) {
            return;
        }
        let id = (Arc::clone(jail), key.clone());
        if matches!(outcome, Outcome::Failed { .. }) {
            for token in self.waiting.remove(&id).unwrap_or_default() {
                if self.left.remove(&token).is_some() {
                    self.ended.push((token, End::Again));
                }
            }
            return;
        }
        let Some(owed) = self.owed.get_mut(&id) else { return };
        *owed -= 1;
        if *owed > 0 {
            return;
        }
        self.owed.remove(&id);
        for token in self.waiting.remove(&id).unwrap_or_default() {
            // One that was given back waits no more, though it stands here.
            let Some(left) = self.left.get_mut(&token) else { continue };
            *left -= 1;
            if *left == 0 {
                self.left.remove(&token);
                self.ended.push((token, End::Done));
            }
        }
    }

    /// What became of messages since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(Token, End)> {
        std::mem::take(&mut self.ended)
    }

    /// Whether no message waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.left.is_empty() && self.ended.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: &str) -> Id {
        ("sshd".into(), key.parse().unwrap())
    }

    #[test]
    fn a_message_is_done_when_the_last_of_its_bans_is_in_force_at_every_responder() {
        let mut tracker = Tracker::default();
        let (a, b) = (id("192.0.2.1"), id("192.0.2.2"));
        tracker.owe(&a.0, &a.1, 2);
        tracker.owe(&b.0, &b.1, 1);
        tracker.wait(7, vec![a.clone(), b.clone()]);
        tracker.wait(8, vec![b.clone()]);
        tracker.settled(&b.0, &b.1, &Outcome::Done);
        assert_eq!(tracker.take_ended(), [(8, End::Done)]);
        tracker.settled(&a.0, &a.1, &Outcome::Done);
        assert!(tracker.take_ended().is_empty(), "one responder of two");
        tracker.settled(&a.0, &a.1, &Outcome::Refused { reason: "own address".into() });
        assert_eq!(tracker.take_ended(), [(7, End::Done)]);
        assert!(tracker.is_idle() && !tracker.is_owed(&a.0, &a.1));
    }

    #[test]
    fn a_failure_gives_the_message_back_and_the_ban_stays_owed() {
        let mut tracker = Tracker::default();
        let (a, b) = (id("192.0.2.1"), id("192.0.2.2"));
        tracker.owe(&a.0, &a.1, 1);
        tracker.owe(&b.0, &b.1, 1);
        tracker.wait(7, vec![a.clone(), b.clone()]);
        tracker.settled(&a.0, &a.1, &Outcome::Failed { error: "no".into() });
        assert_eq!(tracker.take_ended(), [(7, End::Again)]);
        tracker.settled(&b.0, &b.1, &Outcome::Done);
        assert!(tracker.take_ended().is_empty(), "told once");
        // It comes again, while the first try is still owed.
        tracker.wait(9, vec![a.clone()]);
        tracker.settled(&a.0, &a.1, &Outcome::Done);
        assert_eq!(tracker.take_ended(), [(9, End::Done)]);
        tracker.wait(10, vec![]);
        assert_eq!(tracker.take_ended(), [(10, End::Done)]);
    }
}
