//! What the threads around the queue tell the turn.

use stockade_aws::wire::Notice;
use stockade_core::Timestamp;

use super::tracker::Token;

/// One thing that happened outside.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A message of the queue, with what it says about our jails; not empty.
    Message {
        /// By which it is deleted or given back.
        token: Token,
        /// What it says.
        notices: Vec<Notice>,
    },
    /// How the queue is.
    Queue {
        /// What is wrong with it.
        problem: Option<String>,
    },
    /// The snapshot has been read.
    Snapshot {
        /// When it was true.
        made: Timestamp,
        /// What it says about our jails.
        notices: Vec<Notice>,
        /// Whether it was read to its end.
        whole: bool,
    },
    /// How the snapshot is; told also when there is nothing new in it.
    SnapshotRead {
        /// Why it could not be read.
        problem: Option<String>,
    },
    /// There is no message left.
    Drained,
}
