//! Bans told to AWS: to all hosts by SNS, or to a function; notices told to people by SNS.
//!
//! Neither can be asked what is in force: [`current`](stockade_core::ports::Responder::current) is `None`, and the
//! outbox repeats what was not taken.

mod batches;
mod lambda;
mod notice;
mod sns;

pub use lambda::Lambda;
pub use notice::SnsNotice;
pub use sns::Sns;

use stockade_aws::Fault;
use stockade_core::Outcome;

/// What is said of an item whose request failed.
fn failed(fault: &Fault) -> Outcome {
    let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    Outcome::Failed { error: format!("{fault}{hint}") }
}
