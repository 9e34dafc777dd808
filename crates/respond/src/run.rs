//! One run of a program: bounded in time and in what is kept of its words.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

/// How much of what a program says is kept; the rest is read and thrown away.
const MAX_SAID_BYTES: usize = 2_048;
/// What a pipe of Linux holds.
const PIPE_BYTES: usize = 65_536;
/// How long to sleep at most before looking again whether the program has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// What is passed on of our own environment: what a program needs to find others and its configuration.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// Where programs are looked for when we have no `PATH` ourselves.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself, with status 0; with the last of what it said, [`MAX_SAID_BYTES`] if nothing else was asked for.
    Well { said: String },
    /// By itself, otherwise.
    Badly { status: ExitStatus, said: String },
    /// It was killed because it took too long, and with it everything in its process group.
    TimedOut,
    /// It did not begin.
    NotStarted(std::io::Error),
}

/// What is run, and what it is given.
#[derive(Debug)]
pub(crate) struct Run<'r> {
    pub(crate) program: &'r OsStr,
    pub(crate) arguments: &'r [OsString],
    /// Added to its environment.
    pub(crate) variables: &'r [(&'r str, String)],
    /// Whether its environment is otherwise ours, or only what [`INHERITED`] names.
    pub(crate) inherit: bool,
    /// Whether what it says on standard output is listened to, besides standard error.
    pub(crate) output: bool,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

impl Run<'_> {
    /// Runs the program to its end, or kills it when it takes too long. It has no standard input.
    pub(crate) fn to_end(&self) -> Ended {
        self.to_end_keeping(MAX_SAID_BYTES)
    }

    /// The same, with the last `max` bytes of what it said.
    pub(crate) fn to_end_keeping(&self, max: usize) -> Ended {
        let started = Instant::now();
        let (mut child, mut words) = match self.spawn() {
            Ok(spawned) => spawned,
            Err(error) => return Ended::NotStarted(error),
        };
        let status = loop {
            words.read(max);
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => return Ended::NotStarted(error),
            }
            let left = self.timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                kill(&mut child);
                return Ended::TimedOut;
            }
            words.wait(left.min(LOOK_AGAIN));
        };
        words.read(max);
        let said = words.text();
        if status.success() { Ended::Well { said } } else { Ended::Badly { status, said } }
    }

    fn spawn(&self) -> std::io::Result<(Child, Words)> {
        let (ear, mouth) = std::io::pipe()?;
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        if !self.inherit {
            command.env_clear().env("PATH", DEFAULT_PATH);
            command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        } else if std::env::var_os("PATH").is_none() {
            command.env("PATH", DEFAULT_PATH);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let stdout = if self.output { Stdio::from(mouth.try_clone()?) } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(stdout).stderr(mouth);
        let child = command.current_dir("/").process_group(0).spawn()?;
        Ok((child, Words::of(ear)))
    }
}

/// Kills the whole process group, then buries the child.
fn kill(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // The child is not buried yet, so its number cannot have been given to another group. An error means that
        // everything in the group ended in this moment.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// What a program says, read without ever waiting for more.
struct Words {
    pipe: Option<PipeReader>,
    kept: Vec<u8>,
}

impl Words {
    fn of(pipe: PipeReader) -> Self {
        let nonblocking = fcntl_getfl(&pipe).and_then(|flags| fcntl_setfl(&pipe, flags | OFlags::NONBLOCK));
        Self { pipe: nonblocking.is_ok().then_some(pipe), kept: Vec::new() }
    }

    /// Reads what is there, at most a pipe full, so that a flood does not keep us from looking at the clock.
    fn read(&mut self, max: usize) {
        let mut buffer = [0; 4_096];
        for _ in 0..PIPE_BYTES / buffer.len() {
            let Some(pipe) = &mut self.pipe else { return };
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(length) => {
                    self.kept.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    // The last words tell most.
                    self.kept.drain(..self.kept.len().saturating_sub(max));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    /// Waits until there is something to read, or for `time`.
    fn wait(&self, time: Duration) {
        let Some(pipe) = &self.pipe else { return std::thread::sleep(time.min(Duration::from_millis(2))) };
        let time = Timespec::try_from(time).ok();
        // Whatever the answer, the caller looks again.
        let _ = poll(&mut [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)], time.as_ref());
    }

    /// In one line, what cannot be shown replaced.
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, timeout: Duration) -> Ended {
        let variables = [("STOCKADE_KEY", "192.0.2.1".into())];
        let arguments = ["-c".into(), script.into()];
        let run = Run {
            program: "sh".as_ref(),
            arguments: &arguments,
            variables: &variables,
            inherit: false,
            output: false,
            timeout,
        };
        run.to_end()
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_failure_tells_the_status_and_the_last_words() {
        let Ended::Badly { status, said } = sh("echo out; echo 'no such\nchain' >&2; exit 3", LONG) else {
            panic!("it failed")
        };
        assert_eq!((status.code(), &*said), (Some(3), "no such chain"));
    }

    #[test]
    fn both_outputs_are_heard_in_their_order_where_they_are_wanted() {
        let arguments = ["-c".into(), "echo one; echo two >&2; echo three".into()];
        let mut run = Run {
            program: "/bin/sh".as_ref(),
            arguments: &arguments,
            variables: &[],
            inherit: true,
            output: true,
            timeout: LONG,
        };
        assert!(matches!(run.to_end(), Ended::Well { said } if said == "one two three"));
        run.output = false;
        assert!(matches!(run.to_end(), Ended::Well { said } if said == "two"));
    }

    #[test]
    fn a_flood_of_words_is_cut_and_does_not_block_the_program() {
        let Ended::Badly { said, .. } =
            sh("head -c 1000000 /dev/zero | tr '\\0' a >&2; echo end >&2; exit 1", LONG)
        else {
            panic!("it failed")
        };
        assert_eq!(said.len(), MAX_SAID_BYTES - 1); // the newline was trimmed
        assert!(said.starts_with('a') && said.ends_with("aend"), "{said}");
    }

    #[test]
    fn the_environment_is_small_and_known() {
        // `env -i`'s own: sh adds PWD, and some shells SHLVL, OLDPWD and _.
        let script = "env | grep -v -E '^(PATH|HOME|LANG|TZ|PWD|OLDPWD|SHLVL|_|STOCKADE_KEY)=' >&2 && exit 1; \
                      [ \"$STOCKADE_KEY\" = 192.0.2.1 ] && [ -n \"$PATH\" ] && [ \"$PWD\" = / ]";
        assert!(matches!(sh(script, LONG), Ended::Well { .. }));
    }

    #[test]
    fn a_timeout_kills_the_whole_group_and_does_not_wait_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alive");
        let script = format!("(sleep 1; touch {}) & sleep 30", file.display());
        let started = Instant::now();
        assert!(matches!(sh(&script, Duration::from_millis(100)), Ended::TimedOut));
        assert!(started.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(!file.exists(), "a grandchild lived on");
    }

    #[test]
    fn a_daemon_that_keeps_the_pipe_open_is_not_waited_for() {
        let started = Instant::now();
        assert!(matches!(sh("sleep 5 & exit 0", LONG), Ended::Well { .. }));
        assert!(started.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn a_missing_program_is_told_apart() {
        let run = Run {
            program: "/nonexistent/program".as_ref(),
            arguments: &[],
            variables: &[],
            inherit: true,
            output: true,
            timeout: LONG,
        };
        let Ended::NotStarted(error) = run.to_end() else { panic!("it cannot start") };
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
