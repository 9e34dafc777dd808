//! Slack, by an incoming webhook.
//!
//! The address that Slack gives for a channel is the secret: whoever has it may write there. It is never shown.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::Timestamp;
use stockade_core::ports::RespondError;

use super::about::Book;
use super::http::Http;
use super::limits::Limits;
use super::message::Message;
use super::road::{Road, Unsent};
use super::teller::Teller;

/// The road to a channel of Slack.
pub struct Slack {
    http: Http,
}

impl Slack {
    /// The name of the responder over it.
    pub const NAME: &'static str = "slack";
    /// The time that one request has unless something else is wanted.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// A responder for the address of an incoming webhook. Nothing is sent yet.
    ///
    /// # Errors
    /// If the address is none.
    pub fn teller(
        url: &str,
        timeout: Duration,
        limits: Limits,
        book: Arc<Book>,
    ) -> Result<Teller<Self>, RespondError> {
        Ok(Teller::new(Self { http: Http::new(url, timeout, None)? }, limits, book))
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").field("http", &self.http).finish()
    }
}

impl Road for Slack {
    const NAME: &'static str = Self::NAME;

    fn send(&mut self, message: &Message, _now: Timestamp) -> Result<(), Unsent> {
        self.http.post(&[], message.slack().to_string().as_bytes())
    }
}
