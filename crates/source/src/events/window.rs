//! The text of one file, unpacked: all of it, or a window that moves over it.

use std::path::{Path, PathBuf};

use memchr::{memchr_iter, memrchr};

use super::limits::{
    MAX_EVENT_BYTES, MAX_OBJECT_UNPACKED_BYTES, MAX_REREAD_BYTES, MAX_WINDOW_BYTES, WINDOW_BYTES,
};
use crate::SourceError;
use crate::archive::{Decoder, Format, explain};

/// How much of what was read is kept behind, in bytes, to see how far the line was indented.
const BEHIND_BYTES: usize = 256;
/// After how many bytes line ends are counted, so that no question counts more.
const COUNT_BYTES: usize = 256 * 1024;

/// How large things are; others in tests, so that every boundary is met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The longest event.
    pub(super) event: usize,
    /// The window.
    pub(super) window: usize,
    /// How far it grows.
    pub(super) max_window: usize,
    /// How much is read twice.
    pub(super) reread: u64,
    /// What an object may unpack to.
    pub(super) object: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            event: MAX_EVENT_BYTES,
            window: WINDOW_BYTES,
            max_window: MAX_WINDOW_BYTES,
            reread: MAX_REREAD_BYTES,
            object: MAX_OBJECT_UNPACKED_BYTES,
        }
    }
}

/// A place in the text and what has been read of it.
#[derive(Default)]
pub(super) struct Window {
    /// Its length is what may be filled; it is kept for the next file.
    buffer: Vec<u8>,
    /// `start <= filled <= buffer.len()`: what comes next.
    start: usize,
    filled: usize,
    /// Where in the text `buffer[0]` stands.
    base: u64,
    rest: Option<Rest>,
    members: u64,
    error: Option<SourceError>,
    /// How many line ends stand before the byte `counted` of the buffer.
    lines: u64,
    counted: usize,
}

/// What has not been unpacked.
struct Rest {
    decoder: Decoder,
    format: Format,
    path: PathBuf,
    /// How much text may come out of it.
    limit: u64,
}

impl Window {
    /// The buffer for a text that is there as a whole, to be followed by [`Window::whole`].
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Begins with the first `length` bytes of the buffer as the whole text, unpacked from so many gzip members.
    pub(super) fn whole(&mut self, length: usize, members: u64) {
        *self = Self {
            filled: length.min(self.buffer.len()),
            members,
            buffer: std::mem::take(&mut self.buffer),
            ..Self::default()
        };
    }

    /// Begins with what a decoder gives, at most `limit` bytes.
    pub(super) fn stream(&mut self, decoder: Decoder, format: Format, path: &Path, limit: u64) {
        self.whole(0, 1);
        self.rest = Some(Rest { decoder, format, path: path.to_owned(), limit });
    }

    /// What comes next, as far as it is there.
    pub(super) fn text(&self) -> &[u8] {
        self.part(self.start..self.filled)
    }

    /// Where in the buffer [`Window::text`] begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// How many line ends stand before which byte of the buffer.
    pub(super) fn counted(&self) -> (u64, usize) {
        (self.lines, self.counted)
    }

    /// A part of the buffer. Only reading on moves what is in it.
    pub(super) fn part(&self, part: std::ops::Range<usize>) -> &[u8] {
        self.buffer.get(part).unwrap_or_default()
    }

    /// Where in the file's text this is.
    pub(super) fn at(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Whether nothing comes after [`Window::text`].
    pub(super) fn is_last(&self) -> bool {
        self.rest.is_none()
    }

    /// Why nothing comes, if not because the text has ended.
    pub(super) fn error(&mut self) -> &mut Option<SourceError> {
        &mut self.error
    }

    /// How many gzip members were begun; 1 for a text without.
    pub(super) fn members(&self) -> u64 {
        self.members
    }

    /// Goes on by so many bytes, at most to the end of what is there.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.filled);
        if self.start - self.counted > COUNT_BYTES {
            self.lines += self.line_ends();
            self.counted = self.start;
        }
    }

    /// The line, from 1, in which the next byte stands.
    pub(super) fn line(&self) -> u64 {
        1 + self.lines + self.line_ends()
    }

    /// How many bytes stand before the next one in its line, where that can be said.
    pub(super) fn column(&self) -> Option<usize> {
        let before = self.buffer.get(..self.start).unwrap_or_default();
        match memrchr(b'\n', before) {
            Some(end) => Some(self.start - end - 1),
            None => (self.base == 0).then_some(self.start),
        }
    }

    /// Reads on until so many bytes are there, or all.
    pub(super) fn ensure(&mut self, bytes: usize, sizes: Sizes) {
        if self.filled - self.start >= bytes || self.rest.is_none() {
            return;
        }
        self.drop_read();
        let room = sizes.window.max(bytes.saturating_add(BEHIND_BYTES));
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        while self.filled - self.start < bytes {
            let Some(rest) = &mut self.rest else { break };
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let read = std::io::Read::read(&mut rest.decoder, free);
            self.members = rest.decoder.members();
            match read {
                Ok(0) => self.rest = None,
                Ok(n) => self.filled += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.base + self.filled as u64;
                    self.error = Some(explain(&rest.path, &rest.decoder, rest.format, offset, error));
                    self.rest = None;
                }
            }
            self.check_limit();
        }
    }

    /// Moves what is left to the front.
    fn drop_read(&mut self) {
        let dropped = self.start.saturating_sub(BEHIND_BYTES);
        self.lines += self.line_ends();
        self.buffer.copy_within(dropped..self.filled, 0);
        self.base += dropped as u64;
        self.start -= dropped;
        self.filled -= dropped;
        self.counted = self.start;
    }

    fn check_limit(&mut self) {
        let Some(rest) = &self.rest else { return };
        if rest.format != Format::Plain && self.base + self.filled as u64 > rest.limit {
            self.error = Some(SourceError::TooLarge { path: rest.path.clone(), limit_bytes: rest.limit });
            self.rest = None;
        }
    }

    fn line_ends(&self) -> u64 {
        memchr_iter(b'\n', self.part(self.counted..self.start)).count() as u64
    }
}
