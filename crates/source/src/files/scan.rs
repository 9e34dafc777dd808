//! Comparing what the patterns lead to with what is being followed.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::follower::Follower;
use super::life::Id;
use super::stream::Stream;
use crate::archive::{Age, rotation};
use crate::block::Event;
use crate::limits::MAX_FILES;
use crate::{Notice, SourceError, Start};

/// One path that a pattern leads to.
struct Candidate {
    path: PathBuf,
    wanted_by: Vec<usize>,
    /// Whether a pattern is this very path.
    literal: bool,
    /// The file at the path and its size; `None` if it is missing, no file, or out of reach.
    found: Option<(Id, u64)>,
    link: bool,
}

impl Follower {
    /// Looks at every path. Known streams learn of their successors, and new streams begin.
    pub(super) fn scan(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let mut candidates = self.candidates(sink);
        let mut streams: HashMap<PathBuf, usize> = HashMap::new();
        for (index, stream) in self.streams.iter().enumerate() {
            streams.extend(stream.as_ref().map(|stream| (stream.path.clone(), index)));
        }
        let (known, new): (Vec<_>, Vec<_>) =
            candidates.drain(..).partition(|c| streams.contains_key(&c.path));
        for candidate in known {
            let Some(&index) = streams.get(&candidate.path) else { continue };
            let ready = self.with(index, sink, |stream, cx| {
                stream.wanted_by.clone_from(&candidate.wanted_by);
                stream.literal = candidate.literal;
                stream.look(cx, candidate.found)
            });
            if ready == Some(true) {
                self.queue(index);
            }
        }
        self.take_new(new, &streams, sink);
        self.first_scan = false;
    }

    /// Closes what is finished, and forgets streams that patterns no longer lead to.
    pub(super) fn tidy(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        for index in 0..self.streams.len() {
            let useless = self.with(index, sink, |stream, cx| {
                let at_path = fs::symlink_metadata(&stream.path).is_ok();
                stream.tidy(cx, at_path)
            });
            if useless == Some(true)
                && let Some(slot) = self.streams.get_mut(index)
            {
                *slot = None;
            }
        }
    }

    fn candidates(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut places: HashMap<PathBuf, usize> = HashMap::new();
        for (number, pattern) in self.spec.patterns.iter().enumerate() {
            if self.watcher.fd().is_some() {
                pattern.folders().iter().for_each(|folder| self.watcher.add_folder(folder));
            }
            let paths = pattern.expand(MAX_FILES + 1 - candidates.len().min(MAX_FILES));
            if paths.is_empty() && self.told_missing.insert(number) {
                sink(Event::Notice(Notice::Missing { pattern: pattern.as_str().to_owned() }));
            }
            for path in paths {
                self.told_missing.remove(&number);
                let place = *places.entry(path).or_insert_with_key(|path| {
                    candidates.push(Candidate::look(path));
                    candidates.len() - 1
                });
                if let Some(candidate) = candidates.get_mut(place) {
                    candidate.literal |= pattern.is_literal();
                    if candidate.wanted_by.last() != Some(&number) {
                        candidate.wanted_by.push(number);
                    }
                }
            }
        }
        // What a glob finds and is no file is none of ours; what was named outright is told of.
        candidates.retain(|c| c.literal || c.found.is_some());
        candidates
    }

    /// Begins streams for paths that have none, one per file.
    fn take_new(
        &mut self,
        candidates: Vec<Candidate>,
        streams: &HashMap<PathBuf, usize>,
        sink: &mut dyn FnMut(Event<'_>),
    ) {
        let mut owners: HashMap<Id, usize> = HashMap::new();
        for (index, stream) in self.streams.iter().enumerate() {
            owners.extend(stream.iter().flat_map(Stream::ids).map(|id| (id, index)));
        }
        let logs: HashSet<PathBuf> =
            streams.keys().cloned().chain(candidates.iter().map(|c| c.path.clone())).collect();
        let mut new: Vec<Candidate> =
            candidates.into_iter().filter(|c| c.literal || !is_rotated(&c.path, &logs)).collect();
        // Of several names of one file the first that is no link names the stream.
        new.sort_by_key(|candidate| candidate.link);
        for candidate in new {
            let owner = candidate.found.and_then(|(id, _)| owners.get(&id)).copied();
            if let Some(owner) = owner {
                if let Some(Some(stream)) = self.streams.get_mut(owner) {
                    stream.wanted_by.extend(&candidate.wanted_by);
                    stream.wanted_by.sort_unstable();
                    stream.wanted_by.dedup();
                }
                continue;
            }
            if self.streams.iter().flatten().count() >= MAX_FILES {
                if !std::mem::replace(&mut self.told_too_many, true) {
                    let pattern = candidate.path.to_string_lossy().into_owned();
                    let error = SourceError::TooMany { pattern: pattern.clone(), limit: MAX_FILES };
                    sink(Event::Notice(Notice::Failed { stream: pattern.into(), error }));
                }
                break;
            }
            let index = self.add(&candidate, sink);
            owners.extend(candidate.found.map(|(id, _)| (id, index)));
            self.queue(index);
        }
    }

    fn add(&mut self, candidate: &Candidate, sink: &mut dyn FnMut(Event<'_>)) -> usize {
        let pattern = candidate.wanted_by.first().and_then(|number| self.spec.patterns.get(*number));
        let start = pattern.filter(|_| self.first_scan).map_or(Start::Beginning, crate::Pattern::start);
        let mut stream = Stream::new(&candidate.path, candidate.wanted_by.clone(), start);
        stream.literal = candidate.literal;
        match self.stored.remove(&stream.name) {
            Some(Ok(token)) => stream.set_resume(token),
            // It was followed before, so that nothing of it may be passed over.
            Some(Err(position)) => {
                stream.set_start(Start::Beginning);
                sink(Event::Notice(Notice::PositionLost { position }));
            }
            None => {}
        }
        let free = self.streams.iter().position(Option::is_none);
        let index = free.unwrap_or(self.streams.len());
        match free.and_then(|free| self.streams.get_mut(free)) {
            Some(slot) => *slot = Some(stream),
            None => self.streams.push(Some(stream)),
        }
        index
    }
}

impl Candidate {
    fn look(path: &Path) -> Self {
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        Self {
            path: path.to_owned(),
            wanted_by: Vec::new(),
            literal: false,
            found: meta.map(|meta| ((meta.dev(), meta.ino()), meta.len())),
            link: fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()),
        }
    }
}

/// Whether a path is an older part of a log that is followed, or packed: a pattern such as `auth.log*` finds it, but
/// it is read through its log or not at all.
fn is_rotated(path: &Path, logs: &HashSet<PathBuf>) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let part = rotation(name);
    part.packed || (part.age != Age::Current && logs.contains(&path.with_file_name(part.base)))
}
