//! fail2ban's own engine, asked what it makes of lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;
use stockade_filter::{Filter, FilterSpec, UseDns};

/// What to ask: which filter about which lines.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct Job {
    /// A filter of `/etc/fail2ban` with its parameters…
    pub(crate) filter: Option<String>,
    pub(crate) options: BTreeMap<String, String>,
    /// …or a filter made of these.
    pub(crate) prefregex: Option<String>,
    pub(crate) failregex: Vec<String>,
    pub(crate) ignoreregex: Vec<String>,
    pub(crate) maxlines: usize,
    pub(crate) datepattern: Option<String>,
    /// A file, of which every so manieth line is read…
    pub(crate) file: Option<PathBuf>,
    pub(crate) every: usize,
    /// …or lines.
    pub(crate) lines: Vec<String>,
}

impl Job {
    /// Our filter, made of the job's regexes.
    pub(crate) fn compile(&self) -> Arc<Filter> {
        let sources = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
        let spec = FilterSpec {
            prefregex: self.prefregex.as_deref().map(Into::into),
            failregex: sources(&self.failregex),
            ignoreregex: sources(&self.ignoreregex),
            maxlines: self.maxlines,
            usedns: UseDns::Yes,
            ..FilterSpec::default()
        };
        Arc::new(Filter::compile(&spec).unwrap_or_else(|errors| panic!("{}", errors[0])))
    }

    /// What our filter finds in the job's lines.
    pub(crate) fn ours(&self, filter: Arc<Filter>, now: i64) -> Vec<Failure> {
        let text = self.lines.join("\n") + "\n";
        let mut scanner = super::scanner(filter);
        super::scan(&mut scanner, text.as_bytes(), Timestamp::from_secs(now), |hit| {
            let offset = usize::try_from(hit.offset).unwrap();
            let line = text[..offset].matches('\n').count() + 1;
            let user = hit.user.map(|user| String::from_utf8_lossy(user).into_owned());
            Failure { line, id: hit.key.to_string(), time: Some(hit.time.as_secs()), user }
        })
    }
}

/// A failure that fail2ban found.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The number of the line, from 1.
    pub(crate) line: usize,
    pub(crate) id: String,
    /// Seconds since the epoch; a line without a date may have none.
    pub(crate) time: Option<i64>,
    pub(crate) user: Option<String>,
}

/// Runs the engine as the server does: the first regex that matches wins, names are not resolved. The clock stands
/// still, no line is too old, and a line that is not ended by a line feed is not read. A line that takes a second is
/// given up: its failure has no id.
const DRIVER: &str = r#"
import json, os, signal, sys, time
os.environ["TZ"] = "UTC"
time.tzset()
sys.path.insert(0, "/usr/lib/python3/dist-packages")
import logging
logging.getLogger("fail2ban").setLevel(logging.CRITICAL)
from fail2ban.server.mytime import MyTime
from fail2ban.server.filter import FileFilter
from fail2ban.client.filterreader import FilterReader

def settings(job):
    if not job["filter"]:
        yield "maxlines", job["maxlines"]
        if job["datepattern"] is not None:
            yield "datepattern", job["datepattern"]
        if job["prefregex"] is not None:
            yield "prefregex", job["prefregex"]
        for name in ("failregex", "ignoreregex"):
            for text in job[name]:
                yield name, text
        return
    reader = FilterReader(job["filter"], "oracle", job["options"], basedir="/etc/fail2ban")
    if not reader.read():
        raise SystemExit("no filter " + job["filter"])
    reader.getOptions(None)
    for command in reader.convert():
        many, name, values = command[0].startswith("multi"), command[2], command[3:]
        for value in (values[0] if many else values):
            yield name.replace("add", "", 1) if name.startswith("add") else name, value

def engine(job):
    made = FileFilter(None)
    made.returnRawHost, made.checkFindTime, made.checkAllRegex = True, False, False
    made.active = True
    use = {
        "maxlines": made.setMaxLines, "datepattern": made.setDatePattern, "failregex": made.addFailRegex,
        "ignoreregex": made.addIgnoreRegex, "usedns": made.setUseDns,
    }
    for name, value in settings(job):
        if name == "prefregex":
            made.prefRegex = value
        elif name in use:
            use[name](value)
    return made

def lines(job):
    if job["file"] is None:
        return [line.encode() + b"\n" for line in job["lines"]]
    with open(job["file"], "rb") as file:
        return [line for line in file.read().splitlines(True) if line.endswith(b"\n")]

def answers(job, now):
    MyTime.setAlternateNow(now)
    MyTime.setTime(now)
    made = engine(job)
    for number, line in enumerate(lines(job), 1):
        if job["every"] and number % job["every"]:
            continue
        line = line.decode("utf-8", "replace").rstrip("\r\n")
        for _, fid, when, fail in judged(made, line):
            if fid is not None:
                user = fail.get("user")
                yield {"line": number, "id": str(fid), "time": None if when is None else int(when), "user": user}

class TooLong(Exception):
    pass

def too_long(*_):
    raise TooLong

signal.signal(signal.SIGALRM, too_long)

def judged(made, line):
    signal.setitimer(signal.ITIMER_REAL, 1)
    try:
        return made.processLine(line)
    except TooLong:
        return [(0, "", None, {})]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

now = float(sys.argv[1])
for job in json.load(sys.stdin):
    print(json.dumps(list(answers(job, now))))
"#;

/// Whether it can be asked; says so where it cannot.
pub(crate) fn is_installed() -> bool {
    let import = "import sys; sys.path.insert(0, '/usr/lib/python3/dist-packages'); import fail2ban";
    let status = Command::new("/usr/bin/python3").args(["-c", import]).stderr(Stdio::null()).status();
    let installed = status.is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: fail2ban's Python module is not installed");
    }
    installed
}

/// Asks; the answers are in the order of the jobs. `now` is the time at which all is read, the zone is UTC.
pub(crate) fn ask(jobs: &[Job], now: i64) -> Vec<Vec<Failure>> {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", DRIVER, &now.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = serde_json::to_vec(jobs).unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the driver failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut answers: Vec<Vec<Failure>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    answers.iter_mut().flatten().for_each(|failure| failure.id = canonical(&failure.id));
    assert_eq!(answers.len(), jobs.len(), "the driver failed");
    answers
}

/// An address as we write it; the engine leaves an id as it stands in the log.
fn canonical(id: &str) -> String {
    id.parse::<std::net::IpAddr>().map_or_else(|_| id.to_owned(), |addr| addr.to_canonical().to_string())
}

/// The same by several processes at a time, for jobs that take long.
pub(crate) fn ask_many(jobs: Vec<Job>, now: i64) -> Vec<(Job, Vec<Failure>)> {
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get().min(4));
    let mut shares = vec![Vec::new(); workers];
    jobs.into_iter().enumerate().for_each(|(n, job)| shares[n % workers].push(job));
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = shares.iter().map(|share| scope.spawn(move || ask(share, now))).collect();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect::<Vec<_>>()
    });
    shares.into_iter().flatten().zip(answers.into_iter().flatten()).collect()
}

/// A random number generator that gives the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
