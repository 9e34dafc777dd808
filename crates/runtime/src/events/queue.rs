//! The threads that take messages with events from a queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stockade_aws::{Aws, Fault};
use stockade_core::StreamName;
use stockade_core::ports::Clock;
use stockade_source::aws::queue::{BATCH, LONG_POLL, Poll, Queue, Received};

use super::EventLane;
use super::intake::{Intake, Read, stream_name};
use super::taken::Taken;
use crate::agent::AgentError;
use crate::agent::crew::Crew;
use crate::agent::held::Held;
use crate::agent::receive::Stop;
use crate::agent::tracker::{End, Token};
use crate::daemon::SystemClock;
use crate::daemon::input::Input;
use crate::daemon::reading::Asking;

/// How many threads take messages when there are many: objects are waited for. Otherwise one does.
const RECEIVERS: usize = 4;
/// How long the others wait for messages.
const SHORT_POLL: Duration = Duration::from_secs(1);
/// How long to wait after the first failure; each further wait is twice as long…
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// …but no longer than this.
const LAST_WAIT: Duration = Duration::from_secs(60);
/// What the threads share.
struct Shared {
    aws: Aws,
    /// As it is configured.
    place: String,
    stream: StreamName,
    queue: Arc<Mutex<Option<Queue>>>,
    held: Arc<Held>,
    inputs: Sender<Input>,
    permits: SyncSender<()>,
    stop: Stop,
    /// Whether there are so many messages that more than one thread is to take them.
    busy: AtomicBool,
}

/// The queue of events, for one life of the daemon.
pub(crate) struct EventQueue {
    /// Its name, for people.
    pub(crate) stream: StreamName,
    shared: Option<Arc<Shared>>,
    crew: Crew,
}

/// One thing that the turn is told.
#[derive(Debug)]
pub(crate) enum Heard {
    /// What was found in a message.
    Taken(Taken),
    /// How the queue is.
    Queue {
        /// What is wrong with it.
        problem: Option<String>,
    },
}

impl EventQueue {
    /// Starts the threads. `asking` are the jails that ask a command whom they ignore.
    pub(crate) fn start(
        program: &stockade_config::Program,
        lane: &EventLane,
        asking: &[Asking],
        inputs: &Sender<Input>,
        permits: &SyncSender<()>,
    ) -> Result<Self, AgentError> {
        let place = program.events.queue.clone();
        let aws = Aws::new(&crate::agent::access(program))?;
        let (mut crew, _, endings) = Crew::new();
        let stream = stream_name(&place);
        let shared = Arc::new(Shared {
            aws,
            place,
            stream: Arc::clone(&stream),
            queue: Arc::new(Mutex::new(None)),
            held: Arc::new(Held::default()),
            inputs: inputs.clone(),
            permits: permits.clone(),
            stop: Stop::default(),
            busy: AtomicBool::new(false),
        });
        crew.keep("events-keep", &shared.queue, &shared.held, endings);
        for nth in 0..RECEIVERS {
            let poll = Poll::default();
            let mut taker = Taker {
                shared: Arc::clone(&shared),
                intake: Intake::new(lane.clone(), Some(&shared.aws)),
                asking: asking.to_vec(),
                poll: poll.clone(),
            };
            let body = move || if nth == 0 { taker.receive() } else { taker.help() };
            crew.take("events-take", &poll, body);
        }
        Ok(Self { stream, shared: Some(shared), crew })
    }

    /// What became of messages.
    pub(crate) fn tell(&self, ended: Vec<(Token, End)>) {
        self.crew.tell(ended);
    }

    /// Takes no more messages. The permits must be gone before, so that nobody waits for one.
    pub(crate) fn stop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.stop.stop();
            shared.held.close();
        }
        self.crew.stop();
    }

    /// Deletes what is done with, and waits for that.
    pub(crate) fn finish(mut self, ended: Vec<(Token, End)>) {
        self.stop();
        self.crew.finish(ended);
    }
}

/// One thread.
struct Taker {
    shared: Arc<Shared>,
    intake: Intake,
    asking: Vec<Asking>,
    poll: Poll,
}

impl Taker {
    /// The first thread: finds the queue and takes messages for as long as there is somebody who hears of them.
    fn receive(&mut self) {
        let mut wait = FIRST_WAIT;
        while !self.shared.stop.is_stopped() {
            let taken = match self.shared.queue() {
                None => self.shared.open().map(|()| Vec::new()),
                Some(_) if !self.shared.held.wait_for_room() => return,
                Some(queue) => self.poll.take(&queue, LONG_POLL),
            };
            match taken {
                Ok(messages) => {
                    wait = FIRST_WAIT;
                    self.shared.busy.store(messages.len() >= BATCH, Ordering::Relaxed);
                    if !self.shared.tell(Heard::Queue { problem: None }) || !self.read_all(messages) {
                        return;
                    }
                }
                Err(fault) => {
                    self.shared.trouble(&fault, wait);
                    if fault.kind == stockade_aws::FaultKind::Missing {
                        *self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    }
                    self.shared.stop.sleep(wait);
                    wait = (wait * 2).min(LAST_WAIT);
                }
            }
        }
    }

    /// The other threads: help while there is much to do.
    fn help(&mut self) {
        const LOOK: Duration = Duration::from_millis(200);
        while self.shared.stop.sleep(LOOK) {
            while self.shared.busy.load(Ordering::Relaxed) && !self.shared.stop.is_stopped() {
                let Some(queue) = self.shared.queue() else { break };
                if !self.shared.held.wait_for_room() {
                    return;
                }
                // The first thread tells of what is wrong.
                let Ok(messages) = self.poll.take(&queue, SHORT_POLL) else { break };
                let many = messages.len() >= BATCH;
                if !self.read_all(messages) {
                    return;
                }
                if !many {
                    break;
                }
            }
        }
    }

    /// `false` if nobody hears it.
    fn read_all(&mut self, messages: Vec<Received>) -> bool {
        let Some(queue) = self.shared.queue() else { return true };
        // All of them are hidden from the moment on in which they were taken, and some wait for others.
        let held: Vec<(Token, Received)> = messages
            .into_iter()
            .map(|message| {
                let kept = Received { body: String::new(), ..message.clone() };
                (self.shared.held.hold(kept, 1, None, queue.visibility()), message)
            })
            .collect();
        held.into_iter().all(|(token, message)| !self.shared.stop.is_stopped() && self.read(token, &message))
    }

    fn read(&mut self, token: Token, message: &Received) -> bool {
        if message.receives > 1 {
            tracing::debug!(message = message.id, receives = message.receives, "a message comes again");
        }
        let received = message.sent.unwrap_or_else(|| SystemClock.now());
        let (shared, asking) = (&self.shared, &mut self.asking);
        let mut hand_on = |matches| shared.hand_on(asking, token, matches, 0, None);
        let (read, rest) = self.intake.message(&message.body, received, &shared.stream, &mut hand_on);
        let Read { events, objects, passed_over, broken, failed } = read;
        for problem in &passed_over {
            tracing::warn!(message = message.id, problem, "an event was passed over");
        }
        if broken > 0 {
            tracing::warn!(message = message.id, events, broken, "events that nobody can read");
        }
        tracing::debug!(message = message.id, events, objects, matches = rest.len(), "read");
        let end = Some(failed.map_or(Ok(()), |why| Err(format!("message {}: {why}", message.id))));
        self.shared.hand_on(&mut self.asking, token, rest, events, end)
    }
}

impl Shared {
    fn queue(&self) -> Option<Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds the queue.
    fn open(&self) -> Result<(), Fault> {
        let (queue, dead) = Queue::open(&self.aws, &self.place)?;
        match dead {
            Some(dead) => tracing::info!(queue = queue.arn(), dead, "reading events"),
            None => {
                tracing::warn!(
                    queue = queue.arn(),
                    "reading events; the queue has no dead-letter queue: what cannot be read comes again and again"
                );
            }
        }
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue);
        Ok(())
    }

    fn trouble(&self, fault: &Fault, wait: Duration) {
        tracing::warn!(error = %fault, hint = fault.hint, again_in = ?wait, "cannot reach the queue of events");
        self.tell(Heard::Queue { problem: Some(fault.message.clone()) });
    }

    fn tell(&self, heard: Heard) -> bool {
        self.inputs.send(Input::Events(heard)).is_ok()
    }

    /// Tells the turn what was found, as soon as it has room for it.
    fn hand_on(
        &self,
        asking: &mut [Asking],
        token: Token,
        mut matches: Vec<(usize, stockade_core::Match)>,
        events: u64,
        end: Option<Result<(), String>>,
    ) -> bool {
        let now = SystemClock.now();
        let mut ignored = Vec::new();
        matches.retain(|(at, found)| {
            let ignores = asking.iter_mut().any(|asking| asking.ignores(*at, found, now));
            if ignores {
                ignored.push((Arc::clone(&found.jail), found.key.clone()));
            }
            !ignores
        });
        self.permits.send(()).is_ok()
            && self.tell(Heard::Taken(Taken { token, matches, events, ignored, end }))
    }
}
