//! `fail2ban-client`: what fail2ban 1.0.2's prints of its server, and what ours prints of our daemon, over the same
//! jails and the same logs. Skipped where fail2ban is not installed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail loudly"
)]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

#[path = "client_compat/logs.rs"]
mod logs;
#[path = "client_compat/pair.rs"]
mod pair;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use pair::{Pair, Who, lines_of};

/// Two addresses are banned in one jail, one in the other; one has failed once, one is ignored.
fn busy() -> Option<Pair> {
    let pair = Pair::start()?;
    pair.log("door.log", &["door: knock from 192.0.2.7"; 3]);
    pair.until(&["status", "door"], "Currently banned:\t1");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    pair.log("door.log", &["door: knock from 2001:db8::7"; 3]);
    pair.log("door.log", &["door: knock from 192.0.2.8", "door: knock from 192.0.2.200", "noise"]);
    pair.log("door.log", &["door: kick from 203.0.113.250 port 1"]);
    pair.log("grow.log", &["grow: knock from 192.0.2.9"; 5]);
    pair.until(&["status", "door"], "Currently banned:\t2");
    pair.until(&["status", "door"], "Currently failed:\t1");
    pair.until(&["status", "grow"], "Currently banned:\t1");
    Some(pair)
}

#[test]
fn what_is_asked_is_answered_in_the_same_words() {
    let Some(pair) = busy() else { return };
    for words in [
        "ping",
        "ping 1",
        "ping x",
        "status",
        "status door",
        "status door basic",
        "status door short",
        "status door nonsense",
        "status grow",
        "status nosuch",
        "status door short more",
        "banned",
        "banned 192.0.2.7",
        "banned 192.0.2.7 192.0.2.9 192.0.2.99 nobody",
        "echo a b  c",
        "server-status",
        "flushlogs",
        "get loglevel",
        "get logtarget",
        "get dbfile",
        "get dbpurgeage",
        "get syslogsocket",
        "get door banned",
        "get door banned 192.0.2.7",
        "get door banned 192.0.2.8",
        "get door banned 192.0.2.7 192.0.2.1 x",
        "get door banip",
        "get door banip ,",
        "get door banip --with-time",
        "get door ignoreip",
        "get door ignoreself",
        "get door ignorecommand",
        "get door ignorecache",
        "get door logpath",
        "get door logencoding",
        "get door ignoreregex",
        "get grow ignoreregex",
        "get door prefregex",
        "get door findtime",
        "get door bantime",
        "get door maxretry",
        "get door maxlines",
        "get door maxmatches",
        "get door usedns",
        "get door actions",
        "get door journalmatch",
        "get door datepattern",
        "get door logtimezone",
        "get door bantime.increment",
        "get door bantime.maxtime",
        "get grow bantime.increment",
        "get door idle",
        "get door nonsense",
        "get nosuch banned",
        "get nosuch nonsense",
        "get nosuch maxretry",
        "get",
        "get door",
        "set",
        "set door",
        "unban",
        "nonsense",
        "help",
        "--str2sec 1d12h ping",
        "-s /nowhere/at/all ping",
        "-s /nowhere/at/all status",
        "-s /nowhere/at/all reload",
        "reload a b c",
    ] {
        pair.same(&words.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn what_is_set_is_told_in_the_same_words_and_holds_until_the_reload() {
    let Some(pair) = busy() else { return };
    let more = pair.path("more.log").display().to_string();
    fs::write(&more, "").unwrap();
    for words in [
        "set door bantime 20m",
        "get door bantime",
        "set door bantime 1.5m",
        "set door bantime -1",
        "set door bantime x",
        "set door findtime 5m",
        "get door findtime",
        "set door maxretry 4",
        "set door maxretry x",
        "set door maxretry",
        "set nosuch maxretry 3",
        "set door idle on",
        "set door idle off",
        "set door idle perhaps",
        "set door ignoreself false",
        "get door ignoreself",
        "set door ignoreself true",
        "set door addignoreip 203.0.113.0/24 localhost",
        "set door addignoreip 203.0.113.0/255.255.255.0",
        "set door addignoreip",
        "set door delignoreip localhost",
        "set door delignoreip 203.0.113.0/24",
        "set door delignoreip 198.51.100.77",
        "set door delignoreip",
        "set door maxmatches 3",
        "get door maxmatches",
        "set door maxlines 1",
        "get door maxlines",
        "set door maxlines 0",
        "set door usedns yes",
        "set door usedns nonsense",
        "set door addignoreregex x",
        "set door delignoreregex 1",
        "set door addlogpath MORE",
        "get door logpath",
        "set door addlogpath MORE sideways",
        "set door addlogpath MORE head more",
        "set door dellogpath MORE",
        "set door dellogpath /nosuch",
        "set door addlogpath /nosuch",
        "set door maxlines 3",
        "get door maxlines",
        // fail2ban's reload leaves what the files do not set.
        "set door maxlines 1",
        "set door ignorecommand false",
        "get door ignorecommand",
        "set door logencoding utf-8",
        "set door logencoding nonsense",
        "set door addjournalmatch _X=1",
        "set door logtimezone UTC+0200",
        "get door logtimezone",
        "set door bantime.increment true",
        "set door bantime.maxtime 1d",
        "get door bantime.maxtime",
        "set door bantime.factor 2",
        "get door bantime.factor",
        "set door nonsense 1",
        "set dbpurgeage 2d",
        "get dbpurgeage",
        "set loglevel debug",
        "get loglevel",
        "set loglevel nonsense",
        "set logtarget /nosuchfolder/x",
        "set syslogsocket auto",
        "set dbfile None",
        "reload",
        "get door bantime",
        "get door maxretry",
        "get door ignoreip",
        "get door maxlines",
        "get loglevel",
        "status door",
        "start door",
        "start nosuch",
        "reload door",
        "restart door",
        "reload --restart --all",
        "stop nosuch",
        "stop grow",
        "status",
        "get grow maxretry",
        "reload",
        "status",
    ] {
        let words: Vec<&str> =
            words.split(' ').map(|word| if word == "MORE" { more.as_str() } else { word }).collect();
        pair.same(&words);
    }
}

#[test]
fn bans_by_hand_count_the_same() {
    let Some(pair) = busy() else { return };
    let after_a_second = |words: &str| {
        // Each ban in a second of its own, so that their order is the same.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        pair.same(&words.split(' ').collect::<Vec<_>>())
    };
    after_a_second("set door banip 192.0.2.60");
    after_a_second("set door banip 192.0.2.61 192.0.2.60");
    after_a_second("set door banip 198.51.100.0/28");
    for words in [
        "set door banip",
        "set door banip 192.0.2.60",
        "set nosuch banip 192.0.2.60",
        "status door",
        "banned",
        "get door banip",
        "set door unbanip 192.0.2.60",
        "set door unbanip 192.0.2.60",
        "set door unbanip --report-absent 192.0.2.60",
        "set door unbanip --report-absent 192.0.2.60 192.0.2.59",
        "set door unbanip",
        "set nosuch unbanip 192.0.2.60",
        "set door unbanip 192.0.2.0/24",
        "banned",
        "unban 192.0.2.9 198.51.100.0/28 192.0.2.1",
        "unban nobody",
        "unban --all",
        "unban --all",
        "banned",
        "set door attempt 192.0.2.50",
        "set door attempt 192.0.2.51 a b",
        "set door attempt 192.0.2.52 a b c d",
        "set nosuch attempt 192.0.2.50",
    ] {
        pair.same(&words.split(' ').collect::<Vec<_>>());
    }
    pair.until(&["status", "door"], "Banned IP list:\t192.0.2.52\n");
    pair.same(&["status", "door"]);
    // A log's time is in whole seconds, and says in which order bans are told.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    pair.log("door.log", &["door: knock from 192.0.2.51"]);
    pair.until(&["status", "door"], "Banned IP list:\t192.0.2.52 192.0.2.51\n");
}

#[test]
fn a_database_of_fail2ban_is_taken_over() {
    let Some(pair) = busy() else { return };
    // fail2ban stores a moment after it bans.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(pair.ask(Who::Stockade, &["unban", "--all"]).out, "3\n");
    let import = |more: &[&str]| {
        let mut stockade = Command::new(env!("CARGO_BIN_EXE_stockade"));
        stockade.arg("-c").arg(pair.path("conf")).arg("import").arg(pair.path("f2b.sqlite3")).args(more);
        let output = stockade.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, text) = import(&["--dry-run"]);
    assert!(code == Some(0) && text.contains("0 bans in force"), "what was lifted here stays lifted: {text}");
    assert_eq!(pair.ask(Who::Stockade, &["stop"]).out, "Shutdown successful\n");
    for file in ["stockade.db", "stockade.db-wal", "stockade.db-shm"] {
        let _ = fs::remove_file(pair.path(file));
    }
    let (code, text) = import(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert_eq!(
        (code, &json["totals"]["bans"], &json["by_daemon"]),
        (Some(0), &3.into(), &false.into()),
        "{text}"
    );
    let (code, text) = import(&[]);
    assert!(
        code == Some(0) && text.contains("0 bans in force and 0 counts") && text.contains("3 bans known"),
        "{text}"
    );
    assert_eq!(pair.ask(Who::Stockade, &["start"]).out, "Server ready\n");
    pair.same(&["banned"]);
    pair.same(&["get", "door", "banip", "--with-time"]);
    assert!(
        lines_of(&pair.path("ours.log"))
            .iter()
            .any(|line| line.contains("NOTICE  [grow] Restore Ban 192.0.2.9"))
    );
}

#[test]
fn a_session_reads_commands_until_it_is_told_to_end() {
    let Some(pair) = busy() else { return };
    let mut session = pair.command(Who::Stockade);
    let mut session = session
        .arg("-i")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    session
        .stdin
        .take()
        .unwrap()
        .write_all(b"ping\n\nstatus 'nosuch'\nget door maxretry\nexit\nping\n")
        .unwrap();
    let output = session.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    let prompts = "fail2ban> Server replied: pong\nfail2ban> fail2ban> Sorry but the jail 'nosuch' does not exist\nfail2ban> 3\nfail2ban> ";
    assert!(text.ends_with(prompts), "{text}");
}

#[test]
fn what_cannot_be_done_is_refused_and_the_configuration_can_be_tested() {
    let Some(pair) = busy() else { return };
    for words in [
        "set door addaction x",
        "set door ignorecache x",
        "add new",
        "status door cymru",
        "set door banip nobody",
        "get door action dummy actionban",
    ] {
        let told = pair.ask(Who::Stockade, &words.split(' ').collect::<Vec<_>>());
        assert_eq!(told.code, Some(255), "{words}");
        assert!(
            told.out.starts_with("Stockade cannot do this: ") && told.err.contains("ERROR   NOK: "),
            "{told:?}"
        );
    }
    pair.same(&["-t"]);
    let theirs = pair.ask(Who::Fail2ban, &["-d"]);
    let ours = pair.ask(Who::Stockade, &["-d"]);
    let jails = |text: &str| {
        text.lines().filter(|line| line.contains("'door'")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ours.code, theirs.code);
    assert_eq!(jails(&ours.out).first(), jails(&theirs.out).first());
    let all = pair.ask(Who::Stockade, &["status", "--all", "short"]);
    assert!(
        all.out.contains("|- Jail list:\tdoor, grow\n|- Status for the jail: door\n|  |- Filter\n"),
        "{}",
        all.out
    );
    let stats = pair.ask(Who::Stockade, &["stats"]);
    assert!(stats.out.contains(" door     | polling  |   1 |   7 |   2 |   2"), "{}", stats.out);
    fs::write(pair.path("conf/jail.conf"), "[door]\nenabled = true\nfilter = door\nmaxretry = many\n")
        .unwrap();
    let told = pair.ask(Who::Stockade, &["-t"]);
    assert!(told.code == Some(255) && told.err.contains("maxretry"), "{told:?}");
    let told = pair.ask(Who::Stockade, &["reload"]);
    assert!(told.code == Some(255) && told.err.contains("Failed during configuration"), "{told:?}");
    assert_eq!(pair.ask(Who::Stockade, &["get", "door", "maxretry"]).out, "3\n");
}
