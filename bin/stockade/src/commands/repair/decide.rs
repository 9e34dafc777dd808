//! `stockade repair approve`, `refuse`, `follow` and `undo`.

use std::io::Write as _;

use serde_json::json;
use stockade_repair::{Approval, Engine, EngineError, Link, LinkKey, Outcome as Came, Run};
use stockade_runtime::repair::Need;
use stockade_runtime::show_time;

use super::outcome;
use super::who::who;
use crate::cli::{Global, RepairDecideArgs, RepairFollowArgs};
use crate::exit::{Exit, Outcome};
use crate::output::{json, out, text};

pub(super) fn approve(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::All, Engine::approve)
}

pub(super) fn refuse(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::Kept, Engine::refuse)
}

pub(super) fn undo(global: &Global, args: &RepairDecideArgs) -> Outcome {
    decide(global, args, Need::All, Engine::undo)
}

/// Does what a signed link says, or only says it.
pub(super) fn follow(global: &Global, args: &RepairFollowArgs) -> Outcome {
    let program = super::program(global)?;
    let token = LinkKey::token_of(&args.link);
    let mut engine = super::engine(&program, Need::Answer)?;
    if args.look {
        let (link, approval) = engine.look_at_link(token).map_err(|error| super::failed(&error))?;
        return look(global, &link, &approval);
    }
    let by = format!("{}, by a signed link", who(args.by.as_deref()));
    let run = engine.follow_link_by(token, &by).map_err(|error| super::failed(&error))?;
    outcome::show(global, &run, false)
}

fn look(global: &Global, link: &Link, approval: &Approval) -> Outcome {
    let verb = link.verb.name();
    if global.json {
        json::print(
            &json!({"link": {"verb": verb, "id": link.id, "until": link.until}, "approval": approval}),
        )?;
        return Ok(Exit::Done);
    }
    let mut out = out();
    let subject = &approval.finding.subject;
    let (id, place) = (text::shown(&subject.id), subject.place.to_string());
    writeln!(out, "would {verb} {} of {id} in {}", approval.id, text::shown(&place))?;
    for change in &approval.plan.changes {
        writeln!(out, "    {} ({}:{})", text::shown(&change.says), change.service, change.operation)?;
    }
    writeln!(out, "it waits until {}", show_time(approval.until))?;
    out.flush()?;
    Ok(Exit::Done)
}

fn decide(
    global: &Global,
    args: &RepairDecideArgs,
    need: Need,
    what: fn(&mut Engine, &str, &str) -> Result<Run, EngineError>,
) -> Outcome {
    let program = super::program(global)?;
    let mut engine = super::engine(&program, need)?;
    let by = who(args.by.as_deref());
    let run = what(&mut engine, &args.id, &by).map_err(|error| super::failed(&error))?;
    let code = outcome::show(global, &run, false)?;
    let left = |came: &Came| {
        matches!(came, Came::Undone) || (need == Need::Kept && matches!(came, Came::Dropped { .. }))
    };
    if !global.json && run.items.iter().any(|item| left(&item.outcome)) {
        let mut out = out();
        let span = text::span(program.repair.undo_holds);
        writeln!(
            out,
            "it is left as it is for {span}, or until it is good again; `undo_holds` says how long"
        )?;
        out.flush()?;
    }
    Ok(code)
}
