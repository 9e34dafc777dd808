//! `stockade iam`: the policy is what the calls take, as they go over the wire.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::World;

fn actions(policy: &Value) -> BTreeSet<String> {
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().unwrap();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow", "{statement}");
        assert!(!statement["Resource"].as_array().unwrap().is_empty(), "{statement}");
    }
    let all = statements.iter().flat_map(|one| one["Action"].as_array().unwrap());
    all.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The calls since the last time, as policies name them.
fn calls(world: &World) -> BTreeSet<String> {
    let seen = world.proxy.seen();
    let call = |request: &stockade_testkit::fault_proxy::Request| {
        let scope = request.header("authorization").unwrap().split('/').nth(3).unwrap().to_owned();
        (scope != "sts").then(|| format!("{scope}:{}", request.action().unwrap()))
    };
    seen.iter().filter_map(call).collect()
}

#[test]
fn the_policy_is_what_is_called() {
    let Some(world) = World::new() else { return };
    // All regions, so that they are asked for.
    world.configure("[repair]\nmode = \"act\"\ntrial = \"0s\"\n");
    world.trail("main");
    let iam = |more: &[&str]| {
        let args = [&["iam", "trail-stopped", "--account", &world.account], more].concat();
        actions(&world.run(&args).with(0).json())
    };
    let (act, plan, undo) =
        (iam(&["--mode", "act"]), iam(&["--mode", "plan"]), iam(&["--mode", "act", "--undo"]));
    assert_eq!(act, iam(&[]), "as configured");

    world.stop("main");
    world.proxy.seen();
    world.run(&["repair", "check", "trail-stopped"]).with(5);
    assert_eq!(calls(&world), plan);
    world.run(&["repair", "run", "trail-stopped"]).with(0);
    assert_eq!(calls(&world), act);
    let id = world.newest("repair");
    world.run(&["repair", "undo", &id]).with(0);
    let taken: BTreeSet<String> = undo.difference(&act).cloned().collect();
    assert_eq!(calls(&world), taken);
    assert_eq!(taken, BTreeSet::from(["cloudtrail:StopLogging".to_owned()]));
}

#[test]
fn it_is_for_the_account_that_is_named_and_no_wider() {
    let Some(world) = World::new() else { return };
    let policy = world.run(&["iam", "--account", "111122223333", "--table", "Stockade"]).with(0);
    assert!(!policy.out.contains("*:111122223333:*"), "{}", policy.out);
    let json = policy.json();
    for statement in json["Statement"].as_array().unwrap() {
        let reads = |action: &Value| {
            let name = action.as_str().unwrap().split(':').nth(1).unwrap();
            ["Get", "List", "Describe"].iter().any(|read| name.starts_with(read))
        };
        let everything = statement["Resource"].as_array().unwrap().contains(&Value::from("*"));
        assert!(!everything || statement["Action"].as_array().unwrap().iter().all(reads), "{statement}");
    }
    policy.says(&["table/Stockade", "dynamodb:LeadingKeys", "arn:aws:cloudtrail:*:111122223333:trail/*"]);
    // What is off needs nothing.
    world.configure("");
    world.run(&["iam"]).with(2).says(&["all of these repairs are off", "--mode act"]);
    world.run(&["iam", "trail-stoped"]).with(2).says(&["trail-stopped"]);
}
