//! `stockade repair baseline`: the last good states, from which things come back.

use std::io::Write as _;

use serde_json::json;
use stockade_repair::{Engine, EngineError, Place};
use stockade_runtime::repair::Need;

use super::who::who;
use crate::cli::{Global, RepairAcceptArgs, RepairBaselineCommand, RepairPlaces};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::table::{self, Cell};
use crate::output::{columns, json, out, text, time};

pub(super) fn run(global: &Global, command: &RepairBaselineCommand) -> Outcome {
    match command {
        RepairBaselineCommand::List(args) => list(global, args),
        RepairBaselineCommand::Accept(args) => accept(global, args),
    }
}

fn list(global: &Global, args: &RepairPlaces) -> Outcome {
    let program = super::program(global)?;
    let mut engine = super::engine(&program, Need::Kept)?;
    let mut known = engine.all_baselines().map_err(|error| super::failed(&error))?;
    known.retain(|(_, place, _)| {
        let fits = |wanted: &[String], is: &String| wanted.is_empty() || wanted.contains(is);
        fits(&args.account, &place.account) && fits(&args.region, &place.region)
    });
    if global.json {
        let all: Vec<_> = known
            .iter()
            .map(|(kind, place, baseline)| json!({"kind": kind, "place": place, "baseline": baseline}))
            .collect();
        json::print(&json!({ "baselines": all }))?;
        return Ok(Exit::Done);
    }
    let mut out = out();
    if known.is_empty() {
        writeln!(out, "no last good states are known yet; the first run takes them")?;
    } else {
        let clock = time::Clock::local();
        let rows = known.iter().map(|(kind, place, baseline)| {
            let cells = [
                kind.clone(),
                place.to_string(),
                baseline.thing.name.clone(),
                clock.show(baseline.taken),
                baseline.thing.id.clone(),
            ];
            cells.map(|cell| Cell::from(text::shown(&cell).into_owned()))
        });
        table::print(&mut out, ["KIND", "WHERE", "WHAT", "TAKEN", "ID"].map(table::text), rows, columns())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn accept(global: &Global, args: &RepairAcceptArgs) -> Outcome {
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Failure::usage("a reason is needed: `--reason`").hint(None::<&str>));
    }
    let program = super::program(global)?;
    let mut engine = super::engine(&program, Need::All)?;
    let by = who(args.by.as_deref());
    let mut accepted = Vec::new();
    for name in &args.names {
        let place = place(&mut engine, args, name)?;
        let (kind, now) = accept_one(&mut engine, &place, name, &by, reason)?;
        accepted.push((kind, place, name, now));
    }
    if global.json {
        let all: Vec<_> = accepted
            .iter()
            .map(|(kind, place, name, now)| json!({"kind": kind, "place": place, "name": name, "baseline": now}))
            .collect();
        json::print(&json!({ "accepted": all }))?;
        return Ok(Exit::Done);
    }
    let mut out = out();
    for (kind, place, name, now) in &accepted {
        let name = text::shown(name);
        match now {
            Some(_) => writeln!(out, "{place}: the {kind} `{name}` is good as it is now")?,
            None => writeln!(out, "{place}: the {kind} `{name}` is gone and no longer missed")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Of whichever kind knows the thing.
fn accept_one(
    engine: &mut Engine,
    place: &Place,
    name: &str,
    by: &str,
    reason: &str,
) -> Result<(&'static str, Option<stockade_repair::playbook::Baseline>), Failure> {
    let kinds: Vec<&'static str> = engine.kinds().iter().map(|kind| kind.name()).collect();
    for kind in &kinds {
        match engine.accept(kind, place, name, by, reason) {
            Ok(now) => return Ok((kind, now)),
            Err(EngineError::Unknown { .. }) => {}
            Err(error) => return Err(super::failed(&error)),
        }
    }
    let message = format!("nothing in {place} is called `{name}`, and nothing was: of {}", kinds.join(", "));
    Err(Failure::new(Exit::Failed, message)
        .hint(Some("`stockade repair baseline list` shows what is known; `--region` says where to look")))
}

/// Where a thing is: as its ARN says, or as was typed.
fn place(engine: &mut Engine, args: &RepairAcceptArgs, name: &str) -> Result<Place, Failure> {
    let mut parts = name.strip_prefix("arn:").into_iter().flat_map(|rest| rest.split(':')).skip(2);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let account = match (account, &args.account) {
        ("", Some(account)) => account.clone(),
        ("", None) => engine.own_account().map_err(|error| super::failed(&error))?,
        (account, _) => account.to_owned(),
    };
    let region = match (region, &args.region) {
        ("", Some(region)) => region.clone(),
        ("", None) => {
            return Err(Failure::usage(format_args!("in which region is `{name}`?"))
                .hint(Some("add `--region`, or give its ARN")));
        }
        (region, _) => region.to_owned(),
    };
    let place = Place { account, region };
    if place.is_valid() {
        return Ok(place);
    }
    Err(Failure::usage(format_args!("`{place}` is no account with a region")).hint(None::<&str>))
}
