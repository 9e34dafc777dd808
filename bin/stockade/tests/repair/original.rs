//! The CloudTrail guard that this grew out of, by hand: its four answers, with exit codes for scripts.

use serde_json::Value;
use stockade_testkit::fault_proxy::{Answer, Verdict};

use crate::world::{ACT, Came, World, came};

fn answer(came: &Came) -> (Value, String) {
    let json = came.json();
    assert_eq!(json["exit"], came.code, "{json}");
    (json["answer"]["statusCode"].clone(), json["answer"]["body"].as_str().unwrap().to_owned())
}

#[test]
fn of_two_trails_one_cannot_be_started() {
    let Some(world) = World::new() else { return };
    for name in ["first", "second"] {
        world.trail(name);
        world.stop(name);
    }
    world.refuse("StartLogging", "trail/first");
    let both = world.event(&["--json"]).with(3);
    let (status, body) = answer(&both);
    assert_eq!(status, 500);
    assert!(body.contains("AccessDenied") && body.contains("repaired and verified"), "{body}");
    assert!(!world.logs("first") && world.logs("second"), "the one that fails does not stop the other");
    // Now only the bad one is left.
    world.event(&[]).with(1).says(&[
        "0 of 1 calls worked; cannot call cloudtrail:StartLogging",
        "not done: start logging of the trail `first`",
        "hint: `stockade iam trail-stopped --mode act` prints the policy that it takes",
        "2 looked at: 1 as it should be, 1 failed",
    ]);
    world.refuse("", "");
    world.event(&[]).with(0).says(&["repaired and verified"]);
    assert!(world.logs("first"));
}

#[test]
fn there_is_no_trail_at_all() {
    let Some(world) = World::new() else { return };
    let (status, body) = answer(&world.event(&["--json"]).with(5));
    assert_eq!((status, body.as_str()), (404.into(), "no trail in this account"));
    let message = format!("no trail in {}: ", world.account);
    for args in [&["check"][..], &["check", "trail-stopped"], &["run"], &["run", "--dry-run"]] {
        let args = [&["repair"], args].concat();
        world.run(&args).with(5).says(&[&message, "hint: `aws cloudtrail create-trail"]);
    }
    let check = world.run(&["repair", "check", "--json"]).with(5).json();
    assert_eq!(check["without_trail"], serde_json::json!([world.account]));
    // Whoever asks for something else gets no answer about trails.
    world.run(&["repair", "check", "self-protection"]).with(0);
    world.trail("main");
    world.run(&["repair", "check"]).with(0);
}

/// What cannot be read may be there: that is no 404.
#[test]
fn nothing_may_be_done() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    world.stop("main");
    for (refused, words) in
        [("DescribeTrails", "--mode plan"), ("GetTrailStatus", "--mode plan"), ("StartLogging", "--mode act")]
    {
        world.refuse(refused, "");
        let denied = world.event(&[]).with(1);
        denied.says(&["AccessDeniedException", "hint: `stockade iam", words, "service control policy"]);
        let (status, body) = answer(&world.event(&["--json"]).with(1));
        assert_eq!(status, 500, "{refused}");
        assert!(body.contains("AccessDenied"), "{refused}: {body}");
        assert!(!world.logs("main"));
        // The limit of three tries is another test's.
        std::fs::remove_file(world.shelf()).unwrap();
    }
    world.refuse("DescribeTrails", "");
    world
        .run(&["repair", "check"])
        .with(1)
        .says(&["cannot look at trail-stopped: ", "stockade iam trail-stopped --mode plan"]);
    let check = world.run(&["repair", "check", "--json"]).with(1).json();
    assert_eq!(check["without_trail"], serde_json::json!([]), "it may have one");
    // Without the right to see which regions there are, the one that is known is looked at.
    world.configure(&format!("[repair]\ntrial = \"0s\"\n{ACT}"));
    world.refuse("DescribeRegions", "");
    world.run(&["repair", "check"]).with(5).says(&["cannot look at its regions", "does not log"]);
}

#[test]
fn nobody_asks() {
    let Some(world) = World::new() else { return };
    let ask = |names: &[&str], add: &[(&str, &str)]| {
        let mut command = world.command(&["repair", "check"]);
        for name in names {
            command.env_remove(name);
        }
        came(&command.envs(add.iter().copied()).output().unwrap())
    };
    ask(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"], &[])
        .with(1)
        .says(&["cannot find credentials for AWS", "hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID"]);
    ask(&["AWS_REGION"], &[]).with(1).says(&["no AWS region is known", "AWS_REGION"]);
    ask(&[], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")])
        .with(1)
        .says(&["cannot call sts:GetCallerIdentity in eu-central-1", "whether this machine reaches AWS"]);
    for code in ["InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch"] {
        let refusal =
            format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
        world.proxy.rule(move |_| Verdict::answer(Answer::xml(403, &refusal)));
        ask(&[], &[]).with(1).says(&[code, "hint: the credentials are wrong or too old"]);
    }
}
