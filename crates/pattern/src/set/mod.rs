//! Many patterns at once.
//!
//! What patterns ask of a field is kept once, however many ask it: a *question* is a field with its alternatives. A value
//! of the event is looked up once for all questions of its field, and the lookup names the questions it answers. A rule is
//! the list of its questions. It is only looked at when its rarest question was answered, so a thousand rules about other
//! things cost nothing, and what `detail-type` says is never counted for all of them.

mod affixes;
mod build;
mod index;
mod inner;
mod networks;
mod numbers;
mod postings;
mod run;

use crate::consistent::Wanted;
use crate::error::EventError;
use crate::paths::Paths;
use crate::pattern::Pattern;
use crate::table::Table;
use crate::wildcard::Wildcard;
use index::Index;
use postings::{Posting, Postings};
pub use run::Scratch;

/// Patterns that are matched together, in one pass over an event.
///
/// Patterns are known by their place in the order in which they were given.
///
/// ```
/// use stockade_pattern::{Pattern, RuleSet, Scratch};
///
/// let set = RuleSet::new([
///     Pattern::parse(r#"{"detail": {"eventName": ["ConsoleLogin"]}}"#)?,
///     Pattern::parse(r#"{"detail": {"sourceIPAddress": [{"cidr": "192.0.2.0/24"}]}}"#)?,
/// ].iter());
/// let mut scratch = Scratch::new();
/// let event = br#"{"detail": {"eventName": "ConsoleLogin", "sourceIPAddress": "192.0.2.7"}}"#;
/// assert_eq!(set.matches(event, &mut scratch)?.ids(), [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    /// Told apart from other sets by what a [`Scratch`] remembers.
    id: u64,
    patterns: usize,
    paths: Paths,
    indices: Vec<Index>,
    postings: Postings,
    /// What must be tried, and what it means when it fits.
    wildcards: Vec<(Wildcard, Posting)>,
    /// What strings mean by being the same, by field.
    exact: Table,
    questions: Vec<Question>,
    rules: Vec<Rule>,
    /// The questions of rules, rarest first.
    rule_questions: Vec<Asked>,
    /// Which patterns a rule stands for.
    owners: Vec<usize>,
    /// Rules to look at when a question was answered, when a field was there, and always.
    by_question: Vec<Span>,
    by_field: Vec<Span>,
    access: Vec<Access>,
    always: Vec<Access>,
    exclusions: usize,
}

/// A piece of a list.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: u32,
    length: u32,
}

/// A field with alternatives.
#[derive(Debug)]
struct Question {
    wanted: Wanted,
    /// Any value will do: `exists: true` or a comparison.
    present: bool,
    absent: bool,
    compares: bool,
    /// What `anything-but` excludes, one number for each.
    exclusions: Span,
}

/// A rule that may be looked at.
#[derive(Debug, Clone, Copy)]
struct Access {
    rule: u32,
    /// Another question of it that only a value can answer: nearly always that one was not. [`NO_QUESTION`] if there is none.
    also: u32,
}

const NO_QUESTION: u32 = u32::MAX;

/// A question of a rule.
#[derive(Debug, Clone, Copy)]
struct Asked {
    question: u32,
    /// Only a value that fulfils an alternative by itself answers it: no `exists`, `anything-but` or comparison is among them.
    by_value: bool,
}

/// Questions that must all be answered.
#[derive(Debug)]
struct Rule {
    questions: Span,
    owners: Span,
    compares: bool,
}

/// Which patterns matched an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matches<'s> {
    ids: &'s [usize],
    undecided: &'s [usize],
}

/// One text of an event that comes in several: an object, and where it hangs.
#[derive(Debug, Clone, Copy)]
pub struct Part<'e> {
    /// The path of the object, joined with dots; empty for the event itself.
    pub path: &'e str,
    /// The object as JSON.
    pub json: &'e [u8],
}

impl RuleSet {
    /// Compiles patterns.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Self {
        build::build(patterns)
    }

    /// Returns how many patterns it holds.
    pub fn len(&self) -> usize {
        self.patterns
    }

    /// Whether it holds no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns == 0
    }

    /// Returns which patterns match an event. Nothing is allocated for an event that matches nothing, once the scratch has
    /// grown to what the set and the events need.
    ///
    /// # Errors
    /// The event is not a JSON object, anywhere: what no pattern asks for is checked as well.
    pub fn matches<'s>(&self, event: &[u8], scratch: &'s mut Scratch) -> Result<Matches<'s>, EventError> {
        scratch.run(self, &[(Paths::ROOT, event)])
    }

    /// Returns which patterns match an event that is put together from several objects.
    ///
    /// A record of a CloudTrail file is matched as EventBridge would deliver it, without being copied:
    ///
    /// ```
    /// # use stockade_pattern::{Part, Pattern, RuleSet, Scratch};
    /// # let pattern = Pattern::parse(r#"{"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}}"#)?;
    /// # let set = RuleSet::new([&pattern]);
    /// # let mut scratch = Scratch::new();
    /// let record = br#"{"eventSource": "iam.amazonaws.com", "eventName": "CreateUser"}"#;
    /// let envelope = br#"{"source": "aws.iam", "detail-type": "AWS API Call via CloudTrail"}"#;
    /// let parts = [Part { path: "", json: envelope }, Part { path: "detail", json: record }];
    /// assert_eq!(set.matches_parts(&parts, &mut scratch)?.ids(), [0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// One of them is not a JSON object; the byte is that in the part.
    pub fn matches_parts<'s>(
        &self,
        parts: &[Part<'_>],
        scratch: &'s mut Scratch,
    ) -> Result<Matches<'s>, EventError> {
        let parts: smallvec::SmallVec<[_; 4]> =
            parts.iter().map(|part| (self.paths.root(part.path), part.json)).collect();
        scratch.run(self, &parts)
    }

    /// Returns which patterns match the object that a longer text begins with, and how many bytes it and the space before
    /// it take. What follows the object is not looked at. `first.path` is where the object hangs in the event.
    ///
    /// The records of a CloudTrail file are split and matched in one pass:
    ///
    /// ```
    /// # use stockade_pattern::{Part, Pattern, RuleSet, Scratch};
    /// # let pattern = Pattern::parse(r#"{"detail": {"eventName": ["CreateUser"]}}"#)?;
    /// # let set = RuleSet::new([&pattern]);
    /// # let mut scratch = Scratch::new();
    /// let file = br#"{"Records":[{"eventName": "ListUsers"}, {"eventName": "CreateUser"}]}"#;
    /// let mut rest = &file[r#"{"Records":["#.len()..];
    /// let mut matched = Vec::new();
    /// loop {
    ///     let (matches, length) = set.matches_first(Part { path: "detail", json: rest }, &mut scratch)?;
    ///     let record = &rest[..length]; // with the space before it
    ///     if !matches.is_empty() {
    ///         matched.push(record);
    ///     }
    ///     rest = rest[length..].trim_ascii_start();
    ///     let Some(next) = rest.strip_prefix(b",") else { break };
    ///     rest = next;
    /// }
    /// assert_eq!(matched, [br#" {"eventName": "CreateUser"}"#]);
    /// assert_eq!(rest, b"]}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The text does not begin with a JSON object. Where it would have ended is unknown: nothing can be said of what follows.
    pub fn matches_first<'s>(
        &self,
        first: Part<'_>,
        scratch: &'s mut Scratch,
    ) -> Result<(Matches<'s>, usize), EventError> {
        scratch.run_first(self, self.paths.root(first.path), first.json)
    }
}

impl<'s> Matches<'s> {
    /// Returns the patterns that matched, each once, in order.
    pub fn ids(&self) -> &'s [usize] {
        self.ids
    }

    /// Returns those of them for which it could not be decided within
    /// [`MAX_CONSISTENCY_STEPS`](crate::limits::MAX_CONSISTENCY_STEPS) whether their fields lie in the same array elements.
    ///
    /// Every field matched by itself. They count as matched because a rule that looks for an attack must not be blinded
    /// by an event that is made to be expensive; who acts on a match may want to look at this first.
    pub fn undecided(&self) -> &'s [usize] {
        self.undecided
    }

    /// Whether nothing matched.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Span {
    fn of<T>(self, list: &[T]) -> &[T] {
        let start = self.start as usize;
        list.get(start..start + self.length as usize).unwrap_or_default()
    }
}
