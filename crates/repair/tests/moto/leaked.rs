//! P19: credentials that are in others' hands work no more.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use stockade_core::Timestamp;
use stockade_repair::{Exemption, Mode, Outcome, PassedOver, Run, Whom};
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{QUARANTINE, REGION, World, at, is_verified, notable};

const DENY_ALL: &str = "arn:aws:iam::aws:policy/AWSDenyAll";

/// Of a key, a user in quarantine and a role: leaked, event, repaired, verified; again nothing; undo. For the permissions
/// as well.
pub(crate) fn life(world: &mut World) {
    // A key that AWS found.
    let (bob, key) = world.user("bob");
    let event = world.health(&[&key]);
    let run = world.follow("P19", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert!(!world.is_active(&bob, &key));
    assert_eq!(world.policies(&bob), [DENY_ALL]);
    assert_eq!(item.subject.place.region, REGION, "once for all regions");
    assert_eq!(world.follow("P19", &event).passed_over, Some(PassedOver::Duplicate));
    let again = world.health(&[&key]);
    assert_eq!(world.follow("P19", &again).notable().count(), 0);
    assert_eq!(world.reconcile().notable().count(), 0);

    let undone = world.engine.undo(&item.id, "alice").unwrap();
    assert_eq!(undone.items[0].outcome, Outcome::Undone, "{undone:#?}");
    assert!(world.is_active(&bob, &key));
    assert!(world.policies(&bob).is_empty());
    let again = world.health(&[&key]);
    let held = world.follow("P19", &again);
    assert!(matches!(&notable(&held).outcome, Outcome::Exempt { reason, .. } if reason.contains("alice")));
    assert!(world.is_active(&bob, &key));
    assert_eq!(world.kinds(&item.id), ["began", "repair", "undo"]);

    // A user in quarantine, of whom no event told.
    let (eve, first) = world.user("eve");
    let second = world.access_key(&eve);
    let _ = world.quarantined(&eve);
    let run = world.reconcile();
    let found = run.items.iter().find(|item| item.subject.id == world.arn(&format!("user/{eve}"))).unwrap();
    assert!(is_verified(found), "{run:#?}");
    assert!(!world.is_active(&eve, &first) && !world.is_active(&eve, &second));
    assert_eq!(world.policies(&eve).len(), 2, "the quarantine stays");

    // A role: a person decides, whatever the mode says.
    let web = world.role("web", "/");
    let event = world.guardduty("AssumedRole", &web, "ASIAIOSFODNN7EXAMPLE");
    let run = world.follow("P19", &event);
    let item = run.notable().find(|item| item.name == web).unwrap().clone();
    assert!(matches!(item.outcome, Outcome::Waiting { .. }), "{run:#?}");
    assert!(world.role_policies(&web).is_empty());
    let run = world.engine.approve(&item.id, "alice").unwrap();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(world.role_policies(&web), [DENY_ALL]);
    world.engine.undo(&item.id, "alice").unwrap();
    assert!(world.role_policies(&web).is_empty());
}

#[test]
fn its_whole_life() {
    let Some(mut world) = World::new() else { return };
    life(&mut world);
}

/// What was so before stays so: also by the undo.
#[test]
fn only_what_was_changed_is_taken_back() {
    let Some(mut world) = World::new() else { return };
    let (bob, active) = world.user("bob");
    let inactive = world.access_key(&bob);
    let off = json!({"UserName": bob, "AccessKeyId": inactive, "Status": "Inactive"});
    world.admin("iam", "UpdateAccessKey", off);
    world.admin("iam", "AttachUserPolicy", json!({"UserName": bob, "PolicyArn": DENY_ALL}));
    let event = world.quarantined(&bob);
    let run = world.follow("P19", &event);
    let item = notable(&run).clone();
    assert!(is_verified(&item), "{run:#?}");
    assert_eq!(item.done.len(), 1, "{run:#?}");
    assert!(!world.is_active(&bob, &active));
    world.engine.undo(&item.id, "alice").unwrap();
    assert!(world.is_active(&bob, &active) && !world.is_active(&bob, &inactive));
    assert_eq!(world.policies(&bob).len(), 2, "the quarantine and what somebody denied before");
}

#[test]
fn a_failing_call_halfway_is_recorded_and_the_schedule_goes_on() {
    let Some(mut world) = World::new() else { return };
    let (bob, key) = world.user("bob");
    world.proxy.rule(|request| match request.action() {
        Some("AttachUserPolicy") => Verdict::answer(Answer::xml(
            409,
            "<ErrorResponse><Error><Code>LimitExceeded</Code><Message>Cannot exceed quota for PoliciesPerUser: \
             10</Message></Error></ErrorResponse>",
        )),
        _ => Verdict::Pass,
    });
    let event = world.health(&[&key]);
    let run = world.follow("P19", &event);
    let item = notable(&run).clone();
    assert!(matches!(item.outcome, Outcome::Failed { done: 1, of: 2, .. }), "{run:#?}");
    assert!(run.failed());
    assert!(!world.is_active(&bob, &key), "as far as it went");
    assert_eq!(world.kinds(&item.id), ["began", "repair"]);
    // Nobody tells it again; the schedule knows.
    world.proxy.rule(|_| Verdict::Pass);
    let run = world.reconcile();
    assert!(is_verified(notable(&run)), "{run:#?}");
    assert_eq!(notable(&run).id, item.id);
    assert_eq!(world.policies(&bob), [DENY_ALL]);
    assert_eq!(world.reconcile().notable().count(), 0);
    // All of it is taken back, of both attempts.
    world.engine.undo(&item.id, "alice").unwrap();
    assert!(world.is_active(&bob, &key) && world.policies(&bob).is_empty());
}

#[test]
fn what_was_only_planned_is_done_when_it_may_be() {
    let Some(mut world) = World::new() else { return };
    world.mode(Mode::Plan);
    let (bob, key) = world.user("bob");
    let event = world.health(&[&key]);
    let run = world.follow("P19", &event);
    assert_eq!(notable(&run).outcome, Outcome::Planned);
    assert_eq!(notable(&run).plan.as_ref().unwrap().changes.len(), 2);
    assert!(world.writes().is_empty() && world.is_active(&bob, &key));
    assert_eq!(notable(&world.reconcile()).outcome, Outcome::Planned);
    world.mode(Mode::Act);
    assert!(is_verified(notable(&world.reconcile())));
    assert!(!world.is_active(&bob, &key));
}

/// Nothing of it is called, whoever sent it.
#[test]
fn what_is_made_up_changes_nothing() {
    let Some(mut world) = World::new() else { return };
    let (bob, key) = world.user("bob");
    let Some(mut other) = World::new() else { return };
    let (_, foreign) = other.user("bob");
    let long = "A".repeat(100_000);
    let strange =
        ["", "AKIA", "AKIAMADEUPMADEUPMADE", &foreign, "../../x", "a b&Action=DeleteUser", "*", &long];
    for name in strange {
        for event in [
            world.health(&[name]),
            world.guardduty("IAMUser", name, name),
            world.guardduty("Root", "Root", &key),
            world.guardduty("FederatedUser", name, &key),
            world.event_of("iam", "AttachUserPolicy", json!({"userName": name, "policyArn": QUARANTINE})),
        ] {
            let run = world.follow("P19", &event);
            assert!(run.items.iter().all(told_or_good), "{name}: {run:#?}");
            assert!(!run.retry(), "{name}: {run:#?}");
        }
    }
    let mut nothing = world.health(&[]);
    nothing["detail"] = json!({"affectedEntities": {"entityValue": [1, {}]}, "resource": 7});
    assert!(told_or_good(notable(&world.follow("P19", &nothing))));
    // AWS would have to say so: the user is in no quarantine.
    let forged = world.event_of("iam", "AttachUserPolicy", json!({"userName": bob, "policyArn": QUARANTINE}));
    assert_eq!(world.follow("P19", &forged).notable().count(), 0);
    assert!(world.writes().is_empty());
    assert!(world.is_active(&bob, &key));
}

fn told_or_good(item: &stockade_repair::Item) -> bool {
    matches!(item.outcome, Outcome::Told { .. } | Outcome::Good) && item.done.is_empty()
}

#[test]
fn some_are_never_touched_even_if_a_person_approves() {
    let Some(mut world) = World::new() else { return };
    let (glass, key) = world.user("glass");
    let own = world.role("guard", "/deep/");
    let service = world.role("AWSServiceRoleForX", "/aws-service-role/x.amazonaws.com/");
    let patterns = vec![world.arn("user/glass-*")];
    let roles = vec![world.arn(&format!("role/{own}"))];
    world.reset(|settings| (settings.own.break_glass, settings.own.roles) = (patterns, roles));
    let never = |run: &Run| {
        let item = notable(run);
        assert!(matches!(&item.outcome, Outcome::Cannot { .. }), "{run:#?}");
        assert!(item.sentence().contains("never touched"), "{}", item.sentence());
    };
    let event = world.health(&[&key]);
    never(&world.follow("P19", &event));
    let event = world.quarantined(&glass);
    never(&world.follow("P19", &event));
    for role in [&own, &service] {
        let event = world.guardduty("AssumedRole", role, "ASIAIOSFODNN7EXAMPLE");
        let run = world.follow("P19", &event);
        let item = run.notable().find(|item| item.name == **role).unwrap();
        assert!(matches!(item.outcome, Outcome::Cannot { .. }), "{run:#?}");
    }
    assert!(world.engine.approvals().unwrap().is_empty());
    assert!(world.writes().is_empty());
    assert!(world.is_active(&glass, &key));
}

#[test]
fn an_exemption_of_the_user_or_its_tag_holds() {
    let Some(mut world) = World::new() else { return };
    let (bob, key) = world.user("bob");
    let (eve, tagged) = world.user("eve");
    let whom = Whom { principal: Some(world.arn(&format!("user/{bob}"))), ..Whom::default() };
    let until: Timestamp = at(3600);
    world.reset(|settings| {
        settings.exemptions = vec![Exemption::new(whom, until, "rotated by hand").unwrap()];
    });
    let tag = json!([{"Key": stockade_repair::TAG, "Value": "rotated until=2026-09-22"}]);
    world.admin("iam", "TagUser", json!({"UserName": eve, "Tags": tag}));
    let event = world.health(&[&key, &tagged]);
    let run = world.follow("P19", &event);
    assert_eq!(run.notable().count(), 2, "{run:#?}");
    assert!(run.notable().all(|item| matches!(item.outcome, Outcome::Exempt { .. })), "{run:#?}");
    assert!(world.writes().is_empty());
    world.time.pass(std::time::Duration::from_secs(3 * 24 * 3600));
    let run = world.reconcile();
    assert_eq!(run.notable().filter(|item| is_verified(item)).count(), 2, "over: {run:#?}");
    assert!(!world.is_active(&bob, &key));
}

/// A user as a test makes one: whether each key is active, and what is attached.
#[derive(Clone, Debug)]
struct Made {
    keys: Vec<bool>,
    denied: bool,
    quarantined: bool,
    other_policy: bool,
    /// The key that AWS Health names, if it names one.
    named: Option<usize>,
}

fn made() -> impl Strategy<Value = Made> {
    let keys = proptest::collection::vec(any::<bool>(), 0..=2);
    let flags = any::<[bool; 3]>();
    (keys, flags, proptest::option::of(0..2usize)).prop_map(
        |(keys, [denied, quarantined, other_policy], named)| Made {
            keys,
            denied,
            quarantined,
            other_policy,
            named,
        },
    )
}

/// Which keys are active, and which policies are attached.
fn whole(world: &mut World, user: &str, keys: &[String]) -> (Vec<bool>, Vec<String>) {
    let active = keys.iter().map(|key| world.is_active(user, key)).collect();
    let mut policies = world.policies(user);
    policies.sort_unstable();
    (active, policies)
}

/// Whatever a user was: after a repair no key works that did not, nothing is detached, and its neighbour is as it was;
/// and the undo makes it what it was.
#[test]
fn nothing_is_weaker_after_a_repair_and_the_undo_is_exact() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| {
        settings.limits.per_account = usize::MAX;
        settings.limits.least_of_class = usize::MAX;
    });
    let (neighbour, beside) = world.user("neighbour");
    let world = std::cell::RefCell::new(world);
    let mut runner = TestRunner::new(Config {
        cases: 20,
        failure_persistence: None,
        max_shrink_iters: 8,
        ..Config::default()
    });
    let result = runner.run(&made(), |made| {
        let world = &mut *world.borrow_mut();
        let (user, first) = world.user("someone");
        let mut keys = vec![first];
        keys.resize_with(made.keys.len().max(1), || world.access_key(&user));
        for (key, _) in keys.iter().zip(&made.keys).filter(|(_, active)| !**active) {
            let off = json!({"UserName": user, "AccessKeyId": key, "Status": "Inactive"});
            world.admin("iam", "UpdateAccessKey", off);
        }
        let policies = [
            (made.denied, DENY_ALL),
            (made.quarantined, QUARANTINE),
            (made.other_policy, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ];
        for (_, policy) in policies.iter().filter(|(attached, _)| *attached) {
            world.admin("iam", "AttachUserPolicy", json!({"UserName": user, "PolicyArn": policy}));
        }
        let before = whole(world, &user, &keys);
        let named = made.named.and_then(|nth| keys.get(nth)).cloned();
        let run = match &named {
            Some(key) => {
                let event = world.health(&[key]);
                world.follow("P19", &event)
            }
            None => world.reconcile(),
        };
        let after = whole(world, &user, &keys);
        for (was, is) in before.0.iter().zip(&after.0) {
            prop_assert!(*was || !is, "a key works that did not: {run:#?}");
        }
        prop_assert!(before.1.iter().all(|policy| after.1.contains(policy)), "{run:#?}");
        let repaired: Vec<_> = run.items.iter().filter(|item| is_verified(item)).collect();
        if let Some(key) = &named {
            prop_assert!(!world.is_active(&user, key), "{run:#?}");
        } else if made.quarantined {
            prop_assert!(after.0.iter().all(|active| !active), "{run:#?}");
        } else {
            prop_assert_eq!(&after, &before, "nobody said anything of this one");
        }
        for item in &repaired {
            prop_assert!(after.1.iter().any(|policy| policy == DENY_ALL), "{run:#?}");
            world.engine.undo(&item.id, "test").map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        prop_assert_eq!(whole(world, &user, &keys), before);
        if made.quarantined {
            // It is over for this one: the next looks of the schedule are about others.
            world.admin("iam", "DetachUserPolicy", json!({"UserName": user, "PolicyArn": QUARANTINE}));
        }
        let of_neighbour = whole(world, &neighbour, std::slice::from_ref(&beside));
        prop_assert_eq!(of_neighbour, (vec![true], Vec::new()));
        Ok(())
    });
    result.unwrap();
}
