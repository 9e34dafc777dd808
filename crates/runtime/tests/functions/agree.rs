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
use std::path::PathBuf;
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
    "[DEFAULT]\nbantime = 4w\nfindtime = 10m\nmaxretry = 5\nignoreself = false\n[sshd]\nenabled = true\n";

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

fn by_scan(log: &std::path::Path) -> Bans {
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
fn events(log: &std::path::Path) -> Vec<Value> {
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

#[test]
fn scan_and_functions_agree() {
    for log in logs() {
        let name = log.file_name().unwrap().to_string_lossy().into_owned();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("auth.log");
        std::fs::copy(&log, &copy).unwrap();
        let file = std::fs::File::options().write(true).open(&copy).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(crate::world::NOW.unsigned_abs());
        file.set_modified(time).unwrap();
        let scanned = by_scan(&copy);
        let events = events(&copy);
        let whole = by_functions(&events, events.len());
        assert_eq!(whole, scanned, "{name}: in one invocation");
        for size in [100, 7, 1] {
            let parts = by_functions(&events, size);
            let (beginnings, ends) = differences(&parts, &scanned);
            println!(
                "{name}: {} banned; by {size}: {beginnings} begin otherwise, {ends} end otherwise",
                scanned.len()
            );
        }
    }
}
