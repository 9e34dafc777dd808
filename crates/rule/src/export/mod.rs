//! The EventBridge rules that feed a configuration: every event that a rule of ours may match reaches the target.
//!
//! Patterns are taken apart into combinations, made into what EventBridge can say, merged, and packed into as few EventBridge
//! rules as its limits allow. Merging is exact: an event matches what was merged if and only if it matches one of the parts.
//! Only what EventBridge cannot say, or decides otherwise than we do, is left out (`compare`, `json`, `exists: false` inside
//! lists), so that *more* events arrive, never fewer, and each such place is told ([`Wider`]).
//!
//! One of EventBridge's defects remains: in events, a number that a double does not hold lies in no range for it (4 of
//! `differences.md` of the crate `stockade-pattern`).

mod branch;
mod calls;
mod cloudformation;
mod merge;
mod pack;
mod reads;
mod reference;
mod render;
mod terraform;
mod tree;
mod wide;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use stockade_pattern::limits::AWS_PATTERN_CHARS;

use crate::Rule;
pub use calls::Calls;
use pack::Bin;
pub use reference::{Reference, ReferenceError};
use tree::Tree;
pub use wide::Wider;

/// Most targets of one EventBridge rule: AWS's limit.
pub const MAX_TARGETS: usize = 5;

/// Longest description of an EventBridge rule, in characters: AWS's limit.
pub const MAX_DESCRIPTION_CHARS: usize = 512;

/// Most characters of a pattern that AWS can be asked to allow.
pub const MAX_PATTERN_CHARS: usize = 4_096;

/// Most stars of the wildcards on one path of one EventBridge rule. More, and AWS may find the rule too complex.
const MAX_STARS: usize = 5;

/// The name of whatever begins with this is guarded by the rules against tampering with Stockade itself.
pub const PREFIX: &str = "stockade-";

/// What is exported, and for whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the names of the EventBridge rules begin with.
    pub prefix: String,
    /// Longest pattern, in characters; at most [`MAX_PATTERN_CHARS`].
    pub chars: usize,
    /// The event bus; `None`: the default bus, where AWS's own events arrive.
    pub bus: Option<String>,
    /// Where events go; none: a parameter of what is exported.
    pub targets: Vec<Reference>,
    /// The queue for events that could not be delivered.
    pub dead_letter: Option<Reference>,
    /// Whether the queues' policies are written, so that EventBridge may send to them. It replaces the policies that they have.
    pub queue_policy: bool,
}

/// The EventBridge rules for a set of rules of ours.
#[derive(Clone, Debug)]
pub struct Export {
    /// The EventBridge rules, in the order of their names.
    pub rules: Vec<Exported>,
    /// Where more is asked for than the rules say, in the order of the rules.
    pub wider: Vec<Wider>,
    options: Options,
}

/// One EventBridge rule.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its name, such as `stockade-events-1`.
    pub name: String,
    /// Whether it needs read-only management events (`Describe…`, `Get…`, `List…`), which EventBridge leaves out unless the rule's
    /// state asks for them.
    pub reads: bool,
    /// The names of our rules that it feeds.
    pub feeds: BTreeSet<Arc<str>>,
    tree: Tree,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: PREFIX.to_owned(),
            chars: AWS_PATTERN_CHARS,
            bus: None,
            targets: Vec::new(),
            dead_letter: None,
            queue_policy: false,
        }
    }
}

impl Export {
    /// Finds the EventBridge rules. The same rules give the same answer, in whatever order they come.
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, options: Options) -> Self {
        let mut rules: Vec<&Rule> = rules.into_iter().collect();
        rules.sort_by(|left, right| left.name.cmp(&right.name));
        let mut wider = Vec::new();
        let mut branches = Vec::new();
        for rule in rules {
            branches.extend(branch::all(rule, options.chars, &mut wider));
        }
        let (reading, writing): (Vec<_>, Vec<_>) = branches.into_iter().partition(reads::needed);
        let mut exported = Vec::new();
        for (reads, branches) in [(false, writing), (true, reading)] {
            let bins = pack::all(merge::all(branches, options.chars), options.chars);
            let class = if reads { "reads" } else { "events" };
            exported.extend(bins.into_iter().enumerate().map(|(at, Bin { branches, tree })| Exported {
                name: format!("{}{class}-{}", options.prefix, at + 1),
                reads,
                feeds: branches.into_iter().flat_map(|branch| branch.feeds).collect(),
                tree,
            }));
        }
        Self { rules: exported, wider, options }
    }

    /// Whether one of the EventBridge rules is for any event at all: there is nothing that EventBridge can be asked.
    pub fn asks_for_everything(&self) -> bool {
        self.rules.iter().any(|rule| rule.pattern() == branch::EVERYTHING)
    }

    /// Writes a CloudFormation template.
    ///
    /// # Errors
    /// A target that cannot be written so.
    pub fn cloudformation(&self) -> Result<String, ReferenceError> {
        cloudformation::write(self)
    }

    /// Writes Terraform's resources.
    ///
    /// # Errors
    /// A target that cannot be written so.
    pub fn terraform(&self) -> Result<String, ReferenceError> {
        terraform::write(self)
    }

    /// Returns the calls of AWS's API that make the rules, with their arguments.
    ///
    /// # Errors
    /// A target that is no ARN.
    pub fn calls(&self) -> Result<Vec<Calls>, ReferenceError> {
        calls::all(self)
    }

    /// Returns the calls of `sqs:SetQueueAttributes` that let EventBridge send to the queues, if their policies are to be
    /// written.
    pub fn queue_calls(&self) -> Vec<serde_json::Value> {
        calls::queues(self)
    }

    /// How many EventBridge rules each pattern needs for all targets.
    fn groups(&self) -> usize {
        self.options.targets.len().div_ceil(MAX_TARGETS).max(1)
    }

    /// The name of the rule for one group of targets.
    fn name_of(&self, rule: &Exported, group: usize) -> String {
        let name = &rule.name;
        if group == 0 { name.clone() } else { format!("{name}-targets-{}", group + 1) }
    }

    /// What is told of one rule: its description, within AWS's limit.
    fn description(&self, rule: &Exported) -> String {
        let mut text = format!("Feeds Stockade: {}", listed(&rule.feeds));
        if self.wider.iter().any(|wider| rule.feeds.contains(&wider.rule)) {
            text += ". Wider than the rules: what EventBridge cannot say is left to Stockade";
        }
        if text.chars().count() <= MAX_DESCRIPTION_CHARS {
            return text;
        }
        text.chars().take(MAX_DESCRIPTION_CHARS - 1).chain(['…']).collect()
    }

    /// Comments for the head of what is written: where more is asked for than the rules say.
    fn remarks(&self) -> String {
        let mut text = String::new();
        if !self.wider.is_empty() {
            text.push_str("#\n# More arrives than these rules match; Stockade leaves the rest out:\n");
        }
        for wider in &self.wider {
            writeln!(text, "#   {}", tree::comment(&wider.to_string())).ok();
        }
        text
    }
}

impl Exported {
    /// Returns its event pattern, without spaces.
    pub fn pattern(&self) -> String {
        self.tree.compact()
    }

    /// Returns its state.
    pub fn state(&self) -> &'static str {
        if self.reads { "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" } else { "ENABLED" }
    }
}

fn listed(names: &BTreeSet<Arc<str>>) -> String {
    names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ")
}
