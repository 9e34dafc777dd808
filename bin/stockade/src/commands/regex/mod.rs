//! `stockade regex`: a filter or a regex on trial.

pub(crate) mod asked;
pub(crate) mod draw;
pub(crate) mod log;
pub(crate) mod out;
pub(crate) mod python;
pub(crate) mod tally;

use crate::cli::{Global, RegexArgs};
use crate::exit::Outcome;

pub(crate) fn run(_global: &Global, _args: &RegexArgs) -> Outcome {
    Ok(crate::exit::Exit::Done)
}
