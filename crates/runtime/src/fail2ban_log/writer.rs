//! The thread that writes: bounded, never waited for, and on its feet again when the file is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// How many lines may wait to be written; more are lost.
pub(super) const MAX_WAITING_LINES: usize = 10_000;
/// How much is written at once, in bytes, but for the last line of it.
const MAX_BATCH_BYTES: usize = 64 << 10;
/// How often it is said that lines were lost.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How long the end of the program waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who may read a new file: its owner and group.
const MODE: u32 = 0o640;

/// The turn's end of the thread. Dropped, it waits a moment for what was given.
#[derive(Debug)]
pub(super) struct Writer {
    lines: Option<SyncSender<String>>,
    shared: Arc<Shared>,
    done: Receiver<()>,
}

#[derive(Debug, Default)]
struct Shared {
    reopen: AtomicBool,
    lost: AtomicU64,
}

impl Writer {
    /// Starts the thread; and what opening the file came to.
    pub(super) fn start(path: &Path) -> io::Result<(Self, io::Result<()>)> {
        let (lines, to_write) = sync_channel(MAX_WAITING_LINES);
        let (ended, done) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let mut output = Output {
            path: path.to_owned(),
            file: None,
            shared: Arc::clone(&shared),
            failing: false,
            told: None,
        };
        let opened = output.open().map(|_| ());
        output.failing = opened.is_err();
        thread::Builder::new().name("fail2ban-log".to_owned()).spawn(move || {
            output.run(&to_write);
            let _ = ended.send(());
        })?;
        Ok((Self { lines: Some(lines), shared, done }, opened))
    }

    /// Gives a line. If too many wait it is lost, and counted.
    pub(super) fn write(&self, line: String) {
        if self.lines.as_ref().is_none_or(|lines| lines.try_send(line).is_err()) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens the file by its name before the next line.
    pub(super) fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Relaxed);
        // Whoever rotates wants the new file to be there at once; if the thread is busy it looks by itself.
        let _ = self.lines.as_ref().map(|lines| lines.try_send(String::new()));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.lines.take());
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

struct Output {
    path: PathBuf,
    /// With device and inode, to notice that it was renamed or removed.
    file: Option<(File, (u64, u64))>,
    shared: Arc<Shared>,
    failing: bool,
    /// When it was last said that lines were lost.
    told: Option<Instant>,
}

impl Output {
    fn run(mut self, lines: &Receiver<String>) {
        while let Ok(mut batch) = lines.recv() {
            let mut count = u64::from(!batch.is_empty());
            while batch.len() < MAX_BATCH_BYTES
                && let Ok(line) = lines.try_recv()
            {
                count += u64::from(!line.is_empty());
                batch += &line;
            }
            match self.write(batch.as_bytes()) {
                Ok(()) => self.works(),
                Err(error) => self.fails(&error, count),
            }
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        if self.shared.reopen.swap(false, Ordering::Relaxed) || self.was_moved() {
            self.file = None;
        }
        let written = self.open().and_then(|mut file| file.write_all(batch));
        if written.is_err() {
            self.file = None;
        }
        written
    }

    fn open(&mut self) -> io::Result<&File> {
        let open = || {
            // A pipe that nobody reads must not hold the thread for ever.
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
            let flags = i32::try_from(flags.bits()).unwrap_or_default();
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(MODE)
                .custom_flags(flags)
                .open(&self.path)?;
            let meta = file.metadata()?;
            Ok::<_, io::Error>((file, (meta.dev(), meta.ino())))
        };
        let opened = match self.file.take() {
            Some(opened) => opened,
            None => open()?,
        };
        Ok(&self.file.insert(opened).0)
    }

    fn was_moved(&self) -> bool {
        let there = fs::metadata(&self.path).map(|meta| (meta.dev(), meta.ino()));
        self.file.as_ref().is_some_and(|(_, inode)| there.ok() != Some(*inode))
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.failing) {
            tracing::info!(file = %self.path.display(), "the log in fail2ban's format is written again");
        }
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost > 0 && self.told.is_none_or(|then| then.elapsed() >= TELL_EVERY) {
            self.shared.lost.fetch_sub(lost, Ordering::Relaxed);
            self.told = Some(Instant::now());
            tracing::warn!(lost, file = %self.path.display(), "lines of the log in fail2ban's format were lost");
        }
    }

    fn fails(&mut self, error: &io::Error, lines: u64) {
        self.shared.lost.fetch_add(lines, Ordering::Relaxed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                file = %self.path.display(),
                %error,
                "cannot write the log in fail2ban's format; its lines are lost until it can be written"
            );
        }
    }
}
