//! The lines to explain: from the command line, or from standard input.

use std::io::{self, BufRead, IsTerminal, Read, StdinLock};

use stockade_core::limits::MAX_LINE_BYTES;

use crate::exit::{self, Failure};

/// How many lines are explained at a time: an explanation is for reading.
const MAX_LINES: usize = 1_000;

/// Lines without their ends, one after the other.
pub(super) struct Lines {
    typed: std::vec::IntoIter<Typed>,
    input: Option<StdinLock<'static>>,
    given: usize,
}

/// What an argument stands for.
enum Typed {
    /// This line.
    Line(Vec<u8>),
    /// All lines of standard input.
    Input,
}

impl Lines {
    pub(super) fn new(arguments: &[String]) -> Self {
        let mut typed = Vec::new();
        for argument in arguments {
            match argument.as_str() {
                "-" => typed.push(Typed::Input),
                // What was pasted may be several lines.
                text => {
                    let lines = text.trim_end_matches('\n').split('\n');
                    typed.extend(
                        lines.map(|line| Typed::Line(line.trim_end_matches('\r').as_bytes().to_vec())),
                    );
                }
            }
        }
        Self { typed: typed.into_iter(), input: None, given: 0 }
    }

    fn next_read(&mut self) -> Option<Result<Vec<u8>, Failure>> {
        let input = self.input.as_mut()?;
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        match input.take(limit).read_until(b'\n', &mut line) {
            Ok(0) => {
                self.input = None;
                None
            }
            Ok(_) => {
                if line.last() == Some(&b'\n') {
                    line.pop();
                    while line.last() == Some(&b'\r') {
                        line.pop();
                    }
                } else if line.len() as u64 == limit {
                    let message = format!("a line is longer than {MAX_LINE_BYTES} bytes");
                    return Some(Err(
                        Failure::usage(message).hint(Some("longer lines are passed over by every jail"))
                    ));
                }
                Some(Ok(line))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.next_read(),
            Err(error) => Some(Err(Failure::new(
                exit::Exit::Failed,
                format_args!("cannot read standard input: {error}"),
            ))),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.given == MAX_LINES {
                exit::note(
                    &format!("only the first {MAX_LINES} lines are explained"),
                    Some("`stockade scan` reads whole logs"),
                );
                self.given += 1;
            }
            if self.given > MAX_LINES {
                return None;
            }
            if let Some(line) = self.next_read() {
                self.given += 1;
                return Some(line);
            }
            match self.typed.next()? {
                Typed::Input => {
                    if io::stdin().is_terminal() {
                        exit::note("reading lines from the terminal", Some("end them with Ctrl-D"));
                    }
                    self.input = Some(io::stdin().lock());
                }
                Typed::Line(line) => {
                    self.given += 1;
                    return Some(Ok(line));
                }
            }
        }
    }
}
