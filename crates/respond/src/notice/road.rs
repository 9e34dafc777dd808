//! The ways by which messages go out.

use std::fmt;
use std::time::Duration;

use stockade_core::ports::RespondError;
use stockade_core::{Outcome, Timestamp};

use super::message::Message;

/// How long the other end can ask for silence.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// A way by which messages go out: one destination.
pub trait Road: Send {
    /// The kind of responder that it makes, as configuration calls it.
    const NAME: &'static str;

    /// Sends a message, or says why it was not taken. What was taken is never sent again.
    ///
    /// # Errors
    /// If the other end did not say that it has it. It may have it all the same.
    fn send(&mut self, message: &Message, now: Timestamp) -> Result<(), Unsent>;

    /// Sees whether the road can be used at all, without sending anything.
    ///
    /// # Errors
    /// If it cannot.
    fn check(&mut self) -> Result<(), RespondError> {
        Ok(())
    }
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// What was tried, on what, and what happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What that means for this message and for others.
    pub fate: Fate,
}

/// What is to become of messages after one was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The other end does not answer, or wants nobody: others need not be tried now.
    Blocked,
    /// This message failed, and others may not.
    Alone,
    /// The other end said that it will never take this message: it is of no use to try it again.
    Refused,
    /// The other end wants nothing for a while.
    NotBefore(Duration),
}

impl Unsent {
    /// Nothing can be sent now.
    pub fn blocked(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, fate: Fate::Blocked }
    }

    /// What came of all that the message told of.
    pub(super) fn outcome(&self, now: Timestamp) -> Outcome {
        match self.fate {
            Fate::Refused => Outcome::Refused { reason: self.to_string() },
            Fate::NotBefore(wait) => {
                Outcome::Later { until: now.plus(wait.clamp(Duration::from_secs(1), MAX_PAUSE)) }
            }
            Fate::Blocked | Fate::Alone => Outcome::Failed { error: self.to_string() },
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unsent {}
