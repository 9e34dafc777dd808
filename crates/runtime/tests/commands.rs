//! What commands ask and change while the daemon runs; the log in fail2ban's format; bans of another program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;

use stockade_core::Timestamp;
use stockade_runtime::control::{DaemonChange, Fate, ForeignBan, JailChange, JailDetail, Request, Response};

#[path = "support/world.rs"]
mod world;

use world::{JAILS, World, failures, wait_for};

const LOG: &str = "[fail2ban_log]\nfile = \"{at}/f2b.log\"\n";

fn detail(world: &World) -> JailDetail {
    match world.ask(&Request::Jail { jail: "sshd".to_owned() }) {
        Response::Jail(detail) => *detail,
        other => panic!("{other:?}"),
    }
}

fn set(world: &World, change: JailChange) -> Result<JailDetail, String> {
    match world.ask(&Request::SetJail { jail: "sshd".to_owned(), change }) {
        Response::Jail(detail) => Ok(*detail),
        Response::Error { message, .. } => Err(message),
        other => panic!("{other:?}"),
    }
}

/// The messages of the log, without time and process.
fn log(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.path("f2b.log")).unwrap_or_default();
    text.lines().map(|line| line.split_once("]: ").unwrap().1.to_owned()).collect()
}

#[test]
fn thresholds_and_whom_to_ignore_change_at_once_and_until_the_next_reload() {
    let world = World::new(JAILS, "");
    assert_eq!(set(&world, JailChange::MaxRetry { times: 2.try_into().unwrap() }).unwrap().maxretry, 2);
    assert_eq!(set(&world, JailChange::FindTime { seconds: 60 }).unwrap().findtime_seconds, 60);
    assert_eq!(set(&world, JailChange::BanTime { seconds: None }).unwrap().bantime_seconds, None);
    let entries = vec!["203.0.113.0/24".to_owned(), "localhost".to_owned()];
    let ignored = set(&world, JailChange::Ignore { entries }).unwrap().ignore;
    assert_eq!(ignored, ["203.0.113.0/24", "localhost", "192.0.2.250"]);
    world.write(&failures("203.0.113.7", 9));
    world.write(&failures("198.51.100.7", 2));
    let ban = world.wait_banned("198.51.100.7");
    assert_eq!((ban.until, ban.reason.as_str()), (None, "2 matches within 60s"));
    assert_eq!(world.bans().len(), 1);
    assert_eq!(detail(&world).matches, 2);

    let gone = set(&world, JailChange::DoNotIgnore { entry: "203.0.113.0/24".to_owned() }).unwrap();
    assert_eq!(gone.ignore, ["localhost", "192.0.2.250"]);
    assert!(set(&world, JailChange::DoNotIgnore { entry: "203.0.113.0/24".to_owned() }).is_err());
    world.write(&failures("203.0.113.7", 2));
    world.wait_banned("203.0.113.7");

    world.ask(&Request::Reload);
    let after = detail(&world);
    assert_eq!((after.maxretry, after.findtime_seconds, after.bantime_seconds), (5, 600, Some(600)));
    assert_eq!(after.ignore, ["192.0.2.250"]);
    assert_eq!((after.matches, after.bans, after.live_bans), (4, 2, 2), "what was counted stays");
}

#[test]
fn an_idle_jail_counts_nothing() {
    let world = World::new(JAILS, "");
    assert!(set(&world, JailChange::Idle { on: true }).unwrap().idle);
    world.write(&failures("203.0.113.7", 9));
    wait_for("the lines", || (world.status().lines >= 9).then_some(()));
    assert!(!set(&world, JailChange::Idle { on: false }).unwrap().idle);
    assert_eq!(world.bans(), []);
    world.write(&failures("203.0.113.7", 5));
    world.wait_banned("203.0.113.7");
}

#[test]
fn regexes_and_files_change_by_building_anew_and_what_was_changed_before_stays() {
    let world = World::new(JAILS, "");
    set(&world, JailChange::MaxRetry { times: 1.try_into().unwrap() }).unwrap();
    let before = detail(&world).failregex.len();
    let bad = JailChange::AddFailRegex { regex: "^(unclosed <ADDR>".to_owned() };
    assert!(set(&world, bad).unwrap_err().contains("unclosed"));
    let knock = JailChange::AddFailRegex { regex: "^.* door: knock from <ADDR>$".to_owned() };
    assert_eq!(set(&world, knock).unwrap().failregex.len(), before + 1);
    let more = world.path("more.log");
    fs::write(&more, "").unwrap();
    let glob = more.display().to_string();
    let detail_then = set(&world, JailChange::AddLog { glob: glob.clone(), tail: false }).unwrap();
    assert!(detail_then.files.contains(&glob), "{:?}", detail_then.files);
    wait_for("the file", || detail(&world).files.contains(&glob).then_some(()));
    let line = failures("203.0.113.7", 1)[0].replace("Failed password", "x");
    let line = line.split_once("host").unwrap().0.to_owned()
        + "host sshd[3]: Failed password for root from 203.0.113.9 port 1 ssh2\n";
    fs::write(&more, line).unwrap();
    world.wait_banned("203.0.113.9");
    assert_eq!(detail(&world).maxretry, 1);
    let gone = set(&world, JailChange::RemoveLog { glob: glob.clone() }).unwrap();
    assert!(!gone.files.contains(&glob));
    let gone = set(&world, JailChange::RemoveFailRegex { at: before }).unwrap();
    assert_eq!(gone.failregex.len(), before);
    assert!(set(&world, JailChange::RemoveFailRegex { at: 999 }).is_err());
}

#[test]
fn a_stopped_jail_is_gone_with_its_bans_until_a_reload() {
    let world = World::new(JAILS, "");
    world.write(&failures("203.0.113.7", 5));
    let ban = world.wait_banned("203.0.113.7");
    assert!(matches!(world.ask(&Request::StopJail { jail: "sshd".to_owned() }), Response::Done { .. }));
    assert!(matches!(world.ask(&Request::Jail { jail: "sshd".to_owned() }), Response::Error { .. }));
    assert_eq!(world.bans(), []);
    assert!(matches!(world.ask(&Request::StopJail { jail: "recidive".to_owned() }), Response::Error { .. }));
    world.ask(&Request::Reload);
    assert_eq!(world.bans(), [ban]);
}

#[test]
fn a_reported_failure_counts() {
    let world = World::new(JAILS, "");
    let attempt = |lines: &[&str]| {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        world.ask(&Request::Attempt { jail: "sshd".to_owned(), key: "203.0.113.7".parse().unwrap(), lines })
    };
    attempt(&[]);
    attempt(&["a\x1b[2J", "b", "c"]);
    assert_eq!(world.bans(), []);
    attempt(&[]);
    assert_eq!(world.bans().len(), 1);
    let Response::Why(why) = world.ask(&Request::Why { key: "203.0.113.7".parse().unwrap(), limit: 10 })
    else {
        panic!("no answer")
    };
    assert_eq!(why.matches.len(), 3);
    assert!(why.matches.iter().any(|found| &*found.line == "a [2J"));
}

#[test]
fn the_log_tells_what_happens_in_fail2bans_words_and_may_be_rotated() {
    let mut world = World::new(
        &JAILS.replace(
            "maxretry = 5",
            "maxretry = 5\nbantime = 2s\nbantime.increment = true\nbantime.factor = 300",
        ),
        LOG,
    );
    world.write(&[failures("203.0.113.7", 5), failures("192.0.2.250", 1)].concat());
    wait_for("the end of the ban", || log(&world).iter().any(|l| l.contains("] Unban")).then_some(()));
    let dateless = |line: &String| line.split(" - ").next().unwrap().to_owned();
    let mut said: Vec<String> = log(&world).iter().map(dateless).collect();
    assert_eq!(said.remove(0), format!("INFO    Starting Stockade v{}", env!("CARGO_PKG_VERSION")));
    let found = "INFO    [sshd] Found 203.0.113.7";
    assert_eq!(
        said,
        [
            "INFO    Jail 'sshd' started",
            "INFO    Jail 'recidive' started",
            found,
            found,
            found,
            found,
            found,
            "INFO    [sshd] Ignore 192.0.2.250 by ip",
            "NOTICE  [sshd] Ban 203.0.113.7",
            "NOTICE  [sshd] Unban 203.0.113.7",
        ]
    );
    fs::rename(world.path("f2b.log"), world.path("f2b.log.1")).unwrap();
    // Known now: the third failure is the fifth that counts, and the ban is longer.
    world.write(&failures("203.0.113.7", 3));
    wait_for("the second ban", || log(&world).iter().any(|l| l.contains("Increase Ban")).then_some(()));
    let said = log(&world);
    assert!(
        said[1].contains("[sshd] Found 203.0.113.7, bad - ") && said[1].ends_with(", 1 # -> 2.0"),
        "{said:?}"
    );
    assert!(
        said.iter().any(|l| l.starts_with("NOTICE  [sshd] Increase Ban 203.0.113.7 (2 # 20m -> ")),
        "{said:?}"
    );
    world.stop();
    fs::remove_file(world.path("f2b.log")).unwrap();
    world.start();
    wait_for("the restored ban", || {
        log(&world).contains(&"NOTICE  [sshd] Restore Ban 203.0.113.7".to_owned()).then_some(())
    });
    let change = DaemonChange { log_level: Some("critical".to_owned()), ..DaemonChange::default() };
    let Response::Settings(settings) = world.ask(&Request::Set { change }) else { panic!("no answer") };
    assert_eq!((settings.log_level.as_str(), settings.log_file), ("critical", Some(world.path("f2b.log"))));
}

#[test]
fn bans_of_another_program_are_taken_over_once() {
    let world = World::new(JAILS, LOG);
    let now = jiff::Timestamp::now().as_second();
    let ban = |key: &str, since: i64, jail: &str, times: u32| ForeignBan {
        jail: jail.into(),
        key: key.parse().unwrap(),
        since: Timestamp::from_secs(since),
        seconds: Some(600),
        times,
    };
    let bans = vec![
        ban("203.0.113.7", now - 60, "sshd", 3),
        ban("203.0.113.8", now - 6_000, "sshd", 2),
        ban("192.0.2.250", now - 60, "sshd", 1),
        ban("127.0.0.1", now - 60, "sshd", 1),
        ban("203.0.113.9", now - 60, "nosuch", 1),
    ];
    let import = |dry_run| match world.ask(&Request::Import { bans: bans.clone(), dry_run }) {
        Response::Imported { fates } => fates,
        other => panic!("{other:?}"),
    };
    let first = import(true);
    assert!(
        matches!(
            &first[..],
            [
                Fate::Ban { until: Some(_) },
                Fate::Count,
                Fate::Left { .. },
                Fate::Left { .. },
                Fate::Left { .. }
            ]
        ),
        "{first:?}"
    );
    assert_eq!(world.bans(), [], "nothing yet");
    assert_eq!(import(false), first);
    let taken = world.bans();
    assert_eq!((taken.len(), taken[0].nth, taken[0].reason.as_str()), (1, 3, "imported"));
    assert_eq!(import(false)[..2], [Fate::Known, Fate::Known]);
    assert_eq!(world.bans(), taken);
    wait_for("the log", || {
        log(&world).contains(&"NOTICE  [sshd] Restore Ban 203.0.113.7".to_owned()).then_some(())
    });
}
