//! # S3 bucket public access block off
//!
//! ## What it does
//! Compares the four flags by which a bucket refuses to be public with what they were when they were last good, and sets
//! again those that were taken away.
//!
//! ## Why it matters
//! Without the block, one policy or one access list makes all of a bucket public. Taking it away is the quiet step before
//! that, and mostly nobody notices it.
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
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a10",
//!     "eventSource": "s3.amazonaws.com",
//!     "eventName": "DeleteBucketPublicAccessBlock",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": { "bucketName": "invoices", "publicAccessBlock": "" }
//!   }
//! }
//! ```
//! It also follows `PutBucketPublicAccessBlock`, AWS Config's `s3-bucket-level-public-access-prohibited`, Security Hub's S3.8,
//! and GuardDuty's `Policy:S3/BucketBlockPublicAccessDisabled`.
//!
//! ## Check
//! `ListBuckets` of the region, then `GetPublicAccessBlock` of each, or of the one that the event names. Bad is a flag that
//! was on and is off. A bucket that is not in the list is not ours and not looked at.
//!
//! ## Change
//! `PutPublicAccessBlock` with the flags that are on now and those that were taken away: it takes all four or none.
//!
//! ## Undo
//! The former flags; `DeletePublicAccessBlock` where there were none.
//!
//! ## Permissions
//! The block is read and written, and nothing else of a bucket: neither its policy nor what is in it. Tags are read for an
//! exemption.
//!
//! ## Risk
//! A bucket that was made public on purpose, such as a website's, is closed again: accept it as it is
//! (`stockade repair baseline accept`), or exempt it by its tag. A bucket that was never seen with the block on is told and left as it is.

use serde_json::{Value, json};

use crate::arn::Arn;
use crate::block;
use crate::json::{every, is, list, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Comparison, Finding, Hint, Kind, Look, Permission, Plan, Playbook, Sight, Subject,
    Tags, Thing, Verdict, Weakness,
};
use crate::{ApiFault, Blame, Event, Mode, Place};

/// P10.
#[derive(Debug)]
pub(crate) struct BucketBlockOff;

/// The kind `bucket-block`: the block of each bucket of the account in the region.
#[derive(Debug)]
struct Blocks;

static BLOCKS: Blocks = Blocks;
const BUCKET: &str = "arn:{partition}:s3:::*";
/// An event that names more buckets leads to all of them.
const MAX_NAMED: usize = 100;

const COMPARED: Comparison = Comparison { kind: &BLOCKS, relevant: |_| true, ask: "it may be meant" };

static ABOUT: About = About {
    id: "P10",
    name: "bucket-block-off",
    docs: documented!("p10_bucket_block_off.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("s3:ListAllMyBuckets", "*").for_calls(&["s3:ListBuckets"]),
        Permission::read("s3:GetBucketPublicAccessBlock", BUCKET).for_calls(&["s3:GetPublicAccessBlock"]),
        Permission::read("s3:GetBucketTagging", BUCKET),
        Permission::repair("s3:PutBucketPublicAccessBlock", BUCKET).for_calls(&["s3:PutPublicAccessBlock"]),
        Permission::undo("s3:PutBucketPublicAccessBlock", BUCKET)
            .for_calls(&["s3:PutPublicAccessBlock", "s3:DeletePublicAccessBlock"]),
    ],
    kinds: &[&BLOCKS],
    then: &[],
};

impl Playbook for BucketBlockOff {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        const NAMES: [&[&str]; 4] = [
            &["detail", "requestParameters", "bucketName"],
            &["detail", "resource", "s3BucketDetails", "name"],
            &["detail", "resourceId"],
            &["detail", "findings", "Resources", "Id"],
        ];
        let named = NAMES.iter().flat_map(|path| every(event.value(), path));
        let name = |name| Arn::parse(name).map_or(name, |arn| arn.resource);
        let mut names: Vec<&str> = named.map(name).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() || names.len() > MAX_NAMED {
            return vec![Hint::region(event.region()).only("")];
        }
        names.into_iter().map(|name| Hint::region(event.region()).thing(name)).collect()
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let mut sight = Sight { seen: listed(look)?.len(), ..Sight::default() };
        let things = look.things(&BLOCKS)?;
        for thing in &things {
            if block::is_whole(&thing.state) {
                let subject = Subject::new(look.place(), BLOCKS.name(), &thing.id);
                sight.findings.push(Finding::new(subject, &thing.name, Verdict::Good, thing.state.clone()));
                continue;
            }
            for finding in COMPARED.judge(look, thing) {
                let bad = finding.verdict != Verdict::Good;
                sight.findings.push(if bad { tagged(look, finding) } else { finding });
            }
        }
        // A bucket that is gone needs no block; what was open about it is over.
        for gone in COMPARED.missing(look, &things) {
            sight.findings.push(Finding { verdict: Verdict::Good, ..gone });
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        if finding.baseline.is_none() {
            return Err(Cannot::because("its last good state is not known")
                .hint("set the block by hand where it belongs; from then on its state is kept"));
        }
        let weak = COMPARED.weaknesses(finding);
        let now = &finding.state;
        let lost: Vec<&str> = weak.iter().map(|one| one.field.as_str()).collect();
        let (flags, wanted) = (block::flags(now, &[]), block::flags(now, &lost));
        let (bucket, owner) = (&finding.name, &finding.subject.place.account);
        let put = |flags: &Value| json!({"Bucket": bucket, "ExpectedBucketOwner": owner, "PublicAccessBlockConfiguration": flags});
        let says = format!("block public access to the bucket `{bucket}` again: {}", lost.join(", "));
        let change = Change::new(says, "s3", "PutPublicAccessBlock", put(&wanted))
            .before(flags.clone())
            .already(&["NoSuchBucket"]);
        Ok(Plan::of(vec![if is(now, block::CONFIGURED) {
            change.undo("PutPublicAccessBlock", put(&flags))
        } else {
            change.undo("DeletePublicAccessBlock", json!({"Bucket": bucket, "ExpectedBucketOwner": owner}))
        }]))
    }
}

impl Kind for Blocks {
    fn name(&self) -> &'static str {
        "bucket-block"
    }

    fn read(&self, look: &mut Look<'_>) -> Result<Vec<Thing>, ApiFault> {
        let place = look.place().clone();
        let mut buckets = listed(look)?;
        buckets.retain(|bucket| look.wanted(&arn(&place, bucket), bucket));
        let ask = |bucket: &String| ("s3", "GetPublicAccessBlock", of(&place, bucket));
        let answers = look.ask_all(buckets.iter().map(ask).collect());
        let mut things = Vec::with_capacity(buckets.len());
        for (bucket, answer) in buckets.into_iter().zip(answers) {
            let answer = match answer {
                Ok(answer) => Some(answer),
                Err(fault) if fault.code == "NoSuchPublicAccessBlockConfiguration" => None,
                // It went between the list and the question.
                Err(fault) if fault.blame == Blame::Missing => continue,
                Err(fault) => {
                    look.trouble(&arn(&place, &bucket), fault);
                    continue;
                }
            };
            let state = block::state(answer.as_ref());
            things.push(Thing { id: arn(&place, &bucket), name: bucket, state, tags: Tags::new() });
        }
        Ok(things)
    }

    fn weaker(&self, base: &Value, now: &Value) -> Vec<Weakness> {
        block::weaker(base, now)
    }
}

/// The names of our buckets in the region.
fn listed(look: &mut Look<'_>) -> Result<Vec<String>, ApiFault> {
    // A number makes S3 give pages, and say where they end.
    let parameters = json!({"BucketRegion": look.place().region, "MaxBuckets": 10_000});
    let token = ("ContinuationToken", "ContinuationToken");
    let buckets = look.pages_by("s3", "ListBuckets", &parameters, "/Buckets/Bucket", token)?;
    Ok(buckets.iter().map(|bucket| text(bucket, "Name").to_owned()).filter(|name| !name.is_empty()).collect())
}

/// A finding with the bucket's tags; a bucket without any answers with an error.
fn tagged(look: &mut Look<'_>, finding: Finding) -> Finding {
    match look.ask("s3", "GetBucketTagging", of(look.place(), &finding.name)) {
        Ok(answer) => {
            let tag = |tag: &Value| (text(tag, "Key").to_owned(), text(tag, "Value").to_owned());
            let tags = answer.get("TagSet").map_or(&[][..], |set| list(set, "Tag"));
            finding.tags(tags.iter().map(tag).collect())
        }
        Err(fault) if fault.code == "NoSuchTagSet" => finding,
        Err(fault) => finding.note(format!("its tags cannot be read, so none exempts it: {fault}")),
    }
}

fn of(place: &Place, bucket: &str) -> Value {
    json!({"Bucket": bucket, "ExpectedBucketOwner": place.account})
}

fn arn(place: &Place, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", place.partition())
}
