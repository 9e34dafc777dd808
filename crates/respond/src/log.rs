//! Every decision as one line of JSON on standard output, for whatever collects logs: journald, CloudWatch Logs, a
//! container's runtime.
//!
//! ```text
//! {"stockade":"notify","jail":"root-use","key":"123456789012","time":"2026-01-02T03:04:05Z","reason":"1 match","events":[{…}]}
//! ```
//!
//! `stockade` is `notify`, `ban`, `unban` or `repair`, so a line can be told from any other. Of a repair it is what it came
//! to: `outcome`, `came_to`, `done`, `undo`, `answers`. `events` holds what is known of the
//! records behind a notice, the newest first: an event's digest as an object, any other line as a string. A line is
//! made of JSON's own escapes alone: what an attacker wrote can neither end it nor begin another.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use stockade_core::ports::{Evidence, Notice, Plan, Report, RespondError, Responder, Scope, Standing};
use stockade_core::{Outcome, Timestamp, Verdict};

/// How many records one line tells at most.
const MAX_EVENTS: usize = 10;

/// The responder `log`.
pub struct Log {
    out: Box<dyn Write + Send>,
}

impl Log {
    /// The name of this responder.
    pub const NAME: &'static str = "log";

    /// One that writes to standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// One that writes to `out`, a line at a time.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Box::new(out) }
    }

    /// Writes a whole line or says why not.
    fn write(&mut self, line: &impl Serialize) -> Result<(), String> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| format!("cannot write a line: {error}"))?;
        bytes.push(b'\n');
        let written = self.out.write_all(&bytes).and_then(|()| self.out.flush());
        written.map_err(|error| format!("cannot write to standard output: {error}"))
    }

    fn written(&mut self, line: &impl Serialize) -> Outcome {
        self.write(line).map_or_else(|error| Outcome::Failed { error }, |()| Outcome::Done)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    stockade: &'static str,
    jail: &'a str,
    key: String,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Record<'a>>,
}

/// One line of a repair.
#[derive(Serialize)]
struct RepairLine<'a> {
    stockade: &'static str,
    repair: &'a str,
    playbook: &'a str,
    severity: &'static str,
    outcome: &'static str,
    key: String,
    time: String,
    came_to: &'a str,
    found: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Record<'a>>,
    done: &'a [String],
    undo: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    answers: BTreeMap<&'static str, &'a str>,
    record: &'a str,
}

impl<'a> RepairLine<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            stockade: "repair",
            repair: &report.repair,
            playbook: report.playbook.as_deref().unwrap_or_default(),
            severity: report.severity.name(),
            outcome: report.outcome,
            key: report.key.to_string(),
            time: rfc3339(report.at),
            came_to: &report.came_to,
            found: &report.found,
            event: Some(&*report.event).filter(|event| !event.is_empty()).map(Record::of),
            done: &report.done,
            undo: &report.undo,
            answers: report.answers.iter().map(|(word, how)| (*word, how.as_str())).collect(),
            record: &report.mark,
        }
    }
}

/// One record: JSON as it is, anything else as a string.
#[derive(Serialize)]
#[serde(untagged)]
enum Record<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl<'a> Record<'a> {
    fn of(line: &'a str) -> Self {
        // A line break is white space in JSON, and would end our line.
        let whole = line.starts_with('{') && !line.contains(['\n', '\r']);
        match serde_json::from_str(line) {
            Ok(json) if whole => Self::Json(json),
            _ => Self::Text(line),
        }
    }
}

/// In UTC; `for ever` for [`Timestamp::MAX`].
fn rfc3339(time: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(time.as_millis()) {
        _ if time == Timestamp::MAX => "for ever".to_owned(),
        Ok(time) => time.to_string(),
        Err(_) => time.as_millis().to_string(),
    }
}

impl Responder for Log {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn prepare(&mut self, _: &[Scope]) -> Result<(), RespondError> {
        Ok(())
    }

    fn current(&mut self, _: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ban { .. } | Verdict::Unban | Verdict::Notify)
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
        let reason = |nth: usize| Some(evidence.get(nth)?.reason.as_ref()?.to_string());
        let (mut outcomes, time) = (Vec::new(), rfc3339(now));
        for Standing { jail, key, until } in &plan.add {
            outcomes.push(self.written(&Line {
                stockade: "ban",
                jail,
                key: key.to_string(),
                time: time.clone(),
                until: Some(rfc3339(*until)),
                reason: reason(outcomes.len()),
                events: Vec::new(),
            }));
        }
        for (jail, key) in &plan.remove {
            outcomes.push(self.written(&Line {
                stockade: "unban",
                jail,
                key: key.to_string(),
                time: time.clone(),
                until: None,
                reason: reason(outcomes.len()),
                events: Vec::new(),
            }));
        }
        Ok(outcomes)
    }

    fn tell(&mut self, notices: &[Notice], _: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let one = |Notice { decision, matches }: &Notice| {
            if !self.takes(&decision.verdict) {
                return Notice::refused();
            }
            self.written(&Line {
                stockade: "notify",
                jail: &decision.jail,
                key: decision.key.to_string(),
                time: rfc3339(decision.at),
                until: None,
                reason: Some(decision.reason.to_string()),
                events: matches.iter().take(MAX_EVENTS).map(|found| Record::of(&found.line)).collect(),
            })
        };
        Ok(notices.iter().map(one).collect())
    }

    fn reports(&self) -> bool {
        true
    }

    fn report(&mut self, reports: &[Report], _: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        Ok(reports.iter().map(|report| self.written(&RepairLine::of(report))).collect())
    }

    fn flush(&mut self) -> Result<(), RespondError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use stockade_core::{Decision, Match, MatchId, Reason};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const AT: Timestamp = Timestamp::from_secs(1_767_323_045);

    fn notice(lines: &[&str]) -> Notice {
        let one = |line: &&str| Match {
            id: MatchId(1),
            jail: "root-use".into(),
            key: "123456789012".parse().unwrap(),
            time: AT,
            count: 1,
            user: None,
            stream: "queue".into(),
            line: (*line).into(),
        };
        let decision = Decision {
            jail: "root-use".into(),
            key: "123456789012".parse().unwrap(),
            verdict: Verdict::Notify,
            at: AT,
            reason: Reason::Match { id: MatchId(1) },
            nth: 0,
        };
        Notice { decision, matches: lines.iter().map(one).collect() }
    }

    #[test]
    fn a_line_is_whole_whatever_the_records_hold() {
        let out = Shared::default();
        let mut log = Log::new(out.clone());
        let hostile = "{}\n{\"stockade\":\"ban\"}";
        let split = "{\"a\":\n1}";
        let records = ["{\"rule\":\"root-use\"}", hostile, split, "[1]", "{\"cut"];
        assert_eq!(log.tell(&[notice(&records), notice(&[])], AT).unwrap(), vec![Outcome::Done; 2]);
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[0],
            serde_json::json!({
                "stockade": "notify", "jail": "root-use", "key": "123456789012", "time": "2026-01-02T03:04:05Z",
                "reason": "1 match", "events": [{"rule": "root-use"}, hostile, split, "[1]", "{\"cut"],
            })
        );
        assert_eq!((lines.len(), lines[1].get("events")), (2, None));
    }

    #[test]
    fn bans_and_their_ends_are_lines_too() {
        let out = Shared::default();
        let mut log = Log::new(out.clone());
        let plan = Plan {
            add: vec![
                Standing {
                    jail: "sshd".into(),
                    key: "192.0.2.1".parse().unwrap(),
                    until: AT.plus(Duration::from_secs(60)),
                },
                Standing { jail: "sshd".into(), key: "192.0.2.2".parse().unwrap(), until: Timestamp::MAX },
            ],
            remove: vec![("sshd".into(), "192.0.2.3".parse().unwrap())],
        };
        assert_eq!(log.apply(&plan, AT).unwrap(), vec![Outcome::Done; 3]);
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let wanted = [
            r#"{"stockade":"ban","jail":"sshd","key":"192.0.2.1","time":"2026-01-02T03:04:05Z","until":"2026-01-02T03:05:05Z"}"#,
            r#"{"stockade":"ban","jail":"sshd","key":"192.0.2.2","time":"2026-01-02T03:04:05Z","until":"for ever"}"#,
            r#"{"stockade":"unban","jail":"sshd","key":"192.0.2.3","time":"2026-01-02T03:04:05Z"}"#,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn what_cannot_be_written_is_tried_again() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let outcomes = Log::new(Full).tell(&[notice(&[])], AT).unwrap();
        assert!(matches!(&outcomes[..], [Outcome::Failed { .. }]), "{outcomes:?}");
    }
}
