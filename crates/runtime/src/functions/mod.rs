//! The same turn in AWS Lambda: functions that live for a second and share a ledger.
//!
//! A [`Function`] has a [`Role`] and is invoked with what AWS hands over. It opens the envelopes, runs the filters of
//! each log group over them, remembers what they found, recalls what is known of those keys and no others, and lets
//! [`stockade_core::step`] judge. A ban is put into the ledger by one function only, then announced, then noted as
//! announced; whoever dies in between leaves a ban that is announced by the next delivery or by `expire`.
//!
//! | role | is invoked by | does |
//! |---|---|---|
//! | `cloudwatch_filter_and_jail` | log events | matches and bans |
//! | `cloudwatch_filter` | log events | matches only |
//! | `dynamodb_jail` | the table's stream | bans, from matches of all regions |
//! | `events` | EventBridge, SQS, SNS, S3; its URL | bans, notices and repairs, by the rules of events; answers to approvals |
//! | `expire` | a schedule | ends of bans, repetitions, the snapshot |
//!
//! # Decisions
//!
//! - **Filters, jails, step and guards are the daemon's** (`crate::lanes`, `daemon::assembly`). What differs is where a
//!   window comes from: it is put together from the ledger for the keys at hand. So a log gives the same decisions here
//!   and there, with the exceptions that `tests/functions/agree.rs` names.
//! - **Remember, then recall.** Of two functions that work at the same time, at least one then sees the matches
//!   of both, as soon as their key is near its limit; far from it a match of the last second may count with the next.
//! - **A bad record is passed over, a record that could not be written is given back.** Only the second may work next
//!   time. So a stream never waits for a record that nobody can read, and no good one is repeated for its sake.
//! - **At least once, and told apart.** A ban may be announced twice in rare cases; it has the same id and version then.

mod announce;
mod answer;
mod counts;
mod events;
mod expire;
mod function;
pub mod home;
mod judging;
mod page;
mod reading;
mod restore;
mod role;
mod setup;
mod table;
mod tellers;
mod telling;
mod web;

pub use announce::{Announcer, Announcers, Say, Topic};
pub use counts::Counts;
pub use function::{Function, FunctionError, Invoked, Parts, PutSnapshot};
pub use role::Role;
pub use setup::{Setup, SetupError};
pub use table::{FunctionLedger, Tables, Units};
pub use tellers::Tellers;
