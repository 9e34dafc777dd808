//! The rules of all jails over one stream of events.

use std::sync::Arc;
use std::time::Duration;

use stockade_config::JailConfig;
use stockade_core::{Match, StreamName, Timestamp};
use stockade_pattern::EventError;
use stockade_rule::{Event, Found, RuleBook, Scratch};

/// How far the clock of whoever tells of an event may be ahead of ours. What is said to be further ahead happened when it
/// came: otherwise it would be the newest that is known of its key until then, and count in every window.
const MAX_AHEAD: Duration = Duration::from_secs(10 * 60);

/// The rules of all jails, and what reading needs beside them. One for each thread; a clone shares the rules.
#[derive(Debug)]
pub(crate) struct EventLane {
    rules: Arc<Rules>,
    scratch: Scratch,
}

#[derive(Debug)]
struct Rules {
    book: RuleBook,
    /// By the rule's place: its jail's.
    jails: Vec<usize>,
}

impl Clone for EventLane {
    fn clone(&self) -> Self {
        Self { rules: Arc::clone(&self.rules), scratch: Scratch::new() }
    }
}

impl EventLane {
    /// The rules of these jails, which are known by their places; `None` if there are none.
    pub(crate) fn new(jails: &[JailConfig]) -> Option<Self> {
        let (mut rules, mut places) = (Vec::new(), Vec::new());
        for (at, jail) in jails.iter().enumerate() {
            rules.extend(jail.rules.iter().cloned());
            places.resize(rules.len(), at);
        }
        if rules.is_empty() {
            return None;
        }
        let rules = Arc::new(Rules { book: RuleBook::new(rules), jails: places });
        Some(Self { rules, scratch: Scratch::new() })
    }

    /// Reads one event that came in this stream; what is found is appended, each with its jail's place. `received` is
    /// the time of an event that tells none.
    pub(crate) fn read(
        &mut self,
        event: Event<'_>,
        received: Timestamp,
        stream: &StreamName,
        matches: &mut Vec<(usize, Match)>,
    ) -> Result<(), EventError> {
        let Rules { book, jails } = &*self.rules;
        book.read(event, received, &mut self.scratch, &mut |found| {
            take(found, received, jails, stream, matches);
        })
    }

    /// The same for the CloudTrail record that a longer text begins with. Returns its length.
    pub(crate) fn read_first(
        &mut self,
        text: &[u8],
        received: Timestamp,
        stream: &StreamName,
        matches: &mut Vec<(usize, Match)>,
    ) -> Result<usize, EventError> {
        let Rules { book, jails } = &*self.rules;
        book.read_first(text, received, &mut self.scratch, &mut |found| {
            take(found, received, jails, stream, matches);
        })
    }
}

fn take(
    found: &Found<'_>,
    received: Timestamp,
    jails: &[usize],
    stream: &StreamName,
    matches: &mut Vec<(usize, Match)>,
) {
    let Some(at) = jails.get(found.rule) else { return };
    let mut one = found.to_match(stream);
    if one.time > received.plus(MAX_AHEAD) {
        one.time = received;
    }
    matches.push((*at, one));
}
