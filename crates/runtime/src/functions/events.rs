//! The role `events`: what EventBridge, a queue, a topic or S3 hands over, to bans, notices and repairs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stockade_core::{Target, Timestamp};
use stockade_repair::Answer;
use stockade_source::aws::{Delivered, Invocation, PayloadError, read_message};

use super::answer;
use super::counts::Counts;
use super::function::{Function, FunctionError, given_back, whole};
use super::reading::Case;
use crate::events::intake::{Read, stream_name};

/// The stream of what comes without a queue or a topic.
const DIRECT: &str = "eventbridge";

/// One part of an invocation, which fails or succeeds by itself.
struct Part<'p> {
    stream: String,
    received: Timestamp,
    delivered: Vec<Result<Delivered<'p>, PayloadError>>,
}

impl Function {
    pub(super) fn events(
        &mut self,
        invocation: Invocation,
        now: Timestamp,
        counts: &mut Counts,
    ) -> Result<Value, FunctionError> {
        let answer = match invocation {
            Invocation::Web(request) => Ok(self.web(&request)),
            invocation => self.followed(invocation, now, counts),
        };
        let now = self.parts.clock.now();
        self.parts.tellers.herald(now);
        answer
    }

    fn followed(
        &mut self,
        invocation: Invocation,
        now: Timestamp,
        counts: &mut Counts,
    ) -> Result<Value, FunctionError> {
        let read = |body: &'_ Result<String, PayloadError>| match body {
            Ok(body) => read_message(body).into_iter().map(|one| one.map(Delivered::into_owned)).collect(),
            Err(error) => vec![Err(error.clone())],
        };
        match invocation {
            Invocation::Event(text) => {
                let delivered = read_message(&text);
                // What repairs of a queue's messages came to before is answered to nobody.
                let _ = self.parts.tellers.answer();
                self.asked_to_repair = false;
                let failed = self.parts_of(vec![Part::at(DIRECT, now, delivered)], now, counts);
                let repaired = self.parts.tellers.answer();
                whole(&failed, counts)?;
                // As the guard answers that this takes the place of.
                if let Some(answer) = repaired {
                    return Ok(json!(answer));
                }
                if self.asked_to_repair && self.parts.tellers.repair() {
                    let body = "this event was dealt with before".to_owned();
                    return Ok(json!(Answer { status_code: 200, body }));
                }
            }
            Invocation::Objects(delivered) => {
                let failed = self.parts_of(vec![Part::at(DIRECT, now, delivered)], now, counts);
                whole(&failed, counts)?;
            }
            Invocation::Topic(messages) => {
                let parts = messages.iter().map(|one| Part::at(&one.topic, now, read(&one.body)));
                let failed = self.parts_of(parts.collect(), now, counts);
                whole(&failed, counts)?;
            }
            Invocation::Queue(messages) => {
                let part = |one: &stockade_source::aws::QueueMessage| {
                    Part::at(&one.queue, one.sent.unwrap_or(now), read(&one.body))
                };
                let failed = self.parts_of(messages.iter().map(part).collect(), now, counts);
                return given_back(&failed, messages.iter().map(|one| one.id.as_str()), counts);
            }
            // What no event tells is looked for.
            Invocation::Schedule => self.parts.tellers.reconcile().map_err(FunctionError::Unfinished)?,
            _ => {
                return Err(FunctionError::WrongRole {
                    role: self.role.name(),
                    found: "records of logs or tables",
                });
            }
        }
        Ok(answer::summary(counts))
    }

    /// Reads and judges parts. Returns those that are to be delivered again.
    fn parts_of(&mut self, parts: Vec<Part<'_>>, now: Timestamp, counts: &mut Counts) -> BTreeSet<usize> {
        let mut failed = BTreeSet::new();
        let Some(mut intake) = self.intake.take() else {
            tracing::error!("no rule of events is enabled: nothing is read");
            return failed;
        };
        for (record, part) in parts.into_iter().enumerate() {
            counts.records += 1;
            let stream = stream_name(&part.stream);
            let mut read = Read::default();
            let mut judge = |matches: Vec<(usize, stockade_core::Match)>| {
                let case = |(at, found)| Case { at, found, record, event: None };
                failed.append(&mut self.judge_events(matches.into_iter().map(case).collect(), now, counts));
                true
            };
            for delivered in part.delivered {
                intake.delivered(delivered, part.received, &stream, &mut read, &mut judge);
            }
            judge(intake.take_matches());
            for problem in &read.passed_over {
                tracing::warn!(record, problem, "an event was passed over");
            }
            counts.events += read.events;
            counts.objects += read.objects;
            counts.bad_events += read.broken;
            if let Some(why) = &read.failed {
                counts.bad_payloads += 1;
                tracing::error!(record, why, "not read to its end: it is delivered again");
                failed.insert(record);
            }
        }
        self.intake = Some(intake);
        failed
    }

    /// Judges what was found. Returns the parts that are to be delivered again.
    fn judge_events(&mut self, cases: Vec<Case>, now: Timestamp, counts: &mut Counts) -> BTreeSet<usize> {
        if cases.is_empty() {
            return BTreeSet::new();
        }
        let target = |case: &Case| self.setup.jails.get(case.at).map(|jail| jail.target);
        self.asked_to_repair |= cases.iter().any(|case| target(case) == Some(Target::Repair));
        let (bans, others): (Vec<Case>, Vec<Case>) =
            cases.into_iter().partition(|case| target(case) == Some(Target::Ban));
        let mut judging = self.judging(now, counts);
        judging.notify(others);
        let bans = judging.remember(bans);
        judging.judge(bans);
        judging.failed
    }
}

impl<'p> Part<'p> {
    fn at(place: &str, received: Timestamp, delivered: Vec<Result<Delivered<'p>, PayloadError>>) -> Self {
        Self { stream: place.to_owned(), received, delivered }
    }
}
