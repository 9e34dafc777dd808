//! One file of events after the other.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use super::found::{Counts, Event, Found};
use super::inflate::Inflater;
use super::limits::{MAX_UNPACKED_BYTES, MAX_WHOLE_PACKED_BYTES};
use super::problem::{EventProblem, Place};
use super::shape::{Form, NoEvent};
use super::walk::{Start, Step, Walker, Wrong};
use super::window::{Sizes, Window};
use crate::archive::{Decoder, Format, MAGIC_BYTES, STDIN, recognise};
use crate::{SourceError, error::shown};

/// How many problems of one file are told one by one; more are counted.
const MAX_TOLD: u64 = 100;

/// Reads files of events: one event a line, lists, CloudTrail's files, packed or not, each recognised by its content.
///
/// It goes to an event and says where it begins ([`EventReader::peek`]); who matches it finds its end on the way and says
/// how long it was ([`EventReader::advance`]), so that no byte is read twice. Who wants no more than the events takes
/// [`EventReader::next_event`].
///
/// ```
/// use stockade_source::events::{EventReader, Form, Found};
///
/// let mut reader = EventReader::new();
/// reader.load("s3://trail/x.json", br#"{"Records":[{"eventID":"1"},{"eventID":"2"}]}"#.to_vec())?;
/// let mut events = Vec::new();
/// while let Some(found) = reader.next_event() {
///     match found {
///         Found::Event(event) => events.push((event.form, event.text.to_vec())),
///         Found::Problem(problem) => panic!("{problem}"),
///     }
/// }
/// assert_eq!(events[1], (Form::Record, br#"{"eventID":"2"}"#.to_vec()));
/// # Ok::<(), stockade_source::SourceError>(())
/// ```
///
/// Its buffers are kept from file to file: one reader for each thread.
#[derive(Default)]
pub struct EventReader {
    sizes: Sizes,
    file: Arc<str>,
    format: Option<Format>,
    window: Window,
    walker: Walker,
    inflater: Inflater,
    packed: Vec<u8>,
    counts: Counts,
    ended: bool,
    told_more: bool,
}

impl fmt::Debug for EventReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader")
            .field("file", &self.file)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

impl EventReader {
    /// One that has no file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with other sizes, and what is read comes bit by bit.
    #[cfg(test)]
    pub(super) fn with_sizes(sizes: Sizes) -> Self {
        Self { sizes, ..Self::default() }
    }

    /// Begins with a file of this machine; [`STDIN`] is standard input.
    ///
    /// # Errors
    /// [`SourceError::Open`], [`SourceError::Read`], [`SourceError::NotAFile`] or [`SourceError::Unsupported`]. Then there
    /// is nothing to read.
    pub fn open(&mut self, path: &Path) -> Result<(), SourceError> {
        if path == Path::new(STDIN) {
            return self.read_from(path, Box::new(io::stdin()));
        }
        self.begin(path);
        let open = |error| SourceError::Open { path: path.to_owned(), error };
        let mut file = File::open(path).map_err(open)?;
        let meta = file.metadata().map_err(open)?;
        if meta.is_dir() {
            return Err(SourceError::NotAFile { path: path.to_owned() });
        }
        if !meta.is_file() || meta.len() > MAX_WHOLE_PACKED_BYTES as u64 {
            return self.read_from(path, Box::new(file));
        }
        let mut packed = std::mem::take(&mut self.packed);
        packed.clear();
        // It may have grown meanwhile; the rest is then read as well.
        let read = file.by_ref().take(MAX_WHOLE_PACKED_BYTES as u64).read_to_end(&mut packed);
        read.map_err(|error| SourceError::Read { path: path.to_owned(), byte: 0, error })?;
        if packed.len() == MAX_WHOLE_PACKED_BYTES {
            return self.read_from(path, Box::new(Cursor::new(packed).chain(file)));
        }
        self.whole(path, packed, MAX_UNPACKED_BYTES)
    }

    /// Begins with what can be read; `name` stands in messages.
    ///
    /// # Errors
    /// [`SourceError::Read`] or [`SourceError::Unsupported`].
    pub fn read_from(&mut self, name: &Path, raw: Box<dyn Read + Send>) -> Result<(), SourceError> {
        self.begin(name);
        self.stream(name, raw, MAX_UNPACKED_BYTES)
    }

    /// Begins with an object that lies in memory, packed or not; `name` stands in messages. Others may have written it:
    /// it may unpack to [`MAX_OBJECT_UNPACKED_BYTES`](super::limits::MAX_OBJECT_UNPACKED_BYTES).
    ///
    /// # Errors
    /// [`SourceError::Read`] or [`SourceError::Unsupported`].
    pub fn load(&mut self, name: &str, packed: Vec<u8>) -> Result<(), SourceError> {
        self.begin(Path::new(name));
        self.whole(Path::new(name), packed, self.sizes.object)
    }

    /// The next event, with what follows it. Says the same again until [`EventReader::advance`] or
    /// [`EventReader::pass_over`]. `None` behind the last one.
    pub fn peek(&mut self) -> Option<Found<'_>> {
        let form = match self.find() {
            Some(Ok(form)) => form,
            Some(Err(problem)) => return Some(Found::Problem(problem)),
            None => return None,
        };
        let (lines, counted) = self.window.counted();
        let before = self.window.part(counted..self.window.start());
        let text = self.window.text();
        let text = text.get(..self.sizes.event).unwrap_or(text);
        Some(Found::Event(Event { form, text, byte: self.window.at(), lines, before }))
    }

    /// Goes on behind the event of [`EventReader::peek`], which was so many bytes long.
    pub fn advance(&mut self, bytes: usize) {
        self.window.advance(bytes);
        self.counts.events += 1;
    }

    /// Goes on behind the event of [`EventReader::peek`], which its reader did not understand. Returns what to tell: that
    /// it is too long or broken, or `why`.
    pub fn pass_over(&mut self, why: &dyn fmt::Display) -> EventProblem {
        let start = Start::of(&self.window);
        self.counts.problems += 1;
        match self.walker.pass(&mut self.window) {
            Ok(_) => EventProblem::Broken { place: self.place(start), why: why.to_string() },
            Err((start, wrong)) => self.problem(start, wrong),
        }
    }

    /// The next event, exactly. `None` behind the last one.
    pub fn next_event(&mut self) -> Option<Found<'_>> {
        let (form, length) = loop {
            match self.find()? {
                Err(problem) => return Some(Found::Problem(problem)),
                Ok(form) => match self.walker.length(&mut self.window) {
                    Ok(length) if length <= self.sizes.event => break (form, length),
                    _ => {
                        if let Err((start, wrong)) = self.walker.pass(&mut self.window)
                            && let Some(problem) = self.told(start, wrong)
                        {
                            return Some(Found::Problem(problem));
                        }
                    }
                },
            }
        };
        self.counts.events += 1;
        let (byte, start) = (self.window.at(), self.window.start());
        let (lines, counted) = self.window.counted();
        self.window.advance(length);
        let before = self.window.part(counted..start);
        let text = self.window.part(start..start + length);
        Some(Found::Event(Event { form, text, byte, lines, before }))
    }

    /// What has been read of this file.
    pub fn counts(&self) -> Counts {
        Counts { members: self.window.members(), bytes: self.window.at(), ..self.counts }
    }

    /// How the file is packed; `None` before the first file.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    fn begin(&mut self, name: &Path) {
        self.file = shown(name).into();
        self.format = None;
        self.window.whole(0, 0);
        self.walker = Walker::new(self.sizes);
        self.counts = Counts::default();
        self.ended = false;
        self.told_more = false;
    }

    fn whole(&mut self, name: &Path, packed: Vec<u8>, limit: u64) -> Result<(), SourceError> {
        let magic = packed.get(..MAGIC_BYTES.min(packed.len())).unwrap_or_default();
        let format =
            recognise(magic).map_err(|format| SourceError::Unsupported { path: name.to_owned(), format })?;
        self.format = Some(format);
        match format {
            Format::Plain => {
                let length = packed.len();
                self.packed = std::mem::replace(self.window.buffer(), packed);
                self.window.whole(length, 1);
                Ok(())
            }
            Format::Gzip => match self.inflater.unpack(&packed, self.window.buffer()) {
                Some((length, members)) => {
                    self.window.whole(length, members);
                    self.packed = packed;
                    Ok(())
                }
                None => self.stream(name, Box::new(Cursor::new(packed)), limit),
            },
            _ => self.stream(name, Box::new(Cursor::new(packed)), limit),
        }
    }

    fn stream(&mut self, name: &Path, mut raw: Box<dyn Read + Send>, limit: u64) -> Result<(), SourceError> {
        let read = |error| SourceError::Read { path: name.to_owned(), byte: 0, error };
        let mut magic = Vec::with_capacity(MAGIC_BYTES);
        raw.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic).map_err(read)?;
        let format =
            recognise(&magic).map_err(|format| SourceError::Unsupported { path: name.to_owned(), format })?;
        self.format = Some(format);
        let decoder = Decoder::new(format, magic, raw).map_err(read)?;
        self.window.stream(decoder, format, name, limit);
        Ok(())
    }

    /// Goes to the next event, or to what is to be told.
    fn find(&mut self) -> Option<Result<Form, EventProblem>> {
        while !self.ended {
            match self.walker.step(&mut self.window) {
                Step::Event(form) => return Some(Ok(form)),
                Step::Known(NoEvent::Digest) => self.counts.digests += 1,
                Step::Known(NoEvent::Insight) => self.counts.insights += 1,
                Step::Known(NoEvent::Aggregated) => self.counts.aggregated += 1,
                Step::Passed(start, wrong) => {
                    if let Some(problem) = self.told(start, wrong) {
                        return Some(Err(problem));
                    }
                }
                Step::End => self.ended = true,
            }
        }
        if let Some(error) = self.window.error().take() {
            return Some(Err(error.into()));
        }
        let more = self.counts.problems.saturating_sub(MAX_TOLD);
        (more > 0 && !self.told_more).then(|| {
            self.told_more = true;
            Err(EventProblem::More { file: Arc::clone(&self.file), count: more })
        })
    }

    /// What is to be told of a problem, if it is.
    fn told(&mut self, start: Start, wrong: Wrong) -> Option<EventProblem> {
        self.counts.problems += 1;
        // The end of a damaged file is told as such, and not as a broken event.
        let of_damage = matches!(&wrong, Wrong::Broken(broken) if broken.why == super::json::Why::End)
            && self.window.error().is_some();
        (self.counts.problems <= MAX_TOLD && !of_damage).then(|| self.problem(start, wrong))
    }

    fn problem(&self, start: Start, wrong: Wrong) -> EventProblem {
        let place = self.place(start);
        match wrong {
            Wrong::Broken(broken) => EventProblem::Broken {
                place,
                why: format!("{} at its byte {}", broken.why.text(), broken.at),
            },
            Wrong::TooLong(bytes) => EventProblem::TooLong { place, bytes },
            Wrong::NotAnEvent(found) => EventProblem::NotAnEvent { place, found },
            Wrong::Torn => EventProblem::Torn { place },
        }
    }

    fn place(&self, start: Start) -> Place {
        Place { file: Arc::clone(&self.file), line: start.line, byte: start.byte }
    }
}
