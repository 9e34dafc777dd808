//! Repairs by the role `events`: CloudTrail in moto, a proxy before it that fails on demand.

use serde_json::{Value, json};
use stockade_runtime::functions::{Function, FunctionError, Invoked};
use stockade_testkit::fault_proxy::{Answer, FaultProxy, Request, Verdict};
use stockade_testkit::moto::Account;

use crate::events::{invoke, message, sqs};
use crate::world::{JAILS, World};

const REGION: &str = "eu-central-1";

/// A function that may repair everything at once in an account of moto's.
struct Guard {
    account: Account,
    proxy: FaultProxy,
    world: World,
    function: Function,
    _folder: tempfile::TempDir,
}

impl Guard {
    /// None, after a line that says so, where no moto runs.
    fn new(more: &str) -> Option<Self> {
        let account = Account::new(REGION)?;
        let proxy = FaultProxy::before(account.endpoint());
        let folder = tempfile::tempdir().unwrap();
        let toml = format!(
            "[responders.repair]\nkind = \"repair\"\n[repair]\nmode = \"act\"\ntrial = 0\nregions = [\"{REGION}\"]\n\
             shelf = \"{}/repairs.db\"\n{more}",
            folder.path().display()
        );
        let world = World::with(JAILS, &toml);
        world.clock.set(jiff::Timestamp::now().as_millisecond());
        let function = world.guard(&account.through(proxy.url()));
        Some(Self { account, proxy, world, function, _folder: folder })
    }

    /// Another copy of the function, which remembers nothing itself.
    fn another(&self) -> Function {
        self.world.guard(&self.account.through(self.proxy.url()))
    }

    /// What the guard that Stockade grew out of would answer: status and body.
    fn answers(&mut self, event: &Value) -> (u64, String) {
        status(&invoke(&mut self.function, event))
    }

    /// How many calls of this name were made since the last time.
    fn calls(&self, action: &str) -> usize {
        self.proxy.seen().iter().filter(|request| request.action() == Some(action)).count()
    }

    /// From now on this call fails so.
    fn fail(&self, action: &'static str, status: u16, body: &'static str) {
        self.proxy.rule(move |request: &Request| match request.action() {
            Some(called) if called == action => Verdict::answer(Answer::json(status, body)),
            _ => Verdict::Pass,
        });
    }
}

fn answer(invoked: &Invoked) -> Value {
    serde_json::from_slice(invoked.answer.as_ref().unwrap()).unwrap()
}

fn status(invoked: &Invoked) -> (u64, String) {
    let answer = answer(invoked);
    let fields = answer.as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["body", "statusCode"], "{answer}");
    (answer["statusCode"].as_u64().unwrap(), answer["body"].as_str().unwrap().to_owned())
}

fn scheduled() -> Value {
    json!({"version": "0", "id": "s", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
        "time": "2026-11-22T10:00:00Z", "region": REGION, "resources": [], "detail": {}})
}

/// The original's whole story: AWS Config says that no trail logs.
#[test]
fn the_config_event_is_answered_as_the_original_answered_it() {
    let Some(mut guard) = Guard::new("") else { return };
    // None at all, and none that ever was.
    let event = guard.account.config_event();
    let (code, body) = guard.answers(&event);
    assert_eq!((code, body.as_str()), (404, "no trail in this account"));

    let trail = guard.account.trail("main");
    guard.account.stop_logging(&trail);
    let event = guard.account.config_event();
    let (code, body) = guard.answers(&event);
    assert!(
        code == 200 && body.contains("`main` does not log") && body.contains("repaired and verified"),
        "{code} {body}"
    );
    assert!(guard.account.is_logging(&trail));
    assert_eq!(guard.calls("StartLogging"), 1);
    // The same event once more, to another copy; then a new one, and nothing is wrong any more.
    assert_eq!(
        status(&invoke(&mut guard.another(), &event)),
        (200, "this event was dealt with before".to_owned())
    );
    let event = guard.account.config_event();
    assert_eq!(guard.answers(&event), (200, "1 of 1 are as they should be".to_owned()));
    assert_eq!(guard.calls("StartLogging"), 0);

    // No permission: nothing that comes again by itself.
    guard.account.stop_logging(&trail);
    guard.fail("StartLogging", 400, r#"{"__type":"AccessDeniedException","message":"not authorized"}"#);
    let event = guard.account.config_event();
    let (code, body) = guard.answers(&event);
    assert!(code == 500 && body.contains("AccessDenied"), "{code} {body}");
}

/// What may work the next time makes the invocation fail, so that Lambda, or the queue, brings it again.
#[test]
fn of_a_batch_only_the_repair_that_failed_comes_again() {
    let Some(mut guard) = Guard::new("") else { return };
    let trails = ["one", "two"].map(|name| guard.account.trail(name));
    let events = trails.each_ref().map(|trail| guard.account.stop_logging(trail));
    let batch = sqs(&[message("one", &events[0].to_string()), message("two", &events[1].to_string())]);
    let of_one = trails[0].clone();
    guard.proxy.rule(move |request| match request.action() {
        Some("StartLogging") if String::from_utf8_lossy(&request.body).contains(&of_one) => {
            Verdict::answer(Answer::json(500, r#"{"__type":"InternalFailure"}"#))
        }
        _ => Verdict::Pass,
    });
    let failed = json!({"batchItemFailures": [{"itemIdentifier": "one"}]});
    assert_eq!(answer(&invoke(&mut guard.function, &batch)), failed);
    assert_eq!(trails.each_ref().map(|trail| guard.account.is_logging(trail)), [false, true]);
    // What the queue's repairs came to is no answer to somebody else.
    let other = guard.account.event("StartLogging", &json!({"name": trails[0]}));
    let summary = answer(&invoke(&mut guard.function, &other));
    assert!(summary.get("statusCode").is_none(), "{summary}");
    // The same event directly: EventBridge is to try again as well.
    assert_eq!(invoke(&mut guard.function, &events[0]).answer, Err(FunctionError::Again { records: 1 }));
    guard.proxy.rule(|_| Verdict::Pass);
    guard.calls("");
    let none = json!({"batchItemFailures": []});
    assert_eq!(answer(&invoke(&mut guard.another(), &batch)), none);
    assert!(guard.account.is_logging(&trails[0]));
    assert_eq!(guard.calls("StartLogging"), 1);
    assert_eq!(answer(&invoke(&mut guard.function, &batch)), none);
    assert_eq!(guard.calls("StartLogging"), 0);
}

/// The clock's own invocation looks at everything; its heartbeat in the queue is one event and nothing else.
#[test]
fn the_schedule_finds_what_no_event_told_and_a_heartbeat_does_not() {
    let Some(mut guard) = Guard::new("") else { return };
    let trail = guard.account.trail("main");
    guard.account.stop_logging(&trail);
    let heartbeat = invoke(&mut guard.function, &sqs(&[message("beat", &scheduled().to_string())]));
    assert_eq!(answer(&heartbeat), json!({"batchItemFailures": []}));
    assert_eq!((heartbeat.counts.events, guard.proxy.seen().len()), (1, 0), "{:?}", heartbeat.counts);
    assert!(!guard.account.is_logging(&trail));
    let looked = invoke(&mut guard.function, &scheduled());
    assert!(looked.answer.is_ok() && guard.account.is_logging(&trail), "{looked:?}");
    // AWS does not say who we are: an invocation that failed, so that the alarm hears of it.
    guard.proxy.rule(|_| Verdict::Drop);
    let failed = invoke(&mut guard.another(), &scheduled()).answer;
    assert!(matches!(failed, Err(FunctionError::Unfinished(_))), "{failed:?}");
}

/// An event of another account is followed there, by its role and with what the role's trust asks for; ours stays as it is.
#[test]
fn an_event_of_a_member_is_repaired_there() {
    let Some(member) = Account::new(REGION) else { return };
    let role = format!("arn:aws:iam::{}:role/stockade-member", member.id);
    let accounts =
        format!("[repair.accounts.{}]\nrole = \"{role}\"\nexternal_id = \"0123456789\"\n", member.id);
    let Some(mut guard) = Guard::new(&accounts) else { return };
    let (theirs, ours) = (member.trail("main"), guard.account.trail("main"));
    guard.account.stop_logging(&ours);
    let event = member.stop_logging(&theirs);
    let (code, body) = guard.answers(&event);
    assert!(code == 200 && body.contains("repaired and verified"), "{code} {body}");
    assert!(member.is_logging(&theirs) && !guard.account.is_logging(&ours));
    let seen = guard.proxy.seen();
    let assumed: Vec<String> = seen
        .iter()
        .filter(|request| request.action() == Some("AssumeRole"))
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    assert!(!assumed.is_empty(), "nobody came there by a role");
    for form in &assumed {
        assert!(form.contains("ExternalId=0123456789") && form.contains("stockade-member"), "{form}");
        assert!(form.contains("RoleSessionName=stockade-"), "{form}");
    }
    // An account that nobody looks after is left alone.
    let Some(stranger) = Account::new(REGION) else { return };
    let other = stranger.trail("main");
    let event = stranger.stop_logging(&other);
    let (code, body) = guard.answers(&event);
    assert!(
        code == 200 && body.contains(&format!("nothing is looked after in {}", stranger.id)),
        "{code} {body}"
    );
    assert!(!stranger.is_logging(&other));
    // The schedule looks at both.
    member.stop_logging(&theirs);
    assert!(invoke(&mut guard.function, &scheduled()).answer.is_ok());
    assert!(member.is_logging(&theirs) && guard.account.is_logging(&ours));
}

/// In the mode `plan` it says what it would do, and does nothing.
#[test]
fn a_plan_is_answered_and_changes_nothing() {
    let Some(mut guard) = Guard::new("[repair.playbooks]\nP01 = \"plan\"\n") else { return };
    let trail = guard.account.trail("main");
    let event = guard.account.stop_logging(&trail);
    let (code, body) = guard.answers(&event);
    assert!(code == 200 && body.contains("would be repaired"), "{code} {body}");
    assert_eq!(guard.calls("StartLogging"), 0);
    assert!(!guard.account.is_logging(&trail));
}
