//! Reading one life of a log file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use stockade_core::limits::MAX_LINE_BYTES;

use super::find::{Sibling, first_bytes};
use super::folder::Folder;
use super::identity::{Check, Generation, HEAD_BYTES, Memory, TAIL_BYTES, Tail, head, read_at};
use super::read::{last_check, read_once, still_there, unpack_from};
use crate::SourceError;
use crate::archive::LogReader;
use crate::lines::{Cut, Cutter};

/// Device and inode: which file it is while somebody holds it.
pub(crate) type Id = (u64, u64);

/// One life of a log file, and how far it has been read.
///
/// No line is kept in memory: what has no end yet is read again when its end has come. So a follower costs one buffer,
/// however many files it follows. `offset <= seen`: bytes between them belong to the torn last line.
pub(crate) struct Life {
    body: Body,
    pub(crate) path: PathBuf,
    pub(crate) id: Id,
    generation: Generation,
    name: Arc<str>,
    /// Whether the generation holds the first bytes and stays as it is.
    frozen: bool,
    offset: u64,
    seen: u64,
    /// The bytes before `seen`. They are read again each time: if they differ, the file was cut and grew anew.
    tail: Tail,
    /// The bytes before `offset`, for the next start.
    check: Option<Check>,
    cutter: Cutter,
    /// Where the line starts that is being passed over; `offset` is in the middle of it.
    long_from: Option<u64>,
    pub(crate) live: bool,
    /// Whether a program may still write to it: not to copies and archives.
    pub(crate) growing: bool,
    /// The life before this one, for finding out whether others were missed; taken when the first bytes come.
    pub(crate) anchor: Option<Anchor>,
    /// The folder as it was when it was searched for lives between the anchor and this one.
    pub(crate) folder: Folder,
    pub(crate) watch: Option<i32>,
    pub(crate) grew: Instant,
}

/// The newest rotated part of a log that was accounted for before a life began.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// There was none.
    Nothing,
    /// This one.
    After(Memory),
}

enum Body {
    Plain(File),
    /// A rotated file that was packed meanwhile; unpacked from when its turn comes.
    Packed(Option<File>, Option<Box<LogReader>>),
}

/// What is at the place where reading goes on.
pub(crate) enum Fetched {
    /// `buffer[start..end]` is what stands from [`Life::offset`] on; whether the file ended with it.
    Bytes { start: usize, end: usize, at_end: bool },
    /// Nothing new.
    Nothing,
    /// The file is not what it was: it was cut, and perhaps grew again.
    Changed,
}

/// A piece of a life.
pub(crate) enum Piece<'a> {
    /// Whole lines.
    Lines { offset: u64, bytes: &'a [u8], end: u64 },
    /// A line that is too long, passed over.
    Long { offset: u64, bytes: u64 },
}

impl Life {
    /// A life of which nothing was read, from `offset` on; `cuts` tells it from earlier ones in the same inode.
    ///
    /// Its identity is fixed at once if it holds a line, so that it is seen if it is cut before it is read.
    pub(crate) fn new(
        file: File,
        path: &Path,
        id: Id,
        offset: u64,
        cuts: u32,
        now: Instant,
    ) -> io::Result<Self> {
        let generation = Generation { device: id.0, inode: id.1, head: Check::of(&[]), life: cuts };
        let mut life = Self::bare(Body::Plain(file), path, id, generation, offset, now);
        life.freeze_from_file(offset > 0)?;
        life.recall_tail()?;
        Ok(life)
    }

    /// A life that goes on where `memory` says, in the same file or in a copy.
    pub(crate) fn resumed(
        file: File,
        path: &Path,
        id: Id,
        memory: &Memory,
        now: Instant,
    ) -> io::Result<Self> {
        let mut life = Self::bare(Body::Plain(file), path, id, memory.generation, memory.replay_from, now);
        life.remember(memory);
        life.recall_tail()?;
        Ok(life)
    }

    /// The same in an archive.
    pub(crate) fn packed(file: File, path: &Path, id: Id, memory: &Memory, now: Instant) -> Self {
        let body = Body::Packed(Some(file), None);
        let mut life = Self::bare(body, path, id, memory.generation, memory.replay_from, now);
        life.remember(memory);
        life.growing = false;
        life
    }

    fn bare(body: Body, path: &Path, id: Id, generation: Generation, offset: u64, now: Instant) -> Self {
        Self {
            body,
            path: path.to_owned(),
            id,
            generation,
            name: generation.to_string().into(),
            frozen: false,
            offset,
            seen: offset,
            tail: Tail::new(&[]),
            check: None,
            cutter: Cutter::new(MAX_LINE_BYTES),
            long_from: None,
            live: false,
            growing: true,
            anchor: None,
            folder: Folder::of(path),
            watch: None,
            grew: now,
        }
    }

    fn remember(&mut self, memory: &Memory) {
        self.frozen = memory.generation.head.len > 0;
        self.live = memory.live;
        self.check = memory.tail.filter(|_| memory.replay_from == memory.offset);
    }

    /// Starts in the middle of a line, which is passed over.
    pub(crate) fn skip_line(&mut self) {
        self.cutter = Cutter::inside_long(MAX_LINE_BYTES);
        self.long_from = Some(self.offset);
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The first byte that was not delivered or passed over: always the start of a line.
    pub(crate) fn offset(&self) -> u64 {
        self.long_from.unwrap_or(self.offset)
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    pub(crate) fn check(&self) -> Option<Check> {
        self.check
    }

    pub(crate) fn is_torn(&self) -> bool {
        self.offset() < self.seen
    }

    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.body, Body::Packed(..))
    }

    /// Whether its first bytes were looked at.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            generation: self.generation,
            offset: self.offset(),
            replay_from: self.offset(),
            tail: self.check,
            live: self.live,
        }
    }

    /// By what its file is found again among the rotated ones: by the inode that it has, not by that of a file that it
    /// was a copy of, and by its first bytes even if nothing was delivered yet.
    pub(crate) fn traces(&self) -> Memory {
        let mut generation = Generation { inode: self.id.1, ..self.generation };
        if let (false, Some(head)) = (self.frozen, self.file().and_then(|file| head(file).ok())) {
            generation.head = head;
        }
        Memory { generation, offset: 0, replay_from: 0, tail: None, live: self.live }
    }

    pub(crate) fn file(&self) -> Option<&File> {
        match &self.body {
            Body::Plain(file) => Some(file),
            Body::Packed(..) => None,
        }
    }

    /// Whether `part` is this life itself, rotated since it was opened: a copy, or packed, or a copy that is still
    /// being made. `first` is what its file began with when it was opened.
    pub(crate) fn is_now(&self, part: &Sibling, first: &[u8]) -> bool {
        part.is_copy_of(&first_bytes(self.file()))
            || part.is_copy_of(first)
            || (self.frozen && part.begins_with(first))
    }

    /// Whether there is anything in it at all.
    pub(crate) fn has_data(&self) -> bool {
        self.file().is_none_or(|file| file.metadata().is_ok_and(|meta| meta.len() > 0))
    }

    /// Whether the file is not what it was when it was read.
    pub(crate) fn was_cut(&self) -> bool {
        if self.seen == 0 && self.frozen {
            return !self.memory().compare_head(self.file());
        }
        let mut now = [0; TAIL_BYTES];
        let known = self.tail.as_bytes();
        let Some(now) = now.get_mut(..known.len()) else { return false };
        let at = self.seen.saturating_sub(known.len() as u64);
        self.file()
            .is_some_and(|file| read_at(file, now, at).is_ok_and(|n| n < known.len() || *now != *known))
    }

    /// Reads what is new into `buffer`.
    ///
    /// One system call finds out three things: whether there is something new, what it is, and, by the bytes before
    /// it, whether the file is still the one that was read.
    pub(crate) fn fetch(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Fetched> {
        let Body::Plain(file) = &self.body else { return Ok(Fetched::Nothing) };
        let known = self.tail.as_bytes();
        let n = read_once(file, buffer, self.seen.saturating_sub(known.len() as u64))?;
        if buffer.get(..known.len().min(n)) != Some(known) {
            return Ok(Fetched::Changed);
        }
        let (start, at_end) = (known.len(), n < buffer.len());
        if self.seen == 0 && self.frozen {
            // It was empty of what we read, but not of what we saw when it was opened.
            let head = buffer.get(..self.generation.head.len.min(n)).unwrap_or_default();
            if Check::of(head) != self.generation.head {
                return Ok(Fetched::Changed);
            }
        }
        if start == n {
            return Ok(Fetched::Nothing);
        }
        self.grew = now;
        if self.offset < self.seen {
            return self.fetch_torn(buffer);
        }
        if !still_there(file, buffer.get(..n).unwrap_or_default(), self.seen - start as u64)? {
            return Ok(Fetched::Changed);
        }
        self.tail.push(buffer.get(start..n).unwrap_or_default());
        self.seen += (n - start) as u64;
        Ok(Fetched::Bytes { start, end: n, at_end })
    }

    /// The last line was torn: reads it from its start, with what has come since.
    fn fetch_torn(&mut self, buffer: &mut [u8]) -> io::Result<Fetched> {
        let Body::Plain(file) = &self.body else { return Ok(Fetched::Nothing) };
        let n = read_once(file, buffer, self.offset)?;
        let whole = self.offset + n as u64 >= self.seen;
        if !whole || !still_there(file, buffer.get(..n).unwrap_or_default(), self.offset)? {
            return Ok(Fetched::Changed);
        }
        self.tail = Tail::new(buffer.get(..n).unwrap_or_default());
        self.seen = self.offset + n as u64;
        Ok(Fetched::Bytes { start: 0, end: n, at_end: n < buffer.len() })
    }

    /// Hands on the lines among bytes that were fetched; what is torn stays.
    pub(crate) fn deliver(
        &mut self,
        fetched: &[u8],
        mut out: impl FnMut(&Self, Piece<'_>),
    ) -> io::Result<()> {
        let mut rest = fetched;
        while let Some(cut) = self.cutter.cut(rest) {
            let (Cut::Lines(n) | Cut::LongEnd(n) | Cut::LongOpen(n)) = cut else { break };
            if !self.frozen {
                self.freeze(fetched)?;
            }
            let (bytes, after) = rest.split_at_checked(n).unwrap_or((rest, &[]));
            rest = after;
            let offset = self.offset;
            self.offset += bytes.len() as u64;
            if matches!(cut, Cut::LongOpen(_)) {
                self.long_from.get_or_insert(offset);
                break;
            }
            self.check = Some(last_check(bytes));
            if matches!(cut, Cut::Lines(_)) {
                out(self, Piece::Lines { offset, bytes, end: self.offset });
            } else {
                let offset = self.long_from.take().unwrap_or(offset);
                out(self, Piece::Long { offset, bytes: self.offset - offset });
            }
        }
        Ok(())
    }

    /// Fixes the identity, when the first bytes are consumed.
    fn freeze(&mut self, fetched: &[u8]) -> io::Result<()> {
        if self.offset > 0 {
            return self.freeze_from_file(true);
        }
        self.freeze_as(Check::of(fetched.get(..HEAD_BYTES).unwrap_or(fetched)));
        Ok(())
    }

    /// Fixes it by what the file holds: if that is a line at least, or anyway.
    fn freeze_from_file(&mut self, anyway: bool) -> io::Result<()> {
        let Some(file) = self.file() else { return Ok(()) };
        let mut head = [0; HEAD_BYTES];
        let n = read_at(file, &mut head, 0)?;
        let head = head.get(..n).unwrap_or_default();
        if n > 0 && (anyway || n == HEAD_BYTES || memchr::memchr(b'\n', head).is_some()) {
            self.freeze_as(Check::of(head));
        }
        Ok(())
    }

    fn freeze_as(&mut self, head: Check) {
        self.generation.head = head;
        self.name = self.generation.to_string().into();
        self.frozen = true;
    }

    fn recall_tail(&mut self) -> io::Result<()> {
        let Body::Plain(file) = &self.body else { return Ok(()) };
        let mut bytes = [0; TAIL_BYTES];
        let len = usize::try_from(self.offset).unwrap_or(TAIL_BYTES).min(TAIL_BYTES);
        let n =
            read_at(file, bytes.get_mut(..len).unwrap_or_default(), self.offset.saturating_sub(len as u64))?;
        self.tail = Tail::new(bytes.get(..n).unwrap_or_default());
        Ok(())
    }

    /// Takes what was fetched as not read: something else must be read before.
    pub(crate) fn forget_fetched(&mut self) -> io::Result<()> {
        self.seen = self.offset;
        self.recall_tail()
    }

    /// Hands on the next block of an archive; false at its end.
    pub(crate) fn unpack(
        &mut self,
        out: impl FnOnce(&str, Option<Check>, Piece<'_>),
    ) -> Result<bool, SourceError> {
        let Body::Packed(file, reader) = &mut self.body else { return Ok(false) };
        if let Some(file) = file.take() {
            *reader = Some(Box::new(unpack_from(file, &self.path, self.offset)?));
        }
        let Some(reader) = reader else { return Ok(false) };
        let Some(block) = reader.next_block()? else { return Ok(false) };
        self.check = Some(last_check(block.bytes));
        self.offset = block.end.offset;
        self.seen = self.offset;
        out(
            &self.name,
            self.check,
            Piece::Lines { offset: block.offset, bytes: block.bytes, end: block.end.offset },
        );
        Ok(true)
    }
}
