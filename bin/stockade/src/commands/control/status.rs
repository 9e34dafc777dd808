//! `stockade status`.

use std::io::{self, Write};

use stockade_core::ports::Clock as _;
use stockade_runtime::control::{Request, Response, Status};
use stockade_runtime::daemon::SystemClock;

use super::{answer, unexpected};
use crate::cli::Global;
use crate::exit::{Exit, Outcome};
use crate::output::Out;
use crate::output::style::{BAD, GOOD, HEAD, NOTE};
use crate::output::text::{count, number, shown, span};
use crate::output::time::Clock;

pub(in crate::commands) fn run(global: &Global) -> Outcome {
    answer(global, &Request::Status, |out, response| match response {
        Response::Status(status) => show(out, status).map(|()| Exit::Done),
        other => unexpected(out, other),
    })
}

fn show(out: &mut Out, status: &Status) -> io::Result<()> {
    let up = SystemClock.now().since(status.since);
    let since = Clock::local().show(status.since);
    writeln!(
        out,
        "{HEAD}stockade{HEAD:#}   {} runs as process {} since {since} ({})",
        shown(&status.version),
        status.pid,
        span(up)
    )?;
    writeln!(
        out,
        "{HEAD}did{HEAD:#}        {}, {}, {}, {} refused by a guard",
        count(status.lines, "line"),
        count(status.matches, "match"),
        count(status.bans, "ban"),
        number(status.refused),
    )?;
    writeln!(
        out,
        "{HEAD}now{HEAD:#}        {} in force, {} to be carried out",
        count(status.live_bans, "ban"),
        count(status.outbox, "decision")
    )?;
    for responder in &status.responders {
        writeln!(
            out,
            "{HEAD}responder{HEAD:#}  {}: {}",
            shown(&responder.name),
            state(responder.problem.as_deref())
        )?;
    }
    for source in &status.sources {
        let skew = match source.skew_seconds {
            Some(skew) if skew.abs() >= 60 => {
                let by = span(std::time::Duration::from_secs(skew.unsigned_abs()));
                format!(", {NOTE}its dates are {by} {}{NOTE:#}", if skew > 0 { "behind" } else { "ahead" })
            }
            _ => String::new(),
        };
        let (lines, state) = (count(source.lines, "line"), state(source.problem.as_deref()));
        let reader = match source.jails.as_slice() {
            [] => String::new(),
            jails => format!(" for {}", shown(&jails.join(", "))),
        };
        writeln!(out, "{HEAD}source{HEAD:#}     {}{reader}: {lines}, {state}{skew}", shown(&source.stream))?;
    }
    writeln!(out, "{HEAD}store{HEAD:#}      {}", shown(&status.store))?;
    for warning in &status.warnings {
        writeln!(out, "{NOTE}warning{NOTE:#}    {}", shown(warning))?;
    }
    Ok(())
}

fn state(problem: Option<&str>) -> String {
    problem.map_or_else(|| format!("{GOOD}well{GOOD:#}"), |problem| format!("{BAD}{}{BAD:#}", shown(problem)))
}
