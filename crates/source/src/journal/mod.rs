//! The systemd journal, live and with a cursor.
//!
//! One `journalctl --follow` delivers the entries of all matches; each becomes a line as syslog would have written it,
//! with the time that the journal knows. The cursor of the last entry is stored with what was found, so a restart goes
//! on behind it.

mod child;
mod entry;
mod export;
mod matches;

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stockade_core::limits::MAX_LINE_BYTES;
use stockade_core::{Position, StreamName, Timestamp};

pub use matches::JournalMatch;

use crate::block::{Block, Event, Flow, Mark, Source};
use crate::limits::{JOURNAL_BACKOFF_MAX, ROUND_BYTES};
use crate::waker::{Woken, wait};
use crate::{Notice, SourceError, Waker};
use child::{Got, Running};
use export::Parser;

/// The name of the stream.
pub(crate) const STREAM: &str = "journal";
/// How far back a journal is read of which no cursor is stored.
pub(crate) const FIRST_READ: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon a reader that died is started again; doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// How much is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Which entries to read, and from where.
#[derive(Clone, Debug, Default)]
pub struct JournalSpec {
    /// What is wanted; each is a pattern of its own in [`Block::wanted_by`].
    pub matches: Vec<JournalMatch>,
    /// A folder of journal files, instead of the machine's own journal.
    pub directory: Option<PathBuf>,
}

/// Reads the journal.
pub struct Journal {
    spec: JournalSpec,
    stream: StreamName,
    running: Option<Running>,
    parser: Parser,
    waker: Waker,
    place: Place,
    /// Lines that wait for delivery, and where they began.
    lines: Vec<u8>,
    times: Vec<Timestamp>,
    wanted_by: Vec<usize>,
    began: Place,
    /// Whether nothing was left to read once.
    caught_up: bool,
    backoff: Duration,
    retry_at: Option<Instant>,
    told: bool,
    resumed: bool,
}

/// A place in the journal: its cursor, and how many bytes of lines came before.
#[derive(Clone, Debug, Default)]
struct Place {
    cursor: Option<String>,
    offset: u64,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("spec", &self.spec)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// A reader that goes on at the stored position of the stream `journal`; without one it begins a day ago.
    ///
    /// # Errors
    /// [`SourceError::System`] if no descriptor is left.
    pub fn new(spec: JournalSpec, stored: &[Position]) -> Result<Self, SourceError> {
        let stored = stored.iter().find(|position| &*position.stream == STREAM && position.cursor.is_some());
        let place = stored.map_or_else(Place::default, |position| Place {
            cursor: position.cursor.clone(),
            // The cursor is that of the place to replay from.
            offset: position.replay_from,
        });
        let mut fields: Vec<String> = entry::FIELDS.map(str::to_owned).into();
        for field in spec.matches.iter().flat_map(JournalMatch::fields) {
            if !fields.iter().any(|known| known == field) {
                fields.push(field.to_owned());
            }
        }
        Ok(Self {
            spec,
            stream: STREAM.into(),
            running: None,
            parser: Parser::new(fields),
            waker: Waker::new()?,
            began: place.clone(),
            place,
            lines: Vec::new(),
            times: Vec::new(),
            wanted_by: Vec::new(),
            caught_up: false,
            backoff: FIRST_BACKOFF,
            retry_at: None,
            told: false,
            resumed: stored.is_some(),
        })
    }

    /// `journalctl`'s arguments. A value never begins an argument that could be taken for an option.
    fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["--follow", "--output=export", "--no-pager", "--quiet", "--all"].map(str::to_owned).into();
        if let Some(directory) = &self.spec.directory {
            arguments.push(format!("--directory={}", directory.display()));
        }
        match &self.place.cursor {
            Some(cursor) => arguments.extend([format!("--after-cursor={cursor}"), "--no-tail".to_owned()]),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let since = now.saturating_sub(FIRST_READ).as_secs();
                arguments.extend([format!("--since=@{since}"), "--no-tail".to_owned()]);
            }
        }
        if self.spec.matches.iter().any(JournalMatch::is_everything) {
            return arguments;
        }
        for (at, one) in self.spec.matches.iter().enumerate() {
            arguments.extend((at > 0).then(|| "+".to_owned()));
            arguments.extend(one.arguments().map(str::to_owned));
        }
        arguments
    }

    /// Starts the reader if none runs and it is time. `false` while it is not.
    fn start(&mut self) -> Result<bool, SourceError> {
        if self.running.is_some() {
            return Ok(true);
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Ok(false);
        }
        let arguments = self.arguments();
        // What was read of an entry that never ended is read again.
        self.parser.reset();
        match Running::start(arguments.iter().map(String::as_str)) {
            Ok(running) => {
                self.running = Some(running);
                Ok(true)
            }
            Err(error) => {
                self.retry();
                Err(error)
            }
        }
    }

    fn retry(&mut self) -> Duration {
        let wait = self.backoff;
        self.retry_at = Some(Instant::now() + wait);
        self.backoff = (self.backoff * 2).min(JOURNAL_BACKOFF_MAX);
        wait
    }

    /// Reads what is there. Tells whether the reader has ended.
    fn take(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut buffer = vec![0; READ_BYTES];
        let mut taken = 0;
        while taken < ROUND_BYTES {
            let Some(running) = &self.running else { return false };
            if let Some(text) = running.complaints() {
                sink(Event::Notice(Notice::ReaderSays { text }));
            }
            match running.read(&mut buffer) {
                Got::End => return true,
                Got::Nothing => {
                    self.caught_up = true;
                    return false;
                }
                Got::Bytes(n) => {
                    taken += n;
                    self.backoff = FIRST_BACKOFF;
                    self.feed(buffer.get(..n).unwrap_or_default(), sink);
                }
            }
        }
        false
    }

    fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        // The parser is lent out while it hands on entries.
        let mut parser = std::mem::replace(&mut self.parser, Parser::new(Vec::new()));
        parser.feed(bytes, |parser, entry| self.entry(parser, entry, sink));
        self.parser = parser;
        self.deliver(sink);
    }

    fn entry(&mut self, parser: &Parser, one: &export::Entry, sink: &mut dyn FnMut(Event<'_>)) {
        let (Some(cursor), Some(time)) = (entry::cursor(one), entry::time(one)) else { return };
        let has = |field: &str, value: &[u8]| entry::has(parser, one, field, value);
        let wanted: Vec<usize> =
            self.spec.matches.iter().enumerate().filter(|(_, m)| m.wants(has)).map(|(at, _)| at).collect();
        if wanted != self.wanted_by {
            self.deliver(sink);
            self.wanted_by = wanted;
        }
        let start = self.lines.len();
        entry::write_line(one, &mut self.lines);
        let length = self.lines.len() - start;
        if one.dropped > 0 || length > MAX_LINE_BYTES || self.wanted_by.is_empty() {
            self.lines.truncate(start);
            if !self.wanted_by.is_empty() {
                sink(Event::Notice(Notice::LongLine {
                    stream: self.stream.clone(),
                    generation: STREAM.to_owned(),
                    offset: self.place.offset,
                    bytes: length as u64 + one.dropped,
                }));
            }
        } else {
            self.times.push(time);
            self.place.offset += length as u64;
        }
        self.place.cursor = Some(cursor.to_owned());
        if self.lines.len() >= crate::limits::BLOCK_BYTES {
            self.deliver(sink);
        }
    }

    fn deliver(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if !self.lines.is_empty() {
            let mark = |place: &Place| -> (u64, Option<String>) { (place.offset, place.cursor.clone()) };
            let ((begin, first), (end, last)) = (mark(&self.began), mark(&self.place));
            sink(Event::Block(Block {
                stream: &self.stream,
                generation: STREAM,
                offset: begin,
                bytes: &self.lines,
                live: self.caught_up,
                times: Some(&self.times),
                wanted_by: &self.wanted_by,
                begin: Mark { generation: STREAM, offset: begin, cursor: first.as_deref() },
                end: Mark { generation: STREAM, offset: end, cursor: last.as_deref() },
            }));
            self.lines.clear();
            self.times.clear();
        }
        self.began = self.place.clone();
    }
}

impl Source for Journal {
    fn next(&mut self, patience: Duration, sink: &mut dyn FnMut(Event<'_>)) -> Result<Flow, SourceError> {
        let until = Instant::now() + patience;
        if !std::mem::replace(&mut self.told, true) {
            let wanted_by = (0..self.spec.matches.len()).collect();
            let position =
                Mark { generation: STREAM, offset: self.place.offset, cursor: self.place.cursor.as_deref() }
                    .position(&self.stream);
            sink(Event::Notice(Notice::Opened { position, wanted_by, resumed: self.resumed }));
        }
        if !self.start()? {
            let until = self.retry_at.map_or(until, |at| at.min(until));
            wait(&self.waker, &[], until);
            return Ok(Flow::Open);
        }
        let woken = match &self.running {
            Some(running) => wait(&self.waker, &running.fds(), until),
            None => Woken::Timeout,
        };
        if woken == Woken::Ready && self.take(sink) {
            let reason = self.running.take().map_or_else(String::new, |mut running| running.ended());
            let retry_in = self.retry();
            sink(Event::Notice(Notice::ReaderDied { reason, retry_in }));
        }
        Ok(Flow::Open)
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}
