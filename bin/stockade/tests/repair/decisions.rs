//! How far it goes, and who decides: modes, approvals, exemptions, limits, accepted states.

use serde_json::json;

use crate::world::{ACT, HERE, World};

fn stopped() -> Option<World> {
    let world = World::new()?;
    world.trail("main");
    world.stop("main");
    Some(world)
}

#[test]
fn a_rehearsal_changes_and_keeps_nothing() {
    let Some(world) = stopped() else { return };
    world
        .event(&["--dry-run"])
        .with(5)
        .says(&["would be repaired", "would: start logging of the trail `main`"]);
    world.run(&["repair", "run", "trail-stopped", "--dry-run"]).with(5).says(&["would be repaired"]);
    assert!(!world.logs("main") && !world.shelf().exists());
    world.event(&["--dry-run", "--mode", "act"]).with(2).says(&["cannot be used with"]);
}

#[test]
fn a_plan_and_a_notice_say_why_nothing_is_done() {
    let Some(world) = stopped() else { return };
    world
        .event(&["--mode", "plan"])
        .with(5)
        .says(&["would be repaired (mode `plan`)", "would: start logging"]);
    world.event(&["--mode", "notify"]).with(5).says(&["not repaired, the mode is `notify`"]);
    assert!(!world.logs("main"));
    world.run(&["repair", "show"]).with(0).says(&["plan", "notice"]);
    let id = world.newest("plan");
    world.run(&["repair", "undo", &id]).with(1).says(&["it was never carried out"]);
    world.run(&["repair", "approve", &id]).with(1).says(&["hint:"]);
}

#[test]
fn somebody_approves() {
    let Some(world) = stopped() else { return };
    world.event(&["--mode", "approve"]).with(5).says(&["`stockade repair approve p01-"]);
    assert!(!world.logs("main"));
    let waiting = world.run(&["repair", "show", "--json"]).with(0).json();
    let id = waiting["waiting"][0]["id"].as_str().unwrap();
    world.run(&["repair", "show"]).with(0).says(&["WAITS", id, "UNTIL", "start logging of the trail `main`"]);
    // The same again asks nobody twice.
    world.event(&["--mode", "approve"]).with(5).says(&[id]);
    let approved = world.run(&["repair", "approve", id, "--by", "carla"]).with(0);
    approved.says(&["repaired and verified"]);
    assert!(world.logs("main"));
    world.run(&["repair", "approve", id]).with(1).says(&["it was approved already"]);
    world.run(&["repair", "refuse", id]).with(1).says(&["it was approved already"]);
    world.run(&["repair", "show", id]).with(0).says(&["approved by carla"]);
}

#[test]
fn somebody_refuses() {
    let Some(world) = stopped() else { return };
    world.event(&["--mode", "approve"]).with(5);
    let id = world.newest("approval");
    world
        .run(&["repair", "refuse", &id, "--by", "carla"])
        .with(0)
        .says(&["carla refused it", "left as it is for 1d"]);
    world.event(&["--mode", "act"]).with(5).says(&["exempt", "was refused"]);
    assert!(!world.logs("main"));
    world.run(&["repair", "approve", &id]).with(1).says(&["it was refused already"]);
    for command in ["approve", "refuse", "undo", "show"] {
        world
            .run(&["repair", command, "p01-000000000000"])
            .with(1)
            .says(&["there is no repair `p01-000000000000`", "hint: `stockade repair show`"]);
    }
}

#[test]
fn who_is_exempt_is_told_with_the_reason() {
    let Some(world) = stopped() else { return };
    world.configure(&format!(
        "{HERE}{ACT}\n[[repair.exempt]]\nresource = \"main\"\nreason = \"it moves to another account\"\nuntil = \"2099-01-01\"\n"
    ));
    world.event(&[]).with(5).says(&["exempt, it moves to another account"]);
    assert!(!world.logs("main"));
}

#[test]
fn a_limit_stops_it_and_says_so() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    world.configure(&format!("{HERE}max_per_thing = 1\n{ACT}"));
    world.stop("main");
    world.event(&[]).with(0);
    world.stop("main");
    let limited = world.event(&[]).with(5);
    limited.says(&["NOT repaired"]);
    assert!(!world.logs("main"));
}

#[test]
fn what_is_weaker_on_purpose_is_accepted() {
    let Some(world) = World::new() else { return };
    let arn = world.trail("main");
    world.run(&["repair", "run"]).with(0);
    world.run(&["repair", "baseline", "list"]).with(0).says(&["trail", "main", &arn, "TAKEN"]);
    world.cloudtrail("UpdateTrail", &json!({"Name": "main", "EnableLogFileValidation": false}));
    world.run(&["repair", "check"]).with(5);
    let accept = |more: &[&str]| world.run(&[&["repair", "baseline", "accept"], more].concat());
    accept(&[&arn]).with(2).says(&["--reason"]);
    accept(&[&arn, "--reason", " "]).with(2).says(&["a reason is needed"]);
    accept(&["main", "--reason", "x"]).with(2).says(&["in which region is `main`?", "--region"]);
    accept(&["nothing", "--region", "eu-central-1", "--reason", "x"])
        .with(1)
        .says(&["is called `nothing`", "baseline list"]);
    accept(&[&arn, "--reason", "signed elsewhere", "--by", "carla"])
        .with(0)
        .says(&["`", "is good as it is now"]);
    world.run(&["repair", "check"]).with(0);
    world.run(&["repair", "show"]).with(0).says(&["accepted as it is by carla: signed elsewhere"]);

    // Gone on purpose: it is missed no more, and the account is without a trail, which is another matter.
    world.cloudtrail("DeleteTrail", &json!({"Name": "main"}));
    world.run(&["repair", "check"]).with(5).says(&["is gone"]);
    accept(&[&arn, "--reason", "retired"]).with(0).says(&["is gone and no longer missed"]);
    world.run(&["repair", "check"]).with(5).says(&["no trail in"]);
    world.run(&["repair", "baseline", "list"]).with(0).says(&["no last good states are known yet"]);
}
