//! The responder over a road: notices and bans become messages, grouped and rate-limited.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stockade_core::ports::{Evidence, Notice, Plan, Report, RespondError, Responder, Scope, Standing, Wants};
use stockade_core::{Outcome, Timestamp, Verdict};

use super::about::Book;
use super::group::{Card, Desk, Sorted};
use super::limits::Limits;
use super::message::Message;
use super::road::{Fate, Road};
use super::story::Story;

/// How long one call begins with further messages. What is left then comes again at once, so that a slow road does not
/// hold up the end of the daemon, which systemd gives 20 s.
pub(super) const MAX_CALL: Duration = Duration::from_secs(5);

/// A responder that tells by a road.
///
/// It takes notices, repairs that are ordered, bans and their ends. What is told together or has no room yet waits in the
/// outbox ([`Outcome::Later`]); all that a message tells of is done when the message was taken.
pub struct Teller<R> {
    pub(super) road: R,
    desk: Desk,
    book: Arc<Book>,
    /// Whether the ends of bans are told as well.
    unbans: bool,
}

impl<R: Road> Teller<R> {
    /// A teller with these limits, which knows the rules of the book.
    pub fn new(road: R, limits: Limits, book: Arc<Book>) -> Self {
        Self { road, desk: Desk::new(limits), book, unbans: false }
    }

    /// Also tells the ends of bans.
    #[must_use]
    pub fn with_unbans(self, unbans: bool) -> Self {
        Self { unbans, ..self }
    }

    /// Tells stories, and says of each, in their order, what came of it.
    pub fn tell_stories(&mut self, stories: Vec<Story>, now: Timestamp) -> Vec<Outcome> {
        let cards: Vec<Card> = stories.iter().map(Story::card).collect();
        let mut outcomes = vec![Outcome::Done; stories.len()];
        let mut settle = |places: &[usize], outcome: &Outcome| {
            for place in places {
                if let Some(known) = outcomes.get_mut(*place) {
                    known.clone_from(outcome);
                }
            }
        };
        let Sorted { parcels, later } = self.desk.sort(&cards, now);
        for (place, until) in later {
            settle(&[place], &Outcome::Later { until });
        }
        let begun = Instant::now();
        let mut stories: Vec<Option<Story>> = stories.into_iter().map(Some).collect();
        let mut over: Option<Outcome> = None;
        for parcel in &parcels {
            if over.is_none() && begun.elapsed() >= MAX_CALL {
                over = Some(Outcome::Later { until: now });
            }
            if let Some(outcome) = &over {
                self.desk.failed(parcel, &cards);
                settle(&parcel.cards, outcome);
                continue;
            }
            let of_parcel = parcel.cards.iter().filter_map(|place| stories.get_mut(*place)?.take());
            let message = Message::of(of_parcel.collect(), parcel.sums_up, &self.book.host);
            let Some(message) = message else { continue };
            let sent = self.road.send(&message, now);
            let Err(unsent) = sent else { continue };
            tracing::debug!(road = R::NAME, %unsent, notices = message.count, "a message was not sent");
            if unsent.fate != Fate::Refused {
                self.desk.failed(parcel, &cards);
            }
            let outcome = unsent.outcome(now);
            settle(&parcel.cards, &outcome);
            if let Outcome::Later { until } = outcome {
                self.desk.pause(until);
            }
            over = matches!(unsent.fate, Fate::Blocked | Fate::NotBefore(_)).then_some(outcome);
        }
        outcomes
    }
}

impl<R> fmt::Debug for Teller<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("desk", &self.desk).finish_non_exhaustive()
    }
}

impl<R: Road> Responder for Teller<R> {
    fn name(&self) -> &str {
        R::NAME
    }

    fn prepare(&mut self, _scopes: &[Scope]) -> Result<(), RespondError> {
        self.road.check()
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ban { .. } | Verdict::Unban | Verdict::Notify | Verdict::Repair)
    }

    fn wants(&self) -> Wants {
        Wants { matches: true, ..Wants::default() }
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        self.apply_with(plan, &[], now)
    }

    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let mut stories = Story::of_whole_plan(plan, evidence, now);
        if !self.unbans {
            stories.truncate(plan.add.len());
        }
        let mut outcomes = self.tell_stories(stories, now);
        outcomes.resize(plan.add.len() + plan.remove.len(), Outcome::Done);
        Ok(outcomes)
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let stories = notices.iter().map(|notice| Story::of(notice, &self.book)).collect();
        Ok(self.tell_stories(stories, now))
    }

    fn reports(&self) -> bool {
        true
    }

    fn report(&mut self, reports: &[Report], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        Ok(self.tell_stories(reports.iter().map(Story::of_report).collect(), now))
    }

    /// Nothing is in force here that could be lifted.
    fn flush(&mut self) -> Result<(), RespondError> {
        Ok(())
    }
}
