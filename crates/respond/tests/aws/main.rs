//! The responders `sns` and `lambda` against the emulator, and against its bad days.
#![cfg(feature = "aws")]

mod boto;
mod contract;
mod emulator;
mod lambda;
mod sns;
mod sns_faults;
