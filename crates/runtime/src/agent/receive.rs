//! The threads that take messages from the queue.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use stockade_aws::wire::{self, Notice};
use stockade_aws::{Aws, Fault, FaultKind};
use stockade_source::aws::queue::{BATCH, LONG_POLL, Poll, Queue, QueueSpec, Received};

use super::arrival::Arrival;
use super::held::Held;
use super::tracker::{End, Token};
use crate::daemon::input::Input;

/// How many threads take messages when there are many. Otherwise one does: each long poll costs money.
pub(super) const RECEIVERS: usize = 4;
/// How long the others wait for messages.
const SHORT_POLL: Duration = Duration::from_secs(1);
/// How long to wait after the first failure; each further wait is twice as long…
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// …but no longer than this.
const LAST_WAIT: Duration = Duration::from_secs(60);
/// How many things that are wrong with one message are told of.
const MAX_REASONS: usize = 5;

/// What the threads around a queue share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) aws: Aws,
    pub(super) spec: QueueSpec,
    /// The queue, once it is there.
    pub(super) queue: Arc<Mutex<Option<Queue>>>,
    pub(super) held: Arc<Held>,
    pub(super) inputs: Sender<Input>,
    pub(super) ended: Sender<Option<(Token, End)>>,
    /// Takes what there is, and ends.
    pub(super) once: bool,
    /// Counts how often the queue was made ready: after each the snapshot is read.
    pub(super) ready: AtomicUsize,
    pub(super) stop: Stop,
    /// Whether there are so many messages that more than one thread is to take them.
    pub(super) busy: AtomicBool,
}

/// Ends waiting.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    told: Condvar,
}

impl Stop {
    /// Waits; `false` if it was told to stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(stopped, time, |stopped| !*stopped);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }
}

impl Shared {
    /// Makes the queue ready, or sets right what is there.
    pub(super) fn make(&self) -> Result<(), Fault> {
        let (queue, made) = Queue::make(&self.aws, &self.spec)?;
        for change in &made.changes {
            tracing::info!(queue = self.spec.name, "{change}");
        }
        if queue.is_unfiltered() {
            tracing::warn!(
                "there are too many jails for a filter: messages of other jails are passed over here"
            );
        }
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue);
        self.ready.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn queue(&self) -> Option<Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, arrival: Arrival) -> bool {
        self.inputs.send(Input::Arrival(arrival)).is_ok()
    }

    fn trouble(&self, fault: &Fault, wait: Duration) {
        tracing::warn!(error = %fault, hint = fault.hint, again_in = ?wait, "cannot reach the queue; bans stay");
        self.tell(Arrival::Queue { problem: Some(fault.message.clone()) });
    }

    /// The first thread: makes the queue and takes messages for as long as there is somebody who hears of them.
    pub(super) fn receive(&self, poll: &Poll) {
        let mut wait = FIRST_WAIT;
        if self.queue().is_some() {
            self.tell(Arrival::Queue { problem: None });
        }
        while !self.stop.is_stopped() {
            let Some(queue) = self.queue() else {
                match self.make() {
                    Ok(()) => {
                        wait = FIRST_WAIT;
                        self.tell(Arrival::Queue { problem: None });
                    }
                    Err(fault) => {
                        self.trouble(&fault, wait);
                        self.stop.sleep(wait);
                        wait = (wait * 2).min(LAST_WAIT);
                    }
                }
                continue;
            };
            if !self.held.wait_for_room() {
                return;
            }
            match poll.take(&queue, if self.once { SHORT_POLL } else { LONG_POLL }) {
                Ok(messages) => {
                    wait = FIRST_WAIT;
                    self.busy.store(messages.len() >= BATCH, Ordering::Relaxed);
                    let none = messages.is_empty();
                    if !self.pass_on(&queue, messages) || (none && self.once) {
                        self.tell(Arrival::Drained);
                        return;
                    }
                }
                Err(fault) => {
                    self.trouble(&fault, wait);
                    self.stop.sleep(wait);
                    wait = (wait * 2).min(LAST_WAIT);
                    // Somebody deleted it: it is made anew, and the snapshot tells what was missed.
                    if fault.kind == FaultKind::Missing
                        && let Err(fault) = self.make()
                    {
                        self.trouble(&fault, wait);
                    }
                }
            }
        }
    }

    /// The other threads: help while there is much to do.
    pub(super) fn help(&self, poll: &Poll) {
        const LOOK: Duration = Duration::from_millis(200);
        while self.stop.sleep(LOOK) {
            while self.busy.load(Ordering::Relaxed) && !self.stop.is_stopped() {
                let Some(queue) = self.queue().filter(|_| self.held.wait_for_room()) else { return };
                // The first thread tells of what is wrong.
                let Ok(messages) = poll.take(&queue, SHORT_POLL) else { break };
                let many = messages.len() >= BATCH;
                if !self.pass_on(&queue, messages) {
                    return;
                }
                if !many {
                    break;
                }
            }
        }
    }

    /// Reads messages and tells of what they say. `false` if nobody hears it.
    fn pass_on(&self, queue: &Queue, messages: Vec<Received>) -> bool {
        let jails: BTreeSet<&str> = self.spec.jails.iter().map(String::as_str).collect();
        for message in messages {
            if message.receives > 1 {
                tracing::debug!(message = message.id, receives = message.receives, "a message comes again");
            }
            let (notices, reason) = read(queue, &message, &jails);
            let bans = notices.len();
            let token = self.held.hold(message, bans, reason, queue.visibility());
            if notices.is_empty() {
                // Nothing in it concerns the turn.
                if self.ended.send(Some((token, End::Done))).is_err() {
                    return false;
                }
            } else if !self.tell(Arrival::Message { token, notices }) {
                return false;
            }
        }
        self.tell(Arrival::Queue { problem: None })
    }
}

/// What a message says about our jails, and what is wrong with it.
fn read(queue: &Queue, message: &Received, jails: &BTreeSet<&str>) -> (Vec<Notice>, Option<String>) {
    let delivery = match wire::read(&message.body, &message.attributes, &queue.origins()) {
        Ok(delivery) => delivery,
        Err(error @ wire::WireError::ForeignTopic { .. }) => {
            return (Vec::new(), Some(format!("foreign topic: {error}")));
        }
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let mut reasons: Vec<String> = delivery.bad.iter().map(ToString::to_string).collect();
    let mut foreign: BTreeSet<String> = BTreeSet::new();
    let mut notices = delivery.notices;
    notices.retain(|notice| {
        let ours = jails.contains(&*notice.jail);
        if !ours && foreign.len() < MAX_REASONS {
            foreign.insert(notice.jail.to_string());
        }
        ours
    });
    for notice in &mut notices {
        // The same each time it is handed out, so that a repetition is seen to be one.
        notice.at = notice.at.or(message.sent);
    }
    if !queue.is_unfiltered() {
        reasons.extend(foreign.iter().map(|jail| format!("no such jail here: `{jail}`")));
    }
    if notices.is_empty() && foreign.is_empty() && reasons.is_empty() {
        reasons.push("it names no address".to_owned());
    }
    let more = reasons.len().saturating_sub(MAX_REASONS);
    reasons.truncate(MAX_REASONS);
    let mut reason = reasons.join("; ");
    if more > 0 {
        reason += &format!("; and {more} more");
    }
    (notices, Some(reason).filter(|reason| !reason.is_empty()))
}
