//! What is wrong with a message, or with what a message should say.

use thiserror::Error;

/// Why a message, or a part of it, cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The body, or the message in its envelope, is no JSON.
    #[error("cannot read the {what}: not JSON: {error}")]
    NotJson {
        /// `body` or `message`.
        what: &'static str,
        /// Where reading stopped, and why.
        error: String,
    },
    /// Longer than what is read.
    #[error("the body has {bytes} bytes, more than {limit}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// SNS says something else: a confirmation of a subscription.
    #[error("not a notification but: `{kind}`")]
    NotNotification {
        /// The `Type` of the envelope.
        kind: String,
    },
    /// It comes from a topic that is not among the expected.
    #[error("it comes from another topic: `{topic}`")]
    ForeignTopic {
        /// The ARN of the topic.
        topic: String,
    },
    /// It has no envelope, so it does not say which topic it comes from.
    #[error("it does not say which topic it comes from")]
    NoTopic,
    /// It is JSON, but no object of lists of addresses.
    #[error("not a list of addresses for each jail")]
    NotBans,
    /// More addresses than what is read; none of them is.
    #[error("it holds more than {limit} addresses")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
    /// One element of a list is neither an address nor a network.
    #[error("in the jail `{jail}`: not an address or network: `{text}`")]
    NotAnAddress {
        /// The jail.
        jail: String,
        /// What stands there, cut.
        text: String,
    },
    /// The name cannot be that of a jail on the wire.
    #[error("a jail cannot be called so in a message: `{jail}`: {why}")]
    BadJail {
        /// The name, cut.
        jail: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An attribute does not hold what it should; what it would say is not known.
    #[error("the attribute `{name}` {why}")]
    BadAttribute {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The beginning of a text that may be long and is quoted in an error.
pub(super) fn cut(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
