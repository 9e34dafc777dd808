//! Repairs by the real program against a moto server, killed at any moment, and two of them at once: nothing is lost,
//! nothing is recorded twice, and what was done can be taken back.
//!
//! `STOCKADE_TEST_KILLS` says how often it is killed. What is no truth here: the minutes that a lease lasts are not
//! waited for, its end is written into the shelf.
#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly, and says what it skips"
)]

#[path = "repair_killed/account.rs"]
mod account;
#[path = "repair_killed/shelf.rs"]
mod shelf;

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use account::Account;
use serde_json::{Value, json};
use shelf::Kept;

/// What is done to the trail, which repair follows, the calls that mend it, and the call that takes all of it back.
struct Case {
    tamper: &'static str,
    repair: &'static str,
    writes: &'static [&'static str],
    undo: &'static str,
}

const CASES: [Case; 2] = [
    Case { tamper: "StopLogging", repair: "trail-stopped", writes: &["StartLogging"], undo: "StopLogging" },
    Case {
        tamper: "DeleteTrail",
        repair: "trail-deleted",
        writes: &["CreateTrail", "PutEventSelectors", "StartLogging"],
        undo: "DeleteTrail",
    },
];

/// The program with its configuration.
struct Stockade {
    account: Account,
    folder: tempfile::TempDir,
    kept: Kept,
}

impl Stockade {
    fn new(kept: impl FnOnce(&std::path::Path) -> Option<Kept>) -> Option<Self> {
        let account = Account::new()?;
        let folder = tempfile::tempdir().unwrap();
        let kept = kept(folder.path())?;
        let text = format!(
            "[aws]\nregion = \"{region}\"\nendpoint = \"{endpoint}\"\n\
             [repair]\nmode = \"act\"\ntrial = 0\nregions = [\"{region}\"]\nown_account = false\nshelf = \"{shelf}\"\n\
             max_per_thing = 1000\nmax_per_account = 1000\nmin_of_kind = 1000\n\
             [repair.accounts.{id}]\nrole = \"arn:aws:iam::{id}:role/stockade-guard\"\n",
            region = account::REGION,
            endpoint = account.proxy.url(),
            shelf = kept.place(),
            id = account.id,
        );
        std::fs::write(folder.path().join("stockade.toml"), text).unwrap();
        let all = Self { account, folder, kept };
        all.done(&["repair", "run"]);
        Some(all)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command.arg("--config").arg(self.folder.path()).args(args).env_clear();
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn done(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        output
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// The lines of the record behind this number.
    fn lines(&self) -> Vec<Value> {
        let output = self.done(&["repair", "export"]);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].clone()).collect()
    }

    /// Tampers with the trail; the file of the event that tells of it.
    fn tamper(&self, case: &Case, nth: usize) -> String {
        // moto deletes no trail by its ARN.
        self.account.call("cloudtrail", case.tamper, json!({"Name": "main"}));
        let file = self.folder.path().join("event.json");
        let event = self.account.event(case.tamper, nth);
        std::fs::write(&file, event.to_string()).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// What holds when a tampering was repaired, however often whoever repaired it was killed.
    fn is_mended(&self, case: &Case, before: &Value, lines_before: usize, what: &str) {
        assert_eq!(self.account.whole(), *before, "{what}");
        self.done(&["repair", "verify-record"]);
        let lines = self.lines();
        let new = &lines[lines_before..];
        let ends: Vec<&Value> =
            new.iter().filter(|line| line["kind"] == "repair" || line["kind"] == "good").collect();
        assert_eq!(ends.len(), 1, "{what}: {new:#?}");
        let body = &ends[0]["body"];
        assert_eq!(body["outcome"], "verified", "{what}: {new:#?}");
        // All that was done is known, in its order, with its way back.
        let calls: Vec<&str> = body["calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| call["call"]["operation"].as_str().unwrap())
            .collect();
        assert_eq!(calls, case.writes, "{what}: {new:#?}");
        let undo = body["undo"].as_array().unwrap();
        assert!(undo.iter().any(|call| call["operation"] == case.undo), "{what}: {new:#?}");
        assert_eq!(self.account.writes(), case.writes, "{what}");
        assert_eq!(self.kept.open(), 0, "{what}: nothing is left open");
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn kills() -> usize {
    std::env::var("STOCKADE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

/// Killed so often, at moments that are spread over the whole life of a repair.
fn killed(kills: usize, kept: impl FnOnce(&std::path::Path) -> Option<Kept>) {
    let Some(stockade) = Stockade::new(kept) else { return };
    let before = stockade.account.whole();
    let mut whole = [Duration::ZERO; 2];
    for (case, whole) in CASES.iter().zip(&mut whole) {
        let (file, lines) = (stockade.tamper(case, 0), stockade.lines().len());
        stockade.account.writes();
        let began = Instant::now();
        stockade.done(&["repair", "event", case.repair, &file]);
        *whole = began.elapsed();
        stockade.is_mended(case, &before, lines, "nobody was killed");
    }
    let mut halves = 0;
    for nth in 0..kills {
        let case = &CASES[nth % CASES.len()];
        // A golden stride falls everywhere without falling twice on one place.
        let share = (nth as f64).mul_add(0.618_034, 0.3).fract();
        let moment = whole[nth % CASES.len()].mul_f64(share);
        let lines = stockade.lines().len();
        let file = stockade.tamper(case, nth + 1);
        stockade.account.writes();
        let mut child = stockade.start(&["repair", "event", case.repair, &file]);
        std::thread::sleep(moment);
        let _ = child.kill();
        child.wait().unwrap();
        // What it sent last is still on its way through the proxy.
        stockade.account.calm();
        stockade.done(&["repair", "verify-record"]);
        let what = format!("kill {nth}, {} after {moment:?}", case.repair);
        halves += usize::from(stockade.kept.open() > 0);
        stockade.kept.expire_leases();
        // The next that comes by: the message that was not deleted, or the schedule.
        let next: &[&str] = if nth % 4 < 2 {
            &["repair", "event", case.repair, &file]
        } else {
            &["repair", "run", case.repair]
        };
        let output = stockade.command(next).output().unwrap();
        assert!(output.status.success(), "{what}: {}", told(&output));
        stockade.is_mended(case, &before, lines, &what);
    }
    eprintln!("{kills} kills, {halves} of them in the middle of a repair; {whole:?} for a whole one");
    assert!(kills < 8 || halves > 0, "no kill fell into a repair");
    // What was mended in two lives is taken back as a whole.
    let lines = stockade.lines();
    let last =
        lines.iter().rfind(|line| line["kind"] == "repair" && line["body"]["playbook"] == "P02").unwrap();
    stockade.done(&["repair", "undo", last["id"].as_str().unwrap()]);
    assert_eq!(stockade.account.whole(), Value::Null, "the trail is gone as it was before its repair");
}

#[test]
fn with_one_file_of_sqlite() {
    killed(kills(), |folder| Some(Kept::file(folder)));
}

#[test]
fn with_a_table_of_dynamodb() {
    // Each question to the table goes through the slow proxy too.
    killed(kills() / 2, |_| Kept::table());
}

#[cfg(feature = "postgres")]
#[test]
fn with_a_database_of_postgresql() {
    killed(kills(), |_| Kept::postgres());
}

/// Two processes at the same moment, one of them with the schedule, again and again.
fn together(kept: impl FnOnce(&std::path::Path) -> Option<Kept>) {
    let Some(stockade) = Stockade::new(kept) else { return };
    let before = stockade.account.whole();
    for nth in 0..kills().div_ceil(2) {
        let case = &CASES[nth % CASES.len()];
        let lines = stockade.lines().len();
        let file = stockade.tamper(case, nth);
        stockade.account.writes();
        let event = ["repair", "event", case.repair, &file];
        let children =
            [stockade.start(&event), stockade.start(&event), stockade.start(&["repair", "run", case.repair])];
        let outputs: Vec<Output> =
            children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let all = outputs.iter().map(told).collect::<Vec<_>>().join("\n-----\n");
        stockade.is_mended(case, &before, lines, &format!("round {nth}: {all}"));
    }
}

#[test]
fn several_at_once_on_one_file() {
    together(|folder| Some(Kept::file(folder)));
}

#[test]
fn several_at_once_in_one_table() {
    together(|_| Kept::table());
}

#[cfg(feature = "postgres")]
#[test]
fn several_at_once_in_one_database() {
    together(|_| Kept::postgres());
}
