//! The binary under the name `fail2ban-regex` against the real program: the same command line, the same text.
//!
//! What may differ is made equal before the texts are compared (see [`steady`]), and nothing else:
//! - how long it took;
//! - in which words an error is told;
//! - in a prefregex, which is printed as it is compiled, the group that stands for an address, which is ours;
//! - in which order a set of users is printed, which has none;
//! - the one date template that fail2ban 1.1 reads more by than 1.0.2 does.
//!
//! Needs Debian's fail2ban 1.0.2; without it the tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly, and says what it skips"
)]

mod common;
#[path = "common/fail2ban.rs"]
mod fail2ban;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fail2ban::Site;

/// Both programs, reading the same configuration.
struct Bench {
    site: Site,
    link: PathBuf,
}

impl Bench {
    fn new() -> Option<Self> {
        let site = Site::new()?;
        let link = site.root().join("fail2ban-regex");
        symlink(env!("CARGO_BIN_EXE_stockade"), &link).unwrap();
        Some(Self { site, link })
    }

    fn run(&self, program: &Path, args: &[&str], zone: &str) -> Output {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.site.root()).args(args);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("TZ", zone).env("LC_ALL", "C.UTF-8");
        command.output().unwrap()
    }

    fn ours(&self, args: &[&str]) -> Output {
        self.run(&self.link, args, "UTC")
    }

    /// Compares text and exit code; gives the text.
    fn same(&self, args: &[&str]) -> String {
        self.same_in("UTC", args)
    }

    fn same_in(&self, zone: &str, args: &[&str]) -> String {
        let judge = self.run(Path::new("/usr/bin/fail2ban-regex"), args, zone);
        let ours = self.run(&self.link, args, zone);
        let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
        let (judged, shown) = (text(&judge), text(&ours));
        for (ours, judge) in steady(&shown).iter().zip(&steady(&judged)) {
            assert_eq!(ours, judge, "{args:?}, ours is on the left:\n{shown}\n{judged}");
        }
        assert_eq!(steady(&shown).len(), steady(&judged).len(), "{args:?}:\n{shown}\n{judged}");
        assert_eq!(ours.status.code(), judge.status.code(), "{args:?}");
        shown
    }
}

/// The lines without what may differ.
fn steady(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let is_prefix = lines.last().is_some_and(|last| last.starts_with("Prefregex: "));
        let line = match line.split_once(r"\[?(?:(?:::f{4,6}:)?(?P<ip4>") {
            Some((before, _)) if is_prefix => before.to_owned(),
            _ if line.starts_with("ERROR: ") => "ERROR".to_owned(),
            _ if line.starts_with("[processed in ") => "[processed in".to_owned(),
            _ => line
                .replace("(?:-|(?:T|  ?))Ex24hour:?ExMinute:?ExSecond", "(?:T|  ?)Ex24hourExMinuteExSecond"),
        };
        lines.push(in_order(&line));
    }
    lines
}

/// A line with the users of a connection in order: in Python a set has none.
fn in_order(line: &str) -> String {
    let Some((before, rest)) = line.split_once("'users': {") else { return line.to_owned() };
    let (users, after) = rest.split_once("}").unwrap();
    let mut users: Vec<&str> = users.split(", ").collect();
    users.sort_unstable();
    format!("{before}'users': {{{}}}{after}", users.join(", "))
}

const LOG: &str = "\
Nov 20 10:00:00 web door[7]: knocked by eve from 203.0.113.9 port 22
Nov 20 10:00:01 web door[7]: knocked by eve from 2001:db8::9 port 22
# a comment

Nov 20 10:00:02 web door[8]: seen 203.0.113.9
Nov 20 10:00:03 web door[8]: knocked by it's \"q\" \\ from 198.51.100.7 port 1\r
2026-11-20T10:00:04Z web door[8]: opened by eve
2026-11-20T10:00:05.250+01:00 web door[9]: knocked by mallory from 203.0.113.10 port 33
no date door[10]: knocked by bob from 203.0.113.11 port 3
Nov 20 10:00:06 web window[8]: nothing
Feb 30 10:00:07 web door[11]: knocked by bob from 203.0.113.11 port 3
Nov 20 10:00:08 web door[12]: knocked by tr\u{e9}nt from ::ffff:203.0.113.12 port 3
Nov 20 10:00:09 web door[8]: closed
";

const FILTER: &str = r#"
[INCLUDES]
before = common.conf
[Definition]
_daemon = door
prefregex = ^<F-MLFID>%(__prefix_line)s</F-MLFID><F-CONTENT>.+</F-CONTENT>$
failregex = ^knocked by <F-USER>.*</F-USER> from <ADDR>(?: port <F-PORT/>)?\s*$
            ^knocked by <F-ALT_USER>m\S*</F-ALT_USER> from <HOST> port \d+$
            ^<F-NOFAIL>seen</F-NOFAIL> <ADDR>$
            ^<F-MLFGAINED>opened</F-MLFGAINED> by <F-USER>\S+</F-USER>$
            ^<F-NOFAIL><F-MLFFORGET>closed</F-MLFFORGET></F-NOFAIL>
            ^<mode> never <ADDR>$
ignoreregex = by bob
              by b.b
              never
mode = one
[Init]
datepattern = {^LN-BEG}
"#;

#[test]
fn a_filter_of_connections_with_every_option() {
    let Some(bench) = Bench::new() else { return };
    bench.site.write("filter.d/door.conf", FILTER);
    let log = bench.site.write("door.log", LOG);
    let log = log.to_str().unwrap();
    for more in [
        &[][..],
        &["-v"],
        &["-vv"],
        &["--verbosity=1", "--no-check-all"],
        &["--print-all-matched"],
        &["--print-no-missed"],
        &["--print-no-ignored", "--print-all-matched"],
        &["--print-all-missed", "--print-all-ignored"],
        &["-L", "2"],
        &["-d", "^%b %d %H:%M:%S"],
        &["--datepattern", "%ExY-%m-%dT%H:%M:%S"],
        &["-d", "{DATE}"],
        &["-d", "{NONE}"],
        &["--timezone", "UTC+0200", "-v"],
        &["-e", "latin-1"],
        &["--raw"],
        &["--usedns", "no"],
        &["--usedns=raw"],
        &["-l", "critical"],
        &["--print-all-matched", "-L1"],
    ] {
        let text = bench.same(&[&[log, "door"], more].concat());
        assert!(text.contains("matched"), "{text}");
    }
    bench.same_in("Europe/Berlin", &["-v", log, "door"]);
    bench.same(&[log, "door[mode=two]", "-v"]);
    bench.same(&[log, "door[mode=\"it's\", logtype=short]", "-vv"]);
}

#[test]
fn every_form_of_out() {
    let Some(bench) = Bench::new() else { return };
    bench.site.write("filter.d/door.conf", FILTER);
    let log = bench.site.write("door.log", LOG);
    let log = log.to_str().unwrap();
    for what in [
        "id",
        "fid",
        "ip",
        "msg",
        "row",
        "user",
        "matches",
        "ip4",
        "nothing",
        "<ip>",
        "<fid> <F-USER>:<F-PORT>",
        "<family> <ip-rev> <failures> <bancount> <restored>",
        "a<br>b<sp>c<unknown>d<F-NOTHING>e <F-ID>",
        "<ip>: <msg>",
        "<matches>|",
        "<F-MLFID>< ip>",
    ] {
        let text = bench.same(&["-o", what, log, "door"]);
        assert!(!text.is_empty(), "{what}");
    }
}

#[test]
fn regexes_and_lines_that_were_typed() {
    let Some(bench) = Bench::new() else { return };
    let line = "2026-11-20T10:00:04Z gate knocked by eve from 203.0.113.9 twice, from 203.0.113.9 and again";
    for args in [
        &[line, "from <HOST>"][..],
        &[line, "from <HOST>", "twice"],
        &[line, "from <HOST>", "never", "-v"],
        &["-v", line, r"by (?P<user>\S+) from <ADDR> \w+, from (?P<fid>\S+)"],
        &["-o", "row", line, r"by <F-ID>\S+</F-ID> from <ADDR>"],
        &["-o", "row", line, r"by <F-ID>e</F-ID><F-TUPLE_ID>ve</F-TUPLE_ID> from"],
        &["-o", "id", "x from 203.0.113.0/28 y", "from <SUBNET>"],
        &["-o", "row", "1795341600 a b c", r"<F-ID/>$"],
        &["@4000000052d9f5ea1f2d1e2c x 203.0.113.9", "<HOST>"],
        &["a\nb 203.0.113.1\nc\nd\ne\nf 203.0.113.2\ng\nh", "<HOST>$"],
        &["nothing here", "from <HOST>"],
        &[line, "<HOST>", "-d", "%Y-%m-%d"],
        &[line, "(?i)FROM <ADDR>"],
    ] {
        bench.same(args);
    }
}

#[test]
fn several_lines_at_once() {
    let Some(bench) = Bench::new() else { return };
    bench.site.write(
        "filter.d/several.conf",
        "[Definition]\nfailregex = ^ \\S+ begin <F-USER>\\S+</F-USER>$<SKIPLINES>^ \\S+ failed <ADDR>$\n  \
         ^ \\S+ alone <ADDR>$\nignoreregex = excused\n[Init]\nmaxlines = 4\n",
    );
    let log = bench.site.write(
        "several.log",
        "Nov 20 10:00:00 h begin eve\nNov 20 10:00:01 h other\nNov 20 10:00:02 h failed 203.0.113.9\n\
         Nov 20 10:00:03 h begin bob\nNov 20 10:00:04 h alone 203.0.113.10\nNov 20 10:00:05 h failed 203.0.113.11\n\
         Nov 20 10:00:06 h begin a\nNov 20 10:00:06 h begin excused\nNov 20 10:00:06 h failed 203.0.113.13\n\
         Nov 20 10:00:07 h x\nNov 20 10:00:07 h x\nNov 20 10:00:07 h x\nNov 20 10:00:08 h x\n\
         Nov 20 10:00:09 h failed 203.0.113.12\n",
    );
    let log = log.to_str().unwrap();
    for more in
        [&[][..], &["-v"], &["--print-all-matched"], &["-L", "2"], &["-o", "msg"], &["-o", "<ip> <F-USER>"]]
    {
        bench.same(&[&[log, "several"], more].concat());
    }
}

#[test]
fn logs_end_where_they_end() {
    let Some(bench) = Bench::new() else { return };
    for (name, text) in [
        ("empty", ""),
        ("torn", "Nov 20 10:00:00 a from 203.0.113.9\nNov 20 10:00:00 a from 203.0.113.9"),
        ("one", "Nov 20 10:00:00 a from 203.0.113.9\r\n\r\n"),
        ("spaces", "Nov 20 10:00:00 a from 203.0.113.9  \n  # x\n \n"),
    ] {
        let log = bench.site.write(name, text);
        bench.same(&[log.to_str().unwrap(), "from <HOST>", "--print-all-matched"]);
    }
    let many: String = (0..30).map(|n| format!("Nov 20 10:00:00 a {n}\n")).collect();
    let log = bench.site.write("many", many);
    let log = log.to_str().unwrap();
    bench.same(&[log, "from <HOST>"]);
    bench.same(&[log, "from <HOST>", "--print-all-missed"]);
    bench.same(&[log, r"a <F-ID>1?\d</F-ID>$", "--print-all-matched", "-v"]);
}

/// What is wrong is told in our words, with the exit code of theirs.
#[test]
fn exit_codes() {
    let Some(bench) = Bench::new() else { return };
    for args in [
        &["only one"][..],
        &["a", "b", "c", "d"],
        &["line", "no group"],
        &["line", "(<HOST>"],
        &["line", "<HOST>", "--timezone", "Mars"],
        &["line", "<HOST>", "--no-such-option"],
        &["line", "<HOST>", "-L", "many"],
        &["line", "<HOST>", "--print-no-missed", "--print-all-missed"],
        &["line", "sshd[mode=x", "-v"],
        &["--help"],
        &["-V"],
        &["--version"],
    ] {
        let judge = bench.run(Path::new("/usr/bin/fail2ban-regex"), args, "UTC");
        let ours = bench.ours(args);
        assert_eq!(ours.status.code(), judge.status.code(), "{args:?}");
    }
}

#[test]
fn what_only_we_can_read() {
    let Some(bench) = Bench::new() else { return };
    bench.site.write("jail.local", "[gate]\nfilter = door\nenabled = false\n");
    bench.site.write("filter.d/door.conf", FILTER);
    let log = bench.site.write("door.log", LOG);
    let text = |args: &[&str]| String::from_utf8(bench.ours(args).stdout).unwrap();
    let jail = text(&[log.to_str().unwrap(), "gate"]);
    assert!(jail.contains("\nUse            jail : gate\n") && jail.contains("Lines: 11 lines"), "{jail}");
}

/// The corpus of fail2ban, by filter and options, without the lines of other versions: 90 filters, 1,100 lines.
#[test]
fn every_stock_filter_on_its_own_lines() {
    let Some(bench) = Bench::new() else { return };
    let Some(corpus) = shared("data/fail2ban/corpus.jsonl") else { return };
    let mut logs: BTreeMap<String, String> = BTreeMap::new();
    for line in fs::read_to_string(corpus).unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let filter = record["filter"].as_str().unwrap();
        if record["input"] != "file" || !bench.site.root().join(format!("filter.d/{filter}.conf")).is_file() {
            continue;
        }
        // One set of options is enough for each line.
        let options = record["options"][0].as_object().unwrap();
        let options: String = options.iter().map(|(name, value)| format!("[{name}={value}]")).collect();
        let line = record["line"].as_str().unwrap();
        // An address with a leading zero is none here.
        if !line.contains("192.030.0.6") {
            *logs.entry(format!("{filter}{options}")).or_default() += &format!("{line}\n");
        }
    }
    assert!(logs.len() > 80, "{}", logs.len());
    for (number, (filter, text)) in logs.iter().enumerate() {
        let name = filter.split('[').next().unwrap();
        if SKIPPED.iter().any(|(skipped, _)| *skipped == name) {
            continue;
        }
        let log = bench.site.write(&format!("logs/{number}.log"), text);
        bench.same(&["--usedns=no", "--print-all-matched", log.to_str().unwrap(), filter]);
    }
}

#[test]
fn logs_of_real_machines() {
    let Some(bench) = Bench::new() else { return };
    let Some(logs) = shared("data/logs/sshd") else { return };
    for (log, filter) in [
        ("AdityaMitra5102__ML-TImeSeries__auth.log", "sshd"),
        ("logpai__loghub__OpenSSH_OpenSSH_2k.log", "sshd[mode=aggressive]"),
        ("logpai__loghub__Linux_Linux_2k.log", "pam-generic"),
        ("four-messages.synthetic.log", "sshd[mode=extra]"),
    ] {
        let log = logs.join(log);
        let log = log.to_str().unwrap();
        bench.same(&["--usedns=no", "-v", log, filter]);
        bench.same(&["--usedns=no", "-o", "<fid> <F-USER>: <matches>", log, filter]);
    }
}

/// A part of the shared data; `None`, with a line that says so, where it is missing.
fn shared(part: &str) -> Option<PathBuf> {
    let path = std::env::var_os("STOCKADE_SHARED").map(|shared| PathBuf::from(shared).join(part));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        eprintln!("skipped: no shared data: set STOCKADE_SHARED to the folder that holds {part}");
    }
    path
}

/// Filters that cannot be compared, and why.
const SKIPPED: [(&str, &str); 2] = [
    ("domino-smtp", "fail2ban takes minutes for one of its lines"),
    ("monit", "which of two date templates is found depends on the lines before"),
];
