//! What a stream may use while it has its turn.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::time::Instant;

use super::identity::{Likeness, Memory};
use super::life::Id;
use super::watch::Watcher;
use crate::limits::MAX_FILES;
use crate::{Event, Notice};

/// What a stream may use while it has its turn.
pub(crate) struct Context<'a> {
    pub(crate) watcher: &'a mut Watcher,
    pub(crate) finished: &'a mut Finished,
    pub(crate) sink: &'a mut dyn FnMut(Event<'_>),
    pub(crate) buffer: &'a mut [u8],
    pub(crate) now: Instant,
    /// The number of the stream.
    pub(crate) index: usize,
    /// Set if rotation was going on all the time, so that everything must be looked at again.
    pub(crate) unsettled: bool,
}

impl Context<'_> {
    pub(crate) fn tell(&mut self, notice: Notice) {
        (self.sink)(Event::Notice(notice));
    }

    /// What is known of a file that was read under another name.
    pub(crate) fn adopt(&mut self, file: &File, id: Id) -> Option<Memory> {
        let memory = self.finished.by_inode.get(&id.1).copied()?;
        let same = matches!(memory.compare(file), Ok(Likeness::Same));
        same.then(|| self.finished.by_inode.remove(&id.1)).flatten()
    }

    pub(crate) fn finished(&mut self, id: Id, memory: Memory) {
        self.finished.insert(id.1, memory);
    }
}

/// Files that were read to their end and let go: should one turn up under another name, it is not read again.
///
/// At most [`MAX_FILES`]; beyond it the one that finished first is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    by_inode: HashMap<u64, Memory>,
    order: VecDeque<u64>,
}

impl Finished {
    pub(crate) fn insert(&mut self, inode: u64, memory: Memory) {
        if self.by_inode.insert(inode, memory).is_none() {
            self.order.push_back(inode);
        }
        while self.order.len() > MAX_FILES {
            if let Some(oldest) = self.order.pop_front() {
                self.by_inode.remove(&oldest);
            }
        }
    }
}
