//! The responder `command` with real programs.

#![allow(clippy::unwrap_used, reason = "a failed test")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stockade_core::ports::{Notice, Plan, Protocol, Responder, Scope, Standing};
use stockade_core::{Decision, Key, Match, MatchId, Outcome, Reason, Timestamp, Verdict};
use stockade_respond::Command;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_500);
const LONG: Duration = Duration::from_secs(20);

/// A program in a directory of its own, which notes its arguments and its environment in `seen`.
struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    fn new(body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("act");
        std::fs::write(&path, format!("#!/bin/sh\nseen={}/seen\n{body}\n", directory.path().display()))
            .unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, executable).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("act")
    }

    fn seen(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("seen")).unwrap_or_default()
    }

    fn responder(&self, timeout: Duration) -> Command {
        let mut command = Command::new([self.path()], timeout).unwrap();
        let scope = Scope {
            jail: "sshd".into(),
            ports: vec![(22, 22), (80, 90)],
            protocols: vec![Protocol::Tcp, Protocol::Udp],
        };
        command.prepare(&[scope]).unwrap();
        command
    }
}

fn ban(key: &str, until: Timestamp) -> Standing {
    Standing { jail: "sshd".into(), key: key.parse().unwrap(), until }
}

fn bans(keys: &[&str]) -> Plan {
    let until = NOW.plus(Duration::from_secs(600));
    Plan { add: keys.iter().map(|key| ban(key, until)).collect(), remove: vec![] }
}

fn notice(key: &str, lines: &[&str]) -> Notice {
    let key: Key = key.parse().unwrap();
    let decision = Decision {
        jail: "root-use".into(),
        key: key.clone(),
        verdict: Verdict::Notify,
        at: NOW,
        reason: Reason::Threshold { matches: 3, findtime: LONG },
        nth: 0,
    };
    let one = |line: &&str| Match {
        id: MatchId(1),
        jail: "root-use".into(),
        key: key.clone(),
        time: NOW,
        count: 1,
        user: None,
        stream: "queue".into(),
        line: (*line).into(),
    };
    Notice { decision, matches: lines.iter().map(one).collect() }
}

#[test]
fn a_notice_is_one_run_and_nothing_of_it_is_a_command() {
    let program = Program::new("env | grep ^STOCKADE_ | sort | tr '\\n' ' ' >> $seen; echo >> $seen");
    let mut command = program.responder(LONG);
    assert!(command.takes(&Verdict::Notify) && !command.takes(&Verdict::Repair));
    let hostile = r#"{"agent":"$(touch /tmp/x); `id`"}"#;
    let notices = [notice("arn:aws:iam::123456789012:user/a", &[hostile, "{}"]), notice("192.0.2.1", &[])];
    assert_eq!(command.tell(&notices, NOW).unwrap(), vec![Outcome::Done; 2]);
    let common = "STOCKADE_JAIL=root-use";
    let rest = "STOCKADE_MATCHES=3 STOCKADE_PORTS= STOCKADE_PROTOCOLS= STOCKADE_TIME=1800000000";
    let wanted = [
        format!(
            "STOCKADE_ACTION=notify STOCKADE_EVENT={hostile} STOCKADE_FAMILY=name {common} \
             STOCKADE_KEY=arn:aws:iam::123456789012:user/a {rest} "
        ),
        format!(
            "STOCKADE_ACTION=notify STOCKADE_EVENT= STOCKADE_FAMILY=ipv4 {common} STOCKADE_KEY=192.0.2.1 {rest} "
        ),
    ];
    assert_eq!(program.seen().lines().collect::<Vec<_>>(), wanted);
    // A notice is no ban: there is nothing to lift.
    command.flush().unwrap();
    assert_eq!(program.seen().lines().count(), 2);
}

#[test]
fn the_program_learns_everything_from_its_environment() {
    let program = Program::new("env | grep ^STOCKADE_ | sort | tr '\\n' ' ' >> $seen; echo >> $seen");
    let mut command = program.responder(LONG);
    let plan = Plan {
        add: vec![ban("192.0.2.1", NOW.plus(Duration::from_secs(600))), ban("2001:db8::/64", Timestamp::MAX)],
        remove: vec![("sshd".into(), "root".parse().unwrap())],
    };
    assert_eq!(command.apply(&plan, NOW).unwrap(), vec![Outcome::Done; 3]);
    let common = "STOCKADE_PORTS=22,80-90 STOCKADE_PROTOCOLS=tcp,udp";
    let expected = [
        format!(
            "STOCKADE_ACTION=ban STOCKADE_FAMILY=ipv4 STOCKADE_JAIL=sshd STOCKADE_KEY=192.0.2.1 {common} \
             STOCKADE_SECONDS=600 STOCKADE_UNTIL=1800000601 \n"
        ),
        format!(
            "STOCKADE_ACTION=ban STOCKADE_FAMILY=ipv6 STOCKADE_JAIL=sshd STOCKADE_KEY=2001:db8::/64 {common} \
             STOCKADE_SECONDS=-1 STOCKADE_UNTIL=-1 \n"
        ),
        format!(
            "STOCKADE_ACTION=unban STOCKADE_FAMILY=name STOCKADE_JAIL=sshd STOCKADE_KEY=root {common} \n"
        ),
    ];
    assert_eq!(program.seen(), expected.concat());
}

#[test]
fn arguments_are_passed_as_they_are_and_values_are_never_interpreted() {
    let program =
        Program::new("for a in \"$@\"; do echo \"[$a]\" >> $seen; done; echo \"[$STOCKADE_KEY]\" >> $seen");
    let hostile = "$(touch /tmp/x); `id` \"'\n|&>*";
    let argv: Vec<OsString> =
        [program.path().into(), "--jail=$STOCKADE_JAIL".into(), "a b".into(), "".into(), hostile.into()]
            .into();
    let mut command = Command::new(argv, LONG).unwrap();
    let plan = Plan {
        add: vec![Standing { jail: "sshd".into(), key: Key::name(hostile), until: Timestamp::MAX }],
        remove: vec![],
    };
    assert_eq!(command.apply(&plan, NOW).unwrap(), [Outcome::Done]);
    assert_eq!(program.seen(), format!("[--jail=$STOCKADE_JAIL]\n[a b]\n[]\n[{hostile}]\n[{hostile}]\n"));
}

#[test]
fn one_failure_is_told_and_loses_no_other() {
    let program =
        Program::new("[ $STOCKADE_KEY = 192.0.2.2 ] && { echo chain is missing >&2; exit 4; }; exit 0");
    let outcomes =
        program.responder(LONG).apply(&bans(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]), NOW).unwrap();
    let error = format!("`{}` ended with exit status: 4: chain is missing", program.path().display());
    assert_eq!(outcomes, [Outcome::Done, Outcome::Failed { error }, Outcome::Done]);
}

#[test]
fn a_program_that_hangs_holds_up_only_the_first_few() {
    let program = Program::new("echo run >> $seen; sleep 30");
    let keys: Vec<String> = (1..=20).map(|n| format!("192.0.2.{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let started = Instant::now();
    let outcomes = program.responder(Duration::from_millis(200)).apply(&bans(&keys), NOW).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(program.seen(), "run\nrun\nrun\n");
    assert_eq!(outcomes.len(), 20);
    let errors: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Failed { error } => error.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(errors[2].ends_with("was killed: it took more than 0.2 s"), "{}", errors[2]);
    assert!(errors[3].starts_with("not tried"), "{}", errors[3]);
}

#[test]
fn a_missing_or_unrunnable_program_is_said_at_once_and_not_tried_again() {
    let plain_file = tempfile::NamedTempFile::new().unwrap();
    for (path, hint) in [(Path::new("/nonexistent/act"), "path"), (plain_file.path(), "chmod")] {
        let mut command = Command::new([path], LONG).unwrap();
        let at_prepare = command.prepare(&[]).unwrap_err();
        let at_apply = command.apply(&bans(&["192.0.2.1"]), NOW).unwrap_err();
        for error in [at_prepare, at_apply] {
            assert!(error.permanent, "{error:?}");
            assert!(error.message.contains(&path.display().to_string()), "{error}");
            assert!(error.hint.as_deref().is_some_and(|text| text.contains(hint)), "{error:?}");
        }
    }
    let mut by_name = Command::new(["no-such-program-here"], LONG).unwrap();
    assert!(by_name.prepare(&[]).unwrap_err().permanent);
    Command::new(["sh"], LONG).unwrap().prepare(&[]).unwrap();
}

#[test]
fn what_no_environment_can_hold_is_refused() {
    let program = Program::new("exit 0");
    let plan = Plan {
        add: vec![Standing { jail: "sshd".into(), key: Key::name("a\0b"), until: Timestamp::MAX }],
        remove: vec![("sshd".into(), "192.0.2.1".parse().unwrap())],
    };
    let outcomes = program.responder(LONG).apply(&plan, NOW).unwrap();
    assert!(
        matches!(&outcomes[0], Outcome::Refused { reason } if reason.contains("STOCKADE_KEY")),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1], Outcome::Done);
}

#[test]
fn flushing_unbans_what_this_responder_banned() {
    let program = Program::new("echo $STOCKADE_ACTION $STOCKADE_KEY >> $seen");
    let mut command = program.responder(LONG);
    command.apply(&bans(&["192.0.2.1", "192.0.2.2"]), NOW).unwrap();
    let lifted = Plan { add: vec![], remove: vec![("sshd".into(), "192.0.2.1".parse().unwrap())] };
    command.apply(&lifted, NOW).unwrap();
    command.flush().unwrap();
    command.flush().unwrap();
    assert_eq!(program.seen(), "ban 192.0.2.1\nban 192.0.2.2\nunban 192.0.2.1\nunban 192.0.2.2\n");
}
