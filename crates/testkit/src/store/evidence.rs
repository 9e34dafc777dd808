//! Matches: stored once by id, given back newest first, known by id.

use stockade_core::ports::{Batch, Retention, Store};
use stockade_core::{Key, Match, MatchId};

use super::Case;
use super::make::{LATER, at, keep_everything, key, matched, order, orders, purge_all};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a match is stored once by its id", stored_once),
    ("ids that differ in any part are different matches", every_part_of_an_id_counts),
    ("matches come newest first and no more than asked", newest_first),
    ("a match keeps every field", every_field),
    ("a match is known by its id while it is stored", known_by_id),
    ("of many ids exactly those that are stored are known", known_of_many),
    ("a match is given back by its id", by_id),
    ("a batch that is committed twice doubles its orders only", repeated_batch),
];

fn batch(matches: Vec<Match>) -> Batch {
    Batch { matches, ..Batch::default() }
}

fn ids(store: &mut dyn Store, by: &Key, limit: usize) -> Vec<u128> {
    store.matches_of(by, limit).expect("matches").iter().map(|m| m.id.0).collect()
}

fn stored_once(store: &mut dyn Store) {
    let by = key("192.0.2.1");
    let first = matched(1, &by, at(0));
    let mut other_content = matched(1, &key("192.0.2.2"), at(9));
    other_content.line = "something else".into();
    assert_eq!(store.commit(&batch(vec![first.clone(), first.clone()])).expect("a commit"), 1);
    assert_eq!(store.commit(&batch(vec![other_content, matched(2, &by, at(1))])).expect("a commit"), 1);
    assert_eq!(store.commit(&batch(vec![first.clone()])).expect("a commit"), 0);
    assert_eq!(store.matches_of(&by, 10).expect("matches"), [matched(2, &by, at(1)), first]);
    assert_eq!(ids(store, &key("192.0.2.2"), 10), []);
}

fn every_part_of_an_id_counts(store: &mut dyn Store) {
    let by = key("192.0.2.1");
    let all: Vec<u128> = (0..128).map(|bit| 1_u128 << bit).chain([0, u128::MAX]).collect();
    let matches = all.iter().map(|id| matched(*id, &by, at(0))).collect();
    assert_eq!(store.commit(&batch(matches)).expect("a commit"), all.len() as u64);
    let mut stored = ids(store, &by, 1_000);
    stored.reverse();
    assert_eq!(stored, all);
}

fn newest_first(store: &mut dyn Store) {
    let (by, other) = (key("2001:db8::1"), key("2001:db8::2"));
    // Late ones among them, and two of one time: the one committed later is the newer.
    let first = vec![matched(10, &by, at(10)), matched(30, &by, at(30)), matched(1, &other, at(99))];
    let second = vec![matched(20, &by, at(20)), matched(31, &by, at(30)), matched(5, &by, at(-5))];
    store.commit(&batch(first)).expect("a commit");
    store.commit(&batch(second)).expect("a commit");
    assert_eq!(ids(store, &by, usize::MAX), [31, 30, 20, 10, 5]);
    assert_eq!(ids(store, &by, 2), [31, 30]);
    assert_eq!(ids(store, &by, 0), []);
    assert_eq!(ids(store, &other, 10), [1]);
    assert_eq!(ids(store, &key("2001:db8::3"), 10), []);
}

fn every_field(store: &mut dyn Store) {
    let mut m = matched(77, &key("admin"), at(3));
    m.jail = "web".into();
    m.count = u32::MAX;
    m.user = Some("".into());
    m.stream = "journal".into();
    let mut without = m.clone();
    without.id.0 += 1;
    without.user = None;
    store.commit(&batch(vec![m.clone(), without.clone()])).expect("a commit");
    assert_eq!(store.matches_of(&m.key, 10).expect("matches"), [without, m]);
}

fn known(store: &mut dyn Store, ids: &[u128]) -> Vec<u128> {
    let ids: Vec<MatchId> = ids.iter().copied().map(MatchId).collect();
    let mut known: Vec<u128> = store.known(&ids).expect("an answer").iter().map(|id| id.0).collect();
    known.sort_unstable();
    known
}

fn known_by_id(store: &mut dyn Store) {
    let by = key("192.0.2.1");
    let ends = [0, 1, u128::MAX - 1, u128::MAX, 1 << 127, 1 << 64];
    assert_eq!(known(store, &ends), [], "nothing is known of an empty store");
    assert_eq!(known(store, &[]), []);
    store.commit(&batch(vec![matched(0, &by, at(0)), matched(u128::MAX, &by, at(5))])).expect("a commit");
    // In whichever jail, of whichever key.
    let mut other = matched(1 << 127, &key("admin"), at(9));
    other.jail = "web".into();
    store.commit(&batch(vec![other])).expect("a commit");
    assert_eq!(known(store, &ends), [0, 1 << 127, u128::MAX]);
    assert_eq!(known(store, &[u128::MAX, u128::MAX, 7]), [u128::MAX], "asked about twice");
    purge_all(store, &Retention { matches_before: at(5), ..keep_everything() });
    assert_eq!(known(store, &ends), [1 << 127, u128::MAX], "what is forgotten is not known");
}

fn known_of_many(store: &mut dyn Store) {
    let by = key("192.0.2.1");
    let matches = (0..3_000_u128).map(|id| matched(id * 2, &by, at(0))).collect();
    store.commit(&batch(matches)).expect("a commit");
    let asked: Vec<u128> = (0..6_000).rev().collect();
    let even: Vec<u128> = (0..3_000).map(|id| id * 2).collect();
    assert_eq!(known(store, &asked), even);
}

fn by_id(store: &mut dyn Store) {
    let ids = |ids: &[u128]| ids.iter().copied().map(MatchId).collect::<Vec<_>>();
    assert_eq!(store.matches_by_id(&ids(&[0, 1])).expect("matches"), []);
    // One key, one time, two events; and a whole event as its record.
    let mut whole = matched(7, &key("arn:aws:s3:::example"), at(3));
    whole.line = format!("{{\"detail\":\"{}\"}}", "e".repeat(250 * 1024)).into();
    let mut other = matched(8, &whole.key, at(3));
    other.jail = "web".into();
    other.user = Some("alice".into());
    let third = matched(u128::MAX, &key("192.0.2.1"), at(4));
    store.commit(&batch(vec![whole.clone(), other.clone(), third.clone()])).expect("a commit");
    assert_eq!(store.matches_by_id(&ids(&[9])).expect("matches"), []);
    assert_eq!(store.matches_by_id(&ids(&[8, 9, 8])).expect("matches"), [other.clone()]);
    let mut all = store.matches_by_id(&ids(&[u128::MAX, 8, 7, 0])).expect("matches");
    all.sort_by_key(|found| found.id);
    assert_eq!(all, [whole, other, third]);
}

fn repeated_batch(store: &mut dyn Store) {
    let by = key("192.0.2.1");
    let mut batch = orders(vec![order("192.0.2.1", 0, &["nftables"])]);
    batch.matches = vec![matched(1, &by, at(0))];
    assert_eq!(store.commit(&batch).expect("a commit"), 1);
    assert_eq!(store.commit(&batch).expect("a commit"), 0);
    assert_eq!(ids(store, &by, 10), [1]);
    assert_eq!(store.outbox(LATER, 10).expect("the outbox").len(), 2);
}
