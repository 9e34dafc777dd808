//! Which matches of events are new, and which messages are done with once they are remembered.

use std::collections::HashSet;

use stockade_core::ports::StoreError;
use stockade_core::{Match, MatchId};

use crate::agent::tracker::{End, Token};
use crate::daemon::turn::Turn;

/// What was found in a message, or in a part of it.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The message.
    pub(crate) token: Token,
    /// Each with its jail's place.
    pub(crate) matches: Vec<(usize, Match)>,
    /// Events that were read.
    pub(crate) events: u64,
    /// In which jail an `ignorecommand` ignores whom.
    pub(crate) ignored: Vec<(std::sync::Arc<str>, stockade_core::Key)>,
    /// `None`: there is more of the message. Else whether all of it was read, and if not, why.
    pub(crate) end: Option<Result<(), String>>,
}

/// What messages wait for.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The matches of events that wait for the next commit.
    pending: HashSet<MatchId>,
    /// The messages whose matches do.
    waiting: Vec<Token>,
    /// Messages of which something was not taken in: they have to come again.
    spoiled: HashSet<Token>,
    ended: Vec<(Token, End)>,
}

impl Messages {
    /// All that waited is remembered.
    pub(crate) fn committed(&mut self) {
        self.pending.clear();
        self.ended.extend(self.waiting.drain(..).map(|token| (token, End::Done)));
    }

    /// What became of messages since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(Token, End)> {
        std::mem::take(&mut self.ended)
    }
}

impl Turn {
    /// Judges what was found in a message, but for what is known already.
    pub(crate) fn take_events(&mut self, taken: Taken) {
        let Taken { token, matches, end, .. } = taken;
        match self.unknown(matches) {
            Ok(fresh) => self.count(fresh),
            Err(error) => {
                self.store_failed(&error, self.clock.now());
                self.messages.spoiled.insert(token);
            }
        }
        match end {
            None => {}
            Some(Err(why)) => {
                tracing::warn!(
                    why,
                    "a message was not read to its end: it comes again, or goes to the dead letters"
                );
                self.tally.warn(format!("a message with events was not read to its end: {why}"));
                self.messages.spoiled.remove(&token);
                self.messages.ended.push((token, End::Again));
            }
            Some(Ok(())) if self.messages.spoiled.remove(&token) => {
                self.messages.ended.push((token, End::Again));
            }
            Some(Ok(())) => self.messages.waiting.push(token),
        }
    }

    /// Those that neither the store knows nor the next commit holds, each once.
    fn unknown(&mut self, matches: Vec<(usize, Match)>) -> Result<Vec<(usize, Match)>, StoreError> {
        if matches.is_empty() {
            return Ok(matches);
        }
        let ids: Vec<MatchId> = matches.iter().map(|(_, found)| found.id).collect();
        let known = self.store.known(&ids)?;
        let pending = &mut self.messages.pending;
        let is_new = |(_, found): &(usize, Match)| !known.contains(&found.id) && pending.insert(found.id);
        Ok(matches.into_iter().filter(is_new).collect())
    }
}
