//! The end of a life: what was taken in is finished, what was asked is answered or left to the next.

use std::sync::mpsc::{SyncSender, sync_channel};

use stockade_core::ports::Store;

use super::carried::Carried;
use super::engine::{End, Engine};
use super::hands::Work;
use super::input::Input;
use super::threads::Threads;
use super::turn::Turn;
use crate::control::{Asked, Response};

impl Engine<'_> {
    /// Stops reading, remembers what was read, lets the responders finish.
    pub(super) fn close(mut self, end: End, threads: Threads) -> (End, Box<dyn Store>, Carried) {
        let _ = sd_notify::notify(&[match &end {
            End::Stop { .. } => sd_notify::NotifyState::Stopping,
            End::Reload(_) | End::Rebuild(_) => sd_notify::NotifyState::Status("reloading"),
        }]);
        drop(self.permits.take());
        threads.stop();
        #[cfg(feature = "aws")]
        if let Some(agent) = &mut self.agent {
            agent.stop();
        }
        #[cfg(feature = "aws")]
        if let Some(queue) = &mut self.events {
            queue.stop();
        }
        self.unanswered = self.drain();
        self.turn.commit();
        if let End::Stop { flush } = end {
            for hand in self.turn.hands.iter().rev().filter(|hand| flush || hand.transient) {
                let (reply, answer): (SyncSender<_>, _) = sync_channel(1);
                hand.give(Work::Flush(reply));
                if let Ok(Some(problem)) = answer.recv() {
                    tracing::error!(responder = &*hand.name, problem, "cannot lift the bans");
                }
            }
        }
        // Dropped, a hand finishes what it was given; what came of it is then in the channel.
        self.turn.hands.clear();
        let asked = self.drain();
        self.turn.commit();
        #[cfg(feature = "aws")]
        if let Some(agent) = self.agent.take() {
            let ended = self.turn.tracker().take_ended();
            agent.finish(ended);
        }
        #[cfg(feature = "aws")]
        if let Some(queue) = self.events.take() {
            let ended = self.turn.messages.take_ended();
            queue.finish(ended);
        }
        for asked in asked {
            if matches!(end, End::Reload(_) | End::Rebuild(_)) {
                // For the next life.
                let _ = self.life.inputs.send(Input::Asked(asked));
            } else {
                let _ = asked
                    .reply
                    .send(Response::Error { message: "the daemon is stopping".to_owned(), hint: None });
            }
        }
        let Turn { jails, tally, live, store, log, .. } = self.turn;
        if matches!(end, End::Stop { .. }) {
            jails.iter().for_each(|jail| log.stopped(&jail.name));
        }
        (end, store, Carried { jails, tally, live })
    }

    /// Takes in what is left of this life, and returns the questions that nobody answered.
    fn drain(&mut self) -> Vec<Asked> {
        while let Ok(input) = self.life.events.try_recv() {
            match input {
                Input::Reading(reading) => self.turn.take(reading.matches, reading.position),
                Input::Settled(settled) => self.turn.settle(&settled),
                Input::Asked(asked) => self.unanswered.push(asked),
                #[cfg(feature = "aws")]
                Input::Arrival(arrival) => self.take_arrival(arrival),
                #[cfg(feature = "aws")]
                Input::Events(heard) => self.take_heard(heard),
                _ => {}
            }
        }
        std::mem::take(&mut self.unanswered)
    }
}
