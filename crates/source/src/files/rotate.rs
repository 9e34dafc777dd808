//! Rotation: from one life of a log to the next, with nothing left out between them.

use std::fs::File;
use std::io;
use std::time::Instant;

use super::context::Context;
use super::find::{Found, Sibling, find, first_bytes, is_copy, newest};
use super::identity::{Likeness, Memory};
use super::life::{Anchor, Id, Life};
use super::stream::Stream;
use crate::{Notice, SourceError};

/// What became of an attempt to put the lives of a log in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorted {
    /// Nothing had to be done.
    AsItWas,
    /// There is something else to be read first.
    Changed,
    /// Rotation is going on at this moment: to be tried again.
    Later,
}

impl Stream {
    /// Another file is at the path: the open one was rotated.
    pub(super) fn succeed(&mut self, cx: &mut Context<'_>) {
        let Ok((file, id)) = self.open_path(cx) else { return };
        if self.ids().any(|own| own == id) {
            return; // An old one came back under the old name, or it is known by now.
        }
        // It may have been cut before it was renamed; not after, for then nobody knows it as a log any more.
        if self.lives.back().is_some_and(Life::was_cut) && !self.cut_before(cx) {
            return;
        }
        let Some(back) = self.lives.back() else { return };
        let memory = back.memory();
        if back.is_frozen() && memory.tail.is_some() && matches!(memory.compare(&file), Ok(Likeness::Same)) {
            return self.replace(cx, file, id);
        }
        let anchor = Anchor::After(back.traces());
        if let Err(error) = self.queue_successor(cx, file, id, anchor) {
            self.complain(cx, SourceError::Open { path: self.path.clone(), error });
        }
    }

    /// Queues the file at the path, and before it what came between it and `anchor`.
    fn queue_successor(
        &mut self,
        cx: &mut Context<'_>,
        file: File,
        id: Id,
        anchor: Anchor,
    ) -> io::Result<()> {
        // The life is made before others are looked for: if it is rotated away meanwhile, that shows when it is read.
        let first = first_bytes(Some(&file));
        let mut life = Life::new(file, &self.path, id, 0, self.cuts, cx.now)?;
        let Some(found) = find(&self.path, &anchor, Some(id), |part| life.is_now(part, &first)) else {
            cx.unsettled = true;
            return Ok(());
        };
        let anchor = self.take_newer(cx, found.newer, anchor)?;
        life.anchor = Some(anchor).filter(|_| !life.is_frozen());
        self.push(cx, life);
        Ok(())
    }

    /// Puts a cut in order before the rotation that followed it. False if that must be tried again.
    fn cut_before(&mut self, cx: &mut Context<'_>) -> bool {
        match self.cut(cx, self.lives.len().saturating_sub(1)) {
            Ok(Sorted::Later) => {
                cx.unsettled = true;
                false
            }
            Ok(_) => true,
            Err(error) => {
                self.complain(cx, SourceError::Open { path: self.path.clone(), error });
                true
            }
        }
    }

    /// The file was replaced by a copy of itself, as an editor does: reading goes on in the copy.
    fn replace(&mut self, cx: &mut Context<'_>, file: File, id: Id) {
        let Some(old) = self.lives.pop_back() else { return };
        cx.watcher.remove_file(old.watch);
        match Life::resumed(file, &self.path, id, &old.memory(), cx.now) {
            Ok(life) => self.push(cx, life),
            Err(error) => self.complain(cx, SourceError::Open { path: self.path.clone(), error }),
        }
    }

    /// The file of the life at `at` was cut. Its unread rest may be in a copy; then it starts anew.
    pub(super) fn cut(&mut self, cx: &mut Context<'_>, at: usize) -> io::Result<Sorted> {
        let Some(old) = self.lives.get(at) else { return Ok(Sorted::AsItWas) };
        let (from, path) = (old.name().to_string(), old.path.clone());
        if self.lives.len() > at + 1 {
            // A rotated file is being wiped: what we have not read of it is gone.
            let watch = self.lives.remove(at).and_then(|old| old.watch);
            cx.watcher.remove_file(watch);
            cx.tell(Notice::Truncated { stream: self.name.clone(), from, copy: None });
            return Ok(Sorted::Changed);
        }
        // If nothing of it was read, its copy is simply newer than what came before it.
        let read = old.is_frozen().then(|| old.memory());
        let anchor = read.map(Anchor::After).or(old.anchor);
        let (id, live, watch) = (old.id, old.live, old.watch);
        let Some(file) = old.file().map(File::try_clone).transpose()? else { return Ok(Sorted::AsItWas) };
        let first = first_bytes(Some(&file));
        let mut life = Life::new(file, &path, id, 0, self.cuts + 1, cx.now)?;
        let found = match anchor {
            Some(anchor) => find(&path, &anchor, Some(id), |part| life.is_now(part, &first)),
            None => Some(Found::default()),
        };
        let Some(mut found) = found else { return Ok(Sorted::Later) };
        self.cuts += 1;
        self.lives.truncate(at);
        let copy =
            if read.is_some() { found.anchor.as_ref().map(|(copy, _)| copy) } else { found.newer.first() };
        let copy = copy.map(|copy| copy.path.clone());
        cx.tell(Notice::Truncated { stream: self.name.clone(), from, copy });
        let taken = match (read, anchor) {
            (Some(read), _) => self.take_found(cx, found, &read),
            (None, Some(anchor)) => self.take_newer(cx, std::mem::take(&mut found.newer), anchor),
            (None, None) => Ok(newest(&path)),
        };
        for life in self.lives.iter_mut().skip(at) {
            life.growing = false;
        }
        match self.lives.get_mut(at) {
            Some(first) => first.live = live,
            None => life.live = live,
        }
        life.anchor = taken.as_ref().ok().copied().filter(|_| !life.is_frozen());
        life.watch = watch;
        self.lives.push_back(life);
        taken.map(|_| Sorted::Changed)
    }

    /// Nothing was read yet of the life at `at`, of which `first` has come: looks whether others came between it and
    /// the one before, and puts them in front of it.
    pub(super) fn insert_missed(
        &mut self,
        cx: &mut Context<'_>,
        at: usize,
        first: &[u8],
    ) -> io::Result<Sorted> {
        let waiting = self.lives.iter().skip(at + 1).map(|life| (life.id, first_bytes(life.file())));
        let waiting: Vec<_> = waiting.collect();
        let Some(life) = self.lives.get_mut(at) else { return Ok(Sorted::AsItWas) };
        if waiting.iter().any(|(_, text)| is_copy(first, text)) {
            // It was empty when it was found, and turns out to be a copy that was just begun.
            let watch = self.lives.remove(at).and_then(|copy| copy.watch);
            cx.watcher.remove_file(watch);
            return Ok(Sorted::Changed);
        }
        let Some(anchor) = life.anchor else { return Ok(Sorted::AsItWas) };
        // It may have been rotated since it was found, and lives that wait behind it as well: they are not missed.
        let is_own = |part: &Sibling| {
            part.is_copy_of(first)
                || part.is_copy_of(&first_bytes(life.file()))
                || waiting.iter().any(|(id, text)| *id == part.id || part.is_copy_of(text))
        };
        let Some(found) = find(&self.path, &anchor, Some(life.id), is_own) else {
            life.forget_fetched()?;
            return Ok(Sorted::Later);
        };
        let mut rest = self.lives.split_off(at);
        let newer = self.take_newer(cx, found.newer, anchor);
        let mut sorted = Ok(Sorted::AsItWas);
        if let (Some(first), Some(life)) = (self.lives.get_mut(at), rest.front_mut()) {
            first.live = std::mem::take(&mut life.live);
            life.anchor = newer.as_ref().ok().copied();
            life.folder.forget();
            sorted = life.forget_fetched().map(|()| Sorted::Changed);
        }
        self.lives.append(&mut rest);
        newer.and(sorted)
    }

    /// The file at the path is empty. It may have been more, and been cut again, before anyone looked. True if so.
    pub(super) fn look_behind(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(at) = self.lives.len().checked_sub(1) else { return false };
        let Some(life) = self.lives.get_mut(at) else { return false };
        if life.anchor.is_none() || life.has_data() || !life.folder.has_changed() {
            return false;
        }
        match self.insert_missed(cx, at, &[]) {
            Ok(Sorted::AsItWas) => false,
            Ok(Sorted::Changed) => true,
            Ok(Sorted::Later) => {
                cx.unsettled = true;
                false
            }
            Err(error) => {
                self.complain(cx, SourceError::Open { path: self.path.clone(), error });
                false
            }
        }
    }

    /// Queues the rest of the life that was looked for, and those after it. Returns the newest of them.
    pub(super) fn take_found(
        &mut self,
        cx: &mut Context<'_>,
        found: Found,
        memory: &Memory,
    ) -> io::Result<Anchor> {
        let Some((sibling, likeness)) = found.anchor else { return Ok(newest(&self.path)) };
        let anchor = Anchor::After(sibling.memory());
        if likeness == Likeness::Same {
            let life = open_sibling(sibling, memory, cx.now)?;
            self.push(cx, life);
        }
        self.take_newer(cx, found.newer, anchor)
    }

    /// Queues lives of which nothing was read. Returns the newest of them, or `anchor` if there are none.
    fn take_newer(
        &mut self,
        cx: &mut Context<'_>,
        newer: Vec<Sibling>,
        mut anchor: Anchor,
    ) -> io::Result<Anchor> {
        for sibling in newer {
            if self.ids().any(|id| id == sibling.id) {
                continue;
            }
            let mut memory = sibling.memory();
            memory.generation.life = self.cuts;
            anchor = Anchor::After(memory);
            let mut life = open_sibling(sibling, &memory, cx.now)?;
            // It may be a copy that is just being made: once left, it is not looked at again.
            life.growing = false;
            self.push(cx, life);
        }
        Ok(anchor)
    }
}

fn open_sibling(sibling: Sibling, memory: &Memory, now: Instant) -> io::Result<Life> {
    if sibling.packed {
        Ok(Life::packed(sibling.file, &sibling.path, sibling.id, memory, now))
    } else {
        Life::resumed(sibling.file, &sibling.path, sibling.id, memory, now)
    }
}
