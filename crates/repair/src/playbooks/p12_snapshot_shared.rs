//! # EBS snapshot made public or shared
//!
//! ## What it does
//! Takes back that a snapshot of a disk may be used by everybody. Where it is shared with an account that is not known, a
//! person is asked.
//!
//! ## Why it matters
//! A snapshot holds all that the disk held. Whoever may use it makes a disk of it in an account of their own, where nobody
//! sees what they read, and keeps it.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.ec2",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a12",
//!     "eventSource": "ec2.amazonaws.com",
//!     "eventName": "ModifySnapshotAttribute",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": {
//!       "snapshotId": "snap-0a1b2c3d4e5f60718",
//!       "attributeType": "CREATE_VOLUME_PERMISSION",
//!       "createVolumePermission": { "add": { "items": [{ "group": "all" }] } }
//!     }
//!   }
//! }
//! ```
//! It also follows AWS Config's `ebs-snapshot-public-restorable-check` and Security Hub's EC2.1.
//!
//! ## Check
//! `DescribeSnapshots` of those that the event names and that are ours, else of all of ours that everybody may use; then
//! `DescribeSnapshotAttribute` of each. Bad is the group `all`, and an account that is neither looked after nor named by
//! the setting `known_accounts`. The schedule finds what is public; with whom each of thousands of snapshots is shared is
//! only asked when an event names it.
//!
//! ## Change
//! `ModifySnapshotAttribute`, which takes out the group or the accounts, and nobody else.
//!
//! ## Undo
//! The same call, which adds them again.
//!
//! ## Permissions
//! AWS has one permission for opening a snapshot and for closing it. It is asked for snapshots and nothing else; what is in
//! them is not read.
//!
//! ## Risk
//! A snapshot that is published on purpose is closed: exempt it by its tag. Whoever used it in the meantime has a copy,
//! which no repair takes back: look for `SharedSnapshotCopyInitiated` and `SharedSnapshotVolumeCreated` in CloudTrail.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::json::{every, is, list, text, texts};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Finding, Hint, Look, Permission, Plan, Playbook, Sight, Subject, Tags, Verdict,
};
use crate::{ApiFault, Blame, Event, Mode};

/// P12.
#[derive(Debug)]
pub(crate) struct SnapshotShared;

const SNAPSHOT: &str = "arn:{partition}:ec2:*::snapshot/*";
const CLASS: &str = "snapshot";
/// The side of a snapshot on which it is shared with accounts.
const SHARED: &str = "shared";
/// An event that names more snapshots leads to all that are public. EC2 takes two hundred values of a filter.
const MAX_NAMED: usize = 100;
/// What no repair takes back.
const COPIED: &str =
    "it may be copied already: look for SharedSnapshotCopyInitiated and SharedSnapshotVolumeCreated";

static ABOUT: About = About {
    id: "P12",
    name: "snapshot-shared",
    docs: documented!("p12_snapshot_shared.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("ec2:DescribeSnapshots", "*"),
        Permission::read("ec2:DescribeSnapshotAttribute", SNAPSHOT),
        Permission::repair("ec2:ModifySnapshotAttribute", SNAPSHOT),
        Permission::undo("ec2:ModifySnapshotAttribute", SNAPSHOT),
    ],
    kinds: &[],
    then: &[],
};

impl Playbook for SnapshotShared {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        const NAMES: [&[&str]; 3] = [
            &["detail", "requestParameters", "snapshotId"],
            &["detail", "resourceId"],
            &["detail", "findings", "Resources", "Id"],
        ];
        let place = |name| match Arn::parse(name) {
            Some(arn) => (arn.region, arn.last()),
            None => (event.region(), name),
        };
        let named = NAMES.iter().flat_map(|path| every(event.value(), path)).map(place);
        let mut named: Vec<_> = named.filter(|(_, name)| is_id(name)).collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() || named.len() > MAX_NAMED {
            return vec![Hint::region(event.region()).only("")];
        }
        named.into_iter().map(|(region, name)| Hint::region(region).thing(name)).collect()
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let asked = look
            .only_asked()
            .filter(|names| names.len() <= MAX_NAMED && names.iter().all(|name| is_id(name)));
        // What was not good is looked at until it is: among what is public it is no longer, once it is closed.
        let mut remembered: BTreeSet<String> = look.remembered().map(|subject| subject.id.clone()).collect();
        remembered.retain(|id| !look.is_told() && is_id(id));
        let mut named: Vec<&str> = asked.clone().unwrap_or_default();
        named.extend(remembered.iter().map(String::as_str).take(MAX_NAMED));
        let mut snapshots = Vec::new();
        if asked.is_none() {
            snapshots = listed(look, "RestorableBy", &json!(["all"]))?;
        }
        if !named.is_empty() {
            let some = listed(look, "Filter", &json!([{"Name": "snapshot-id", "Value": named}]))?;
            snapshots.extend(some.into_iter().filter(|one| !snapshots.contains(one)).collect::<Vec<_>>());
        }
        let account = &look.place().account;
        snapshots.retain(|snapshot| {
            let id = text(snapshot, "snapshotId");
            text(snapshot, "ownerId") == account && look.wanted(id, id)
        });
        let ask = |snapshot: &Value| {
            let parameters =
                json!({"SnapshotId": text(snapshot, "snapshotId"), "Attribute": "createVolumePermission"});
            ("ec2", "DescribeSnapshotAttribute", parameters)
        };
        let answers = look.ask_all(snapshots.iter().map(ask).collect());
        let mut sight = Sight { seen: snapshots.len(), ..Sight::default() };
        for (snapshot, answer) in snapshots.iter().zip(answers) {
            match answer {
                Ok(answer) => sight.findings.extend(judged(look, snapshot, &answer)),
                Err(fault) if fault.blame == Blame::Missing => {}
                Err(fault) => look.trouble(text(snapshot, "snapshotId"), fault),
            }
        }
        // One that is gone is shared with nobody; what was open about it is over.
        for id in named {
            if !snapshots.iter().any(|snapshot| text(snapshot, "snapshotId") == id) {
                let subject = Subject::new(look.place(), CLASS, id);
                let gone = [subject.clone(), subject.aspect(SHARED)];
                sight.findings.extend(gone.map(|gone| Finding::new(gone, id, Verdict::Good, Value::Null)));
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let (id, accounts) = (&finding.name, texts(&finding.state, "Accounts"));
        let (whom, named, says) = if finding.subject.aspect == SHARED {
            ("UserId", json!(accounts), format!("with {}", accounts.join(", ")))
        } else {
            ("UserGroup", json!(["all"]), "with everybody".to_owned())
        };
        let call = |operation: &str| json!({"SnapshotId": id, "Attribute": "createVolumePermission", "OperationType": operation, whom: named});
        let says = format!("share the snapshot `{id}` no longer {says}");
        let change = Change::new(says, "ec2", "ModifySnapshotAttribute", call("remove"))
            .before(finding.state.clone())
            .already(&["InvalidSnapshot.NotFound"])
            .undo("ModifySnapshotAttribute", call("add"));
        Ok(Plan { changes: vec![change], notes: vec![COPIED.to_owned()] })
    }
}

/// Those of our snapshots that a parameter of the listing names.
fn listed(look: &mut Look<'_>, by: &str, which: &Value) -> Result<Vec<Value>, ApiFault> {
    let parameters = json!({"Owner": ["self"], "MaxResults": 1000, by: which});
    look.pages_by("ec2", "DescribeSnapshots", &parameters, "snapshotSet", ("nextToken", "NextToken"))
}

/// A snapshot from both sides.
fn judged(look: &Look<'_>, snapshot: &Value, answer: &Value) -> Vec<Finding> {
    let (id, place) = (text(snapshot, "snapshotId"), look.place());
    let permissions = list(answer, "createVolumePermission");
    let is_public = permissions.iter().any(|one| text(one, "group") == "all");
    let known =
        |account: &&str| *account == place.account || look.own().accounts.iter().any(|own| own == account);
    let mut strange: Vec<&str> = permissions.iter().map(|one| text(one, "userId")).collect();
    strange.retain(|account| !account.is_empty() && !known(account));
    strange.sort_unstable();
    let tag = |tag: &Value| (text(tag, "key").to_owned(), text(tag, "value").to_owned());
    let tags: Tags = list(snapshot, "tagSet").iter().map(tag).collect();
    let state = json!({"SnapshotId": id, "Public": is_public, "Accounts": strange});
    let subject = Subject::new(place, CLASS, id);
    let verdict = |is_bad: bool, with: &str| match is_bad {
        true => Verdict::Bad(format!("the snapshot `{id}` is shared with {with}")),
        false => Verdict::Good,
    };
    let public = verdict(is(&state, "Public"), "everybody");
    let shared = verdict(!strange.is_empty(), &strange.join(", "));
    let finding = |subject, verdict| Finding::new(subject, id, verdict, state.clone()).tags(tags.clone());
    vec![
        finding(subject.clone(), public),
        finding(subject.aspect(SHARED), shared).at_most(Mode::Approve, "the account may be meant"),
    ]
}

/// Whether a name is the id of a snapshot.
fn is_id(name: &str) -> bool {
    let digits = name.strip_prefix("snap-").unwrap_or_default();
    (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
