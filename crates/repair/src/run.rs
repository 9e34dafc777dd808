//! What came of an event, a schedule or a person's word.

use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::count::{Count, without_trail};
use crate::event::Actor;
use crate::playbook::{Plan, Subject, Trouble};
use crate::{ApiCall, ApiFault};

/// What came of it, thing by thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Each thing that was looked at, also the good ones.
    pub items: Vec<Item>,
    /// What could not be looked at; the others went on.
    pub troubles: Vec<Trouble>,
    /// How many things of the playbooks' classes there are.
    pub seen: usize,
    /// The same, by playbook and account.
    pub counts: Vec<Count>,
    /// Set where the event was not followed.
    pub passed_over: Option<PassedOver>,
    /// What would have been done in the trial, once, when it is over.
    pub trial: Option<TrialReport>,
    /// The newest hash of the record. It belongs into notices: it shows later that the record's end was not cut off.
    pub head: String,
}

/// Why an event was not followed. What we did, and what failed, is in the record all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
#[non_exhaustive]
pub enum PassedOver {
    /// It was dealt with before.
    Duplicate,
    /// It tells of what we did.
    Own {
        /// The repair, if it is known.
        repair: Option<String>,
    },
    /// The call that it tells of failed: nothing was changed.
    FailedCall {
        /// AWS's word for it.
        code: String,
    },
    /// It happened where we look after nothing.
    Elsewhere {
        /// Which account or region.
        place: String,
    },
    /// The playbook is off there.
    Off,
}

/// What came of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// The repair's id, by which the record, `undo` and `approve` know it; empty where there is nothing to know.
    pub id: String,
    /// The playbook's id.
    pub playbook: String,
    /// What it is about.
    pub subject: Subject,
    /// Its name for people.
    pub name: String,
    /// How it is, in a sentence; empty for what is good.
    pub says: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was, or would be, done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// The calls that were made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// Who did what was found, if an event told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What people should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether the same was said before: it is no news.
    pub repeated: bool,
}

/// A call that was made and worked, or was about to be made by a run that died in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What it did, for people.
    pub says: String,
    /// The call.
    pub call: ApiCall,
    /// The service's own number of it; empty where its answer was never seen, as whoever made it died: it may not have
    /// been made.
    pub request_id: String,
    /// When its answer was there.
    pub at: Timestamp,
    /// Set where the answer was that it is so already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub already: bool,
    /// The call that takes it back, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<ApiCall>,
}

/// What came of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// It is as it should be.
    Good,
    /// It was repaired.
    Repaired {
        /// Whether a look afterwards found it good.
        verified: bool,
        /// From the event, or else from the beginning of the repair, to the look that found it good, in milliseconds.
        latency_ms: i64,
    },
    /// A repair was taken back.
    Undone,
    /// A call failed. What was done before it is recorded, and the next run goes on.
    Failed {
        /// Which, and why.
        fault: ApiFault,
        /// How many calls worked before it.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// It would have been repaired: the mode is `plan`.
    Planned,
    /// A person is asked.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// A signed word that approves, for a link; empty without a key.
        #[serde(skip_serializing_if = "String::is_empty")]
        approve: String,
        /// One that refuses.
        #[serde(skip_serializing_if = "String::is_empty")]
        refuse: String,
    },
    /// It was told and nothing else: by the mode, or because more is not allowed.
    Told {
        /// Why not more.
        why: String,
    },
    /// It is exempt, or a person took its repair back: told and not repaired.
    Exempt {
        /// The reason given.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// No repair is possible.
    Cannot {
        /// Why.
        why: String,
        /// What a person can do.
        hint: Option<String>,
    },
    /// Somebody else's.
    NotOurs,
    /// A limit was reached: nothing more is repaired.
    Limited {
        /// Which.
        limit: Limit,
        /// For people.
        why: String,
        /// Until when.
        until: Timestamp,
    },
    /// Somebody undoes each repair: nothing more is repaired, and a person is needed now.
    Escalated {
        /// Who.
        actors: Vec<String>,
        /// The repairs that were undone.
        repairs: Vec<String>,
        /// Until when nothing more is repaired.
        until: Timestamp,
        /// What was done about each of them who is known; empty where nobody is.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        contained: Vec<Contained>,
    },
    /// Another run works on it at this moment.
    Busy,
    /// A person refused it, or it is no longer needed.
    Dropped {
        /// Why.
        why: String,
    },
}

/// What was done about an actor who undoes repairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contained {
    /// The ARN of a user, or of a session of a role.
    pub who: String,
    /// The id under which the record knows it, by which it is approved or taken back; empty where nothing was tried.
    pub id: String,
    /// Whether the actor can do nothing more, as far as it is seen.
    pub done: bool,
    /// In a sentence: what was done, or why nothing.
    pub says: String,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Repairs of one thing by one playbook.
    Subject,
    /// Repairs in one account.
    Account,
    /// Repairs of one class.
    Class,
}

/// What would have been done in the trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialReport {
    /// When it began.
    pub since: Timestamp,
    /// When it ended.
    pub until: Timestamp,
    /// Each plan, oldest first, at most [`TrialReport::MAX`].
    pub planned: Vec<WouldHave>,
    /// How many there were.
    pub count: u64,
}

impl TrialReport {
    /// More plans are counted and not listed.
    pub const MAX: usize = 200;
}

/// A plan that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WouldHave {
    /// When, in UTC.
    pub at: String,
    /// Its id.
    pub id: String,
    /// The playbook.
    pub playbook: String,
    /// The thing.
    pub name: String,
    /// What was wrong.
    pub says: String,
    /// What would have been done, each change a sentence.
    pub would: Vec<String>,
}

impl Run {
    /// Whether the event should come again: something failed that may work the next time.
    pub fn retry(&self) -> bool {
        let fault = |fault: &ApiFault| fault.blame.passes();
        self.troubles.iter().any(|trouble| fault(&trouble.fault))
            || self.items.iter().any(|item| match &item.outcome {
                Outcome::Failed { fault: failed, .. } => fault(failed),
                Outcome::Busy => true,
                _ => false,
            })
    }

    /// Whether something did not work, for now or for good.
    pub fn failed(&self) -> bool {
        !self.troubles.is_empty()
            || self.items.iter().any(|item| {
                matches!(item.outcome, Outcome::Failed { .. } | Outcome::Repaired { verified: false, .. })
            })
    }

    /// The accounts without any trail, which nothing could be put back in either: what is called there is recorded nowhere.
    pub fn without_trail(&self) -> Vec<&str> {
        let restored = |account: &str| {
            self.items.iter().any(|item| {
                item.subject.place.account == account && matches!(item.outcome, Outcome::Repaired { .. })
            })
        };
        let mut accounts = without_trail(&self.counts, &self.troubles);
        accounts.retain(|account| !restored(account));
        accounts
    }

    /// What is worth a notice: what is not good and was not said before.
    pub fn news(&self) -> impl Iterator<Item = &Item> {
        self.notable().filter(|item| !item.repeated)
    }

    /// What is not good, said before or not.
    pub fn notable(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !matches!(item.outcome, Outcome::Good | Outcome::Busy))
    }
}

impl Outcome {
    /// What of it stays the same while nothing new happens: by this it is known whether it was said before.
    pub(crate) fn lasting(&self) -> Self {
        match self.clone() {
            Self::Escalated { actors, repairs, until, .. } => {
                Self::Escalated { actors, repairs, until, contained: Vec::new() }
            }
            other => other,
        }
    }
}

impl Item {
    /// The whole of it in a sentence or two: what happened, what was done, how to undo it.
    pub fn sentence(&self) -> String {
        let Self { id, says, name, .. } = self;
        let what = if says.is_empty() { format!("{name} is as it should be") } else { says.clone() };
        match &self.outcome {
            Outcome::Good => what,
            Outcome::Repaired { verified: true, .. } => {
                format!("{what}: repaired and verified; `stockade repair undo {id}` takes it back")
            }
            Outcome::Repaired { verified: false, .. } => {
                format!("{what}: repaired, but it does not look so yet; see `stockade repair show {id}`")
            }
            Outcome::Undone => format!("{what}: the repair {id} was taken back"),
            Outcome::Failed { fault, done, of } => format!("{what}: {done} of {of} calls worked; {fault}"),
            Outcome::Planned => {
                format!("{what}: would be repaired (mode `plan`); see `stockade repair show {id}`")
            }
            Outcome::Waiting { .. } => format!("{what}: `stockade repair approve {id}` repairs it"),
            Outcome::Told { why } => format!("{what}: not repaired, {why}"),
            Outcome::Exempt { reason, .. } => format!("{what}: exempt, {reason}"),
            Outcome::Cannot { why, hint: None } => format!("{what}: cannot be repaired, {why}"),
            Outcome::Cannot { why, hint: Some(hint) } => {
                format!("{what}: cannot be repaired, {why}; hint: {hint}")
            }
            Outcome::NotOurs => what,
            Outcome::Limited { why, .. } => format!("{what}: NOT repaired, {why}"),
            Outcome::Escalated { actors, repairs, contained, .. } => {
                let who = if actors.is_empty() {
                    "somebody whom no event names".to_owned()
                } else {
                    actors.join(", ")
                };
                let mut told: Vec<&str> = contained.iter().map(|one| one.says.as_str()).collect();
                if !contained.iter().any(|one| one.done) {
                    told.push("contain the actor now");
                }
                let (repairs, told) = (repairs.join(", "), told.join("; "));
                format!("{what}: NOT repaired any more, {who} undid the repairs {repairs}; {told}")
            }
            Outcome::Busy => format!("{what}: another run works on it"),
            Outcome::Dropped { why } => format!("{what}: not repaired, {why}"),
        }
    }
}
