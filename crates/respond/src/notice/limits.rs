//! How often somebody may be told, by one road.

use std::time::Duration;

/// How long a notice waits for others of its kind, and how many messages there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What comes so soon after a message about the same is told together, in the next; zero: nothing is put together.
    pub group: Duration,
    /// So many messages may go out at once…
    pub messages: u32,
    /// …and so many again in this time; above zero.
    pub per: Duration,
    /// Whether what has no room may wait. Where nobody would bring it back, as in a function, it may not: what comes at
    /// once is put together, and what has no room is summed up in one message more.
    pub waits: bool,
}

impl Limits {
    /// [`Limits::group`] unless something else is wanted.
    pub const GROUP: Duration = Duration::from_secs(60);
    /// [`Limits::messages`] unless something else is wanted.
    pub const MESSAGES: u32 = 20;
    /// [`Limits::per`] unless something else is wanted.
    pub const PER: Duration = Duration::from_secs(600);
}

impl Default for Limits {
    fn default() -> Self {
        Self { group: Self::GROUP, messages: Self::MESSAGES, per: Self::PER, waits: true }
    }
}
