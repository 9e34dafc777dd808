//! One corpus through `scan`, through the daemon's path and through the functions gives the same decisions.
//!
//! What is compared of every key that is or was banned: how often, since when, until when. In one invocation and in
//! many, whatever their size, it is the same, with two exceptions, each for its reason:
//!
//! - **Connections.** What the lines of one connection say together is known within an invocation, not from one to the
//!   next: a match that needs a line of an earlier invocation is missed, or names no user. So it is only in filters and
//!   modes that join lines (`sshd` does) that a ban may come later, or not; the test says for how many keys.
//! - **Matches of the very millisecond in which a ban in force was made longer** count for the next extension in the
//!   daemon and not here: of a ban the ledger holds its end, not which match it was. Only ends of bans differ, and only
//!   while the attacker goes on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use stockade_config::load_files;
use stockade_core::Timestamp;
use stockade_core::ledger::{Ledger as _, Question};
use stockade_filter::conf::Embedded;
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, Scanner, Undated};
use stockade_runtime::functions::Role;
use stockade_runtime::replay::{Options, Replay, ReplayJail};
use stockade_source::archive::expand;

use crate::world::{World, event, subscription};

/// Of each key: bans, the last one's beginning and end.
type Bans = BTreeMap<String, (u32, Timestamp, Timestamp)>;

/// Longer than the logs are old: bans of logs from last year are still in force today.
const JAILS: &str =
    "[DEFAULT]\nbantime = 1500w\nfindtime = 10m\nmaxretry = 5\nignoreself = false\n[sshd]\nenabled = true\n";

fn logs() -> Vec<PathBuf> {
    let Some(shared) = std::env::var_os("STOCKADE_SHARED") else {
        eprintln!("skipped: STOCKADE_SHARED is not set");
        return Vec::new();
    };
    let folder = PathBuf::from(shared).join("data/logs/sshd");
    let names = ["AdityaMitra5102__ML-TImeSeries__auth.log", "logpai__loghub__OpenSSH_OpenSSH_2k.log"];
    names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect()
}

fn now() -> Timestamp {
    Timestamp::from_secs(crate::world::NOW)
}

fn by_scan(log: &Path) -> Bans {
    let text: &'static str = JAILS;
    let files = Embedded(Box::leak(Box::new([("jail.local", text)])));
    let config = load_files(&files, "", &|_| None).unwrap();
    let jail = config.jail("sshd").unwrap();
    let jail = ReplayJail { jail: jail.jail.clone(), filter: jail.filter.clone(), zone: Zone::UTC };
    let mut options = Options::at(now());
    options.year = None;
    let report = Replay::new(vec![jail], options)
        .unwrap()
        .run(&expand(&[log.to_str().unwrap()], true).files, &mut |_| {});
    let bans = report.offenders().filter_map(|offender| {
        let last = offender.last_ban()?;
        Some((offender.key().to_string(), (offender.bans(), last.from, last.until)))
    });
    bans.collect()
}

/// The lines as an agent sends them that reads their dates.
fn events(log: &Path) -> Vec<Value> {
    let bytes = std::fs::read(log).unwrap();
    let world = World::with(JAILS, "");
    drop(world);
    let files = Embedded(Box::leak(Box::new([("jail.local", JAILS)])));
    let config = load_files(&files, "", &|_| None).unwrap();
    let filter = Filter::compile(config.jail("sshd").unwrap().filter.as_ref().unwrap()).unwrap();
    let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
    let mut dates = Scanner::new(Arc::new(set), &Zone::UTC, None, Undated::IsAsBefore).unwrap();
    let mut last = now();
    let mut events = Vec::new();
    for (id, line) in (0..).zip(bytes.split(|&b| b == b'\n')) {
        last = dates.date_of_line(line, now()).unwrap_or(last);
        events.push(event(id, last.as_millis(), &String::from_utf8_lossy(line)));
    }
    events
}

/// The time of the newest event so far is the time of each invocation, as it is in a replay.
fn by_functions(events: &[Value], size: usize) -> Bans {
    let world = World::with(JAILS, "[guards]\nmax_bans_per_minute = 100000\nprotect_own = false\n");
    let mut function = world.function(Role::FilterAndJail);
    let mut newest = i64::MIN;
    let mut keys = std::collections::BTreeSet::new();
    for part in events.chunks(size) {
        newest = part.iter().filter_map(|event| event["timestamp"].as_i64()).fold(newest, i64::max);
        world.clock.set(newest);
        let invoked = function.invoke(&subscription("Auth", "i-1", part));
        assert!(invoked.answer.is_ok(), "{:?}", invoked.answer);
    }
    for say in world.ear.heard.lock().unwrap().iter() {
        keys.insert(say.ban.record.key.clone());
    }
    let mut ledger = world.ledger.clone();
    let mut bans = Bans::new();
    for key in keys {
        let question = Question { jail: "sshd".into(), key: key.clone(), since: Timestamp::MAX, limit: 1 };
        let ban = ledger.recall(&[question]).unwrap().remove(0).ban.unwrap().record;
        bans.insert(key.to_string(), (ban.times, ban.since, ban.until));
    }
    bans
}

/// How many keys differ in whether and since when they are banned, and in the end of their ban alone.
fn differences(one: &Bans, other: &Bans) -> (usize, usize) {
    let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let begin = |bans: &Bans, key: &str| bans.get(key).map(|(times, since, _)| (*times, *since));
    let beginnings = keys.iter().filter(|key| begin(one, key) != begin(other, key)).count();
    let ends =
        keys.iter().filter(|key| begin(one, key) == begin(other, key) && one.get(**key) != other.get(**key));
    (beginnings, ends.count())
}

/// A copy that was last written to at the time of these tests: dates without a year are relative to that.
fn copied(log: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("auth.log");
    std::fs::copy(log, &copy).unwrap();
    let file = std::fs::File::options().write(true).open(&copy).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(crate::world::NOW.unsigned_abs());
    file.set_modified(time).unwrap();
    folder
}

#[test]
fn scan_and_functions_agree() {
    for log in logs() {
        let name = log.file_name().unwrap().to_string_lossy().into_owned();
        let folder = copied(&log);
        let copy = folder.path().join("auth.log");
        let scanned = by_scan(&copy);
        assert!(scanned.len() > 2, "{name}: {scanned:?}");
        let events = events(&copy);
        assert_eq!(by_functions(&events, events.len()), scanned, "{name}: in one invocation");
        for size in [100, 7] {
            let parts = by_functions(&events, size);
            let (beginnings, ends) = differences(&parts, &scanned);
            eprintln!(
                "{name}: {} banned; by {size}: {beginnings} begin otherwise, {ends} end otherwise",
                scanned.len()
            );
            assert_eq!(beginnings, 0, "{name} by {size}: connections do not matter in these logs");
            assert!(ends * 4 <= scanned.len(), "{name} by {size}: {ends} end otherwise");
        }
    }
}

/// One event in each invocation is the hardest: nothing is known but what the ledger holds.
#[test]
fn invocations_of_one_event_agree_with_one_of_all() {
    for log in logs() {
        let mut events = events(&log);
        events.truncate(400);
        let (beginnings, ends) = differences(&by_functions(&events, 1), &by_functions(&events, events.len()));
        assert_eq!((beginnings, ends.min(1)), (0, ends), "{}", log.display());
    }
}

/// The daemon, whole, catches up with the same log.
#[test]
fn daemon_and_functions_agree() {
    let Some(log) = logs().into_iter().next() else { return };
    let folder = copied(&log);
    let events = events(&folder.path().join("auth.log"));
    let jails = JAILS.replace("[sshd]", "[sshd]\nlogpath = {at}/auth.log\nbackend = files");
    let guards = "[guards]\nmax_bans_per_minute = 100000\nprotect_own = false\nprotect_gateway = false\nprotect_sessions = false\n";
    let mut daemon = crate::daemon_world::World::new(&jails, guards);
    daemon.stop();
    std::fs::copy(&log, daemon.path("auth.log")).unwrap();
    daemon.start();
    let lines = u64::try_from(events.len()).unwrap();
    crate::daemon_world::wait_for("the log to be read", || {
        (daemon.status().lines + 1 >= lines).then_some(())
    });
    daemon.stop();
    let options = stockade_store::SqliteOptions::default();
    let mut store =
        stockade_store::SqliteStore::open(&daemon.path("stockade.db"), &options, now()).unwrap().store;
    let known = stockade_core::ports::Store::load(&mut store).unwrap().bans;
    let of = |ban: &stockade_core::BanRecord| (ban.key.to_string(), (ban.times, ban.since, ban.until));
    let known: Bans = known.iter().map(of).collect();
    // The daemon's clock is the machine's; so is the function's here.
    assert_eq!(by_functions(&events, events.len()), known);
}

/// The cases of the shipped filters: each as a stream of its own, in one invocation. They are what `scan` and the daemon
/// are held to as well.
#[test]
fn the_corpus_is_found_here_too() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let mut seen = 0;
    for filter in ["sshd", "dovecot", "postfix", "roundcube"] {
        let text = std::fs::read_to_string(corpus.join(filter).join("cases.toml")).unwrap();
        let cases: toml::Table = text.parse().unwrap();
        let mut by_options: BTreeMap<String, Vec<&toml::Table>> = BTreeMap::new();
        for case in cases["case"].as_array().unwrap() {
            let case = case.as_table().unwrap();
            let options = case.get("options").and_then(toml::Value::as_table);
            let options = options
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap()));
            by_options.entry(options.collect::<Vec<_>>().join(", ")).or_default().push(case);
        }
        for (options, cases) in by_options {
            let jails = format!(
                "[DEFAULT]\nmaxretry = 100\nignoreself = false\n[{filter}]\nenabled = true\nfilter = {filter}[{options}]\n"
            );
            seen += hold_to(&cases, filter, &World::with(&jails, ""));
        }
    }
    assert!(seen > 300, "{seen}");
}

fn hold_to(cases: &[&toml::Table], filter: &str, world: &World) -> usize {
    let mut function = world.function(Role::FilterAndJail);
    let group = if filter == "sshd" { "Auth" } else { "Syslog" };
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    for (nth, case) in (0_u64..).zip(cases) {
        let lines: Vec<String> = case["lines"].as_array().unwrap().iter().map(text).collect();
        let at = (crate::world::NOW - 43_200) * 1000;
        let events: Vec<Value> = (0..).zip(&lines).map(|(n, line)| event(nth * 1000 + n, at, line)).collect();
        let invoked = function.invoke(&subscription(group, &format!("case-{nth}"), &events));
        let wanted: Vec<String> =
            case["matches"].as_array().unwrap().iter().map(|found| text(&found["key"])).collect();
        assert_eq!(invoked.counts.matches, wanted.len() as u64, "{filter}: {}", case["name"]);
        for key in wanted {
            assert!(
                crate::world::matches(&world.ledger, filter, &key) > 0,
                "{filter}: {}: {key}",
                case["name"]
            );
        }
    }
    cases.len()
}
