//! # Security group opened to the world
//!
//! ## What it does
//! Takes out of a security group the rules that let the whole world in to a port that is not the web's, and no others:
//! each by its own number, so what stands beside it stays.
//!
//! ## Why it matters
//! A port that is open to the world is found within minutes. Automations that revoke a rule by its ports take the
//! company's own networks out together with the world.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.ec2",
//!   "account": "111122223333",
//!   "region": "eu-central-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a16",
//!     "eventSource": "ec2.amazonaws.com",
//!     "eventName": "AuthorizeSecurityGroupIngress",
//!     "awsRegion": "eu-central-1",
//!     "sourceIPAddress": "192.0.2.44",
//!     "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory" },
//!     "requestParameters": {
//!       "groupId": "sg-0a1b2c3d4e5f60718",
//!       "ipPermissions": { "items": [
//!         { "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": { "items": [{ "cidrIp": "0.0.0.0/0" }] } }
//!       ] }
//!     }
//!   }
//! }
//! ```
//! It also follows `ModifySecurityGroupRules`, AWS Config's `restricted-ssh`, `restricted-common-ports` and
//! `vpc-sg-open-only-to-authorized-ports`, and Security Hub's EC2.13, EC2.14, EC2.18 and EC2.19.
//!
//! ## Check
//! `DescribeSecurityGroupRules`. Bad is an incoming rule for TCP, UDP or everything from a network wider than /8 (IPv6: /16),
//! whatever address it is written with, so two halves of the world are the world; for all ports, or for one of 20 to 23, 25,
//! 110, 135, 139, 143, 445, 1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432, 5601, 5900, 5985, 5986, 6379, 9200, 9300, 11211
//! and 27017. Ports 80 and 443 by themselves never are. Another port that an event tells of is told. What stands behind a
//! prefix list is not looked at.
//!
//! ## Change
//! `RevokeSecurityGroupIngress` for each such rule, by its number.
//!
//! ## Undo
//! `AuthorizeSecurityGroupIngress` with the rule as it was, its description and its tags. It gets a new number.
//!
//! ## Permissions
//! Rules are taken out of groups and never put in. A group that bears the tag `stockade:exempt` is out of reach for the
//! function altogether: when its day is over, the tag has to go before the group is repaired.
//!
//! ## Risk
//! Whoever came in by that rule alone is locked out, such as by a bastion host that is open on purpose: exempt its group.
//! A rule that was changed from something narrower is taken out and does not become what it was. A description of the
//! infrastructure, such as Terraform's, that names the rule puts it back: take it out there as well.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::ApiFault;
use crate::Event;
use crate::Mode;
use crate::arn::Arn;
use crate::json::{every, is, list, text};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Finding, Hint, Look, Permission, Plan, Playbook, Sight, Subject, Tags, Verdict,
};

/// P16.
#[derive(Debug)]
pub(crate) struct SecurityGroupOpen;

const GROUP: &str = "arn:{partition}:ec2:*:{account}:security-group/*";
const RULE: &str = "arn:{partition}:ec2:*:{account}:security-group-rule/*";
/// The class of its things.
const CLASS: &str = "security-group";
/// The side of a group from which other ports are told.
const OTHER_PORTS: &str = "other-ports";

/// Ports that nobody opens to the world on purpose.
const PORTS: [u16; 27] = [
    20, 21, 22, 23, 25, 110, 135, 139, 143, 445, 1433, 1521, 2375, 2376, 2379, 3306, 3389, 5432, 5601, 5900,
    5985, 5986, 6379, 9200, 9300, 11211, 27017,
];
/// The web's, by themselves.
const WEB: [i64; 2] = [80, 443];
/// A network with a shorter prefix is the world: IPv4, IPv6.
const WORLD: (u8, u8) = (8, 16);
/// An event that names more groups leads to all of them. EC2 takes two hundred values of a filter.
const MAX_NAMED: usize = 100;
/// As many rules are written out in a sentence.
const MAX_SAID: usize = 5;

static ABOUT: About = About {
    id: "P16",
    name: "security-group-open",
    docs: documented!("p16_security_group_open.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("ec2:DescribeSecurityGroupRules", "*"),
        Permission::read("ec2:DescribeSecurityGroups", "*"),
        Permission::repair("ec2:RevokeSecurityGroupIngress", GROUP).when(
            "Null",
            "aws:ResourceTag/stockade:exempt",
            "true",
        ),
        Permission::repair("ec2:RevokeSecurityGroupIngress", RULE),
        Permission::undo("ec2:AuthorizeSecurityGroupIngress", GROUP),
        Permission::undo("ec2:AuthorizeSecurityGroupIngress", RULE),
        Permission::undo("ec2:CreateTags", RULE)
            .when("StringEquals", "ec2:CreateAction", "AuthorizeSecurityGroupIngress")
            .for_calls(&["ec2:AuthorizeSecurityGroupIngress"]),
    ],
    kinds: &[],
    then: &[],
};

impl Playbook for SecurityGroupOpen {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        const CALLS: [&[&str]; 3] = [
            &["detail", "requestParameters", "groupId"],
            &["detail", "requestParameters", "ModifySecurityGroupRulesRequest", "GroupId"],
            &["detail", "responseElements", "securityGroupRuleSet", "items", "groupId"],
        ];
        const FINDINGS: [&[&str]; 2] =
            [&["detail", "resourceId"], &["detail", "findings", "Resources", "Id"]];
        let (value, region) = (event.value(), event.region());
        let all =
            |paths: &[&[&str]]| paths.iter().flat_map(|path| every(value, path)).collect::<BTreeSet<_>>();
        let place = |name| match Arn::parse(name) {
            Some(arn) => (arn.region, arn.last()),
            None => (region, name),
        };
        let mut named: BTreeSet<(&str, &str)> = all(&CALLS).into_iter().map(|name| (region, name)).collect();
        named.extend(all(&FINDINGS).into_iter().map(place).filter(|(_, name)| is_id(name)));
        if named.is_empty() {
            named.extend(
                every(value, &["detail", "requestParameters", "groupName"])
                    .iter()
                    .map(|name| (region, *name)),
            );
        }
        if named.is_empty() || named.len() > MAX_NAMED {
            return vec![Hint::region(region).only("")];
        }
        named.into_iter().map(|(region, name)| Hint::region(region).thing(name)).collect()
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let asked = look.only_asked().unwrap_or_default();
        let by_id = (1..=MAX_NAMED).contains(&asked.len()) && asked.iter().all(|name| is_id(name));
        let mut parameters = json!({"MaxResults": 1000});
        if by_id && let Some(fields) = parameters.as_object_mut() {
            fields.insert("Filter".to_owned(), json!([{"Name": "group-id", "Value": asked}]));
        }
        let (rules, token) = ("securityGroupRuleSet", ("nextToken", "NextToken"));
        let rules = look.pages_by("ec2", "DescribeSecurityGroupRules", &parameters, rules, token)?;
        let mut by_group: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for rule in &rules {
            let open = by_group.entry(text(rule, "groupId")).or_default();
            if lets_the_world_in(rule) {
                open.push(rule);
            }
        }
        // Names, tags and how many there are: asked only where they count.
        let needed = !by_id || by_group.values().any(|open| !open.is_empty());
        let groups = if needed { Some(described(look)) } else { None };
        let groups = match groups {
            Some(Err(fault)) => Err(fault),
            Some(Ok(groups)) => Ok(Some(groups)),
            None => Ok(None),
        };
        let known = groups.as_ref().ok().and_then(Option::as_ref);
        let mut ids: BTreeSet<&str> = by_group.keys().copied().collect();
        ids.extend(known.iter().flat_map(|groups| groups.keys().map(String::as_str)));
        let mut sight = Sight { seen: ids.len(), ..Sight::default() };
        if by_id {
            ids.extend(asked);
        }
        for id in ids {
            let group = known.and_then(|groups| groups.get(id));
            let name =
                group.map(|group| text(group, "groupName")).filter(|name| !name.is_empty()).unwrap_or(id);
            if !look.wanted(id, name) {
                continue;
            }
            let gone = known.is_some() && group.is_none();
            let open = by_group.get(id).map(Vec::as_slice).filter(|_| !gone).unwrap_or_default();
            for finding in judged(look, id, name, open) {
                sight.findings.push(match (&groups, group) {
                    (Err(fault), _) => {
                        finding.note(format!("its tags cannot be read, so none exempts it: {fault}"))
                    }
                    (_, Some(group)) => finding.tags(tags(group)),
                    _ => finding,
                });
            }
        }
        Ok(sight)
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let (id, name) = (text(&finding.state, "GroupId"), &finding.name);
        Ok(Plan::of(list(&finding.state, "Rules").iter().map(|rule| revoked(id, name, rule)).collect()))
    }
}

/// All groups of the region by their ids.
fn described(look: &mut Look<'_>) -> Result<BTreeMap<String, Value>, ApiFault> {
    let (groups, token) = ("securityGroupInfo", ("nextToken", "NextToken"));
    let all = json!({"MaxResults": 1000});
    let groups = look.pages_by("ec2", "DescribeSecurityGroups", &all, groups, token)?;
    Ok(groups.into_iter().map(|group| (text(&group, "groupId").to_owned(), group)).collect())
}

fn tags(group: &Value) -> Tags {
    let tag = |tag: &Value| (text(tag, "key").to_owned(), text(tag, "value").to_owned());
    list(group, "tagSet").iter().map(tag).collect()
}

/// A group with its rules that are open to the world.
fn judged(look: &Look<'_>, id: &str, name: &str, open: &[&Value]) -> Vec<Finding> {
    let place = look.place();
    let subject = Subject::new(place, CLASS, id);
    let state = |rules: &[&Value]| {
        let mut rules: Vec<Value> = rules.iter().map(|rule| kept(rule)).collect();
        rules.sort_by(|a, b| text(a, "securityGroupRuleId").cmp(text(b, "securityGroupRuleId")));
        json!({"GroupId": id, "Rules": rules})
    };
    let said = |rules: &[&Value]| {
        let mut said: Vec<String> = rules.iter().take(MAX_SAID).map(|rule| described_rule(rule)).collect();
        if rules.len() > MAX_SAID {
            said.push(format!("and {} more", rules.len() - MAX_SAID));
        }
        format!("the security group `{name}` lets the whole world in: {}", said.join(", "))
    };
    let (bad, other): (Vec<&Value>, Vec<&Value>) = open.iter().partition(|rule| is_sensitive(rule));
    let owner = open.iter().map(|rule| text(rule, "groupOwnerId")).find(|owner| !owner.is_empty());
    let verdict = match owner {
        _ if bad.is_empty() => Verdict::Good,
        Some(owner) if owner != place.account => {
            Verdict::NotOurs(format!("{}; it belongs to {owner}", said(&bad)))
        }
        _ => Verdict::Bad(said(&bad)),
    };
    let mut findings = vec![Finding::new(subject.clone(), name, verdict, state(&bad))];
    // The schedule would say it of each web server on a port of its own.
    if look.is_told() && !other.is_empty() {
        let verdict = Verdict::Tell(said(&other));
        findings.push(Finding::new(subject.aspect(OTHER_PORTS), name, verdict, state(&other)));
    }
    findings
}

/// What makes a rule what it is.
fn kept(rule: &Value) -> Value {
    const FIELDS: [&str; 8] = [
        "securityGroupRuleId",
        "ipProtocol",
        "fromPort",
        "toPort",
        "cidrIpv4",
        "cidrIpv6",
        "description",
        "tagSet",
    ];
    FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), rule.get(*name)?.clone()))).collect()
}

/// Whether it is an incoming rule for TCP, UDP or everything, from a network that is as good as the world, and not for the
/// web alone.
fn lets_the_world_in(rule: &Value) -> bool {
    let wide = |name, shorter| {
        let net = text(rule, name).parse::<IpNet>();
        net.is_ok_and(|net| net.prefix_len() < shorter)
    };
    let (from, to) = ports(rule);
    let web = WEB.contains(&from) && from == to && text(rule, "ipProtocol") != "-1";
    !is(rule, "isEgress")
        && (wide("cidrIpv4", WORLD.0) || wide("cidrIpv6", WORLD.1))
        && matches!(text(rule, "ipProtocol"), "-1" | "tcp" | "udp" | "6" | "17")
        && !web
}

/// Whether it is for all ports, or for one that nobody opens to the world on purpose.
fn is_sensitive(rule: &Value) -> bool {
    let (from, to) = ports(rule);
    text(rule, "ipProtocol") == "-1" || PORTS.iter().any(|port| (from..=to).contains(&i64::from(*port)))
}

/// The first port and the last; all where the rule names none.
fn ports(rule: &Value) -> (i64, i64) {
    let port = |name| text(rule, name).parse::<i64>().ok().filter(|port| *port >= 0);
    (port("fromPort").unwrap_or(0), port("toPort").unwrap_or(i64::from(u16::MAX)))
}

/// `tcp 22 from 0.0.0.0/0`.
fn described_rule(rule: &Value) -> String {
    let net = [text(rule, "cidrIpv4"), text(rule, "cidrIpv6")].concat();
    let (from, to) = ports(rule);
    match text(rule, "ipProtocol") {
        "-1" => format!("everything from {net}"),
        protocol if from == to => format!("{protocol} {from} from {net}"),
        protocol => format!("{protocol} {from} to {to} from {net}"),
    }
}

/// The call that takes a rule out, and the one that puts it back as it was.
fn revoked(group: &str, name: &str, rule: &Value) -> Change {
    // It is gone already, or its group is.
    const GONE: [&str; 4] = [
        "InvalidSecurityGroupRuleId.NotFound",
        "InvalidPermission.NotFound",
        "InvalidGroup.NotFound",
        "InvalidGroupId.NotFound",
    ];
    let says = format!("close `{name}` to the world: {}", described_rule(rule));
    let parameters = json!({"GroupId": group, "SecurityGroupRuleId": [text(rule, "securityGroupRuleId")]});
    Change::new(says, "ec2", "RevokeSecurityGroupIngress", parameters)
        .before(rule.clone())
        .already(&GONE)
        .refused_at("/unknownIpPermissionSet")
        .undo("AuthorizeSecurityGroupIngress", authorized(group, rule))
}

fn authorized(group: &str, rule: &Value) -> Value {
    let (ranges, cidr, net) = match text(rule, "cidrIpv4") {
        "" => ("Ipv6Ranges", "CidrIpv6", text(rule, "cidrIpv6")),
        net => ("IpRanges", "CidrIp", net),
    };
    let mut range = json!({cidr: net});
    set(&mut range, "Description", text(rule, "description"));
    let mut permission = json!({"IpProtocol": text(rule, "ipProtocol"), ranges: [range]});
    if text(rule, "ipProtocol") != "-1" {
        set(&mut permission, "FromPort", text(rule, "fromPort"));
        set(&mut permission, "ToPort", text(rule, "toPort"));
    }
    let mut parameters = json!({"GroupId": group, "IpPermissions": [permission]});
    let tags: Vec<Value> =
        tags(rule).iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    if let Some(fields) = parameters.as_object_mut().filter(|_| !tags.is_empty()) {
        let tags = json!([{"ResourceType": "security-group-rule", "Tag": tags}]);
        fields.insert("TagSpecification".to_owned(), tags);
    }
    parameters
}

/// Sets a field to a text that is not empty.
fn set(value: &mut Value, name: &str, to: &str) {
    if let Some(fields) = value.as_object_mut().filter(|_| !to.is_empty()) {
        fields.insert(name.to_owned(), json!(to));
    }
}

/// Whether a name is the id of a group, so that EC2 can be asked for it.
fn is_id(name: &str) -> bool {
    let digits = name.strip_prefix("sg-").unwrap_or_default();
    (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}
