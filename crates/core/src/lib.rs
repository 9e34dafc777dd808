//! The heart of Stockade: what is counted, when it is enough, and what is decided then.
//!
//! Matches and a time go into [`step::step`]; decisions come out. Everything is pure: no I/O, no clock, no
//! randomness, no threads. What the core needs from the world it names as traits in [`ports`], and the outer crates
//! implement them.
//!
//! ```
//! use stockade_core::{Jail, Jails, States, Timestamp, Verdict, step};
//!
//! let jails = Jails::new(vec![Jail::new("sshd")]); // 5 matches within 10 minutes ban for 10 minutes
//! let mut states = States::new(&jails);
//! let mut decisions = Vec::new();
//! for second in 0..5 {
//!     let time = Timestamp::from_secs(second);
//!     step::observe(&jails, &mut states, 0, &"192.0.2.1".parse()?, time, 1, time, &mut decisions);
//! }
//! assert_eq!(decisions.len(), 1);
//! assert_eq!(decisions[0].verdict, Verdict::Ban { until: Timestamp::from_secs(604), extends: false });
//! # Ok::<(), std::convert::Infallible>(())
//! ```
//!
//! The key decision is that a window is a *set of times* and not a counter. A counter is smaller, but its answer
//! depends on the order of arrival, two regions cannot merge it, and fail2ban's, which estimates a rate, bans for
//! matches that lie outside the window. The newest `maxretry` times answer exactly, in any order, and a store can
//! give them with one bounded query.

pub mod action;
pub mod bans;
pub mod decision;
pub mod growth;
pub mod ignore;
pub mod jail;
pub mod key;
pub mod ledger;
pub mod limits;
pub mod nearest;
pub mod plan;
pub mod ports;
pub mod record;
pub mod severity;
pub mod shared;
pub mod step;
pub mod target;
pub mod time;
pub mod window;
pub mod windows;

pub use decision::{BanRecord, Decision, Outcome, Reason, Verdict};
pub use growth::Growth;
pub use ignore::IgnoreSet;
pub use jail::{Feed, Jail, Jails};
pub use key::{Key, parse_addr};
pub use record::{Match, MatchId, Position, StreamName};
pub use severity::Severity;
pub use step::{Seen, States};
pub use target::Target;
pub use time::{BanTime, Timestamp};
pub use window::{Threshold, Window};
