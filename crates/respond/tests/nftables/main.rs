//! The responder `nftables` against the real kernel, each test in network namespaces of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod elements;
mod healing;
mod packets;
mod rights;
mod table;
