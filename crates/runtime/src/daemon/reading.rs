//! The reading side: a thread per source that judges each block where it lies and sends on what was found.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{Key, Match, MatchId, Position, StreamName, Timestamp};
use stockade_filter::{Lines, Scanner, Undated};
use stockade_respond::action::Question;
use stockade_source::Block;

use crate::lanes::{Lane, Reader, lanes, on_arrival, witnessed};
use crate::names::{self, Resolver};

/// How far back reading starts again, at most, for the sake of open connections, in bytes.
const MAX_REPLAY_BYTES: u64 = 1 << 20;

/// A jail that asks a command whom it ignores.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// The jail's place.
    pub(crate) jail: usize,
    /// What is older does not count, so nobody asks.
    pub(crate) findtime: Duration,
    pub(crate) question: Question,
}

impl Asking {
    pub(crate) fn ignores(&mut self, jail: usize, found: &Match, now: Timestamp) -> bool {
        self.jail == jail
            && now.since(found.time) <= self.findtime
            && self.question.ask(found, |problem| tracing::warn!("{problem}"))
    }
}

/// What was found in one block.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) stream: StreamName,
    /// Each with its jail's place.
    pub(crate) matches: Vec<(usize, Match)>,
    /// In which jail an `ignorecommand` ignores whom.
    pub(crate) ignored: Vec<(Arc<str>, Key)>,
    pub(crate) position: Position,
    pub(crate) lines: u64,
    /// How far the dates of live lines are behind the clock.
    pub(crate) skew: Option<Duration>,
    /// Whether the dates are ahead of the clock instead.
    pub(crate) ahead: bool,
    /// The regexes that took too many steps: the filter's name, the regex, on how many lines.
    pub(crate) exhausted: Vec<(Arc<str>, String, u64)>,
    /// How many host names were not looked up in time.
    pub(crate) names_too_late: u64,
}

/// Judges the blocks of all streams of one source.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Who reads what a pattern, or a journal match, leads to; by the pattern's place.
    readers: Vec<Vec<Reader>>,
    streams: HashMap<StreamName, Stream>,
    /// The jails that ask a command whom they ignore.
    asking: Vec<Asking>,
    /// What the store knew at the start: lines before it were counted then.
    stored: HashMap<StreamName, Position>,
    /// Where some filter wants host names looked up.
    resolver: Option<Resolver>,
}

#[derive(Debug)]
struct Stream {
    wanted_by: Vec<usize>,
    groups: Vec<Group>,
    /// Where blocks began, so that reading can start there again.
    marks: VecDeque<Position>,
    lines: u64,
}

/// Readers that share dates, and so one scan.
#[derive(Debug)]
struct Group {
    scanner: Scanner,
    /// On how many lines a regex was stopped, as far as that was told.
    exhausted: u64,
    jails: Vec<Vec<(usize, Arc<str>)>>,
}

impl Judge {
    pub(crate) fn new(readers: Vec<Vec<Reader>>, asking: Vec<Asking>, stored: &[Position]) -> Self {
        let stored = stored.iter().map(|position| (position.stream.clone(), position.clone())).collect();
        Self { readers, asking, streams: HashMap::new(), stored, resolver: None }
    }

    /// The jails that read what these patterns lead to.
    pub(crate) fn jails_of(&self, wanted_by: &[usize]) -> Vec<Arc<str>> {
        let readers = wanted_by.iter().filter_map(|&at| self.readers.get(at)).flatten();
        let mut names: Vec<Arc<str>> =
            readers.flat_map(|reader| &reader.jails).map(|(_, name)| name.clone()).collect();
        names.dedup();
        names
    }

    /// Judges a block that arrived at `now`.
    pub(crate) fn judge(&mut self, block: &Block<'_>, now: Timestamp) -> Reading {
        let counted_to = self
            .stored
            .get(block.stream)
            .filter(|p| p.generation == block.generation)
            .map_or(0, |p| p.offset);
        let stream = match self.streams.get_mut(block.stream) {
            Some(stream) if stream.wanted_by == block.wanted_by => stream,
            _ => {
                let fresh = Stream::new(&self.readers, block.wanted_by);
                self.streams.entry(block.stream.clone()).insert_entry(fresh).into_mut()
            }
        };
        let mut matches = Vec::new();
        let (mut hosts, mut exhausted) = (Vec::new(), Vec::new());
        let mut skew: Option<(Duration, bool)> = None;
        let before = stream.lines;
        for group in &mut stream.groups {
            group.scanner.set_undated(if block.live { Undated::IsNow } else { Undated::IsAsBefore });
            let (jails, set) = (&group.jails, Arc::clone(group.scanner.set()));
            let lines = Lines { bytes: block.bytes, offset: block.offset, times: block.times };
            group.scanner.scan(lines, now, |hit| {
                if hit.offset < counted_to {
                    return;
                }
                let mut time = hit.time;
                if block.live && block.times.is_none() {
                    let (behind, ahead) = (now.since(time), time.since(now));
                    time = on_arrival(time, now);
                    skew = Some((behind.max(ahead), ahead > behind));
                }
                if matches!(hit.key, Key::Name(_))
                    && set.filters().get(hit.filter).is_some_and(|filter| filter.looks_up(hit.regex))
                {
                    let here = matches.len()..matches.len() + jails.get(hit.filter).map_or(0, Vec::len);
                    hosts.extend(here.map(|n| (n, hit.offset)));
                }
                for (at, jail) in jails.get(hit.filter).into_iter().flatten() {
                    let id = MatchId::derive(jail, block.stream, block.generation, hit.offset, 0);
                    matches.push((*at, witnessed(&hit, id, jail, block.stream, time)));
                }
            });
            let stats = group.scanner.stats();
            stream.lines = stream.lines.max(stats.lines);
            if stats.exhausted > group.exhausted {
                group.exhausted = stats.exhausted;
                exhausted.extend(group.scanner.take_exhausted());
            }
        }
        stream.remember(block);
        let mut names_too_late = 0;
        if !hosts.is_empty() {
            let resolver = self.resolver.get_or_insert_with(Resolver::new);
            names_too_late = look_up(resolver, block, &mut matches, &hosts);
        }
        let mut ignored = Vec::new();
        matches.retain(|(at, found)| {
            let ignores = self.asking.iter_mut().any(|asking| asking.ignores(*at, found, now));
            if ignores {
                ignored.push((Arc::clone(&found.jail), found.key.clone()));
            }
            !ignores
        });
        Reading {
            stream: block.stream.clone(),
            matches,
            ignored,
            position: block.position(stream.replay().as_ref()),
            lines: stream.lines - before,
            skew: skew.map(|(skew, _)| skew),
            ahead: skew.is_some_and(|(_, ahead)| ahead),
            exhausted,
            names_too_late,
        }
    }
}

impl Stream {
    fn new(readers: &[Vec<Reader>], wanted_by: &[usize]) -> Self {
        let lanes = lanes(wanted_by.iter().filter_map(|&at| readers.get(at)).flatten());
        let group = |lane: Lane| {
            let scanner = lane.scanner()?;
            Some(Group { scanner, exhausted: 0, jails: lane.jails })
        };
        Self {
            wanted_by: wanted_by.to_vec(),
            groups: lanes.into_iter().filter_map(group).collect(),
            marks: VecDeque::new(),
            lines: 0,
        }
    }

    fn remember(&mut self, block: &Block<'_>) {
        let mark = block.replay_point();
        if self.marks.back().is_some_and(|last| last.generation != mark.generation) {
            self.marks.clear();
        }
        self.marks.push_back(mark);
        let end = block.end.offset;
        while self.marks.len() > 1
            && self.marks.front().is_some_and(|mark| mark.offset + MAX_REPLAY_BYTES < end)
        {
            self.marks.pop_front();
        }
    }

    /// Where the block begins in which the earliest open connection began.
    fn replay(&mut self) -> Option<Position> {
        let earliest = self.groups.iter().filter_map(|group| group.scanner.replay_from()).min();
        match earliest {
            None => self.marks.clear(),
            Some(offset) => {
                while self.marks.get(1).is_some_and(|next| next.offset <= offset) {
                    self.marks.pop_front();
                }
            }
        }
        self.marks.front().cloned()
    }
}

/// Puts a match for each address in the place of a match of a host name; `hosts` says which ones those are, and where
/// their lines stand. Returns how many names were too late.
fn look_up(
    resolver: &mut Resolver,
    block: &Block<'_>,
    matches: &mut Vec<(usize, Match)>,
    hosts: &[(usize, u64)],
) -> u64 {
    let mut all = std::mem::take(matches);
    let names: Vec<Box<str>> =
        hosts.iter().filter_map(|&(n, _)| name(&all.get(n)?.1).map(Box::from)).collect();
    let (found, too_late) = resolver.resolve(names.iter().map(|name| &**name), names::PATIENCE);
    let mut hosts = hosts.iter().peekable();
    for (n, (at, one)) in all.drain(..).enumerate() {
        let host = hosts.next_if(|(host, _)| *host == n);
        let (Some((_, offset)), Some(name)) = (host, name(&one)) else {
            matches.push((at, one));
            continue;
        };
        let addresses = found.get(name).map(Vec::as_slice).unwrap_or_default();
        for (nth, &addr) in (0..).zip(addresses) {
            let id = MatchId::derive(&one.jail, block.stream, block.generation, *offset, nth);
            matches.push((at, Match { id, key: Key::addr(addr), ..one.clone() }));
        }
    }
    too_late
}

fn name(found: &Match) -> Option<&str> {
    match &found.key {
        Key::Name(name) => Some(name),
        _ => None,
    }
}
