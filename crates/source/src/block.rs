//! What a source delivers, and the trait by which a thread drives it.

use std::time::Duration;

use stockade_core::{Position, StreamName, Timestamp};

use crate::{Notice, SourceError, Waker};

/// Many whole lines of one stream, borrowed from the source's buffer until the sink returns.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The stream that the lines belong to.
    pub stream: &'a StreamName,
    /// The incarnation of the stream that the lines were read from; together with a line's offset it names the
    /// record for ever. Usually that of [`Block::end`]; not so for late lines, see there.
    pub generation: &'a str,
    /// Where in that incarnation the first byte of [`Block::bytes`] stands.
    pub offset: u64,
    /// Whole lines, each with its `\n`. Only `\n` ends a line: a `\r` before it is part of the line, and so are NUL
    /// and invalid UTF-8. Never empty. No line is longer than [`stockade_core::limits::MAX_LINE_BYTES`] without its
    /// `\n`. At the end of an archive or of a pipe the last `\n` may have been added.
    pub bytes: &'a [u8],
    /// Whether we had once caught up with the stream before these lines arrived, so that "now" is when they were
    /// written. False while a backlog is read, and always false for archives.
    pub live: bool,
    /// The time of each line, where the source knows it without reading the line: the journal.
    pub times: Option<&'a [Timestamp]>,
    /// Which of the patterns, or of the journal matches, of the specification lead to these lines: ascending indices.
    /// Several where one file is found by several patterns, links included; it is still read once.
    pub wanted_by: &'a [usize],
    /// Where the source stood before the first line.
    pub begin: Mark<'a>,
    /// Where the source stands after the last line.
    ///
    /// After a rotation some programs go on writing to the old file for a while. Such late lines come as blocks whose
    /// `generation` is the old one while `end` already speaks of the successor, with a cursor that remembers both.
    pub end: Mark<'a>,
}

impl Block<'_> {
    /// The position to store once every line of this block has been judged.
    ///
    /// `replay` is the [`Block::replay_point`] of an earlier block from which lines are to be read again after a
    /// restart, for their context. One of another incarnation is of no use any more and is ignored.
    pub fn position(&self, replay: Option<&Position>) -> Position {
        let mut position = self.end.position(self.stream);
        let same_life = |p: &&Position| p.generation == position.generation && p.offset < position.offset;
        if let Some(replay) = replay.filter(same_life) {
            position.replay_from = replay.offset;
            if self.times.is_some() {
                // The journal can only be entered by a cursor, so the stored one belongs to `replay_from`.
                position.cursor.clone_from(&replay.cursor);
            }
        }
        position
    }

    /// Where to start reading in order to see this block again; keep it while a connection of this block is open.
    pub fn replay_point(&self) -> Position {
        self.begin.position(self.stream)
    }
}

/// A place between two lines, in the source's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The incarnation of the stream.
    pub generation: &'a str,
    /// The next byte to read.
    pub offset: u64,
    /// What else is needed to go on here: the journal's cursor, or what proves that a file is still the same.
    pub cursor: Option<&'a str>,
}

impl Mark<'_> {
    /// This place as the store keeps it, with nothing to replay.
    pub(crate) fn position(&self, stream: &StreamName) -> Position {
        Position {
            stream: stream.clone(),
            generation: self.generation.to_owned(),
            offset: self.offset,
            replay_from: self.offset,
            cursor: self.cursor.map(str::to_owned),
        }
    }
}

/// What a source has to say.
#[derive(Debug)]
pub enum Event<'a> {
    /// Lines.
    Block(Block<'a>),
    /// Something that the operator or the store may want to know.
    Notice(Notice),
}

/// Whether a source may deliver more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Call again.
    Open,
    /// It has ended: there will be nothing more.
    Ended,
}

/// A stream of records that goes on, driven by one thread.
///
/// Lines of one stream come in order, each at least once: exactly once while the process lives, and exactly once over a
/// restart if the positions were committed together with what the lines led to.
pub trait Source: Send {
    /// Delivers what has arrived, bounded by [`crate::limits::ROUND_BYTES`]; waits at most `wait` when there is
    /// nothing. Returns early, with nothing delivered, when the [`Waker`] was used.
    ///
    /// # Errors
    ///
    /// Only what makes the whole source useless. Whatever concerns one stream is a [`Notice`], and the source goes on.
    fn next(&mut self, wait: Duration, sink: &mut dyn FnMut(Event<'_>)) -> Result<Flow, SourceError>;

    /// A handle by which another thread ends a wait.
    fn waker(&self) -> Waker;
}
