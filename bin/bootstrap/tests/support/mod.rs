//! The functions in the emulator: what the template makes of the package that the packer packs.

#![allow(dead_code, reason = "each test uses its part")]

#[path = "../../../../crates/respond/tests/support/namespace.rs"]
pub(crate) mod namespace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use jiff::{Timestamp, ToSpan as _};
use stockade_aws::Aws;
use stockade_testkit::emulator::{LogEvent, Stack, make_log_group, read_logs, unique};
use xtask::package::{Entry, Packing, configuration, write};

/// How long a ban may take from the log group to the queue. It takes a second or two; machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A deployed stack with log groups of its own.
pub(crate) struct Deployed {
    pub(crate) aws: Aws,
    pub(crate) stack: Stack,
    /// The log group that the filter sshd reads.
    pub(crate) auth: String,
    /// The log group that the filters dovecot, postfix and roundcube read.
    pub(crate) syslog: String,
    pub(crate) table: String,
    phases: &'static str,
}

impl Deployed {
    /// Makes a stack; `jails` is what its package says in `jail.local`, or nothing for what is shipped.
    pub(crate) fn new(aws: Aws, phases: &'static str, jails: Option<&str>) -> Self {
        let (auth, syslog) = (unique("auth"), unique("syslog"));
        make_log_group(&aws, &auth);
        make_log_group(&aws, &syslog);
        let (table, topic) = (unique("Stockade"), unique("F2B"));
        let groups = format!("{auth},{syslog}");
        let parameters = [
            ("Phases", phases),
            ("TableName", table.as_str()),
            ("TopicName", topic.as_str()),
            ("LogGroups", groups.as_str()),
            // Tests call it themselves.
            ("ExpireEvery", "rate(1 day)"),
        ];
        let template = fs::read_to_string(xtask::root().join("deploy/aws/bans.yaml")).unwrap();
        let stack = Stack::deploy(&aws, &template, package(jails), &parameters);
        Self { aws, stack, auth, syslog, table, phases }
    }

    pub(crate) fn topic(&self) -> &str {
        self.stack.output("Topic")
    }

    /// What the functions wrote to their logs.
    pub(crate) fn logs(&self) -> Vec<String> {
        let roles: &[&str] = match self.phases {
            "OnePhase" => &["cloudwatch_filter_and_jail"],
            _ => &["cloudwatch_filter", "dynamodb_jail"],
        };
        let groups = roles.iter().map(|role| format!("/aws/lambda/{}-{role}", self.stack.name));
        groups.flat_map(|group| read_logs(&self.aws, &group)).collect()
    }
}

/// A package whose `stockade.toml` has patterns: the log groups of tests have names of their own.
fn package(jails: Option<&str>) -> Vec<u8> {
    let groups = "[aws.log_groups]\n\"auth-*\" = [\"sshd\"]\n\"syslog-*\" = [\"dovecot\", \"postfix\", \"roundcube\"]\n";
    packed(|entries| {
        for entry in entries {
            match (entry.name.as_str(), jails) {
                ("stockade/stockade.toml", _) => entry.bytes = groups.into(),
                ("stockade/jail.local", Some(jails)) => entry.bytes = jails.into(),
                _ => {}
            }
        }
    })
}

/// A zip as the packer makes it, of the program that cargo built for this test, or of the one that
/// `STOCKADE_TEST_BOOTSTRAP` names, with another configuration.
pub(crate) fn packed(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<u8> {
    let mut entries = configuration(&xtask::root()).unwrap();
    change(&mut entries);
    entries.push(Entry { name: "bootstrap".to_owned(), executable: true, bytes: program().to_vec() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("package.zip");
    write(&path, &entries, Packing::Stored).unwrap();
    fs::read(path).unwrap()
}

/// The program without what debuggers read, which is most of it.
fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = env::var_os("STOCKADE_TEST_BOOTSTRAP")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_bootstrap")), PathBuf::from);
        let folder = tempfile::tempdir().unwrap();
        let stripped = folder.path().join("bootstrap");
        let strip = Command::new("strip").arg("-o").arg(&stripped).arg(&built).status();
        let smaller = strip.is_ok_and(|status| status.success());
        fs::read(if smaller { &stripped } else { &built }).unwrap()
    })
}

/// A file of the shared data; none, after a line that says so, where there is no such folder.
pub(crate) fn shared(name: &str) -> Option<String> {
    let root = env::var_os("STOCKADE_SHARED").map_or_else(|| xtask::root().join("../shared"), PathBuf::from);
    let path = Path::new(&root).join("data/logs").join(name);
    let bytes = fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: no shared data: {}", path.display());
    }
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Lines of a syslog as a host would ship them while they are written: half a second apart, the last one just now, each
/// with that time at its beginning in place of the old one.
pub(crate) fn as_if_now(lines: &[&str]) -> Vec<LogEvent> {
    let last = Timestamp::now();
    let count = i64::try_from(lines.len()).unwrap();
    let events = lines.iter().zip(0..).map(|(line, n)| {
        let time = last.checked_sub(((count - 1 - n) * 500).milliseconds()).unwrap();
        let stamp = time.strftime("%b %e %H:%M:%S");
        (time.as_millisecond(), format!("{stamp}{}", line.get("Dec 10 06:55:46".len()..).unwrap_or_default()))
    });
    events.collect()
}

/// Failed logins from these addresses, in this order.
pub(crate) fn failed_logins(addresses: &[&str]) -> Vec<LogEvent> {
    let lines: Vec<String> = addresses
        .iter()
        .zip(1..)
        .map(|(address, pid)| {
            format!("Dec 10 06:55:46 web01 sshd[{pid}]: Failed password for root from {address} port 4{pid:04} ssh2")
        })
        .collect();
    as_if_now(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The addresses that an oracle's table (`address TAB time`) has at least so many times, whenever; a line of the log
/// that says how often it was repeated counts as often, which fail2ban does not do.
pub(crate) fn seen_at_least(table: &str, log: &str, times: usize) -> BTreeSet<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for address in table.lines().filter_map(|line| line.split('\t').next()) {
        *seen.entry(address).or_default() += 1;
    }
    for line in log.lines() {
        let repeated =
            line.split_once("message repeated ").and_then(|(_, rest)| rest.split_once(" times: [ Failed"));
        let address = repeated.and_then(|(_, rest)| rest.split_once(" from ")?.1.split(' ').next());
        if let (Some((times, _)), Some(address)) = (repeated, address) {
            *seen.entry(address).or_default() += times.parse::<usize>().unwrap();
        }
    }
    seen.into_iter().filter(|(_, count)| *count >= times).map(|(address, _)| address.to_owned()).collect()
}
