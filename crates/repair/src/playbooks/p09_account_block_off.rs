//! # S3 account public access block off
//!
//! ## What it does
//! Sets the block of public access to all buckets of the account again, if all four of its flags were on when it was last
//! good. Otherwise a person is asked.
//!
//! ## Why it matters
//! The account's block holds whatever a bucket's own says. Lifting it opens, at once, every bucket that only the account kept
//! closed.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.s3",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a09",
//!     "eventSource": "s3.amazonaws.com",
//!     "eventName": "DeleteAccountPublicAccessBlock",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "accountId": "111122223333" }
//!   }
//! }
//! ```
//! It also follows `PutAccountPublicAccessBlock`, AWS Config's `s3-account-level-public-access-blocks`, Security Hub's S3.1, and
//! GuardDuty's `Policy:S3/AccountBlockPublicAccessDisabled`.
//!
//! ## Check
//! `GetPublicAccessBlock` of the account, asked in one region: it is the same in all.
//!
//! ## Change
//! `PutPublicAccessBlock` with the flags that are on now and those that were taken away. Where nothing is known of it, a person
//! is asked whether to set all four.
//!
//! ## Undo
//! The former flags; `DeletePublicAccessBlock` where there were none.
//!
//! ## Permissions
//! The account's block, and nothing of any bucket.
//!
//! ## Risk
//! Whatever is public on purpose in the account goes dark, such as a website that is served from a bucket. With all four flags
//! on before there was none.

use serde_json::{Value, json};

use crate::block;
use crate::json::is;
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight, Subject, Tags,
    Thing, Verdict, Weakness,
};
use crate::{ApiFault, Event, Mode};

/// P09.
#[derive(Debug)]
pub(crate) struct AccountBlockOff;

/// The kind `account-block`: the one of the account.
#[derive(Debug)]
struct AccountBlock;

static BLOCK: AccountBlock = AccountBlock;

static ABOUT: About = About {
    id: "P09",
    name: "account-block-off",
    docs: documented!("p09_account_block_off.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("s3:GetAccountPublicAccessBlock", "*")
            .for_calls(&["s3control:GetPublicAccessBlock"]),
        Permission::repair("s3:PutAccountPublicAccessBlock", "*")
            .for_calls(&["s3control:PutPublicAccessBlock"]),
        Permission::undo("s3:PutAccountPublicAccessBlock", "*")
            .for_calls(&["s3control:PutPublicAccessBlock", "s3control:DeletePublicAccessBlock"]),
    ],
    kinds: &[&BLOCK],
    then: &[],
};

impl Playbook for AccountBlockOff {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_global(&self) -> bool {
        true
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        // Whatever region the call was made in, and whatever account it names: ours has one.
        vec![Hint::everywhere().thing(event.account())]
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let mut sight = Sight::default();
        for thing in look.things(&BLOCK)? {
            sight.seen += 1;
            if look.wanted(&thing.id, &thing.name) {
                sight.findings.push(judged(look, &thing));
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let now = &finding.state;
        let weak = finding.baseline.as_ref().map(|base| block::weaker(&base.thing.state, now));
        let lost: Vec<&str> = match &weak {
            Some(weak) => weak.iter().map(|one| one.field.as_str()).collect(),
            None => block::all(),
        };
        let (flags, wanted) = (block::flags(now, &[]), block::flags(now, &lost));
        let put = |flags: &Value| json!({"PublicAccessBlockConfiguration": flags});
        let says = format!("block public access to all buckets of the account again: {}", lost.join(", "));
        let change =
            Change::new(says, "s3control", "PutPublicAccessBlock", put(&wanted)).before(flags.clone());
        Ok(Plan::of(vec![if is(now, block::CONFIGURED) {
            change.undo("PutPublicAccessBlock", put(&flags))
        } else {
            change.undo("DeletePublicAccessBlock", json!({}))
        }]))
    }
}

impl Kind for AccountBlock {
    fn name(&self) -> &'static str {
        "account-block"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let answer = match look.ask("s3control", "GetPublicAccessBlock", json!({})) {
            Ok(answer) => Some(answer),
            Err(fault) if fault.code == "NoSuchPublicAccessBlockConfiguration" => None,
            Err(fault) => return Err(fault),
        };
        let (id, state) = (look.place().account.clone(), block::state(answer.as_ref()));
        Ok(vec![Thing { name: id.clone(), id, state, tags: Tags::new() }])
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        block::weaker(base, now)
    }
}

fn judged(look: &Look<'_>, thing: &Thing) -> Finding {
    let subject = Subject::new(look.place(), BLOCK.name(), &thing.id);
    let finding = |verdict| Finding::new(subject.clone(), &thing.name, verdict, thing.state.clone());
    let Some(base) = look.baseline(&BLOCK, &thing.id) else {
        let told = look.asked().any(|asked| asked == thing.id);
        if block::is_whole(&thing.state) || !told {
            return finding(Verdict::Good);
        }
        let says = "the account's buckets may be public, and how it was is not known".to_owned();
        return finding(Verdict::Bad(says)).at_most(Mode::Approve, "something may be public on purpose");
    };
    let weak = block::weaker(&base.thing.state, &thing.state);
    if weak.is_empty() {
        return finding(Verdict::Good).against(base.clone());
    }
    let lost: Vec<&str> = weak.iter().map(|one| one.says.as_str()).collect();
    let says = format!("the account's buckets may be public: {}", lost.join(", "));
    let finding = finding(Verdict::Bad(says)).against(base.clone());
    if block::is_whole(&base.thing.state) {
        return finding;
    }
    finding.at_most(Mode::Approve, "something was public on purpose before")
}
