//! Rules: how events are read. The twin of the crate `filter`, which is about lines.
#![forbid(unsafe_code)]

mod book;
mod event;
mod explain;
pub mod export;
mod found;
mod identity;
mod key;
mod known;
pub mod limits;
mod parse;
mod problem;
mod rule;
mod test_run;
mod text;
mod times;

pub use book::{RuleBook, Scratch};
pub use event::Event;
pub use explain::{PatternExplanation, RuleExplanation};
pub use found::Found;
pub use problem::{Place, RuleProblem, RuleProblemKind};
pub use rule::{KeyKind, KeySpec, Rule, RuleJail, RulePattern, RuleTest, Severity, TestEvent};
pub use test_run::TestOutcome;
