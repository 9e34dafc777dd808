//! One finished log file as blocks.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use stockade_core::StreamName;
use stockade_core::limits::MAX_LINE_BYTES;

use super::decode::{Decoder, Format, MAGIC_BYTES, explain, recognise};
use super::expand::STDIN;
use crate::block::{Block, Mark};
use crate::limits::BLOCK_BYTES;
use crate::lines::{Cut, Cutter};
use crate::{SourceError, error::shown};

/// Reads one log file from its beginning to its end, unpacking it if need be, in blocks of whole lines.
///
/// A line that is too long is counted and passed over. A last line without its end is delivered with one, except
/// behind damage: there it may be the half of a line.
pub struct LogReader {
    stream: StreamName,
    path: PathBuf,
    decoder: Decoder,
    format: Format,
    total: Option<u64>,
    /// One byte more than is ever filled by reading: room for a last line's end.
    buffer: Vec<u8>,
    /// `start <= filled < buffer.len()`: what has not been handed on.
    start: usize,
    filled: usize,
    /// Where in the text `buffer[start]` stands.
    offset: u64,
    cutter: Cutter,
    at_end: bool,
    keep_torn: bool,
    error: Option<SourceError>,
    long_lines: u64,
    long_bytes: u64,
}

/// How far a [`LogReader`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file that were used, packed as they are.
    pub taken: u64,
    /// The size of the file in bytes, where it has one.
    pub total: Option<u64>,
    /// Bytes of text that were delivered or passed over.
    pub text: u64,
    /// Lines that were passed over because they were too long.
    pub long_lines: u64,
    /// Their length together, in bytes.
    pub long_bytes: u64,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, format, offset, .. } = self;
        f.debug_struct("LogReader")
            .field("path", path)
            .field("format", format)
            .field("offset", offset)
            .finish()
    }
}

impl LogReader {
    /// Opens a file; [`STDIN`] is standard input.
    ///
    /// # Errors
    ///
    /// [`SourceError::Open`], [`SourceError::NotAFile`] or [`SourceError::Unsupported`].
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        if path == Path::new(STDIN) {
            return Self::from_reader(path, Box::new(io::stdin()), None);
        }
        let open = |error| SourceError::Open { path: path.to_owned(), error };
        let file = File::open(path).map_err(open)?;
        let meta = file.metadata().map_err(open)?;
        if meta.is_dir() {
            return Err(SourceError::NotAFile { path: path.to_owned() });
        }
        let total = meta.is_file().then_some(meta.len());
        Self::from_reader(path, Box::new(file), total)
    }

    /// Reads whatever can be read. `path` stands in messages and names the stream; `total` is the packed size.
    ///
    /// # Errors
    ///
    /// [`SourceError::Read`] or [`SourceError::Unsupported`].
    pub fn from_reader(
        path: &Path,
        raw: Box<dyn Read + Send>,
        total: Option<u64>,
    ) -> Result<Self, SourceError> {
        Self::with_block_bytes(path, raw, total, BLOCK_BYTES)
    }

    /// The same with blocks of at most so many bytes, but never less than the longest line needs.
    ///
    /// # Errors
    ///
    /// As [`LogReader::from_reader`].
    pub fn with_block_bytes(
        path: &Path,
        mut raw: Box<dyn Read + Send>,
        total: Option<u64>,
        block_bytes: usize,
    ) -> Result<Self, SourceError> {
        let read = |error| SourceError::Read { path: path.to_owned(), byte: 0, error };
        let mut magic = Vec::with_capacity(MAGIC_BYTES);
        raw.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic).map_err(read)?;
        let format =
            recognise(&magic).map_err(|format| SourceError::Unsupported { path: path.to_owned(), format })?;
        Ok(Self {
            stream: shown(path).into(),
            path: path.to_owned(),
            decoder: Decoder::new(format, magic, raw).map_err(read)?,
            format,
            total,
            buffer: vec![0; block_bytes.max(MAX_LINE_BYTES + 1) + 1],
            start: 0,
            filled: 0,
            offset: 0,
            cutter: Cutter::new(MAX_LINE_BYTES),
            at_end: false,
            keep_torn: true,
            error: None,
            long_lines: 0,
            long_bytes: 0,
        })
    }

    /// How the file is packed.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress {
            taken: self.decoder.taken(),
            total: self.total,
            text: self.offset,
            long_lines: self.long_lines,
            long_bytes: self.long_bytes,
        }
    }

    /// The next lines, `None` at the end. After an error there is nothing more.
    ///
    /// # Errors
    ///
    /// [`SourceError::Read`], [`SourceError::Damaged`] or [`SourceError::NeedsMemory`], each after everything that
    /// could be read was delivered.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, SourceError> {
        let (bytes, taken) = loop {
            let rest = self.buffer.get(self.start..self.filled).unwrap_or_default();
            match self.cutter.cut(rest) {
                Some(Cut::Lines(n)) => break (n, n),
                Some(Cut::LongEnd(n)) => {
                    self.long_lines += 1;
                    self.pass_over(n);
                }
                Some(Cut::LongOpen(n)) => self.pass_over(n),
                Some(Cut::Torn) | None if !self.at_end => self.fill(),
                Some(Cut::Torn) if self.keep_torn => {
                    let torn = self.filled - self.start;
                    if let Some(spare) = self.buffer.get_mut(self.filled) {
                        *spare = b'\n';
                    }
                    break (torn + 1, torn);
                }
                Some(Cut::Torn) | None => return self.error.take().map_or(Ok(None), Err),
            }
        };
        let (start, offset) = (self.start, self.offset);
        self.start = (start + taken).min(self.filled);
        self.offset += taken as u64;
        let mark = |offset| Mark { generation: "", offset, cursor: None };
        Ok(Some(Block {
            stream: &self.stream,
            generation: "",
            offset,
            bytes: self.buffer.get(start..start + bytes).unwrap_or_default(),
            live: false,
            times: None,
            wanted_by: &[],
            begin: mark(offset),
            end: mark(self.offset),
        }))
    }

    /// Whether a last line without its end is delivered; it is, unless said otherwise.
    pub(crate) fn set_keep_torn(&mut self, keep: bool) {
        self.keep_torn = keep;
    }

    /// Says where the text stands that comes next, after some was taken from [`LogReader::text`].
    pub(crate) fn set_offset(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// The text itself, for whoever wants to look at it before the first block.
    pub(crate) fn text(&mut self) -> &mut impl Read {
        &mut self.decoder
    }

    fn pass_over(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
        self.long_bytes += bytes as u64;
    }

    /// Moves what is left to the front and reads until the buffer is full, the text ends or something breaks.
    fn fill(&mut self) {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let room = self.buffer.len() - 1;
        while let Some(free) = self.buffer.get_mut(self.filled..room).filter(|free| !free.is_empty()) {
            match self.decoder.read(free) {
                Ok(0) => self.at_end = true,
                Ok(n) => self.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.at_end = true;
                    // What is left may be the half of a line.
                    self.keep_torn = false;
                    let offset = self.offset + self.filled as u64;
                    self.error = Some(explain(&self.path, &self.decoder, self.format, offset, error));
                }
            }
            if self.at_end {
                break;
            }
        }
    }
}
