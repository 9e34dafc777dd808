//! # Access key leaked
//!
//! ## What it does
//! Takes credentials out of others' hands. An access key that is known to others is made inactive, and AWS's own policy
//! `AWSDenyAll` is attached to its user, because sessions that were opened with the key go on without it. A user whom AWS
//! put into quarantine is treated so with all of its keys. A role whose sessions are used elsewhere is denied everything
//! only after a person approved it: others work with the same role. Nothing is deleted; keys and policies are evidence.
//!
//! By the same means an actor who undoes each repair of another playbook is contained, where the installation allows it
//! (`contain` in `[repair]`).
//!
//! ## Why it matters
//! Keys in public repositories are tried within minutes. What AWS does by itself, its quarantine policy, denies some calls
//! and leaves the key and all others as they are.
//!
//! ## Example event
//! ```json
//! {
//!   "detail-type": "AWS API Call via CloudTrail",
//!   "source": "aws.iam",
//!   "account": "111122223333",
//!   "region": "us-east-1",
//!   "time": "2026-09-21T14:13:20Z",
//!   "detail": {
//!     "eventID": "6f2f2c0e-5b0a-4c44-9a3d-0d9c9a3f0a19",
//!     "eventSource": "iam.amazonaws.com",
//!     "eventName": "AttachUserPolicy",
//!     "awsRegion": "us-east-1",
//!     "sourceIPAddress": "AWS Internal",
//!     "userIdentity": { "type": "AWSService", "invokedBy": "AWS Internal" },
//!     "requestParameters": {
//!       "userName": "deploy",
//!       "policyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"
//!     }
//!   }
//! }
//! ```
//! It also follows AWS Health's `AWS_RISK_CREDENTIALS_EXPOSED` and `AWS_RISK_CREDENTIALS_COMPROMISED`, which name keys, and
//! GuardDuty's findings about credentials that are used from where they should not be, which name a key and its user, or a
//! role.
//!
//! ## Check
//! `GetAccessKeyLastUsed` says whose a key is, and `ListAccessKeys` of that user whether it is active: bad where it is.
//! A user in quarantine is bad while one of its keys is active. A role, and a user whose sessions are used elsewhere, is
//! bad while it is not denied everything. The schedule looks at all users in quarantine and at whatever was not good the
//! last time. IAM is one for all regions, so an account is looked at once.
//!
//! ## Change
//! `UpdateAccessKey` to `Inactive`, then `AttachUserPolicy` or `AttachRolePolicy` with `AWSDenyAll`: each only where it is
//! not so already.
//!
//! ## Undo
//! `UpdateAccessKey` to `Active` for the keys that were made inactive, and `DetachUserPolicy` or `DetachRolePolicy` where
//! the policy was attached, by a person. What was so before stays.
//!
//! ## Permissions
//! Policies are attached under the condition that it is `AWSDenyAll` and no other: whoever takes Stockade over can lock
//! out with it, and gains nothing by it.
//!
//! ## Risk
//! Whatever works with the key stops. Root, the principals of `break_glass`, Stockade's own role and roles that AWS keeps
//! for itself are never touched. An AWS Health notice or a finding of GuardDuty is taken at its word, so nobody but
//! EventBridge may send to the queue that brings them. IAM lets ten policies be attached to a user: where there is no room
//! the key is inactive, and the record says that the rest failed.

use serde_json::{Value, json};

use crate::json::{list, text, texts};
use crate::playbook::doc::documented;
use crate::playbook::{
    About, Cannot, Change, Finding, Hint, Look, Permission, Plan, Playbook, Sight, Subject, Verdict,
};
use crate::principal::is_name;
use crate::suspect::{self, Known, QUARANTINED, ROLE, Suspect, USER, is_key};
use crate::{Actor, ApiFault, Event, Mode, Place};

/// P19.
#[derive(Debug)]
pub(crate) struct KeyLeaked;

const USERS: &str = "arn:{partition}:iam::{account}:user/*";
const ROLES: &str = "arn:{partition}:iam::{account}:role/*";
const DENY_ALL: &str = "arn:{partition}:iam::aws:policy/AWSDenyAll";
const QUARANTINE: &str = "arn:{partition}:iam::aws:policy/AWSCompromisedKeyQuarantine*";

/// Under the condition that it is this policy and no other.
const fn only_deny_all(permission: Permission) -> Permission {
    permission.when("ArnEquals", "iam:PolicyARN", DENY_ALL)
}

static ABOUT: About = About {
    id: "P19",
    name: "key-leaked",
    docs: documented!("p19_key_leaked.rs"),
    mode: Mode::Act,
    permissions: &[
        Permission::read("iam:ListEntitiesForPolicy", QUARANTINE),
        Permission::read("iam:GetAccessKeyLastUsed", "*"),
        Permission::read("iam:GetUser", USERS),
        Permission::read("iam:ListAccessKeys", USERS),
        Permission::read("iam:ListAttachedUserPolicies", USERS),
        Permission::read("iam:ListUserPolicies", USERS),
        Permission::read("iam:GetRole", ROLES),
        Permission::read("iam:ListAttachedRolePolicies", ROLES),
        Permission::repair("iam:UpdateAccessKey", USERS),
        only_deny_all(Permission::repair("iam:AttachUserPolicy", USERS)),
        only_deny_all(Permission::repair("iam:AttachRolePolicy", ROLES)),
        Permission::undo("iam:UpdateAccessKey", USERS),
        only_deny_all(Permission::undo("iam:DetachUserPolicy", USERS)),
        only_deny_all(Permission::undo("iam:DetachRolePolicy", ROLES)),
    ],
    kinds: &[],
    then: &[],
};

/// Sorts of things, and the side of a user from which AWS's quarantine counts.
const KEY: &str = "access-key";
const IN_QUARANTINE: &str = "quarantine";
/// An event that names more keys than this is followed as far as this.
const MAX_NAMED: usize = 50;

impl Playbook for KeyLeaked {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_global(&self) -> bool {
        true
    }

    fn locate(&self, event: &Event) -> Vec<Hint> {
        let named = match event.source() {
            "aws.health" => {
                let entities =
                    event.value().pointer("/detail").map_or(&[][..], |all| list(all, "affectedEntities"));
                entities.iter().take(MAX_NAMED).map(|one| of_health(text(one, "entityValue"))).collect()
            }
            "aws.guardduty" => {
                let details =
                    event.value().pointer("/detail/resource/accessKeyDetails").unwrap_or(&Value::Null);
                let of = |name| text(details, name);
                vec![of_guardduty(of("userType"), of("userName"), of("accessKeyId"))]
            }
            "aws.iam" => vec![of_name(QUARANTINED, text(event.parameters(), "userName"))],
            _ => return vec![Hint::everywhere()],
        };
        let mut hints: Vec<Hint> =
            named.iter().flatten().map(|thing| Hint::everywhere().thing(thing)).collect();
        if hints.is_empty() || named.contains(&None) {
            hints.push(Hint::everywhere().thing(NOBODY));
        }
        hints
    }

    fn check(&self, look: &mut Look<'_>) -> Result<Sight, ApiFault> {
        let mut findings = Vec::new();
        for suspect in suspects(look)? {
            let (thing, found) = match &suspect {
                Suspect::Key(id) => (id, key(look, id)),
                Suspect::User(name) => (name, user(look, name, false)),
                Suspect::Quarantined(name) => (name, user(look, name, true)),
                Suspect::Role(name) => (name, role(look, name)),
            };
            match found {
                Ok(found) => findings.push(found),
                Err(fault) => look.trouble(thing, fault),
            }
        }
        if look.asked().any(|asked| asked == NOBODY) {
            let says = "an event tells of leaked credentials and names none that belong to a user or role; see there";
            let subject = Subject::new(look.place(), KEY, NOBODY);
            findings.push(Finding::new(subject, NOBODY, Verdict::Tell(says.to_owned()), Value::Null));
        }
        Ok(Sight { seen: findings.len(), findings })
    }

    fn plan(&self, finding: &Finding) -> Result<Plan, Cannot> {
        let state = &finding.state;
        let (name, never) = (text(state, "Name"), text(state, "Never"));
        if name.is_empty() {
            return Err(Cannot::because("nobody is known whose credentials they are"));
        }
        if !never.is_empty() {
            return Err(Cannot::because(format!("`{name}` is never touched: {never}"))
                .hint("a person has to change its credentials, and see what was done with them"));
        }
        let place = &finding.subject.place;
        let mut changes: Vec<Change> =
            texts(state, "TurnOff").into_iter().map(|key| turn_off(name, key)).collect();
        if !crate::json::is(state, "DenyAll") {
            changes.push(deny(place, &finding.subject.class, name));
        }
        Ok(Plan::of(changes))
    }

    fn suspect(&self, finding: &Finding) -> Option<Actor> {
        let arn = text(&finding.state, "Arn");
        (!arn.is_empty()).then(|| Actor { arn: arn.to_owned(), ..Actor::default() })
    }
}

/// Stands for credentials that an event does not name, or not in a way that can be looked up.
const NOBODY: &str = "unnamed";

fn of_name(sort: &str, name: &str) -> Option<String> {
    is_name(name).then(|| format!("{sort}{name}"))
}

/// Health names keys; a notice about a quarantine names users.
fn of_health(entity: &str) -> Option<String> {
    if is_key(entity) { Some(entity.to_owned()) } else { of_name(QUARANTINED, entity) }
}

/// A long-term key is a key; of a session it is known whose it is.
fn of_guardduty(sort: &str, name: &str, key: &str) -> Option<String> {
    match sort {
        "IAMUser" if is_key(key) => Some(key.to_owned()),
        "IAMUser" => of_name(USER, name),
        "AssumedRole" | "Role" => of_name(ROLE, name),
        _ => None,
    }
}

/// Whom to look at: whom an event or a person names; on the schedule everybody in quarantine, and what was not good.
fn suspects(look: &mut Look<'_>) -> Result<Vec<Suspect>, ApiFault> {
    let account = look.place().account.clone();
    let mut all: Vec<Suspect> = look.asked().flat_map(|asked| Suspect::of(asked, &account)).collect();
    if !look.is_told() || look.asked().next().is_none() {
        for policy in suspect::quarantines(look.place()) {
            let of = json!({"PolicyArn": policy, "EntityFilter": "User"});
            let users = look.pages("iam", "ListEntitiesForPolicy", &of, "PolicyUsers", "Marker");
            let users = suspect::there(users)?.unwrap_or_default();
            let names = users.iter().map(|user| text(user, "UserName")).filter(|name| is_name(name));
            all.extend(names.map(|name| Suspect::Quarantined(name.to_owned())));
        }
        for subject in look.remembered() {
            let sides = Suspect::of(&subject.id, &account);
            let quarantine = subject.aspect == IN_QUARANTINE;
            all.extend(sides.into_iter().filter(|one| matches!(one, Suspect::Quarantined(_)) == quarantine));
        }
    }
    let mut once = Vec::new();
    for suspect in all {
        if !once.contains(&suspect) {
            once.push(suspect);
        }
    }
    Ok(once)
}

fn key(look: &mut Look<'_>, id: &str) -> Result<Finding, ApiFault> {
    let subject = Subject::new(look.place(), KEY, id);
    let gone = |look: &Look<'_>| {
        let says = format!("an event tells of the access key `{id}`, which no user of the account has");
        // The schedule remembers it only until it is gone.
        let verdict = if look.is_told() { Verdict::Tell(says) } else { Verdict::Good };
        Ok(Finding::new(subject.clone(), id, verdict, Value::Null))
    };
    let asked = look.ask("iam", "GetAccessKeyLastUsed", json!({"AccessKeyId": id}));
    let Some(answer) = suspect::there(asked)? else { return gone(look) };
    let name = text(&answer, "UserName");
    if !is_name(name) {
        let says =
            format!("the access key `{id}` belongs to no user: if it is root's, root has to delete it");
        return Ok(Finding::new(subject, id, Verdict::Tell(says), Value::Null));
    }
    let Some(user) = suspect::user(look, name)? else { return gone(look) };
    let Some(status) = user.status(id).map(str::to_owned) else { return gone(look) };
    let active = status == "Active";
    let halfway = look.is_open(&subject) && !user.is_denied();
    let verdict = if active {
        Verdict::Bad(format!("the access key `{id}` of `{name}` is known to others, and active"))
    } else if halfway {
        Verdict::Bad(format!("the access key `{id}` of `{name}` is inactive; sessions opened with it go on"))
    } else if look.is_told() && !user.is_denied() {
        let says = "is inactive already; sessions that were opened with it go on for up to 36 hours";
        Verdict::Tell(format!("the access key `{id}` of `{name}`, known to others, {says}"))
    } else {
        Verdict::Good
    };
    let off = if active { vec![id] } else { Vec::new() };
    Ok(found(subject, &user.arn, verdict, &user, &off))
}

fn user(look: &mut Look<'_>, name: &str, by_quarantine: bool) -> Result<Finding, ApiFault> {
    let place = look.place().clone();
    let Some(user) = suspect::user(look, name)? else { return Ok(nobody(look, "user", name)) };
    let whole = Subject::new(&place, "user", &user.arn);
    let active = user.active();
    let keys = match active.len() {
        0 => String::new(),
        1 => "; 1 key is active".to_owned(),
        many => format!("; {many} keys are active"),
    };
    let (subject, verdict) = if by_quarantine {
        let subject = whole.aspect(IN_QUARANTINE);
        let halfway = look.is_open(&subject) && !user.is_denied();
        let bad = user.is_quarantined() && (!active.is_empty() || halfway);
        let says =
            format!("AWS put the user `{name}` into quarantine, since a key of it is known to others{keys}");
        (subject, if bad { Verdict::Bad(says) } else { Verdict::Good })
    } else {
        let bad = !user.is_denied() || !active.is_empty();
        let says = format!("the credentials of the user `{name}` are in the wrong hands{keys}");
        (whole, if bad { Verdict::Bad(says) } else { Verdict::Good })
    };
    Ok(found(subject, name, verdict, &user, &active))
}

fn role(look: &mut Look<'_>, name: &str) -> Result<Finding, ApiFault> {
    let Some(role) = suspect::role(look, name)? else { return Ok(nobody(look, "role", name)) };
    let subject = Subject::new(look.place(), "role", &role.arn);
    let verdict = if role.is_denied() {
        Verdict::Good
    } else {
        Verdict::Bad(format!("sessions of the role `{name}` are in the wrong hands"))
    };
    let why = "others may work with the same role";
    Ok(found(subject, name, verdict, &role, &[]).at_most(Mode::Approve, why))
}

/// Whoever is named and is not there.
fn nobody(look: &Look<'_>, class: &str, name: &str) -> Finding {
    let place = look.place();
    let arn = format!("arn:{}:iam::{}:{class}/{name}", place.partition(), place.account);
    let says = format!("an event tells of the {class} `{name}`, which the account does not have");
    let verdict = if look.is_told() { Verdict::Tell(says) } else { Verdict::Good };
    Finding::new(Subject::new(place, class, &arn), name, verdict, Value::Null)
}

/// `off`: the keys that are to be made inactive.
fn found(subject: Subject, name: &str, verdict: Verdict, known: &Known, off: &[&str]) -> Finding {
    let mut state = known.state.clone();
    if let Some(fields) = state.as_object_mut() {
        fields.insert("TurnOff".to_owned(), json!(off));
    }
    Finding::new(subject, name, verdict, state).tags(known.tags.clone())
}

fn turn_off(user: &str, key: &str) -> Change {
    let status = |status: &str| json!({"UserName": user, "AccessKeyId": key, "Status": status});
    let says = format!("make the access key `{key}` of `{user}` inactive");
    Change::new(says, "iam", "UpdateAccessKey", status("Inactive"))
        .before(json!({"Status": "Active"}))
        .undo("UpdateAccessKey", status("Active"))
}

fn deny(place: &Place, class: &str, name: &str) -> Change {
    let policy = suspect::deny_all(place);
    let (noun, field, attach, detach) = if class == "role" {
        ("role", "RoleName", "AttachRolePolicy", "DetachRolePolicy")
    } else {
        ("user", "UserName", "AttachUserPolicy", "DetachUserPolicy")
    };
    let parameters = json!({field: name, "PolicyArn": policy});
    Change::new(format!("deny everything to the {noun} `{name}`"), "iam", attach, parameters.clone())
        .before(json!({"Attached": false}))
        .undo(detach, parameters)
}
