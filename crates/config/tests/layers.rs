//! Which file counts more, what a missing one means, and what is protected without any.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::fs;

use common::{BASE, FILTER, Files, told};
use stockade_config::{Backend, Config, Origin, Paths, SHIPPED, load, resolve_sources};
use stockade_filter::conf::ConfFiles;

fn origin(config: &Config, key: &str) -> String {
    let row = config.origin_table().iter().find(|row| row.section == "door" && row.key == key);
    row.map_or_else(|| "no such row".into(), |row| format!("{} ({})", row.value, row.origin))
}

#[test]
fn a_later_file_counts_more_option_by_option() {
    let config = Files::new(&[
        ("jail.conf", &format!("{BASE}maxretry = 1\nbantime = 1h\nfindtime = 1h\n")),
        ("jail.d/b.conf", "[door]\nmaxretry = 3\nbantime = 3h\n"),
        ("jail.d/a.conf", "[door]\nmaxretry = 2\nport = 80\n"),
        ("jail.local", "[door]\nmaxretry = 4\nignoreip = 192.0.2.1\n"),
        ("jail.d/z.local", "[door]\nmaxretry = 5\n"),
        FILTER,
    ]);
    let config = config.load().unwrap();
    assert_eq!(origin(&config, "maxretry"), "5 (/etc/stockade/jail.d/z.local:2)");
    assert_eq!(origin(&config, "bantime"), "3h (/etc/stockade/jail.d/b.conf:3)");
    assert_eq!(origin(&config, "findtime"), "1h (/etc/stockade/jail.conf:10)");
    assert_eq!(origin(&config, "port"), "80 (/etc/stockade/jail.d/a.conf:3)");
    assert_eq!(origin(&config, "protocol"), "tcp (/etc/stockade/jail.conf:3)");
    assert_eq!(origin(&config, "ignoreself"), "true (default)");
    assert_eq!(
        origin(&config, "failregex"),
        "^door: knocked by <HOST>$ (/etc/stockade/filter.d/door.conf:2)"
    );
    let names = ["jail.conf", "jail.d/a.conf", "jail.d/b.conf", "jail.local", "jail.d/z.local"];
    assert_eq!(config.files, names.map(|name| format!("/etc/stockade/{name}")));
}

#[test]
fn a_directory_is_read_and_one_that_is_not_there_is_told_if_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("filter.d")).unwrap();
    fs::write(path("filter.d/door.conf"), FILTER.1).unwrap();
    fs::write(path("jail.conf"), BASE).unwrap();
    fs::write(path("stockade.toml"), "reconcile_every = 7\n").unwrap();
    fs::write(path("services"), "door 4711/tcp\n").unwrap();
    fs::write(path("jail.local"), "[door]\nport = door\n").unwrap();
    let paths = Paths { directory: Some(dir.path().to_owned()), services: path("services") };
    let config = load(&paths, &|_| None).unwrap();
    assert_eq!(config.program.reconcile_every.as_secs(), 7);
    assert_eq!(config.jail("door").unwrap().scope.ports, [(4711, 4711)]);

    // The same by the environment, which counts less.
    let there = dir.path().display().to_string();
    let env = |name: &str| (name == "STOCKADE_CONFIG").then(|| there.clone());
    let by_env = load(&Paths { directory: None, services: path("services") }, &env).unwrap();
    assert_eq!(by_env.program.reconcile_every.as_secs(), 7);

    let nowhere = Paths { directory: Some(path("nowhere")), services: path("nothing") };
    let problems = load(&nowhere, &env).unwrap_err();
    assert_eq!(
        problems.to_string(),
        format!(
            "error: {}: cannot read configuration directory: No such file or directory (os error 2)\n  \
             hint: create it, or leave `-c` and `STOCKADE_CONFIG` unset",
            path("nowhere").display()
        )
    );
    let file = Paths { directory: Some(path("jail.conf")), ..nowhere };
    assert!(
        load(&file, &env)
            .unwrap_err()
            .to_string()
            .contains("jail.conf: cannot read configuration directory: not a directory")
    );
}

#[test]
fn a_file_of_the_directory_replaces_the_shipped_one_of_its_name() {
    let shipped = Files::default().load().unwrap();
    assert!(shipped.files.iter().all(|file| file.starts_with("(built in)/")), "{:?}", shipped.files);
    let local = Files::new(&[("jail.local", "[sshd]\nmaxretry = 2\n")]).load().unwrap();
    assert_eq!(local.jail("sshd").unwrap().jail.threshold.maxretry.get(), 2);
    let filter = |config: &Config| config.jail("sshd").unwrap().filter.as_ref().unwrap().failregex[0].clone();
    assert_eq!(filter(&local), filter(&shipped));
    let own =
        Files::new(&[("filter.d/sshd.conf", "[Definition]\nfailregex = ^own <HOST>$\n")]).load().unwrap();
    assert_eq!(filter(&own).text, "^own <HOST>$");
    assert_eq!(own.jails.len(), shipped.jails.len());
}

#[test]
fn without_any_file_ssh_is_protected() {
    let config = Files::default().load().unwrap();
    assert_eq!(told(&Ok(config.clone())), "");
    let names: Vec<_> = config.jails.iter().map(|jail| &*jail.jail.name).collect();
    assert!(names.contains(&"sshd"), "{names:?}");
    let sshd = config.jail("sshd").unwrap();
    assert_eq!((&*sshd.scope.ports, sshd.backend), (&[(22, 22)][..], Backend::Auto));
    assert_eq!(sshd.responders, ["nftables".into()]);
    let read = |there: &'static str| {
        let sources = resolve_sources(sshd, |path| path == there);
        (sources.files.into_iter().map(|file| file.glob).collect::<Vec<_>>(), sources.journal.is_some())
    };
    assert_eq!(read("/var/log/auth.log"), (vec!["/var/log/auth.log".to_owned()], false));
    assert_eq!(read("/var/log/secure"), (vec!["/var/log/secure".to_owned()], false));
    assert_eq!(read("none"), (vec![], true));
    assert!(!sshd.journalmatch.is_empty());
}

#[test]
fn what_only_fail2ban_defines_is_told_with_what_to_write_instead() {
    let jail =
        "[sshd]\nlogpath = %(no_such_log)s\nbackend = %(no_such_backend)s\naction = %(action_no_such)s\n";
    let result = Files::new(&[("jail.local", jail)]).load();
    assert_eq!(
        told(&result),
        "error: /etc/stockade/jail.local:2: [sshd] logpath: `%(no_such_log)s` is not defined\n  \
         hint: write the path itself; fail2ban defines this in its paths-*.conf\n\
         error: /etc/stockade/jail.local:3: [sshd] backend: `%(no_such_backend)s` is not defined\n  \
         hint: write `auto`; fail2ban defines this in its paths-*.conf\n\
         error: /etc/stockade/jail.local:4: [sshd] action: `%(action_no_such)s` is not defined\n  \
         hint: name a responder of stockade.toml, or leave `action` out for all of them"
    );
}

#[test]
fn every_shipped_jail_can_be_used_on_its_own() {
    let all = Files::default().load().unwrap();
    for name in &all.disabled {
        let text = format!("[{name}]\nenabled = true\n");
        let config = Files::new(&[("jail.local", &text)]).load().unwrap();
        assert!(config.jail(name).is_some(), "{name}: {}", config.problems);
        assert_eq!(config.problems.to_string(), "", "{name}");
    }
}

#[test]
fn every_shipped_filter_is_named_by_a_jail_or_read_by_a_filter() {
    let names = SHIPPED.list("filter.d").unwrap();
    let text: String = SHIPPED.0.iter().map(|(_, text)| *text).collect();
    for name in names {
        let stem = name.strip_suffix(".conf").unwrap();
        assert!(text.contains(stem), "{name} is used nowhere");
    }
}

#[test]
fn a_shipped_value_says_that_it_is_built_in() {
    let config = Files::default().load().unwrap();
    let row = config.origin_table().iter().find(|row| row.section == "sshd" && row.key == "logpath").unwrap();
    assert!(matches!(&row.origin, Origin::File { file, .. } if &**file == "(built in)/jail.conf"), "{row:?}");
}
