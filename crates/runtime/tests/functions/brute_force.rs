//! GuardDuty's findings and failed sign-ins to bans, by the shipped rules: P20 and P21.

use serde_json::{Value, json};
use stockade_runtime::functions::Role;

use crate::events::{invoke, message, sqs};
use crate::world::{JAILS, NOW, World, ban, matches};

const ATTACKER: &str = "203.0.113.7";

/// A world whose own address and whose office are known.
fn world() -> World {
    World::with(JAILS, "[guards]\nprotect = [\"198.51.100.0/24\", \"192.0.2.5\"]\n")
}

fn time(secs: i64) -> String {
    jiff::Timestamp::from_second(NOW + secs).unwrap().to_string()
}

/// A finding about a machine of ours, as GuardDuty tells it.
pub(crate) fn finding(id: &str, kind: &str, role: &str, address: &str) -> Value {
    json!({
        "version": "0", "id": format!("e-{id}"), "detail-type": "GuardDuty Finding", "source": "aws.guardduty",
        "account": "111122223333", "time": time(0), "region": "eu-central-1", "resources": [],
        "detail": {
            "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-central-1", "id": id, "type": kind,
            "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0a1b2c3d",
                "networkInterfaces": [{"privateIpAddress": "10.0.0.5", "publicIp": "192.0.2.5"}]}},
            "service": {
                "serviceName": "guardduty", "detectorId": "d0", "archived": false, "count": 3, "resourceRole": role,
                "action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": {
                    "connectionDirection": "INBOUND", "localPortDetails": {"port": 22, "portName": "SSH"},
                    "remoteIpDetails": {"ipAddressV4": address}, "blocked": false}},
            },
            "severity": 5, "updatedAt": time(0),
        },
    })
}

/// A sign-in that failed, so long after [`NOW`].
pub(crate) fn sign_in(id: &str, secs: i64, address: &str) -> Value {
    json!({
        "version": "0", "id": format!("e-{id}"), "detail-type": "AWS Console Sign In via CloudTrail",
        "source": "aws.signin", "account": "111122223333", "time": time(secs), "region": "us-east-1", "resources": [],
        "detail": {
            "eventVersion": "1.11", "eventID": id, "eventTime": time(secs), "eventSource": "signin.amazonaws.com",
            "eventName": "ConsoleLogin", "awsRegion": "us-east-1", "sourceIPAddress": address,
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"},
            "requestParameters": null, "responseElements": {"ConsoleLogin": "Failure"},
            "errorMessage": "Failed authentication", "eventType": "AwsConsoleSignIn",
            "recipientAccountId": "111122223333",
        },
    })
}

/// What was announced of the two rules, after all of it came in one batch and once more.
fn announced(world: &World, events: &[Value]) -> Vec<String> {
    let messages: Vec<Value> = events.iter().map(|event| message("m", &event.to_string())).collect();
    let mut function = world.function(Role::Events);
    for _ in 0..2 {
        for batch in messages.chunks(10) {
            let invoked = invoke(&mut function, &sqs(batch));
            assert_eq!(invoked.answer.as_deref(), Ok(&br#"{"batchItemFailures":[]}"#[..]), "{invoked:?}");
        }
    }
    world.heard()
}

#[test]
fn the_attacker_of_a_machine_is_banned_and_its_victim_never() {
    for kind in ["UnauthorizedAccess:EC2/SSHBruteForce", "UnauthorizedAccess:EC2/RDPBruteForce"] {
        let world = world();
        let heard = announced(
            &world,
            &[
                finding("target", kind, "TARGET", ATTACKER),
                // Our own machine attacks: the address is that of its victim.
                finding("actor", kind, "ACTOR", "203.0.113.66"),
            ],
        );
        assert_eq!(heard, ["+guardduty-bruteforce 203.0.113.7 1 v1"]);
        let record = ban(&world.ledger, "guardduty-bruteforce", ATTACKER).unwrap().record;
        assert!(record.live && record.until.since(record.since).as_secs() == 3_600, "{record:?}");
        assert!(ban(&world.ledger, "guardduty-bruteforce", "203.0.113.66").is_none());
    }
}

#[test]
fn neither_private_nor_own_nor_protected_addresses_are_banned() {
    let kind = "UnauthorizedAccess:EC2/SSHBruteForce";
    let never = [
        "10.1.2.3",
        "172.16.9.9",
        "192.168.7.7",
        "100.64.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "192.0.2.5",
        "198.51.100.9",
    ];
    let world = world();
    let findings: Vec<Value> =
        never.iter().map(|address| finding(&format!("f-{address}"), kind, "TARGET", address)).collect();
    let mut logins = Vec::new();
    for address in never {
        logins.extend((0..6).map(|n| sign_in(&format!("s-{address}-{n}"), -60 + n, address)));
    }
    assert_eq!(announced(&world, &findings), [""; 0]);
    assert_eq!(announced(&world, &logins), [""; 0]);
    for address in never {
        for jail in ["guardduty-bruteforce", "console-login-failures"] {
            assert!(ban(&world.ledger, jail, address).is_none_or(|ban| !ban.record.live), "{jail} {address}");
        }
    }
    // The guards are not simply shut.
    assert_eq!(announced(&world, &[finding("f", kind, "TARGET", ATTACKER)]).len(), 1);
}

#[test]
fn five_failed_logins_within_five_minutes_are_a_ban_and_four_are_none() {
    let world = world();
    let of = |address: &str, secs: &[i64]| -> Vec<Value> {
        secs.iter().map(|secs| sign_in(&format!("{address}{secs}"), *secs, address)).collect()
    };
    assert_eq!(announced(&world, &of(ATTACKER, &[-200, -150, -100, -50])), [""; 0]);
    assert_eq!(matches(&world.ledger, "console-login-failures", ATTACKER), 4);
    // Five, but the first was longer ago than five minutes when the last one came.
    assert_eq!(announced(&world, &of("203.0.113.8", &[-310, -200, -150, -100, -5])), [""; 0]);
    // The fifth comes, by whatever order.
    assert_eq!(announced(&world, &of(ATTACKER, &[-299])), ["+console-login-failures 203.0.113.7 1 v1"]);
    // Who signs in is nobody's failure.
    let mut success = sign_in("success", -1, "203.0.113.9");
    success["detail"]["responseElements"]["ConsoleLogin"] = json!("Success");
    let all: Vec<Value> = (0..6)
        .map(|n| {
            let mut one = success.clone();
            one["detail"]["eventID"] = json!(format!("success-{n}"));
            one
        })
        .collect();
    assert_eq!(announced(&world, &all).len(), 1);
}
