//! The repairs against a moto server: real requests over HTTP, through a proxy that can refuse them.
//!
//! `eval "$(dev/emulators start)"` starts one; without it every test says so and has nothing to do. What moto does
//! otherwise than AWS is named where it matters.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "a test may fail loudly, and says what it skips"
)]

mod account;
mod approvals;
mod buckets;
mod calls;
mod deleted;
mod exemptions;
mod fight;
mod groups;
mod guardduty;
mod keys;
mod leaked;
mod limits;
mod original;
mod own;
mod permissions;
mod places;
mod recordings;
mod snapshots;
mod stopped;
#[cfg(feature = "sqlite")]
mod table;
#[cfg(feature = "sqlite")]
mod together;
mod weakened;
mod world;
