//! `stockade repair` and `stockade iam` as people and scripts use them: the real binary, against moto over HTTP, in an
//! account of its own for each test. Skipped where no moto runs.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly, and says so where it is skipped"
)]

#[path = "repair/decisions.rs"]
mod decisions;
#[path = "repair/events.rs"]
mod events;
#[path = "repair/iam.rs"]
mod iam;
#[path = "repair/life.rs"]
mod life;
#[path = "repair/original.rs"]
mod original;
#[path = "repair/pages.rs"]
mod pages;
#[path = "repair/record.rs"]
mod record;
#[path = "repair/story.rs"]
mod story;
#[path = "repair/world.rs"]
mod world;
