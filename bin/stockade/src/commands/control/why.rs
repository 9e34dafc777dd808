//! `stockade why`.

use std::io::{self, Write};
use std::time::Duration;

use stockade_core::{Key, Outcome as Responded, Timestamp, Verdict};
use stockade_runtime::control::{Request, Response, Standing, Why};

use super::{addresses, answer, unexpected};
use crate::cli::{Global, WhyArgs};
use crate::exit::{Exit, Outcome};
use crate::output::Out;
use crate::output::style::{BAD, FAINT, GOOD, HEAD};
use crate::output::text::{count, shown, span};
use crate::output::time::Clock;

pub(in crate::commands) fn run(global: &Global, args: &WhyArgs) -> Outcome {
    let key = match name(&args.address) {
        Some(key) => key,
        None => match addresses(std::slice::from_ref(&args.address))?.pop() {
            Some(key) => key,
            None => return Ok(Exit::Usage),
        },
    };
    answer(global, &Request::Why { key, limit: args.lines }, |out, response| match response {
        Response::Why(why) => show(out, why, args.lines).map(|()| Exit::Done),
        other => unexpected(out, other),
    })
}

/// A name that rules and filters may count: a user, an ARN, an account. What looks like an address must be one.
fn name(text: &str) -> Option<Key> {
    let like_an_address = text.contains(['.', ':'])
        && text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/' | '%'));
    let is_name = !text.is_empty() && !like_an_address && !text.contains(char::is_control);
    is_name.then(|| Key::parse_addr_or_net(text).unwrap_or_else(|| Key::name(text)))
}

fn show(out: &mut Out, why: &Why, limit: usize) -> io::Result<()> {
    let clock = Clock::local();
    for standing in &why.jails {
        writeln!(out, "{HEAD}{}{HEAD:#}: {}", shown(&standing.jail), stands(standing, &clock))?;
    }
    if why.matches.is_empty() && why.decisions.is_empty() {
        return writeln!(out, "nothing is known of {}", shown(&why.key.to_string()));
    }
    if !why.matches.is_empty() {
        writeln!(out, "\n{HEAD}the lines that did it{HEAD:#}, the newest first")?;
    }
    for found in &why.matches {
        let times = if found.count > 1 { format!(" x{}", found.count) } else { String::new() };
        writeln!(
            out,
            "  {}{times} {FAINT}{} in {}{FAINT:#}\n    {}",
            clock.show(found.time),
            shown(&found.jail),
            shown(&found.stream),
            shown(&found.line)
        )?;
    }
    if why.matches.len() >= limit {
        writeln!(out, "  {FAINT}… there may be more: --lines shows them{FAINT:#}")?;
    }
    if !why.decisions.is_empty() {
        writeln!(out, "\n{HEAD}what was decided{HEAD:#}, the newest first")?;
    }
    for logged in &why.decisions {
        let decision = &logged.decision;
        let verdict = match decision.verdict {
            Verdict::Ban { until, extends } => {
                let what = if extends { "ban made longer" } else { "ban" };
                format!("{BAD}{what}{BAD:#} {}", clock.until(until))
            }
            Verdict::Unban => format!("{GOOD}unban{GOOD:#}"),
            Verdict::Notify => "notice".to_owned(),
            Verdict::Repair => format!("{BAD}repair{BAD:#}"),
            other => format!("{other:?}"),
        };
        let reason = decision.reason.to_string();
        writeln!(
            out,
            "  {} {}: {verdict}: {}",
            clock.show(decision.at),
            shown(&decision.jail),
            shown(&reason)
        )?;
        for (responder, outcome) in &logged.outcomes {
            writeln!(out, "    {}: {}", shown(responder), came_of(outcome.as_ref()))?;
        }
    }
    Ok(())
}

fn stands(standing: &Standing, clock: &Clock) -> String {
    let findtime = span(Duration::from_secs(standing.findtime_seconds));
    let mut text = match &standing.ban {
        Some(ban) => {
            format!(
                "{BAD}banned{BAD:#} {}, {}",
                clock.until(ban.until.unwrap_or(Timestamp::MAX)),
                shown(&ban.reason)
            )
        }
        None => {
            let counted = standing.counted;
            format!(
                "not banned; {counted} of {} within {findtime}",
                count(u64::from(standing.maxretry), "match")
            )
        }
    };
    if standing.times_banned > 0 {
        text += &format!("; {} so far", count(u64::from(standing.times_banned), "ban"));
    }
    if let Some(by) = &standing.ignored_by {
        text += &format!("; {GOOD}never banned{GOOD:#}, by {}", shown(by));
    }
    text
}

fn came_of(outcome: Option<&Responded>) -> String {
    match outcome {
        None => "waits".to_owned(),
        Some(Responded::Done) => format!("{GOOD}done{GOOD:#}"),
        Some(Responded::Failed { error }) => format!("{BAD}failed{BAD:#}: {}", shown(error)),
        Some(Responded::Refused { reason }) => format!("{BAD}refused{BAD:#}: {}", shown(reason)),
        Some(other) => format!("{other:?}"),
    }
}
