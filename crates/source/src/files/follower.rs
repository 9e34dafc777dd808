//! The source that follows files.

use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use stockade_core::{Position, StreamName};

use super::context::{Context, Finished};
use super::stream::Stream;
use super::token::Token;
use super::watch::{Heard, Watcher};
use crate::block::{Event, Flow, Source};
use crate::limits::{BLOCK_BYTES, MAX_FILES, MAX_OPEN_FILES, POLLING_TICK, ROUND_BYTES, TICK};
use crate::waker::{Woken, wait};
use crate::{Notice, Pattern, SourceError, Waker};

/// What to follow, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FollowSpec {
    /// The files. A file that several of them lead to is read once; [`crate::Block::wanted_by`] names them by index.
    pub patterns: Vec<Pattern>,
    /// How often everything is looked at even if nothing was announced. At least a millisecond.
    pub tick: Duration,
    /// Whether the kernel is asked to announce changes. Without it a line is found at the next tick.
    pub watch: bool,
}

impl FollowSpec {
    /// These patterns, announced by the kernel, and looked at every [`TICK`] as well.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        Self { patterns, tick: TICK, watch: true }
    }
}

/// Follows log files: new ones, rotated ones, and those that were read in part before a restart.
///
/// A line is delivered when its `\n` is there, and at once. Files have their turns in order, at most
/// [`crate::limits::TURN_BYTES`] each, so that one busy log cannot keep the others waiting.
pub struct Follower {
    pub(super) spec: FollowSpec,
    pub(super) streams: Vec<Option<Stream>>,
    pub(super) watcher: Watcher,
    pub(super) finished: Finished,
    /// What was stored of streams that have not come up yet.
    pub(super) stored: HashMap<StreamName, Result<Token, Position>>,
    pub(super) told_missing: HashSet<usize>,
    pub(super) told_too_many: bool,
    pub(super) first_scan: bool,
    ready: VecDeque<usize>,
    waker: Waker,
    buffer: Vec<u8>,
    open_files: usize,
    /// Something was announced that a scan must look at.
    stale: bool,
    next_tick: Instant,
    /// Scans may take a fifth of the time, so that a folder full of churn cannot keep us from reading.
    scan_allowed: Instant,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("spec", &self.spec)
            .field("streams", &self.streams.iter().flatten().count())
            .field("open_files", &self.open_files)
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// Makes ready to follow. `stored` is where reading stopped before, of any streams; those that are not followed
    /// are ignored. Nothing is opened before the first [`Source::next`].
    ///
    /// # Errors
    ///
    /// [`SourceError::System`] if no descriptor is left.
    pub fn new(mut spec: FollowSpec, stored: &[Position]) -> Result<Self, SourceError> {
        let watcher = Watcher::new(spec.watch);
        if watcher.fd().is_none() {
            spec.tick = spec.tick.min(POLLING_TICK);
        }
        spec.tick = spec.tick.max(Duration::from_millis(1));
        let mut finished = Finished::default();
        let stored = stored.iter().take(MAX_FILES).map(|position| {
            let token = Token::from_position(position);
            if let Some(token) = &token {
                finished.insert(token.memory.generation.inode, token.memory);
            }
            (position.stream.clone(), token.ok_or_else(|| position.clone()))
        });
        let now = Instant::now();
        Ok(Self {
            stored: stored.collect(),
            spec,
            streams: Vec::new(),
            watcher,
            finished,
            told_missing: HashSet::new(),
            told_too_many: false,
            first_scan: true,
            ready: VecDeque::new(),
            waker: Waker::new()?,
            buffer: vec![0; BLOCK_BYTES],
            open_files: 0,
            stale: true,
            next_tick: now,
            scan_allowed: now,
        })
    }

    /// Puts a stream in the queue.
    pub(super) fn queue(&mut self, index: usize) {
        if let Some(Some(stream)) = self.streams.get_mut(index)
            && !std::mem::replace(&mut stream.queued, true)
        {
            self.ready.push_back(index);
        }
    }

    /// Does something with a stream and what it may use.
    pub(super) fn with<T>(
        &mut self,
        index: usize,
        sink: &mut dyn FnMut(Event<'_>),
        act: impl FnOnce(&mut Stream, &mut Context<'_>) -> T,
    ) -> Option<T> {
        let stream = self.streams.get_mut(index)?.as_mut()?;
        let before = stream.open_files();
        let mut cx = Context {
            watcher: &mut self.watcher,
            finished: &mut self.finished,
            sink,
            buffer: &mut self.buffer,
            now: Instant::now(),
            index,
            unsettled: false,
        };
        let result = act(stream, &mut cx);
        self.stale |= cx.unsettled;
        self.open_files = self.open_files + stream.open_files() - before;
        Some(result)
    }

    /// Takes note of what the kernel announced.
    fn listen(&mut self) {
        let mut heard = Vec::new();
        self.watcher.listen(|event| heard.push(event));
        for event in heard {
            match event {
                Heard::Written(stream) => self.queue(stream),
                Heard::Moved(stream) => {
                    self.queue(stream);
                    self.stale = true;
                }
                Heard::Name(path, is_folder) => {
                    self.stale |=
                        is_folder || self.spec.patterns.iter().any(|pattern| pattern.matches(&path));
                }
                Heard::Everything => {
                    self.stale = true;
                    self.queue_all();
                }
            }
        }
    }

    fn queue_all(&mut self) {
        for index in 0..self.streams.len() {
            if self.streams.get(index).and_then(Option::as_ref).is_some_and(|stream| stream.open_files() > 0)
            {
                self.queue(index);
            }
        }
    }

    /// Looks at paths and files if it is time.
    fn look_around(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let now = Instant::now();
        let tick = now >= self.next_tick;
        if tick {
            self.next_tick = now + self.spec.tick;
            self.queue_all();
        }
        if !tick && (!self.stale || now < self.scan_allowed) {
            return;
        }
        self.stale = false;
        self.scan(sink);
        if tick {
            self.tidy(sink);
        }
        let done = Instant::now();
        self.scan_allowed = done + 4 * done.duration_since(now);
        if let Some(error) = self.watcher.take_refusal() {
            sink(Event::Notice(Notice::Polling { error, tick: self.spec.tick }));
        }
    }

    /// Gives each stream that waits its turn, until a round's worth was read.
    fn round(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let mut bytes = 0;
        for _ in 0..self.ready.len() {
            let Some(index) = self.ready.pop_front() else { break };
            if let Some(Some(stream)) = self.streams.get_mut(index) {
                stream.queued = false;
            }
            if self.open_files >= MAX_OPEN_FILES {
                self.park_idle(sink);
            }
            let mut counting = |event: Event<'_>| {
                if let Event::Block(block) = &event {
                    bytes += block.bytes.len();
                }
                sink(event);
            };
            if self.with(index, &mut counting, Stream::turn) == Some(true) {
                self.queue(index);
            }
            if bytes >= ROUND_BYTES {
                break;
            }
        }
    }

    /// Closes the files that have been quiet for longest, until a quarter of what is allowed is free again.
    fn park_idle(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let idle = |(index, stream): (usize, &Option<Stream>)| {
            let stream = stream.as_ref().filter(|stream| !stream.queued)?;
            Some((stream.idle_since()?, index))
        };
        let mut quiet: Vec<_> = self.streams.iter().enumerate().filter_map(idle).collect();
        quiet.sort_unstable();
        let wanted = self.open_files.saturating_sub(MAX_OPEN_FILES / 4 * 3);
        for (_, index) in quiet.into_iter().take(wanted) {
            self.with(index, sink, |stream, _| stream.park());
        }
    }
}

impl Source for Follower {
    fn next(&mut self, wait_for: Duration, sink: &mut dyn FnMut(Event<'_>)) -> Result<Flow, SourceError> {
        let until = Instant::now() + wait_for;
        let delivered = Cell::new(false);
        let mut sink = |event: Event<'_>| {
            delivered.set(true);
            sink(event);
        };
        loop {
            self.listen();
            self.look_around(&mut sink);
            self.round(&mut sink);
            if delivered.get() {
                return Ok(Flow::Open);
            }
            let mut next_look = until.min(self.next_tick);
            if self.stale {
                next_look = next_look.min(self.scan_allowed);
            }
            if !self.ready.is_empty() {
                next_look = Instant::now();
            }
            let fds: Vec<_> = self.watcher.fd().into_iter().collect();
            let woken = wait(&self.waker, &fds, next_look);
            if woken == Woken::Waker || (woken == Woken::Timeout && Instant::now() >= until) {
                return Ok(Flow::Open);
            }
        }
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}
