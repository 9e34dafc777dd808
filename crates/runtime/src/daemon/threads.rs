//! The threads around the turn: sources, signals, watches, look-ups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stockade_core::Position;
use stockade_core::ports::{Clock, Listener};
use stockade_respond::Watch;
use stockade_source::{Event, Flow, Notice, Waker};

use super::assembly::Feed;
use super::input::{Input, Wish};
use super::reading::Judge;
use crate::ignoring::{Found, Lookups};

/// How many readings may wait for the turn.
const MAX_WAITING_READINGS: usize = 16;
/// How long a thread waits before it looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often `ignoreip` is looked up again.
const LOOKUP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked for news of other hosts if nobody tells of any.
const NEWS_EVERY: Duration = Duration::from_secs(5);
/// After how long a source that failed is tried again.
const SOURCE_RETRY: Duration = Duration::from_secs(5);

/// Where to send what one jail, by its place, wants looked up instead.
pub(crate) type Replace = Sender<(usize, Lookups)>;

/// Threads that stop together.
#[derive(Debug)]
pub(crate) struct Threads {
    stop: Arc<AtomicBool>,
    wakers: Vec<Waker>,
    sources: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
    permits: SyncSender<()>,
}

impl Threads {
    /// No threads yet. The receiver gives back, one by one, the permits that sources took for their readings.
    pub(crate) fn new() -> (Self, Receiver<()>) {
        let (permits, taken) = sync_channel(MAX_WAITING_READINGS);
        let stop = Arc::new(AtomicBool::new(false));
        (Self { stop, wakers: Vec::new(), sources: Vec::new(), others: Vec::new(), permits }, taken)
    }

    /// What whoever reads takes one of for each reading.
    #[cfg(feature = "aws")]
    pub(crate) fn permits(&self) -> &SyncSender<()> {
        &self.permits
    }

    /// Drives a source.
    pub(crate) fn read(
        &mut self,
        feed: Feed,
        stored: &[Position],
        clock: Arc<dyn Clock>,
        inputs: Sender<Input>,
    ) {
        self.wakers.push(feed.source.waker());
        let (stop, permits) = (Arc::clone(&self.stop), self.permits.clone());
        let judge = Judge::new(feed.readers, feed.asking, stored);
        let source = Reading { name: feed.name, source: feed.source, judge, clock, inputs, permits, stop };
        match thread::Builder::new().name(format!("read-{}", feed.name)).spawn(move || source.run()) {
            Ok(handle) => self.sources.push(handle),
            Err(error) => tracing::error!(%error, source = feed.name, "cannot start to read"),
        }
    }

    /// Watches what a responder put in force.
    pub(crate) fn watch(&mut self, at: usize, mut watch: Watch, inputs: Sender<Input>) {
        self.other("watch", move |stop| {
            while !stop.load(Ordering::Relaxed) {
                match watch.wait(PATIENCE) {
                    Ok(None) => {}
                    Ok(Some(change)) => {
                        let what = format!("{change:?}");
                        if inputs.send(Input::GroundChanged { at, what }).is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot watch the firewall; it is still looked at on the timer");
                        return;
                    }
                }
            }
        });
    }

    /// Tells when other hosts may have committed something; now and then in any case, as a word of it may be lost.
    pub(crate) fn listen(&mut self, mut listener: Box<dyn Listener>, inputs: Sender<Input>) {
        self.other("fleet", move |stop| {
            let mut next = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                if !listener.wait(PATIENCE) && Instant::now() < next {
                    continue;
                }
                next = Instant::now() + NEWS_EVERY;
                if inputs.send(Input::News).is_err() {
                    return;
                }
            }
        });
    }

    /// Looks up `ignoreip` again and again, and tells what changed. What one jail wants looked up can be replaced.
    pub(crate) fn look_up(&mut self, mut lookups: Vec<Lookups>, inputs: Sender<Input>) -> Replace {
        let (replace, replaced) = channel::<(usize, Lookups)>();
        self.other("ignoreip", move |stop| {
            let mut known: Vec<Option<Found>> = vec![None; lookups.len()];
            let mut next = Instant::now() + LOOKUP_EVERY;
            while !stop.load(Ordering::Relaxed) {
                let all = Instant::now() >= next;
                let only = match replaced.recv_timeout(PATIENCE) {
                    Ok((jail, fresh)) => {
                        if let Some(lookups) = lookups.get_mut(jail) {
                            *lookups = fresh;
                        }
                        Some(jail)
                    }
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                if all {
                    next = Instant::now() + LOOKUP_EVERY;
                }
                for (jail, (lookup, known)) in lookups.iter().zip(&mut known).enumerate() {
                    if !(only == Some(jail) || all && !lookup.is_static()) {
                        continue;
                    }
                    let mut warnings = Vec::new();
                    let found = lookup.find(|warning| warnings.push(warning));
                    // What cannot be found now was found before: nobody is counted because a name server is down.
                    if only != Some(jail) && (!warnings.is_empty() || known.as_ref() == Some(&found)) {
                        continue;
                    }
                    *known = Some(found.clone());
                    if inputs.send(Input::Ignore { jail, found, warnings }).is_err() {
                        return;
                    }
                }
            }
        });
        replace
    }

    fn other(&mut self, name: &str, body: impl FnOnce(&AtomicBool) + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        match thread::Builder::new().name(name.to_owned()).spawn(move || body(&stop)) {
            Ok(handle) => self.others.push(handle),
            Err(error) => tracing::error!(%error, thread = name, "cannot start a thread"),
        }
    }

    /// Whether every source has ended by itself.
    pub(crate) fn sources_ended(&self) -> bool {
        self.sources.iter().all(JoinHandle::is_finished)
    }

    /// Stops reading. `taken` must be dropped before, so that nobody waits for a permit.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wakers.iter().for_each(Waker::wake);
        for handle in self.sources.into_iter().chain(self.others) {
            let _ = handle.join();
        }
    }
}

struct Reading {
    name: &'static str,
    source: Box<dyn stockade_source::Source>,
    judge: Judge,
    clock: Arc<dyn Clock>,
    inputs: Sender<Input>,
    permits: SyncSender<()>,
    stop: Arc<AtomicBool>,
}

impl Reading {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let mut gone = false;
            let (judge, clock, inputs, permits) = (&mut self.judge, &self.clock, &self.inputs, &self.permits);
            let flow = self.source.next(PATIENCE, &mut |event| {
                if gone {
                    return;
                }
                gone = match event {
                    Event::Block(block) => {
                        permits.send(()).is_err()
                            || inputs.send(Input::Reading(judge.judge(&block, clock.now()))).is_err()
                    }
                    Event::Notice(Notice::Ended { stream }) => inputs.send(Input::Ended(stream)).is_err(),
                    Event::Notice(Notice::Opened { position, wanted_by, resumed }) => {
                        let jails = judge.jails_of(&wanted_by);
                        inputs.send(Input::Opened { position, resumed, jails }).is_err()
                    }
                    Event::Notice(notice) => inputs.send(Input::Notice(notice)).is_err(),
                };
            });
            match flow {
                _ if gone => return,
                Ok(Flow::Open) => {}
                Ok(Flow::Ended) => return,
                Err(error) => {
                    let problem = error.to_string();
                    if self.inputs.send(Input::SourceDied { source: self.name, problem }).is_err() {
                        return;
                    }
                    for _ in 0..SOURCE_RETRY.as_millis() / PATIENCE.as_millis() {
                        if self.stop.load(Ordering::Relaxed) {
                            return;
                        }
                        thread::sleep(PATIENCE);
                    }
                }
            }
        }
    }
}

/// Turns signals into wishes, for as long as the process lives.
pub(crate) fn signals(inputs: Sender<Input>) -> std::io::Result<signal_hook::iterator::Handle> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let handle = signals.handle();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let wish = if signal == SIGHUP { Wish::Reload } else { Wish::Stop };
            if inputs.send(Input::Signal(wish)).is_err() {
                return;
            }
        }
    })?;
    Ok(handle)
}
