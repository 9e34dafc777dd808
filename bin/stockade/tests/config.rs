//! `stockade config`, through the real binary, and against `fail2ban-client -d` where that is installed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;
#[path = "common/fail2ban.rs"]
mod fail2ban;

use std::process::Command;

use common::{run, stockade};
use fail2ban::Site;
use insta::assert_snapshot;

#[test]
fn a_dump_names_the_line_of_every_value() {
    let text = run(&["config", "dump", "--origin"]);
    let door = text.split_once("['add', 'door'").unwrap().1;
    assert_snapshot!(door);
}

#[test]
fn a_dump_for_programs() {
    let text = run(&["config", "dump", "--json"]);
    assert!(text.starts_with("exit: 0\n"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(text.split_once("stdout\n").unwrap().1.trim_end()).unwrap();
    let commands = json.as_array().unwrap();
    let maxretry =
        commands.iter().find(|c| c["command"][1] == "door" && c["command"][2] == "maxretry").unwrap();
    assert_eq!(maxretry["command"], serde_json::json!(["set", "door", "maxretry", 2]));
    assert_eq!(maxretry["origins"][0]["file"], "FIXTURES/conf/jail.local");
    assert!(maxretry["origins"][0]["line"].as_u64().unwrap() > 0);
}

#[test]
fn the_values_in_effect_are_shown_with_their_origin() {
    let text = run(&["config", "show"]);
    assert!(text.contains("SECTION") && text.contains("FIXTURES/conf/jail.local:"), "{text}");
    assert!(run(&["config", "show", "--json"]).contains("\"origin\": \"FIXTURES/conf/jail.local:"));
}

#[test]
fn a_jail_that_cannot_be_used_does_not_hide_the_others() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("jail.conf"),
        "[DEFAULT]\nenabled = true\naction =\n[good]\nfilter =\nmaxretry = 3\n[bad]\nfilter = nowhere\n",
    )
    .unwrap();
    let output = stockade().args(["config", "dump", "-c"]).arg(dir.path()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(
        out.contains("['set', 'good', 'maxretry', 3]\n") && out.contains("\n['start', 'good']\n"),
        "{out}"
    );
    assert!(out.contains("['config-error', ") && !out.contains("['start', 'bad']"), "{out}");
    assert!(err.contains("nowhere"), "{err}");
}

/// Every stock jail, each of its log files there or not as on this machine. Both read the same directory, so the texts are
/// equal as they are, but for the version number in `%(fail2ban_version)s`.
#[test]
fn a_dump_is_what_fail2ban_client_prints() {
    let Some(site) = Site::new() else { return };
    let logs = site.write("logs/b.log", "");
    let more = site.write("logs/a.log", "");
    for local in [
        "[DEFAULT]\nenabled = true\n".to_owned(),
        "[DEFAULT]\nenabled = true\nbackend = systemd\naction = %(action_mwl)s\n".to_owned(),
        format!(
            "[sshd]\nenabled = true\nmode = aggressive\nbantime.increment = true\n\
             logpath = {} tail\n  {}\nignoreip = 192.0.2.1, 198.51.100.0/24\nfailregex = it's \"q\" \\ é <HOST>\n",
            logs.display(),
            more.with_file_name("*.log").display(),
        ),
    ] {
        site.write("jail.local", &local);
        let judge = Command::new("fail2ban-client").arg("-c").arg(site.root()).arg("-d").output().unwrap();
        let ours = stockade().args(["config", "dump", "-c"]).arg(site.root()).output().unwrap();
        assert_eq!(ours.status.code(), Some(0), "{}", String::from_utf8_lossy(&ours.stderr));
        let text = |bytes: &[u8]| sorted_globs(&String::from_utf8_lossy(bytes));
        let (judge, ours) = (text(&judge.stdout), text(&ours.stdout));
        for (ours, judge) in ours.iter().zip(&judge) {
            assert_eq!(ours, judge, "ours is on the left");
        }
        assert_eq!(ours.len(), judge.len());
        assert!(judge.len() > 10, "{judge:?}");
    }
}

/// The lines, with our version as theirs, and the files of a glob in order: fail2ban takes them as the disk gives them.
fn sorted_globs(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.replace("1.1.0", fail2ban::VERSION)).collect();
    for run in lines.chunk_by_mut(|a, b| a.contains("'addlogpath'") && b.contains("'addlogpath'")) {
        run.sort();
    }
    lines
}
