//! Jails: what their options become, and exactly what is said of those that cannot be used.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use common::{BASE, FILTER, Files, door, told};
use stockade_config::{Backend, Config, JailConfig, LogPath};
use stockade_core::{BanTime, Feed, Growth};
use stockade_filter::UseDns;

#[track_caller]
fn read(options: &str) -> JailConfig {
    let config = door(options).load().unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(told(&Ok(config.clone())), "", "for {options}");
    config.jail("door").unwrap().clone()
}

/// What is said of a jail with these options; the jail must be broken by it, or if `works` not.
#[track_caller]
fn says(options: &str, works: bool, expected: &str) {
    let mut files = door(options);
    // A second jail, so that an error in the first is not one in all.
    files.0.insert("jail.d/other.conf".into(), b"[other]\nenabled=1\nfilter=door\nlogpath=/l\n".to_vec());
    let result = files.load();
    assert_eq!(told(&result), expected.trim_matches('\n'), "for {options}");
    let config = result.unwrap();
    assert!(config.jail("other").is_some());
    assert_eq!(config.jail("door").is_some(), works, "for {options}");
    assert_eq!(config.broken, if works { vec![] } else { vec!["door".to_owned()] });
    assert_eq!(config.strict().is_ok(), works);
}

#[test]
fn defaults_are_those_of_fail2ban() {
    let door = read("");
    assert_eq!(door.jail.threshold.maxretry.get(), 5);
    assert_eq!(door.jail.threshold.findtime, Duration::from_secs(600));
    assert_eq!(door.jail.bantime, BanTime::For(Duration::from_secs(600)));
    assert_eq!((door.jail.feed, door.jail.growth, door.ignore_self), (Feed::Matches, None, true));
    assert_eq!((door.backend, door.zone, door.journalmatch), (Backend::Auto, None, vec![]));
    assert_eq!(door.logpaths, [LogPath { glob: "/var/log/door.log".into(), tail: false }]);
    assert_eq!((door.scope.ports, door.scope.protocols), (vec![], vec![]));
    assert_eq!(door.responders, ["nftables".into()]);
    let filter = door.filter.unwrap();
    assert_eq!(
        (&*filter.name, filter.failregex.len(), filter.maxlines, filter.usedns),
        ("door", 1, 1, UseDns::No)
    );
    assert_eq!(filter.failregex[0].text, "^door: knocked by <HOST>$");
    assert_eq!(filter.failregex[0].origin, "/etc/stockade/filter.d/door.conf:2");
}

#[test]
fn threshold_and_growth() {
    let door = read("maxretry = 3\nfindtime = 1d 12h\nbantime = -1\nignoreself = no\n");
    assert_eq!(door.jail.threshold.maxretry.get(), 3);
    assert_eq!(door.jail.threshold.findtime, Duration::from_secs(129_600));
    assert_eq!((door.jail.bantime, door.ignore_self), (BanTime::Forever, false));
    let door = read(
        "bantime = 90\nbantime.increment = true\nbantime.factor = 1.5\nbantime.maxtime = 5w\nbantime.rndtime = 8m\n\
         bantime.overalljails = true\nbantime.multipliers = 1 2  4\n 8\n",
    );
    assert_eq!(door.jail.bantime, BanTime::For(Duration::from_secs(90)));
    let growth = Growth {
        factor: 1.5,
        multipliers: vec![1.0, 2.0, 4.0, 8.0],
        maxtime: Some(Duration::from_secs(5 * 7 * 86_400)),
        rndtime: Duration::from_secs(480),
        overalljails: true,
        seed: 0,
    };
    assert_eq!(door.jail.growth, Some(growth));
    let door = read(
        "bantime.increment = 1\nbantime.formula = ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor\n",
    );
    assert_eq!(door.jail.growth, Some(Growth::default()));
}

#[test]
fn whom_it_ignores() {
    let door =
        read("ignoreip = 127.0.0.1/8, ::1\n 198.51.100.0/255.255.255.0 gw.example.org\n file:/etc/office\n");
    for inside in ["127.9.9.9", "::1", "198.51.100.200"] {
        assert!(door.jail.ignore.covers(&inside.parse().unwrap()), "{inside}");
    }
    assert!(!door.jail.ignore.covers(&"203.0.113.1".parse().unwrap()));
    assert_eq!(door.ignore_hosts, ["gw.example.org"]);
    assert_eq!(door.ignore_files, ["/etc/office"].map(std::path::PathBuf::from));
}

#[test]
fn what_it_reads() {
    let door = read(
        "logpath = /var/log/a*.log tail\n /var/log/b head\n /var/log/c\nbackend = polling\nlogtimezone = Europe/Berlin\n\
         journalmatch = _SYSTEMD_UNIT=door.service + _COMM=\"a b\"\n SYSLOG_IDENTIFIER=door\n",
    );
    let path = |glob: &str, tail| LogPath { glob: glob.into(), tail };
    assert_eq!(
        door.logpaths,
        [path("/var/log/a*.log", true), path("/var/log/b", false), path("/var/log/c", false)]
    );
    assert_eq!((door.backend, door.zone.as_deref()), (Backend::Files, Some("Europe/Berlin")));
    assert_eq!(door.journalmatch, ["_SYSTEMD_UNIT=door.service + '_COMM=a b'", "SYSLOG_IDENTIFIER=door"]);
    for (name, backend) in [
        ("auto", Backend::Auto),
        ("pyinotify", Backend::Files),
        ("files", Backend::Files),
        ("systemd", Backend::Journal),
        ("Journal", Backend::Journal),
    ] {
        assert_eq!(read(&format!("backend = {name}\n")).backend, backend, "{name}");
    }
}

#[test]
fn options_of_the_filter_given_in_the_jail_replace_its_own() {
    let mut files = door(
        "failregex = ^one <HOST>$\n ^two <ADDR>$\nignoreregex = ^not$\nprefregex = ^(?:x )?<F-CONTENT>.+</F-CONTENT>$\n\
         datepattern = %%Y\n {NONE}\nmaxlines = 3\nusedns = raw\njournalmatch = A=jail\n",
    );
    let filter = "[Definition]\nfailregex = ^x\nignoreregex = ^y\nmaxlines = 9\nusedns = no\njournalmatch = A=filter\n";
    files.0.insert("filter.d/door.conf".into(), filter.into());
    let config = files.load().unwrap();
    let door = config.jail("door").unwrap();
    let filter = door.filter.as_ref().unwrap();
    let texts: Vec<_> = filter.failregex.iter().chain(&filter.ignoreregex).map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["^one <HOST>$", "^two <ADDR>$", "^not$"]);
    assert_eq!(filter.failregex[1].origin, "/etc/stockade/jail.local:3");
    assert_eq!(filter.prefregex.as_ref().unwrap().origin, "/etc/stockade/jail.local:5");
    assert_eq!((filter.datepattern.as_deref(), filter.maxlines), (Some("%Y\n{NONE}"), 3));
    assert_eq!((filter.usedns, &*door.journalmatch), (UseDns::Raw, &["A=jail".to_owned()][..]));
}

#[test]
fn a_jail_that_counts_bans_needs_no_filter() {
    let files = Files::new(&[
        ("jail.conf", BASE),
        FILTER,
        (
            "jail.local",
            "[DEFAULT]\nfilter = %(__name__)s\n[recidive]\nenabled = true\nbans = all\nmaxretry = 2\nfindtime = 1d\n",
        ),
    ]);
    let config = files.load().unwrap();
    assert_eq!(config.problems.to_string(), "");
    let recidive = config.jail("recidive").unwrap();
    assert_eq!((recidive.jail.feed, recidive.filter.is_none()), (Feed::Bans, true));
    assert_eq!(recidive.jail.threshold.maxretry.get(), 2);
    says(
        "bans = some\n",
        false,
        "
warning: /etc/stockade/jail.conf:6: [door] filter: has no effect: a jail with `bans = all` reads no log
warning: /etc/stockade/jail.conf:7: [door] logpath: has no effect: a jail with `bans = all` reads no log
error: /etc/stockade/jail.local:2: [door] bans: expected `all`, got: `some`
",
    );
}

#[test]
fn bad_values_are_told_all_at_once() {
    says(
        "maxretry = 0\nfindtime = 0\nbantime = soon\nbantime.increment = yes\nbantime.factor = 2**3\n\
         bantime.multipliers = 1 zwei\nbantime.maxtime = 0\nbantime.rndtime = -1\nbantime.formula = os.system('x')\n\
         ignoreip = 192.0.2.300 good.example\n 10.0.0.0/40\nport = shs, 99999\nprotocol = icmp\n\
         backend = kqueue\nlogpath = relative.log\n /var/log/[a\n /var/log/x tial\nlogtimezone = Mars/Olympus\n\
         journalmatch = sshd\nmaxlines = 0\naction = nothing[\n",
        false,
        "
error: /etc/stockade/jail.local:2: [door] maxretry: expected a whole number above zero, got: `0`
error: /etc/stockade/jail.local:3: [door] findtime: expected a length of time above zero, got: `0`
error: /etc/stockade/jail.local:4: [door] bantime: expected a length of time such as `10m` or `1d 12h`, got: `soon`: `soon` is no unit of time
error: /etc/stockade/jail.local:6: [door] bantime.factor: expected a number above zero, got: `2**3`
error: /etc/stockade/jail.local:7: [door] bantime.multipliers: expected numbers above zero, at most 1000, such as `1 2 4 8`, got: `1 zwei`
error: /etc/stockade/jail.local:8: [door] bantime.maxtime: expected a length of time above zero, or -1 for no end, got: `0`
error: /etc/stockade/jail.local:9: [door] bantime.rndtime: expected a length of time, got: `-1`
error: /etc/stockade/jail.local:10: [door] bantime.formula: expected fail2ban's own formula, got: `os.system('x')`
  hint: remove `bantime.formula`; `bantime.factor` and `bantime.multipliers` shape the growth
error: /etc/stockade/jail.local:11: [door] ignoreip: expected an address, a network, a host name or `file:/path`, got: `192.0.2.300`
error: /etc/stockade/jail.local:12: [door] ignoreip: expected an address, a network, a host name or `file:/path`, got: `10.0.0.0/40`
error: /etc/stockade/jail.local:13: [door] port: unknown service `shs`
  hint: did you mean `ssh`?
error: /etc/stockade/jail.local:13: [door] port: expected a port, a range such as `80:90`, a service or `all`, got: `99999`
error: /etc/stockade/jail.local:14: [door] protocol: expected `tcp`, `udp` or `all`, got: `icmp`
error: /etc/stockade/jail.local:15: [door] backend: expected `auto`, `files`, `journal`, or fail2ban's `polling`, `pyinotify`, `systemd`, got: `kqueue`
error: /etc/stockade/jail.local:16: [door] logpath: expected an absolute path, got: `relative.log`
error: /etc/stockade/jail.local:17: [door] logpath: expected a pattern of paths, got: `/var/log/[a`
  hint: invalid range pattern, at character 10
error: /etc/stockade/jail.local:18: [door] logpath: expected one of `head`, `tail` after the last blank, got: `tial`
error: /etc/stockade/jail.local:19: [door] logtimezone: unknown time zone `Mars/Olympus`
  hint: write a name such as `Europe/Berlin`, or `UTC+0200`
error: /etc/stockade/jail.local:20: [door] journalmatch: expected `FIELD=value` or `+`, got: `sshd`
error: /etc/stockade/jail.local:21: [door] maxlines: expected a whole number from 1 to 1000, got: `0`
error: /etc/stockade/jail.local:22: [door] action: cannot read `nothing[`: expected `name` or `name[option=value, …]`
",
    );
}

#[test]
fn other_bad_values() {
    says(
        "maxretry = many\nfindtime = -1\nbantime = 0\nmaxlines = x\n",
        false,
        "
error: /etc/stockade/jail.local:2: [door] maxretry: expected a whole number, got: `many`
error: /etc/stockade/jail.local:3: [door] findtime: expected a length of time above zero, got: `-1`
error: /etc/stockade/jail.local:4: [door] bantime: expected a length of time above zero, or -1 for no end, got: `0`
error: /etc/stockade/jail.local:5: [door] maxlines: expected a whole number, got: `x`
",
    );
    says(
        "logpath =\n",
        false,
        "
error: /etc/stockade/jail.conf:4: [door] nothing to read: neither `logpath` nor `journalmatch` is set
  hint: set `logpath`, or `backend = journal` with a `journalmatch`
",
    );
    says(
        "backend = files\nlogpath =\njournalmatch = A=b\n",
        false,
        "
error: /etc/stockade/jail.conf:4: [door] nothing to read: `logpath` is not set
  hint: set `logpath`, or `backend = journal` with a `journalmatch`
",
    );
    says("failregex =\n", false, "error: /etc/stockade/jail.conf:4: [door] filter `door` has no `failregex`");
    says(
        "filter = dor\n",
        false,
        "
error: /etc/stockade/jail.local:2: [door] no accessible configuration file for filter `dor`, tried: `/etc/stockade/filter.d/dor.conf`, `/etc/stockade/filter.d/dor.local`
  hint: did you mean `door`?
",
    );
    says(
        "maxretry = %(nothing)s\n",
        false,
        "error: /etc/stockade/jail.local:2: [door] maxretry: `%(nothing)s` is not defined",
    );
}

#[test]
fn unknown_options_are_errors_and_those_that_do_nothing_are_told() {
    says(
        "maxrety = 3\ncolour = red\nban = all\n",
        false,
        "
error: /etc/stockade/jail.local:2: [door] unknown option `maxrety`
  hint: did you mean `maxretry`?
error: /etc/stockade/jail.local:3: [door] unknown option `colour`
error: /etc/stockade/jail.local:4: [door] unknown option `ban`
  hint: did you mean `bans`?
",
    );
    says(
        "ignorecommand = /bin/true <ip>\nignorecache = key=1\nmaxmatches = 3\nlogencoding = latin1\nskip_if_nologs = true\n\
         systemd_if_nologs = false\nbackend = systemd[namespace=x]\njournalmatch = A=b\nusedns = maybe\n",
        true,
        "
warning: /etc/stockade/jail.local:3: [door] ignorecache: has no effect: `ignoreip` needs no cache, and an answer of `ignorecommand` holds for a minute
warning: /etc/stockade/jail.local:4: [door] maxmatches: has no effect: `retention.max_matches` in stockade.toml says how many lines are kept
warning: /etc/stockade/jail.local:5: [door] logencoding: has no effect: log lines are not decoded
warning: /etc/stockade/jail.local:6: [door] skip_if_nologs: has no effect: a log file may appear later
warning: /etc/stockade/jail.local:7: [door] systemd_if_nologs: has no effect: `backend = auto` reads the journal if there are no log files
warning: /etc/stockade/jail.local:8: [door] backend: has no effect: options of a backend are not used, the whole journal is read
warning: /etc/stockade/jail.local:10: [door] usedns: expected one of `yes`, `warn`, `no`, `raw`, got: `maybe`
",
    );
    says(
        "bantime.increment = 1\nbantime.multipliers = 1 2\nbantime.formula = x\n",
        true,
        "warning: /etc/stockade/jail.local:4: [door] bantime.formula: has no effect: `bantime.multipliers` is set",
    );
    let result = door("enabled = ture\n").load();
    assert_eq!(
        told(&result),
        "warning: /etc/stockade/jail.local:2: [door] enabled: expected `true` or `false`, got: `ture`\n  \
         hint: the jail is off until it is `true`\n\
         warning: no jail is enabled\n  hint: set `enabled = true` in a jail of jail.local"
    );
    assert_eq!(result.unwrap().disabled, ["door"]);
    let result =
        Files::new(&[FILTER, ("jail.conf", "[off]\nenabeld = true\nfilter = door\nlogpath = /l\n")]).load();
    assert_eq!(
        told(&result),
        "error: /etc/stockade/jail.conf:2: [off] unknown option `enabeld`\n  hint: did you mean `enabled`?\n\
         warning: no jail is enabled\n  hint: set `enabled = true` in a jail of jail.local"
    );
    assert!(result.unwrap().strict().is_err());
}

#[test]
fn a_name_is_enough_for_recidive_of_fail2ban_to_be_recognised() {
    let files = Files::new(&[
        ("jail.conf", "[recidive]\nenabled = true\nlogpath = /var/log/fail2ban.log\nfilter = recidive\n"),
        ("filter.d/recidive.conf", "[Definition]\nfailregex = Ban <HOST>$\n"),
    ]);
    assert_eq!(
        told(&files.load()),
        "warning: /etc/stockade/jail.conf:4: [recidive] filter: reads fail2ban's log, which Stockade does not write\n  \
         hint: set `bans = all` to count the bans of the other jails instead"
    );
}

#[test]
fn one_error_for_all_jails_is_told_once_and_stops_the_start() {
    let config = |text: &str| -> Result<Config, _> {
        Files::new(&[("jail.conf", BASE), FILTER, ("jail.local", text)]).load()
    };
    let two = "[more]\nenabled = true\nfilter = door\nlogpath = /l\n";
    let result = config(&format!("[DEFAULT]\nbantime = 1 fortnight\nignorecache = x\n{two}"));
    assert!(result.is_err());
    assert_eq!(
        told(&result),
        "error: /etc/stockade/jail.local:2: [DEFAULT] bantime: expected a length of time such as `10m` or `1d 12h`, \
         got: `1 fortnight`: `fortnight` is no unit of time\n\
         warning: /etc/stockade/jail.local:3: [DEFAULT] ignorecache: has no effect: `ignoreip` needs no cache, and an \
         answer of `ignorecommand` holds for a minute\n\
         error: none of the enabled jails can be used"
    );
    // The line that was to keep somebody from being banned, mistyped: nothing starts.
    let result = config(&format!("[DEFAULT]\nignroeip = 192.0.2.1\n{two}"));
    assert!(result.is_err());
    assert_eq!(
        told(&result),
        "error: /etc/stockade/jail.local:2: [DEFAULT] unknown option `ignroeip`\n  hint: did you mean `ignoreip`?"
    );
    let result = config("maxretry = 5\n");
    assert!(result.is_err());
    assert_eq!(
        told(&result),
        "error: /etc/stockade/jail.local:1: expected a section header such as `[Definition]` before: `maxretry = 5`"
    );
    let result = config("[door]\nenabled = false\n");
    assert!(result.is_ok());
    assert_eq!(
        told(&result),
        "warning: no jail is enabled\n  hint: set `enabled = true` in a jail of jail.local"
    );
}
