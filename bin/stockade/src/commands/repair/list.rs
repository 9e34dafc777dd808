//! `stockade repair list`: which repairs there are, and how far each may go here.

use std::io::Write as _;

use serde_json::json;
use stockade_config::{Program, load_rules};
use stockade_core::Timestamp;
use stockade_core::ports::Clock as _;
use stockade_repair::playbook::page;
use stockade_repair::{CATALOGUE, Mode, Place};
use stockade_rule::Rule;
use stockade_runtime::daemon::SystemClock;
use stockade_runtime::repair::{Need, open};

use crate::cli::{Global, RepairListArgs};
use crate::config;
use crate::exit::{self, Exit, Outcome};
use crate::output::style::{BAD, FAINT, GOOD, NOTE, PLAIN};
use crate::output::table::{self, Cell};
use crate::output::{columns, json, out, text, time};

/// One repair, as it is here.
struct Line {
    id: &'static str,
    name: &'static str,
    title: &'static str,
    mode: Mode,
    /// After the trial.
    then: Mode,
    default: Mode,
    /// The rules that trigger it.
    rules: Vec<String>,
    risk: &'static str,
}

pub(super) fn run(global: &Global, args: &RepairListArgs) -> Outcome {
    if let Some(name) = &args.name {
        let page = page(super::playbook(name)?);
        if global.json {
            json::print(&json!({ "page": page }))?;
        } else {
            out().write_all(text::lines(&page).as_bytes())?;
        }
        return Ok(Exit::Done);
    }
    let program = super::program(global)?;
    let first_run = first_run(&program);
    let now = SystemClock.now();
    let lines = lines(global, &program, args, first_run, now);
    let trial = trial_end(&program, first_run).filter(|end| now < *end);
    if global.json {
        let repairs: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "id": line.id, "name": line.name, "title": line.title, "mode": line.mode,
                    "mode_after_trial": line.then, "default": line.default, "rules": line.rules, "risk": line.risk,
                })
            })
            .collect();
        json::print(&json!({"repairs": repairs, "trial_until": trial.and_then(time::utc)}))?;
        return Ok(Exit::Done);
    }
    print(&lines)?;
    notes(&program, args, trial);
    Ok(Exit::Done)
}

/// When this installation first ran. Who may not read that gets the modes of a first run.
fn first_run(program: &Program) -> Option<Timestamp> {
    open(program, Need::Kept).ok()?.engine.first_run().ok()?
}

fn trial_end(program: &Program, first_run: Option<Timestamp>) -> Option<Timestamp> {
    let on = program.repair.mode > Mode::Off && !program.repair.trial.is_zero();
    on.then(|| first_run.unwrap_or_else(|| SystemClock.now()).plus(program.repair.trial))
}

fn lines(
    global: &Global,
    program: &Program,
    args: &RepairListArgs,
    first_run: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Line> {
    let files = stockade_filter::conf::Directory(config::directory(global));
    let rules = load_rules(&files, &program.rules).rules;
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let place = Place { account: of(&args.account), region: of(&args.region) };
    let modes = program.repair.modes();
    let line = |playbook: &&'static dyn stockade_repair::Playbook| {
        let about = playbook.about();
        let first = first_run.unwrap_or(now);
        let triggers = |rule: &&std::sync::Arc<Rule>| {
            rule.playbook.as_deref().is_some_and(|name| name == about.id || name == about.name)
        };
        Line {
            id: about.id,
            name: about.name,
            title: about.docs.title(),
            mode: modes.of(about, &place, first, now),
            // Where repairs are off: as far as it would go.
            then: if program.repair.is_on() {
                modes.of(about, &place, first, Timestamp::MAX)
            } else {
                about.mode
            },
            default: about.mode,
            rules: rules.iter().filter(triggers).map(|rule| rule.name.to_string()).collect(),
            risk: about.docs.section("Risk"),
        }
    };
    CATALOGUE.iter().map(line).collect()
}

fn print(lines: &[Line]) -> std::io::Result<()> {
    let mut out = out();
    let rows = lines.iter().map(|line| {
        let mode = |mode: Mode| {
            let style = match mode {
                Mode::Off => FAINT,
                Mode::Notify | Mode::Plan => PLAIN,
                Mode::Approve => NOTE,
                Mode::Act => GOOD,
            };
            Cell::new(mode.name(), style)
        };
        // The first sentence.
        let risk = line.risk.replace('\n', " ");
        let risk =
            risk.split_once(". ").map_or(risk.as_str(), |(first, _)| first).trim_end_matches('.').to_owned();
        let rules = if line.rules.is_empty() {
            Cell::new("none", BAD)
        } else {
            Cell::from(text::shown(&line.rules.join(", ")).into_owned())
        };
        [
            Cell::from(line.id),
            Cell::from(line.name),
            mode(line.mode),
            mode(line.then),
            rules,
            Cell::from(risk),
        ]
    });
    let heads = ["ID", "NAME", "MODE", "THEN", "TRIGGERED BY", "RISK"].map(table::text);
    table::print(&mut out, heads, rows, columns())?;
    out.flush()
}

/// What the table cannot say.
fn notes(program: &Program, args: &RepairListArgs, trial: Option<Timestamp>) {
    let repair = &program.repair;
    if !repair.is_on() {
        exit::note(
            "repairs are off",
            Some(
                "`mode = \"act\"` in `[repair]` of stockade.toml lets each go as far as THEN shows, after a trial of seven days",
            ),
        );
    }
    if let Some(end) = trial {
        let end = time::Clock::local().show(end);
        exit::note(&format!("what `[repair]` does not name is only planned until {end}"), None);
    }
    let elsewhere = repair.rules.iter().any(|rule| rule.account.is_some() || rule.region.is_some());
    if elsewhere && args.account.is_none() && args.region.is_none() {
        let hint = "`--account` and `--region` show how far there";
        exit::note("`[[repair.where]]` says otherwise for some accounts or regions", Some(hint));
    }
}
