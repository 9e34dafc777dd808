//! What several tests need: a store at a path, evidence to put into it, and the test program run once more.

#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stockade_core::ports::{Batch, Order, WindowRecord};
use stockade_core::{BanRecord, Decision, Key, Match, MatchId, Position, Reason, Timestamp, Verdict};
use stockade_store::{Opened, SqliteOptions, SqliteStore};

/// 2023-11-14T22:13:20Z.
pub const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

pub fn try_open(path: &Path) -> Result<Opened, stockade_core::ports::StoreError> {
    let options = SqliteOptions { busy_timeout: Duration::from_millis(100), ..SqliteOptions::default() };
    SqliteStore::open(path, &options, NOW)
}

/// Opens what must open without anything to tell.
pub fn open(path: &Path) -> SqliteStore {
    let opened = try_open(path).expect("a store that opens");
    assert_eq!(opened.notice, None);
    opened.store
}

pub fn at(secs: u32) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + i64::from(secs))
}

pub fn key(n: u32) -> Key {
    Key::addr(std::net::Ipv4Addr::from(0x0a00_0000 + n).into())
}

/// `per` matches of key `n`, its window, its ban, an order for one responder, and the position `n`.
pub fn batch(n: u32, per: u32) -> Batch {
    let line = |i| format!("sshd[{n}]: Failed password for root from {} port {i} ssh2", key(n)).into();
    let matched = |i: u32| Match {
        id: MatchId(u128::from(n) << 64 | u128::from(i)),
        jail: "sshd".into(),
        key: key(n),
        time: at(n),
        count: 1,
        user: Some("root".into()),
        stream: "/var/log/auth.log".into(),
        line: line(i),
    };
    let decision = Decision {
        jail: "sshd".into(),
        key: key(n),
        verdict: Verdict::Ban { until: at(n + 600), extends: false },
        at: at(n),
        reason: Reason::Threshold { matches: per, findtime: Duration::from_secs(600) },
        nth: 1,
    };
    Batch {
        matches: (0..per).map(matched).collect(),
        windows: vec![WindowRecord { jail: "sshd".into(), key: key(n), times: vec![at(n); per as usize] }],
        bans: vec![ban(n)],
        orders: vec![Order { decision, responders: vec!["nftables".into()], refused: None }],
        positions: vec![Position {
            stream: "/var/log/auth.log".into(),
            generation: "1-a".into(),
            offset: u64::from(n),
            replay_from: 0,
            cursor: None,
        }],
        seen: None,
    }
}

pub fn ban(n: u32) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: key(n),
        times: 1,
        since: at(n),
        until: at(n + 600),
        live: true,
        reason: Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) },
    }
}

/// This test program again, to run one of its tests only, behind the words of another command.
pub fn rerun(behind: &[&str], test: &str) -> Command {
    let me = std::env::current_exe().expect("our own path");
    let mut command = match behind {
        [] => Command::new(&me),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&me);
            command
        }
    };
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
}

/// Says why a test cannot be run here.
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
