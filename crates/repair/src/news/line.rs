//! A line of the record as people hear of it.

use serde_json::{Map, Value};
use stockade_core::ports::Report;
use stockade_core::{Key, MatchId, Severity, Timestamp};

use crate::json::{at, list, text};
use crate::playbook::About;
use crate::record::Entry;

/// What a line does not say by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// The playbook, if it is known.
    pub(crate) about: Option<&'static About>,
    /// The line with which the repair began, for its event.
    pub(crate) first: Option<Entry>,
    /// What a person may still answer.
    pub(crate) answers: Vec<(&'static str, String)>,
    /// When the line was written.
    pub(crate) at: Timestamp,
}

/// What a line came to: a word for programs, how bad it is, the end of a sentence that begins with the thing.
struct CameTo(&'static str, Severity, String);

/// What people hear of a line; none where nobody needs to.
pub(crate) fn report(entry: &Entry, hash: &str, told: Told) -> Option<Report> {
    let body = &entry.body;
    if body.get("repeated").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let CameTo(outcome, severity, came_to) = came_to(entry)?;
    let Told { about, first, answers, at } = told;
    let playbook = about.map_or(text(body, "playbook"), |about| about.id);
    let name = about.map_or(playbook, |about| about.name);
    let title = about.map_or("Repairs", |about| about.docs.title());
    Some(Report {
        id: MatchId::derive("repair", "record", hash, entry.seq, 0),
        topic: format!("repair/{name}").into(),
        description: title.into(),
        playbook: Some(playbook).filter(|playbook| !playbook.is_empty()).map(Into::into),
        severity,
        outcome,
        came_to,
        repair: entry.id.clone(),
        key: thing(body, first.as_ref()),
        at,
        found: text(body, "says").to_owned(),
        event: digest(body, first.as_ref()),
        done: done(entry, !answers.is_empty()),
        undo: undo(entry),
        answers,
        more: match entry.id.as_str() {
            "" => "stockade repair show".to_owned(),
            id => format!("stockade repair show {id}"),
        },
        mark: format!("{} {hash}", entry.seq),
    })
}

/// A line that is not what was written.
pub(crate) fn broken(seq: u64, why: &str, now: Timestamp) -> Report {
    alarm(seq, format!("line {seq} {why}: somebody changed the record of repairs"), now)
}

/// Lines that were there and are not any more.
pub(crate) fn cut_off(upto: u64, ends: u64, now: Timestamp) -> Report {
    alarm(upto, format!("ended with line {upto} and ends with line {ends} now: somebody cut it off"), now)
}

fn alarm(seq: u64, came_to: String, now: Timestamp) -> Report {
    Report {
        id: MatchId::derive("repair", "broken", &came_to, seq, 0),
        topic: "repair/record".into(),
        description: "The record of repairs".into(),
        playbook: None,
        severity: Severity::Critical,
        outcome: "record-broken",
        came_to,
        repair: String::new(),
        key: Key::name("record"),
        at: now,
        found: String::new(),
        event: String::new(),
        done: Vec::new(),
        undo: Vec::new(),
        answers: Vec::new(),
        more: "stockade repair verify-record".to_owned(),
        mark: String::new(),
    }
}

fn came_to(entry: &Entry) -> Option<CameTo> {
    use Severity::{Critical, High, Info, Low, Medium};

    let body = &entry.body;
    let by = match text(body, "by") {
        "" => "somebody",
        by => by,
    };
    let came_to = |outcome, severity, says: &str| Some(CameTo(outcome, severity, says.to_owned()));
    match entry.kind.as_str() {
        // What is said of these is said by another line: what came of it, what held it.
        "began" | "own" | "hold" => None,
        "repair" => match text(body, "outcome") {
            "verified" => came_to("repaired", Medium, "was repaired, and is good again"),
            "unverified" => came_to("unverified", High, "was repaired, and does not look so yet"),
            "left" => came_to("left", High, "was repaired halfway: whoever did it was ended"),
            _ => came_to("failed", High, "could NOT be repaired: a call failed"),
        },
        "good" => came_to("good", Info, "is good by now"),
        "undo" => match at(body, "/outcome/outcome") {
            "failed" => Some(CameTo(
                "undo-failed",
                High,
                format!("is half as it was: {by} took its repair back, and a call failed"),
            )),
            _ => Some(CameTo("undone", Medium, format!("is as it was before: {by} took its repair back"))),
        },
        "approval" => match text(body, "decided") {
            "" => came_to("waiting", High, "waits for somebody to approve its repair"),
            "approved" => Some(CameTo("approved", Low, format!("is to be repaired: {by} approved it"))),
            "refused" => {
                Some(CameTo("refused", Medium, format!("is left as it is: {by} refused its repair")))
            }
            _ => came_to("over", High, "was not repaired: nobody answered in time"),
        },
        "accept" => {
            Some(CameTo("accepted", Medium, format!("is good as it is from now on: {by} accepted it")))
        }
        "attempt" => came_to("attempt", Medium, "was aimed at by a call that failed: nothing was changed"),
        "trial" => came_to("trial", Info, "are no longer only planned: the trial is over"),
        "passed" => came_to("passed-over", Medium, "was not looked at"),
        _ => Some(match at(body, "/outcome/outcome") {
            "planned" => CameTo("planned", Medium, "would be repaired".to_owned()),
            "exempt" => CameTo("exempt", Low, "is not repaired: it is exempt".to_owned()),
            "cannot" => CameTo("cannot", High, "can NOT be repaired".to_owned()),
            "not-ours" => CameTo("not-ours", Low, "is not ours to repair".to_owned()),
            "limited" => CameTo("limited", High, "is NOT repaired any more: a limit is reached".to_owned()),
            "escalated" => CameTo(
                "escalated",
                Critical,
                "is NOT repaired any more: somebody undoes each repair, contain them now".to_owned(),
            ),
            "told" => CameTo("told", Medium, "was not repaired".to_owned()),
            _ => CameTo("other", Medium, format!("is in the record: {}", entry.kind)),
        }),
    }
}

/// What it is about: the thing, else the account that an event came from.
fn thing(body: &Value, first: Option<&Entry>) -> Key {
    let candidates = [
        at(body, "/subject/id"),
        text(body, "thing"),
        first.map_or("", |first| at(&first.body, "/subject/id")),
        at(body, "/event/account"),
        text(body, "playbook"),
    ];
    let name = candidates.into_iter().find(|name| !name.is_empty()).unwrap_or("repairs");
    Key::parse_addr_or_net(name).unwrap_or_else(|| Key::name(name))
}

/// What happened, as a match has it in its line.
fn digest(body: &Value, first: Option<&Entry>) -> String {
    let event = body.get("event").or_else(|| first.and_then(|first| first.body.get("event")));
    let actor = [Some(body), first.map(|first| &first.body)];
    let of_actor = |name: &str| {
        let found = actor.iter().flatten().filter_map(|body| body.pointer("/actor")?.get(name)?.as_str());
        found.filter(|text| !text.is_empty()).map(str::to_owned).next()
    };
    let of_event = |pointers: &[&str]| {
        let found = pointers.iter().filter_map(|pointer| event?.pointer(pointer)?.as_str());
        found.filter(|text| !text.is_empty()).map(str::to_owned).next()
    };
    let place = |name: &str| {
        let here = body.pointer("/subject/place").or_else(|| body.get("place"))?.get(name)?.as_str()?;
        Some(here.to_owned())
    };
    let facts = [
        ("name", of_event(&["/detail/eventName", "/detail/type", "/detail-type"])),
        ("source", of_event(&["/detail/eventSource", "/source"])),
        ("actor", of_actor("arn").or_else(|| of_actor("kind"))),
        ("address", of_actor("source")),
        ("agent", of_actor("user_agent")),
        ("account", place("account").or_else(|| of_event(&["/account"]))),
        ("region", place("region").or_else(|| of_event(&["/detail/awsRegion", "/region"]))),
        ("error", of_event(&["/detail/errorCode"])),
    ];
    let facts: Map<String, Value> =
        facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?.into()))).collect();
    if facts.is_empty() { String::new() } else { Value::Object(facts).to_string() }
}

/// What was done, or would be, in sentences.
fn done(entry: &Entry, asked: bool) -> Vec<String> {
    let body = &entry.body;
    let mut said: Vec<String> = list(body, "calls").iter().map(call).collect();
    said.extend(list(body, "done").iter().filter_map(Value::as_str).map(str::to_owned));
    let left = list(body.get("plan").unwrap_or(&Value::Null), "changes").iter().skip(said.len());
    match (entry.kind.as_str(), text(body, "outcome")) {
        ("undo" | "good" | "accept", _) => {}
        ("repair", "verified") => {
            let seconds = body.get("latency_ms").and_then(Value::as_i64).unwrap_or_default().max(0);
            let since = if text(body, "event_identity").is_empty() { "it began" } else { "the event" };
            let (whole, part) = (seconds / 1000, seconds % 1000 / 100);
            said.push(format!("looked again and found it good, {whole}.{part} s after {since}"));
        }
        ("repair", "unverified") => {
            said.push("looked again four times, and it does not look good".to_owned());
        }
        ("approval", _) if !text(body, "decided").is_empty() => {}
        ("repair", _) => said.extend(left.map(|change| format!("not done: {}", change_text(change)))),
        _ => said.extend(left.map(|change| format!("would: {}", change_text(change)))),
    }
    let fault = body.get("fault").or_else(|| body.pointer("/outcome/fault"));
    said.extend(fault.map(|fault| text(fault, "message").to_owned()));
    let why = ["why", "reason", "hint"].into_iter().map(|name| at(body, &format!("/outcome/{name}")));
    said.extend(why.chain([text(body, "why"), text(body, "reason")]).map(str::to_owned));
    let contained = list(body.pointer("/outcome").unwrap_or(&Value::Null), "contained").iter();
    said.extend(contained.map(|one| text(one, "says").to_owned()));
    let actors = list(body.pointer("/outcome").unwrap_or(&Value::Null), "actors");
    said.extend(actors.iter().filter_map(Value::as_str).map(|actor| format!("undone by {actor}")));
    if let Some(planned) = body.get("planned") {
        said.push(format!("{planned} repairs would have been made in the trial"));
    }
    if asked {
        let id = &entry.id;
        said.push(format!("`stockade repair approve {id}` and `stockade repair refuse {id}` answer as well"));
    }
    said.extend(list(body, "notes").iter().filter_map(Value::as_str).map(|note| format!("note: {note}")));
    said.retain(|line| !line.is_empty());
    said
}

fn call(call: &Value) -> String {
    let (service, operation) = (at(call, "/call/service"), at(call, "/call/operation"));
    let request = match text(call, "request_id") {
        "" => String::new(),
        id => format!(", request {id}"),
    };
    let already = if call.get("already").and_then(Value::as_bool) == Some(true) { ", was so" } else { "" };
    format!("{} ({service}:{operation}{request}{already})", text(call, "says"))
}

fn change_text(change: &Value) -> String {
    format!("{} ({}:{})", text(change, "says"), text(change, "service"), text(change, "operation"))
}

/// What takes it back.
fn undo(entry: &Entry) -> Vec<String> {
    let undoable =
        list(&entry.body, "calls").iter().any(|call| call.get("undo").is_some_and(|undo| !undo.is_null()));
    match entry.kind.as_str() {
        "undo" if at(&entry.body, "/outcome/outcome") == "failed" => {
            vec![format!("stockade repair undo {}", entry.id)]
        }
        "undo" => Vec::new(),
        _ if undoable => vec![format!("stockade repair undo {}", entry.id)],
        _ => Vec::new(),
    }
}
