//! The guard, on what its templates make in the emulator: an event on a bus to the queue, the function, bans and notices;
//! forwarded from another region; from a trail's files; beside the stack of bans.yaml; and the permissions of its role.
//!
//! The emulator makes neither a rule of AWS Config nor the policy of a bus, so both are left out of the templates here. It lets
//! nobody send events of `aws.…`, as AWS does, and delivers by no rule whose state is another than `ENABLED`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "guard/site.rs"]
mod site;
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use site::{Guard, call_event, gzip, put_object, role_grants, sign_in_failed, wanted_grants};
use stockade_repair::{CATALOGUE, Mode};
use stockade_testkit::emulator::{Emulator, Listener, Stack, addresses, invoke, wait};
use support::{PATIENCE, packed};

/// What is told in these tests: a rule that only tells, so that the notice does not wait for a repair.
fn recorder() -> serde_json::Value {
    json!({ "configurationRecorderName": "main" })
}

/// Five failed logins ban an address, a stopped recorder is told: rules, queue, function, topics.
#[test]
fn events_on_the_bus_become_bans_and_notices() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let guard = Guard::deploy(&aws, &[]);
    let host = Listener::subscribe(&aws, guard.stack.output("Topic"), &["console-login-failures"], false);
    let notices = guard.notices();

    for n in 0..5 {
        guard.put_event("default", &sign_in_failed("203.0.113.7", n));
    }
    guard.put_event("default", &sign_in_failed("203.0.113.8", 9));
    let heard = host.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(addresses(&heard, "console-login-failures"), ["203.0.113.7"], "{}", guard.logs().join(""));

    guard.put_event("default", &call_event("test.config", "StopConfigurationRecorder", &recorder()));
    let told =
        wait("the notice", PATIENCE, || notices.receive().into_iter().find(|text| text.contains("recorder")));
    assert!(told.contains("main"), "{told}");
    guard.queue_empties();
    assert_eq!(guard.failed_events(), 0);

    // What no rule asks for does not come.
    guard.put_event("default", &call_event("test.config", "StartConfigurationRecorder", &recorder()));
    std::thread::sleep(Duration::from_secs(1));
    assert!(!guard.logs().join("").contains("StartConfigurationRecorder"));
}

/// The rules of another region send to the guard's bus, and from there the event takes the same road.
#[test]
fn another_region_forwards_to_the_guard() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let guard = Guard::deploy(&aws, &[]);
    let notices = guard.notices();
    // On the guard's own bus, where what is forwarded arrives. The emulator does not carry events between regions.
    guard.put_event("stockade-events", &call_event("test.config", "StopConfigurationRecorder", &recorder()));
    let told =
        wait("the notice", PATIENCE, || notices.receive().into_iter().find(|text| text.contains("recorder")));
    assert!(told.contains("main"), "{told}");
    let there = aws.in_region("us-east-1");
    let forwards = Stack::deploy(
        &there,
        &site::template("guard-region.yaml"),
        Vec::new(),
        &[("GuardBus", guard.stack.output("Bus"))],
    );
    let targets = site::targets(&there, "stockade-repair-events-1");
    assert_eq!(targets[0]["Arn"], guard.stack.output("Bus"));
    assert!(
        targets[0]["RoleArn"].as_str().unwrap().ends_with(":role/stockade-forward-us-east-1"),
        "{targets}"
    );
    assert!(forwards.output("FailedEvents").ends_with("stockade-forward-failed"));
}

/// The heartbeat takes the road of all events; the schedule of reconcile asks the function itself.
#[test]
fn a_heartbeat_counts_as_an_event_and_the_schedule_is_answered() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-west-1");
    let guard = Guard::deploy(&aws, &[("Watch", "Repairs")]);
    let heartbeat = json!({
        "version": "0", "id": "5a10c0ff-0000-4000-8000-000000000001", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "111122223333", "time": "2026-11-22T10:15:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:111122223333:rule/stockade-heartbeat"], "detail": {},
    });
    guard.send(&heartbeat.to_string());
    let counted = || {
        guard
            .logs()
            .into_iter()
            .find(|line| line.contains("\"Role\":\"events\"") && line.contains("\"Events\":1"))
    };
    wait("the count that the alarm asks for", PATIENCE, counted);
    guard.queue_empties();
    invoke(&aws, guard.function(), &heartbeat);
    let names = site::rule_names(&aws);
    assert!(names.contains("stockade-repair-events-1") && names.contains("stockade-reconcile"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("stockade-watch-")), "{names:?}");
}

/// A trail's bucket tells the queue of a new file, and the function reads it.
#[test]
fn a_trails_files_are_read() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let bucket = stockade_testkit::emulator::unique("trail");
    put_object(&aws, &bucket, None);
    // Records of files are what they are; the shipped rules match them.
    let guard = Guard::as_shipped(&aws, &[("TrailBucket", bucket.as_str()), ("ReadTrailFiles", "yes")]);
    let notices = guard.notices();
    site::notify(&aws, &bucket, guard.stack.output("Queue"));
    // S3 tries first whether it may send, and that message means nothing.
    guard.queue_empties();
    let record = call_event("aws.config", "StopConfigurationRecorder", &recorder())["detail"].clone();
    let file = gzip(&json!({ "Records": [record] }).to_string());
    let key = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/22/\
               111122223333_CloudTrail_eu-central-1_20261122T1015Z_abcdefghijklmnop.json.gz";
    put_object(&aws, &bucket, Some((key, file)));
    let told =
        wait("the notice", PATIENCE, || notices.receive().into_iter().find(|text| text.contains("recorder")));
    assert!(told.contains("main"), "{told}");
    guard.queue_empties();
}

/// One table, one topic, one function that ends bans.
#[test]
fn it_works_beside_the_stack_of_bans() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    for group in ["Auth", "Syslog"] {
        stockade_testkit::emulator::make_log_group(&aws, group);
    }
    let text = std::fs::read_to_string(xtask::root().join("deploy/aws/bans.yaml")).unwrap();
    let bans = Stack::deploy(&aws, &text, packed(|_| {}), &[]);
    let of = |name: &str| bans.output(name).to_owned();
    let (table, topic, snapshot) = (of("Table"), of("Topic"), of("Snapshot"));
    let guard =
        Guard::deploy(&aws, &[("UseTable", &table), ("UseTopic", &topic), ("UseSnapshot", &snapshot)]);
    assert_eq!((guard.stack.output("Table"), guard.stack.output("Topic")), (&*table, &*topic));
    let made = site::resources(&aws, &guard.stack.name);
    for kind in ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::IAM::ManagedPolicy"] {
        assert!(!made.iter().any(|(_, of)| of == kind), "{made:?}");
    }
    assert!(!made.iter().any(|(name, _)| name.starts_with("Expire")), "{made:?}");

    // A ban of the guard is in the same table, so the other stack's function announces its end and puts it into the snapshot.
    let host = Listener::subscribe(&aws, &topic, &["console-login-failures"], false);
    for n in 0..5 {
        guard.put_event("default", &sign_in_failed("203.0.113.7", n));
    }
    let heard = host.listen(PATIENCE, |heard| !heard.is_empty());
    assert_eq!(addresses(&heard, "console-login-failures"), ["203.0.113.7"], "{}", guard.logs().join(""));
    let answer = invoke(&aws, bans.output("ExpireFunction"), &json!({}));
    assert_eq!(answer["live_bans"], 1, "{answer}");
}

/// What the template grants is what the playbooks ask for, in whatever mode; likewise in another account.
#[test]
fn the_role_may_do_what_the_playbooks_need_in_their_modes() {
    let Some(emulator) = Emulator::ministack() else { return };
    let all = |mode: Mode| vec![mode; CATALOGUE.len()];
    let mut mixed = all(Mode::Off);
    mixed[0] = Mode::Act;
    let mut looks = all(Mode::Act);
    looks[0] = Mode::Plan;
    let cases = [
        ("act", Vec::new(), CATALOGUE.iter().map(|playbook| playbook.about().mode).collect()),
        ("plan", Vec::new(), all(Mode::Plan)),
        ("off", vec![("TrailStopped", "act")], mixed),
        ("act", vec![("TrailStopped", "plan")], looks),
        ("off", Vec::new(), all(Mode::Off)),
    ];
    for (mode, single, modes) in cases {
        let aws = emulator.own_account("eu-central-1");
        let mut parameters = vec![("Mode", mode)];
        parameters.extend(&single);
        let guard = Guard::deploy_without_program(&aws, &parameters);
        let account = guard.stack.output("Role").split(':').nth(4).unwrap().to_owned();
        let wanted = wanted_grants(&modes, &account);
        assert_eq!(role_grants(&aws, "stockade-events-eu-central-1"), wanted, "{mode} {single:?}");
        parameters.extend([("GuardRole", guard.stack.output("Role")), ("ExternalId", "0123456789")]);
        let member = Stack::deploy(&aws, &site::template("guard-member.yaml"), Vec::new(), &parameters);
        assert!(member.output("Role").ends_with(":role/stockade-member"));
        assert_eq!(role_grants(&aws, "stockade-member"), wanted, "{mode} {single:?}");
        assert_eq!(wanted.is_empty(), modes.iter().all(|mode| *mode == Mode::Off));
    }
}

/// The smallest guard, deployed: AWS Config says that no trail logs, and it logs again; what no event tells is found on the
/// schedule.
#[test]
fn the_smallest_guard_starts_a_stopped_trail() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let parameters =
        [("Watch", "Repairs"), ("Mode", "off"), ("TrailStopped", "act"), ("Regions", "eu-central-1")];
    let guard = Guard::as_shipped(&aws, &parameters);
    let account = guard.stack.output("Role").split(':').nth(4).unwrap().to_owned();
    let bucket = stockade_testkit::emulator::unique("trail");
    put_object(&aws, &bucket, None);
    site::cloudtrail(&aws, "CreateTrail", &json!({"Name": "main", "S3BucketName": bucket}));
    let is_logging =
        || site::cloudtrail(&aws, "GetTrailStatus", &json!({"Name": "main"}))["IsLogging"] == true;
    assert!(!is_logging());
    let event = json!({
        "version": "0", "id": "5a10c003-0000-4000-8000-000000000003", "source": "aws.config",
        "detail-type": "Config Rules Compliance Change", "account": account, "time": "2026-11-22T10:15:00Z",
        "region": "eu-central-1", "resources": [],
        "detail": {"resourceId": account, "awsRegion": "eu-central-1", "awsAccountId": account,
            "configRuleName": "cloudtrail-enabled", "messageType": "ComplianceChangeNotification",
            "newEvaluationResult": {"complianceType": "NON_COMPLIANT", "resultRecordedTime": "2026-11-22T10:15:00Z"},
            "resourceType": "AWS::::Account"},
    });
    let answer = invoke(&aws, guard.function(), &event);
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert!(answer["body"].as_str().unwrap().contains("repaired and verified"), "{answer}");
    assert!(is_logging());
    assert_eq!(invoke(&aws, guard.function(), &event)["body"], "this event was dealt with before");
    site::cloudtrail(&aws, "StopLogging", &json!({"Name": "main"}));
    let clock = json!({"version": "0", "id": "5a10c0ff-0000-4000-8000-000000000001", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": account, "time": "2026-11-22T10:15:00Z", "region": "eu-central-1",
        "resources": [], "detail": {}});
    invoke(&aws, guard.function(), &clock);
    assert!(is_logging(), "{}", guard.logs().join(""));
}

/// A guard that only planned is let act by one change of its stack: how far it goes and what it may do come together.
#[test]
fn who_plans_may_change_nothing_and_one_change_lets_it_act() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let mut guard =
        Guard::deploy_without_program(&aws, &[("Mode", "plan"), ("Trial", "0d"), ("TrailDeleted", "notify")]);
    let account = guard.stack.output("Role").split(':').nth(4).unwrap().to_owned();
    let granted = || role_grants(&aws, "stockade-events-eu-central-1");
    let reads = ["Describe", "Get", "List", "Head"];
    let planned = granted();
    assert!(!planned.is_empty());
    for (action, ..) in &planned {
        let name = action.split(':').nth(1).unwrap();
        assert!(reads.iter().any(|read| name.starts_with(read)), "{action} changes something");
    }
    let told = |guard: &Guard, name: &str| guard.variables()[format!("STOCKADE_REPAIR_{name}")].clone();
    assert_eq!((told(&guard, "MODE"), told(&guard, "TRIAL")), (json!("plan"), json!("0d")));
    assert!(told(&guard, "PLAYBOOKS").as_str().unwrap().contains("P02=notify"), "{}", guard.variables());

    guard.stack.change(&aws, &[("Mode", "act"), ("TrailDeleted", "")]);
    let catalogue: Vec<Mode> = CATALOGUE.iter().map(|playbook| playbook.about().mode).collect();
    assert_eq!(granted(), wanted_grants(&catalogue, &account));
    assert_eq!(told(&guard, "MODE"), json!("act"));
    guard.stack.change(&aws, &[("Mode", "off"), ("TrailStopped", "act")]);
    let mut one = vec![Mode::Off; CATALOGUE.len()];
    one[0] = Mode::Act;
    assert_eq!(granted(), wanted_grants(&one, &account));
    assert!(told(&guard, "PLAYBOOKS").as_str().unwrap().contains("P01=act"), "{}", guard.variables());
}

/// Members and their external id reach the function, and it may assume those roles and no others.
#[test]
fn the_function_is_told_of_the_members() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let roles =
        "arn:aws:iam::222222222222:role/stockade-member,arn:aws:iam::333333333333:role/stockade-member";
    let parameters =
        [("MemberRoles", roles), ("ExternalId", "0123456789"), ("Regions", "eu-central-1,us-east-1")];
    let guard = Guard::deploy_without_program(&aws, &parameters);
    let variables = guard.variables();
    assert_eq!(variables["STOCKADE_REPAIR_MEMBERS"], roles);
    assert_eq!(variables["STOCKADE_REPAIR_EXTERNAL_ID"], "0123456789");
    assert_eq!(variables["STOCKADE_REPAIR_REGIONS"], "eu-central-1,us-east-1");
    let policy = site::policy_of(&aws, "stockade-events-eu-central-1", "events");
    let members = policy["Statement"].as_array().unwrap().iter().find(|one| one["Sid"] == "Members").unwrap();
    assert_eq!(members["Action"], "sts:AssumeRole");
    assert_eq!(members["Resource"], json!(roles.split(',').collect::<Vec<_>>()));
    // What the function is told, the program reads.
    let env = |name: &str| variables[name].as_str().map(str::to_owned);
    let paths = stockade_config::Paths {
        directory: Some(xtask::root().join("deploy/aws/conf")),
        ..Default::default()
    };
    let config = stockade_config::load_with(&paths, &env, stockade_config::ReadRules::No).unwrap();
    let accounts: Vec<_> = config
        .program
        .repair
        .accounts
        .iter()
        .map(|one| (one.role.as_str(), one.external_id.as_deref()))
        .collect();
    assert_eq!(accounts, roles.split(',').map(|role| (role, Some("0123456789"))).collect::<Vec<_>>());
    let modes = config.program.repair.modes();
    assert!(modes.rules.is_empty() && modes.at_most == Mode::Act, "{modes:?}");
}

/// Every rule that the template makes is guarded by its name and goes to the queue.
#[test]
fn every_rule_is_called_stockade() {
    let Some(emulator) = Emulator::ministack() else { return };
    let aws = emulator.own_account("eu-central-1");
    let guard = Guard::deploy_without_program(&aws, &[]);
    let names = site::rule_names(&aws);
    let others: BTreeSet<_> =
        names.iter().filter(|name| !name.starts_with("stockade-") && !name.contains("Expire")).collect();
    assert!(others.is_empty(), "{others:?}");
    for name in names.iter().filter(|name| name.contains("events-") || name.contains("reads-")) {
        let targets = site::targets(&aws, name);
        assert_eq!(targets[0]["Arn"], guard.stack.output("Queue"), "{name}");
    }
}
