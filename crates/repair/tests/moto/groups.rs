//! P16: a security group that was opened to the world is closed, rule by rule.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use stockade_repair::{Mode, Outcome, PassedOver};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{World, is_verified, notable, unique};

/// A group without rules; its id.
fn group(world: &mut World, name: &str) -> String {
    let made =
        world.admin("ec2", "CreateSecurityGroup", json!({"GroupName": name, "GroupDescription": "a test"}));
    made["groupId"].as_str().unwrap().to_owned()
}

fn allow(world: &mut World, group: &str, permission: Value) {
    world.admin(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        json!({"GroupId": group, "IpPermissions": [permission]}),
    );
}

fn tcp(port: u16, net: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": net, "Description": net}]})
}

/// The incoming rules of a group by their numbers, and without them.
fn rules(world: &mut World, group: &str) -> BTreeMap<String, Value> {
    let all = world.admin(
        "ec2",
        "DescribeSecurityGroupRules",
        json!({"Filter": [{"Name": "group-id", "Value": [group]}]}),
    );
    let mut rules = BTreeMap::new();
    for mut rule in all["securityGroupRuleSet"].as_array().cloned().unwrap_or_default() {
        let id = rule.as_object_mut().unwrap().remove("securityGroupRuleId").unwrap();
        if rule["isEgress"] == "false" {
            // moto's ARN is made of the number.
            rule.as_object_mut().unwrap().remove("securityGroupRuleArn");
            rules.insert(id.as_str().unwrap().to_owned(), rule);
        }
    }
    rules
}

/// The same without numbers, in an order of their own.
fn shapes(rules: BTreeMap<String, Value>) -> Vec<String> {
    let mut shapes: Vec<String> = rules.into_values().map(|rule| rule.to_string()).collect();
    shapes.sort();
    shapes
}

fn opened(world: &mut World, group: &str) -> Value {
    let items = json!([{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {}, "groups": {}, "prefixListIds": {}}]);
    world.event_of(
        "ec2",
        "AuthorizeSecurityGroupIngress",
        json!({"groupId": group, "ipPermissions": {"items": items}}),
    )
}

/// Tamper, event, repair, verified; again nothing; undo. For the permissions as well.
pub(crate) fn life(world: &mut World) {
    let web = group(world, "web");
    for permission in [tcp(22, "10.0.0.0/8"), tcp(443, "0.0.0.0/0"), tcp(80, "0.0.0.0/0")] {
        allow(world, &web, permission);
    }
    let neighbours = rules(world, &web);
    assert_eq!(world.reconcile().notable().count(), 0);
    allow(world, &web, tcp(22, "198.51.100.7/0"));
    allow(
        world,
        &web,
        json!({"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 4000, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}),
    );
    let tampered = rules(world, &web);
    let event = opened(world, &web);
    let run = world.follow("P16", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(item.done.len(), 2, "{item:#?}");
    assert_eq!(item.name, "web");
    assert!(item.says.contains("tcp 22 from 198.51.100.7/0"), "{}", item.says);
    assert_eq!(rules(world, &web), neighbours, "the neighbours, by their numbers");

    assert_eq!(world.follow("P16", &event).passed_over, Some(PassedOver::Duplicate));
    let other = opened(world, &web);
    assert_eq!(world.follow("P16", &other).notable().count(), 0);
    assert!(world.writes().len() == 2);

    world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(shapes(rules(world, &web)), shapes(tampered), "the former rules, with what was said of them");
    assert!(matches!(notable(&world.reconcile()).outcome, Outcome::Exempt { .. }));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

#[test]
fn what_no_event_told_is_found_by_the_schedule() {
    let Some(mut world) = World::new() else { return };
    let (web, other) = (group(&mut world, "web"), group(&mut world, "other"));
    for half in ["0.0.0.0/1", "128.0.0.0/1"] {
        allow(&mut world, &web, tcp(3389, half));
    }
    allow(&mut world, &other, tcp(8443, "0.0.0.0/0"));
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(rules(&mut world, &web).is_empty());
    assert_eq!(rules(&mut world, &other).len(), 1);
    assert_eq!(
        world.reconcile().notable().count(),
        0,
        "a port that somebody chose is told by its event alone"
    );
    let event = world.event_of("ec2", "AuthorizeSecurityGroupIngress", json!({"groupId": other}));
    let run = world.follow("P16", &event);
    assert!(matches!(notable(&run).outcome, Outcome::Told { .. }), "{run:#?}");
    assert!(notable(&run).says.contains("8443"), "{run:#?}");
}

#[test]
fn a_call_that_fails_halfway_is_on_record_and_the_rest_is_done_the_next_time() {
    let Some(mut world) = World::new() else { return };
    let web = group(&mut world, "web");
    for port in [22, 3306] {
        allow(&mut world, &web, tcp(port, "0.0.0.0/0"));
    }
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    world.proxy.rule(move |request| {
        let first = count.load(std::sync::atomic::Ordering::Relaxed) == 0;
        if request.action() != Some("RevokeSecurityGroupIngress") || first {
            if request.action() == Some("RevokeSecurityGroupIngress") {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            return Verdict::Pass;
        }
        Verdict::answer(refusal("RequestLimitExceeded", 503))
    });
    let event = opened(&mut world, &web);
    let run = world.follow("P16", &event);
    let failed = notable(&run).clone();
    assert!(matches!(&failed.outcome, Outcome::Failed { done: 1, of: 2, .. }), "{failed:#?}");
    assert!(run.retry());
    assert_eq!(rules(&mut world, &web).len(), 1);
    world.proxy.rule(|_| Verdict::Pass);
    let run = world.follow("P16", &event);
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).done.len(), 1);
    assert!(rules(&mut world, &web).is_empty());
    assert_eq!(world.kinds(&failed.id), ["began", "repair", "began", "repair"]);
    // Both parts are taken back.
    world.engine.undo(&failed.id, "alice").unwrap();
    assert_eq!(rules(&mut world, &web).len(), 2);
}

#[test]
fn a_rule_that_is_gone_meanwhile_is_no_failure() {
    let Some(mut world) = World::new() else { return };
    let web = group(&mut world, "web");
    allow(&mut world, &web, tcp(22, "0.0.0.0/0"));
    world.proxy.rule(|request| match request.action() {
        Some("RevokeSecurityGroupIngress") => {
            Verdict::answer(refusal("InvalidSecurityGroupRuleId.NotFound", 400))
        }
        _ => Verdict::Pass,
    });
    let id = rules(&mut world, &web).into_keys().next().unwrap();
    world.mode(Mode::Approve);
    let waiting = notable(&world.reconcile()).id.clone();
    let run = world.engine.approve(&waiting, "alice").unwrap();
    assert!(
        matches!(notable(&run).outcome, Outcome::Repaired { verified: false, .. }),
        "still there: {run:#?}"
    );
    assert!(notable(&run).done[0].already && notable(&run).done[0].undo.is_none());
    // The group goes altogether.
    world.admin("ec2", "RevokeSecurityGroupIngress", json!({"GroupId": web, "SecurityGroupRuleId": [id]}));
    world.admin("ec2", "DeleteSecurityGroup", json!({"GroupId": web}));
    let event = opened(&mut world, &web);
    let run = world.follow("P16", &event);
    assert_eq!((run.notable().count(), run.failed()), (0, false), "{run:#?}");
}

#[test]
fn a_group_with_a_reason_and_a_day_is_told_and_left_open() {
    let Some(mut world) = World::new() else { return };
    let bastion = group(&mut world, "bastion");
    allow(&mut world, &bastion, tcp(22, "0.0.0.0/0"));
    let tag = json!({"ResourceId": [bastion], "Tag": [{"Key": "stockade:exempt", "Value": "bastion;until=2026-09-22"}]});
    world.admin("ec2", "CreateTags", tag);
    let event = opened(&mut world, &bastion);
    let run = world.follow("P16", &event);
    assert!(
        matches!(&notable(&run).outcome, Outcome::Exempt { reason, .. } if reason == "bastion"),
        "{run:#?}"
    );
    assert!(world.writes().is_empty());
    world.time.pass(std::time::Duration::from_secs(2 * 24 * 3600));
    assert!(is_verified(notable(&world.reconcile())));
}

/// Whatever an event says, the look goes to groups of ours, and only what is open there is closed.
#[test]
fn an_event_is_a_hint_whatever_its_shape() {
    let Some(mut world) = World::new() else { return };
    let (open, shut) = (group(&mut world, "open"), group(&mut world, "shut"));
    allow(&mut world, &shut, tcp(22, "10.0.0.0/8"));
    let arn = format!("arn:aws:ec2:eu-central-1:{}:security-group/{open}", world.place.account);
    let request = |rp: Value| ("requestParameters", rp);
    let all = vec![
        request(json!({"groupId": open})),
        request(json!({"groupName": "open"})),
        request(json!({"groupId": [open, 1, null, {"a": []}]})),
        request(
            json!({"ModifySecurityGroupRulesRequest": {"GroupId": open, "SecurityGroupRule": {"SecurityGroupRuleId": "x"}}}),
        ),
        request(json!({"ModifySecurityGroupRulesRequest": [{"GroupId": "sg-1"}, {"GroupId": open}]})),
        request(json!("groupId")),
        request(json!([[[]]])),
        request(json!({"groupId": {"groupId": open}})),
        (
            "responseElements",
            json!({"securityGroupRuleSet": {"items": [{"groupId": open}, {"groupId": open}]}}),
        ),
        ("responseElements", json!({"securityGroupRuleSet": {"items": {"groupId": open}}})),
        ("findings", json!([{"Resources": [{"Type": "AwsEc2SecurityGroup", "Id": arn}]}])),
        ("resourceId", json!(open)),
        ("resourceId", json!("AWS::::Account")),
        request(json!({"groupId": (0..500).map(|n| format!("sg-{n:08x}")).collect::<Vec<_>>()})),
    ];
    for (name, value) in all {
        allow(&mut world, &open, tcp(22, "0.0.0.0/0"));
        let mut event = world.event_of("ec2", "AuthorizeSecurityGroupIngress", Value::Null);
        event["detail"][name] = value.clone();
        let run = world.follow("P16", &event);
        assert_eq!(run.notable().count(), 1, "{name} {value}: {run:#?}");
        assert!(is_verified(notable(&run)), "{name} {value}: {run:#?}");
        assert!(rules(&mut world, &open).is_empty());
        world.time.pass(std::time::Duration::from_secs(601));
    }
    assert_eq!(rules(&mut world, &shut).len(), 1);
    // Groups of others, and names that are none.
    for name in ["sg-0123456789abcdef0", "../x", "*", "sg-*", "", &"x".repeat(70_000)] {
        let event = opened(&mut world, name);
        let run = world.follow("P16", &event);
        assert_eq!((run.notable().count(), run.failed()), (0, false), "{name}: {run:#?}");
    }
    assert!(world.writes().iter().all(|heard| heard.call.parameters["GroupId"] == open.as_str()));
}

/// Lists come in pages; what is throttled is asked again.
#[test]
fn all_pages_are_read_and_throttling_is_waited_out() {
    let Some(mut world) = World::new() else { return };
    let web = group(&mut world, "web");
    allow(&mut world, &web, tcp(22, "0.0.0.0/0"));
    let throttled = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    world.proxy.rule(move |request| {
        use std::sync::atomic::Ordering::Relaxed;
        let body = String::from_utf8_lossy(&request.body);
        if request.action() != Some("DescribeSecurityGroupRules") || body.contains("NextToken=page2") {
            return Verdict::Pass;
        }
        if throttled.fetch_add(1, Relaxed) == 0 {
            return Verdict::answer(refusal("RequestLimitExceeded", 503));
        }
        // moto gives everything at once: the first page is ours, and says that there is more.
        let empty = "<DescribeSecurityGroupRulesResponse><requestId>r</requestId><securityGroupRuleSet/>\
                     <nextToken>page2</nextToken></DescribeSecurityGroupRulesResponse>";
        Verdict::answer(Answer::xml(200, empty))
    });
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert!(rules(&mut world, &web).is_empty());
}

/// Random rules: of those that were there the offending ones go, and the others stay by their numbers.
#[test]
fn nothing_is_weaker_and_neighbours_stay() {
    let Some(mut world) = World::new() else { return };
    let list = world.admin(
        "ec2",
        "CreateManagedPrefixList",
        json!({"PrefixListName": unique("list"), "AddressFamily": "IPv4", "MaxEntries": 3}),
    );
    let list = list["prefixList"]["prefixListId"].as_str().unwrap().to_owned();
    let source = group(&mut world, "source");
    let world = std::cell::RefCell::new(world);
    let mut runner = TestRunner::new(Config {
        cases: 12,
        failure_persistence: None,
        max_shrink_iters: 20,
        ..Config::default()
    });
    let (list, source) = (&list, &source);
    let ran = runner.run(&prop::collection::vec(rule(), 1..9), |wanted| {
        let mut world = world.borrow_mut();
        let name = unique("random");
        let id = group(&mut world, &name);
        for (nth, one) in wanted.iter().enumerate() {
            allow(&mut world, &id, one.permission(nth, list, source));
        }
        let before = rules(&mut world, &id);
        let event = world.event_of("ec2", "AuthorizeSecurityGroupIngress", json!({"groupId": id}));
        world.follow("P16", &event);
        let after = rules(&mut world, &id);
        for (number, rule) in &before {
            // moto keeps no description of rules for lists and groups, which all stay.
            let nth = rule["description"].as_str().map(|nth| nth.parse::<usize>().unwrap());
            let stays = nth.is_none_or(|nth| !wanted[nth].is_bad());
            prop_assert_eq!(after.get(number) == Some(rule), stays, "{} of {:?}", rule, &wanted);
        }
        prop_assert!(after.keys().all(|number| before.contains_key(number)), "nothing new");
        world.admin("ec2", "DeleteSecurityGroup", json!({"GroupId": id}));
        world.time.pass(std::time::Duration::from_secs(601));
        Ok::<(), TestCaseError>(())
    });
    ran.unwrap();
}

#[derive(Clone, Debug)]
struct Wanted {
    protocol: &'static str,
    ports: (u16, u16),
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    V4(u8),
    V6(u8),
    List,
    Group,
}

fn rule() -> impl Strategy<Value = Wanted> {
    let protocol =
        prop_oneof![4 => Just("tcp"), 2 => Just("udp"), 1 => Just("-1"), 1 => Just("icmp"), 1 => Just("47")];
    let port = prop_oneof![
        Just(22),
        Just(80),
        Just(443),
        Just(8080),
        Just(0),
        Just(65535),
        Just(3306),
        any::<u16>()
    ];
    let from = prop_oneof![
        (0..=32u8).prop_map(From::V4),
        (0..=9u8).prop_map(From::V4),
        (0..=128u8).prop_map(From::V6),
        (0..=17u8).prop_map(From::V6),
        Just(From::List),
        Just(From::Group),
    ];
    (protocol, (port.clone(), port), from).prop_map(|(protocol, (a, b), from)| {
        let ports = if a % 3 == 0 { (a.min(b), a.max(b)) } else { (a, a) };
        Wanted { protocol, ports, from }
    })
}

impl Wanted {
    fn permission(&self, nth: usize, list: &str, source: &str) -> Value {
        let mut all = json!({"IpProtocol": self.protocol});
        match self.protocol {
            "icmp" | "47" => (all["FromPort"], all["ToPort"]) = (json!(-1), json!(-1)),
            "tcp" | "udp" => (all["FromPort"], all["ToPort"]) = (json!(self.ports.0), json!(self.ports.1)),
            _ => {}
        }
        // What stands behind the prefix counts, not the address; the number makes each rule one of its own.
        let (name, mut range) = match self.from {
            From::V4(prefix) => ("IpRanges", json!({"CidrIp": format!("198.51.{nth}.7/{prefix}")})),
            From::V6(prefix) => ("Ipv6Ranges", json!({"CidrIpv6": format!("2001:db8:{nth}::7/{prefix}")})),
            From::List => ("PrefixListIds", json!({"PrefixListId": list})),
            From::Group => ("Groups", json!({"GroupId": source})),
        };
        range["Description"] = json!(nth.to_string());
        all[name] = json!([range]);
        all
    }

    /// As the catalogue says it, told another way than in the playbook.
    fn is_bad(&self) -> bool {
        let wide = match self.from {
            From::V4(prefix) => prefix <= 7,
            From::V6(prefix) => prefix <= 15,
            From::List | From::Group => false,
        };
        let listed: &[u16] = &[
            20, 21, 22, 23, 25, 110, 135, 139, 143, 445, 1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432,
            5601, 5900, 5985, 5986, 6379, 9200, 9300, 11211, 27017,
        ];
        let touches = listed.iter().any(|port| self.ports.0 <= *port && *port <= self.ports.1);
        wide && (self.protocol == "-1" || ["tcp", "udp"].contains(&self.protocol) && touches)
    }
}

/// As EC2 refuses.
fn refusal(code: &str, status: u16) -> Answer {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>"
    );
    Answer::xml(status, &body)
}
