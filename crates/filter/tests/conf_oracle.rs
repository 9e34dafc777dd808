//! The conf reader against fail2ban itself: every stock jail, filter and action is read by both, and the commands of
//! `fail2ban-client -d` are compared with the same commands made of what the reader gives.
//!
//! Needs `fail2ban-client` and `/etc/fail2ban` (Debian's package `fail2ban`); without them the tests say so and pass.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly, and says why it is skipped"
)]

#[path = "conf_oracle/judge.rs"]
mod judge;
#[path = "conf_oracle/random.rs"]
mod random;

use std::fs;
use std::process::Command;

use judge::{Copy, VERSION};
use stockade_filter::conf::value::{TimeSpan, parse_time};
use stockade_filter::conf::{Directory, Reader, Which};

/// A filter that cannot be read by itself, by neither program: it lacks what the files that include it define.
const FRAGMENT: &str = "selinux-common";

#[test]
fn stock_jails() {
    let Some(copy) = Copy::new() else { return };
    copy.write("jail.local", "[DEFAULT]\nenabled = true\n");
    let jails = copy.compare();
    assert!(jails > 80, "only {jails} jails");
}

#[test]
fn stock_jails_on_the_journal() {
    let Some(copy) = Copy::new() else { return };
    copy.write(
        "jail.local",
        "[DEFAULT]\nenabled = true\nbackend = systemd[journalflags=1]\naction = %(action_mwl)s\n",
    );
    copy.compare();
}

#[test]
fn every_filter_in_a_jail_of_its_own() {
    let Some(copy) = Copy::new() else { return };
    let mut text = String::from("[DEFAULT]\nenabled = false\n");
    for name in copy.names("filter.d").iter().filter(|name| *name != FRAGMENT) {
        text += &format!("[f-{name}]\nenabled = true\nfilter = {name}\naction =\nlogpath =\n");
    }
    copy.write("jail.local", &text);
    let jails = copy.compare();
    assert!(jails > 80, "only {jails} filters");
}

#[test]
fn every_mode_and_parameter_of_filters() {
    let Some(copy) = Copy::new() else { return };
    let text = r#"
[DEFAULT]
action = %(action_mw)s
[sshd]
enabled = true
mode = aggressive
failregex = %(known/cfooterre)s
            ^own <HOST>$
[postfix]
enabled = true
filter = postfix[mode=aggressive, _daemon="smtpd|qmgr", logtype=rfc5424]
usedns = no
datepattern = ^%%Y
[dovecot]
enabled = true
filter = dovecot[logtype=short, mode='aggressive'][_daemon=auth]
maxlines = 3
journalmatch = _COMM="a b" + _X='y'
               _PID=1
[exim]
enabled = true
filter = exim[maxlines=5]
maxlines = 7
prefregex = ^x
ignoreregex = one
              two %(__name__)s
[mysqld-auth]
enabled = true
filter = %(__name__)s[failregex="^a <HOST>$", ignoreregex=b]
failregex = ^c <HOST> <mode> <known/failregex>$
[nginx-http-auth]
enabled = true
filter = nginx-http-auth[mode=fallback, journalmatch="A=b c"]
"#;
    copy.write("jail.local", text);
    assert_eq!(copy.compare(), 6);
}

#[test]
fn every_action() {
    let Some(copy) = Copy::new() else { return };
    let mut text = String::from("[DEFAULT]\nenabled = false\nfilter =\n");
    for (index, name) in copy.names("action.d").iter().enumerate() {
        text += &format!("[a{index}]\nenabled = true\nfilter =\naction = {name}\n");
        text += &format!(
            "  {name}[name=other, port=\"1,2\", protocol='udp', chain=\"<known/chain>\", bantime=5m, dest=a@b]\n"
        );
    }
    text += "[python]\nenabled = true\naction = smtp.py[host=\"h\", actname=mail]\n  smtp.py[]\n";
    copy.write("jail.local", &text);
    let jails = copy.compare();
    assert!(jails > 50, "only {jails} actions");
}

#[test]
fn layers_and_overrides() {
    let Some(copy) = Copy::new() else { return };
    copy.write(
        "filter.d/common.local",
        "[DEFAULT]\n__hostname = box\n[lt_file]\n__prefix_line = %(__hostname)s <__pid_re>!\n",
    );
    copy.write("filter.d/sshd.local", "[Definition]\n_x = <known/maxlines>\nfailregex = %(known/failregex)s\n  ^local <_x> <known/mode> <lt_short/datepattern>\n[Init]\nmaxlines = 4\n");
    copy.write("filter.d/sshd.d/zz.conf", "[Definition]\nmode = extra\n[Init]\npublickey = any\n");
    copy.write("filter.d/sshd.d/aa.local", "[DEFAULT]\n_daemon = dropped\n");
    copy.write("action.d/iptables.local", "[Init]\nblocktype = DROP\n[Init?family=inet6]\nblocktype = <known/blocktype> <name>\n[Definition]\nactionban = %(known/actionban)s -v\n");
    copy.write("jail.d/10.conf", "[sshd]\nenabled = true\nfindtime = 1h\nport = 22,2222\n");
    copy.write("jail.d/20.conf", "[DEFAULT]\nbantime = 1d\n[sshd]\nfindtime = %(known/findtime)s 5m\n");
    copy.write("jail.local", "[sshd]\nmaxretry = 3\nignoreip = 192.0.2.1, 2001:db8::/32\n  198.51.100.0/24\naction = %(action_)s\n  %(banaction)s[name=%(__name__)s-x, blocktype=DROP, actname=second]\n");
    copy.write("jail.d/30.local", "[sshd]\nmaxretry = %(known/maxretry)s0\nbantime.increment = yes\nignoreself = no\nbantime.maxtime = 5w\n");
    copy.write("paths-overrides.local", "[DEFAULT]\nsshd_backend = polling\n");
    assert_eq!(copy.compare(), 1);
}

#[test]
fn log_paths() {
    let Some(copy) = Copy::new() else { return };
    for name in ["a.log", "b.log", "c"] {
        copy.write(name, "");
    }
    let root = copy.root().display();
    copy.write(
        "jail.local",
        &format!(
            "[x]\nenabled = true\nfilter =\nlogpath = {root}/a.log\n\n  {root}/b.log tail\n  {root}/c head\n"
        ),
    );
    let output = copy.client();
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let judge: Vec<_> = lines.lines().filter(|line| line.contains("addlogpath")).collect();
    let files = Directory(copy.root().to_owned());
    let jails = Reader::new(&files).jails(Which::Enabled);
    let paths = jails.jail("x").expect("the jail").log_paths();
    let ours: Vec<_> =
        paths.iter().map(|p| format!("['set', 'x', 'addlogpath', '{}', '{}']", p.pattern, p.from)).collect();
    assert_eq!(ours, judge);
    assert_eq!(ours.len(), 3);
}

#[test]
fn main_options() {
    let Some(copy) = Copy::new() else { return };
    copy.compare();
    copy.write(
        "fail2ban.local",
        "[Definition]\nloglevel = DEBUG\ndbpurgeage = 2d\nallowipv6 = no\n[Thread]\nstacksize = 512\n",
    );
    copy.write("fail2ban.d/x.conf", "[DEFAULT]\nlogtarget = nowhere\n[Definition]\ndbmaxmatches = 3\n");
    copy.compare();
}

#[test]
fn stock_files_have_no_warnings() {
    let Some(copy) = Copy::new() else { return };
    let files = Directory(copy.root().to_owned());
    let reader = Reader::new(&files).with_version(VERSION);
    let jails = reader.jails(Which::All);
    assert!(jails.all_problems().is_empty(), "{}", jails.all_problems());
    assert!(reader.filter(FRAGMENT, "auto").value.is_none());
    for name in reader.filter_names().iter().filter(|name| *name != FRAGMENT) {
        let read = reader.filter(name, "auto");
        // Of the files that are there to be included some have no [Definition].
        let found = read.problems.iter().filter(|p| !p.to_string().contains("no section")).count();
        assert_eq!(found, 0, "{}", read.problems);
    }
}

/// One slip each: fail2ban refuses the whole configuration or the jail, and so must we.
#[test]
fn what_is_refused() {
    let Some(copy) = Copy::new() else { return };
    for (path, text) in [
        // The `.local` file beside an included file that also names it is read twice: `known` is then the file itself.
        ("filter.d/common.local", "[lt_file]\n__prefix_line = %(known/__prefix_line)s!\n"),
        ("filter.d/sshd.local", "[Definition]\nfailregex = ^100% <HOST>$\n"),
        ("filter.d/sshd.local", "[Definition]\nfailregex = ^%(nothing)s <HOST>$\n"),
        ("filter.d/sshd.local", "[Definition]\na = 1\nA = 2\n"),
        ("filter.d/sshd.local", "[Definition]\na = 1\n[Definition]\n"),
        ("filter.d/sshd.local", "a = 1\n[Definition]\n"),
        ("filter.d/sshd.local", "[Definition]\nno delimiter\n"),
        ("filter.d/sshd.local", "\u{feff}[Definition]\n"),
        ("filter.d/sshd.local", "[Definition]\nfailregex = <failregex>\n"),
        ("filter.d/sshd.local", "[Definition]\nfailregex = <a>\na = <b>\nb = <a>\n"),
        ("filter.d/sshd.local", "[Definition]\nfailregex = %(a)s\na = %(b)s\nb = %(a)s\n"),
        ("filter.d/sshd.local", "[Definition]\njournalmatch = 'a\n"),
        ("filter.d/sshd.local", "[INCLUDES]\nbefore = %(x)s\n"),
        ("jail.d/z.local", "[sshd]\nfilter = sshd[mode=\"x\"y=z]\n"),
        ("jail.d/z.local", "[sshd]\nfilter = nothing\n"),
        ("jail.d/z.local", "[sshd]\nfilter = [x]\n"),
        ("jail.d/z.local", "[sshd]\naction = nothing\n"),
        ("jail.d/z.local", "[sshd]\naction = iptables [name=x]\n"),
        ("jail.d/z.local", "[sshd]\naction = iptables[name=\"x\n"),
        ("jail.d/z.local", "[sshd]\nfailregex = %(known/failregex)s %(known/nothing)s\n"),
        // The trap: what is known is interpolated, and a second time.
        (
            "jail.d/z.local",
            "[sshd]\nfilter = sshd[failregex=\"50%% <HOST>\"]\ndatepattern = %(known/failregex)s\n",
        ),
        ("jail.d/z.local", "[sshd]\nbantime = %(bantime)s\n"),
    ] {
        copy.write("jail.local", "[sshd]\nenabled = true\n");
        copy.write(path, text);
        let judge = copy.client();
        let accepted =
            judge.status.success() && !String::from_utf8_lossy(&judge.stdout).contains("config-error");
        assert!(!accepted, "fail2ban accepts {path}: {text}");
        let files = Directory(copy.root().to_owned());
        let jails = Reader::new(&files).jails(Which::Enabled);
        let problems = jails.all_problems();
        assert!(problems.has_errors(), "accepted {path}: {text}");
        assert!(problems.iter().all(|problem| problem.origin.is_some()), "{problems}");
        fs::remove_file(copy.root().join(path)).expect("a file");
    }
}

#[test]
fn times() {
    if Copy::new().is_none() {
        return;
    }
    for text in [
        "10m",
        "1d12h",
        "1y 6mo 1w 2d 3h 4m 5s",
        "1h 30",
        "5*60",
        "1HOUR+30Min",
        "(1h 30m)*2",
        "60/1h",
        "2*1h 30m",
        "--5",
        "3/2",
        "1.5h",
        "10 minutes",
        "1year-6mo",
        "1week",
        "2 weeks",
        ".5d",
        "-1",
        "1h-(30m+60)",
        "1 h",
        "7 days 2hou",
        "1mon",
        "-(1)",
        "1h/2",
        "1d-1h 30m",
        "1yea 1wee 1da",
        "+3",
        "12",
        "1\t2",
        "0*1y",
    ] {
        let output =
            Command::new("fail2ban-client").args(["--str2sec", text]).output().expect("fail2ban-client");
        let judge: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(f64::NAN);
        let ours = match parse_time(text) {
            Ok(TimeSpan::Forever) => -1.0,
            Ok(TimeSpan::Seconds(seconds)) => seconds,
            Err(error) => panic!("`{text}`: {error}, fail2ban: {judge}"),
        };
        assert!((ours - judge).abs() < 1e-6, "`{text}`: {ours}, fail2ban: {judge}");
    }
}
