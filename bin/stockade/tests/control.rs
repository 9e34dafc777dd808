//! The commands that the daemon answers, with a daemon of straw: it says what the test tells it to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;

use common::{run, shown, stockade};
use insta::assert_snapshot;
use stockade_core::ports::LoggedDecision;
use stockade_core::{BanTime, Decision, Match, MatchId, Outcome, Reason, Timestamp, Verdict};
use stockade_runtime::control::{
    Change, JailStatus, LiveBan, Request, ResponderStatus, Response, SourceStatus, Standing, Status, Why,
};

/// 2026-11-22T10:00:00Z
const TEN: Timestamp = Timestamp::from_secs(1_795_341_600);

/// Runs a command while somebody answers on its socket; what it asked, and what came of it.
fn ask(args: &[&str], answer: Response) -> (Request, String) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        let mut reply = serde_json::to_vec(&answer).unwrap();
        reply.push(b'\n');
        stream.write_all(&reply).unwrap();
        serde_json::from_str(&line).unwrap()
    });
    let output = stockade().arg("--socket").arg(&socket).args(args).output().unwrap();
    (daemon.join().unwrap(), shown(&output))
}

fn live_ban() -> LiveBan {
    LiveBan {
        key: "203.0.113.9".parse().unwrap(),
        jail: "sshd".into(),
        since: TEN,
        until: None,
        nth: 2,
        reason: "5 matches within 600s".to_owned(),
    }
}

#[test]
fn bans_are_listed() {
    let answer = Response::Bans { bans: vec![live_ban()] };
    let (asked, text) = ask(&["bans", "--jail", "sshd"], answer.clone());
    assert_eq!(asked, Request::Bans { jail: Some("sshd".to_owned()) });
    assert_snapshot!(text);
    assert_snapshot!(ask(&["bans", "--json"], answer).1);
    assert_snapshot!(ask(&["bans"], Response::Bans { bans: Vec::new() }).1);
}

#[test]
fn what_a_guard_refuses_is_done_in_part() {
    let change = |done, note: &str| Change {
        key: "198.51.100.0/24".parse().unwrap(),
        jail: "sshd".into(),
        done,
        note: note.to_owned(),
    };
    let answer = Response::Changed {
        changes: vec![change(true, "banned for 7d"), change(false, "it holds our own address")],
    };
    let args = ["ban", "198.51.100.77/24", "--for", "7d", "--reason", "scans\x1b[2J"];
    let (asked, text) = ask(&args, answer.clone());
    let wanted = Request::Ban {
        keys: vec!["198.51.100.0/24".parse().unwrap()],
        jail: None,
        span: Some(BanTime::For(std::time::Duration::from_secs(604_800))),
        reason: "scans\x1b[2J".to_owned(),
    };
    assert_eq!(asked, wanted);
    assert_snapshot!(text);
    assert!(ask(&["ban", "203.0.113.9", "--json"], answer).1.starts_with("exit: 3\n"));
}

#[test]
fn everybody_can_be_let_in_again() {
    let (asked, text) = ask(&["unban", "--all"], Response::Changed { changes: Vec::new() });
    assert_eq!(asked, Request::Unban { keys: Vec::new(), all: true, jail: None, reason: String::new() });
    assert_snapshot!(text);
}

#[test]
fn why_shows_the_very_lines() {
    let decision = Decision {
        jail: "sshd".into(),
        key: "203.0.113.9".parse().unwrap(),
        verdict: Verdict::Ban { until: TEN.plus(std::time::Duration::from_secs(600)), extends: false },
        at: TEN,
        reason: Reason::Threshold { matches: 5, findtime: std::time::Duration::from_secs(600) },
        nth: 1,
    };
    let found = Match {
        id: MatchId(1),
        jail: "sshd".into(),
        key: "203.0.113.9".parse().unwrap(),
        time: TEN,
        count: 3,
        user: Some("root".into()),
        stream: "/var/log/auth.log".into(),
        line: "Nov 22 10:00:00 web sshd[7]: Failed password for \x1b[2J from 203.0.113.9 port 22 ssh2".into(),
    };
    let failed = Outcome::Failed { error: "table is gone".to_owned() };
    let why = Why {
        key: "203.0.113.9".parse().unwrap(),
        jails: vec![
            Standing {
                jail: "sshd".into(),
                ignored_by: None,
                counted: 0,
                maxretry: 5,
                findtime_seconds: 600,
                ban: Some(live_ban()),
                times_banned: 2,
            },
            Standing {
                jail: "postfix".into(),
                ignored_by: Some("203.0.113.0/24".to_owned()),
                counted: 1,
                maxretry: 5,
                findtime_seconds: 3_600,
                ban: None,
                times_banned: 0,
            },
        ],
        matches: vec![found],
        decisions: vec![LoggedDecision {
            decision,
            outcomes: vec![(Arc::from("nftables"), Some(failed)), (Arc::from("hook"), None)],
        }],
    };
    let (asked, text) = ask(&["why", "::ffff:203.0.113.9", "-n", "1"], Response::Why(Box::new(why)));
    assert_eq!(asked, Request::Why { key: "203.0.113.9".parse().unwrap(), limit: 1 });
    assert_snapshot!(text);
}

#[test]
fn why_is_asked_of_names_that_rules_count_too() {
    let nothing = |key: &str| {
        let key = stockade_core::Key::name(key);
        Response::Why(Box::new(Why { key, jails: vec![], matches: vec![], decisions: vec![] }))
    };
    for name in ["arn:aws:iam::111122223333:user/eve", "111122223333", "o'brien; rm -rf ~"] {
        let (asked, text) = ask(&["why", name], nothing(name));
        assert_eq!(asked, Request::Why { key: stockade_core::Key::name(name), limit: 10 });
        assert!(text.contains(&format!("nothing is known of {name}")), "{text}");
    }
    let (asked, _) = ask(&["why", "--", "-x"], nothing("-x"));
    assert_eq!(asked, Request::Why { key: stockade_core::Key::name("-x"), limit: 10 });
    // A slip in an address is no name.
    for slip in ["203.0.113.999", "2001:db8:::1", "203.0.113.0/33"] {
        let text = run(&["why", slip]);
        assert!(text.starts_with("exit: 2\n") && text.contains("not an address"), "{text}");
    }
}

#[test]
fn status_and_jails_are_shown() {
    let status = Status {
        version: "0.1.0".to_owned(),
        pid: 42,
        since: TEN,
        responders: vec![ResponderStatus {
            name: "nftables".to_owned(),
            problem: Some("no right".to_owned()),
        }],
        sources: vec![SourceStatus {
            stream: "/var/log/auth.log".to_owned(),
            jails: vec!["sshd".into()],
            lines: 12_345,
            skew_seconds: Some(7_200),
            problem: None,
        }],
        store: "/var/lib/stockade/stockade.db".to_owned(),
        lines: 12_345,
        matches: 67,
        bans: 8,
        live_bans: 1,
        refused: 0,
        outbox: 2,
        warnings: vec!["the clock differs".to_owned()],
    };
    let (asked, text) = ask(&["status"], Response::Status(Box::new(status)));
    assert_eq!(asked, Request::Status);
    // How long it has been up depends on when the test runs.
    let text: String =
        text.lines().map(|line| line.split(" since ").next().unwrap().to_owned() + "\n").collect();
    assert_snapshot!(text);
    let jail = JailStatus {
        name: "sshd".into(),
        filter: Some("sshd[mode=normal]".to_owned()),
        maxretry: 5,
        findtime_seconds: 600,
        bantime_seconds: None,
        streams: vec!["/var/log/auth.log".to_owned()],
        watching: 3,
        matches: 67,
        live_bans: 1,
        bans: 8,
        ports: vec![(22, 22)],
        responders: vec!["nftables".into()],
    };
    assert_snapshot!(ask(&["jails"], Response::Jails { jails: vec![jail] }).1);
}

#[test]
fn a_refusal_comes_with_its_hint() {
    let answer =
        Response::Error { message: "no such jail: `x`".to_owned(), hint: Some("there are: sshd".to_owned()) };
    assert_snapshot!(ask(&["bans", "--jail", "x"], answer).1);
}

#[test]
fn reload_and_stop_say_what_was_done() {
    let done = |message: &str| Response::Done { message: message.to_owned() };
    assert_eq!(
        ask(&["reload"], done("read again")),
        (Request::Reload, "exit: 0\n----- stdout\nread again\n".to_owned())
    );
    assert_eq!(ask(&["stop", "--flush"], done("stops")).0, Request::Stop { flush: true });
}

#[test]
fn without_a_daemon_the_exit_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = stockade().arg("--socket").arg(folder.path().join("none")).arg("status").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let text = shown(&output);
    assert!(
        text.contains("error: cannot reach the daemon") && text.contains("hint: is it running?"),
        "{text}"
    );
}
