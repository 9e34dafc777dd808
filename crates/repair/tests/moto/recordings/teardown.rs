//! A pipeline takes an environment down, and an attacker is at work among it. Whoever it is, whatever he calls himself and
//! in whatever order the events come: what he did is planned to be put back, what the pipeline did is told, and nothing else
//! is made of either.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use stockade_repair::{Exemption, Outcome, PassedOver, Run, Whom};

use super::book::Book;
use super::disguise::{DISGUISES, Disguise, OTHER, disguised, session, user};
use super::{assert_read_only, names, plan_only};
use crate::world::{REGION, World, at};

const WEST: &str = "eu-west-1";

/// A call that worked: the operation, the thing, the region, and the playbook that looks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Act {
    operation: &'static str,
    thing: &'static str,
    region: &'static str,
    playbook: &'static str,
    /// What would put it back, first call first.
    mends: &'static str,
}

const fn act(
    operation: &'static str,
    thing: &'static str,
    region: &'static str,
    playbook: &'static str,
    mends: &'static str,
) -> Act {
    Act { operation, thing, region, playbook, mends }
}

/// What the pipeline takes down: its own.
const TEARDOWN: [Act; 5] = [
    act("DeleteTrail", "ci-audit", REGION, "P02", "CreateTrail"),
    act("StopLogging", "ci-build", REGION, "P01", "StartLogging"),
    act("PutEventSelectors", "ci-data", REGION, "P03", "PutEventSelectors"),
    act("DeleteTrail", "ci-west", WEST, "P02", "CreateTrail"),
    act("DeleteRule", "stockade-ci", REGION, "P04", "PutRule"),
];

/// What an attacker does meanwhile.
const ATTACKS: [Act; 6] = [
    act("StopLogging", "main", REGION, "P01", "StartLogging"),
    act("PutEventSelectors", "main", REGION, "P03", "PutEventSelectors"),
    act("StopLogging", "west", WEST, "P01", "StartLogging"),
    act("DeleteTrail", "spare", REGION, "P02", "CreateTrail"),
    act("DisableRule", "stockade-events", REGION, "P04", "EnableRule"),
    act("DeleteRule", "stockade-feed", REGION, "P04", "PutRule"),
];

fn trails() -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = TEARDOWN.iter().chain(&ATTACKS).filter(|act| act.playbook != "P04");
    let all: BTreeSet<_> = all.map(|act| (act.region, act.thing)).collect();
    all.into_iter()
}

impl Act {
    fn is_of_a_trail(&self) -> bool {
        self.playbook != "P04"
    }

    fn arn(&self, account: &str) -> String {
        format!("arn:aws:cloudtrail:{}:{account}:trail/{}", self.region, self.thing)
    }

    /// In the account.
    fn happens(&self, world: &mut World) {
        let name = self.thing;
        let mut ask = |service: &str, operation: &str, parameters: Value| {
            world.admin_in(self.region, service, operation, parameters);
        };
        match self.operation {
            "PutEventSelectors" => ask("cloudtrail", self.operation, weak(name)),
            "StopLogging" | "DeleteTrail" => ask("cloudtrail", self.operation, json!({"Name": name})),
            _ => ask("events", self.operation, json!({"Name": name})),
        }
    }

    /// As CloudTrail tells it.
    fn parameters(&self, account: &str, by_arn: bool) -> Value {
        let name = if by_arn && self.is_of_a_trail() { self.arn(account) } else { self.thing.to_owned() };
        match self.operation {
            "PutEventSelectors" => json!({"trailName": name, "eventSelectors": [
                {"readWriteType": "ReadOnly", "includeManagementEvents": false, "dataResources": []}]}),
            _ => json!({"name": name}),
        }
    }
}

fn weak(name: &str) -> Value {
    json!({"TrailName": name, "EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": false}]})
}

/// How an event is written.
#[derive(Clone, Copy, Debug)]
struct Form {
    by_arn: bool,
    /// With EventBridge's envelope, or as it lies in files.
    envelope: bool,
    read_only: bool,
    invoked_by: bool,
    copies: usize,
}

fn form() -> impl Strategy<Value = Form> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 1..3_usize).prop_map(
        |(by_arn, envelope, read_only, invoked_by, copies)| Form {
            by_arn,
            envelope,
            read_only,
            invoked_by,
            copies,
        },
    )
}

/// What must come of an event.
#[derive(Clone, Debug, PartialEq)]
enum Want {
    /// A plan that puts this back.
    Plan(Act),
    /// This is told as exempt.
    Exempt(Act),
    /// It is not followed.
    Nothing,
}

#[derive(Clone, Debug)]
struct Told {
    event: Value,
    want: Want,
    copies: usize,
}

struct Recording<'w> {
    world: &'w mut World,
    told: Vec<Told>,
}

impl Recording<'_> {
    fn record(&mut self, act: &Act, identity: Value, agent: &str, form: Form) -> Value {
        let account = self.world.place.account.clone();
        let service = if act.is_of_a_trail() { "cloudtrail" } else { "events" };
        let mut event = self.world.event_of(service, act.operation, act.parameters(&account, form.by_arn));
        event["region"] = json!(act.region);
        let detail = &mut event["detail"];
        detail["awsRegion"] = json!(act.region);
        detail["recipientAccountId"] = json!(account);
        detail["eventType"] = json!("AwsApiCall");
        detail["readOnly"] = json!(form.read_only);
        detail["userIdentity"] = identity;
        detail["userAgent"] = json!(agent);
        if form.invoked_by && detail["userIdentity"].is_object() {
            detail["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
            detail["sourceIPAddress"] = json!("cloudformation.amazonaws.com");
        }
        if form.envelope { event } else { event["detail"].take() }
    }

    fn add(&mut self, event: Value, want: Want, copies: usize) {
        self.told.push(Told { event, want, copies });
    }

    fn pipeline(&mut self, act: &Act, form: Form) {
        let identity = session(&self.world.place.account, "pipeline", "run-7");
        let event = self.record(act, identity, "terraform", form);
        act.happens(self.world);
        self.add(event, Want::Exempt(*act), form.copies);
    }

    fn attacker(&mut self, act: &Act, how: Disguise, form: Form) {
        let (identity, agent) = disguised(&self.world.place.account, how);
        let event = self.record(act, identity, agent, form);
        act.happens(self.world);
        self.add(event, Want::Plan(*act), form.copies);
    }

    /// What belongs to any recording and asks for nothing.
    fn noise(&mut self, form: Form) {
        let account = self.world.place.account.clone();
        let pipeline = || session(&account, "pipeline", "run-7");
        let mallory = || user(&account, "mallory");
        for act in [&ATTACKS[0], &ATTACKS[3], &TEARDOWN[0], &ATTACKS[4]] {
            for identity in [pipeline(), mallory()] {
                // Refused.
                let mut event = self.record(act, identity, "aws-cli/2.0", Form { envelope: false, ..form });
                event["errorCode"] = json!("AccessDenied");
                self.add(event, Want::Nothing, form.copies);
            }
            // Of an account and of a region that are not looked after.
            let mut event = self.record(act, mallory(), "aws-cli/2.0", Form { envelope: false, ..form });
            event = serde_json::from_str(&event.to_string().replace(&account, OTHER)).unwrap();
            self.add(event, Want::Nothing, form.copies);
            let mut event =
                self.record(act, mallory(), "aws-cli/2.0", Form { envelope: false, by_arn: false, ..form });
            event["awsRegion"] = json!("us-west-2");
            self.add(event, Want::Nothing, form.copies);
        }
        for (service, operation) in
            [("ec2", "RunInstances"), ("ec2", "TerminateInstances"), ("cloudtrail", "GetTrail")]
        {
            let mut event = self.world.event_of(service, operation, json!({"name": "main"}));
            event["detail"]["userIdentity"] = pipeline();
            self.add(event["detail"].take(), Want::Nothing, form.copies);
        }
        // What we did ourselves.
        let ours = session(&account, "stockade-guard", "stockade-p01-0123456789ab");
        let event = self.record(&ATTACKS[0], ours, "stockade/0.1.0", form);
        self.add(event, Want::Nothing, form.copies);
    }
}

/// An account with what both touch, and its state known.
fn account() -> Option<World> {
    let mut world = World::new()?;
    let account = world.place.account.clone();
    let whom = Whom { principal: Some(format!("arn:aws:iam::{account}:role/pipeline")), ..Whom::default() };
    let exemption = Exemption::new(whom, at(24 * 3600), "the pipeline takes test environments down").unwrap();
    world.reset(|settings| {
        settings.modes = plan_only();
        settings.exemptions = vec![exemption];
        settings.regions = vec![REGION.to_owned(), WEST.to_owned()];
        settings.own.roles = vec![format!("arn:aws:iam::{account}:role/stockade-guard")];
    });
    let bucket = world.bucket();
    for (region, name) in trails() {
        world.admin_in(region, "cloudtrail", "CreateTrail", json!({"Name": name, "S3BucketName": bucket}));
        world.admin_in(region, "cloudtrail", "StartLogging", json!({"Name": name}));
    }
    for act in TEARDOWN.iter().chain(&ATTACKS).filter(|act| act.playbook == "P04") {
        let rule = json!({"Name": act.thing, "EventPattern": "{\"source\":[\"aws.cloudtrail\"]}"});
        world.admin("events", "PutRule", rule);
    }
    assert_eq!(world.reconcile().notable().count(), 0);
    world.time.pass(Duration::from_secs(300));
    Some(world)
}

/// Hands an event on by all rules that find it; what must come of it came.
fn follow(book: &Book, world: &mut World, told: &Told, again: bool) -> Result<(), TestCaseError> {
    let runs: Vec<Run> = book.follow(world, &told.event).into_iter().map(|(_, run)| run).collect();
    let shown = || format!("{told:#?}\n{runs:#?}");
    let act = match &told.want {
        Want::Nothing => {
            prop_assert!(runs.iter().all(|run| run.passed_over.is_some()), "{}", shown());
            return Ok(());
        }
        Want::Plan(act) | Want::Exempt(act) => act,
    };
    prop_assert_eq!(runs.len(), 1, "one rule tells it: {}", shown());
    if again {
        prop_assert_eq!(&runs[0].passed_over, &Some(PassedOver::Duplicate));
        return Ok(());
    }
    let items: Vec<_> = runs[0].notable().collect();
    prop_assert_eq!(items.len(), 1, "{}", shown());
    prop_assert_eq!((items[0].playbook.as_str(), items[0].name.as_str()), (act.playbook, act.thing));
    let plan = items[0].plan.as_ref().map(|plan| plan.changes[0].operation.as_str());
    prop_assert_eq!(plan, Some(act.mends), "{}", shown());
    let exempt = matches!(items[0].outcome, Outcome::Exempt { .. });
    let planned = items[0].outcome == Outcome::Planned;
    prop_assert!(if matches!(told.want, Want::Plan(_)) { planned } else { exempt }, "{}", shown());
    // Told, never silent: it is in the record.
    let kinds = world.kinds(&items[0].id);
    prop_assert_eq!(kinds, [if exempt { "notice" } else { "plan" }]);
    Ok(())
}

fn sorted(acts: &[Act]) -> Vec<String> {
    let mut names: Vec<String> = acts.iter().map(|act| format!("{} {}", act.playbook, act.thing)).collect();
    names.sort();
    names
}

/// Each makes an account in the emulator; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_the_attacker_s_is_planned(
        attacks in proptest::sample::subsequence(ATTACKS.to_vec(), 1..=3),
        teardown in proptest::sample::subsequence(TEARDOWN.to_vec(), 0..=5),
        disguises in proptest::collection::vec(select(DISGUISES.to_vec()), 3),
        forms in proptest::collection::vec(form(), 9),
        order in proptest::collection::vec(any::<u32>(), 80),
        in_time in any::<bool>(),
        scheduled in 0..40_usize,
    ) {
        let Some(mut world) = account() else { return Ok(()) };
        let book = Book::shipped();
        let mut recording = Recording { world: &mut world, told: Vec::new() };
        for (act, form) in teardown.iter().zip(&forms) {
            recording.pipeline(act, *form);
        }
        for ((act, how), form) in attacks.iter().zip(&disguises).zip(forms.iter().skip(5)) {
            recording.attacker(act, *how, *form);
        }
        recording.noise(forms[8]);
        let told = recording.told;
        // Every event once or twice, in order or in any.
        let mut deliveries: Vec<&Told> = told.iter().flat_map(|one| std::iter::repeat_n(one, one.copies)).collect();
        if !in_time {
            let mut keyed: Vec<_> = deliveries.into_iter().enumerate().collect();
            keyed.sort_by_key(|(nth, _)| order[nth % order.len()].wrapping_add(u32::try_from(nth / order.len()).unwrap()));
            deliveries = keyed.into_iter().map(|(_, one)| one).collect();
        }
        let mut known = BTreeSet::new();
        for (nth, one) in deliveries.iter().enumerate() {
            let id = one.event["detail"]["eventID"].as_str().or(one.event["eventID"].as_str()).unwrap();
            follow(&book, &mut world, one, !known.insert(id.to_owned()))?;
            world.time.pass(Duration::from_millis(700));
            if nth == scheduled && in_time {
                world.reconcile();
            }
        }
        // The schedule says the same, though it knows no actor.
        for _ in 0..2 {
            let run = world.reconcile();
            prop_assert_eq!(names(&run, |outcome| *outcome == Outcome::Planned), sorted(&attacks), "{:#?}", run);
            prop_assert_eq!(names(&run, |outcome| matches!(outcome, Outcome::Exempt { .. })), sorted(&teardown));
            prop_assert_eq!(run.notable().count(), attacks.len() + teardown.len());
            world.time.pass(Duration::from_secs(300));
        }
        assert_read_only(&mut world);
        // When the exemption is over, what the pipeline did is planned like everything else.
        world.time.pass(Duration::from_secs(24 * 3600));
        let run = world.reconcile();
        prop_assert_eq!(names(&run, |outcome| *outcome == Outcome::Planned).len(), attacks.len() + teardown.len());
        assert_read_only(&mut world);
        world.engine.verify_record().unwrap().unwrap();
    }
}
