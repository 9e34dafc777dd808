//! What a repair and a reconcile cost, apart from whoever answers the calls. For `benches/run.sh repair`.
//!
//! `engine_bench latency ENDPOINT FOLDER TRAIL STOPS` stops a trail so many times and hands the event of each to an engine;
//! `engine_bench reconcile ENDPOINT FOLDER REGIONS RUNS` looks at everything so many times, with everything only planned.
//! A line of JSON for each goes to standard output. Credentials and account are the environment's.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "it prints what it measured")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use stockade_aws::{Access, Aws};
use stockade_core::Timestamp;
use stockade_repair::{
    Api, ApiAnswer, ApiCall, ApiFault, AwsApi, Engine, Limits, Mode, ModeRule, Modes, Outcome, Place, Scope,
    Settings, Shelf, ShelfError, SqliteShelf, Stored, Time,
};

const REGION: &str = "eu-central-1";

/// When calls began and ended; of calls that were made at once the whole of them.
#[derive(Default)]
struct Tape {
    spans: Vec<(String, Instant, Instant)>,
    counts: BTreeMap<String, usize>,
    answered: usize,
    slept: Duration,
    kept: Duration,
}

/// A shelf with the time that it took.
struct Kept(SqliteShelf, Arc<Mutex<Tape>>);

impl Kept {
    fn timed<T>(&mut self, ask: impl FnOnce(&mut SqliteShelf) -> T) -> T {
        let began = Instant::now();
        let answer = ask(&mut self.0);
        self.1.lock().unwrap().kept += began.elapsed();
        answer
    }
}

impl Shelf for Kept {
    fn get(&mut self, key: &str) -> Result<Option<Stored>, ShelfError> {
        self.timed(|shelf| shelf.get(key))
    }

    fn put_if_version(
        &mut self,
        key: &str,
        value: Option<&[u8]>,
        version: u64,
    ) -> Result<Option<u64>, ShelfError> {
        self.timed(|shelf| shelf.put_if_version(key, value, version))
    }

    fn list(&mut self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, ShelfError> {
        self.timed(|shelf| shelf.list(prefix, after, limit))
    }
}

/// Calls with their times.
struct Timed(AwsApi, Arc<Mutex<Tape>>);

impl Timed {
    fn note(&self, calls: &[ApiCall], began: Instant, answers: &[Result<ApiAnswer, ApiFault>]) {
        let ended = Instant::now();
        let mut tape = self.1.lock().unwrap();
        for (call, answer) in calls.iter().zip(answers) {
            *tape.counts.entry(call.name()).or_default() += 1;
            tape.answered += answer.as_ref().map_or(0, |answer| answer.body.to_string().len());
        }
        tape.spans.push((calls.first().map(ApiCall::name).unwrap_or_default(), began, ended));
    }
}

impl Api for Timed {
    fn call(&mut self, call: &ApiCall) -> Result<ApiAnswer, ApiFault> {
        let began = Instant::now();
        let answer = [self.0.call(call)];
        self.note(std::slice::from_ref(call), began, &answer);
        let [answer] = answer;
        answer
    }

    fn calls(&mut self, calls: &[ApiCall]) -> Vec<Result<ApiAnswer, ApiFault>> {
        let began = Instant::now();
        let answers = self.0.calls(calls);
        self.note(calls, began, &answers);
        answers
    }
}

/// The machine's clock; what the engine waits on purpose is counted.
struct Waits(Arc<Mutex<Tape>>);

impl Time for Waits {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    fn sleep(&self, span: Duration) {
        let began = Instant::now();
        std::thread::sleep(span);
        self.0.lock().unwrap().slept += began.elapsed();
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, endpoint, folder, of, count] = args.as_slice() else {
        panic!("usage: engine_bench latency|reconcile ENDPOINT FOLDER TRAIL|REGIONS COUNT")
    };
    let (folder, count) = (PathBuf::from(folder), count.parse().unwrap());
    match what.as_str() {
        "latency" => latency(endpoint, &folder.join("latency.db"), of, count),
        _ => reconcile(endpoint, &folder.join("reconcile.db"), of, count),
    }
}

fn aws(endpoint: &str) -> AwsApi {
    let access = Access { region: Some(REGION.to_owned()), endpoint: Some(endpoint.to_owned()) };
    AwsApi::new(Aws::new(&access).unwrap(), Vec::new())
}

fn engine(endpoint: &str, file: &std::path::Path, mode: Mode, regions: &str) -> (Engine, Arc<Mutex<Tape>>) {
    let tape = Arc::<Mutex<Tape>>::default();
    let rule = ModeRule { playbook: None, account: None, region: None, mode };
    let settings = Settings {
        modes: Modes { trial: Duration::ZERO, rules: vec![rule], ..Modes::default() },
        limits: Limits {
            per_subject: 100_000,
            per_account: 100_000,
            percent_of_class: 100,
            ..Limits::default()
        },
        regions: regions.split(',').map(str::to_owned).collect(),
        ..Settings::default()
    };
    let api = Box::new(Timed(aws(endpoint), Arc::clone(&tape)));
    let shelf = Box::new(Kept(SqliteShelf::open(file).unwrap(), Arc::clone(&tape)));
    (Engine::new(api, shelf, Box::new(Waits(Arc::clone(&tape))), REGION, settings), tape)
}

fn latency(endpoint: &str, file: &std::path::Path, trail: &str, stops: usize) {
    let (mut engine, tape) = engine(endpoint, file, Mode::Act, REGION);
    let account = engine.own_account().unwrap();
    engine.reconcile(&Scope::default()).unwrap();
    let place = Place::new(&account, REGION);
    let mut somebody = aws(endpoint);
    for nth in 0..stops {
        somebody.call(&ApiCall::new(&place, "cloudtrail", "StopLogging", json!({"Name": trail}))).unwrap();
        let event = event(&account, trail, nth);
        *tape.lock().unwrap() = Tape::default();
        let began = Instant::now();
        let run = engine.event("P01", event.as_bytes()).unwrap();
        let whole = began.elapsed();
        assert!(
            run.items.iter().any(|item| matches!(item.outcome, Outcome::Repaired { verified: true, .. }))
        );
        let tape = tape.lock().unwrap();
        let (_, starts, started) =
            tape.spans.iter().find(|(name, _, _)| name.ends_with("StartLogging")).unwrap();
        let calls: Duration = tape.spans.iter().map(|(_, began, ended)| *ended - *began).sum();
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        let verify = whole - (*started - began) - tape.slept;
        let line = json!({
            "check": millis(*starts - began), "repair": millis(*started - *starts), "verify": millis(verify),
            "logs": millis(*started - began), "whole": millis(whole), "slept": millis(tape.slept),
            "calls": millis(calls), "kept": millis(tape.kept),
            "own": millis(whole.saturating_sub(calls + tape.slept + tape.kept)),
        });
        println!("{line}");
    }
}

fn event(account: &str, trail: &str, nth: usize) -> String {
    let id = format!("bench-{}-{nth}", std::process::id());
    json!({
        "version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.cloudtrail",
        "account": account, "time": "2026-11-22T10:00:00Z", "region": REGION, "resources": [],
        "detail": {"eventID": id, "eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
            "awsRegion": REGION, "recipientAccountId": account, "requestParameters": {"name": trail},
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{account}:user/mallory")}},
    })
    .to_string()
}

fn reconcile(endpoint: &str, file: &std::path::Path, regions: &str, runs: usize) {
    let (mut engine, tape) = engine(endpoint, file, Mode::Plan, regions);
    for nth in 0..runs {
        *tape.lock().unwrap() = Tape::default();
        let (began, before) = (Instant::now(), cpu_ms());
        let run = engine.reconcile(&Scope::default()).unwrap();
        let wall = began.elapsed();
        let cpu = cpu_ms() - before;
        let tape = tape.lock().unwrap();
        let calls: Duration = tape.spans.iter().map(|(_, began, ended)| *ended - *began).sum();
        let line = json!({
            "nth": nth, "wall_ms": wall.as_secs_f64() * 1e3, "cpu_ms": cpu, "calls_ms": calls.as_secs_f64() * 1e3,
            "kept_ms": tape.kept.as_secs_f64() * 1e3,
            "things": run.seen, "bad": run.notable().count(), "troubles": run.troubles.len(), "calls": tape.counts,
            "answered_bytes": tape.answered, "rss_mib": status("VmRSS:") / 1024.0, "peak_mib": status("VmHWM:") / 1024.0,
        });
        println!("{line}");
    }
}

/// The processor time of all threads, in ms, as fine as the kernel tells it.
fn cpu_ms() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e6
}

fn status(field: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
