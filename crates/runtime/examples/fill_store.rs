//! Makes a database with so many bans in force, for the benchmark `restore`.
//!
//! ```sh
//! cargo run --release -p stockade-runtime --example fill_store -- STORE BANS
//! ```

#![allow(clippy::print_stderr, clippy::expect_used, reason = "a program for measuring")]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use stockade_core::ports::{Batch, Clock, Store};
use stockade_core::{BanRecord, Key, Reason};
use stockade_runtime::daemon::SystemClock;
use stockade_store::{SqliteOptions, SqliteStore};

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(bans)) =
        (args.next().map(PathBuf::from), args.next().and_then(|n| n.parse::<u32>().ok()))
    else {
        eprintln!("usage: fill_store STORE BANS");
        return ExitCode::from(2);
    };
    let now = SystemClock.now();
    let mut store = SqliteStore::open(&path, &SqliteOptions::default(), now).expect("a store").store;
    let ban = |n: u32| BanRecord {
        jail: "sshd".into(),
        // Scattered over the address space, as attackers are; the factor is odd, so all differ.
        key: Key::addr(Ipv4Addr::from(0x0b00_0000_u32 + n.wrapping_mul(2_654_435_761) % 0x8000_0000).into()),
        times: 1,
        since: now,
        until: now.plus(Duration::from_secs(7 * 24 * 3600 + u64::from(n))),
        live: true,
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
    };
    let batch = Batch { bans: (0..bans).map(ban).collect(), ..Batch::default() };
    store.commit(&batch).expect("a commit");
    ExitCode::SUCCESS
}
