//! One notice as facts, before it is anybody's words.

use std::sync::Arc;

use stockade_core::ports::{Evidence, Notice, Plan, Report, Standing};
use stockade_core::{Decision, Key, MatchId, Reason, Timestamp, Verdict};

use super::about::{About, Book};
use super::clean;
use super::facts::Facts;
use super::group::{Card, Handle};
use stockade_core::Severity;

/// How long a name or a reason may be, in characters.
pub(super) const MAX_TEXT: usize = 300;
/// How many things are said to be done, or to be a way back.
const MAX_LINES: usize = 20;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// To tell somebody.
    Notify,
    /// To repair it.
    Repair,
    /// To keep it out.
    Ban {
        /// Until when; [`Timestamp::MAX`]: for ever.
        until: Timestamp,
        /// Whether a ban that was in force is only made longer.
        extends: bool,
        /// The how-manieth ban it is; 0: nobody knows.
        nth: u32,
    },
    /// To let it in again.
    Unban,
    /// Nothing: it is told what became of a repair. In one word for programs.
    CameTo(&'static str),
}

/// One notice: what happened, what was done, how to undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Story {
    /// The same whenever it is told.
    pub id: MatchId,
    /// What was decided.
    pub what: What,
    /// The jail.
    pub jail: Arc<str>,
    /// The rule; of a log the jail.
    pub rule: Arc<str>,
    /// What the rule says of itself.
    pub about: Option<About>,
    /// Whom or what it is about.
    pub key: Key,
    /// When it happened.
    pub at: Timestamp,
    /// How many records led to it; 0: none.
    pub matches: u32,
    /// Why it was decided.
    pub reason: String,
    /// What the newest record says.
    pub facts: Facts,
    /// The newest record's id, by which it is found again.
    pub evidence: Option<MatchId>,
    /// What was done beyond the decision, in sentences: what a repair came to.
    pub done: Vec<String>,
    /// What undoes it, as commands.
    pub undo: Vec<String>,
    /// Of a report of a repair, what no other story has.
    pub repair: Option<Box<OfRepair>>,
}

/// What only a report of a repair has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfRepair {
    /// Its id; empty where it belongs to none.
    pub id: String,
    /// What it came to, as the end of a sentence that begins with the thing.
    pub came_to: String,
    /// What a person may answer: a word, and a link or a command.
    pub answers: Vec<(&'static str, String)>,
    /// What shows more of it, as a command.
    pub more: String,
    /// The number and the hash of the record's line.
    pub mark: String,
}

impl Story {
    /// Of a decision and the records that led to it, the newest first.
    pub fn of(notice: &Notice, book: &Book) -> Self {
        let newest = notice.matches.first();
        let (facts, rule) = newest.map(|found| Facts::of(&found.line)).unwrap_or_default();
        let evidence = newest.map(|found| found.id);
        let mut story = Self::bare(&notice.decision);
        if let Some((name, about)) =
            rule.as_deref().or(Some(&*story.jail)).and_then(|name| book.rules.get_key_value(name))
        {
            (story.rule, story.about) = (Arc::clone(name), Some(about.clone()));
        } else if let Some(rule) = rule {
            story.rule = rule.into();
        }
        Self { facts, evidence, ..story }
    }

    /// Of what a repair came to.
    pub fn of_report(report: &Report) -> Self {
        let about = About {
            description: report.description.clone(),
            severity: report.severity,
            playbook: report.playbook.clone(),
        };
        Self {
            id: report.id,
            what: What::CameTo(report.outcome),
            jail: Arc::clone(&report.topic),
            rule: Arc::clone(&report.topic),
            about: Some(about),
            key: report.key.clone(),
            at: report.at,
            matches: u32::from(!report.event.is_empty()),
            reason: clean::line(&report.found, MAX_TEXT),
            facts: Facts::of(&report.event).0,
            evidence: None,
            done: report.done.clone(),
            undo: report.undo.clone(),
            repair: Some(Box::new(OfRepair {
                id: report.repair.clone(),
                came_to: clean::line(&report.came_to, MAX_TEXT),
                answers: report.answers.clone(),
                more: report.more.clone(),
                mark: report.mark.clone(),
            })),
        }
    }

    /// Of a ban that begins, or is made longer.
    pub fn of_ban(ban: &Standing, evidence: Option<&Evidence>, now: Timestamp) -> Self {
        let extends = evidence.is_some_and(|evidence| evidence.extends);
        Self::of_plan(&ban.jail, &ban.key, Verdict::Ban { until: ban.until, extends }, evidence, now)
    }

    /// Of a ban that ends.
    pub fn of_unban(jail: &Arc<str>, key: &Key, evidence: Option<&Evidence>, now: Timestamp) -> Self {
        Self::of_plan(jail, key, Verdict::Unban, evidence, now)
    }

    /// Of all bans of a plan, then of all ends, with the evidence in their order.
    pub(super) fn of_whole_plan(plan: &Plan, evidence: &[Evidence], now: Timestamp) -> Vec<Self> {
        let bans = plan.add.iter().enumerate().map(|(nth, ban)| Self::of_ban(ban, evidence.get(nth), now));
        let ends = plan
            .remove
            .iter()
            .enumerate()
            .map(|(nth, (jail, key))| Self::of_unban(jail, key, evidence.get(plan.add.len() + nth), now));
        bans.chain(ends).collect()
    }

    fn of_plan(
        jail: &Arc<str>,
        key: &Key,
        verdict: Verdict,
        evidence: Option<&Evidence>,
        now: Timestamp,
    ) -> Self {
        let reason = evidence.and_then(|evidence| evidence.reason.clone());
        let decision = Decision {
            jail: Arc::clone(jail),
            key: key.clone(),
            verdict,
            at: evidence.map_or(now, |evidence| evidence.since),
            reason: reason.unwrap_or_else(|| Reason::Manual { note: String::new() }),
            nth: evidence.map_or(0, |evidence| evidence.nth),
        };
        let mut story = Self::bare(&decision);
        if let Some(evidence) = evidence {
            story.matches = evidence.failures;
            if evidence.reason.is_none() {
                story.reason.clear();
            }
            if let Some(newest) = evidence.matches.last() {
                story.facts = Facts::of(&newest.line).0;
                story.evidence = Some(newest.id);
            }
        }
        story
    }

    fn bare(decision: &Decision) -> Self {
        let what = match decision.verdict {
            Verdict::Ban { until, extends } => What::Ban { until, extends, nth: decision.nth },
            Verdict::Unban => What::Unban,
            Verdict::Repair => What::Repair,
            _ => What::Notify,
        };
        Self {
            id: id_of(decision),
            what,
            jail: Arc::clone(&decision.jail),
            rule: Arc::clone(&decision.jail),
            about: None,
            key: decision.key.clone(),
            at: decision.at,
            matches: decision.reason.matches(),
            reason: clean::line(&decision.reason.to_string(), MAX_TEXT),
            facts: Facts::default(),
            evidence: None,
            done: Vec::new(),
            undo: Vec::new(),
            repair: None,
        }
    }

    /// The same with what was done beyond the decision, and with the commands that undo it.
    #[must_use]
    pub fn with_report(self, done: Vec<String>, undo: Vec<String>) -> Self {
        Self { done, undo, ..self }
    }

    /// How bad it is: as the rule says; a ban is nothing to be woken for.
    pub fn severity(&self) -> Severity {
        match (&self.about, self.what) {
            (Some(about), _) => about.severity,
            (None, What::Ban { .. }) => Severity::Low,
            (None, What::Unban) => Severity::Info,
            (None, What::Repair) => Severity::High,
            (None, What::Notify | What::CameTo(_)) => Severity::Medium,
        }
    }

    /// The verdict's name.
    pub fn verdict(&self) -> &'static str {
        match self.what {
            What::Notify => "notify",
            What::Repair | What::CameTo(_) => "repair",
            What::Ban { .. } => "ban",
            What::Unban => "unban",
        }
    }

    /// The key in one line.
    pub(super) fn key_text(&self) -> String {
        clean::line(&self.key.to_string(), MAX_TEXT)
    }

    /// What was done beyond the decision.
    pub(super) fn report(&self) -> impl Iterator<Item = String> {
        self.done.iter().take(MAX_LINES).map(|line| clean::line(line, 2 * MAX_TEXT))
    }

    /// What undoes it, as commands; empty if there is nothing to undo.
    pub(super) fn ways_back(&self) -> Vec<String> {
        if !self.undo.is_empty() {
            return self.undo.iter().take(MAX_LINES).map(|line| clean::line(line, 4 * MAX_TEXT)).collect();
        }
        let key = clean::word(&self.key.to_string());
        let jail = clean::word(&self.jail);
        let command = match self.what {
            What::Notify | What::Repair | What::CameTo(_) => return Vec::new(),
            What::Ban { .. } => format!("stockade unban {key} --jail {jail}"),
            What::Unban => format!("stockade ban {key} --jail {jail}"),
        };
        vec![clean::line(&command, 4 * MAX_TEXT)]
    }

    /// What shows more of it, as a command.
    pub(super) fn look(&self) -> String {
        if let Some(repair) = &self.repair {
            return clean::line(&repair.more, 4 * MAX_TEXT);
        }
        let key = self.key.to_string();
        let dashes = if key.starts_with('-') { "-- " } else { "" };
        clean::line(&format!("stockade why {dashes}{}", clean::word(&key)), 4 * MAX_TEXT)
    }

    /// What a person may answer, if one is asked.
    pub(super) fn answers(&self) -> &[(&'static str, String)] {
        self.repair.as_ref().map(|repair| &*repair.answers).unwrap_or_default()
    }

    pub(super) fn card(&self) -> Card {
        let handles = match self.what {
            // Whoever is asked must see what, and how to answer.
            What::CameTo(_) if !self.answers().is_empty() => Vec::new(),
            What::Ban { .. } => vec![Handle::Jail(Arc::clone(&self.jail), true)],
            What::Unban => vec![Handle::Jail(Arc::clone(&self.jail), false)],
            What::Notify | What::Repair | What::CameTo(_) => {
                let key = Handle::Key(Arc::clone(&self.rule), self.key.to_string().into());
                let actor = self.facts.who().map(|who| Handle::Actor(Arc::clone(&self.rule), who.into()));
                std::iter::once(key).chain(actor).collect()
            }
        };
        Card { id: self.id.0, handles, severity: self.severity(), at: self.at }
    }
}

/// A time for people.
pub(super) fn time_text(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{} s after 1970", at.as_secs()),
    }
}

/// A time for programs, as RFC 3339 has it.
pub(super) fn time_code(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map(|at| at.to_string()).unwrap_or_default()
}

fn id_of(decision: &Decision) -> MatchId {
    let verdict = match decision.verdict {
        Verdict::Ban { .. } => "ban",
        Verdict::Unban => "unban",
        Verdict::Repair => "repair",
        _ => "notify",
    };
    let at = decision.at.as_millis().cast_unsigned();
    // Of two notices of one moment, each with a match of its own, the matches tell them apart.
    let of_match = match decision.reason {
        Reason::Match { id } => format!("{:032x}", id.0),
        _ => String::new(),
    };
    let about = format!("{}\n{of_match}", decision.key);
    MatchId::derive(&decision.jail, verdict, &about, at, decision.nth)
}
