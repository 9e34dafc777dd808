//! Both stores give the same answers to any sequence of calls.

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

use std::time::Duration;

use common::{NOW, at};
use proptest::prelude::*;
use stockade_core::ports::{Batch, Order, Retention, Settlement, Store, WindowRecord};
use stockade_core::{
    BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict,
};
use stockade_store::{JailTotals, Limits, MemoryStore, SqliteOptions, SqliteStore};

/// Small enough that a short sequence runs into them.
const LIMITS: Limits = Limits { max_matches: 12, max_decisions: 5 };

#[derive(Clone, Debug)]
enum Call {
    Commit(Batch),
    /// Settles the nth due line.
    Settle(u32, usize, Outcome, Timestamp),
    Purge(Retention),
    Reopen,
}

proptest! {
    // Each case makes files; PROPTEST_CASES asks for more.
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree(calls in prop::collection::vec(call(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let options = SqliteOptions { limits: LIMITS, ..SqliteOptions::default() };
        let open = || SqliteStore::open(&path, &options, NOW).unwrap().store;
        let (mut memory, mut sqlite) = (MemoryStore::new(LIMITS), open());
        for call in calls {
            match call {
                Call::Commit(batch) => {
                    prop_assert_eq!(memory.commit(&batch).unwrap(), sqlite.commit(&batch).unwrap());
                }
                Call::Settle(now, nth, outcome, retry_at) => {
                    let due = memory.outbox(at(now), 100).unwrap();
                    if let Some(item) = due.get(nth) {
                        let settled = [Settlement { id: item.id, outcome, retry_at }];
                        memory.settle(&settled).unwrap();
                        sqlite.settle(&settled).unwrap();
                    }
                }
                Call::Purge(keep) => {
                    prop_assert_eq!(memory.purge(&keep).unwrap(), sqlite.purge(&keep).unwrap());
                }
                Call::Reopen => {
                    drop(sqlite);
                    sqlite = open();
                }
            }
            prop_assert_eq!(answers(&mut memory), answers(&mut sqlite));
            prop_assert_eq!(totals(memory.totals()), totals(sqlite.totals().unwrap()));
        }
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(64)
}

/// Everything that can be asked, as text in a fixed order.
fn answers(store: &mut impl Store) -> Vec<String> {
    let state = store.load().unwrap();
    let mut rows: Vec<String> = state.positions.iter().map(|p| format!("{p:?}")).collect();
    rows.extend(state.windows.iter().map(|w| format!("{w:?}")));
    rows.extend(state.bans.iter().map(|b| format!("{b:?}")));
    rows.sort();
    for n in 0..4 {
        for limit in [2, 100] {
            rows.push(format!("{:?}", store.matches_of(&key(n), limit).unwrap()));
            rows.push(format!("{:?}", store.decisions(Some(&key(n)), limit).unwrap()));
        }
    }
    rows.push(format!("{:?}", store.decisions(None, 3).unwrap()));
    rows.push(format!("{:?}", store.decisions(None, 100).unwrap()));
    for now in [Timestamp::MIN, at(5), Timestamp::MAX] {
        rows.push(format!("{:?}", store.outbox(now, 100).unwrap()));
    }
    rows.push(format!("{:?}", store.outbox(at(5), 2).unwrap()));
    let asked: Vec<MatchId> = (0..30).map(MatchId).collect();
    let mut known: Vec<MatchId> = store.known(&asked).unwrap().into_iter().collect();
    known.sort();
    rows.push(format!("{known:?}"));
    rows
}

fn totals(totals: Vec<JailTotals>) -> Vec<(String, u64, u64)> {
    totals.into_iter().map(|t| (t.jail.to_string(), t.matches, t.bans)).collect()
}

fn key(n: u8) -> Key {
    match n {
        0 => Key::Addr([192, 0, 2, 1].into()),
        1 => Key::Name("192.0.2.1".into()),
        2 => Key::parse_addr_or_net("2001:db8::/32").unwrap(),
        _ => Key::Name("root".into()),
    }
}

fn a_key() -> impl Strategy<Value = Key> {
    (0_u8..4).prop_map(key)
}

fn a_jail() -> impl Strategy<Value = std::sync::Arc<str>> {
    prop_oneof![Just("sshd".into()), Just("web".into())]
}

fn a_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![8 => (0_u32..10).prop_map(at), 1 => Just(Timestamp::MIN), 1 => Just(Timestamp::MAX)]
}

fn some<S: Strategy>(of: S) -> impl Strategy<Value = Vec<S::Value>> {
    prop::collection::vec(of, 0..5)
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => a_batch().prop_map(Call::Commit),
        4 => (0_u32..10, 0_usize..4, an_outcome(), a_time()).prop_map(|(a, b, c, d)| Call::Settle(a, b, c, d)),
        2 => (a_time(), a_time(), a_time(), 0_u64..20).prop_map(|(m, d, b, max_matches)| Call::Purge(Retention {
            matches_before: m,
            decisions_before: d,
            bans_before: b,
            max_matches,
        })),
        1 => Just(Call::Reopen),
    ]
}

fn a_batch() -> impl Strategy<Value = Batch> {
    (some(a_match()), some(a_window()), some(a_ban()), some(an_order()), some(a_position())).prop_map(
        |(matches, windows, bans, orders, positions)| Batch {
            matches,
            windows,
            bans,
            orders,
            positions,
            ..Batch::default()
        },
    )
}

fn a_match() -> impl Strategy<Value = Match> {
    (0_u128..30, a_jail(), a_key(), a_time(), any::<u32>(), prop::option::of(".{0,3}"), ".{0,5}").prop_map(
        |(id, jail, key, time, count, user, line)| Match {
            id: MatchId(id),
            jail,
            key,
            time,
            count,
            user: user.map(Into::into),
            stream: "s".into(),
            line: line.into(),
        },
    )
}

fn a_window() -> impl Strategy<Value = WindowRecord> {
    (a_jail(), a_key(), prop::collection::vec(a_time(), 0..4)).prop_map(|(jail, key, times)| WindowRecord {
        jail,
        key,
        times,
    })
}

fn a_reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        (any::<u32>(), any::<u64>()).prop_map(|(matches, nanos)| Reason::Threshold {
            matches,
            findtime: Duration::from_nanos(nanos),
        }),
        Just(Reason::Expired),
        Just(Reason::Imported),
        ".{0,5}".prop_map(|note| Reason::Manual { note }),
    ]
}

fn a_ban() -> impl Strategy<Value = BanRecord> {
    (a_jail(), a_key(), any::<u32>(), a_time(), a_time(), any::<bool>(), a_reason()).prop_map(
        |(jail, key, times, since, until, live, reason)| BanRecord {
            jail,
            key,
            times,
            since,
            until,
            live,
            reason,
        },
    )
}

fn an_order() -> impl Strategy<Value = Order> {
    let verdict = prop_oneof![
        (a_time(), any::<bool>()).prop_map(|(until, extends)| Verdict::Ban { until, extends }),
        Just(Verdict::Unban),
        Just(Verdict::Notify),
        Just(Verdict::Repair),
    ];
    let decision = (a_jail(), a_key(), verdict, a_time(), a_reason(), any::<u32>())
        .prop_map(|(jail, key, verdict, at, reason, nth)| Decision { jail, key, verdict, at, reason, nth });
    let responders = prop::collection::vec(prop_oneof![Just("a".into()), Just("b".into())], 0..3);
    (decision, responders, prop::option::weighted(0.2, ".{0,3}"))
        .prop_map(|(decision, responders, refused)| Order { decision, responders, refused })
}

fn a_position() -> impl Strategy<Value = Position> {
    ("[ab]", ".{0,3}", any::<u64>(), any::<u64>(), prop::option::of(".{0,3}")).prop_map(
        |(stream, generation, offset, replay_from, cursor)| Position {
            stream: stream.into(),
            generation,
            offset,
            replay_from,
            cursor,
        },
    )
}

fn an_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Done),
        ".{0,3}".prop_map(|error| Outcome::Failed { error }),
        ".{0,3}".prop_map(|reason| Outcome::Refused { reason }),
    ]
}
