//! `stockade bans`, `ban` and `unban`.

use std::io::{self, Write};

use stockade_core::Timestamp;
use stockade_core::ports::Clock as _;
use stockade_runtime::control::{Change, LiveBan, Request, Response};
use stockade_runtime::daemon::SystemClock;

use super::{addresses, answer, exit_of, unexpected};
use crate::cli::{BanArgs, BansArgs, Global, UnbanArgs};
use crate::exit::{Exit, Outcome};
use crate::output::style::{BAD, FAINT, GOOD};
use crate::output::table::{self, Cell, number, text};
use crate::output::text::{count, shown, span};
use crate::output::time::Clock;
use crate::output::{self, Out};

pub(in crate::commands) fn list(global: &Global, args: &BansArgs) -> Outcome {
    answer(global, &Request::Bans { jail: args.jail.clone() }, |out, response| match response {
        Response::Bans { bans } => show(out, bans).map(|()| Exit::Done),
        other => unexpected(out, other),
    })
}

pub(in crate::commands) fn ban(global: &Global, args: &BanArgs) -> Outcome {
    let keys = addresses(&args.addresses)?;
    let request =
        Request::Ban { keys, jail: args.jail.clone(), span: args.span, reason: args.reason.clone() };
    answer(global, &request, changed)
}

pub(in crate::commands) fn unban(global: &Global, args: &UnbanArgs) -> Outcome {
    let keys = addresses(&args.addresses)?;
    let request =
        Request::Unban { keys, all: args.all, jail: args.jail.clone(), reason: args.reason.clone() };
    answer(global, &request, changed)
}

fn show(out: &mut Out, bans: &[LiveBan]) -> io::Result<()> {
    if bans.is_empty() {
        return writeln!(out, "nobody is banned");
    }
    let (clock, now) = (Clock::local(), SystemClock.now());
    let heads = [
        text("ADDRESS"),
        text("JAIL"),
        text("SINCE"),
        text("UNTIL"),
        text("LEFT"),
        number("TIMES"),
        text("WHY"),
    ];
    let row = |ban: &LiveBan| {
        let until = ban.until.unwrap_or(Timestamp::MAX);
        let left = ban.until.map_or_else(|| "-".to_owned(), |until| span(until.since(now)));
        let cells: [Cell; 7] = [
            Cell::new(shown(&ban.key.to_string()), BAD),
            shown(&ban.jail).into_owned().into(),
            clock.show(ban.since).into(),
            clock.show(until).into(),
            left.into(),
            ban.nth.to_string().into(),
            shown(&ban.reason).into_owned().into(),
        ];
        cells
    };
    table::print(out, heads, bans.iter().map(row), output::columns())?;
    writeln!(out, "{FAINT}{}{FAINT:#}", count(bans.len() as u64, "ban"))
}

/// What became of each address.
fn changed(out: &mut Out, response: &Response) -> io::Result<Exit> {
    let Response::Changed { changes } = response else { return unexpected(out, response) };
    if changes.is_empty() {
        writeln!(out, "nothing to change")?;
    }
    for Change { key, jail, done, note } in changes {
        let (style, what) = if *done { (GOOD, "done") } else { (BAD, "refused") };
        writeln!(
            out,
            "{style}{what:8}{style:#} {} in {}: {}",
            shown(&key.to_string()),
            shown(jail),
            shown(note)
        )?;
    }
    Ok(exit_of(response))
}
