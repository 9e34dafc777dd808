//! The turn that all of Stockade is made for: a source yields records, filters find matches, jails decide, the store
//! remembers, responders act, and only then is a record done with.
//!
//! [`daemon`] runs it for ever on what is being written now; [`replay`] runs the same step over what was written
//! before; [`control`] is how commands speak with the daemon.

#[cfg(feature = "aws")]
pub mod agent;
pub mod control;
pub mod daemon;
pub mod events;
mod fail2ban_log;
#[cfg(feature = "aws")]
pub mod functions;
mod guards;
mod ignoring;
pub mod import;
mod lanes;
mod names;
pub mod notices;
pub mod repair;
pub mod replay;
pub mod responder;
pub mod store;

pub use guards::{GuardRules, Guarded, Guards};
pub use ignoring::Lookups;

use stockade_core::Timestamp;

/// A time as people and logs read it: RFC 3339, in UTC, to the second; `for ever` for [`Timestamp::MAX`].
pub fn show_time(time: Timestamp) -> String {
    if time == Timestamp::MAX {
        return "for ever".to_owned();
    }
    jiff::Timestamp::from_second(time.as_secs()).map_or_else(|_| format!("{time:?}"), |time| time.to_string())
}
