//! Log events to matches: the daemon's scans over the streams of one invocation.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{Key, Match, MatchId, StreamName, Timestamp};
use stockade_filter::{Lines, ScanStats, Scanner};
use stockade_source::aws::{Envelope, LogEvent};
use stockade_store::dynamodb::shared_id;

use super::counts::Counts;
use super::setup::Setup;
use crate::lanes::{Lane, on_arrival, witnessed};
use crate::names::{self, Resolver};

/// How far an event's time may be ahead of the clock: what CloudWatch Logs accepts. One that is further ahead happened
/// now, or it would count as new until then.
pub(super) const MAX_AHEAD: Duration = Duration::from_secs(2 * 60 * 60);

/// A match with the record that it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// The jail's place.
    pub(super) at: usize,
    pub(super) found: Match,
    /// The place of its record in the invocation.
    pub(super) record: usize,
    /// The event that it was found in.
    pub(super) event: Option<Arc<str>>,
}

/// The streams of one invocation. Lines of one stream are one text, so what they say of a connection is joined; what
/// another invocation saw of it is not known here.
#[derive(Debug)]
pub(super) struct Reading<'s> {
    setup: &'s Setup,
    streams: HashMap<(String, String), Stream<'s>>,
    resolver: &'s mut Option<Resolver>,
    now: Timestamp,
}

#[derive(Debug)]
struct Stream<'s> {
    name: StreamName,
    lanes: Vec<(&'s Lane, Scanner)>,
    /// How long the text is so far.
    offset: u64,
}

impl<'s> Reading<'s> {
    pub(super) fn new(setup: &'s Setup, resolver: &'s mut Option<Resolver>, now: Timestamp) -> Self {
        Self { setup, streams: HashMap::new(), resolver, now }
    }

    /// Reads an envelope, the one of the record at `record`.
    pub(super) fn read(&mut self, envelope: &Envelope, record: usize, counts: &mut Counts) -> Vec<Case> {
        let Some(lanes) = self.setup.lanes_of(&envelope.group) else {
            counts.unknown_groups += 1;
            tracing::warn!(group = envelope.group, "unknown log group: nothing reads it");
            return Vec::new();
        };
        counts.events += envelope.events.len() as u64;
        counts.repeated += envelope.repeated;
        counts.bad_events += envelope.bad.len() as u64;
        for bad in envelope.bad.iter().take(10) {
            tracing::warn!(group = envelope.group, stream = envelope.stream, error = %bad.error, "bad event");
        }
        let place = (envelope.group.clone(), envelope.stream.clone());
        let stream = self.streams.entry(place).or_insert_with(|| Stream {
            name: envelope.stream.as_str().into(),
            lanes: lanes.iter().filter_map(|lane| Some((lane, lane.scanner()?))).collect(),
            offset: 0,
        });
        let mut found = Found { setup: self.setup, record, cases: Vec::new(), hosts: Vec::new() };
        let wrong =
            |event: &LogEvent| event.time > self.now.plus(MAX_AHEAD) || event.time < Timestamp::default();
        counts.wrong_clocks += envelope.events.iter().filter(|event| wrong(event)).count() as u64;
        let when = |event: &LogEvent| if wrong(event) { self.now } else { event.time };
        // What a date without a year is relative to, and what a line without a date gets, is the event's time: events
        // of one time are one block.
        for run in envelope.events.chunk_by(|one, next| when(one) == when(next)) {
            if let Some(first) = run.first() {
                stream.scan(run, when(first), &mut found);
            }
        }
        let Found { mut cases, hosts, .. } = found;
        if !hosts.is_empty() {
            let resolver = self.resolver.get_or_insert_with(Resolver::new);
            counts.late_names += look_up(resolver, &mut cases, &hosts);
        }
        cases
    }

    /// Takes account of what the scans counted.
    pub(super) fn finish(self, counts: &mut Counts) {
        for stream in self.streams.into_values() {
            let mut lines = 0;
            for (_, mut scanner) in stream.lanes {
                let ScanStats { lines: read, overlong, exhausted, .. } = scanner.stats();
                lines = lines.max(read);
                counts.overlong += overlong;
                counts.exhausted += exhausted;
                for (filter, regex, lines) in scanner.take_exhausted() {
                    tracing::warn!(filter = &*filter, regex, lines, "a regex took too many steps");
                }
            }
            counts.lines += lines;
        }
    }
}

/// What an envelope gave so far.
struct Found<'s> {
    setup: &'s Setup,
    record: usize,
    cases: Vec<Case>,
    /// The cases whose key is a host name to be looked up.
    hosts: Vec<usize>,
}

impl Stream<'_> {
    /// Scans events of one time.
    fn scan(&mut self, run: &[LogEvent], arrived: Timestamp, found: &mut Found<'_>) {
        let start = self.offset;
        let mut text = Vec::with_capacity(run.iter().map(|event| event.message.len() + 1).sum());
        let mut starts = Vec::with_capacity(run.len());
        for event in run {
            starts.push(text.len());
            text.extend_from_slice(event.message.as_bytes());
            text.push(b'\n');
        }
        self.offset += text.len() as u64;
        let name = &self.name;
        for (lane, scanner) in &mut self.lanes {
            let lines = Lines { bytes: &text, offset: start, times: None };
            scanner.scan(lines, arrived, |hit| {
                let at = usize::try_from(hit.offset - start).unwrap_or(usize::MAX);
                let nth = starts.partition_point(|&begin| begin <= at).saturating_sub(1);
                let (Some(event), Some(&begin)) = (run.get(nth), starts.get(nth)) else { return };
                // An event may hold several lines.
                let line = text.get(begin..at).map_or(0, |before| memchr::memchr_iter(b'\n', before).count());
                let time = on_arrival(hit.time, arrived);
                let id: Arc<str> = event.id.as_str().into();
                for (jail, name_of_jail) in lane.jails.get(hit.filter).into_iter().flatten() {
                    let filter = found.setup.filters.get(*jail).and_then(Option::as_deref);
                    let match_id = match_id(filter.unwrap_or(name_of_jail), &event.id, line, 0);
                    if lane.looks_up(&hit) {
                        found.hosts.push(found.cases.len());
                    }
                    found.cases.push(Case {
                        at: *jail,
                        found: witnessed(&hit, match_id, name_of_jail, name, time),
                        record: found.record,
                        event: Some(Arc::clone(&id)),
                    });
                }
            });
        }
    }
}

/// The id of a match: of the filter, the event, the line in it, and which of the addresses of a host name. For the
/// usual case, one line, it is Cloud-Fail2Ban's, so that one event in both tables counts once.
fn match_id(filter: &str, event: &str, line: usize, nth: u32) -> MatchId {
    if line == 0 && nth == 0 {
        return shared_id(filter, event);
    }
    MatchId::derive(filter, event, "line", line as u64, nth)
}

/// Puts a case for each address in the place of a case of a host name. Returns how many names were too late.
fn look_up(resolver: &mut Resolver, cases: &mut Vec<Case>, hosts: &[usize]) -> u64 {
    let all = std::mem::take(cases);
    let name = |case: &Case| match &case.found.key {
        Key::Name(name) => Some(name.clone()),
        _ => None,
    };
    let wanted: Vec<Box<str>> = hosts.iter().filter_map(|&n| all.get(n).and_then(name)).collect();
    let (known, late) = resolver.resolve(wanted.iter().map(|name| &**name), names::PATIENCE);
    let mut hosts = hosts.iter().peekable();
    for (n, case) in all.into_iter().enumerate() {
        let Some(name) = hosts.next_if(|&&host| host == n).and_then(|_| name(&case)) else {
            cases.push(case);
            continue;
        };
        let addresses: &[IpAddr] = known.get(&*name).map(Vec::as_slice).unwrap_or_default();
        for (nth, &addr) in (0..).zip(addresses) {
            let MatchId(id) = case.found.id;
            let id =
                if nth == 0 { MatchId(id) } else { MatchId::derive("address", &name, "", nth, 0).mixed(id) };
            let found = Match { id, key: Key::addr(addr), ..case.found.clone() };
            cases.push(Case { found, ..case.clone() });
        }
    }
    late
}

/// Two ids to one.
trait Mixed {
    fn mixed(self, with: u128) -> MatchId;
}

impl Mixed for MatchId {
    fn mixed(self, with: u128) -> MatchId {
        Self(self.0 ^ with)
    }
}
