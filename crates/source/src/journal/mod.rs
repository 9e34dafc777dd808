//! The systemd journal as a live stream.
//!
//! `journalctl` reads it, in the export format: the journal's file format is its own affair, it knows namespaces and
//! access rights, and it follows through rotation, which has been the trouble of those who read the files themselves.
//! It is a child with an argument vector; no shell, and no value that could be taken for an option.
//!
//! Positions: the cursor says where to go on. Offsets count the bytes of text since the incarnation began, so they name
//! a record within it; the incarnation is named by the first entry's cursor. Entries come up to a quarter of a second
//! late: journald tells its readers no faster.

mod child;
mod entry;
mod export;
mod matches;
mod spec;

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stockade_core::limits::MAX_LINE_BYTES;
use stockade_core::{MatchId, Position, StreamName, Timestamp};

use self::child::{From, Got, Reader, last_cursor};
use self::export::{Entry, Parser};
pub use self::matches::JournalMatch;
pub use self::spec::{JournalSpec, JournalStart};
use crate::block::{Block, Event, Flow, Mark, Source};
use crate::limits::{JOURNAL_BACKOFF_MAX, ROUND_BYTES};
use crate::waker::{Woken, wait};
use crate::{Notice, SourceError, Waker};

/// Follows the systemd journal: every entry that is wanted, once, in order, also over restarts of itself, of
/// `journalctl` and of journald.
pub struct Journal {
    spec: JournalSpec,
    stream: StreamName,
    fields: Vec<String>,
    reader: Option<Reader>,
    parser: Parser,
    place: Place,
    /// Whether the place was looked up and told.
    opened: bool,
    resumed: bool,
    /// Entries received from then on are live.
    started: Timestamp,
    /// What to tell next.
    untold: Vec<Notice>,
    backoff: Duration,
    retry_at: Instant,
    /// What the reader said last, so that it is told once.
    said: Option<String>,
    waker: Waker,
    buffer: Vec<u8>,
    batch: Batch,
}

/// Where the stream stands.
#[derive(Clone, Debug, Default)]
struct Place {
    generation: String,
    offset: u64,
    cursor: Option<String>,
    /// When the last entry was received.
    received: Option<Timestamp>,
    /// The entry with this cursor was delivered before a restart.
    known: Option<String>,
}

/// Lines that are wanted by the same, to be handed on together.
#[derive(Debug, Default)]
struct Batch {
    text: Vec<u8>,
    times: Vec<Timestamp>,
    wanted_by: Vec<usize>,
    live: bool,
    begin: Place,
}

const READ_BYTES: usize = 64 * 1024;

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("spec", &self.spec)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A reader that goes on at the stored position of its stream, or starts where the specification says. Nothing is
    /// started before the first [`Source::next`]; trouble with `journalctl` or with the journal is told by notices,
    /// and tried again.
    ///
    /// # Errors
    ///
    /// [`SourceError::System`] if no descriptor is left.
    pub fn new(spec: JournalSpec, stored: &[Position]) -> Result<Self, SourceError> {
        let mut fields: Vec<String> = entry::FIELDS.map(str::to_owned).into();
        for field in spec.matches.iter().flat_map(JournalMatch::fields) {
            if !fields.iter().any(|known| known == field) {
                fields.push(field.to_owned());
            }
        }
        let own = |position: &&Position| *position.stream == *spec.stream && position.cursor.is_some();
        let stored = stored.iter().find(own);
        Ok(Self {
            stream: spec.stream.as_str().into(),
            parser: Parser::new(fields.clone()),
            fields,
            reader: None,
            place: stored.map_or_else(Place::default, Place::stored),
            opened: false,
            resumed: stored.is_some(),
            started: now(),
            untold: Vec::new(),
            backoff: Duration::ZERO,
            retry_at: Instant::now(),
            said: None,
            waker: Waker::new()?,
            buffer: vec![0; READ_BYTES],
            batch: Batch::default(),
            spec,
        })
    }

    /// Starts the reader if it is time.
    fn ensure_reader(&mut self) {
        if self.reader.is_some() || Instant::now() < self.retry_at {
            return;
        }
        if let Err(error) = self.start() {
            let (stream, retry_in) = (self.stream.clone(), self.back_off());
            self.untold.push(Notice::Failed { stream, error });
            self.untold.push(Notice::ReaderDied { reason: "it could not be started".into(), retry_in });
        }
    }

    fn start(&mut self) -> Result<(), SourceError> {
        if !self.opened {
            let last = last_cursor(&self.spec)?;
            if !self.resumed && self.spec.start == JournalStart::End {
                self.place = Place::after(last.as_deref());
            }
            self.opened = true;
            let position = self.place.mark().position(&self.stream);
            let wanted_by = (0..self.spec.matches.len().max(1)).collect();
            self.untold.push(Notice::Opened { position, wanted_by, resumed: self.resumed });
        }
        // What was read of an entry that never ended is read again.
        self.parser = Parser::new(self.fields.clone());
        self.place.known.clone_from(&self.place.cursor);
        let from = match (&self.place.cursor, self.place.received, self.spec.start) {
            (Some(cursor), _, _) => From::Cursor(cursor.clone()),
            (None, Some(received), _) => From::Second(received.as_secs()),
            (None, None, JournalStart::Recent(span)) => From::Second(self.started.minus(span).as_secs()),
            (None, None, _) => From::Beginning,
        };
        self.reader = Some(Reader::start(&self.spec, &self.fields, &from)?);
        Ok(())
    }

    fn back_off(&mut self) -> Duration {
        self.backoff = (self.backoff * 2).clamp(Duration::from_secs(1), JOURNAL_BACKOFF_MAX);
        self.retry_at = Instant::now() + self.backoff;
        self.backoff
    }

    fn died(&mut self, reason: String) {
        if reason.contains("seek to cursor") {
            // The cursor is not one. What it says of the time is still good.
            let position = self.place.mark().position(&self.stream);
            let cursor = self.place.cursor.take();
            self.place.received = self.place.received.or_else(|| cursor.as_deref().and_then(time_of_cursor));
            self.untold.push(Notice::PositionLost { position });
        }
        let retry_in = self.back_off();
        self.untold.push(Notice::ReaderDied { reason, retry_in });
    }

    /// Reads and hands on what has come. True if there was anything.
    fn pull(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut any = false;
        let mut bytes = 0;
        while bytes < ROUND_BYTES {
            let Some(reader) = &mut self.reader else { break };
            match reader.read(&mut self.buffer) {
                Got::Nothing => break,
                Got::Bytes(n) => {
                    bytes += n;
                    any |= self.take(n, sink);
                }
                Got::End => {
                    if let Some(reader) = self.reader.take() {
                        self.died(reader.ended());
                    }
                }
            }
        }
        if let Some(said) = self.reader.as_mut().and_then(Reader::said)
            && self.said.as_ref() != Some(&said)
        {
            self.said = Some(said.clone());
            self.untold.push(Notice::ReaderSays { text: said });
        }
        for notice in self.untold.drain(..) {
            any = true;
            sink(Event::Notice(notice));
        }
        any
    }

    /// Parses what was read. True if lines or notices were handed on.
    fn take(&mut self, n: usize, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let Self { parser, buffer, batch, place, spec, stream, started, backoff, .. } = self;
        let mut any = false;
        parser.feed(buffer.get(..n).unwrap_or_default(), |parser, entry| {
            *backoff = Duration::ZERO;
            let cursor = entry::cursor(entry);
            if place.known.take().is_some_and(|known| Some(known.as_str()) == cursor) {
                return; // Delivered before.
            }
            let received = entry::received(entry);
            let live = received.is_some_and(|received| received >= *started);
            let mut wanted_by = Vec::new();
            spec.wanted_by(|field, value| entry::has(parser, entry, field, value), &mut wanted_by);
            if batch.wanted_by != wanted_by || batch.live != live {
                any |= batch.hand_on(stream, place, sink);
            }
            if place.generation.is_empty() {
                place.generation = generation_of(cursor.unwrap_or_default());
            }
            if batch.times.is_empty() {
                (batch.begin, batch.wanted_by, batch.live) = (place.clone(), wanted_by, live);
            }
            let length = batch.push(entry, *started);
            place.cursor = cursor.map(str::to_owned).or(place.cursor.take());
            place.received = received.or(place.received);
            match length {
                Ok(length) => place.offset += length,
                Err(bytes) => {
                    any = true;
                    sink(Event::Notice(Notice::LongLine {
                        stream: stream.clone(),
                        generation: place.generation.clone(),
                        offset: place.offset,
                        bytes,
                    }));
                }
            }
        });
        any | batch.hand_on(stream, place, sink)
    }
}

impl Batch {
    /// Appends an entry's line and returns its length; `Err` if it is too long, with how long it is.
    fn push(&mut self, entry: &Entry, now: Timestamp) -> Result<u64, u64> {
        let start = self.text.len();
        entry::write_line(entry, &mut self.text);
        let length = self.text.len() - start;
        if entry.dropped > 0 || length > MAX_LINE_BYTES + 1 {
            self.text.truncate(start);
            return Err(length as u64 + entry.dropped);
        }
        // Every entry has a time; one without is an error of the journal, and then now is the best guess.
        self.times.push(entry::time(entry).unwrap_or(now));
        Ok(length as u64)
    }

    fn hand_on(&mut self, stream: &StreamName, place: &Place, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let any = !self.times.is_empty();
        if any {
            sink(Event::Block(Block {
                stream,
                generation: &place.generation,
                offset: self.begin.offset,
                bytes: &self.text,
                live: self.live,
                times: Some(&self.times),
                wanted_by: &self.wanted_by,
                begin: Mark { generation: &place.generation, ..self.begin.mark() },
                end: place.mark(),
            }));
        }
        self.text.clear();
        self.times.clear();
        any
    }
}

impl Place {
    /// Where a stored position says. Its cursor belongs to `replay_from`.
    fn stored(position: &Position) -> Self {
        Self {
            generation: position.generation.clone(),
            offset: position.replay_from.min(position.offset),
            cursor: position.cursor.clone(),
            ..Self::default()
        }
    }

    /// After the last entry; at the beginning of an empty journal.
    fn after(cursor: Option<&str>) -> Self {
        let generation = cursor.map(generation_of).unwrap_or_default();
        Self { generation, cursor: cursor.map(str::to_owned), ..Self::default() }
    }

    fn mark(&self) -> Mark<'_> {
        Mark { generation: &self.generation, offset: self.offset, cursor: self.cursor.as_deref() }
    }
}

impl Source for Journal {
    fn next(&mut self, wait_for: Duration, sink: &mut dyn FnMut(Event<'_>)) -> Result<Flow, SourceError> {
        let until = Instant::now() + wait_for;
        loop {
            self.ensure_reader();
            if self.pull(sink) {
                return Ok(Flow::Open);
            }
            let next_look = if self.reader.is_some() { until } else { until.min(self.retry_at) };
            let fds: Vec<_> = self.reader.iter().map(Reader::fd).collect();
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

/// Names an incarnation by the cursor of its first entry: the same for whoever starts at the same entry.
fn generation_of(cursor: &str) -> String {
    format!("{:032x}", MatchId::derive("", "journal", cursor, 0, 0).0)
}

/// The time that a cursor holds: `t=`, microseconds in hexadecimal.
fn time_of_cursor(cursor: &str) -> Option<Timestamp> {
    let micros = cursor.split(';').find_map(|part| part.strip_prefix("t="))?;
    i64::from_str_radix(micros, 16).ok().filter(|us| *us >= 0).map(|us| Timestamp::from_millis(us / 1000))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
