//! What others recorded: Stratus Red Team's attacks, TrailDiscover's failed calls, Panther's labelled events.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use stockade_core::Target;
use stockade_pattern::{Part, Pattern, RuleSet, Scratch};
use stockade_repair::{CATALOGUE, PassedOver};

use super::book::Book;
use super::{assert_read_only, planned, planning};
use crate::world::{REGION, World, notable};

/// The recordings: file, and the field of a line that holds the record, if it is not the line.
const RECORDINGS: [(&str, Option<&str>); 3] = [
    ("stratus.jsonl", None),
    ("traildiscover_failed_calls.jsonl", None),
    ("panther_labelled.jsonl", Some("log")),
];

/// The catalogue's calls for what Stratus did to CloudTrail.
const CALLS: [(&str, &str, &[&str]); 3] = [
    ("StopLogging", "P01", &["StartLogging"]),
    ("DeleteTrail", "P02", &["CreateTrail", "StartLogging"]),
    ("PutEventSelectors", "P03", &["PutEventSelectors"]),
];

fn shared(name: &str) -> Option<String> {
    let folder = std::env::var_os("STOCKADE_SHARED").map(PathBuf::from);
    let path = folder.map(|folder| folder.join("data/cloudtrail").join(name)).filter(|path| path.exists());
    let Some(path) = path else {
        eprintln!("skipped: `$STOCKADE_SHARED/data/cloudtrail/{name}` is not there");
        return None;
    };
    Some(std::fs::read_to_string(path).unwrap())
}

fn records(name: &str, field: Option<&str>) -> Option<Vec<Value>> {
    let text = shared(name)?;
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap);
    Some(values.map(|value| field.map_or(value.clone(), |field| value[field].clone())).collect())
}

/// The record as if it had happened to this account: its accounts and regions are anonymised to ones that do not exist.
fn rehomed(record: &Value, world: &World) -> Value {
    let mut text = record.to_string();
    let said = |name: &str| record[name].as_str().filter(|value| !value.is_empty());
    let account = said("recipientAccountId").or_else(|| record["userIdentity"]["accountId"].as_str());
    for (from, to) in [(account, world.place.account.as_str()), (said("awsRegion"), REGION)] {
        if let Some(from) = from {
            text = text.replace(from, to);
        }
    }
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["recipientAccountId"] = json!(world.place.account);
    record["awsRegion"] = json!(REGION);
    record
}

fn succeeded(record: &Value) -> bool {
    record["errorCode"].as_str().is_none_or(str::is_empty)
}

/// Makes true what a record says of a trail: the trail was there and its state known, and now it is as the call left it.
fn comes_true(world: &mut World, record: &Value) {
    let parameters = &record["requestParameters"];
    let name = ["name", "trailName"].iter().find_map(|key| parameters[key].as_str()).unwrap();
    world.trail(name);
    world.reconcile();
    match record["eventName"].as_str().unwrap() {
        "PutEventSelectors" => world.admin(
            "cloudtrail",
            "PutEventSelectors",
            json!({"TrailName": name, "EventSelectors": [{"ReadWriteType": "ReadOnly",
                "IncludeManagementEvents": parameters["eventSelectors"][0]["includeManagementEvents"]}]}),
        ),
        operation => world.admin("cloudtrail", operation, json!({"Name": name})),
    };
}

#[test]
fn attacks_on_the_trail_lead_to_the_plans_of_the_catalogue() {
    let Some(records) = records("stratus.jsonl", None) else { return };
    let Some(mut world) = planning(|_| ()) else { return };
    let book = Book::shipped();
    let mut plans = BTreeSet::new();
    for record in &records {
        let record = rehomed(record, &world);
        let ours =
            book.read(&record).into_iter().any(|hit| CALLS.iter().any(|(_, id, _)| *id == hit.playbook));
        if ours {
            comes_true(&mut world, &record);
        }
        for (hit, run) in book.follow(&mut world, &record) {
            if !CALLS.iter().any(|(_, id, _)| *id == hit.playbook) {
                continue; // Another playbook's; the world is not as its event says.
            }
            let operation = record["eventName"].as_str().unwrap();
            let (_, id, calls) = CALLS.iter().find(|(call, _, _)| *call == operation).unwrap();
            let name = notable(&run).name.clone();
            let calls = calls.iter().map(|call| (*call).to_owned()).collect();
            assert_eq!(planned(&run), [((*id).to_owned(), name.clone(), calls)]);
            assert!(record["requestParameters"].to_string().contains(&name));
            assert!(run.items[0].actor.as_ref().unwrap().user_agent.contains("stratus-red-team"));
            plans.insert(operation.to_owned());
            // The same record by the second trail.
            let again = world.engine.event(&hit.playbook, hit.event.as_bytes()).unwrap();
            assert_eq!(again.passed_over, Some(PassedOver::Duplicate));
        }
    }
    assert_eq!(plans.len(), CALLS.len(), "{plans:?}");
    assert_read_only(&mut world);
    // What would have been done is what the trial tells.
    let report = world.engine.would_have(crate::world::at(0)).unwrap();
    let mut said: Vec<&str> = report.planned.iter().map(|one| one.playbook.as_str()).collect();
    said.sort_unstable();
    said.dedup();
    assert!(["P01", "P02", "P03"].iter().all(|id| said.contains(id)), "{report:#?}");
}

#[test]
fn no_failed_call_leads_to_a_plan_whoever_asks() {
    let Some(mut world) = planning(|_| ()) else { return };
    let book = Book::shipped();
    let trail = world.trail("main");
    world.reconcile();
    // There is something to find, if a failed call made anybody look.
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    world.calls();
    let mut failed = 0;
    for (file, field) in RECORDINGS {
        let Some(records) = records(file, field) else { return };
        for record in records.iter().filter(|record| !succeeded(record)) {
            failed += 1;
            let record = rehomed(record, &world);
            assert!(book.read(&record).iter().all(|hit| hit.target != Target::Repair), "{record:#}");
            // Nor where a rule that follows failed calls hands it on.
            for playbook in CATALOGUE {
                let run =
                    world.engine.event_again(playbook.about().id, record.to_string().as_bytes()).unwrap();
                let code = record["errorCode"].as_str().unwrap().to_owned();
                assert_eq!(run.passed_over, Some(PassedOver::FailedCall { code }));
                assert!(run.items.is_empty());
            }
        }
    }
    assert!(failed > 140, "{failed}");
    let calls: Vec<String> =
        world.calls().into_iter().filter(|call| call != "sts:GetCallerIdentity").collect();
    assert_eq!(calls, [""; 0], "nobody looked");
    world.engine.verify_record().unwrap().unwrap();
}

/// What the catalogue's patterns match in these recordings and no rule of that playbook tells: each is a trap that the
/// catalogue's text names, and none of these events is an attack of its kind (crates/rule/tests/recorded.rs has the reasons).
const NO_ATTACK: [(&str, &str); 12] = [
    ("P11", "PutBucketAcl"),
    ("P11", "PutBucketPolicy"),
    ("P16", "AuthorizeSecurityGroupIngress"),
    ("P22", "PutUserPolicy"),
    ("P23", "CreateAccessKey"),
    ("P26", "CreateRole"),
    ("P29", "ConsoleLogin"),
    ("P30", "PutBucketLifecycle"),
    ("P30", "PutBucketLogging"),
    ("X31", "PutKeyPolicy"),
    ("X31", "PutResourcePolicy"),
    ("X32", "ModifyDBInstance"),
];

#[test]
fn what_no_playbook_mends_is_told_by_its_rule() {
    let Some(text) = shared("playbook-patterns.json") else { return };
    let catalogue: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
    let (mut ids, mut patterns) = (Vec::new(), Vec::new());
    for (name, own) in &catalogue {
        for pattern in own {
            ids.push(name.split_once('-').unwrap().0.to_owned());
            patterns.push(Pattern::parse(&pattern.to_string()).unwrap());
        }
    }
    let (set, mut scratch) = (RuleSet::new(&patterns), Scratch::new());
    let book = Book::shipped();
    let mends = |id: &str| CATALOGUE.iter().any(|playbook| playbook.about().id == id);
    let (mut mended, mut told, mut untold) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (file, field) in RECORDINGS {
        for record in records(file, field).unwrap() {
            let (text, envelope) = (record.to_string(), envelope(&record).to_string());
            let parts = [
                Part { path: "", json: envelope.as_bytes() },
                Part { path: "detail", json: text.as_bytes() },
            ];
            let wanted: BTreeSet<&String> =
                set.matches_parts(&parts, &mut scratch).unwrap().ids().iter().map(|id| &ids[*id]).collect();
            let hits = book.read(&record);
            for id in wanted {
                let own: Vec<_> = hits.iter().filter(|hit| hit.playbook == *id).collect();
                let said = (id.clone(), record["eventName"].as_str().unwrap().to_owned());
                if own.is_empty() {
                    untold.insert(said);
                } else if own.iter().any(|hit| hit.target == Target::Repair) {
                    assert!(mends(id), "{own:?} asks for a repair that nobody makes");
                    mended.insert(said);
                } else {
                    told.insert(said);
                }
            }
        }
    }
    let no_attack = NO_ATTACK.iter().map(|(id, call)| ((*id).to_owned(), (*call).to_owned())).collect();
    assert_eq!(untold, no_attack);
    assert!(
        CALLS.iter().all(|(call, id, _)| mended.contains(&((*id).to_owned(), (*call).to_owned()))),
        "{mended:?}"
    );
    assert!(told.len() + mended.len() > 20, "{told:?}");
}

/// As much of a record's envelope as the catalogue asks for.
fn envelope(record: &Value) -> Value {
    let kind = match record["eventType"].as_str() {
        Some("AwsConsoleSignIn") => "AWS Console Sign In via CloudTrail",
        Some("AwsServiceEvent") => "AWS Service Event via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    let service = record["eventSource"].as_str().unwrap_or_default();
    json!({"source": format!("aws.{}", service.trim_end_matches(".amazonaws.com")), "detail-type": kind})
}
