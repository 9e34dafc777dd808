//! The threads around a queue: those that take messages, and the one that keeps and deletes them.

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stockade_source::aws::queue::{Poll, Queue};

use super::held::{self, Held};
use super::tracker::{End, Token};

/// How long the end waits for threads that wait for AWS.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long it waits for messages to be deleted. One that is not comes again, and is known then.
const DELETED_WITHIN: Duration = Duration::from_secs(10);

/// What became of messages; `None`: no more is to come.
pub(crate) type Endings = Receiver<Option<(Token, End)>>;

/// The threads around one queue.
pub(crate) struct Crew {
    ended: Option<Sender<Option<(Token, End)>>>,
    polls: Vec<Poll>,
    takers: Vec<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("takers", &self.takers.len()).finish_non_exhaustive()
    }
}

impl Crew {
    /// Nobody yet. What it is told comes out at the other end.
    pub(crate) fn new() -> (Self, Sender<Option<(Token, End)>>, Endings) {
        let (ended, endings) = channel();
        let crew = Self { ended: Some(ended.clone()), polls: Vec::new(), takers: Vec::new(), keeper: None };
        (crew, ended, endings)
    }

    /// Starts the thread that keeps messages hidden, and deletes them.
    pub(crate) fn keep(
        &mut self,
        name: &str,
        queue: &Arc<Mutex<Option<Queue>>>,
        held: &Arc<Held>,
        endings: Endings,
    ) {
        let (queue, held) = (Arc::clone(queue), Arc::clone(held));
        self.keeper = spawn(name, move || held::keep(&queue, &held, &endings));
    }

    /// Starts a thread that takes messages.
    pub(crate) fn take(&mut self, name: &str, poll: &Poll, body: impl FnOnce() + Send + 'static) {
        self.polls.push(poll.clone());
        self.also(name, body);
    }

    /// Starts a thread that takes something else and ends with the others.
    pub(crate) fn also(&mut self, name: &str, body: impl FnOnce() + Send + 'static) {
        self.takers.extend(spawn(name, body));
    }

    /// What became of messages.
    pub(crate) fn tell(&self, ended: Vec<(Token, End)>) {
        for one in ended {
            let _ = self.ended.as_ref().map(|sender| sender.send(Some(one)));
        }
    }

    /// Takes no more messages: the takers know already that they are to stop.
    pub(crate) fn stop(&mut self) {
        self.polls.iter().for_each(Poll::stop);
        // Who waits for an answer that does not come is left behind: what it brings then nobody takes.
        wait(LAST_WORDS, || self.takers.iter().all(JoinHandle::is_finished));
        self.takers.clear();
    }

    /// Deletes what is done with, and waits for that.
    pub(crate) fn finish(mut self, ended: Vec<(Token, End)>) {
        self.tell(ended);
        let _ = self.ended.take().map(|sender| sender.send(None));
        wait(DELETED_WITHIN, || self.keeper.as_ref().is_none_or(JoinHandle::is_finished));
    }
}

/// Waits until it is so, and no longer than that.
fn wait(longest: Duration, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() && began.elapsed() < longest {
        thread::sleep(Duration::from_millis(5));
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .inspect_err(|error| tracing::error!(%error, thread = name, "cannot start a thread"))
        .ok()
}
