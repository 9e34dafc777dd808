//! A second log, in the words and the layout of fail2ban's: for its `recidive` filter, for exporters and for reports
//! that read `/var/log/fail2ban.log`.
//!
//! ```text
//! 2026-11-21 22:47:06,123 fail2ban.actions        [4242]: NOTICE  [sshd] Ban 192.0.2.7
//! ```
//!
//! Lines are made where something happens and written by a thread of their own ([`writer`]), so that neither a full
//! disk nor a slow one holds up a ban. The layout and the messages are those of fail2ban 1.0.2, as it was seen to
//! write them.

mod events;
mod text;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;
use stockade_config::LogLevel;
use stockade_core::Timestamp;

use writer::Writer;

/// No file: nothing is important enough.
const OFF: u8 = 0;

/// The log, which may be switched off, moved and reopened while it is used.
#[derive(Debug)]
pub(crate) struct Fail2banLog {
    pid: u32,
    /// Of the dates; that of the machine.
    zone: TimeZone,
    /// [`LogLevel`] and one; [`OFF`] where nothing is written. Asked for every match, so without the lock.
    level: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    wanted: LogLevel,
    file: Option<PathBuf>,
    writer: Option<Writer>,
}

impl Fail2banLog {
    /// One that writes nothing yet.
    pub(crate) fn off() -> Self {
        Self {
            pid: std::process::id(),
            zone: TimeZone::system(),
            level: AtomicU8::new(OFF),
            state: Mutex::default(),
        }
    }

    /// Writes to this file from now on, or nowhere.
    ///
    /// # Errors
    /// What the system says if the file cannot be opened or no thread started. Lines are tried all the same: the file
    /// may be possible later.
    pub(crate) fn set_file(&self, file: Option<&Path>) -> std::io::Result<()> {
        let mut state = self.lock();
        if state.file.as_deref() == file && state.writer.is_some() == file.is_some() {
            return Ok(());
        }
        state.file = file.map(Path::to_owned);
        // First what goes to the old file.
        state.writer = None;
        let started = file.map(Writer::start).transpose();
        let (writer, result) = match started {
            Ok(Some((writer, opened))) => (Some(writer), opened),
            Ok(None) => (None, Ok(())),
            Err(error) => (None, Err(error)),
        };
        state.writer = writer;
        self.effect(&state);
        result
    }

    /// Leaves out what is less important.
    pub(crate) fn set_level(&self, level: LogLevel) {
        let mut state = self.lock();
        state.wanted = level;
        self.effect(&state);
    }

    /// The file, if any, and the level.
    pub(crate) fn place(&self) -> (Option<PathBuf>, LogLevel) {
        let state = self.lock();
        (state.file.clone(), state.wanted)
    }

    /// Opens the file again by its name: it was rotated.
    pub(crate) fn reopen(&self) {
        if let Some(writer) = &self.lock().writer {
            writer.reopen();
        }
    }

    fn enabled(&self, level: LogLevel) -> bool {
        (level as u8) < self.level.load(Ordering::Relaxed)
    }

    fn write(&self, level: LogLevel, part: &str, message: &str) {
        if !self.enabled(level) {
            return;
        }
        let now = jiff::Timestamp::now();
        let line = text::line(&self.zone, now, part, self.pid, level, message);
        if let Some(writer) = &self.lock().writer {
            writer.write(line);
        }
    }

    fn date(&self, time: Timestamp) -> String {
        text::date(&self.zone, time)
    }

    fn effect(&self, state: &State) {
        let level = if state.writer.is_some() { state.wanted as u8 + 1 } else { OFF };
        self.level.store(level, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn written(log: &Fail2banLog, path: &Path) -> Vec<String> {
        // Ends the thread, which writes what is left.
        log.set_file(None).unwrap();
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| line.split_once("]: ").unwrap().1.to_owned()).collect()
    }

    #[test]
    fn what_is_less_important_is_left_out_and_so_is_everything_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fail2ban.log");
        let log = Fail2banLog::off();
        let key = "192.0.2.7".parse().unwrap();
        log.banned("early", &key);
        log.set_file(Some(&path)).unwrap();
        log.set_level(LogLevel::Notice);
        log.banned("sshd", &key);
        log.attempted("sshd", &key, Timestamp::from_secs(0));
        log.set_level(LogLevel::Info);
        log.ignored("sshd", &key, "ip");
        assert_eq!(log.place(), (Some(path.clone()), LogLevel::Info));
        assert_eq!(
            written(&log, &path),
            ["NOTICE  [sshd] Ban 192.0.2.7", "INFO    [sshd] Ignore 192.0.2.7 by ip"]
        );
    }

    #[test]
    fn a_file_that_was_renamed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("f.log"), folder.path().join("f.log.1"));
        let log = Fail2banLog::off();
        let key = "192.0.2.7".parse().unwrap();
        log.set_file(Some(&path)).unwrap();
        log.banned("one", &key);
        while fs::metadata(&path).unwrap().len() == 0 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        fs::rename(&path, &old).unwrap();
        log.reopen();
        log.banned("two", &key);
        assert_eq!(written(&log, &path), ["NOTICE  [two] Ban 192.0.2.7"]);
        assert_eq!(fs::read_to_string(&old).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_holds_nothing_up() {
        let log = Fail2banLog::off();
        assert!(log.set_file(Some(Path::new("/nowhere/at/all"))).is_err());
        let key = "192.0.2.7".parse().unwrap();
        (0..2 * writer::MAX_WAITING_LINES).for_each(|_| log.banned("sshd", &key));
        assert_eq!(log.place().0, Some(PathBuf::from("/nowhere/at/all")));
    }
}
