//! What `iam` prints is exactly what is called: every call of every playbook's whole life, compared.

use std::collections::BTreeSet;

use serde_json::Value;
use stockade_repair::playbook::{Access, BASE, PolicyOptions, policy};
use stockade_repair::{CATALOGUE, Mode, Playbook, Recorder};

use crate::world::World;
use crate::{account, buckets, deleted, groups, guardduty, keys, leaked, own, snapshots, stopped, weakened};

/// The calls that a playbook makes in its whole life, also when it fails halfway and when it is taken back.
fn calls_of(id: &str) -> Option<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    let mut live = |life: &dyn Fn(&mut World)| -> Option<()> {
        let mut world = World::new()?;
        // Only this one, so that no other's calls are counted.
        world.only = Some(id.to_owned());
        world.reset(|_| {});
        life(&mut world);
        all.extend(world.everything());
        Some(())
    };
    match id {
        "P01" => live(&stopped::life)?,
        "P02" => {
            live(&deleted::life)?;
            for (fails, nth) in [("PutEventSelectors", 1), ("PutInsightSelectors", 2)] {
                live(&move |world| deleted::halfway(world, fails, nth))?;
            }
            live(&deleted::half_weakened)?;
        }
        "P03" => {
            live(&weakened::life)?;
            live(&weakened::insights)?;
        }
        "P04" => live(&own::life)?,
        "P05" => live(&guardduty::life)?,
        "P09" => live(&account::life)?,
        "P10" => live(&buckets::life)?,
        "P12" => live(&snapshots::life)?,
        "P16" => live(&groups::life)?,
        "P17" => live(&keys::life)?,
        "P19" => live(&leaked::life)?,
        other => panic!("no life of {other} is told: tell it here"),
    }
    // Who we are and which role to assume belong to no playbook.
    all.retain(|call| !call.starts_with("sts:"));
    Some(all)
}

fn allowed(actions: &Value) -> BTreeSet<String> {
    let statements = actions["Statement"].as_array().unwrap();
    statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_call_is_permitted_and_every_permission_is_needed() {
    for playbook in CATALOGUE {
        let about = playbook.about();
        let Some(made) = calls_of(about.id) else { return };
        let named: BTreeSet<String> = about
            .permissions
            .iter()
            .flat_map(stockade_repair::playbook::Permission::needed_by)
            .map(str::to_owned)
            .collect();
        assert_eq!(made, named, "{}: calls made, and calls that permissions name", about.id);

        // The policy allows the actions of those calls and no others.
        let options = PolicyOptions { undo: true, ..PolicyOptions::default() };
        let printed = allowed(&policy(&[(*playbook, Mode::Act)], &options));
        let base: BTreeSet<String> = BASE.iter().map(|one| one.action.to_owned()).collect();
        let wanted: BTreeSet<String> = about
            .permissions
            .iter()
            .filter(|one| one.needed_by().iter().any(|call| made.contains(*call)))
            .map(|one| one.action.to_owned())
            .chain(base)
            .collect();
        assert_eq!(printed, wanted, "{}", about.id);
    }
}

#[test]
fn a_mode_that_changes_nothing_may_change_nothing() {
    for playbook in CATALOGUE {
        let of = |mode, undo| {
            allowed(&policy(
                &[(*playbook as &dyn Playbook, mode)],
                &PolicyOptions { undo, ..PolicyOptions::default() },
            ))
        };
        for mode in [Mode::Notify, Mode::Plan] {
            for action in of(mode, false) {
                let (_, name) = action.split_once(':').unwrap();
                assert!(
                    ["Get", "List", "Describe"].iter().any(|read| name.starts_with(read)),
                    "{mode}: {action}"
                );
            }
        }
        let repairs: Vec<&str> = playbook
            .about()
            .permissions
            .iter()
            .filter(|one| one.access == Access::Repair)
            .map(|one| one.action)
            .collect();
        for mode in [Mode::Approve, Mode::Act] {
            assert!(repairs.iter().all(|action| of(mode, false).contains(*action)), "{mode}");
        }
        assert!(of(Mode::Off, true).is_empty());
    }
    // Nobody who takes over the function becomes an administrator by it, or can stop a trail with it.
    let all: Vec<(&dyn Playbook, Mode)> = CATALOGUE.iter().map(|playbook| (*playbook, Mode::Act)).collect();
    let printed = policy(&all, &PolicyOptions::default());
    let actions = allowed(&printed);
    for dangerous in [
        "cloudtrail:StopLogging",
        "cloudtrail:DeleteTrail",
        "iam:PutRolePolicy",
        "iam:PutUserPolicy",
        "iam:DetachUserPolicy",
        "events:DisableRule",
    ] {
        assert!(!actions.contains(dangerous), "{dangerous}");
    }
    for statement in printed["Statement"].as_array().unwrap() {
        let actions: Vec<&str> =
            statement["Action"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        if actions.contains(&"iam:PassRole") {
            assert_eq!(
                statement["Condition"]["StringEquals"]["iam:PassedToService"],
                "cloudtrail.amazonaws.com"
            );
        }
        if actions.iter().any(|action| action.starts_with("iam:Attach")) {
            assert_eq!(
                statement["Condition"]["ArnEquals"]["iam:PolicyARN"],
                "arn:aws:iam::aws:policy/AWSDenyAll"
            );
        }
        let everywhere = statement["Resource"] == serde_json::json!(["*"]);
        // AWS has no name for a detector that is still to be made, nor for the account's own block.
        let nameless = ["guardduty:CreateDetector", "s3:PutAccountPublicAccessBlock"];
        let reads = |action: &&str| {
            nameless.contains(action)
                || ["Get", "List", "Describe"]
                    .iter()
                    .any(|read| action.split(':').nth(1).unwrap().starts_with(read))
        };
        assert!(!everywhere || actions.iter().all(reads), "{statement}");
    }
}

/// What a playbook does that its permissions do not name is not done: the engine asks them before each call.
#[test]
fn a_call_that_no_permission_names_is_never_made() {
    use stockade_repair::playbook::{
        About, Cannot, Change, Docs, Finding, Look, Permission, Plan, Sight, Subject, Verdict,
    };

    #[derive(Debug)]
    struct Careless;
    static ABOUT: About = About {
        id: "P98",
        name: "careless",
        docs: Docs::new(""),
        mode: Mode::Act,
        permissions: &[Permission::read("cloudtrail:DescribeTrails", "*")],
        kinds: &[],
        then: &[],
    };
    impl Playbook for Careless {
        fn about(&self) -> &'static About {
            &ABOUT
        }
        fn check(&self, look: &mut Look<'_>) -> Result<Sight, stockade_repair::ApiFault> {
            look.ask("cloudtrail", "DescribeTrails", serde_json::json!({}))?;
            let fault = look.ask("cloudtrail", "StartLogging", serde_json::json!({"Name": "x"})).unwrap_err();
            assert!(fault.message.contains("no permission"), "{fault}");
            let subject = Subject::new(look.place(), "trail", "x");
            let bad = Verdict::Bad("bad".into());
            Ok(Sight { findings: vec![Finding::new(subject, "x", bad, Value::Null)], seen: 1 })
        }
        fn plan(&self, _: &Finding) -> Result<Plan, Cannot> {
            let parameters = serde_json::json!({"Name": "x"});
            Ok(Plan::of(vec![Change::new("delete it".into(), "cloudtrail", "DeleteTrail", parameters)]))
        }
    }

    let Some(world) = World::new() else { return };
    let tape = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&tape);
    let engine = world.with_api(move |api| {
        let api = Recorder::around(api);
        *kept.lock().unwrap() = vec![api.tape()];
        Box::new(api)
    });
    let mut engine = engine.with_playbooks(vec![&Careless]);
    let run = engine.reconcile(&stockade_repair::Scope::default()).unwrap();
    assert!(run.failed(), "{run:#?}");
    let calls: Vec<String> =
        tape.lock().unwrap()[0].lock().unwrap().iter().map(|heard| heard.call.name()).collect();
    assert_eq!(calls, ["cloudtrail:DescribeTrails"]);
}
