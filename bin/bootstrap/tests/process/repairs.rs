//! The role `events` as its template starts it: what is repaired and where is said by variables. Everything in moto, which
//! has CloudTrail and keeps accounts apart.

use std::path::PathBuf;
use std::process::Child;

use serde_json::{Value, json};
use stockade_store::dynamodb::create_if_missing;
use stockade_testkit::emulator::{Listener, unique};
use stockade_testkit::fault_proxy::FaultProxy;
use stockade_testkit::moto::Account;
use stockade_testkit::runtime_api::{Answer, RuntimeApi};

use crate::site::{PATIENCE, command};

const REGION: &str = "eu-central-1";

/// An account with what the template makes in it.
struct Guard {
    account: Account,
    proxy: FaultProxy,
    table: String,
    topic: String,
    folder: tempfile::TempDir,
}

/// A function of it.
struct Running {
    api: RuntimeApi,
    child: Child,
}

impl Guard {
    /// None, after a line that says so, where no moto runs.
    fn new() -> Option<Self> {
        let account = Account::new(REGION)?;
        let (proxy, table) = (FaultProxy::before(account.endpoint()), unique("Stockade"));
        create_if_missing(&account.aws, &table).unwrap();
        let topics = aws_sdk_sns::Client::new(account.aws.config());
        let topic = |name: &str| {
            account.aws.block_on(topics.create_topic().name(name).send()).unwrap().topic_arn.unwrap()
        };
        let (topic, _notices) = (topic("F2B"), topic("stockade-notices"));
        Some(Self { account, proxy, table, topic, folder: tempfile::tempdir().unwrap() })
    }

    /// The configuration that is packed with the program, unless a test writes another one.
    fn configuration(&self) -> PathBuf {
        let own = self.folder.path().join("stockade.toml");
        if own.exists() { self.folder.path().to_owned() } else { xtask::root().join("deploy/aws/conf") }
    }

    /// A function as the template sets it up, but for these variables.
    fn start(&self, variables: &[(&str, &str)]) -> Running {
        let api = RuntimeApi::start().unwrap();
        let mut command = command(&api, "events");
        command.envs(self.account.env()).env("AWS_ENDPOINT_URL", self.proxy.url());
        command.env("STOCKADE_CONFIG", self.configuration());
        command.env("STOCKADE_AWS_TABLE", &self.table).env("STOCKADE_AWS_TOPIC", &self.topic);
        command.env("STOCKADE_REPAIR_SHELF", format!("dynamodb:{}", self.table));
        command.env("STOCKADE_REPAIR_REGIONS", REGION).env("STOCKADE_REPAIR_TRIAL", "7d");
        command.env("STOCKADE_REPAIR_PLAYBOOKS", "P01=,P02=,P03=,P04=");
        command.env("STOCKADE_REPAIR_MEMBERS", "").env("STOCKADE_REPAIR_EXTERNAL_ID", "");
        command.env("STOCKADE_REPAIR_OWN_FUNCTIONS", "stockade-events");
        for (name, value) in variables {
            command.env(name, value);
        }
        Running { child: command.spawn().unwrap(), api }
    }
}

impl Running {
    fn answer(&self, payload: &Value) -> Value {
        match self.api.invoke(payload.to_string().as_bytes(), PATIENCE).unwrap() {
            Answer::Response(body) => serde_json::from_slice(&body).unwrap(),
            Answer::Error(body) => panic!("{}", String::from_utf8_lossy(&body)),
        }
    }

    /// What the guard that Stockade grew out of would answer.
    fn status(&self, payload: &Value) -> (u64, String) {
        let answer = self.answer(payload);
        let code = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{answer}"));
        (code, answer["body"].as_str().unwrap().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The smallest guard, as the original was: one playbook that acts. What it may not do, it does not; what comes later, by the
/// next version of the stack, it does.
#[test]
fn variables_say_how_far_it_goes() {
    let Some(guard) = Guard::new() else { return };
    let trail = guard.account.trail("main");
    let (event, bare) = (guard.account.stop_logging(&trail), guard.account.config_event());
    let planned = guard.start(&[("STOCKADE_REPAIR_MODE", "plan")]);
    let (code, body) = planned.status(&event);
    assert!(code == 200 && body.contains("would be repaired"), "{code} {body}");
    assert!(!guard.account.is_logging(&trail));
    drop(planned);
    // `act` for all: for the time of the trial the same.
    let tried = guard.start(&[("STOCKADE_REPAIR_MODE", "act")]);
    let (code, body) = tried.status(&bare);
    assert!(code == 200 && body.contains("would be repaired"), "{code} {body}");
    drop(tried);
    // One by its name, and the trial is no matter.
    let acts = [("STOCKADE_REPAIR_MODE", "off"), ("STOCKADE_REPAIR_PLAYBOOKS", "P01=act,P02=,P03=,P04=")];
    let function = guard.start(&acts);
    let (code, body) = function.status(&guard.account.config_event());
    assert!(code == 200 && body.contains("repaired and verified"), "{code} {body}");
    assert!(guard.account.is_logging(&trail));
    // Another copy knows what this one did.
    let copy = guard.start(&acts);
    guard.account.stop_logging(&trail);
    assert_eq!(copy.status(&event), (200, "this event was dealt with before".to_owned()));
    assert!(!guard.account.is_logging(&trail));
    // The clock needs no event.
    let clock = json!({"version": "0", "id": "s", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-11-22T10:00:00Z", "region": REGION, "resources": [], "detail": {}});
    copy.answer(&clock);
    assert!(guard.account.is_logging(&trail));
}

/// What a variable says counts more than the file in the package, and what it should not say keeps the function from starting.
#[test]
fn variables_count_more_than_the_file() {
    let Some(guard) = Guard::new() else { return };
    let file = "[responders.repair]\nkind = \"repair\"\n[repair]\nmode = \"plan\"\n[repair.playbooks]\ntrail-stopped = \"off\"\n";
    std::fs::write(guard.folder.path().join("stockade.toml"), file).unwrap();
    let trail = guard.account.trail("main");
    let event = guard.account.stop_logging(&trail);
    let function = guard.start(&[("STOCKADE_REPAIR_PLAYBOOKS", "P01=act")]);
    let (code, body) = function.status(&event);
    assert!(code == 200 && body.contains("repaired and verified"), "{code} {body}");
    for (name, value, wanted) in [
        (
            "STOCKADE_REPAIR_MODE",
            "always",
            "expected one of `off`, `notify`, `plan`, `approve`, `act`, got: `always`",
        ),
        ("STOCKADE_REPAIR_PLAYBOOKS", "P01=act,P99=act", "unknown playbook `P99`"),
        ("STOCKADE_REPAIR_TRIAL", "a week", "got: `a week`"),
        ("STOCKADE_REPAIR_MEMBERS", "222222222222", "expected the ARN of a role"),
        ("STOCKADE_REPAIR_EXTERNAL_ID", "a b", "got: `a b`"),
    ] {
        let broken = guard.start(&[(name, value)]);
        let error = broken.api.ready(PATIENCE).map(drop).unwrap_err().to_string();
        assert!(
            error.contains(&format!("environment variable `{name}`")) && error.contains(wanted),
            "{error}"
        );
    }
}

/// Two accounts: an event of the other is followed there, by its role.
#[test]
fn members_are_repaired_by_their_role() {
    let (Some(guard), Some(member)) = (Guard::new(), Account::new(REGION)) else { return };
    let role = format!("arn:aws:iam::{}:role/stockade-member", member.id);
    let function = guard.start(&[
        ("STOCKADE_REPAIR_PLAYBOOKS", "P01=act"),
        ("STOCKADE_REPAIR_MODE", "off"),
        ("STOCKADE_REPAIR_MEMBERS", &role),
        ("STOCKADE_REPAIR_EXTERNAL_ID", "0123456789"),
    ]);
    let trail = member.trail("main");
    let (code, body) = function.status(&member.stop_logging(&trail));
    assert!(code == 200 && body.contains("repaired and verified"), "{code} {body}");
    assert!(member.is_logging(&trail));
    let seen = guard.proxy.seen();
    let assumed: Vec<_> = seen.iter().filter(|request| request.action() == Some("AssumeRole")).collect();
    assert!(!assumed.is_empty());
    for request in assumed {
        let form = String::from_utf8_lossy(&request.body);
        assert!(form.contains("ExternalId=0123456789") && form.contains(&member.id), "{form}");
    }
}

/// A finding becomes a ban in the table, and hosts hear of it.
#[test]
fn a_finding_is_a_ban_that_hosts_hear_of() {
    let Some(guard) = Guard::new() else { return };
    let host = Listener::subscribe(
        &guard.account.aws,
        &guard.topic,
        &["guardduty-bruteforce", "console-login-failures"],
        true,
    );
    let function = guard.start(&[("STOCKADE_REPAIR_MODE", "off")]);
    let finding = |id: &str, role: &str, address: &str| {
        let now = jiff::Timestamp::now().to_string();
        json!({
            "version": "0", "id": id, "detail-type": "GuardDuty Finding", "source": "aws.guardduty", "account": guard.account.id,
            "time": now, "region": REGION, "resources": [],
            "detail": {"schemaVersion": "2.0", "accountId": guard.account.id, "region": REGION, "id": id,
                "type": "UnauthorizedAccess:EC2/SSHBruteForce",
                "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0a1b2c3d"}},
                "service": {"serviceName": "guardduty", "detectorId": "d0", "archived": false, "count": 3,
                    "resourceRole": role, "action": {"actionType": "NETWORK_CONNECTION",
                    "networkConnectionAction": {"connectionDirection": "INBOUND",
                        "remoteIpDetails": {"ipAddressV4": address}, "blocked": false}}},
                "severity": 5, "updatedAt": now},
        })
    };
    let message = |body: &Value| {
        json!({"messageId": body["id"], "receiptHandle": "r", "body": body.to_string(),
            "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:stockade-events"})
    };
    let sign_in = |n: u32, address: &str| {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        json!({"version": "0", "id": format!("s{n}"), "detail-type": "AWS Console Sign In via CloudTrail",
            "source": "aws.signin", "account": guard.account.id, "time": now, "region": "us-east-1", "resources": [],
            "detail": {"eventVersion": "1.11", "eventID": format!("{address}-{n}"), "eventTime": now,
                "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "awsRegion": "us-east-1",
                "sourceIPAddress": address, "userIdentity": {"type": "IAMUser", "userName": "alice"},
                "responseElements": {"ConsoleLogin": "Failure"}, "eventType": "AwsConsoleSignIn",
                "recipientAccountId": guard.account.id}})
    };
    let mut events = vec![
        finding("actor", "ACTOR", "203.0.113.66"),
        finding("private", "TARGET", "10.1.2.3"),
        finding("target", "TARGET", "203.0.113.7"),
    ];
    events.extend((0..4).map(|n| sign_in(n, "203.0.113.8")));
    let all = json!({"Records": events.iter().map(message).collect::<Vec<_>>()});
    let none = json!({"batchItemFailures": []});
    assert_eq!(function.answer(&all), none);
    assert_eq!(function.answer(&all), none, "once more");
    let fifth = json!({"Records": [message(&sign_in(4, "203.0.113.8"))]});
    assert_eq!(function.answer(&fifth), none);
    let heard = host.listen(PATIENCE, |heard| heard.len() >= 2);
    let mut bans: Vec<_> = heard.iter().flat_map(|heard| heard.bans.clone()).collect();
    bans.sort();
    let one = |jail: &str, key: &str| (jail.to_owned(), vec![key.to_owned()]);
    assert_eq!(
        bans,
        [one("console-login-failures", "203.0.113.8"), one("guardduty-bruteforce", "203.0.113.7")]
    );
}
