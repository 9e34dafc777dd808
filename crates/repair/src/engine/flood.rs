//! A flood of events: whoever may do anything in an account, and be it to fail, can make any number of them, each with a
//! line in the record that is never taken out again.

use std::time::Duration;

use serde_json::json;

use super::{Engine, EngineError, record, state};
use crate::state::Flood;

/// So many events of an account within [`WINDOW`] each have a line of their own. Of more, failed calls have none, and the same
/// about the same thing has one: what is repaired, and what is new, is recorded all the same.
const MAX_EVENTS: u64 = 1000;
const WINDOW: Duration = Duration::from_secs(3600);

impl Engine {
    /// Counts an event of an account; whether they are too many. That they are is recorded once an hour.
    pub(super) fn counted(&mut self, account: &str) -> Result<bool, EngineError> {
        let now = self.time.now();
        // An event may name any account; those that nobody named to us count together.
        let named = self.settings.accounts.iter().any(|one| one == account);
        let account = if named { account } else { "" };
        let events = state::update(self.shelf.as_mut(), &state::flood(account), |flood: &mut Flood| {
            if flood.events == 0 || now.since(flood.since) >= WINDOW {
                *flood = Flood { since: now, events: 0 };
            }
            flood.events += 1;
            flood.events
        })?;
        if events == MAX_EVENTS + 1 {
            let body = json!({
                "account": account, "events": events,
                "why": "so many events within an hour: failed calls, and the same again, are not recorded until it is over",
            });
            record::append(self.shelf.as_mut(), now, "limit", "", body)?;
        }
        Ok(events > MAX_EVENTS)
    }
}
