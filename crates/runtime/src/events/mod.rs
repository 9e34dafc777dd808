//! Events: which rules read them, and what a match means to the jails. The same for the daemon and for functions, as
//! `lanes` is for lines.
//!
//! ```text
//! message ─> intake ─┬─ event ──────────────┐
//!                    └─ object ─> records ──┴─> lane ─> matches ─> what is not known yet ─> step ─> commit ─> deleted
//! ```
//!
//! The key decision: **nothing is counted twice by what it is, not by where it came from**. An event may come by
//! EventBridge and in a file, to two hosts, and again after a crash; its match has the id of the event, and what the
//! store knows already is passed over. So a message may be given back at any time, and is deleted only when all that was
//! found in it is remembered.

#[cfg(feature = "aws")]
pub(crate) mod intake;
#[cfg(feature = "aws")]
mod lane;
#[cfg(feature = "aws")]
pub(crate) mod queue;
#[cfg(feature = "aws")]
pub(crate) mod taken;

#[cfg(feature = "aws")]
pub(crate) use lane::EventLane;

use stockade_config::Program;
use stockade_core::ports::RespondError;

/// Says whether this build can read events from where they are configured to come from.
///
/// # Errors
/// One that is permanent and names the feature.
pub fn supported(program: &Program) -> Result<(), RespondError> {
    if program.events.queue.is_empty() || cfg!(feature = "aws") {
        return Ok(());
    }
    Err(RespondError {
        message: format!(
            "cannot read events from the queue `{}`: this build of Stockade is without AWS",
            program.events.queue
        ),
        hint: Some("install a build with the feature `aws`, or leave `events.queue` empty".to_owned()),
        permanent: true,
    })
}
