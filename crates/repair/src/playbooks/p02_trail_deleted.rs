//! # CloudTrail trail deleted
//!
//! ## What it does
//! Makes a trail again that is gone, as it was when it was last good: name, bucket and prefix, key, topic, log group and
//! role, validation, regions, global services, organisation, tags; then its event selectors, its Insights, and logging,
//! if it logged.
//!
//! ## Why it matters
//! A deleted trail cannot be started again, and the event that tells of it holds nothing but its name. A trail made anew
//! by hand under pressure lacks what the old one had: mostly it is never started, or not encrypted, or records one region.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.cloudtrail",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a02",
//!     "eventSource": "cloudtrail.amazonaws.com",
//!     "eventName": "DeleteTrail",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "name": "main" }
//!   }
//! }
//! ```
//!
//! ## Check
//! Bad is a trail whose last good state is known and which `DescribeTrails` no longer names. Then its bucket is asked
//! for: whether it is there, and whether its policy still lets CloudTrail write. After a repair that stopped halfway, all
//! of the trail is compared.
//!
//! ## Change
//! `CreateTrail`, then, where the trail had them, `PutEventSelectors` and `PutInsightSelectors`, then `StartLogging`: a new
//! trail does not log by itself. Of a trail that came back halfway only what is missing.
//!
//! ## Undo
//! `DeleteTrail`, by a person.
//!
//! ## Permissions
//! Tags are given with `CreateTrail`, and a trail that writes to CloudWatch Logs is given its role; AWS asks for
//! permissions of their own for both. Every setting of a trail is read on the schedule, for its last good state.
//!
//! ## Risk
//! It works against whoever deletes a trail on purpose, such as a pipeline that takes a test account down: exempt its
//! role. Without a last good state nothing is made: it is told, with what is missing. A bucket that is gone or refuses
//! CloudTrail is told and not mended.

use serde_json::{Value, json};

use crate::ApiFault;
use crate::Event;
use crate::Mode;
use crate::json::{is, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Baseline, Cannot, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight, Subject, Thing,
    Verdict,
};
use crate::trail::{self, Selectors, TRAIL, TRAILS};

/// P02.
#[derive(Debug)]
pub(crate) struct TrailDeleted;

const ARNS: &str = "arn:{partition}:cloudtrail:*:{account}:trail/*";
const BUCKET: &str = "arn:{partition}:s3:::{log_bucket}";

static ABOUT: About = About {
    id: "P02",
    name: "trail-deleted",
    docs: documented!("p02_trail_deleted.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("cloudtrail:DescribeTrails", "*"),
        Permission::read("cloudtrail:GetTrailStatus", ARNS),
        Permission::read("cloudtrail:GetEventSelectors", ARNS),
        Permission::read("cloudtrail:GetInsightSelectors", ARNS),
        Permission::read("cloudtrail:ListTags", ARNS),
        Permission::read("s3:ListBucket", BUCKET).for_calls(&["s3:HeadBucket"]),
        Permission::read("s3:GetBucketPolicy", BUCKET),
        Permission::repair("cloudtrail:CreateTrail", ARNS),
        Permission::repair("cloudtrail:AddTags", ARNS).for_calls(&["cloudtrail:CreateTrail"]),
        Permission::repair("cloudtrail:UpdateTrail", ARNS),
        Permission::repair("cloudtrail:PutEventSelectors", ARNS),
        Permission::repair("cloudtrail:PutInsightSelectors", ARNS),
        Permission::repair("cloudtrail:StartLogging", ARNS),
        Permission::repair("iam:PassRole", "{log_role}")
            .when("StringEquals", "iam:PassedToService", "cloudtrail.amazonaws.com")
            .for_calls(&["cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"]),
        Permission::undo("cloudtrail:DeleteTrail", ARNS),
        Permission::undo("cloudtrail:UpdateTrail", ARNS),
        Permission::undo("cloudtrail:PutEventSelectors", ARNS),
        Permission::undo("cloudtrail:PutInsightSelectors", ARNS),
        Permission::undo("cloudtrail:StopLogging", ARNS),
        Permission::undo("iam:PassRole", "{log_role}")
            .when("StringEquals", "iam:PassedToService", "cloudtrail.amazonaws.com")
            .for_calls(&["cloudtrail:UpdateTrail"]),
    ],
    kinds: &[&TRAILS],
    then: &[],
};

impl Playbook for TrailDeleted {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        trail::locate(event)
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let there = trail::described(look)?;
        let is_there = |id: &str| there.iter().any(|trail| text(trail, "TrailARN") == id);
        let place = look.place().clone();
        let known = look.baselines(&TRAILS);
        let gone = known.iter().filter(|known| !is_there(&known.thing.id)).count();
        let mut sight = Sight { seen: there.len() + gone, ..Sight::default() };
        for known in known {
            let Thing { id, name, .. } = &known.thing;
            if !look.wanted(id, name) {
                continue;
            }
            let subject = Subject::new(&place, TRAIL, id);
            let finding = if !is_there(id) {
                missing(look, known, subject)
            } else if look.is_open(&subject) {
                match half(look, known, subject) {
                    Some(finding) => finding,
                    None => continue,
                }
            } else {
                Finding::new(subject, name, Verdict::Good, json!({"trail": id}))
            };
            sight.findings.push(finding);
        }
        for asked in look.asked() {
            let named = |id: &str, name: &str| id == asked || name == asked;
            let is_known = known.iter().any(|known| named(&known.thing.id, &known.thing.name))
                || there.iter().any(|trail| named(text(trail, "TrailARN"), text(trail, "Name")));
            if !is_known && !trail::is_ours(asked, &place) {
                let owner = trail::parts(asked).map_or("another account", |(account, _)| account);
                let says = format!("the trail `{asked}` belongs to {owner}, which looks after it");
                let subject = Subject::new(&place, TRAIL, asked);
                sight.findings.push(Finding::new(subject, asked, Verdict::NotOurs(says), Value::Null));
            } else if !is_known {
                let says = format!("the trail `{asked}` is gone");
                let subject = Subject::new(&place, TRAIL, asked);
                sight.findings.push(Finding::new(subject, asked, Verdict::Bad(says), Value::Null));
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let Some(Baseline { thing: base, .. }) = &finding.baseline else {
            return Err(Cannot::because("its last good state is not known")
                .hint("make it again by hand; from then on its state is kept"));
        };
        if let Some(now) = finding.state.get("trail").filter(|now| now.is_object()) {
            let weak = TRAILS.weaker(&base.state, now);
            let weak: Vec<_> = weak.into_iter().filter(|one| !one.changed).collect();
            return Ok(Plan::of(trail::strengthen(&base.state, now, &weak)));
        }
        let bucket = finding.state.get("bucket").unwrap_or(&Value::Null);
        let name = text(bucket, "name");
        if bucket.get("there") == Some(&Value::Bool(false)) {
            return Err(Cannot::because(format!("its bucket `{name}` is gone"))
                .hint("make the bucket again, with a policy that lets CloudTrail write"));
        }
        if bucket.get("lets_cloudtrail_write") == Some(&Value::Bool(false)) {
            return Err(Cannot::because(format!(
                "the policy of its bucket `{name}` does not let CloudTrail write"
            ))
            .hint("mend the bucket's policy; the next look makes the trail again"));
        }
        let mut plan = Plan::of(restored(base));
        let unknown = text(bucket, "unknown");
        if !unknown.is_empty() {
            plan.notes.push(format!("whether its bucket takes files is not known: {unknown}"));
        }
        Ok(plan)
    }
}

/// A trail that is gone, with what its bucket says.
fn missing(look: &mut Look<'_>, known: &Baseline, subject: Subject) -> Finding {
    let Thing { name, state, tags, .. } = &known.thing;
    let bucket = trail::bucket(look, text(state, "S3BucketName"));
    let says = format!("the trail `{name}` is gone");
    Finding::new(subject, name, Verdict::Bad(says), json!({"trail": null, "bucket": bucket}))
        .against(known.clone())
        .tags(tags.clone())
}

/// A trail that came back, perhaps not whole.
fn half(look: &mut Look<'_>, known: &Baseline, subject: Subject) -> Option<Finding> {
    let things = trail::full(look, |id, _| id == subject.id).ok()?;
    let now = things.into_iter().next()?;
    let weak = TRAILS.weaker(&known.thing.state, &now.state);
    let lost: Vec<&str> = weak.iter().filter(|one| !one.changed).map(|one| one.says.as_str()).collect();
    let verdict = if lost.is_empty() {
        Verdict::Good
    } else {
        Verdict::Bad(format!("the trail `{}` came back halfway: {}", now.name, lost.join(", ")))
    };
    let finding = Finding::new(subject, &now.name, verdict, json!({"trail": now.state}));
    Some(finding.against(known.clone()).tags(now.tags))
}

/// All calls that make a trail as it was.
fn restored(base: &Thing) -> Vec<crate::playbook::Change> {
    let Thing { state, tags, .. } = base;
    let mut changes = vec![trail::create(state, tags)];
    let selectors = Selectors::read(state);
    // The rest is what a new trail lacks; deleting it takes all of it away again.
    let mut new = json!({"IsLogging": false});
    if let (Some(new), Some(fields)) = (new.as_object_mut(), state.as_object()) {
        const LATER: [&str; 4] = ["EventSelectors", "AdvancedEventSelectors", "InsightTypes", "IsLogging"];
        new.extend(
            fields
                .iter()
                .filter(|(name, _)| !LATER.contains(&name.as_str()))
                .map(|(n, v)| (n.clone(), v.clone())),
        );
    }
    let mut weak = TRAILS.weaker(state, &new);
    if !trail::is_default(&selectors) && !weak.iter().any(|one| one.field == "EventSelectors") {
        // One that recorded less than a new one records: as it was, not more.
        weak.push(crate::playbook::Weakness::lost("EventSelectors", ""));
    }
    weak.sort_by_key(|one| one.field == "IsLogging");
    let mut later = trail::strengthen(state, &new, &weak);
    for change in &mut later {
        if change.operation == "PutEventSelectors" {
            change.parameters = selectors.put(text(state, "TrailARN"));
        }
    }
    if !is(state, "IsLogging") {
        later.retain(|change| change.operation != "StartLogging");
    }
    changes.extend(later.into_iter().map(crate::playbook::Change::undone_earlier));
    changes
}
