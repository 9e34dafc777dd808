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
    /// Another file is at the path: the open one was rotated. True if it could be opened.
    pub(super) fn succeed(&mut self, cx: &mut Context<'_>) -> bool {
        let Ok((file, id)) = self.open_path(cx) else { return false };
        let Some(back) = self.lives.back() else { return false };
        if self.ids().any(|own| own == id) {
            return false; // An old one came back under the old name, or it is known by now.
        }
        let memory = back.memory();
        if back.is_frozen() && memory.tail.is_some() && matches!(memory.compare(&file), Ok(Likeness::Same)) {
            return self.replace(cx, file, id);
        }
        let anchor = Anchor::After(back.traces());
        let Some(found) = find(&self.path, &anchor, Some(id), |part| part.is_copy_of(&first_bytes(Some(&file)))) else {
            cx.unsettled = true;
            return false;
        };
        let result = self.take_newer(cx, found.newer, anchor).and_then(|anchor| {
            let mut life = Life::new(file, &self.path, id, 0, self.cuts, cx.now)?;
            life.anchor = Some(anchor);
            self.push(cx, life);
            Ok(())
        });
        if let Err(error) = result {
            self.complain(cx, SourceError::Open { path: self.path.clone(), error });
        }
        true
    }

    /// The file was replaced by a copy of itself, as an editor does: reading goes on in the copy.
    fn replace(&mut self, cx: &mut Context<'_>, file: File, id: Id) -> bool {
        let Some(old) = self.lives.pop_back() else { return false };
        cx.watcher.remove_file(old.watch);
        match Life::resumed(file, &self.path, id, &old.memory(), cx.now) {
            Ok(life) => self.push(cx, life),
            Err(error) => self.complain(cx, SourceError::Open { path: self.path.clone(), error }),
        }
        true
    }

    /// The file being read was cut. Its unread rest may be in a copy; then it starts anew.
    pub(super) fn cut(&mut self, cx: &mut Context<'_>) -> io::Result<Sorted> {
        let Some(old) = self.lives.front() else { return Ok(Sorted::AsItWas) };
        let (from, path) = (old.name().to_string(), old.path.clone());
        if self.lives.len() > 1 {
            // A rotated file is being wiped: what we have not read of it is gone.
            let watch = self.lives.pop_front().and_then(|old| old.watch);
            cx.watcher.remove_file(watch);
            cx.tell(Notice::Truncated { stream: self.name.clone(), from, copy: None });
            return Ok(Sorted::Changed);
        }
        // If nothing of it was read, its copy is simply newer than what came before it.
        let read = old.is_frozen().then(|| old.memory());
        let anchor = read.map(Anchor::After).or(old.anchor);
        let found = match anchor {
            Some(anchor) => find(&path, &anchor, Some(old.id), |part| part.is_copy_of(&first_bytes(old.file()))),
            None => Some(Found::default()),
        };
        let Some(mut found) = found else { return Ok(Sorted::Later) };
        let Some(old) = self.lives.pop_front() else { return Ok(Sorted::AsItWas) };
        let (id, live, watch) = (old.id, old.live, old.watch);
        let Some(file) = old.into_file() else { return Ok(Sorted::AsItWas) };
        self.cuts += 1;
        let copy = if read.is_some() { found.anchor.as_ref().map(|(copy, _)| copy) } else { found.newer.first() };
        let copy = copy.map(|copy| copy.path.clone());
        cx.tell(Notice::Truncated { stream: self.name.clone(), from, copy });
        let anchor = match (read, anchor) {
            (Some(read), _) => self.take_found(cx, found, &read)?,
            (None, Some(anchor)) => self.take_newer(cx, std::mem::take(&mut found.newer), anchor)?,
            (None, None) => newest(&path),
        };
        for life in &mut self.lives {
            life.growing = false;
        }
        if let Some(first) = self.lives.front_mut() {
            first.live = live;
        }
        let mut life = Life::new(file, &path, id, 0, self.cuts, cx.now)?;
        life.live = live && self.lives.is_empty();
        life.anchor = Some(anchor);
        life.watch = watch;
        self.lives.push_back(life);
        Ok(Sorted::Changed)
    }

    /// The first bytes of a life are there: looks whether others came between it and the one before, and puts them in
    /// front of it.
    pub(super) fn insert_missed(&mut self, cx: &mut Context<'_>, first: &[u8]) -> io::Result<Sorted> {
        let waiting: Vec<_> = self.lives.iter().skip(1).map(|life| (life.id, first_bytes(life.file()))).collect();
        let Some(front) = self.lives.front_mut() else { return Ok(Sorted::AsItWas) };
        if waiting.iter().any(|(_, text)| is_copy(first, text)) {
            // It was empty when it was found, and turns out to be a copy that was just begun.
            let watch = self.lives.pop_front().and_then(|copy| copy.watch);
            cx.watcher.remove_file(watch);
            return Ok(Sorted::Changed);
        }
        let Some(anchor) = front.anchor else { return Ok(Sorted::AsItWas) };
        // It may have been rotated since it was found, and lives that wait behind it as well: they are not missed.
        let is_own = |part: &Sibling| {
            part.is_copy_of(first)
                || part.is_copy_of(&first_bytes(front.file()))
                || waiting.iter().any(|(id, text)| *id == part.id || part.is_copy_of(text))
        };
        let Some(found) = find(&self.path, &anchor, Some(front.id), is_own) else {
            front.forget_fetched()?;
            return Ok(Sorted::Later);
        };
        let mut rest = std::mem::take(&mut self.lives);
        let newer = self.take_newer(cx, found.newer, anchor);
        if let Some(life) = rest.front_mut() {
            if let Some(missed) = self.lives.front_mut() {
                missed.live = life.live;
                life.live = false;
                life.anchor = newer.as_ref().ok().copied();
                life.forget_fetched()?;
            } else {
                life.anchor = None;
            }
        }
        let sorted = if self.lives.is_empty() { Sorted::AsItWas } else { Sorted::Changed };
        self.lives.append(&mut rest);
        newer.map(|_| sorted)
    }

    /// Queues the rest of the life that was looked for, and those after it. Returns the newest of them.
    pub(super) fn take_found(&mut self, cx: &mut Context<'_>, found: Found, memory: &Memory) -> io::Result<Anchor> {
        let Some((sibling, likeness)) = found.anchor else { return Ok(newest(&self.path)) };
        let anchor = Anchor::After(sibling.memory());
        if likeness == Likeness::Same {
            let life = open_sibling(sibling, memory, cx.now)?;
            self.push(cx, life);
        }
        self.take_newer(cx, found.newer, anchor)
    }

    /// Queues lives of which nothing was read. Returns the newest of them, or `anchor` if there are none.
    fn take_newer(&mut self, cx: &mut Context<'_>, newer: Vec<Sibling>, mut anchor: Anchor) -> io::Result<Anchor> {
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
