//! The record, read by those who tell people of it.

use std::time::Duration;

use stockade_core::Timestamp;

use super::{Engine, EngineError, record, state};
use crate::link::{Link, Verb};
use crate::news::{Fresh, Line, News, Reader, Told, broken, cut_off, key, report};
use crate::record::Entry;
use crate::shelf::ShelfError;
use crate::state::{Approval, ApprovalState};

/// How many lines are told at once.
const AT_ONCE: usize = 50;
/// How far behind the first line that is not settled it is looked.
const WINDOW: u64 = 400;
/// A line that is older is not told any more: what failed for a day is given up.
const TOLD_FOR: Duration = Duration::from_secs(24 * 3600);
/// How many plans of the trial are told one by one.
const TRIAL_LINES: usize = 15;
/// How far back a reader looks that never read before.
const FIRST_LOOK: Duration = Duration::from_secs(3600);
/// And at most so many lines.
const FIRST_LINES: u64 = 100;

impl Engine {
    /// Whether the record has a line after this one: one question to the shelf.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn has_news(&mut self, after: u64) -> Result<bool, EngineError> {
        Ok(record::has_line(self.shelf.as_mut(), after + 1)?)
    }

    /// What a reader was not told yet. Readers of one name are one: of several functions that tell by the same road one tells.
    /// `by` is who asks: whoever died while telling may go on at once under the same name, others wait two minutes.
    ///
    /// # Errors
    /// If the shelf cannot be read or written.
    pub fn news(&mut self, reader: &str, by: &str) -> Result<Fresh, EngineError> {
        let now = self.time.now();
        let ends = record::length(self.shelf.as_mut())?;
        let key = key(reader);
        // Whoever reads nothing new writes nothing.
        let known: Reader = state::read(self.shelf.as_mut(), &key)?.unwrap_or_default();
        let next = record::has_line(self.shelf.as_mut(), known.upto + 1)?;
        // A line may be there before the record says that it ends with it.
        let whole = known.upto <= ends || record::has_line(self.shelf.as_mut(), known.upto)?;
        if known.begun && whole && !next && known.upto >= ends {
            return Ok(Fresh::Nothing { upto: known.upto });
        }
        let taken = state::update(self.shelf.as_mut(), &key, |kept: &mut Reader| {
            if !kept.begun {
                (kept.begun, kept.upto) = (true, ends.saturating_sub(FIRST_LINES));
            }
            kept.take(by, now).map(|()| kept.clone())
        })?;
        let kept = match taken {
            Ok(kept) => kept,
            Err(until) => return Ok(Fresh::Busy { until }),
        };
        let mut news =
            News { reports: Vec::new(), reader: reader.to_owned(), by: by.to_owned(), lines: Vec::new() };
        if !whole {
            news.reports.push(cut_off(kept.upto, ends, now));
            state::update(self.shelf.as_mut(), &key, |kept: &mut Reader| {
                (kept.upto, kept.hash) = (ends, String::new());
                kept.beyond.clear();
            })?;
            return Ok(Fresh::News(Box::new(news)));
        }
        let fresh = !known.begun;
        self.gather(&kept, ends, if fresh { FIRST_LOOK } else { TOLD_FOR }, now, &mut news)?;
        if news.lines.is_empty() {
            state::update(self.shelf.as_mut(), &key, |kept: &mut Reader| kept.give_back(by))?;
            return Ok(Fresh::Nothing { upto: kept.upto });
        }
        Ok(Fresh::News(Box::new(news)))
    }

    /// Says which of the news were told, in their order; the others come again. Gives the reader back.
    ///
    /// # Errors
    /// If it cannot be written: what was told comes again then.
    pub fn told(&mut self, news: &News, done: &[bool]) -> Result<(), EngineError> {
        let settled = |line: &&Line| line.report.is_none_or(|at| done.get(at) == Some(&true));
        let lines: Vec<(u64, String)> =
            news.lines.iter().filter(settled).map(|line| (line.seq, line.hash.clone())).collect();
        state::update(self.shelf.as_mut(), &key(&news.reader), |kept: &mut Reader| {
            kept.settle(lines.iter().cloned());
            kept.give_back(&news.by);
        })?;
        Ok(())
    }

    /// Reads the lines after what is settled.
    fn gather(
        &mut self,
        kept: &Reader,
        ends: u64,
        young: Duration,
        now: Timestamp,
        news: &mut News,
    ) -> Result<(), EngineError> {
        // The hash of the line before, where it is known.
        let mut before = Some(kept.hash.clone()).filter(|hash| !hash.is_empty());
        for seq in kept.upto + 1..=kept.upto + WINDOW {
            if news.reports.len() >= AT_ONCE {
                break;
            }
            if let Some(hash) = kept.beyond.get(&seq) {
                before = Some(hash.clone()).filter(|hash| !hash.is_empty());
                continue;
            }
            let read = match record::line_at(self.shelf.as_mut(), seq)? {
                None if seq > ends => break,
                None => Err("is gone".to_owned()),
                Some(Ok((entry, _))) if before.as_ref().is_some_and(|before| *before != entry.prev) => {
                    Err("does not follow the line before it".to_owned())
                }
                Some(read) => read,
            };
            let (report, hash) = match read {
                Err(why) => (Some(broken(seq, &why, now)), String::new()),
                Ok((entry, hash)) => (self.report_of(&entry, &hash, young, now)?, hash),
            };
            before = Some(hash.clone()).filter(|hash| !hash.is_empty());
            let report = report.map(|report| {
                news.reports.push(report);
                news.reports.len() - 1
            });
            news.lines.push(Line { seq, hash, report });
        }
        Ok(())
    }

    fn report_of(
        &mut self,
        entry: &Entry,
        hash: &str,
        young: Duration,
        now: Timestamp,
    ) -> Result<Option<stockade_core::ports::Report>, EngineError> {
        let at = entry.at.parse::<jiff::Timestamp>();
        let at = at.map_or(now, |at| Timestamp::from_millis(at.as_millisecond()));
        if now.since(at) > young {
            return Ok(None);
        }
        if entry.kind == "good" && self.was_verified(entry)? {
            return Ok(None);
        }
        let first = if entry.id.is_empty() {
            None
        } else {
            record::first_of_repair(self.shelf.as_mut(), &entry.id)?.filter(|first| first.seq < entry.seq)
        };
        let playbook = match name_of(entry) {
            name if name.is_empty() => first.as_ref().map(name_of).unwrap_or_default(),
            name => name,
        };
        let about = self.playbook(&playbook).ok().map(crate::Playbook::about);
        let answers = if entry.kind == "approval" { self.answers(&entry.id)? } else { Vec::new() };
        let mut report = report(entry, hash, Told { about, first, answers, at });
        if entry.kind == "trial"
            && let (Some(report), Some(began)) = (&mut report, self.first_run()?)
        {
            let would = self.would_have(began)?.planned.into_iter().take(TRIAL_LINES);
            report.done.extend(
                would.map(|one| format!("would: {} ({}, {})", one.would.join("; "), one.name, one.at)),
            );
        }
        Ok(report)
    }

    /// Whether the repair that a line ends was told as verified: its run died before it could be ended.
    fn was_verified(&mut self, good: &Entry) -> Result<bool, ShelfError> {
        let lines = record::of_repair(self.shelf.as_mut(), &good.id)?;
        let last = lines.iter().rfind(|line| line.seq < good.seq && line.kind == "repair");
        Ok(last.is_some_and(|line| crate::json::text(&line.body, "outcome") == "verified"))
    }

    /// What a person may answer to a repair that waits: links where they can be made, else commands.
    pub(super) fn answers(&mut self, id: &str) -> Result<Vec<(&'static str, String)>, ShelfError> {
        let now = self.time.now();
        let approval: Option<Approval> = state::read(self.shelf.as_mut(), &state::approval(id))?;
        let waits = |one: &Approval| one.state == ApprovalState::Waiting && now < one.until;
        let Some(approval) = approval.filter(waits) else { return Ok(Vec::new()) };
        let answer = |verb: Verb| {
            let link = Link { verb, id: id.to_owned(), until: approval.until };
            match (&self.settings.link_key, self.settings.link_url.as_str()) {
                (Some(key), base) if !base.is_empty() => key.address(base, &link),
                _ => format!("stockade repair {} {id}", verb.name()),
            }
        };
        Ok([Verb::Approve, Verb::Refuse].map(|verb| (verb.name(), answer(verb))).into())
    }
}

fn name_of(entry: &Entry) -> String {
    crate::json::text(&entry.body, "playbook").to_owned()
}
