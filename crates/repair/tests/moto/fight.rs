//! An attacker fights the repair: escalated, contained where that is allowed, told in every case, and taken back.

use std::time::Duration;

use serde_json::{Value, json};
use stockade_repair::{Exemption, Item, Mode, ModeRule, Outcome, Run, Whom};

use crate::world::{World, at, is_verified};

const DENY_ALL: &str = "arn:aws:iam::aws:policy/AWSDenyAll";

/// Stops a trail as somebody whom the event names.
fn stop(world: &mut World, trail: &str, identity: &Value) -> Run {
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let mut event = world.event("StopLogging", json!({"name": trail}));
    event["detail"]["userIdentity"] = identity.clone();
    world.follow("P01", &event)
}

/// Stop, repair, three times, then once more; what the last came to.
fn fight(world: &mut World, by: [&Value; 4]) -> (String, Run) {
    let trail = world.trail("main");
    let (last, before) = by.split_last().unwrap();
    for identity in before {
        let run = stop(world, &trail, identity);
        assert!(run.items.iter().all(is_verified), "{run:#?}");
        world.time.pass(Duration::from_secs(60));
    }
    let run = stop(world, &trail, last);
    assert!(!world.is_logging(&trail));
    (trail, run)
}

fn of<'r>(run: &'r Run, playbook: &str) -> Option<&'r Item> {
    run.items.iter().find(|item| item.playbook == playbook)
}

fn page(run: &Run) -> String {
    let item = of(run, "P01").unwrap();
    assert!(matches!(item.outcome, Outcome::Escalated { .. }), "{run:#?}");
    item.sentence()
}

fn user(world: &World, name: &str, key: &str) -> Value {
    let arn = format!("arn:aws:iam::{}:user/{name}", world.place.account);
    json!({"type": "IAMUser", "arn": arn, "userName": name, "accessKeyId": key})
}

fn session(world: &World, role: &str, session: &str) -> Value {
    let account = &world.place.account;
    json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::{account}:role/{role}")}}})
}

#[test]
fn whoever_undoes_three_repairs_is_contained_and_may_be_let_go() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.contain = true);
    let (mallory, key) = world.user("mallory");
    let second = world.access_key(&mallory);
    let identity = user(&world, &mallory, &key);
    let (trail, run) = fight(&mut world, [&identity; 4]);

    // The actor's calls would be denied now.
    assert_eq!(world.policies(&mallory), [DENY_ALL]);
    assert!(!world.is_active(&mallory, &key) && !world.is_active(&mallory, &second));
    let contained = of(&run, "P19").unwrap().clone();
    assert!(is_verified(&contained), "{run:#?}");
    assert!(contained.sentence().contains("undid 3 repairs of main"), "{}", contained.sentence());

    // The page says who, which repairs, and what was done.
    let page = page(&run);
    assert!(page.contains("NOT repaired any more") && page.contains(&mallory), "{page}");
    assert!(page.contains("was contained") && page.contains(&contained.id), "{page}");
    assert!(!page.contains("contain the actor"), "{page}");
    let escalated = of(&run, "P01").unwrap().clone();
    let Outcome::Escalated { repairs, .. } = &escalated.outcome else { panic!("{run:#?}") };
    assert!(repairs.len() == 3 && repairs.iter().all(|id| page.contains(id)), "{page}");

    // Both are in the record, and lead to each other.
    assert_eq!(world.kinds(&escalated.id), ["escalation"]);
    assert_eq!(world.kinds(&contained.id), ["began", "repair"]);
    let entry = world.engine.show(&escalated.id).unwrap().remove(0);
    assert_eq!(entry.body["outcome"]["contained"][0]["id"], contained.id);
    let began = world.engine.show(&contained.id).unwrap().remove(0);
    assert_eq!(
        (&began.body["trigger"], &began.body["escalation"]),
        (&json!("escalation"), &json!(escalated.id))
    );
    assert_eq!(began.body["undone"], json!(repairs));
    assert_eq!(began.body["actor"]["arn"], identity["arn"]);

    // Once more, and by the schedule: nothing new is done.
    world.writes();
    let run = stop(&mut world, &trail, &identity);
    assert!(super::fight::page(&run).contains("is contained already"), "{run:#?}");
    world.reconcile();
    assert!(world.writes().is_empty());
    let head = world.reconcile().head;
    assert_eq!(world.reconcile().head, head);

    // A mistake: the actor is let go, with everything as it was, and is left alone by the next.
    let undone = world.engine.undo(&contained.id, "alice").unwrap();
    assert_eq!(undone.items[0].outcome, Outcome::Undone, "{undone:#?}");
    assert!(world.policies(&mallory).is_empty());
    assert!(world.is_active(&mallory, &key) && world.is_active(&mallory, &second));
    let run = stop(&mut world, &trail, &identity);
    let again = super::fight::page(&run);
    assert!(again.contains("exempt: alice") && again.contains("contain the actor now"), "{again}");
    assert!(world.policies(&mallory).is_empty());
    world.time.pass(Duration::from_secs(600));
    assert!(
        is_verified(of(&world.reconcile(), "P01").unwrap()),
        "the trail itself, when the window has moved on"
    );
}

#[test]
fn without_leave_it_is_only_told() {
    let Some(mut world) = World::new() else { return };
    let (mallory, key) = world.user("mallory");
    let identity = user(&world, &mallory, &key);
    let (_, run) = fight(&mut world, [&identity; 4]);
    let page = page(&run);
    assert!(page.contains("`contain` in `[repair]` does not allow it; contain the actor now"), "{page}");
    assert!(of(&run, "P19").is_none());
    assert!(world.policies(&mallory).is_empty() && world.is_active(&mallory, &key));
}

#[test]
fn a_role_is_contained_when_a_person_approves() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.contain = true);
    let role = world.role("ci", "/build/");
    let sessions: Vec<Value> = (0..4).map(|nth| session(&world, &role, &format!("run-{nth}"))).collect();
    let (_, run) = fight(&mut world, [&sessions[0], &sessions[1], &sessions[2], &sessions[3]]);
    let waits = of(&run, "P19").unwrap().clone();
    assert!(matches!(waits.outcome, Outcome::Waiting { .. }), "{run:#?}");
    let page = page(&run);
    assert!(page.contains(&format!("`stockade repair approve {}` does it", waits.id)), "{page}");
    assert!(page.contains("contain the actor now"), "{page}");
    assert!(world.role_policies(&role).is_empty());
    let run = world.engine.approve(&waits.id, "alice").unwrap();
    assert!(is_verified(of(&run, "P19").unwrap()), "{run:#?}");
    assert_eq!(world.role_policies(&role), [DENY_ALL]);
    world.engine.undo(&waits.id, "alice").unwrap();
    assert!(world.role_policies(&role).is_empty());
}

#[test]
fn the_mode_of_its_playbook_is_its_own() {
    for (mode, says) in [
        (Mode::Off, "the playbook P19 is off"),
        (Mode::Notify, "the mode is `notify`"),
        (Mode::Plan, "the mode of P19 is `plan`"),
        (Mode::Approve, "`stockade repair approve p19-"),
    ] {
        let Some(mut world) = World::new() else { return };
        let rule = ModeRule { playbook: Some("P19".into()), account: None, region: None, mode };
        world.reset(|settings| (settings.contain, settings.modes.rules) = (true, vec![rule]));
        let (mallory, key) = world.user("mallory");
        let identity = user(&world, &mallory, &key);
        let (_, run) = fight(&mut world, [&identity; 4]);
        assert!(page(&run).contains(says), "{mode}: {}", page(&run));
        assert!(world.policies(&mallory).is_empty() && world.is_active(&mallory, &key));
    }
}

#[test]
fn the_exempt_the_protected_and_the_unknown_are_never_contained() {
    let Some(mut world) = World::new() else { return };
    let (mallory, key) = world.user("mallory");
    let identity = user(&world, &mallory, &key);
    let arn = identity["arn"].as_str().unwrap().to_owned();
    let root = json!({"type": "Root", "arn": format!("arn:aws:iam::{}:root", world.place.account)});
    let elsewhere = json!({"type": "IAMUser", "arn": format!("arn:aws:iam::999988887777:user/{mallory}")});
    let service = json!({"type": "AWSService", "invokedBy": "x.amazonaws.com"});
    let gone = user(&world, "nobody-here", &key);
    for (who, glass, exempt, says) in [
        (&identity, true, false, "for emergencies"),
        (&identity, false, true, "exempt: it is the auditors'"),
        (&root, false, false, "nothing can be denied to root"),
        (&elsewhere, false, false, "999988887777 is not looked after"),
        (&service, false, false, "neither a user nor a role"),
        (&gone, false, false, "no such user or role"),
        (&json!({}), false, false, "contain the actor now"),
    ] {
        let glass = if glass { vec![arn.clone()] } else { Vec::new() };
        // Exempt from being contained, and not from having the trail started.
        let whom =
            Whom { principal: Some(arn.clone()), playbook: Some("key-leaked".into()), ..Whom::default() };
        let exemption = Exemption::new(whom, at(1_000_000), "it is the auditors'").unwrap();
        let exemptions = if exempt { vec![exemption] } else { Vec::new() };
        world.reset(|settings| {
            settings.contain = true;
            settings.own.break_glass = glass;
            settings.exemptions = exemptions;
        });
        let (_, run) = fight(&mut world, [who; 4]);
        let page = page(&run);
        assert!(page.contains(says) && page.contains("contain the actor now"), "{page}");
        let trail = of(&run, "P01").unwrap().subject.id.clone();
        world.admin("cloudtrail", "DeleteTrail", json!({"Name": trail}));
        world.time.pass(Duration::from_secs(24 * 3600));
    }
    assert!(world.policies(&mallory).is_empty() && world.is_active(&mallory, &key));
}

/// Who stopped the trail first, or undid one repair by chance, is no attacker.
#[test]
fn whoever_undid_only_one_is_named_and_left() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.contain = true);
    let (alice, hers) = world.user("alice");
    let (mallory, his) = world.user("mallory");
    let (good, bad) = (user(&world, &alice, &hers), user(&world, &mallory, &his));
    let (_, run) = fight(&mut world, [&good, &good, &bad, &bad]);
    let page = page(&run);
    assert!(page.contains("it undid 1 of 3") && page.contains("was contained"), "{page}");
    assert!(world.is_active(&alice, &hers) && world.policies(&alice).is_empty());
    assert!(!world.is_active(&mallory, &his));
}

/// No event told who it was: the schedule found each of them.
#[test]
fn a_fight_that_only_the_schedule_sees_names_nobody() {
    let Some(mut world) = World::new() else { return };
    world.reset(|settings| settings.contain = true);
    let trail = world.trail("main");
    for _ in 0..3 {
        world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
        assert!(is_verified(of(&world.reconcile(), "P01").unwrap()));
    }
    world.admin("cloudtrail", "StopLogging", json!({"Name": trail}));
    let run = world.reconcile();
    let page = page(&run);
    assert!(
        page.contains("somebody whom no event names") && page.contains("contain the actor now"),
        "{page}"
    );
    assert!(of(&run, "P19").is_none());
    let head = world.reconcile().head;
    assert_eq!(world.reconcile().head, head, "said once");
}
