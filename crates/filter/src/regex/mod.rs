//! fail2ban's regexes: Python's dialect with tags, run by engines that cannot be made to run away.

mod backtrack;
mod byte_set;
mod field_regex;
mod line_end;
mod literals;
mod program;
mod python;
mod tags;

pub(crate) use backtrack::{Room, UNSET};
pub(crate) use byte_set::ByteSet;
pub(crate) use field_regex::{FieldRegex, Scratch};
pub(crate) use literals::{Required, cover, required_literals};
pub(crate) use program::Program;
pub(crate) use python::{Problem, to_rust};
pub(crate) use tags::expand_tags;
