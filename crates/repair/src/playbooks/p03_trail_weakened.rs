//! # CloudTrail trail weakened
//!
//! ## What it does
//! Compares each trail with its last good state and gives it back what it lost: other regions, signed files, global
//! services, its key, its log group, its topic, event selectors, Insights. A key, log group, bucket or prefix that is
//! *another* one may be meant, so a person is asked.
//!
//! ## Why it matters
//! A trail that logs and records one region, or no writes, or into a stranger's bucket, looks healthy to whoever asks only
//! whether it logs. Automations that send a whole configuration make it worse: defaults take validation and the key away.
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
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a03",
//!     "eventSource": "cloudtrail.amazonaws.com",
//!     "eventName": "UpdateTrail",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "name": "main", "isMultiRegionTrail": false, "enableLogFileValidation": false }
//!   }
//! }
//! ```
//! It also follows `PutEventSelectors` and `PutInsightSelectors`, AWS Config's `cloud-trail-log-file-validation-enabled`,
//! `cloud-trail-encryption-enabled` and `cloud-trail-cloud-watch-logs-enabled`, and Security Hub's CloudTrail.2, .4 and .5.
//!
//! ## Check
//! `DescribeTrails`, `GetEventSelectors` and `GetInsightSelectors` against the last good state. What is stronger is no
//! fault and becomes the new state. Event selectors are compared by what they record, in both of CloudTrail's languages.
//!
//! ## Change
//! `UpdateTrail` with the fields that got weaker and no others; `PutEventSelectors` with the selectors as they were and
//! what was added since; `PutInsightSelectors` likewise.
//!
//! ## Undo
//! The same calls with the values from before.
//!
//! ## Permissions
//! A trail that gets its log group back is given its role, for which AWS asks for a permission of its own.
//!
//! ## Risk
//! A field that was switched off on purpose comes back: accept the trail as it is (`stockade repair baseline accept`), or
//! exempt it.

use crate::ApiFault;
use crate::Event;
use crate::Mode;
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Baseline, Cannot, Comparison, Finding, Hint, Look, Permission, Plan, Playbook, Sight,
};
use crate::trail::{self, TRAILS};

/// P03.
#[derive(Debug)]
pub(crate) struct TrailWeakened;

const ARNS: &str = "arn:{partition}:cloudtrail:*:{account}:trail/*";
/// That a trail does not log is another playbook's.
const TRAILS_COMPARED: Comparison = Comparison {
    kind: &TRAILS,
    relevant: |one| one.field != "IsLogging",
    ask: "another key, log group or bucket may be meant",
};

static ABOUT: About = About {
    id: "P03",
    name: "trail-weakened",
    docs: documented!("p03_trail_weakened.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("cloudtrail:DescribeTrails", "*"),
        Permission::read("cloudtrail:GetTrailStatus", ARNS),
        Permission::read("cloudtrail:GetEventSelectors", ARNS),
        Permission::read("cloudtrail:GetInsightSelectors", ARNS),
        Permission::read("cloudtrail:ListTags", ARNS),
        Permission::repair("cloudtrail:UpdateTrail", ARNS),
        Permission::repair("cloudtrail:PutEventSelectors", ARNS),
        Permission::repair("cloudtrail:PutInsightSelectors", ARNS),
        Permission::repair("iam:PassRole", "{log_role}")
            .when("StringEquals", "iam:PassedToService", "cloudtrail.amazonaws.com")
            .for_calls(&["cloudtrail:UpdateTrail"]),
        Permission::undo("cloudtrail:UpdateTrail", ARNS),
        Permission::undo("cloudtrail:PutEventSelectors", ARNS),
        Permission::undo("cloudtrail:PutInsightSelectors", ARNS),
        Permission::undo("iam:PassRole", "{log_role}")
            .when("StringEquals", "iam:PassedToService", "cloudtrail.amazonaws.com")
            .for_calls(&["cloudtrail:UpdateTrail"]),
    ],
    kinds: &[&TRAILS],
    then: &[],
};

impl Playbook for TrailWeakened {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        trail::locate(event)
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let things = look.things(&TRAILS)?;
        let mut sight = Sight { seen: things.len(), ..Sight::default() };
        for thing in things {
            if look.wanted(&thing.id, &thing.name) {
                sight.findings.extend(TRAILS_COMPARED.judge(look, &thing));
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let Some(Baseline { thing: base, .. }) = &finding.baseline else {
            return Err(Cannot::because("its last good state is not known").hint(
                "see whether it is as it should be; its state is kept from the next scheduled look on",
            ));
        };
        let weak = TRAILS_COMPARED.weaknesses(finding);
        Ok(Plan::of(trail::strengthen(&base.state, &finding.state, &weak)))
    }
}
