//! What the exit code means, and the one place where errors are printed.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use crate::output::style::{BAD, NOTE};
use crate::output::text;

/// The exit codes. They are interface: scripts test them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Done = 0,
    /// It could not be done, or the answer is no: no match, a test that failed.
    Failed = 1,
    /// It was asked for wrongly, or the configuration has an error: nothing was done.
    Usage = 2,
    /// It was done in part: some of the input could not be read, some of the addresses could not be banned.
    Partial = 3,
    /// No daemon answers.
    NoDaemon = 4,
    /// It was looked at, and something is not as it should be.
    Wrong = 5,
}

/// The table of exit codes, as the help and the manual show it.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done
  1  failed: nothing could be read, the daemon refused, an input or output error; the answer is no
  2  wrong usage, or an error in the configuration; nothing was done
  3  done in part: some of the input, the addresses or the places could not be dealt with
  4  no daemon answers on the control socket
  5  something in AWS is not as it should be and stays so, or there is no trail";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string(), hint: None }
    }

    /// What was typed or configured is wrong.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: Option<impl Display>) -> Self {
        self.hint = hint.map(|hint| hint.to_string());
        self
    }

    /// What is wrong; empty where there is nothing to say.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says what is wrong, and the exit code.
    pub(crate) fn report(&self) -> Exit {
        if !self.message.is_empty() {
            complain(&self.message, self.hint.as_deref());
        }
        self.exit
    }
}

/// A write that failed: of no interest if nobody reads any more, as in `stockade scan … | head`.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::new(Exit::Failed, format_args!("cannot write the output: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(std::io::Error::from(error))
    }
}

/// Prints an error and its hint.
pub(crate) fn complain(message: &str, hint: Option<&str>) {
    tell("error", BAD, message, hint);
}

/// Prints what a person should know, though all is well.
pub(crate) fn note(message: &str, hint: Option<&str>) {
    tell("note", NOTE, message, hint);
}

fn tell(what: &str, style: anstyle::Style, message: &str, hint: Option<&str>) {
    let mut err = anstream::stderr().lock();
    // Where standard error is closed nobody can be told.
    writeln!(err, "{style}{what}:{style:#} {}", text::lines(message)).ok();
    if let Some(hint) = hint {
        writeln!(err, "{NOTE}hint:{NOTE:#} {}", text::lines(hint)).ok();
    }
}
