//! # GuardDuty off, or made to keep quiet
//!
//! ## What it does
//! Enables GuardDuty again where it was suspended, makes its detector again where it was deleted, and gives it back the
//! features and the frequency that it lost. A filter that archives findings before anybody sees them waits for a person.
//!
//! ## Why it matters
//! GuardDuty has its own eyes on calls, names and networks, and sees also what no trail records. Whoever switches it off, or
//! files its findings away, is not reported from then on.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.guardduty",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a05",
//!     "eventSource": "guardduty.amazonaws.com",
//!     "eventName": "UpdateDetector",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "detectorId": "12abc34d567e8fa901bc2d34e56789f0", "enable": false }
//!   }
//! }
//! ```
//! It also follows `DeleteDetector`, `CreateFilter` and `UpdateFilter` with the action `ARCHIVE`, AWS Config's
//! `guardduty-enabled-centralized` and Security Hub's GuardDuty.1. Members that leave and addresses that are trusted are told:
//! what was meant by them nobody can see.
//!
//! ## Check
//! `ListDetectors` and `GetDetector`, against the last good state; `GetFilter` of a filter that an event names. A detector that
//! an event says was suspended, and of which nothing is known, is bad as well.
//!
//! ## Change
//! `UpdateDetector` with what got weaker and nothing else; `CreateDetector` as it was; for a filter `DeleteFilter`.
//!
//! ## Undo
//! `UpdateDetector` with the former values, `DeleteDetector`, or `CreateFilter` with the filter as it was.
//!
//! ## Permissions
//! A detector can only be made by whoever may make GuardDuty's own role, which AWS defines.
//!
//! ## Risk
//! It costs what it watches. In a member of an organisation AWS may leave this to the administrator's account and refuse: that
//! is told. A detector that is made again begins with no findings.

use serde_json::{Map, Value, json};

use crate::json::{every, list, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Comparison, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight, Subject,
    Tags, Thing, Verdict, Weakness,
};
use crate::{ApiFault, Blame, Event, Mode};

/// P05.
#[derive(Debug)]
pub(crate) struct GuardDutyOff;

/// The kind `detector`: the one of a region. It is known by a name of ours, because one that is made again has another id.
#[derive(Debug)]
struct Detectors;

static DETECTORS: Detectors = Detectors;
const DETECTOR: &str = "GuardDuty";
const FILTER: &str = "filter/";
const ARN: &str = "arn:{partition}:guardduty:*:{account}:detector/*";
const ROLE: &str = "arn:{partition}:iam::{account}:role/aws-service-role/guardduty.amazonaws.com/*";

const COMPARED: Comparison = Comparison { kind: &DETECTORS, relevant: |_| true, ask: "it may be meant" };

/// From the fastest to the slowest.
const FREQUENCIES: [&str; 3] = ["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"];
/// Features that a detector always has, and that nobody sets.
const FIXED: [&str; 3] = ["CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"];

static ABOUT: About = About {
    id: "P05",
    name: "guardduty-off",
    docs: documented!("p05_guardduty_off.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("guardduty:ListDetectors", "*"),
        Permission::read("guardduty:GetDetector", ARN),
        Permission::read("guardduty:GetFilter", ARN),
        Permission::repair("guardduty:UpdateDetector", ARN),
        Permission::repair("guardduty:CreateDetector", "*"),
        Permission::repair("guardduty:TagResource", ARN).for_calls(&["guardduty:CreateDetector"]),
        Permission::repair("iam:CreateServiceLinkedRole", ROLE)
            .when("StringEquals", "iam:AWSServiceName", "guardduty.amazonaws.com")
            .for_calls(&["guardduty:CreateDetector"]),
        Permission::repair("guardduty:DeleteFilter", ARN),
        Permission::undo("guardduty:UpdateDetector", ARN),
        Permission::undo("guardduty:DeleteDetector", ARN),
        Permission::undo("guardduty:CreateFilter", ARN),
    ],
    kinds: &[&DETECTORS],
    then: &[],
};

impl Playbook for GuardDutyOff {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        let here = Hint::region(event.region());
        let operation = event.operation();
        if event.service() != "guardduty.amazonaws.com" {
            return vec![here.thing(DETECTOR)];
        }
        match operation {
            "CreateFilter" | "UpdateFilter" => {
                let named = ["name", "filterName"].map(|name| every(event.parameters(), &[name])).concat();
                let named = named.into_iter().filter(|name| is_filter(name)).take(1);
                let filter = named.map(|name| here.clone().thing(&format!("{FILTER}{name}")));
                filter.chain([here.clone().thing(DETECTOR)]).collect()
            }
            "UpdateDetector" | "DeleteDetector" | "CreateDetector" => vec![here.thing(DETECTOR)],
            // What cannot be read back is told.
            other => vec![here.thing(DETECTOR).note(&format!("an event tells of `{other}`"))],
        }
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let things = look.things(&DETECTORS)?;
        let missing = COMPARED.missing(look, &things);
        let mut sight = Sight { seen: things.len() + missing.len(), ..Sight::default() };
        let told = look.asked().any(|asked| asked == DETECTOR);
        let subject = Subject::new(look.place(), DETECTORS.name(), DETECTOR);
        if told && things.is_empty() && missing.is_empty() && !look.is_troubled(DETECTOR) {
            let says = "GuardDuty is off, and how it was is not known".to_owned();
            sight.findings.push(Finding::new(subject.clone(), DETECTOR, Verdict::Bad(says), Value::Null));
        }
        sight.findings.extend(missing);
        for thing in things.iter().filter(|thing| look.wanted(&thing.id, &thing.name)) {
            if look.baseline(&DETECTORS, &thing.id).is_some() {
                sight.findings.extend(COMPARED.judge(look, thing));
                continue;
            }
            let is_off = told && text(&thing.state, "status") == "DISABLED";
            let verdict =
                if is_off { Verdict::Bad("GuardDuty was suspended".to_owned()) } else { Verdict::Good };
            let finding = Finding::new(subject.clone(), DETECTOR, verdict, thing.state.clone());
            sight.findings.push(finding.tags(thing.tags.clone()));
        }
        let tags = things.first().map(|thing| thing.tags.clone()).unwrap_or_default();
        for note in look.notes(DETECTOR, DETECTOR) {
            let verdict = Verdict::Tell(format!("GuardDuty: {note}; see whether it was meant"));
            let finding =
                Finding::new(subject.clone().aspect("told"), DETECTOR, verdict, json!({"told": note}));
            sight.findings.push(finding.tags(tags.clone()));
        }
        let asked: Vec<&str> = look.asked().filter_map(|asked| asked.strip_prefix(FILTER)).collect();
        for name in asked {
            let finding = filtered(look, &things, name)?;
            sight.findings.push(finding.tags(tags.clone()).at_most(Mode::Approve, "the filter may be meant"));
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let now = &finding.state;
        if finding.subject.id.starts_with(FILTER) {
            return Ok(Plan::of(vec![unfiltered(now)]));
        }
        let Some(base) = &finding.baseline else {
            if text(now, "status") == "DISABLED" {
                return Ok(Plan::of(vec![updated(now, now, &[Weakness::lost(STATUS, "")])]));
            }
            return Err(Cannot::because("its last good state is not known")
                .hint("switch GuardDuty on by hand; from then on its state is kept"));
        };
        if now.is_null() {
            return Ok(Plan::of(vec![created(&base.thing)]));
        }
        Ok(Plan::of(vec![updated(&base.thing.state, now, &COMPARED.weaknesses(finding))]))
    }
}

const STATUS: &str = "status";
const FREQUENCY: &str = "findingPublishingFrequency";
const ON: &str = "ENABLED";

impl Kind for Detectors {
    fn name(&self) -> &'static str {
        "detector"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let ids = look.pages("guardduty", "ListDetectors", &json!({}), "detectorIds", "nextToken")?;
        let mut things = Vec::new();
        for id in ids.iter().filter_map(Value::as_str) {
            match look.ask("guardduty", "GetDetector", json!({"detectorId": id})) {
                Ok(answer) => things.push(thing(id, &answer)),
                Err(fault) if fault.blame == Blame::Missing => {}
                Err(fault) => look.trouble(DETECTOR, fault),
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let mut all = Vec::new();
        if text(base, STATUS) == ON && text(now, STATUS) != ON {
            all.push(Weakness::lost(STATUS, "it is suspended"));
        }
        let slow = |of| FREQUENCIES.iter().position(|known| *known == text(of, FREQUENCY));
        if slow(base) < slow(now) {
            all.push(Weakness::lost(FREQUENCY, "its findings come later"));
        }
        let features =
            |of: &Value| of.get("features").and_then(Value::as_object).cloned().unwrap_or_default();
        let there = features(now);
        for (name, status) in features(base) {
            if status == ON && there.get(&name).is_none_or(|status| status != ON) {
                all.push(Weakness::lost(&format!("{FEATURE}{name}"), format!("{name} is off")));
            }
        }
        all
    }
}

const FEATURE: &str = "feature ";

/// A detector; its features by name, what they have beside them as `FEATURE/ADDITION`.
fn thing(id: &str, answer: &Value) -> Thing {
    let mut features = Map::new();
    for feature in list(answer, "features") {
        let name = text(feature, "name");
        if FIXED.contains(&name) {
            continue;
        }
        features.insert(name.to_owned(), json!(text(feature, STATUS)));
        for more in list(feature, "additionalConfiguration") {
            features.insert(format!("{name}/{}", text(more, "name")), json!(text(more, STATUS)));
        }
    }
    let state = json!({
        "detectorId": id, STATUS: text(answer, STATUS), FREQUENCY: text(answer, FREQUENCY), "features": features,
    });
    let tags = answer.get("tags").and_then(Value::as_object).into_iter().flatten();
    let tags: Tags =
        tags.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    Thing { id: DETECTOR.to_owned(), name: DETECTOR.to_owned(), state, tags }
}

/// Features as calls take them: of a state, those that `wanted` names.
fn features(state: &Value, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let Some(all) = state.get("features").and_then(Value::as_object) else { return Vec::new() };
    let status = |name: &str| all.get(name).cloned().unwrap_or_else(|| json!("DISABLED"));
    let mut features = Vec::new();
    for name in all.keys().filter(|name| !name.contains('/')) {
        let below = format!("{name}/");
        let additions: Vec<Value> = all
            .iter()
            .filter(|(known, _)| wanted(known))
            .filter_map(|(known, status)| Some(json!({"name": known.strip_prefix(&below)?, STATUS: status})))
            .collect();
        if !wanted(name) && additions.is_empty() {
            continue;
        }
        let mut feature = json!({"name": name, STATUS: status(name)});
        if let Some(fields) = feature.as_object_mut().filter(|_| !additions.is_empty()) {
            fields.insert("additionalConfiguration".to_owned(), json!(additions));
        }
        features.push(feature);
    }
    features
}

fn created(base: &Thing) -> Change {
    let mut parameters = json!({
        "enable": text(&base.state, STATUS) == ON, "features": features(&base.state, |_| true),
    });
    if let Some(fields) = parameters.as_object_mut() {
        let frequency = text(&base.state, FREQUENCY);
        fields.extend(
            Some(json!(frequency)).filter(|_| !frequency.is_empty()).map(|it| (FREQUENCY.to_owned(), it)),
        );
        fields.extend(
            Some(json!(base.tags)).filter(|_| !base.tags.is_empty()).map(|it| ("tags".to_owned(), it)),
        );
    }
    let undo = json!({"detectorId": {"$answer": "/detectorId"}});
    Change::new("make GuardDuty's detector again".to_owned(), "guardduty", "CreateDetector", parameters)
        .undo("DeleteDetector", undo)
}

/// The call that mends these weaknesses, and sends nothing else.
fn updated(base: &Value, now: &Value, weak: &[Weakness]) -> Change {
    let lost: Vec<&str> = weak.iter().map(|one| one.field.as_str()).collect();
    let lost_feature = |name: &str| lost.iter().any(|field| field.strip_prefix(FEATURE) == Some(name));
    let of = |state: &Value, enable: bool| {
        let mut parameters = Map::from_iter([("detectorId".to_owned(), json!(text(now, "detectorId")))]);
        if lost.contains(&STATUS) {
            parameters.insert("enable".to_owned(), json!(enable));
        }
        if lost.contains(&FREQUENCY) {
            parameters.insert(FREQUENCY.to_owned(), json!(text(state, FREQUENCY)));
        }
        let features = features(state, lost_feature);
        if !features.is_empty() {
            parameters.insert("features".to_owned(), json!(features));
        }
        Value::Object(parameters)
    };
    let says = format!("give GuardDuty back {}", lost.join(", "));
    Change::new(says, "guardduty", "UpdateDetector", of(base, true))
        .before(of(now, false))
        .undo("UpdateDetector", of(now, false))
}

/// A filter that an event names: whether it archives what it finds.
fn filtered(look: &mut Look<'_>, things: &[Thing], name: &str) -> Result<Finding, ApiFault> {
    let id = things.first().map_or("", |thing| text(&thing.state, "detectorId")).to_owned();
    let subject = Subject::new(look.place(), "filter", &format!("{FILTER}{name}"));
    let gone = |subject| Finding::new(subject, name, Verdict::Good, Value::Null);
    if id.is_empty() {
        return Ok(gone(subject));
    }
    let answer = match look.ask("guardduty", "GetFilter", json!({"detectorId": id, "filterName": name})) {
        Ok(answer) => answer,
        // GuardDuty says so of what is not there.
        Err(fault) if fault.blame == Blame::Missing || fault.code == "BadRequestException" => {
            return Ok(gone(subject));
        }
        Err(fault) => return Err(fault),
    };
    let verdict = if text(&answer, "action") == "ARCHIVE" {
        Verdict::Bad(format!("the filter `{name}` of GuardDuty archives findings before anybody sees them"))
    } else {
        Verdict::Good
    };
    let mut state = Map::from_iter([("detectorId".to_owned(), json!(id))]);
    const KEPT: [&str; 6] = ["name", "action", "description", "rank", "findingCriteria", "tags"];
    for field in KEPT {
        let value = answer
            .get(field)
            .filter(|value| !value.is_null() && **value != json!({}) && **value != json!(""));
        state.extend(value.map(|value| (field.to_owned(), value.clone())));
    }
    Ok(Finding::new(subject, name, verdict, state.into()))
}

fn unfiltered(filter: &Value) -> Change {
    let name = text(filter, "name");
    let parameters = json!({"detectorId": text(filter, "detectorId"), "filterName": name});
    Change::new(format!("delete the filter `{name}` of GuardDuty"), "guardduty", "DeleteFilter", parameters)
        .before(filter.clone())
        .undo("CreateFilter", filter.clone())
}

/// Whether a name can be a filter's: it becomes a part of a path.
fn is_filter(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (3..=64).contains(&name.len()) && name.bytes().all(plain)
}
