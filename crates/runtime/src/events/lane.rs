//! The rules of all jails over one stream of events.

use std::sync::Arc;

use stockade_config::JailConfig;
use stockade_core::{Match, StreamName, Timestamp};
use stockade_pattern::EventError;
use stockade_rule::{Event, Found, RuleBook, Scratch};

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
        book.read(event, received, &mut self.scratch, &mut |found| take(found, jails, stream, matches))
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
        book.read_first(text, received, &mut self.scratch, &mut |found| take(found, jails, stream, matches))
    }
}

fn take(found: &Found<'_>, jails: &[usize], stream: &StreamName, matches: &mut Vec<(usize, Match)>) {
    if let Some(at) = jails.get(found.rule) {
        matches.push((*at, found.to_match(stream)));
    }
}
