//! One log through all its lives: which file is read now, which come after it, which may still get late lines.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use stockade_core::StreamName;

use super::context::Context;
use super::find::open_regular;
use super::life::{Id, Life};
use super::token::Token;
use crate::limits::{DELETED_GRACE, LATE_GRACE};
use crate::{Notice, SourceError, Start};

/// A log by its path. Its lives are read one after the other, so its lines come in order.
pub(crate) struct Stream {
    pub(crate) name: StreamName,
    pub(crate) path: PathBuf,
    /// The patterns that lead to it, ascending.
    pub(crate) wanted_by: Vec<usize>,
    /// Whether one of them is a plain path: then it is waited for when it is gone.
    pub(crate) literal: bool,
    /// Whether it waits for its turn.
    pub(crate) queued: bool,
    /// The front is being read; the back is the file at the path, unless that is missing.
    pub(super) lives: VecDeque<Life>,
    /// Another file was seen at the path than the back. It is opened in the stream's turn: finding out what came between
    /// the two takes time in a large folder.
    pub(super) has_successor: bool,
    /// Rotated files that were read to their end and may still get late lines.
    pub(super) late: Vec<Life>,
    /// Where to go on, while nothing is open.
    pub(super) resume: Option<Resume>,
    pub(super) start: Start,
    /// How often its file was cut, so that no two lives are taken for one.
    pub(super) cuts: u32,
    /// The last complaint, so that it is made once.
    complaint: Option<String>,
}

/// What is left of a stream that is closed, or was stored.
#[derive(Clone)]
pub(super) struct Resume {
    pub(super) token: Token,
    /// The file and its size when it was closed; `None` if it was stored.
    pub(super) parked: Option<(Id, u64)>,
    /// The file is still watched.
    pub(super) watch: Option<i32>,
    /// Whether its rotated parts were looked through while the path was missing.
    pub(super) searched: bool,
}

impl Stream {
    /// A stream of which nothing is known.
    pub(crate) fn new(path: &Path, wanted_by: Vec<usize>, start: Start) -> Self {
        Self {
            name: path.to_string_lossy().into(),
            path: path.to_owned(),
            wanted_by,
            literal: false,
            queued: false,
            lives: VecDeque::new(),
            has_successor: false,
            late: Vec::new(),
            cuts: 0,
            resume: None,
            start,
            complaint: None,
        }
    }

    /// Goes on where it was read to before a restart.
    pub(crate) fn set_resume(&mut self, token: Token) {
        self.cuts = token.memory.generation.life;
        self.resume = Some(Resume { token, parked: None, watch: None, searched: false });
    }

    /// Reads an unknown file from its first line whatever its pattern says.
    pub(crate) fn set_start(&mut self, start: Start) {
        self.start = start;
    }

    /// The files that are its own: no other stream may read them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> {
        let parked = self.resume.as_ref().and_then(|resume| resume.parked).map(|(id, _)| id);
        self.lives.iter().chain(&self.late).map(|life| life.id).chain(parked)
    }

    /// How many descriptors it holds.
    pub(crate) fn open_files(&self) -> usize {
        self.lives.len() + self.late.len()
    }

    /// When its newest file last grew, if it could be closed for a while: everything was read, nothing is expected.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        match self.lives.front() {
            Some(life) if self.open_files() == 1 && life.file().is_some() && !life.is_torn() => {
                Some(life.grew)
            }
            _ => None,
        }
    }

    /// Closes it until its file changes.
    pub(crate) fn park(&mut self) {
        let Some(life) = self.lives.pop_front() else { return };
        let parked = Some((life.id, life.seen()));
        let token = Token { memory: life.memory(), late: Vec::new() };
        self.resume = Some(Resume { token, parked, watch: life.watch, searched: false });
    }

    /// Compares what is open with what is at the path now: `found` is that file and its size. True if there may be
    /// something to read.
    pub(crate) fn look(&mut self, cx: &mut Context<'_>, found: Option<(Id, u64)>) -> bool {
        // Either nothing is there, or we may not even look; trying to open it tells which.
        let Some((id, size)) = found else { return true };
        match self.lives.back() {
            Some(back) if back.id == id => {
                self.complaint = None;
                self.look_behind(cx)
            }
            Some(_) => {
                self.has_successor = true;
                true
            }
            None if self.resume.as_ref().is_some_and(|resume| resume.parked == Some((id, size))) => false,
            None => true,
        }
    }

    pub(super) fn push(&mut self, cx: &mut Context<'_>, mut life: Life) {
        if life.watch.is_none()
            && let Some(file) = life.file()
        {
            life.watch = cx.watcher.add_file(file, &life.path, cx.index);
        }
        self.lives.push_back(life);
    }

    /// Lets go of files that need not be open any more. True if the stream itself is of no use: a pattern found its
    /// file, which is gone.
    pub(crate) fn tidy(&mut self, cx: &mut Context<'_>, at_path: bool) -> bool {
        while let Some(at) = self.late.iter().position(|life| cx.now.duration_since(life.grew) > LATE_GRACE) {
            let life = self.late.swap_remove(at);
            self.close(cx, &life);
        }
        if at_path {
            return false;
        }
        let gone = |life: &Life| {
            let linked = life
                .file()
                .and_then(|f| f.metadata().ok())
                .is_some_and(|m| std::os::unix::fs::MetadataExt::nlink(&m) > 0);
            (!linked || !self.literal) && cx.now.duration_since(life.grew) > DELETED_GRACE
        };
        if self.open_files() == 1 && self.lives.front().is_some_and(gone) {
            if let Some(life) = self.lives.pop_front() {
                let token = Token { memory: life.memory(), late: Vec::new() };
                self.resume =
                    self.literal.then_some(Resume { token, parked: None, watch: None, searched: false });
                self.close(cx, &life);
            }
            cx.tell(Notice::Closed { stream: self.name.clone() });
        }
        !self.literal && self.open_files() == 0
    }

    /// Lets go of a file that is finished.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, life: &Life) {
        cx.watcher.remove_file(life.watch);
        if life.is_torn() {
            let (stream, generation) = (self.name.clone(), life.name().to_string());
            cx.tell(Notice::TornLine { stream, generation, offset: life.offset() });
        }
        if life.growing {
            cx.finished(life.id, life.memory());
        }
    }

    /// Opens the file at the path; `Err(false)` if there is none, `Err(true)` if it cannot be read.
    pub(super) fn open_path(&mut self, cx: &mut Context<'_>) -> Result<(File, Id), bool> {
        let path = self.path.clone();
        match open_regular(&path) {
            Ok(Some(opened)) => {
                self.complaint = None;
                return Ok(opened);
            }
            Ok(None) => self.complain(cx, SourceError::NotAFile { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.complaint.is_none() && self.literal {
                    self.complaint = Some(String::new());
                    cx.tell(Notice::Missing { pattern: self.name.to_string() });
                }
                return Err(false);
            }
            Err(error) => self.complain(cx, SourceError::Open { path, error }),
        }
        Err(true)
    }

    /// Tells of trouble, the same only once.
    pub(super) fn complain(&mut self, cx: &mut Context<'_>, error: SourceError) {
        let text = error.to_string();
        if self.complaint.as_ref() != Some(&text) {
            self.complaint = Some(text);
            cx.tell(Notice::Failed { stream: self.name.clone(), error });
        }
    }

    pub(super) fn tell_opened(&mut self, cx: &mut Context<'_>, resumed: bool) {
        let Some(front) = self.lives.front() else { return };
        let position = front.memory().position(&self.name);
        cx.tell(Notice::Opened { position, wanted_by: self.wanted_by.clone(), resumed });
    }
}
