//! `stockade repair show`: what is known of a repair; or which wait, and what was done last.

use std::io::{self, Write};

use serde_json::{Value, json};
use stockade_core::Timestamp;
use stockade_repair::{Approval, Entry};
use stockade_runtime::repair::Need;

use crate::cli::{Global, RepairShowArgs};
use crate::exit::{Exit, Outcome};
use crate::output::style::{HEAD, NOTE};
use crate::output::table::{self, Cell};
use crate::output::{columns, json, out, text, time};

pub(super) fn run(global: &Global, args: &RepairShowArgs) -> Outcome {
    let program = super::program(global)?;
    let mut engine = super::engine(&program, Need::Kept)?;
    match &args.id {
        Some(id) => {
            let entries = engine.show(id).map_err(|error| super::failed(&error))?;
            if global.json {
                json::print(&json!({"id": id, "entries": entries}))?;
            } else {
                one(id, &entries)?;
            }
        }
        None => {
            let waiting = engine.approvals().map_err(|error| super::failed(&error))?;
            let newest = engine.newest_entries(args.newest).map_err(|error| super::failed(&error))?;
            if global.json {
                json::print(&json!({"waiting": waiting, "newest": newest}))?;
            } else {
                all(&waiting, &newest)?;
            }
        }
    }
    Ok(Exit::Done)
}

fn all(waiting: &[Approval], newest: &[Entry]) -> io::Result<()> {
    let mut out = out();
    let clock = time::Clock::local();
    if !waiting.is_empty() {
        let rows = waiting.iter().map(|one| {
            let finding = &one.finding;
            let says = one.plan.changes.iter().map(|change| change.says.as_str()).collect::<Vec<_>>();
            let shown = |text: &str| text::shown(text).into_owned();
            [
                Cell::new(one.id.clone(), NOTE),
                Cell::from(one.playbook.clone()),
                Cell::from(shown(&finding.subject.place.to_string())),
                Cell::from(clock.show(one.until)),
                Cell::from(shown(&says.join("; "))),
            ]
        });
        table::print(
            &mut out,
            ["WAITS", "REPAIR", "WHERE", "UNTIL", "WOULD"].map(table::text),
            rows,
            columns(),
        )?;
        writeln!(out)?;
    }
    if newest.is_empty() {
        writeln!(out, "nothing was found or done yet")?;
    } else {
        let ended = |entry: &Entry| {
            entry.kind == "began" && newest.iter().any(|one| one.id == entry.id && one.kind == "repair")
        };
        let rows = newest.iter().filter(|entry| !ended(entry)).map(|entry| {
            let id = if entry.id.is_empty() { "-" } else { &entry.id };
            [when(&entry.at, &clock), id.to_owned(), entry.kind.clone(), summary(entry)]
                .map(|cell| Cell::from(text::shown(&cell).into_owned()))
        });
        table::print(&mut out, ["WHEN", "ID", "ENTRY", "WHAT"].map(table::text), rows, columns())?;
    }
    out.flush()
}

/// A time of the record, which is in UTC, as people read it here.
fn when(at: &str, clock: &time::Clock) -> String {
    let read: Result<jiff::Timestamp, _> = at.parse();
    read.map_or_else(|_| at.to_owned(), |at| clock.show(Timestamp::from_millis(at.as_millisecond())))
}

/// An entry in a sentence.
fn summary(entry: &Entry) -> String {
    let of = |name: &str| field(&entry.body, name);
    let outcome = outcome(&entry.body);
    match entry.kind.as_str() {
        "approval" if !of("decided").is_empty() => match of("by") {
            "" => of("decided").to_owned(),
            by => format!("{} by {by}", of("decided")),
        },
        "undo" => format!("taken back by {}: {outcome}", of("by")),
        "hold" => "left as it is for a while".to_owned(),
        "own" => "an event of what we did ourselves".to_owned(),
        "attempt" => format!("somebody tried, and failed: {}", of("error")),
        "accept" => format!("`{}` accepted as it is by {}: {}", of("thing"), of("by"), of("reason")),
        "trial" => format!(
            "the trial is over: {} would have been repaired",
            entry.body.get("planned").unwrap_or(&Value::Null)
        ),
        _ if outcome.is_empty() => of("says").to_owned(),
        _ => format!("{}: {outcome}", of("says")),
    }
}

fn outcome(body: &Value) -> String {
    match body.get("outcome") {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Object(fields)) => {
            let word = fields.get("outcome").and_then(Value::as_str).unwrap_or_default();
            let why = ["why", "reason"].iter().find_map(|name| fields.get(*name)?.as_str());
            why.map_or_else(|| word.to_owned(), |why| format!("{word}, {why}"))
        }
        _ => String::new(),
    }
}

fn field<'v>(body: &'v Value, name: &str) -> &'v str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// All that the record holds of one repair.
fn one(id: &str, entries: &[Entry]) -> io::Result<()> {
    let mut out = out();
    let told =
        |name: &str| entries.iter().map(|entry| field(&entry.body, name)).find(|text| !text.is_empty());
    let place = entries.iter().find_map(|entry| {
        let place = entry.body.pointer("/subject/place")?;
        Some(format!("{}/{}", field(place, "account"), field(place, "region")))
    });
    let shown = |text: Option<&str>| text::shown(text.unwrap_or("-")).into_owned();
    writeln!(
        out,
        "{HEAD}{}{HEAD:#}  {}, `{}` in {}",
        text::shown(id),
        shown(told("playbook")),
        shown(told("name")),
        shown(place.as_deref())
    )?;
    for entry in entries {
        writeln!(out, "\n{HEAD}{}  {}{HEAD:#}  {}", entry.at, entry.kind, text::shown(&summary(entry)))?;
        details(&mut out, &entry.body)?;
    }
    writeln!(out, "\n`stockade repair show {} --json` shows all of it", text::shown(id))?;
    out.flush()
}

/// From the event to the look that found it good. An event that was followed by hand may be old.
fn latency(ms: i64) -> String {
    const LONG: i64 = 60_000;
    match u64::try_from(ms) {
        Ok(long) if ms >= LONG => text::span(std::time::Duration::from_millis(long)),
        _ => format!("{ms} ms"),
    }
}

fn details(out: &mut impl Write, body: &Value) -> io::Result<()> {
    let mut line = |name: &str, text: &str| {
        if text.is_empty() { Ok(()) } else { writeln!(out, "  {name:9} {}", text::shown(text)) }
    };
    if let Some(actor) = body.get("actor").filter(|actor| actor.is_object()) {
        let source = field(actor, "source");
        let from = if source.is_empty() { String::new() } else { format!(" from {source}") };
        line("actor", &format!("{}{from}", field(actor, "arn")))?;
    }
    line("event", field(body, "event_identity"))?;
    line("sha256", field(body, "event_sha256"))?;
    if let Some(before) = body.get("before").filter(|before| !before.is_null()) {
        line("before", &before.to_string())?;
    }
    let all = |name: &str| body.pointer(name).and_then(Value::as_array).into_iter().flatten();
    if all("/calls").next().is_none() {
        for change in all("/plan/changes") {
            line("plan", field(change, "says"))?;
        }
    }
    for done in all("/calls") {
        let call = done.get("call").unwrap_or(&Value::Null);
        let name = format!("{}:{}", field(call, "service"), field(call, "operation"));
        let parameters = call.get("parameters").unwrap_or(&Value::Null);
        line("call", &format!("{name} {parameters}, request {}", field(done, "request_id")))?;
    }
    for call in all("/undo") {
        let name = format!("{}:{}", field(call, "service"), field(call, "operation"));
        line("undo", &format!("{name} {}", call.get("parameters").unwrap_or(&Value::Null)))?;
    }
    if let Some(fault) = body.get("fault") {
        line("fault", field(fault, "message"))?;
    }
    if let Some(after) = body.get("after").filter(|after| !after.is_null()) {
        line("after", &after.to_string())?;
    }
    if let Some(ms) = body.get("latency_ms").and_then(Value::as_i64) {
        line("latency", &latency(ms))?;
    }
    for note in all("/notes") {
        line("note", note.as_str().unwrap_or_default())?;
    }
    Ok(())
}
