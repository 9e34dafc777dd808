//! fail2ban's regexes: Python's dialect with tags, run by engines that cannot be made to run away.
//!
//! `tags` writes the tags out, `parser` reads Python's dialect, `mark` says what in it no finite automaton can do.
//! `literals` finds what a text must contain; `compile` makes the `program` that `backtrack` runs.

mod backtrack;
mod budget;
mod byte_set;
mod compile;
mod field_regex;
mod line_end;
mod literals;
mod mark;
mod moves;
mod parser;
mod problem;
mod program;
mod tags;

pub(crate) use backtrack::{OutOfSteps, Room, UNSET};
pub(crate) use budget::Budget;
pub(crate) use byte_set::ByteSet;
pub(crate) use compile::Program;
pub(crate) use field_regex::{FieldRegex, Scratch};
pub(crate) use literals::{Required, cover, required_literals};
pub(crate) use problem::Problem;
pub(crate) use tags::expand_tags;

#[cfg(test)]
mod tests;
