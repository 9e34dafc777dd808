//! Events and CloudTrail records from files: for a replay, and for what a bucket holds.
//!
//! [`EventReader`] goes from event to event in one file, whatever they are wrapped in; [`find`] finds the files of a folder
//! and puts them into the order in which they were delivered; [`FileName`] tells what CloudTrail delivers by its name.
//!
//! Decisions:
//!
//! - **Events are given out as bytes of one reused buffer**, never parsed here. Who matches them finds their ends on the
//!   way: a file is read once.
//! - **What a file is is seen from its content**, never from its name alone: one event a line, a list, `Records`, a digest.
//! - **What is broken takes nothing with it**, as far as the text lets one know where the next event begins (`walk`).
//! - **Every bound has a name** ([`limits`]): a few kilobytes of gzip may claim to be a terabyte.

mod find;
mod found;
mod inflate;
pub(crate) mod json;
pub mod limits;
mod name;
mod problem;
mod reader;
mod shape;
#[cfg(test)]
mod tests;
mod walk;
mod window;

pub use find::{EventFile, EventFiles, find};
pub use found::{Counts, Event, Found};
pub use name::{FileKind, FileName};
pub use problem::{EventProblem, Place};
pub use reader::EventReader;
pub use shape::{Form, NoEvent};
