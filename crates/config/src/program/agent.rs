//! `[agent]`: what `stockade agent` does on a host.

use std::path::PathBuf;
use std::time::Duration;

/// What `stockade agent` does on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `queue`: the name of this host's queue; empty: as Cloud-Fail2Ban's client names it, by the host's name.
    pub queue: String,
    /// `jails`: whose bans it takes; empty: the enabled jails, or those that fail2ban runs where it bans by it.
    pub jails: Vec<String>,
    /// `responders`: who carries them out, each in [`Program::responders`](super::Program::responders); empty: those of
    /// the jails.
    pub responders: Vec<String>,
    /// `store`: the database file.
    pub store: PathBuf,
    /// `retention`: how long a message waits in the queue.
    pub retention: Duration,
    /// `max_receives`: after being taken so many times in vain a message goes to the dead-letter queue, 1 to 1000.
    pub max_receives: u32,
    /// `snapshot_every`: how often it is asked whether the snapshot of live bans has changed.
    pub snapshot_every: Duration,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            queue: String::new(),
            jails: Vec::new(),
            responders: Vec::new(),
            store: "/var/lib/stockade/agent.db".into(),
            retention: Duration::from_secs(60 * 60),
            max_receives: 20,
            snapshot_every: Duration::from_secs(5 * 60),
        }
    }
}

/// What a queue may be called, or nothing: SQS allows 80 characters, of which the dead-letter queue takes five more.
pub(super) fn is_queue(name: &str) -> bool {
    name.len() <= 75 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}
