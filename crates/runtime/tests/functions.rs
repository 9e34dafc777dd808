//! The functions, whole, against a ledger in memory: what AWS hands over goes in, bans and answers come out.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "functions/agree.rs"]
mod agree;
#[path = "functions/bad_input.rs"]
mod bad_input;
#[path = "functions/brute_force.rs"]
mod brute_force;
#[path = "support/world.rs"]
mod daemon_world;
#[path = "functions/events.rs"]
mod events;
#[path = "functions/events_agree.rs"]
mod events_agree;
#[path = "functions/expire.rs"]
mod expire;
#[path = "functions/faults.rs"]
mod faults;
#[path = "functions/judging.rs"]
mod judging;
#[path = "functions/repairs.rs"]
mod repairs;
#[path = "functions/roads.rs"]
mod roads;
#[path = "functions/world.rs"]
mod world;
