//! Patterns and events, from wherever they were given.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, IsTerminal, Read};
use std::path::Path;

use stockade_pattern::limits::{MAX_EVENT_BYTES, MAX_PATTERN_BYTES};
use stockade_pattern::{Fields, Part};

use crate::exit::{self, Failure};

/// Something to read, a file or any other.
type Reader = Box<dyn BufRead>;

/// Events as they were given.
pub(super) enum Events {
    /// One, in any layout.
    One(Vec<u8>),
    /// One a line.
    Lines(Lines),
}

/// The lines of JSON Lines; empty ones are left out. Each with its number.
pub(super) struct Lines {
    reader: Reader,
    number: u64,
}

/// Reads a pattern.
pub(super) fn pattern(argument: &str) -> Result<String, Failure> {
    let (mut reader, name) = open(argument)?;
    let bytes = all(&mut reader, MAX_PATTERN_BYTES, &name)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format_args!("cannot read the pattern from {name}: not UTF-8 at byte {at}"))
    })
}

/// Reads an event, or the first of many.
pub(super) fn events(argument: &str) -> Result<Events, Failure> {
    let (mut reader, name) = open(argument)?;
    let mut lines = Lines { reader, number: 0 };
    let first = lines.read_line(&name)?;
    let number = lines.number;
    let named_lines = Path::new(argument).extension().is_some_and(|end| end == "jsonl" || end == "ndjson");
    if named_lines || is_object(&first) {
        let second = lines.read_line(&name)?;
        reader = lines.reader;
        if second.is_empty() && !named_lines {
            return Ok(Events::One(first));
        }
        return Ok(Events::Lines(Lines::again(first, &second, lines.number, number, reader)));
    }
    reader = lines.reader;
    let mut whole = first;
    whole.append(&mut all(&mut reader, MAX_EVENT_BYTES, &name)?);
    let mut starts =
        whole.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let each_is_one =
        starts.clone().count() > 1 && starts.all(|line| line.starts_with(b"{") && line.len() > 1);
    if each_is_one && !is_object(&whole) {
        let before = number.saturating_sub(1);
        return Ok(Events::Lines(Lines { reader: Box::new(Cursor::new(whole)), number: before }));
    }
    Ok(Events::One(whole))
}

impl Lines {
    /// Lines of which two were read already.
    fn again(first: Vec<u8>, second: &[u8], number_of_second: u64, number: u64, rest: Reader) -> Self {
        // The lines between the two were empty: as many are put back, so that the numbers stay right.
        let between = usize::try_from(number_of_second.saturating_sub(number)).unwrap_or(1);
        let mut again = first;
        while again.last() == Some(&b'\n') {
            again.pop();
        }
        if !second.is_empty() {
            again.extend(std::iter::repeat_n(b'\n', between));
            again.extend_from_slice(second);
        }
        Self { reader: Box::new(Cursor::new(again).chain(rest)), number: number.saturating_sub(1) }
    }

    /// The next line that is not empty, with its end; nothing at the end.
    fn read_line(&mut self, name: &str) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = MAX_EVENT_BYTES as u64 + 2;
            let read = (&mut self.reader).take(limit).read_until(b'\n', &mut line);
            let read = read.map_err(|error| unreadable(name, &error))?;
            self.number += u64::from(read > 0);
            if read == 0 || !line.trim_ascii().is_empty() {
                return Ok(line);
            }
        }
    }

    /// The next event and its line.
    pub(super) fn next_event(&mut self) -> Result<Option<(u64, Vec<u8>)>, Failure> {
        let line = self.read_line("the events")?;
        if line.is_empty() {
            return Ok(None);
        }
        let event = line.trim_ascii();
        if event.len() > MAX_EVENT_BYTES {
            let number = self.number;
            return Err(Failure::usage(format_args!("line {number} is longer than {MAX_EVENT_BYTES} bytes")));
        }
        Ok(Some((self.number, event.to_vec())))
    }
}

/// Whether a text is a JSON object, and nothing else.
fn is_object(text: &[u8]) -> bool {
    Fields::new([]).read(&[Part { path: "", json: text }]).is_ok()
}

/// Opens a file, standard input or a text, with a name for messages.
fn open(argument: &str) -> Result<(Reader, String), Failure> {
    if argument == "-" {
        if io::stdin().is_terminal() {
            exit::note("reading JSON from the terminal", Some("end it with Ctrl-D"));
        }
        return Ok((Box::new(BufReader::new(io::stdin())), "standard input".to_owned()));
    }
    if is_text(argument) {
        return Ok((Box::new(Cursor::new(argument.as_bytes().to_vec())), "the command line".to_owned()));
    }
    let name = format!("`{argument}`");
    match File::open(argument) {
        Ok(file) => Ok((Box::new(BufReader::new(file)), name)),
        Err(error) => Err(unreadable(&name, &error)
            .hint(Some("give a file, `-` for standard input, or JSON text, which begins with `{`"))),
    }
}

/// Whether an argument is JSON itself, not the name of a file.
pub(super) fn is_text(argument: &str) -> bool {
    argument.trim_start().starts_with(['{', '[', '"'])
}

fn all(reader: &mut Reader, most: usize, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    reader.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() > most {
        return Err(Failure::usage(format_args!("cannot read {name}: longer than {most} bytes")));
    }
    Ok(bytes)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::usage(format_args!("cannot read {name}: {error}"))
}
