//! # CloudTrail logging stopped
//!
//! ## What it does
//! Looks at every trail whose home is the region, and starts logging of each that does not log. One that fails does not
//! keep the next from being repaired. A trail of an organisation belongs to its management account: it is named and left
//! alone. A trail that logs and cannot deliver is told. Where there is no trail at all, the playbook for deleted trails is
//! asked.
//!
//! ## Why it matters
//! Whoever stops the trail is not seen from then on. Once the last trail of an account is stopped, EventBridge gets no
//! events of API calls either, so the next step of the attack has no trigger: only the schedule still sees it. The
//! managed rule `cloudtrail-enabled` of AWS Config tells of it within 1 to 24 hours, and only if no other trail logs.
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
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a01",
//!     "eventSource": "cloudtrail.amazonaws.com",
//!     "eventName": "StopLogging",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "name": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/main" }
//!   }
//! }
//! ```
//! It also follows AWS Config's `cloudtrail-enabled` and `multi-region-cloudtrail-enabled`, Security Hub's CloudTrail.1 and
//! CloudTrail.3, and GuardDuty's `Stealth:IAMUser/CloudTrailLoggingDisabled`: those name no trail, so every region is
//! looked at.
//!
//! ## Check
//! `DescribeTrails` without shadow trails, then `GetTrailStatus` of each: bad where `IsLogging` is false. The tags of a
//! stopped trail are read for an exemption; where they may not be read there is none.
//!
//! ## Change
//! `StartLogging` in the trail's home region; elsewhere AWS refuses it.
//!
//! ## Undo
//! `StopLogging`, by a person whose own permissions allow it; the function may not.
//!
//! ## Permissions
//! Reading is asked of all trails, because AWS lists them all or none; status, tags and start only of our own.
//!
//! ## Risk
//! Near none: a trail that somebody retired without deleting it logs again. Give it the tag `stockade:exempt`.

use serde_json::{Value, json};

use crate::ApiFault;
use crate::Event;
use crate::Mode;
use crate::json::{is, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Finding, Hint, Look, Permission, Plan, Playbook, Sight, Subject, Tags, Verdict,
};
use crate::trail::{self, TRAIL};

/// P01.
#[derive(Debug)]
pub(crate) struct TrailStopped;

const TRAILS: &str = "arn:{partition}:cloudtrail:*:{account}:trail/*";

static ABOUT: About = About {
    id: "P01",
    name: "trail-stopped",
    docs: documented!("p01_trail_stopped.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("cloudtrail:DescribeTrails", "*"),
        Permission::read("cloudtrail:GetTrailStatus", TRAILS),
        Permission::read("cloudtrail:ListTags", TRAILS),
        Permission::repair("cloudtrail:StartLogging", TRAILS),
        Permission::undo("cloudtrail:StopLogging", TRAILS),
    ],
    kinds: &[],
    then: &["P02"],
};

impl Playbook for TrailStopped {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        trail::locate(event)
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let trails = trail::described(look)?;
        let mut sight = Sight { seen: trails.len(), ..Sight::default() };
        let place = look.place().clone();
        let subject = |trail: &Value| Subject::new(&place, TRAIL, text(trail, "TrailARN"));
        let mut ours = Vec::new();
        for trail in trails.into_iter().chain(if sight.seen == 0 { shadows(look)? } else { Vec::new() }) {
            let (arn, name) = (text(&trail, "TrailARN"), text(&trail, "Name"));
            if trail::is_ours(arn, &place) {
                if text(&trail, "HomeRegion") == place.region && look.wanted(arn, name) {
                    ours.push(trail);
                }
            } else if look.wanted(arn, name) {
                let owner = trail::parts(arn).map_or("another account", |(account, _)| account);
                let says = format!("the trail `{name}` belongs to {owner}, which looks after it");
                sight.findings.push(Finding::new(
                    subject(&trail),
                    name,
                    Verdict::NotOurs(says),
                    trail.clone(),
                ));
            }
            sight.seen = sight.seen.max(1);
        }
        let status =
            |trail: &Value| ("cloudtrail", "GetTrailStatus", json!({"Name": text(trail, "TrailARN")}));
        let answers = look.ask_all(ours.iter().map(status).collect());
        for (trail, answer) in ours.iter().zip(answers) {
            match answer {
                Ok(status) => sight.findings.push(judged(look, trail, &status, subject(trail))),
                Err(fault) => look.trouble(text(trail, "TrailARN"), fault),
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        Ok(Plan::of(vec![trail::start(&finding.state).before(finding.state.clone())]))
    }
}

/// Trails of other accounts and regions that record this one as well: with one of them it is not without a trail.
fn shadows(look: &mut Look<'_>) -> Result<Vec<Value>, ApiFault> {
    let answer = look.ask("cloudtrail", "DescribeTrails", json!({"includeShadowTrails": true}))?;
    Ok(crate::json::list(&answer, "trailList").to_vec())
}

fn judged(look: &mut Look<'_>, trail: &Value, status: &Value, subject: Subject) -> Finding {
    const KEPT: [&str; 5] =
        ["IsLogging", "StartLoggingTime", "StopLoggingTime", "TimeLoggingStopped", "LatestDeliveryError"];
    let (arn, name) = (text(trail, "TrailARN"), text(trail, "Name"));
    let mut state = json!({"TrailARN": arn, "Name": name, "HomeRegion": text(trail, "HomeRegion")});
    if let (Some(state), Value::Object(status)) = (state.as_object_mut(), status) {
        state.extend(
            status
                .iter()
                .filter(|(name, _)| KEPT.contains(&name.as_str()))
                .map(|(n, v)| (n.clone(), v.clone())),
        );
    }
    let error = text(status, "LatestDeliveryError");
    if is(status, "IsLogging") {
        let verdict = if error.is_empty() {
            Verdict::Good
        } else {
            Verdict::Tell(format!("the trail `{name}` logs, but its files cannot be delivered: {error}"))
        };
        return Finding::new(subject, name, verdict, state);
    }
    let since = match text(status, "TimeLoggingStopped") {
        "" => String::new(),
        since => format!(" since {since}"),
    };
    let verdict = Verdict::Bad(format!("the trail `{name}` does not log{since}"));
    let finding = Finding::new(subject, name, verdict, state);
    match trail::tags_of(look, &[arn]).pop() {
        Some(Ok(tags)) => finding.tags(tags),
        Some(Err(fault)) => finding.note(format!("its tags cannot be read, so none exempts it: {fault}")),
        None => finding.tags(Tags::new()),
    }
}
