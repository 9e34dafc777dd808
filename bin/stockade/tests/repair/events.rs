//! The event by hand: in whatever it lies, and what is said of what is none.

use std::io::Write as _;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::world::{World, came};

#[test]
fn an_event_is_found_in_whatever_brought_it() {
    let Some(world) = World::new() else { return };
    let arn = world.trail("main");
    let mut call = world.example("cloudtrail-stopped.json");
    call["detail"]["requestParameters"]["name"] = json!(arn);
    let event = call.to_string();
    let topic = json!({"Type": "Notification", "MessageId": "1", "Message": event}).to_string();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(json!({"Records": [call["detail"]]}).to_string().as_bytes()).unwrap();
    for (name, bytes) in [
        ("event.json", event.clone().into_bytes()),
        ("record.json", call["detail"].to_string().into_bytes()),
        ("list.json", json!([call]).to_string().into_bytes()),
        ("lines.jsonl", format!("{event}\n").into_bytes()),
        ("log.json.gz", packed.finish().unwrap()),
        ("sns.json", topic.clone().into_bytes()),
        ("sqs.json", json!({"Messages": [{"MessageId": "1", "Body": event}]}).to_string().into_bytes()),
        (
            "lambda-sqs.json",
            json!({"Records": [{"eventSource": "aws:sqs", "body": topic}]}).to_string().into_bytes(),
        ),
        ("lambda-sns.json", json!({"Records": [{"Sns": {"Message": event}}]}).to_string().into_bytes()),
    ] {
        world.stop("main");
        let file = world.file(name, &bytes);
        let rehearsed = world.run(&["repair", "event", "P01", &file, "--dry-run"]);
        assert_eq!(rehearsed.code, 5, "{name}: {rehearsed:?}");
        rehearsed.says(&["would be repaired"]);
    }
    let mut child =
        world.command(&["repair", "event", "trail-stopped", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
    came(&child.wait_with_output().unwrap()).with(0).says(&["repaired and verified"]);
}

#[test]
fn of_several_events_one_is_chosen() {
    let Some(world) = World::new() else { return };
    let (first, second) = (world.trail("first"), world.trail("second"));
    world.stop("first");
    world.stop("second");
    let record = |arn: &str| {
        let mut call = world.example("cloudtrail-stopped.json");
        call["detail"]["requestParameters"]["name"] = json!(arn);
        call["detail"].clone()
    };
    let both = json!({"Records": [record(&first), record(&second)]});
    let file = world.file("both.json", both.to_string().as_bytes());
    let event = |more: &[&str]| world.run(&[&["repair", "event", "P01", &file], more].concat());
    event(&[])
        .with(2)
        .says(&["both.json` holds 2 events, and one is followed", "`--nth 3` follows the third"]);
    event(&["--nth", "3"]).with(2).says(&["has no event 3: it holds 2 events"]);
    event(&["--nth", "0"]).with(2);
    event(&["--nth", "2"]).with(0).says(&["the trail `second`", "repaired and verified"]);
    assert!(!world.logs("first") && world.logs("second"));
}

#[test]
fn what_is_no_event_is_told_with_the_file() {
    let Some(world) = World::new() else { return };
    let mut large = world.config_event();
    large["pad"] = Value::String("x".repeat(1 << 20));
    let mut nowhere = world.config_event();
    nowhere["account"].take();
    nowhere["detail"]["awsAccountId"].take();
    for (name, bytes, wanted) in [
        ("text.log", b"Nov 22 10:00:00 sshd".to_vec(), "unexpected byte"),
        ("cut.json", world.config_event().to_string().into_bytes()[..300].to_vec(), "cannot read event"),
        ("other.json", b"{\"hello\": 1}".to_vec(), "not an event"),
        ("numbers.json", b"[1, 2]".to_vec(), "not an event"),
        ("empty.json", Vec::new(), "there is no event in"),
        ("large.json", large.to_string().into_bytes(), "longer than the limit of 1048576 bytes"),
        ("nowhere.json", nowhere.to_string().into_bytes(), "does not say in which account it happened"),
    ] {
        let file = world.file(name, &bytes);
        let came = world.run(&["repair", "event", "trail-stopped", &file, "--dry-run"]);
        assert_eq!(came.code, 2, "{name}: {came:?}");
        assert!(came.out.is_empty(), "{name}: {came:?}");
        came.says(&[name, wanted, "hint: "]);
    }
    world
        .run(&["repair", "event", "trail-stopped", "no/such.json"])
        .with(2)
        .says(&["`no/such.json`: No such file"]);
    let folder = world.folder.path().to_str().unwrap();
    world.run(&["repair", "event", "trail-stopped", folder]).with(2).says(&["Is a directory"]);
    // A name that would command a terminal is shown, not obeyed.
    let came = world.run(&["repair", "event", "trail-stopped", "\u{1b}[2J"]).with(2);
    assert!(!came.err.contains('\u{1b}'), "{came:?}");
}

#[test]
fn an_event_that_is_not_followed_says_why() {
    let Some(world) = World::new() else { return };
    world.trail("main");
    world.stop("main");
    let follow = |name: &str, event: &Value| {
        let file = world.file(name, event.to_string().as_bytes());
        world.run(&["repair", "event", "trail-stopped", &file])
    };
    let mut failed = world.example("cloudtrail-stopped.json");
    failed["detail"]["errorCode"] = json!("AccessDenied");
    follow("failed.json", &failed)
        .with(0)
        .says(&["not followed: the call that it tells of failed (AccessDenied)"]);
    let mut other = world.config_event();
    other["account"] = json!("999999999999");
    follow("other.json", &other)
        .with(0)
        .says(&["nothing is looked after in `999999999999`", "[repair.accounts.ID]"]);
    world.configure("[repair]\nmode = \"act\"\n[repair.playbooks]\ntrail-stopped = \"off\"\n");
    world.event(&[]).with(0).says(&["this repair is off"]);
    assert!(!world.logs("main"));
}
