//! Opening a log: an unknown one, or one that was read before.

use std::fs::File;
use std::io;

use super::context::Context;
use super::find::{Sibling, find, first_bytes, newest};
use super::identity::{Likeness, Memory, end_of_lines};
use super::life::{Anchor, Id, Life};
use super::stream::{Resume, Stream};
use crate::limits::MAX_LATE;
use crate::{Notice, SourceError, Start};

impl Stream {
    /// Opens the file at the path when nothing is open, and goes on where reading stopped.
    pub(super) fn open(&mut self, cx: &mut Context<'_>) {
        let opened = self.open_path(cx);
        if matches!(opened, Err(true)) {
            return; // It is there and cannot be read: what we know of it waits.
        }
        let file = opened.ok();
        let result = match self.resume.clone() {
            Some(resume) if file.is_some() || !resume.searched => self.resume(cx, file, &resume),
            None if file.is_some() => file.map_or(Ok(()), |(file, id)| self.begin(cx, file, id)),
            _ => Ok(()),
        };
        if let Err(error) = result {
            // Nothing is forgotten: the next look tries again.
            while let Some(life) = self.lives.pop_front() {
                cx.watcher.remove_file(life.watch);
            }
            self.complain(cx, SourceError::Open { path: self.path.clone(), error });
        } else if !self.lives.is_empty() {
            self.resume = None;
        }
    }

    /// Reads an unknown file.
    fn begin(&mut self, cx: &mut Context<'_>, file: File, id: Id) -> io::Result<()> {
        if let Some(memory) = cx.adopt(&file, id) {
            // Another name of a file that was read before.
            let life = Life::resumed(file, &self.path, id, &memory, cx.now)?;
            self.cuts = memory.generation.life;
            self.push(cx, life);
            self.tell_opened(cx, true);
            return Ok(());
        }
        let (offset, inside_line) = match self.start {
            Start::Beginning => (0, false),
            Start::End => end_of_lines(&file, file.metadata()?.len())?,
        };
        // What is rotated away from now on is missed, not old: so the newest part is looked up before the file.
        let before = (file.metadata()?.len() == 0).then(|| newest(&self.path));
        let mut life = Life::new(file, &self.path, id, offset, self.cuts, cx.now)?;
        if inside_line {
            life.skip_line();
        }
        life.anchor = before.filter(|_| !life.is_frozen());
        self.push(cx, life);
        self.tell_opened(cx, false);
        Ok(())
    }

    /// Goes on after a restart, or after the stream was closed for a while.
    fn resume(&mut self, cx: &mut Context<'_>, file: Option<(File, Id)>, resume: &Resume) -> io::Result<()> {
        let memory = &resume.token.memory;
        let here = file.as_ref().map_or(Ok(Likeness::Other), |(file, _)| memory.compare(file))?;
        let known = match file {
            Some((file, id)) if here == Likeness::Same => {
                let life = Life::resumed(file, &self.path, id, memory, cx.now)?;
                self.push(cx, life);
                true
            }
            file => {
                let Some(known) = self.resume_rotated(cx, file, memory)? else {
                    cx.unsettled = true;
                    return Ok(());
                };
                if self.lives.is_empty() {
                    self.resume = Some(Resume { searched: true, ..resume.clone() });
                    return Ok(());
                }
                known
            }
        };
        if self.lives.iter().all(|life| life.watch != resume.watch) {
            cx.watcher.remove_file(resume.watch);
        }
        self.resume_late(cx, &resume.token.late);
        if resume.parked.is_none() || !known {
            self.tell_opened(cx, known);
        }
        Ok(())
    }

    /// The file that was read is not at the path any more: looks for it among the rotated ones, and reads what is left
    /// of it, what came after it, and what is at the path now. False if it is nowhere, `None` if it must be tried again.
    fn resume_rotated(
        &mut self,
        cx: &mut Context<'_>,
        file: Option<(File, Id)>,
        memory: &Memory,
    ) -> io::Result<Option<bool>> {
        // The life is made before others are looked for: if it is rotated away meanwhile, that shows when it is read.
        let id = file.as_ref().map(|(_, id)| *id);
        let first = first_bytes(file.as_ref().map(|(file, _)| file));
        let cuts = memory.generation.life + 1;
        let life = file.map(|(file, id)| Life::new(file, &self.path, id, 0, cuts, cx.now)).transpose()?;
        let is_own = |part: &Sibling| life.as_ref().is_some_and(|life| life.is_now(part, &first));
        let Some(found) = find(&self.path, &Anchor::After(*memory), id, is_own) else { return Ok(None) };
        let known = found.anchor.is_some();
        if !known && life.is_some() {
            cx.tell(Notice::PositionLost { position: memory.position(&self.name) });
        }
        self.cuts = cuts;
        let anchor = self.take_found(cx, found, memory)?;
        if let Some(front) = self.lives.front_mut() {
            front.live = memory.live;
        }
        if let Some(mut life) = life {
            life.live = memory.live && self.lives.is_empty();
            life.anchor = Some(anchor).filter(|_| !life.is_frozen());
            self.push(cx, life);
        }
        Ok(Some(known))
    }

    /// Finds again the rotated files that could still get late lines when the position was stored.
    fn resume_late(&mut self, cx: &mut Context<'_>, late: &[Memory]) {
        for memory in late.iter().take(MAX_LATE) {
            let Some(found) = find(&self.path, &Anchor::After(*memory), None, |_| false) else { continue };
            let Some((sibling, Likeness::Same)) = found.anchor else { continue };
            if sibling.packed || self.ids().any(|id| id == sibling.id) {
                continue;
            }
            if let Ok(mut life) = Life::resumed(sibling.file, &sibling.path, sibling.id, memory, cx.now) {
                life.watch = life.file().and_then(|file| cx.watcher.add_file(file, &life.path, cx.index));
                self.late.push(life);
            }
        }
    }
}
