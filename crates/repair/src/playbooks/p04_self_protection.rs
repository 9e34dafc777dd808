//! # Stockade itself was touched
//!
//! ## What it does
//! Looks at Stockade's own rules of EventBridge, queues, functions and roles, whose names begin with `stockade-`, and puts
//! back what they lost: a disabled or deleted rule, a removed target, a deleted queue or one that nobody may send to, a
//! function that may no longer run or read its queue.
//!
//! ## Why it matters
//! Whoever means to stay unseen silences the watchman first, and a rule that is disabled makes no noise. What Stockade does
//! not see by an event, because its own rule is off, the schedule sees.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.events",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a04",
//!     "eventSource": "events.amazonaws.com",
//!     "eventName": "DisableRule",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "name": "stockade-trail-stopped" }
//!   }
//! }
//! ```
//! It also follows `DeleteRule` and `RemoveTargets`; `DeleteFunction`, `PutFunctionConcurrency` and
//! `UpdateFunctionConfiguration` of Lambda; `DeleteQueue` and `PurgeQueue` of SQS; and changes of its roles in IAM.
//!
//! ## Check
//! Rules with their targets, attributes of queues, the concurrency, event sources and configuration of functions, and the
//! policies of roles, against their last good states, or against what the installation states where none is known.
//!
//! ## Change
//! `EnableRule`, or `PutRule` and `PutTargets`; `CreateQueue` or `SetQueueAttributes` with what got weaker;
//! `DeleteFunctionConcurrency` or `PutFunctionConcurrency`; `UpdateEventSourceMapping`. A pattern, target or policy that is
//! *another* one may be an update, so a person is asked, unless the installation states what it must be.
//!
//! ## Undo
//! The calls that make the former state, by a person. To take Stockade away for good, exempt it for the time of that.
//!
//! ## Permissions
//! Writing only to rules, queues and functions whose names begin with the prefix. Roles are read and never written: who
//! may write the policies of a role is as good as an administrator. A function that is deleted, or has other code, is told;
//! its code is not Stockade's to keep.
//!
//! ## Risk
//! None for others. While Stockade is updated by a pipeline, exempt the pipeline's role in the configuration: a tag exempts
//! nothing here.

use serde_json::Value;

use crate::ApiFault;
use crate::Event;
use crate::Mode;
use crate::json::text;
use crate::own::{FUNCTIONS, Functions, QUEUES, Queues, ROLES, RULES, Rules};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Baseline, Cannot, Comparison, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight,
    Subject, Thing, Verdict,
};

/// P04.
#[derive(Debug)]
pub(crate) struct SelfProtection;

const RULE: &str = "arn:{partition}:events:*:{account}:rule/{prefix}*";
const QUEUE: &str = "arn:{partition}:sqs:*:{account}:{prefix}*";
const FUNCTION: &str = "arn:{partition}:lambda:*:{account}:function:{prefix}*";
const FEED: &str = "arn:{partition}:lambda:*:{account}:event-source-mapping:*";
const ROLE: &str = "arn:{partition}:iam::{account}:role/{prefix}*";

static ABOUT: About = About {
    id: "P04",
    name: "self-protection",
    docs: documented!("p04_self_protection.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("events:ListRules", "arn:{partition}:events:*:{account}:rule/*"),
        Permission::read("events:ListTargetsByRule", RULE),
        Permission::read("events:ListTagsForResource", RULE),
        Permission::read("sqs:ListQueues", "*"),
        Permission::read("sqs:GetQueueAttributes", QUEUE),
        Permission::read("sqs:ListQueueTags", QUEUE),
        Permission::read("lambda:GetFunctionConfiguration", FUNCTION),
        Permission::read("lambda:GetFunctionConcurrency", FUNCTION),
        Permission::read("lambda:ListEventSourceMappings", "*"),
        Permission::read("iam:GetRole", ROLE),
        Permission::read("iam:ListRolePolicies", ROLE),
        Permission::read("iam:GetRolePolicy", ROLE),
        Permission::read("iam:ListAttachedRolePolicies", ROLE),
        Permission::repair("events:EnableRule", RULE),
        Permission::repair("events:PutRule", RULE),
        Permission::repair("events:TagResource", RULE).for_calls(&["events:PutRule"]),
        Permission::repair("events:PutTargets", RULE),
        Permission::repair("sqs:CreateQueue", QUEUE),
        Permission::repair("sqs:TagQueue", QUEUE).for_calls(&["sqs:CreateQueue"]),
        Permission::repair("sqs:SetQueueAttributes", QUEUE),
        Permission::repair("lambda:DeleteFunctionConcurrency", FUNCTION),
        Permission::repair("lambda:PutFunctionConcurrency", FUNCTION),
        Permission::repair("lambda:UpdateEventSourceMapping", FEED).when(
            "ArnLike",
            "lambda:FunctionArn",
            FUNCTION,
        ),
        Permission::undo("events:DisableRule", RULE),
        Permission::undo("events:PutRule", RULE),
        Permission::undo("events:DeleteRule", RULE),
        Permission::undo("events:RemoveTargets", RULE),
        Permission::undo("events:PutTargets", RULE),
        Permission::undo("sqs:DeleteQueue", QUEUE),
        Permission::undo("sqs:SetQueueAttributes", QUEUE),
        Permission::undo("lambda:DeleteFunctionConcurrency", FUNCTION),
        Permission::undo("lambda:PutFunctionConcurrency", FUNCTION),
        Permission::undo("lambda:UpdateEventSourceMapping", FEED).when(
            "ArnLike",
            "lambda:FunctionArn",
            FUNCTION,
        ),
    ],
    kinds: &[&RULES, &QUEUES, &FUNCTIONS, &ROLES],
    then: &[],
};

impl Playbook for SelfProtection {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        let named = |name| text(event.parameters(), name);
        let here = Hint::region(event.region());
        let hint = match event.service() {
            "events.amazonaws.com" => here.only([named("name"), named("rule")].concat().as_str()),
            "sqs.amazonaws.com" => {
                let queue = here.only(named("queueUrl").rsplit('/').next().unwrap_or_default());
                if event.operation() == "PurgeQueue" {
                    queue.note("its messages were deleted")
                } else {
                    queue
                }
            }
            // A name, or an ARN, perhaps with a version behind it.
            "lambda.amazonaws.com" => {
                let name = named("functionName");
                here.only(if name.starts_with("arn:") {
                    name.split(':').nth(6).unwrap_or_default()
                } else {
                    name
                })
            }
            // Events of IAM come from the partition's first region, wherever we are.
            "iam.amazonaws.com" => Hint::everywhere().only(named("roleName")),
            _ => Hint::everywhere(),
        };
        vec![hint]
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let mut sight = Sight::default();
        if !look.own().regions.contains(&look.place().region) {
            return Ok(sight);
        }
        let mut known: Vec<Thing> = Vec::new();
        for compared in COMPARED {
            let things = match look.things(compared.kind) {
                Ok(things) => things,
                // The others are looked at all the same.
                Err(fault) => {
                    look.trouble(compared.kind.name(), fault);
                    continue;
                }
            };
            let missing = compared.missing(look, &things);
            sight.seen += things.len() + missing.len();
            sight.findings.extend(missing);
            for thing in &things {
                if !look.wanted(&thing.id, &thing.name) {
                    continue;
                }
                sight.findings.extend(compared.judge(look, thing));
                for note in look.notes(&thing.id, &thing.name) {
                    sight.findings.push(told(look, compared.kind, thing, note));
                }
            }
            known.extend(look.baselines(compared.kind).iter().map(|base| base.thing.clone()));
            known.extend(things);
        }
        for asked in look.asked() {
            let is = |thing: &Thing| thing.id == asked || thing.name == asked;
            if !known.iter().any(is) {
                let says = format!("an event tells of `{asked}`, which is not there, or not looked after");
                let subject = Subject::new(look.place(), "thing", asked);
                sight.findings.push(Finding::new(subject, asked, Verdict::Bad(says), Value::Null));
            }
        }
        // Whoever silences the watchman could write him a leave first.
        sight.findings.iter_mut().for_each(|finding| finding.tags.clear());
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let compared = COMPARED.iter().find(|compared| compared.kind.name() == finding.subject.class);
        let (Some(compared), Some(Baseline { thing: base, .. })) = (compared, &finding.baseline) else {
            return Err(Cannot::because("its last good state is not known").hint("install Stockade again"));
        };
        let gone = finding.state.is_null();
        let weak = compared.weaknesses(finding);
        let (was, is) = (&base.state, &finding.state);
        let changes = match finding.subject.class.as_str() {
            "rule" if gone => Rules::restore(base),
            "rule" => Rules::strengthen(was, is, &weak),
            "queue" if gone => Queues::restore(base),
            "queue" => Queues::strengthen(was, is, &weak),
            "function" if !gone => Functions::strengthen(was, is, &weak),
            _ => Vec::new(),
        };
        if !changes.is_empty() {
            return Ok(Plan::of(changes));
        }
        Err(match finding.subject.class.as_str() {
            "role" => {
                Cannot::because("the right to write a role's policies would make Stockade an administrator")
                    .hint("install its policy again, and see who changed it")
            }
            _ => Cannot::because("its code and configuration are not Stockade's to keep").hint(
                "install the function again, or accept it as it is now: `stockade repair baseline accept`",
            ),
        })
    }
}

/// How each kind is judged.
const COMPARED: [Comparison; 4] =
    [compared(&RULES), compared(&QUEUES), compared(&FUNCTIONS), compared(&ROLES)];

const fn compared(kind: &'static dyn Kind) -> Comparison {
    Comparison { kind, relevant: |_| true, ask: "it may be an update of Stockade" }
}

/// What an event says and nobody can see afterwards.
fn told(look: &Look<'_>, kind: &dyn Kind, thing: &Thing, note: &str) -> Finding {
    let subject = Subject::new(look.place(), kind.name(), &thing.id).aspect("told");
    let says =
        format!("the {} `{}`: {note}; what they told is found by the schedule", kind.name(), thing.name);
    Finding::new(subject, &thing.name, Verdict::Tell(says), Value::Null).tags(thing.tags.clone())
}
