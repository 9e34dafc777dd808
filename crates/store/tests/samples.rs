//! Files of every schema there ever was must still open, with all that was in them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a test may fail"
)]

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::open;
use stockade_core::ports::{Store, WindowRecord};
use stockade_core::{BanRecord, Key, Outcome, Reason, Timestamp, Verdict};

/// The sample of each schema, by its number: `v1.sql` and on.
fn samples() -> Vec<(i64, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut samples: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            (name.strip_prefix('v').unwrap().parse().unwrap(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

#[test]
fn there_is_a_sample_of_every_schema() {
    let versions: Vec<i64> = samples().into_iter().map(|(version, _)| version).collect();
    assert_eq!(versions, (1..=stockade_store::SCHEMA_VERSION).collect::<Vec<_>>());
}

#[test]
fn every_old_file_opens_with_all_that_is_in_it() {
    for (version, sql) in samples() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
        let mut store = open(&path);
        holds_the_sample(&mut store, version);
        drop(store);
        let raw = rusqlite::Connection::open(&path).unwrap();
        let now: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(now, stockade_store::SCHEMA_VERSION, "from {version}");
    }
}

fn holds_the_sample(store: &mut stockade_store::SqliteStore, version: i64) {
    let time = Timestamp::from_millis(1_700_000_000_000);
    let by = Key::parse_addr_or_net("192.0.2.1").unwrap();
    let net = Key::parse_addr_or_net("198.51.100.0/24").unwrap();
    let threshold = Reason::Threshold { matches: 5, findtime: Duration::from_secs(600) };
    let state = store.load().unwrap();

    let offsets: Vec<_> =
        state.positions.iter().map(|p| (&*p.stream, p.offset, p.cursor.as_deref())).collect();
    assert_eq!(
        offsets,
        [("/var/log/auth.log", 4_711, None), ("journal", u64::MAX, Some("s=1;i=2"))],
        "v{version}"
    );
    let minute = time.plus(Duration::from_secs(60));
    let window = WindowRecord { jail: "sshd".into(), key: by.clone(), times: vec![time, minute] };
    assert_eq!(state.windows[0], window, "v{version}");
    assert_eq!(state.windows[1].times, [Timestamp::from_millis(1_699_999_999_995)], "v{version}");
    let live = BanRecord {
        jail: "sshd".into(),
        key: by.clone(),
        times: 2,
        since: time,
        until: time.plus(Duration::from_secs(600)),
        live: true,
        reason: threshold.clone(),
    };
    let over = BanRecord {
        key: net.clone(),
        times: 1,
        until: Timestamp::MAX,
        live: false,
        reason: Reason::Manual { note: "by me".into() },
        ..live.clone()
    };
    assert_eq!(state.bans, [live, over], "v{version}");

    let matches = store.matches_of(&by, 10).unwrap();
    assert_eq!(matches.iter().map(|m| m.id.0).collect::<Vec<_>>(), [u128::MAX, 1], "v{version}");
    assert_eq!((matches[0].count, matches[1].user.as_deref()), (3, Some("root")), "v{version}");
    assert_eq!(store.matches_of(&Key::Name("192.0.2.1".into()), 10).unwrap().len(), 1, "v{version}");

    let log = store.decisions(None, 10).unwrap();
    let refused = |reason: &str| Some(Outcome::Refused { reason: reason.into() });
    assert_eq!((&log[0].decision.key, log[0].decision.verdict), (&net, Verdict::Unban), "v{version}");
    assert_eq!(log[0].outcomes, [("nftables".into(), refused("dry run"))], "v{version}");
    let forever = Verdict::Ban { until: Timestamp::MAX, extends: true };
    assert_eq!(
        (log[1].decision.verdict, &log[1].decision.reason),
        (forever, &Reason::Imported),
        "v{version}"
    );
    assert_eq!(log[1].outcomes, [("guard".into(), refused("own address"))], "v{version}");
    assert_eq!(log[2].decision.reason, threshold, "v{version}");
    let failed = Some(Outcome::Failed { error: "no route".into() });
    assert_eq!(log[2].outcomes, [("nftables".into(), failed), ("mail".into(), Some(Outcome::Done))]);

    assert_eq!(store.outbox(time, 10).unwrap(), [], "v{version}");
    let due = store.outbox(minute, 10).unwrap();
    assert_eq!(due.iter().map(|i| (i.id, i.attempts)).collect::<Vec<_>>(), [(1, 2)], "v{version}");
    let totals: Vec<_> = store.totals().unwrap().iter().map(|t| (t.matches, t.bans)).collect();
    assert_eq!(totals, [(4, 1), (1, 0)], "v{version}");
}
