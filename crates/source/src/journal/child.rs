//! `journalctl`, running.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::SourceError;
use crate::limits::MAX_STDERR_BYTES;

/// The program that reads the journal. Its files have a format of their own that only systemd promises to read.
const PROGRAM: &str = "journalctl";

/// A running reader. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    output: ChildStdout,
    complaints: ChildStderr,
}

/// What a read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Bytes(usize),
    Nothing,
    End,
}

impl Running {
    /// Starts it with these arguments; no shell takes part.
    pub(super) fn start<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self, SourceError> {
        let failed = |error| SourceError::Program { program: PROGRAM.to_owned(), error };
        let mut command = Command::new(PROGRAM);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: what ends us by the terminal must not end it before we have read what it wrote.
        let mut child = command.process_group(0).spawn().map_err(failed)?;
        let (Some(output), Some(complaints)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed(io::Error::other("no pipe to it")));
        };
        let running = Self { child, output, complaints };
        for fd in [running.output.as_fd(), running.complaints.as_fd()] {
            let flags = fcntl_getfl(fd).map_err(|errno| failed(errno.into()))?;
            fcntl_setfl(fd, flags | OFlags::NONBLOCK).map_err(|errno| failed(errno.into()))?;
        }
        Ok(running)
    }

    /// What to wait for.
    pub(super) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.output.as_fd(), self.complaints.as_fd()]
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> Got {
        match rustix::io::read(&self.output, buffer) {
            Ok(0) => Got::End,
            Ok(n) => Got::Bytes(n),
            Err(Errno::AGAIN | Errno::INTR) => Got::Nothing,
            Err(_) => Got::End,
        }
    }

    /// What it complained of since the last call, bounded.
    pub(super) fn complaints(&self) -> Option<String> {
        let mut buffer = [0; MAX_STDERR_BYTES];
        match rustix::io::read(&self.complaints, &mut buffer) {
            Ok(n) if n > 0 => {
                let text = String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()).trim().to_owned();
                (!text.is_empty()).then_some(text)
            }
            _ => None,
        }
    }

    /// How it ended.
    pub(super) fn ended(&mut self) -> String {
        let complaint = self.complaints();
        // It has closed its output; it ends now, or is made to.
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        complaint.map_or(status.clone(), |complaint| format!("{status}: {complaint}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
