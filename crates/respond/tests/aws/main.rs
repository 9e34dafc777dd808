//! The responders `sns`, `lambda` and `sns-notice` against the emulator, and against its bad days.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

mod boto;
mod contract;
mod emulator;
mod lambda;
mod notice;
mod sns;
mod sns_faults;
