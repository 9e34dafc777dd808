//! Many events, one a line: a verdict each, and a summary.

use std::io::Write as _;

use serde::Serialize;

use super::asked::{Asked, Refusal};
use super::input::Lines;
use super::lint_text;
use crate::cli::Global;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::output::explanation;
use crate::output::style::{BAD, FAINT, GOOD, HEAD};
use crate::output::text::{count, fit, number};

/// The columns of the line's number and of the verdict.
const NUMBER: usize = 6;
const VERDICT: usize = 8;

#[derive(Default, Serialize)]
struct Answer {
    matched: u64,
    not_matched: u64,
    invalid: u64,
    lints: Vec<String>,
    events: Vec<Told>,
}

#[derive(Serialize)]
struct Told {
    line: u64,
    /// `match`, `no match` or `invalid`.
    verdict: &'static str,
    /// Why it does not match, or what is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn run(global: &Global, asked: &Asked, mut lines: Lines) -> Outcome {
    let mut answer = Answer { lints: asked.lints().iter().map(lint_text).collect(), ..Answer::default() };
    let mut out = output::out();
    if !global.json {
        writeln!(out, "{HEAD}{:>NUMBER$}  {:VERDICT$}  WHY{HEAD:#}", "LINE", "VERDICT")?;
    }
    while let Some((line, event)) = lines.next_event()? {
        let explained = asked.explain(&event);
        let (verdict, style, reason) = match &explained {
            Ok(explanation) if explanation.matched => ("match", GOOD, String::new()),
            Ok(explanation) => ("no match", FAINT, explanation::first_reason(explanation)),
            Err(refusal) => ("invalid", BAD, reason(refusal, &event)),
        };
        match &explained {
            Ok(explanation) if explanation.matched => answer.matched += 1,
            Ok(_) => answer.not_matched += 1,
            Err(_) => answer.invalid += 1,
        }
        if global.json {
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            answer.events.push(Told { line, verdict, reason });
            continue;
        }
        let room =
            output::columns().map_or(usize::MAX, |all| all.saturating_sub(NUMBER + VERDICT + 4).max(8));
        let gap = if reason.is_empty() { 0 } else { (VERDICT + 2).saturating_sub(verdict.len()) };
        writeln!(out, "{line:>NUMBER$}  {style}{verdict}{style:#}{:gap$}{}", "", fit(&reason, room))?;
        if let (Ok(explanation), true) = (&explained, global.verbose > 0) {
            explanation::reasons(&mut out, explanation, "        ", global.verbose > 1)?;
        }
        if output::is_terminal() {
            out.flush()?;
        }
    }
    let exit = answer.exit();
    if global.json {
        output::json::print(&answer)?;
    } else {
        let Answer { matched, not_matched, invalid, .. } = answer;
        let events = count(matched + not_matched + invalid, "event");
        let invalid =
            if invalid > 0 { format!(", {BAD}{} not valid{BAD:#}", number(invalid)) } else { String::new() };
        let (hits, misses) = (number(matched), number(not_matched));
        writeln!(out, "{events}: {GOOD}{hits} matched{GOOD:#}, {misses} did not{invalid}")?;
        out.flush()?;
    }
    Ok(exit)
}

fn reason(refusal: &Refusal, event: &[u8]) -> String {
    let column = refusal.error().map(|error| format!(" (column {})", error.position(event).column));
    refusal.message() + column.as_deref().unwrap_or_default()
}

impl Answer {
    fn exit(&self) -> Exit {
        match (self.invalid, self.matched, self.not_matched) {
            (0, 0, _) => Exit::Failed,
            (0, _, _) => Exit::Done,
            (_, 0, 0) => Exit::Usage,
            _ => Exit::Partial,
        }
    }
}
