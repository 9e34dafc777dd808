//! A thing's whole life by hand: tampered with, seen, repaired, left alone when it is well, taken back.

use serde_json::json;

use crate::world::World;

#[test]
fn a_trail_is_stopped_seen_started_and_stopped_again() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    world.run(&["repair", "run"]).with(0).says(&["all 2 are as they should be"]);
    world.run(&["repair", "check"]).with(0).says(&["REPAIR", "P01", "P03", "good"]);

    world.stop("main");
    let check = world.run(&["repair", "check"]).with(5);
    let check = check.says(&[
        "BAD: the trail `main` does not log",
        "P01 `main`, to mend it:",
        "start logging of the trail",
    ]);
    assert!(check.err.is_empty(), "{check:?}");
    assert!(!world.logs("main"), "a look changes nothing");

    let event = world.event(&[]).with(0);
    event.says(&[
        "the trail `main` does not log",
        "repaired and verified; `stockade repair undo p01-",
        "done: start logging",
    ]);
    assert!(world.logs("main"));
    world.event(&[]).with(0).says(&["it is as it should be"]);
    let id = world.newest("repair");

    world.run(&["repair", "show", &id]).with(0).says(&[
        "began",
        "repair",
        "cloudtrail:StartLogging",
        "undo",
        "cloudtrail:StopLogging",
        "sha256",
        "latency",
    ]);
    let undone = world.run(&["repair", "undo", &id, "--by", "carla, ticket 4711"]).with(0);
    undone.says(&["was taken back", "cloudtrail:StopLogging", "left as it is for 1d", "undo_holds"]);
    assert!(!world.logs("main"));

    // What a person took back is told and left.
    world.run(&["repair", "check"]).with(5);
    world.run(&["repair", "run"]).with(5).says(&["exempt, carla, ticket 4711 took the repair", "exempt"]);
    world.event(&[]).with(5).says(&["exempt"]);
    assert!(!world.logs("main"));
    world.run(&["repair", "undo", &id]).with(1).says(&["taken back already"]);
    world.run(&["repair", "show"]).with(0).says(&["taken back by carla, ticket 4711"]);
    world.run(&["repair", "verify-record"]).with(0).says(&["follow each other; the newest hash is"]);
}

#[test]
fn a_trail_is_weakened_and_gone_and_comes_back() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    world.run(&["repair", "run"]).with(0);
    world.cloudtrail("UpdateTrail", &json!({"Name": "main", "EnableLogFileValidation": false}));
    world
        .run(&["repair", "check"])
        .with(5)
        .says(&["its files are no longer signed", "EnableLogFileValidation"]);
    world.run(&["repair", "run"]).with(0).says(&[
        "P03",
        "repaired and verified",
        "3 looked at: 2 as it should be, 1 repaired",
    ]);
    world.cloudtrail("DeleteTrail", &json!({"Name": "main"}));
    world
        .run(&["repair", "check"])
        .with(5)
        .says(&["the trail `main` is gone", "make the trail `main` again"]);
    // The rule of the original says only that no trail is enabled; what is missing is found all the same.
    world.event(&[]).with(0).says(&["P02", "the trail `main` is gone: repaired and verified"]);
    assert!(world.logs("main"));
}

#[test]
fn a_stopped_trail_in_one_json_object() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    let check = world.run(&["repair", "check", "trail-stopped", "--json"]).with(0).json();
    assert_eq!((&check["exit"], &check["rows"][0]["verdict"]["verdict"]), (&json!(0), &json!("good")));
    world.stop("main");
    let check = world.run(&["repair", "check", "P01", "--json"]).with(5).json();
    assert_eq!(check["exit"], 5);
    assert_eq!(check["rows"].as_array().unwrap().len(), 1);
    assert_eq!(check["rows"][0]["plan"]["changes"][0]["operation"], "StartLogging");
    let event = world.event(&["--json"]).with(0).json();
    assert_eq!(event["answer"]["statusCode"], 200);
    assert_eq!(event["run"]["items"][0]["outcome"]["outcome"], "repaired");
    let id = event["run"]["items"][0]["id"].as_str().unwrap();
    let shown = world.run(&["repair", "show", id, "--json"]).with(0).json();
    assert_eq!(shown["entries"][1]["body"]["calls"][0]["call"]["operation"], "StartLogging");
    let run = world.run(&["repair", "run", "--json"]).with(0).json();
    assert!(
        run["run"]["items"].as_array().unwrap().iter().all(|item| item["outcome"]["outcome"] == "good"),
        "{run}"
    );
    let known = world.run(&["repair", "baseline", "list", "--json"]).with(0).json();
    assert_eq!(known["baselines"][0]["baseline"]["name"], "main");
    let undone = world.run(&["repair", "undo", id, "--json"]).with(0).json();
    assert_eq!(undone["run"]["items"][0]["outcome"]["outcome"], "undone");
    let verified = world.run(&["repair", "verify-record", "--json"]).with(0).json();
    assert_eq!(verified["whole"], true);
    let list = world.run(&["repair", "list", "--json"]).with(0).json();
    assert_eq!(
        (&list["repairs"][0]["name"], &list["repairs"][0]["mode"]),
        (&json!("trail-stopped"), &json!("act"))
    );
}

#[test]
fn of_many_good_things_only_the_bad_one_is_shown() {
    let Some(world) = World::new() else { return };
    for nth in 10..34 {
        world.trail(&format!("trail-{nth}"));
    }
    let check = world.run(&["repair", "check", "trail-stopped"]).with(0);
    assert_eq!(check.out, "24 are as they should be; `-v` shows them\n");
    world.stop("trail-17");
    let check = world.run(&["repair", "check", "trail-stopped"]).with(5);
    assert!(!check.out.contains("trail-18"), "{}", check.out);
    check.says(&["trail-17", "23 more are as they should be; `-v` shows them"]);
    world
        .run(&["repair", "check", "trail-stopped", "-v"])
        .with(5)
        .says(&["trail-17", "trail-18", "trail-33"]);
}

#[test]
fn only_one_place_and_no_place_that_is_none() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    let account = world.account.clone();
    world.run(&["repair", "check", "--account", &account, "--region", "eu-central-1"]).with(0);
    world
        .run(&["repair", "check", "--region", "eu-centrl-1"])
        .with(2)
        .says(&["nothing is looked after with `--region eu-centrl-1`", "hint:"]);
    world.run(&["repair", "run", "--account", "999999999999"]).with(2).says(&["`--account 999999999999`"]);
    world
        .run(&["repair", "check", "trail-stoped"])
        .with(2)
        .says(&["tip: a similar value exists: 'trail-stopped'"]);
}

#[test]
fn where_repairs_are_off_they_can_be_looked_at_and_nothing_else_happens() {
    let Some(world) = World::new() else { return };
    world.configure("");
    world.trail("main");
    world.stop("main");
    world.run(&["repair", "list"]).with(0).says(&["off", "note: repairs are off"]);
    world
        .run(&["repair", "check", "trail-stopped", "trail-deleted", "--region", "eu-central-1"])
        .with(5)
        .says(&[
            "does not log",
            "no last good states are known here",
            "repairs are off: nothing of this would be repaired",
        ]);
    for args in [&["repair", "run"][..], &["repair", "run", "trail-stopped"]] {
        world
            .run(args)
            .with(2)
            .says(&["repairs are off: nothing was looked at", "`--dry-run` or `--mode act`"]);
    }
    world.event(&[]).with(2).says(&["repairs are off"]);
    world.run(&["repair", "show"]).with(1).says(&["nothing was ever repaired here"]);
    assert!(!world.logs("main") && !world.shelf().exists());
    // This time, whatever is configured.
    world.event(&["--mode", "act"]).with(0).says(&["repaired and verified"]);
    assert!(world.logs("main"));
}
