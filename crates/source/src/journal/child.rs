//! The helper program that reads the journal: `journalctl`, as a child that cannot outlive its use.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, Signal, kill_process_group};

use super::spec::JournalSpec;
use crate::SourceError;
use crate::limits::MAX_STDERR_BYTES;

/// Where a reader starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// At the first entry.
    Beginning,
    /// At the first entry of this second or later.
    Second(i64),
    /// At the entry with this cursor, which is delivered once more if it still exists.
    ///
    /// `--after-cursor` is not used: it passes over an entry too many when that of the cursor has been vacuumed
    /// (systemd 252).
    Cursor(String),
}

/// A running reader. Killed, with all of its process group, when it is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
    /// The end of what it said.
    said: VecDeque<u8>,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// It has ended.
    End,
}

impl Reader {
    /// Starts to follow the journal.
    pub(super) fn start(spec: &JournalSpec, fields: &[String], from: &From) -> Result<Self, SourceError> {
        let mut command = command(spec);
        command.args(["--follow", "--no-tail", &format!("--output-fields={}", fields.join(","))]);
        match from {
            From::Beginning => {}
            From::Second(second) => drop(command.arg(format!("--since=@{second}"))),
            From::Cursor(cursor) => drop(command.arg(format!("--cursor={cursor}"))),
        }
        command.args(spec.arguments());
        let failed = |error| SourceError::Program { program: spec.program.clone(), error };
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let reader = Self { child, stdout, stderr, said: VecDeque::new() };
        ioctl_fionbio(&reader.stdout, true).map_err(|errno| failed(errno.into()))?;
        ioctl_fionbio(&reader.stderr, true).map_err(|errno| failed(errno.into()))?;
        Ok(reader)
    }

    /// What can be waited for.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.stdout.as_fd()
    }

    /// Reads what is there, without waiting.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        match rustix::io::read(&self.stdout, buffer) {
            Ok(0) => Got::End,
            Ok(n) => Got::Bytes(n),
            Err(Errno::AGAIN | Errno::INTR) => Got::Nothing,
            Err(_) => Got::End,
        }
    }

    /// What it said since it was asked last; the end of it, if it was much.
    pub(super) fn said(&mut self) -> Option<String> {
        let mut buffer = [0; 1024];
        // Bounded: what it says meanwhile is read next time.
        for _ in 0..64 {
            let Ok(n @ 1..) = rustix::io::read(&self.stderr, &mut buffer) else { break };
            self.said.extend(buffer.get(..n).unwrap_or_default());
            let over = self.said.len().saturating_sub(MAX_STDERR_BYTES);
            self.said.drain(..over);
        }
        let said: Vec<u8> = self.said.drain(..).collect();
        Some(one_line(&said)).filter(|said| !said.is_empty())
    }

    /// How it ended, once it has: it is waited for.
    pub(super) fn ended(mut self) -> String {
        // It may still be running with its output closed; then it is of no use.
        self.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        match self.said() {
            Some(said) => format!("{status}: {said}"),
            None => status,
        }
    }

    fn kill(&self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It fails when the child has ended, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// The cursor of the journal's last entry; `None` if it is empty. An error if there is none that may be read.
pub(super) fn last_cursor(spec: &JournalSpec) -> Result<Option<String>, SourceError> {
    let failed = |error| SourceError::Program { program: spec.program.clone(), error };
    let output = command(spec).args(["--lines=1", "--output-fields=_BOOT_ID"]).output().map_err(failed)?;
    let said = one_line(&output.stderr);
    if !output.status.success() || said.contains("No journal files were") {
        return Err(SourceError::NoJournal { complaint: said });
    }
    let cursor = output.stdout.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"__CURSOR="));
    Ok(cursor.map(|cursor| String::from_utf8_lossy(cursor).into_owned()))
}

fn command(spec: &JournalSpec) -> Command {
    let mut command = Command::new(&spec.program);
    command.env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
    command.args(["--output=export", "--no-pager"]);
    if let Some(directory) = &spec.directory {
        command.arg(with_path("--directory=", directory));
    }
    command.args(spec.files.iter().map(|file| with_path("--file=", file)));
    if let Some(namespace) = &spec.namespace {
        command.arg(format!("--namespace={namespace}"));
    }
    command
}

fn with_path(option: &str, path: &std::path::Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(option);
    argument.push(path);
    argument
}

/// Text of another program as one line of ours, without control characters, and not much of it.
fn one_line(text: &[u8]) -> String {
    let text = text.get(text.len().saturating_sub(MAX_STDERR_BYTES)..).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join("; ");
    joined.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_helper_says_becomes_one_line() {
        assert_eq!(one_line(b"\n  one\x1b[1m\n\ntwo \n"), "one [1m; two");
    }

    #[test]
    fn a_missing_program_is_told_with_a_hint() {
        let spec = JournalSpec { program: "/nowhere/journalctl".into(), ..JournalSpec::default() };
        let error = last_cursor(&spec).unwrap_err();
        assert!(error.to_string().starts_with("cannot run `/nowhere/journalctl`:"), "{error}");
        assert!(error.hint().unwrap().contains("log files"));
    }
}
