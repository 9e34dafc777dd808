//! `stockade import` without a daemon: what is taken over, what is left, what is told. With a real database of
//! fail2ban, and through the daemon, see `client_compat.rs`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::path::PathBuf;
use std::process::Output;

use common::{shown, stockade};
use rusqlite::Connection;

/// A configuration with the jails `sshd` and `web`, and a database by fail2ban's schema.
struct Site(tempfile::TempDir);

impl Site {
    fn new(rows: &[(&str, &str, i64, i64, i64)]) -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        let at = site.path("");
        let jails = "[DEFAULT]\nbackend = files\nlogpath = /dev/null\nignoreip = 192.0.2.250\nfilter = sshd\n\
                     [sshd]\nenabled = true\n[web]\nenabled = true\n[recidive]\nenabled = false\n";
        std::fs::write(site.path("jail.local"), jails).unwrap();
        let program = format!(
            "store = \"{}\"\nsocket = \"{0}.sock\"\n[responders.dry]\nkind = \"dry-run\"\n",
            at.join("s.db").display()
        );
        std::fs::write(site.path("stockade.toml"), program).unwrap();
        let conn = Connection::open(site.path("f2b.sqlite3")).unwrap();
        conn.execute_batch(
            "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES (4);
             CREATE TABLE bips (ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL,
                 bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY (ip, jail));",
        )
        .unwrap();
        for row in rows {
            conn.execute("INSERT INTO bips VALUES (?1, ?2, ?3, ?4, ?5, '{}')", *row).unwrap();
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = stockade();
        command.arg("-c").arg(self.0.path()).arg("import").arg(self.path("f2b.sqlite3")).args(args);
        command.output().unwrap()
    }

    fn import(&self, args: &[&str]) -> String {
        shown(&self.run(args)).replace(&self.0.path().display().to_string(), "SITE")
    }
}

fn hour_ago() -> i64 {
    jiff::Timestamp::now().as_second() - 3_600
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let since = hour_ago();
    let site = Site::new(&[
        ("203.0.113.7", "sshd", since, 7_200, 3),
        ("203.0.113.8", "sshd", since, 600, 2),
        ("192.0.2.250", "web", since, -1, 1),
        ("203.0.113.9", "postfix", since, -1, 1),
        ("nobody", "web", since, -1, 1),
    ]);
    let text = site.import(&["--dry-run"]);
    assert!(text.starts_with("exit: 3\n"), "{text}");
    for wanted in [
        "1 ban in force and 1 count of earlier ones would be taken over\n",
        "left: ignored by `192.0.2.250`\n",
        "left 1 ban of jail `postfix`, which is not enabled here: `--jail postfix=NAME` takes them over\n",
        "skipped not an address, in jail `web`: `nobody`\n",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert!(!site.path("s.db").exists());
}

#[test]
fn twice_is_once_and_jails_may_have_other_names() {
    let site = Site::new(&[
        ("203.0.113.7", "sshd", hour_ago(), 7_200, 3),
        ("203.0.113.9", "postfix", hour_ago(), -1, 1),
        ("2001:db8::9", "postfix", hour_ago(), -1, 1),
    ]);
    let output = site.run(&["--jail", "postfix=web", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["totals"]["bans"], &json["bans"][1]["from_jail"]), (&3.into(), &"postfix".into()));
    assert_eq!(
        (&json["bans"][1]["jail"], &json["bans"][1]["until"]),
        (&"web".into(), &serde_json::Value::Null)
    );
    let again = site.import(&["--jail", "postfix=web"]);
    assert!(again.starts_with("exit: 0\n") && again.contains("3 bans known already"), "{again}");
}

#[test]
fn what_is_asked_for_wrongly_changes_nothing() {
    let site = Site::new(&[("203.0.113.7", "sshd", hour_ago(), 7_200, 3)]);
    let text = site.import(&["--jail", "sshd=nosuch"]);
    assert!(text.starts_with("exit: 2\n") && text.contains("no such jail: `nosuch`"), "{text}");
    assert!(text.contains("the enabled jails are: sshd, web"), "{text}");
    assert!(site.import(&["--jail", "sshd"]).contains("expected OLD=NEW"));
    std::fs::write(site.path("f2b.sqlite3"), "no database, but a text that is long enough to be looked at")
        .unwrap();
    let text = site.import(&[]);
    assert!(text.starts_with("exit: 1\n") && text.contains("cannot open `SITE/f2b.sqlite3`"), "{text}");
    assert!(!site.path("s.db").exists());
}
