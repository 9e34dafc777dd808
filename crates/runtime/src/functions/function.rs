//! A function: invoked with what AWS hands over, again and again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};
use stockade_aws::Aws;
use stockade_core::ports::Clock;
use stockade_core::{Match, Timestamp};
use stockade_source::aws::{Envelope, Invocation, PayloadError, StreamRecord};
use stockade_store::MemoryLedger;
use stockade_store::dynamodb::{match_from_image, shared_match_from_image};

use super::announce::{Announcer, OnlySay};
use super::answer;
use super::counts::Counts;
use super::expire::Expiring;
use super::judging::Judging;
use super::reading::{Case, Reading};
use super::role::Role;
use super::setup::Setup;
use super::table::{FunctionLedger, Units};
use super::tellers::Tellers;
use crate::events::intake::Intake;
use crate::guards::Guards;
use crate::names::Resolver;

/// Puts the snapshot of live bans where hosts find it.
pub type PutSnapshot = Box<dyn FnMut(Vec<u8>) -> Result<(), String> + Send>;

/// What a function needs from the world.
pub struct Parts {
    /// What functions share.
    pub ledger: Box<dyn FunctionLedger>,
    /// Who tells the world.
    pub announcer: Box<dyn Announcer>,
    /// Who carries out what is no ban.
    pub tellers: Tellers,
    /// Where objects are read that events lie in; `None`: nowhere.
    pub aws: Option<Aws>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where `expire` leaves the snapshot; `None`: nowhere.
    pub snapshot: Option<PutSnapshot>,
}

impl Parts {
    /// A rehearsal: what is found is remembered by this process alone, and decisions are only logged.
    pub fn rehearsal(clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger: Box::new(MemoryLedger::default()),
            announcer: Box::new(OnlySay),
            tellers: OnlySay::tellers(),
            aws: None,
            clock,
            snapshot: None,
        }
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Why an invocation failed as a whole. It is delivered again, and then goes to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// What it was invoked with is nothing that a function reads.
    #[error("cannot read the payload: {0}")]
    Payload(#[from] PayloadError),
    /// It is something that another role reads.
    #[error("`{role}` does not read {found}: see what invokes it")]
    WrongRole {
        /// The role.
        role: &'static str,
        /// What came.
        found: &'static str,
    },
    /// Something could not be written or read that may work next time. The log says what.
    #[error("{records} of the records could not be carried through, they are to be delivered again")]
    Again {
        /// How many.
        records: usize,
    },
    /// A run of `expire` was not finished.
    #[error("{0}")]
    Unfinished(String),
}

/// What an invocation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoked {
    /// The answer, JSON.
    pub answer: Result<Vec<u8>, FunctionError>,
    /// What was counted.
    pub counts: Counts,
    /// What the ledger was charged for; `None` where nothing is charged.
    pub units: Option<Units>,
    /// A line for CloudWatch, which makes metrics of it.
    pub metrics: String,
}

/// A function that is ready to be invoked.
#[derive(Debug)]
pub struct Function {
    pub(super) role: Role,
    pub(super) setup: Setup,
    pub(super) parts: Parts,
    pub(super) guards: Guards,
    resolver: Option<Resolver>,
    /// Reads events, for a role that does.
    pub(super) intake: Option<Intake>,
    /// Whether an event of this invocation asked for a repair.
    pub(super) asked_to_repair: bool,
    charged: Units,
}

impl Function {
    /// Ready. Asks nothing of the world yet.
    pub fn new(role: Role, setup: Setup, parts: Parts) -> Self {
        let guards = setup.guards();
        let intake = setup.events.clone().map(|lane| Intake::new(lane, parts.aws.as_ref()));
        let (asked_to_repair, charged) = (false, Units::default());
        Self { role, setup, parts, guards, resolver: None, intake, asked_to_repair, charged }
    }

    /// What it works with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Does its work on what AWS hands over.
    pub fn invoke(&mut self, payload: &[u8]) -> Invoked {
        let (began, now) = (Instant::now(), self.parts.clock.now());
        let mut counts = Counts::default();
        let answer = self.answer(payload, now, &mut counts);
        if let Err(error) = &answer {
            counts.bad_payloads += u64::from(matches!(error, FunctionError::Payload(_)));
            tracing::error!(%error, "the invocation failed");
        }
        let units = self.parts.ledger.units().map(|total| {
            let before = std::mem::replace(&mut self.charged, total);
            Units { write: total.write - before.write, read: total.read - before.read }
        });
        let metrics = counts.metric_line(self.role, now, began.elapsed(), units);
        Invoked { answer: answer.map(|answer| answer.to_string().into_bytes()), counts, units, metrics }
    }

    fn answer(
        &mut self,
        payload: &[u8],
        now: Timestamp,
        counts: &mut Counts,
    ) -> Result<Value, FunctionError> {
        let invocation = Invocation::read(payload)?;
        let wrong = |found| Err(FunctionError::WrongRole { role: self.role.name(), found });
        match (invocation, self.role) {
            (Invocation::Schedule, Role::Expire) => self.expire(now, counts),
            (invocation, Role::Events) => self.events(invocation, now, counts),
            (Invocation::Schedule, _) => Ok(answer::summary(counts)),
            (_, Role::Expire) => wrong("records"),
            (
                Invocation::Event(_) | Invocation::Queue(_) | Invocation::Topic(_) | Invocation::Objects(_),
                _,
            ) => wrong("events"),
            (Invocation::Stream(records), Role::Jail) => {
                let cases = self.changes(&records, counts);
                let failed = self.judge_changes(cases, now, counts);
                given_back(&failed, records.iter().map(|record| record.sequence.as_str()), counts)
            }
            (Invocation::Stream(_), _) => wrong("the records of a table's stream"),
            (_, Role::Jail) => wrong("log events"),
            (Invocation::Subscription(envelope), _) => {
                let (failed, _) = self.logs(std::iter::once(Ok(envelope.as_str())), now, counts);
                whole(&failed, counts)?;
                Ok(answer::summary(counts))
            }
            (Invocation::Kinesis(records), _) => {
                let envelopes = records.iter().map(|record| record.envelope.as_deref().map_err(Clone::clone));
                let (failed, _) = self.logs(envelopes, now, counts);
                given_back(&failed, records.iter().map(|record| record.sequence.as_str()), counts)
            }
            (Invocation::Firehose(firehose), _) => {
                let records = firehose.records.iter();
                let envelopes = records.map(|record| record.envelope.as_deref().map_err(Clone::clone));
                let (failed, bad) = self.logs(envelopes, now, counts);
                whole(&failed, counts)?;
                Ok(answer::firehose(firehose, &bad))
            }
            (_, _) => wrong("this"),
        }
    }

    /// Log events by any road. Returns the records that are to be delivered again, and of each whether it is bad.
    fn logs<'p>(
        &mut self,
        envelopes: impl Iterator<Item = Result<&'p str, PayloadError>>,
        now: Timestamp,
        counts: &mut Counts,
    ) -> (BTreeSet<usize>, Vec<bool>) {
        let (mut cases, mut bad) = (Vec::new(), Vec::new());
        let mut reading = Reading::new(&self.setup, &mut self.resolver, now);
        for (record, envelope) in envelopes.enumerate() {
            counts.records += 1;
            let opened = envelope.and_then(Envelope::decode);
            bad.push(opened.is_err());
            match opened {
                Ok(envelope) if envelope.control => tracing::debug!("a control message: nothing to do"),
                Ok(envelope) => cases.append(&mut reading.read(&envelope, record, counts)),
                Err(error) => {
                    counts.bad_payloads += 1;
                    tracing::error!(record, error = %error, kind = error.name(), "a record cannot be read");
                }
            }
        }
        reading.finish(counts);
        let judges = self.role.judges();
        let mut judging = self.judging(now, counts);
        let cases = judging.remember(cases);
        if judges {
            judging.judge(cases);
        }
        (judging.failed, bad)
    }

    /// The matches in the records of a table's stream; whatever else the table holds is passed over.
    fn changes(&self, records: &[StreamRecord], counts: &mut Counts) -> Vec<(Case, bool)> {
        let mut cases = Vec::new();
        for (record, change) in records.iter().enumerate() {
            counts.records += 1;
            let Some(image) = &change.image else { continue };
            let read = self.cases_of(image, record);
            match read {
                Ok(mut found) => cases.append(&mut found),
                Err(error) => {
                    counts.bad_payloads += 1;
                    tracing::error!(record, sequence = change.sequence, error, "an item cannot be read");
                }
            }
        }
        cases
    }

    /// Each with whether it comes from Cloud-Fail2Ban's table.
    fn cases_of(&self, image: &Map<String, Value>, record: usize) -> Result<Vec<(Case, bool)>, String> {
        let text = |name: &str| image.get(name)?.get("S")?.as_str();
        let case = |at: usize, found: Match| Case { at, found, record, event: None };
        let whole = || Value::Object(image.clone());
        if image.contains_key("MatchID") {
            let theirs = shared_match_from_image(&whole()).map_err(|error| error.message)?;
            let Some(filter) = &theirs.filter else {
                tracing::debug!(filter = theirs.path, "a filter that no jail has");
                return Ok(Vec::new());
            };
            let found = |at: usize| {
                let jail = self.setup.jails.get(at)?;
                let found = Match {
                    id: theirs.id,
                    jail: Arc::clone(&jail.name),
                    key: theirs.key.clone(),
                    time: theirs.time,
                    count: 1,
                    user: None,
                    stream: text("Source").unwrap_or_default().into(),
                    line: "".into(),
                };
                Some((case(at, found), true))
            };
            return Ok(self.setup.jails_of_filter(filter).filter_map(found).collect());
        }
        let is_match = text("pk").is_some_and(|pk| pk.starts_with("jail#"))
            && text("sk").is_some_and(|sk| sk.starts_with("at#"));
        if !is_match {
            return Ok(Vec::new());
        }
        let found = match_from_image(&whole()).map_err(|error| error.message)?;
        match self.setup.jails.find(&found.jail) {
            Some(at) => Ok(vec![(case(at, found), false)]),
            None => {
                tracing::warn!(jail = &*found.jail, "a match of a jail that is not enabled here");
                Ok(Vec::new())
            }
        }
    }

    fn judge_changes(
        &mut self,
        cases: Vec<(Case, bool)>,
        now: Timestamp,
        counts: &mut Counts,
    ) -> BTreeSet<usize> {
        // What came from the other table is put into ours, where it is recalled from.
        let theirs: Vec<Case> =
            cases.iter().filter(|(_, theirs)| *theirs).map(|(case, _)| case.clone()).collect();
        let mut judging = self.judging(now, counts);
        if !theirs.is_empty() {
            judging.write_down(&theirs);
        }
        // A match that a jail counts the bans of others by was judged when it was written.
        let mine = |case: &Case| !judging.setup.count_bans.contains(&case.at);
        let cases = cases.into_iter().map(|(case, _)| case).filter(mine).collect();
        let cases = judging.heard(cases);
        judging.judge(cases);
        judging.failed
    }

    pub(super) fn judging<'f>(&'f mut self, now: Timestamp, counts: &'f mut Counts) -> Judging<'f> {
        Judging {
            setup: &self.setup,
            ledger: &mut *self.parts.ledger,
            announcer: &mut *self.parts.announcer,
            tellers: &mut self.parts.tellers,
            guards: &mut self.guards,
            counts,
            now,
            failed: BTreeSet::new(),
        }
    }

    fn expire(&mut self, now: Timestamp, counts: &mut Counts) -> Result<Value, FunctionError> {
        let mut expiring = Expiring {
            setup: &self.setup,
            ledger: &mut *self.parts.ledger,
            announcer: &mut *self.parts.announcer,
            tellers: &mut self.parts.tellers,
            counts,
            now,
        };
        let mut problems = Vec::new();
        problems.extend(expiring.repeat().err().map(|error| error.message));
        problems.extend(expiring.end().err().map(|error| error.message));
        if let Some(put) = &mut self.parts.snapshot {
            problems.extend(expiring.snapshot().and_then(put).err());
        }
        if problems.is_empty() {
            Ok(answer::summary(counts))
        } else {
            Err(FunctionError::Unfinished(problems.join("; ")))
        }
    }
}

/// For callers that know no part of an invocation.
pub(super) fn whole(failed: &BTreeSet<usize>, counts: &mut Counts) -> Result<(), FunctionError> {
    counts.failed += failed.len() as u64;
    if failed.is_empty() { Ok(()) } else { Err(FunctionError::Again { records: failed.len() }) }
}

/// For streams: the records that are to be delivered again, by their sequence numbers.
pub(super) fn given_back<'r>(
    failed: &BTreeSet<usize>,
    sequences: impl Iterator<Item = &'r str>,
    counts: &mut Counts,
) -> Result<Value, FunctionError> {
    let named: Vec<&str> =
        sequences.enumerate().filter(|(at, _)| failed.contains(at)).map(|(_, s)| s).collect();
    if named.iter().any(|sequence| sequence.is_empty()) {
        // What has no name cannot be given back by name.
        whole(failed, counts)?;
    }
    counts.failed += named.len() as u64;
    Ok(answer::batch(named.into_iter()))
}
