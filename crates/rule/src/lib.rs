//! Rules: how events are read. The twin of the crate `filter`, which is about lines.
#![forbid(unsafe_code)]

pub mod export;
pub mod limits;
mod parse;
mod problem;
mod rule;
mod text;

pub use problem::{Place, RuleProblem, RuleProblemKind};
pub use rule::{KeyKind, KeySpec, Rule, RuleJail, RulePattern, RuleTest, Severity, TestEvent};
