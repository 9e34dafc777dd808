//! Bans that others decided: what the loop makes of them.

use super::DaemonError;
use super::engine::{End, Engine};
use super::threads::Threads;
use super::turn::Turn;
use crate::agent::tracker::Tracker;
use crate::agent::{Arrival, Learnt};
use crate::events::EventLane;
use crate::events::queue::{EventQueue, Heard};

impl Engine<'_> {
    /// Begins to read events, if there is a queue of them and somebody reads them.
    pub(super) fn start_events(&mut self, threads: &Threads) -> Result<(), DaemonError> {
        let program = &self.config.program;
        if program.events.queue.is_empty() || self.life.options.stdin || self.life.options.agent.is_some() {
            return Ok(());
        }
        let Some(lane) = EventLane::new(&self.assembled.configs) else {
            tracing::warn!(queue = program.events.queue, "no rule is enabled: no events are read");
            return Ok(());
        };
        let asking = self.assembled.asking();
        let queue = EventQueue::start(program, &lane, &asking, self.life.inputs, threads.permits());
        let queue = queue.map_err(DaemonError::Agent)?;
        let names = self.assembled.configs.iter().filter(|jail| !jail.rules.is_empty());
        let names = names.map(|jail| jail.jail.name.clone()).collect();
        self.turn.tally.streams.entry(queue.stream.clone()).or_default().jails = names;
        self.events = Some(queue);
        Ok(())
    }

    /// Takes in what came from the queue of events.
    pub(super) fn take_heard(&mut self, heard: Heard) {
        let Some(stream) = self.events.as_ref().map(|queue| queue.stream.clone()) else { return };
        match heard {
            Heard::Queue { problem } => self.turn.tally.streams.entry(stream).or_default().problem = problem,
            Heard::Taken(taken) => {
                self.turn.tally.lines += taken.events;
                self.turn.tally.streams.entry(stream).or_default().lines += taken.events;
                for (jail, key) in &taken.ignored {
                    self.turn.log.ignored(jail, key, "command");
                }
                self.turn.take_events(taken);
                self.permit();
            }
        }
    }

    /// Takes in one thing that happened outside.
    pub(super) fn take_arrival(&mut self, arrival: Arrival) {
        let Some(agent) = &mut self.agent else { return };
        match arrival {
            Arrival::Message { token, notices } => {
                self.turn.tally.lines += 1;
                self.turn.tally.streams.entry(agent.name.as_str().into()).or_default().lines += 1;
                if !self.turn.hear(token, &notices) {
                    agent.pause();
                }
            }
            Arrival::Queue { problem } => {
                self.turn.tally.streams.entry(agent.name.as_str().into()).or_default().problem = problem;
            }
            Arrival::Snapshot { made, notices, whole } => {
                let Learnt { new, refused, ended } = self.turn.learn(made, &notices, whole, &agent.in_bulk);
                self.turn.tally.streams.entry(agent.snapshot.as_str().into()).or_default().lines += 1;
                let made = crate::show_time(made);
                tracing::info!(made, bans = notices.len(), new, refused, ended, "snapshot of live bans");
            }
            Arrival::SnapshotRead { problem } => {
                self.turn.tally.streams.entry(agent.snapshot.as_str().into()).or_default().problem = problem;
                agent.snapshot_read();
            }
            Arrival::Drained => agent.drained(),
        }
    }

    /// Tells the queue which messages are done with. `Some` if all is done that was to be done once.
    pub(super) fn after_commit(&mut self) -> Option<End> {
        if let Some(queue) = &self.events {
            queue.tell(self.turn.messages.take_ended());
        }
        let agent = self.agent.as_ref()?;
        let tracker = self.turn.tracker();
        agent.tell(tracker.take_ended());
        let through = agent.is_through() && tracker.is_idle() && self.turn.waiting() == 0;
        through.then_some(End::Stop { flush: false })
    }
}

impl Turn {
    /// What messages wait for. Only an agent has one that anybody asks.
    pub(crate) fn tracker(&mut self) -> &mut Tracker {
        self.tracker.get_or_insert_default()
    }

    /// Begins to keep track; what the outbox still holds is owed from before.
    pub(crate) fn track(&mut self) -> Result<(), stockade_core::ports::StoreError> {
        let outbox = self.store.outbox(stockade_core::Timestamp::MAX, usize::MAX)?;
        self.tracker = Some(Tracker::new(&outbox));
        Ok(())
    }
}
