//! What a burst costs: 10,000 log events in one invocation, a tenth of them failed logins of 200 addresses.
//!
//! `cargo run --release -p stockade-runtime --features aws --example functions_burst [EVENTS]`: time for each event, with
//! a ledger in memory, so that it is our own time and nobody else's. The first invocation builds what the regexes need.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it prints what it measured")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use stockade_config::load_files;
use stockade_core::ports::Clock;
use stockade_core::{Outcome, Timestamp};
use stockade_filter::conf::Embedded;
use stockade_runtime::functions::{Announcer, Function, Parts, Role, Say, Setup, home};
use stockade_store::MemoryLedger;

struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

struct Deaf;

impl Announcer for Deaf {
    fn announce(&mut self, say: &[Say], _: Timestamp) -> Vec<Outcome> {
        vec![Outcome::Done; say.len()]
    }
}

fn payload(events: u64, now: i64, run: u64) -> Vec<u8> {
    let event = |n: u64| {
        let at = now - 300 + i64::try_from(n * 300 / events).unwrap();
        let date = jiff::Timestamp::from_second(at).unwrap().strftime("%b %e %H:%M:%S").to_string();
        let text = match n % 10 {
            0 => format!("sshd[{n}]: Failed password for root from 203.0.113.{} port 4 ssh2", n / 10 % 200),
            1 => {
                format!("sshd[{n}]: Accepted publickey for eve from 192.0.2.9 port 4 ssh2: ED25519 SHA256:x")
            }
            _ => format!("CRON[{n}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"),
        };
        json!({"id": format!("{run:02}{n:054}"), "timestamp": at * 1000, "message": format!("{date} web01 {text}")})
    };
    let envelope = json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "Auth", "logStream": "i-1",
        "subscriptionFilters": [], "logEvents": (0..events).map(event).collect::<Vec<Value>>()});
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(envelope.to_string().as_bytes()).unwrap();
    let data = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
    json!({"awslogs": {"data": data}}).to_string().into_bytes()
}

fn main() {
    const NOW: i64 = 1_795_341_600;
    let events: u64 = std::env::args().nth(1).map_or(10_000, |n| n.parse().unwrap());
    let began = Instant::now();
    let layered = stockade_filter::conf::Layered { upper: Embedded(&[]), lower: home::DEFAULTS };
    let config = load_files(&layered, "", &|_| None).unwrap();
    let setup = Setup::new(config, Role::FilterAndJail, |_| {}).unwrap();
    println!("start: {:?}", began.elapsed());
    let parts = Parts {
        ledger: Box::new(MemoryLedger::default()),
        announcer: Box::new(Deaf),
        tellers: stockade_runtime::functions::Tellers::default(),
        aws: None,
        clock: Arc::new(Still(Timestamp::from_secs(NOW))),
        snapshot: None,
    };
    let mut function = Function::new(Role::FilterAndJail, setup, parts);
    for run in 0..5 {
        let payload = payload(events, NOW, run);
        let began = Instant::now();
        let invoked = function.invoke(&payload);
        let took = began.elapsed();
        let each = took / u32::try_from(events).unwrap_or(1).max(1);
        let counts = invoked.counts;
        println!(
            "{events} events in {took:?}, {each:?} each ({} bytes); {} matches, {} bans, {} made longer",
            payload.len(),
            counts.matches,
            counts.bans,
            counts.extensions
        );
        assert!(took < Duration::from_secs(60) && invoked.answer.is_ok());
    }
}
