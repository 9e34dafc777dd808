//! # KMS key disabled or to be deleted
//!
//! ## What it does
//! Takes back that a key of the account is to be deleted, and enables it again: a key whose deletion was called off is
//! disabled, and reads nothing either. A key that was disabled when it was last good stays disabled.
//!
//! ## Why it matters
//! What a key encrypted cannot be read without it: disks, databases, the files of a trail. Disabling it works at once;
//! after the waiting time of seven to thirty days all of it is lost for good.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.kms",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a17",
//!     "eventSource": "kms.amazonaws.com",
//!     "eventName": "ScheduleKeyDeletion",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "keyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "pendingWindowInDays": 7 }
//!   }
//! }
//! ```
//! It also follows `DisableKey`, AWS Config's `kms-cmk-not-scheduled-for-deletion` and Security Hub's KMS.3.
//! `DeleteImportedKeyMaterial` is told: the material is with whoever imported it.
//!
//! ## Check
//! `ListKeys`, then `DescribeKey` of each, or of those that the event names. Bad is a key that is to be deleted, and one
//! that is disabled and was enabled. Keys that AWS manages are left out. A key that was to be deleted before anything was
//! known of it is told; one that an event says was disabled, and of which nothing else is known, waits for a person.
//!
//! ## Change
//! `CancelKeyDeletion`, then `EnableKey`.
//!
//! ## Undo
//! `DisableKey` and `ScheduleKeyDeletion`, with the waiting time that the event named, else AWS's thirty days.
//!
//! ## Permissions
//! The policy of a key has to let IAM decide, as the one that AWS makes does; a key whose policy does not is named as what
//! cannot be read. Nothing is encrypted, decrypted or deleted.
//!
//! ## Risk
//! A key that was retired on purpose works again and costs a dollar a month: exempt it by its tag, or accept it as disabled
//! (`stockade repair baseline accept`).

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::json::{every, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight, Subject, Tags,
    Thing, Verdict, Weakness,
};
use crate::{ApiFault, Blame, Event, Mode};

/// P17.
#[derive(Debug)]
pub(crate) struct KeyDisabled;

/// The kind `key`: keys of KMS that are enabled or disabled. One that is to be deleted is no good state.
#[derive(Debug)]
struct Keys;

static KEYS: Keys = Keys;
const KEY: &str = "arn:{partition}:kms:*:{account}:key/*";
/// An event that names more keys leads to all of them.
const MAX_NAMED: usize = 100;
/// What an event says of the deletion and nobody can see afterwards.
const WAITING: &str = "its waiting time in days was ";

static ABOUT: About = About {
    id: "P17",
    name: "key-disabled",
    docs: documented!("p17_key_disabled.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("kms:ListKeys", "*"),
        Permission::read("kms:DescribeKey", KEY),
        Permission::read("kms:ListResourceTags", KEY),
        Permission::repair("kms:CancelKeyDeletion", KEY),
        Permission::repair("kms:EnableKey", KEY),
        Permission::undo("kms:DisableKey", KEY),
        Permission::undo("kms:ScheduleKeyDeletion", KEY),
    ],
    kinds: &[&KEYS],
    then: &[],
};

impl Playbook for KeyDisabled {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        const NAMES: [&[&str]; 3] = [
            &["detail", "requestParameters", "keyId"],
            &["detail", "resourceId"],
            &["detail", "findings", "Resources", "Id"],
        ];
        let mut names: Vec<&str> = NAMES.iter().flat_map(|path| every(event.value(), path)).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() || names.len() > MAX_NAMED {
            return vec![Hint::region(event.region()).only("")];
        }
        let days = event.parameters().get("pendingWindowInDays").and_then(Value::as_u64);
        let days = days.filter(|days| (7..=30).contains(days) && event.operation() == "ScheduleKeyDeletion");
        let hint = |name: &str| {
            let region = Arn::parse(name).map_or(event.region(), |arn| arn.region);
            let hint = Hint::region(region).thing(name);
            if let Some(days) = days { hint.note(&format!("{WAITING}{days}")) } else { hint }
        };
        names.into_iter().map(hint).collect()
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let mut sight = Sight { seen: listed(look)?.len(), ..Sight::default() };
        for key in described(look)? {
            let finding = judged(look, &key);
            let needs_tags = !matches!(finding.verdict, Verdict::Good);
            sight.findings.push(if needs_tags { tagged(look, finding) } else { finding });
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let (key, was) = (&finding.name, finding.baseline.as_ref());
        let call = |says: &str, operation| {
            let says = format!("{says} the key `{key}`");
            let before = json!({"KeyState": text(&finding.state, "KeyState")});
            Change::new(says, "kms", operation, json!({"KeyId": key})).before(before)
        };
        let mut changes = Vec::new();
        if is_ending(&finding.state) {
            let mut again = json!({"KeyId": key});
            if let (Some(again), Some(days)) = (again.as_object_mut(), finding.state.get("WaitingDays")) {
                again.insert("PendingWindowInDays".to_owned(), days.clone());
            }
            changes.push(
                call("call off the deletion of", "CancelKeyDeletion").undo("ScheduleKeyDeletion", again),
            );
        }
        if was.is_none_or(|was| text(&was.thing.state, "KeyState") != DISABLED) {
            changes.push(call("enable", "EnableKey").undo("DisableKey", json!({"KeyId": key})));
        }
        Ok(Plan::of(changes))
    }
}

impl Kind for Keys {
    fn name(&self) -> &'static str {
        "key"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let mut things = Vec::new();
        for key in described(look)? {
            let (arn, name, state) = (text(&key, "Arn"), text(&key, "KeyId"), text(&key, "KeyState"));
            // What a repair left halfway is no good state either.
            let is_open = look.is_open(&Subject::new(look.place(), KEYS.name(), arn));
            if [ENABLED, DISABLED].contains(&state) && !is_open {
                let state = json!({"KeyState": state});
                things.push(Thing { id: arn.to_owned(), name: name.to_owned(), state, tags: Tags::new() });
            }
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        let lost = text(base, "KeyState") == ENABLED && text(now, "KeyState") != ENABLED;
        if lost { vec![Weakness::lost("KeyState", "it is disabled")] } else { Vec::new() }
    }
}

const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";

/// Whether a key is to be deleted; one with replicas elsewhere waits for those.
fn is_ending(key: &Value) -> bool {
    ["PendingDeletion", "PendingReplicaDeletion"].contains(&text(key, "KeyState"))
}

/// The keys of the region, ours and those that AWS manages for us.
fn listed(look: &mut Look<'_>) -> Result<Vec<Value>, ApiFault> {
    look.pages_by("kms", "ListKeys", &json!({"Limit": 1000}), "Keys", ("NextMarker", "Marker"))
}

/// Those that are asked for and that customers manage. One that is gone is left out.
fn described(look: &mut Look<'_>) -> Result<Vec<Value>, ApiFault> {
    let mut keys = listed(look)?;
    keys.retain(|key| look.wanted(text(key, "KeyArn"), text(key, "KeyId")));
    let ask = |key: &Value| ("kms", "DescribeKey", json!({"KeyId": text(key, "KeyId")}));
    let answers = look.ask_all(keys.iter().map(ask).collect());
    let mut described = Vec::with_capacity(keys.len());
    for (key, answer) in keys.iter().zip(answers) {
        match answer {
            Ok(mut answer) => {
                let key = answer.get_mut("KeyMetadata").map(Value::take).unwrap_or_default();
                if text(&key, "KeyManager") == "CUSTOMER" {
                    described.push(key);
                }
            }
            Err(fault) if fault.blame == Blame::Missing => {}
            Err(fault) => look.trouble(text(key, "KeyArn"), fault),
        }
    }
    Ok(described)
}

fn judged(look: &Look<'_>, key: &Value) -> Finding {
    let (arn, name, now) = (text(key, "Arn"), text(key, "KeyId"), text(key, "KeyState"));
    let subject = Subject::new(look.place(), KEYS.name(), arn);
    let base = look.baseline(&KEYS, arn);
    let was = base.map(|base| text(&base.thing.state, "KeyState"));
    let is_open = look.is_open(&subject);
    // By an event, or by a repair that began.
    let told = is_open || look.asked().any(|asked| asked == arn || asked == name);
    let bad = |says: &str| Verdict::Bad(format!("the key `{name}` {says}"));
    let ending = || match key.get("DeletionDate") {
        Some(Value::Number(date)) => format!("is to be deleted at {}", day(date)),
        _ => "is to be deleted".to_owned(),
    };
    let verdict = match now {
        _ if is_ending(key) && (told || was.is_some()) => bad(&ending()),
        _ if is_ending(key) => {
            Verdict::Tell(format!("the key `{name}` {}; it was so when it was first seen", ending()))
        }
        DISABLED if was == Some(ENABLED) || was.is_none() && told => bad("is disabled"),
        "PendingImport" if was.is_some() || told => {
            Verdict::Tell(format!("the material of the key `{name}` was deleted; import it again"))
        }
        _ => Verdict::Good,
    };
    let mut state = json!({"KeyState": now});
    let mut notes = Vec::new();
    if let Some(fields) = state.as_object_mut() {
        fields.extend(key.get("DeletionDate").map(|date| ("DeletionDate".to_owned(), date.clone())));
        for note in look.notes(arn, name).filter(|_| is_ending(key)) {
            let days = note.strip_prefix(WAITING).and_then(|days| days.parse::<u64>().ok());
            fields.extend(days.map(|days| ("WaitingDays".to_owned(), json!(days))));
            notes.push(note.to_owned());
        }
    }
    let finding = Finding { notes, ..Finding::new(subject, name, verdict, state) };
    match base {
        Some(base) => finding.against(base.clone()),
        None if now == DISABLED && !is_open => {
            finding.at_most(Mode::Approve, "whether it was enabled before is not known")
        }
        None => finding,
    }
}

/// The time of KMS's seconds, for people.
fn day(seconds: &serde_json::Number) -> String {
    let seconds = seconds.as_i64().or_else(|| seconds.to_string().split('.').next()?.parse().ok());
    let at = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "a time that is none".to_owned(), |at| at.to_string())
}

fn tagged(look: &mut Look<'_>, finding: Finding) -> Finding {
    match look.pages_by(
        "kms",
        "ListResourceTags",
        &json!({"KeyId": finding.name}),
        "Tags",
        ("NextMarker", "Marker"),
    ) {
        Ok(tags) => {
            let tag = |tag: &Value| (text(tag, "TagKey").to_owned(), text(tag, "TagValue").to_owned());
            finding.tags(tags.iter().map(tag).collect())
        }
        Err(fault) => finding.note(format!("its tags cannot be read, so none exempts it: {fault}")),
    }
}
