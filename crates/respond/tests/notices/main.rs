//! The roads of notices against the real thing at the other end: an HTTP server, a mail server, TLS.
#![cfg(all(feature = "notify", feature = "email"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

mod certificates;
mod contract;
mod email;
mod make;
mod python;
mod receiver;
mod slack;
mod tls;
mod webhook;
