//! Many rules, and what they find in an event.

use std::sync::Arc;

use stockade_core::{Key, Timestamp};
use stockade_pattern::{EventError, Fields, Part, Pattern, RuleSet};

use crate::event::{DETAIL, Envelopes, Event};
use crate::found::Found;
use crate::identity::identity;
use crate::known::{KNOWN, Known, OTHERWISE};
use crate::rule::{KeyKind, Rule};

/// Rules that read events together: one pass over the bytes of an event for all of them.
///
/// ```
/// use std::sync::Arc;
/// use stockade_core::Timestamp;
/// use stockade_rule::{Event, Rule, RuleBook, Scratch};
///
/// let rule = Rule::parse("trail-stopped.toml", r#"
///     description = "A trail is stopped"
///     key = { resource = "detail.requestParameters.name" }
///     [[pattern]]
///     json = '{"source": ["aws.cloudtrail"], "detail": {"eventName": ["StopLogging"]}}'
/// "#).map_err(|problems| problems[0].clone())?;
/// let book = RuleBook::new(vec![Arc::new(rule)]);
///
/// let record = br#"{"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
///     "eventID": "e1", "eventTime": "2026-11-22T10:15:04Z", "requestParameters": {"name": "main"}}"#;
/// let mut keys = Vec::new();
/// let mut scratch = Scratch::new(); // one for each thread, for all events
/// let now = Timestamp::from_secs(0);
/// book.read(Event::Record(record), now, &mut scratch, &mut |found| keys.push(found.key.to_string()))?;
/// assert_eq!(keys, ["main"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RuleBook {
    rules: Vec<Arc<Rule>>,
    /// By pattern, in the order of rules.
    patterns: Vec<Wanted>,
    /// All patterns, for whole events.
    whole: RuleSet,
    /// What they ask of `detail`: what no record fulfils needs no envelope.
    details: RuleSet,
    /// [`KNOWN`], then the paths of all keys.
    fields: Fields,
    envelopes: Envelopes,
}

/// What is to be known of a pattern when it matched.
#[derive(Debug)]
struct Wanted {
    rule: usize,
    /// Its place in its rule.
    pattern: usize,
    kind: KeyKind,
    /// The places of the key's paths in the book's fields.
    paths: Vec<usize>,
    /// And those of the rule's `once_per`.
    once_per: Vec<usize>,
}

/// What reading needs beside the rules, kept from event to event. One for each thread; it serves any book.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One for each set of the book: a scratch that changes sets begins anew.
    whole: stockade_pattern::Scratch,
    details: stockade_pattern::Scratch,
    matched: Vec<usize>,
    undecided: Vec<usize>,
    envelope: Vec<u8>,
    keys: Vec<Key>,
}

impl Scratch {
    /// An empty scratch.
    pub fn new() -> Self {
        Self::default()
    }
}

impl RuleBook {
    /// Takes rules; they are known by their place here. Whether one is enabled is not asked: give it those that are.
    pub fn new(rules: Vec<Arc<Rule>>) -> Self {
        let mut paths: Vec<&str> = KNOWN.to_vec();
        let mut patterns = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let once_per: Vec<usize> = places(&mut paths, &rule.once_per);
            for (pattern, own) in rule.patterns.iter().enumerate() {
                let (kind, own) = (own.key.kind, places(&mut paths, &own.key.paths));
                patterns.push(Wanted { rule: at, pattern, kind, paths: own, once_per: once_per.clone() });
            }
        }
        let all = || rules.iter().flat_map(|rule| &rule.patterns).map(|pattern| &pattern.pattern);
        let below: Vec<Pattern> = all().map(|pattern| pattern.below(DETAIL)).collect();
        let (whole, details) = (RuleSet::new(all()), RuleSet::new(&below));
        let fields = Fields::new(paths);
        Self { patterns, whole, details, fields, envelopes: Envelopes::new(), rules }
    }

    /// The rules, in the order in which they were given.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Reads an event and tells what is found, in the order of rules; of a rule the first pattern that matches and has a
    /// key. `received` stands for the time of an event that says none. Nothing is allocated for an event that no pattern
    /// matches, once the scratch has grown to what the rules and the events need.
    ///
    /// # Errors
    /// The event is not a JSON object, or is too long or too deep; nothing is found in it then.
    pub fn read(
        &self,
        event: Event<'_>,
        received: Timestamp,
        scratch: &mut Scratch,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Result<(), EventError> {
        match event {
            Event::Envelope(json) => self.whole(&[Part { path: "", json }], received, scratch, found),
            Event::Record(json) => {
                let part = Part { path: DETAIL, json };
                if self.details.matches_parts(&[part], &mut scratch.details)?.is_empty() {
                    return Ok(());
                }
                self.record(json, received, scratch, found)
            }
        }
    }

    /// Reads the CloudTrail record that a longer text begins with, such as a file's from its first record on; what follows
    /// is not looked at. Returns how many bytes the record and the space before it take.
    ///
    /// # Errors
    /// The text does not begin with a JSON object. Where it would have ended is unknown, so nothing can be said of the rest.
    pub fn read_first(
        &self,
        text: &[u8],
        received: Timestamp,
        scratch: &mut Scratch,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Result<usize, EventError> {
        let first = Part { path: DETAIL, json: text };
        let (matches, length) = self.details.matches_first(first, &mut scratch.details)?;
        if !matches.is_empty() {
            self.record(text.get(..length).unwrap_or(text), received, scratch, found)?;
        }
        Ok(length)
    }

    /// Reads a record that may match, in its envelope.
    fn record(
        &self,
        record: &[u8],
        received: Timestamp,
        scratch: &mut Scratch,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Result<(), EventError> {
        let mut envelope = std::mem::take(&mut scratch.envelope);
        let read = self.envelopes.write(record, &mut envelope).and_then(|()| {
            let parts = [Part { path: "", json: &envelope }, Part { path: DETAIL, json: record }];
            self.whole(&parts, received, scratch, found)
        });
        scratch.envelope = envelope;
        read
    }

    /// Reads an event that is there as a whole, in one part or in two.
    fn whole(
        &self,
        parts: &[Part<'_>],
        received: Timestamp,
        scratch: &mut Scratch,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Result<(), EventError> {
        let matches = self.whole.matches_parts(parts, &mut scratch.whole)?;
        if matches.is_empty() {
            return Ok(());
        }
        scratch.matched.clear();
        scratch.matched.extend_from_slice(matches.ids());
        scratch.undecided.clear();
        scratch.undecided.extend_from_slice(matches.undecided());
        let values = self.fields.read(parts)?;
        let known = Known::new(&values);
        let time = known.time().unwrap_or(received);
        let identity = identity(&known, parts);
        let mut done = None;
        for id in &scratch.matched {
            let Some(pattern) = self.patterns.get(*id) else { continue };
            let Some(rule) = self.rules.get(pattern.rule) else { continue };
            if done == Some(pattern.rule) {
                continue;
            }
            crate::key::collect(pattern.kind, &pattern.paths, &OTHERWISE, &values, &mut scratch.keys);
            let once_per = pattern.once_per.iter().find_map(|place| crate::key::first(&values, *place));
            for (nth, key) in scratch.keys.drain(..).enumerate() {
                done = Some(pattern.rule);
                found(&Found {
                    rule: pattern.rule,
                    pattern: pattern.pattern,
                    nth: u32::try_from(nth).unwrap_or(u32::MAX),
                    once: once_per.as_ref().map(|value| format!("{value} {key}")),
                    key,
                    time,
                    identity: &identity,
                    user: known.user(),
                    undecided: scratch.undecided.contains(id),
                    of: rule,
                    known: &known,
                    parts,
                });
            }
        }
        Ok(())
    }
}

/// The places of paths in a list, into which those are put that are not there.
fn places<'p>(list: &mut Vec<&'p str>, paths: &'p [Box<str>]) -> Vec<usize> {
    let place = |path: &'p str| {
        list.iter().position(|other| *other == path).unwrap_or_else(|| {
            list.push(path);
            list.len() - 1
        })
    };
    paths.iter().map(|path| &**path).map(place).collect()
}
