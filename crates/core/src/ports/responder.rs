//! The plug of those who carry decisions out: what they are given, and what they answer.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::decision::{Decision, Outcome, Reason, Verdict};
use crate::record::Match;
use crate::{Key, Timestamp};

/// Which packets a jail's bans keep out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The jail.
    pub jail: Arc<str>,
    /// The ports, as inclusive ranges; empty means all ports and all protocols.
    pub ports: Vec<(u16, u16)>,
    /// The protocols the ports belong to.
    pub protocols: Vec<Protocol>,
}

/// A transport protocol that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One ban as a responder holds or should hold it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// The jail.
    pub jail: Arc<str>,
    /// Whom it keeps out.
    pub key: Key,
    /// Until when; [`Timestamp::MAX`] for ever.
    pub until: Timestamp,
}

/// The difference between what is wanted and what is. It is what a dry run prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bans to put in force, or to put in force with another expiry.
    pub add: Vec<Standing>,
    /// Bans to lift.
    pub remove: Vec<(Arc<str>, Key)>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// What is known of a ban beyond whom it keeps out and until when, for responders that tell others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// When the ban began.
    pub since: Timestamp,
    /// The how-manieth ban of this key in this jail it is, from 1.
    pub nth: u32,
    /// How many matches led to it; 0 if a person said so.
    pub failures: u32,
    /// Whether a ban that was in force is only made longer.
    pub extends: bool,
    /// Why it was decided, where that is known.
    pub reason: Option<Reason>,
    /// The key's newest matches in all jails, the oldest first, if [`Wants::matches`].
    pub matches: Vec<Match>,
    /// What the filter captured in the first match, by the group's name, if [`Wants::fields`].
    pub fields: Vec<(Box<str>, Box<str>)>,
    /// The jail's numbers, if [`Wants::counts`].
    pub counts: JailCounts,
}

impl Evidence {
    /// What a decision says by itself.
    pub fn of(decision: &Decision) -> Self {
        Self {
            since: decision.at,
            nth: decision.nth,
            failures: decision.reason.matches(),
            extends: matches!(decision.verdict, Verdict::Ban { extends: true, .. }),
            reason: Some(decision.reason.clone()),
            ..Self::default()
        }
    }
}

/// A decision that is no ban, [`Verdict::Notify`] or [`Verdict::Repair`], with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What was decided.
    pub decision: Decision,
    /// The matches that led to it, the newest first; fewer, or none, where they are forgotten. The record of an event
    /// is a digest of it in one line of JSON, or the whole event where a repair is to be made.
    pub matches: Vec<Match>,
}

impl Notice {
    /// What a responder says of one that is not for it.
    pub fn refused() -> Outcome {
        Outcome::Refused { reason: "the responder does no such thing".to_owned() }
    }
}

/// The numbers of one jail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JailCounts {
    /// Bans in force.
    pub banned: u64,
    /// Bans since the daemon started.
    pub banned_total: u64,
    /// Keys that are being watched.
    pub found: u64,
    /// Matches since the daemon started.
    pub found_total: u64,
}

/// Which parts of [`Evidence`] a responder uses: each costs something to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// [`Evidence::matches`].
    pub matches: bool,
    /// [`Evidence::fields`].
    pub fields: bool,
    /// [`Evidence::counts`].
    pub counts: bool,
}

/// A responder's error, with a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespondError {
    /// What was tried, on what, and what happened.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it is of no use to try again: no right, no such program.
    pub permanent: bool,
}

impl fmt::Display for RespondError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RespondError {}

/// Makes decisions true in the world. Every call may be repeated: adding what is there and removing what is not are
/// both done.
pub trait Responder: Send {
    /// Its name in configuration, outbox and logs.
    fn name(&self) -> &str;

    /// Makes ready for these jails: tables, sets, rules. Called at start, at reload and when a reconcile finds the
    /// ground gone.
    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError>;

    /// What is in force, or `None` where the world cannot be asked (a command).
    fn current(&mut self, now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError>;

    /// What must change so that what is becomes what is wanted. Pure. Expiries that differ by less than
    /// [`crate::plan::EXPIRY_TOLERANCE_MS`] are equal.
    fn plan(&self, wanted: &[Standing], current: &[Standing]) -> Plan {
        crate::plan::difference(wanted, current)
    }

    /// Carries a plan out and says what came of each item: `add` first, then `remove`, in their order. An error means
    /// that nothing of it was done.
    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError>;

    /// Whether it carries out decisions like this: bans and their ends, unless it says otherwise. A jail whose verdicts
    /// a responder does not take need not be handed to it; what is handed to it all the same is refused.
    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ban { .. } | Verdict::Unban)
    }

    /// Carries out what is no ban and says what came of each, in their order. What it does not
    /// [take](Responder::takes) is refused. It may come again: what was done already is done, and is not done twice where that can be told. An
    /// error means that nothing of it was done.
    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let _ = now;
        Ok(vec![Notice::refused(); notices.len()])
    }

    /// Whether it tells what became of repairs.
    fn reports(&self) -> bool {
        false
    }

    /// Tells what became of repairs, and says what came of each report, in their order. As with [`Responder::tell`] one may
    /// come again, and an error means that nothing was told.
    fn report(&mut self, reports: &[Report], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let _ = now;
        Ok(vec![Notice::refused(); reports.len()])
    }

    /// Which evidence it uses in [`Responder::apply_with`] and [`Responder::restore`].
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// Like [`Responder::apply`], with evidence for each item in the order of the outcomes. There may be less of it.
    fn apply_with(
        &mut self,
        plan: &Plan,
        evidence: &[Evidence],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let _ = evidence;
        self.apply(plan, now)
    }

    /// Told once after the first [`Responder::prepare`] which bans are wanted, for a responder whose world cannot be
    /// asked and forgets them when the daemon stops. Others have nothing to do.
    fn restore(&mut self, bans: &[(Standing, Evidence)], now: Timestamp) -> Result<(), RespondError> {
        let _ = (bans, now);
        Ok(())
    }

    /// Lifts every ban and takes down what [`Responder::prepare`] put up.
    fn flush(&mut self) -> Result<(), RespondError>;
}
