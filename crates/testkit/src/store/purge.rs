//! What may be forgotten, and what may not.

use stockade_core::Outcome;
use stockade_core::Timestamp;
use stockade_core::ports::{Batch, Retention, Store};

use super::Case;
use super::make::{
    LATER, State, at, ban, failed, keep_everything, key, matched, order, orders, position, purge_all,
    settlement, window,
};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a purge that keeps everything takes nothing", takes_nothing),
    ("matches older than the limit go", old_matches),
    ("of too many matches the oldest go", too_many_matches),
    ("age comes before number", age_before_number),
    ("settled decisions older than the limit go", old_decisions),
    ("bans that ended before the limit go", old_bans),
    ("all of a large number goes", large_number),
];

fn matches(store: &mut dyn Store, times: &[i64]) {
    let by = key("192.0.2.1");
    let matches = times.iter().zip(1..).map(|(secs, id)| matched(id, &by, at(*secs))).collect();
    store.commit(&Batch { matches, ..Batch::default() }).expect("a commit");
}

fn times_left(store: &mut dyn Store) -> Vec<Timestamp> {
    store.matches_of(&key("192.0.2.1"), usize::MAX).expect("matches").iter().map(|m| m.time).collect()
}

fn takes_nothing(store: &mut dyn Store) {
    matches(store, &[1, 2]);
    store.commit(&orders(vec![order("192.0.2.1", 0, &[])])).expect("a commit");
    store
        .commit(&Batch { bans: vec![ban("sshd", "192.0.2.1", at(0), false)], ..Batch::default() })
        .expect("a commit");
    assert_eq!(store.purge(&keep_everything()).expect("a purge"), 0);
    assert_eq!(times_left(store).len(), 2);
    assert_eq!(store.decisions(None, 10).expect("decisions").len(), 1);
    assert_eq!(State::of(store).bans.len(), 1);
}

fn old_matches(store: &mut dyn Store) {
    matches(store, &[20, 10, 30]);
    let state = Batch {
        windows: vec![window("sshd", "192.0.2.1", &[10, 20])],
        positions: vec![position("s", 1)],
        ..Batch::default()
    };
    store.commit(&state).expect("a commit");
    let keep = Retention { matches_before: at(20), ..keep_everything() };
    assert_eq!(purge_all(store, &keep), 1);
    assert_eq!(times_left(store), [at(30), at(20)]);
    let left = State::of(store);
    assert_eq!((left.windows, left.positions), (state.windows, state.positions), "no match, no evidence");
    // What was forgotten may be stored again.
    let again = Batch { matches: vec![matched(2, &key("192.0.2.1"), at(10))], ..Batch::default() };
    assert_eq!(store.commit(&again).expect("a commit"), 1);
}

fn too_many_matches(store: &mut dyn Store) {
    matches(store, &[50, 10, 40, 20, 30]);
    let at_most = |max_matches| Retention { max_matches, ..keep_everything() };
    assert_eq!(purge_all(store, &at_most(5)), 0);
    assert_eq!(purge_all(store, &at_most(3)), 2);
    assert_eq!(times_left(store), [at(50), at(40), at(30)]);
    assert_eq!(purge_all(store, &at_most(0)), 3);
    assert_eq!(times_left(store), []);
}

fn age_before_number(store: &mut dyn Store) {
    matches(store, &[10, 20, 30, 40]);
    let keep = Retention { matches_before: at(30), max_matches: 2, ..keep_everything() };
    assert_eq!(purge_all(store, &keep), 2);
    assert_eq!(times_left(store), [at(40), at(30)]);
}

fn old_decisions(store: &mut dyn Store) {
    let mut refused = order("192.0.2.4", 5, &["a"]);
    refused.refused = Some("guard".into());
    let batch = orders(vec![
        order("192.0.2.1", 1, &["a", "b"]),
        order("192.0.2.2", 2, &["a", "b"]),
        order("192.0.2.3", 3, &["a"]),
        refused,
        order("192.0.2.5", 6, &[]),
        order("192.0.2.6", 10, &[]),
    ]);
    store.commit(&batch).expect("a commit");
    let ids: Vec<i64> = store.outbox(at(0), 10).expect("the outbox").iter().map(|i| i.id).collect();
    let [a1, b1, a2, b2, a3] = ids.try_into().expect("five lines");
    // The first is settled, the second by half, the third failed.
    let no = Outcome::Refused { reason: "no".into() };
    store
        .settle(&[
            settlement(a1, Outcome::Done, at(0)),
            settlement(b1, no, at(0)),
            settlement(a2, Outcome::Done, at(0)),
            settlement(a3, failed("down"), at(99)),
        ])
        .expect("a settlement");
    let keep = Retention { decisions_before: at(10), ..keep_everything() };
    assert_eq!(purge_all(store, &keep), 3);
    let keys = |store: &mut dyn Store| {
        let log = store.decisions(None, 10).expect("decisions");
        log.iter().map(|l| l.decision.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys(store), ["192.0.2.6", "192.0.2.3", "192.0.2.2"]);
    let open: Vec<i64> = store.outbox(LATER, 10).expect("the outbox").iter().map(|i| i.id).collect();
    assert_eq!(open, [b2, a3]);
    store
        .settle(&[settlement(b2, Outcome::Done, at(0)), settlement(a3, Outcome::Done, at(0))])
        .expect("a settlement");
    assert_eq!(purge_all(store, &keep), 2);
    assert_eq!(keys(store), ["192.0.2.6"]);
    // Numbers go on where they were, so that a late word about an old line meets no new one.
    store.commit(&orders(vec![order("192.0.2.7", 11, &["a"])])).expect("a commit");
    let items = store.outbox(LATER, 10).expect("the outbox");
    assert!(items.iter().all(|i| i.id > a3), "{items:?}");
    assert_eq!(items.len(), 1);
}

fn old_bans(store: &mut dyn Store) {
    let bans = vec![
        ban("sshd", "192.0.2.1", at(10), false),
        ban("sshd", "192.0.2.2", at(20), false),
        ban("sshd", "192.0.2.3", at(10), true),
        ban("sshd", "192.0.2.4", Timestamp::MAX, false),
        ban("web", "192.0.2.1", at(15), false),
        ban("web", "192.0.2.2", Timestamp::MIN, false),
    ];
    store.commit(&Batch { bans: bans.clone(), ..Batch::default() }).expect("a commit");
    let keep = Retention { bans_before: at(20), ..keep_everything() };
    assert_eq!(purge_all(store, &keep), 3);
    // One that is still to be in force stays, however late it is to be lifted.
    let left: Vec<String> = State::of(store).bans.iter().map(|b| b.key.to_string()).collect();
    assert_eq!(left, ["192.0.2.2", "192.0.2.3", "192.0.2.4"]);
}

fn large_number(store: &mut dyn Store) {
    let count = 5_000_u32;
    let by = key("192.0.2.1");
    let batch = Batch {
        matches: (0..count).map(|i| matched(u128::from(i), &by, at(i64::from(i)))).collect(),
        orders: (0..count).map(|i| order("192.0.2.1", i64::from(i), &[])).collect(),
        bans: (0..count).map(|i| ban("sshd", &format!("user{i}"), at(0), false)).collect(),
        ..Batch::default()
    };
    store.commit(&batch).expect("a commit");
    let gone = purge_all(
        store,
        &Retention {
            matches_before: at(4_000),
            decisions_before: LATER,
            bans_before: LATER,
            max_matches: 100,
        },
    );
    assert_eq!(gone, u64::from(count) * 3 - 100);
    assert_eq!(times_left(store).len(), 100);
    assert_eq!(times_left(store).last(), Some(&at(4_900)));
    assert_eq!(store.decisions(None, 1).expect("decisions"), []);
    assert_eq!(State::of(store).bans, []);
}
