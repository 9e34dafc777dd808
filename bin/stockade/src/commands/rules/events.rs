//! `stockade rules test --events`: which rules some events fire.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use stockade_core::ports::Clock as _;
use stockade_filter::date::Zone;
use stockade_rule::{Event, Rule, RuleBook, Scratch};
use stockade_runtime::daemon::SystemClock;
use stockade_source::events::{EventReader, Form, Found};

use crate::cli::Global;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;
use crate::output::style::{BAD, FAINT, HEAD};
use crate::output::text::{count, number, shown, width};
use crate::output::time::{self, Clock};

/// How wide the columns are: what is found is printed at once.
const LINE: usize = 7;
const TIME: usize = 19;

/// Most finds that are kept for programs.
const MAX_FOUND: usize = 1_000_000;

#[derive(Default, Serialize)]
struct Answer {
    events: u64,
    /// Events in which at least one rule found something.
    fired: u64,
    /// What could not be read.
    problems: u64,
    rules: Vec<Fired>,
    found: Vec<Told>,
}

/// How often a rule found something.
#[derive(Serialize)]
struct Fired {
    rule: String,
    found: u64,
}

#[derive(Serialize)]
struct Told {
    line: u64,
    time: Option<String>,
    rule: String,
    /// The place of the pattern in the rule, from 1.
    pattern: usize,
    key: String,
    user: Option<String>,
    identity: String,
}

pub(super) fn run(global: &Global, rules: Vec<Arc<Rule>>, file: &Path) -> Outcome {
    let mut reader = EventReader::new();
    reader.open(file).map_err(Failure::usage)?;
    let book = RuleBook::new(rules);
    let names = book.rules().iter().map(|rule| width(&shown(&rule.name))).max().unwrap_or(0);
    let mut counts = vec![0_u64; book.rules().len()];
    let mut answer = Answer::default();
    let clock = Clock::new(&Zone::UTC);
    let received = SystemClock.now();
    let mut scratch = Scratch::new();
    let mut out = output::out();
    if !global.json {
        writeln!(out, "{HEAD}{:>LINE$}  {:TIME$}  {:names$}  KEY{HEAD:#}", "LINE", "TIME (UTC)", "RULE")?;
    }
    while let Some(found) = reader.next_event() {
        let event = match found {
            Found::Event(event) => event,
            Found::Problem(problem) => {
                answer.problems += 1;
                exit::complain(&problem.to_string(), problem.hint().as_deref());
                continue;
            }
        };
        answer.events += 1;
        let json = match event.form {
            Form::Record => Event::Record(event.text),
            _ => Event::Envelope(event.text),
        };
        let mut lines = Vec::new();
        let mut told = Vec::new();
        let read = book.read(json, received, &mut scratch, &mut |found| {
            let name = book.rules().get(found.rule).map_or("", |rule| &rule.name);
            counts.get_mut(found.rule).into_iter().for_each(|count| *count += 1);
            if global.json {
                told.push(Told {
                    line: 0,
                    time: time::utc(found.time),
                    rule: name.to_owned(),
                    pattern: found.pattern + 1,
                    key: found.key.to_string(),
                    user: found.user.map(str::to_owned),
                    identity: found.identity.to_owned(),
                });
                return;
            }
            let user = found.user.filter(|user| *user != found.key.to_string());
            let user = user.map(|user| format!("  {FAINT}{}{FAINT:#}", shown(user))).unwrap_or_default();
            let key = found.key.to_string();
            lines.push(format!("{:TIME$}  {name:names$}  {}{user}", clock.show(found.time), shown(&key)));
        });
        if let Err(error) = read {
            answer.problems += 1;
            exit::complain(&format!("line {}: {error}", event.line()), None);
            continue;
        }
        answer.fired += u64::from(!lines.is_empty() || !told.is_empty());
        if lines.is_empty() && told.is_empty() {
            continue;
        }
        let line = event.line();
        for text in lines {
            writeln!(out, "{line:>LINE$}  {text}")?;
        }
        answer.found.extend(told.into_iter().map(|told| Told { line, ..told }));
        if answer.found.len() > MAX_FOUND {
            return Err(Failure::usage(format_args!("more than {MAX_FOUND} finds"))
                .hint(Some("without `--json` they are printed as they are found")));
        }
    }
    let fired = book.rules().iter().zip(&counts).filter(|(_, found)| **found > 0);
    answer.rules = fired.map(|(rule, found)| Fired { rule: rule.name.to_string(), found: *found }).collect();
    if global.json {
        output::json::print(&answer)?;
    } else {
        summary(&mut out, &answer)?;
        out.flush()?;
    }
    Ok(match (answer.problems, answer.events) {
        (0, _) => Exit::Done,
        (_, 0) => Exit::Usage,
        _ => Exit::Partial,
    })
}

fn summary(out: &mut impl std::io::Write, answer: &Answer) -> std::io::Result<()> {
    writeln!(out)?;
    for fired in &answer.rules {
        writeln!(out, "{:>LINE$}  {}", number(fired.found), shown(&fired.rule))?;
    }
    let problems = match answer.problems {
        0 => String::new(),
        problems => format!(", {BAD}{} could not be read{BAD:#}", number(problems)),
    };
    writeln!(out, "{}: {} fired a rule{problems}", count(answer.events, "event"), number(answer.fired))
}
