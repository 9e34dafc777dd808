//! LOG: what it means, and its lines.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use encoding_rs::Encoding;
use memchr::memchr;
use stockade_core::Timestamp;
use stockade_filter::conf::value::split_params;
use stockade_source::archive::{LogReader, STDIN};
use stockade_source::{Block, Event, Journal, JournalMatch, JournalSpec, JournalStart, Source as _};

use crate::exit::{Exit, Failure};

/// What LOG means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Input,
    /// The journal, with the options in brackets.
    Journal(String),
    /// Lines that were typed.
    Lines(Vec<String>),
}

/// The encoding of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charset {
    /// `None`: it is taken as it is; what is no UTF-8 is shown as such.
    encoding: Option<&'static Encoding>,
}

const JOURNAL: &str = "systemd-journal";

/// How long the journal may be silent before it counts as read to its end.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(2);

impl Log {
    pub(crate) fn new(typed: &OsStr) -> Self {
        let text = typed.to_string_lossy();
        if Path::new(typed).is_file() {
            return Self::File(typed.into());
        }
        match text.as_ref() {
            STDIN => Self::Input,
            text if text.starts_with(JOURNAL) => Self::Journal(text.to_owned()),
            text => Self::Lines(text.split('\n').map(str::to_owned).collect()),
        }
    }

    /// The backend that such lines come from: it decides the prefix that a filter expects.
    pub(crate) fn backend(&self) -> &'static str {
        if matches!(self, Self::Journal(_)) { "systemd" } else { "auto" }
    }

    /// Whether the last line of a file lacks its end, so that it may still be written to.
    pub(crate) fn is_torn(&self) -> bool {
        let last = |path: &Path| -> io::Result<u8> {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            Ok(u8::from_le_bytes(last))
        };
        matches!(self, Self::File(path) if last(path).is_ok_and(|byte| byte != b'\n'))
    }

    /// Gives each line, without its end, and its time where the log knows it. What does not fit in memory as a line was passed
    /// over: how many of those there were.
    pub(crate) fn for_each(
        &self,
        charset: Charset,
        journal_match: Option<&str>,
        sink: &mut dyn FnMut(&[u8], Option<Timestamp>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        match self {
            Self::File(path) => read(path, charset, sink),
            Self::Input => read(Path::new(STDIN), charset, sink),
            Self::Journal(options) => journal(options, journal_match, sink).map(|()| 0),
            Self::Lines(lines) => {
                lines
                    .iter()
                    .try_for_each(|line| sink(line.trim_end_matches(['\r', '\n']).as_bytes(), None))?;
                Ok(0)
            }
        }
    }
}

impl Charset {
    /// UTF-8, or whatever is there.
    pub(crate) const AS_IT_IS: Self = Self { encoding: None };

    /// The encoding of that name, as Python or the web calls it.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let label = name.trim().to_ascii_lowercase().replace('_', "-");
        let label = match label.as_str() {
            "auto" | "utf8" | "utf-8" | "ascii" | "us-ascii" => return Ok(Self::AS_IT_IS),
            "latin-1" | "l1" => "latin1",
            other => other,
        };
        let unknown = |why: &str| {
            Failure::usage(format_args!("cannot read a log as `{name}`: {why}"))
                .hint(Some("there are: utf-8, latin1, windows-1252, koi8-r, shift_jis, gb18030, …"))
        };
        let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| unknown("no such encoding"))?;
        if !encoding.is_ascii_compatible() {
            return Err(unknown("its lines do not end with a single byte"));
        }
        Ok(Self { encoding: Some(encoding) })
    }

    fn decode<'l>(self, line: &'l [u8]) -> std::borrow::Cow<'l, [u8]> {
        match self.encoding {
            None => line.into(),
            Some(encoding) => encoding.decode_without_bom_handling(line).0.into_owned().into_bytes().into(),
        }
    }
}

fn read(
    path: &Path,
    charset: Charset,
    sink: &mut dyn FnMut(&[u8], Option<Timestamp>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let failed = |error: stockade_source::SourceError| Failure::new(Exit::Failed, &error).hint(error.hint());
    let mut reader = LogReader::open(path).map_err(failed)?;
    while let Some(block) = reader.next_block().map_err(failed)? {
        each_line(&block, &mut |line, time| sink(&charset.decode(line), time))?;
    }
    Ok(reader.progress().long_lines)
}

fn each_line(
    block: &Block<'_>,
    sink: &mut dyn FnMut(&[u8], Option<Timestamp>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut rest = block.bytes;
    let mut times = block.times.into_iter().flatten().copied();
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (mut line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        while let Some(shorter) = line.strip_suffix(b"\r") {
            line = shorter;
        }
        sink(line, times.next())?;
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(())
}

/// Reads the journal from its beginning to where it is now.
fn journal(
    options: &str,
    journal_match: Option<&str>,
    sink: &mut dyn FnMut(&[u8], Option<Timestamp>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let usage =
        |error: &dyn std::fmt::Display| Failure::usage(format_args!("cannot read `{options}`: {error}"));
    let (_, params) = split_params(options).map_err(|error| usage(&error))?;
    let mut spec = JournalSpec::default();
    spec.start = JournalStart::Beginning;
    for (name, value) in params {
        match name.as_str() {
            "journalpath" => spec.directory = Some(value.into()),
            "journalfiles" => {
                let files =
                    value.split(|c: char| c == ',' || c.is_whitespace()).filter(|file| !file.is_empty());
                spec.files = files.map(PathBuf::from).collect();
            }
            "namespace" => spec.namespace = Some(value),
            // Which journals are read is decided by who asks.
            "journalflags" | "rotated" => {}
            other => return Err(usage(&format_args!("no such option: `{other}`"))),
        }
    }
    if let Some(wanted) = journal_match.filter(|wanted| !wanted.trim().is_empty()) {
        spec.matches = vec![JournalMatch::parse(wanted).map_err(|error| usage(&error))?];
    }
    let failed = |error: stockade_source::SourceError| Failure::new(Exit::Failed, &error).hint(error.hint());
    let mut journal = Journal::new(spec, &[]).map_err(failed)?;
    let mut outcome = Ok(());
    let mut at_end = false;
    while !at_end {
        at_end = true;
        journal
            .next(JOURNAL_PATIENCE, &mut |event| match event {
                Event::Block(block) if outcome.is_ok() => {
                    // What comes from now on was not there when it was asked for.
                    at_end = block.live;
                    if !block.live {
                        outcome = each_line(&block, &mut |line, time| sink(line, time));
                    }
                }
                Event::Notice(stockade_source::Notice::Opened { .. }) => at_end = false,
                _ => {}
            })
            .map_err(failed)?;
        std::mem::replace(&mut outcome, Ok(()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_what_it_looks_like() {
        assert_eq!(Log::new(OsStr::new("-")), Log::Input);
        assert_eq!(Log::new(OsStr::new("/dev/null/x")), Log::Lines(vec!["/dev/null/x".into()]));
        assert_eq!(Log::new(OsStr::new("a\nb")), Log::Lines(vec!["a".into(), "b".into()]));
        assert_eq!(Log::new(OsStr::new("systemd-journal[x=1]")), Log::Journal("systemd-journal[x=1]".into()));
        assert!(matches!(Log::new(OsStr::new("Cargo.toml")), Log::File(_)));
    }

    #[test]
    fn encodings_have_the_names_that_people_know() {
        let text = |name: &str, bytes| {
            String::from_utf8(Charset::named(name).unwrap().decode(bytes).into_owned()).unwrap()
        };
        assert_eq!(text("latin-1", b"caf\xe9"), "café");
        assert_eq!(text("koi8_r", b"\xc1"), "а");
        assert_eq!(text("UTF-8", "é".as_bytes()), "é");
        assert!(Charset::named("utf-16").is_err() && Charset::named("morse").is_err());
    }
}
