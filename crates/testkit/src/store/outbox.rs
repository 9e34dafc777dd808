//! The outbox and the log of decisions.

use stockade_core::ports::{OutboxItem, Store};
use stockade_core::{Outcome, Reason, Timestamp, Verdict};

use super::Case;
use super::make::{LATER, at, failed, key, order, orders, settlement};

pub(super) const CASES: &[(&str, Case)] = &[
    ("the outbox is in the order of commits", order_of_commits),
    ("an order is due at once, whatever the time", due_at_once),
    ("a failed line comes back at its time", failed_comes_back),
    ("a line that waits comes back at its time as if it were new", waiting_comes_back),
    ("what is done or refused never comes back", settled_stays_settled),
    ("a line that is not there can be settled", unknown_lines),
    ("an order that a guard refused is logged only", refused_by_a_guard),
    ("an order without responders is logged only", without_responders),
    ("the log is newest first, of one key if asked", log_order_and_filter),
    ("the log tells what came of it", log_outcomes),
];

fn due(store: &mut dyn Store, now: Timestamp) -> Vec<OutboxItem> {
    store.outbox(now, usize::MAX).expect("the outbox")
}

fn names(items: &[OutboxItem]) -> Vec<String> {
    items.iter().map(|i| format!("{} {}", i.decision.key, i.responder)).collect()
}

fn order_of_commits(store: &mut dyn Store) {
    // Later times first: the order is that of commits, not of times.
    let first =
        orders(vec![order("192.0.2.9", 90, &["nftables", "mail"]), order("192.0.2.5", 50, &["mail"])]);
    store.commit(&first).expect("a commit");
    store.commit(&orders(vec![order("192.0.2.1", 10, &["nftables"])])).expect("a commit");
    let items = due(store, at(100));
    let all = ["192.0.2.9 nftables", "192.0.2.9 mail", "192.0.2.5 mail", "192.0.2.1 nftables"];
    assert_eq!(names(&items), all);
    assert!(items.is_sorted_by(|a, b| a.id < b.id), "ids ascend: {items:?}");
    assert!(items.iter().all(|i| i.attempts == 0));
    assert_eq!(items.first().map(|i| &i.decision), first.orders.first().map(|o| &o.decision));
    assert_eq!(due(store, at(100)), items, "asking takes nothing away");
    assert_eq!(names(&store.outbox(at(100), 2).expect("the outbox")), all.get(..2).expect("two"));
    assert_eq!(store.outbox(at(100), 0).expect("the outbox"), []);
}

fn due_at_once(store: &mut dyn Store) {
    store.commit(&orders(vec![order("192.0.2.1", 500, &["nftables"])])).expect("a commit");
    // A clock that went back must not hold a ban up.
    assert_eq!(due(store, at(0)).len(), 1);
    assert_eq!(due(store, Timestamp::MIN).len(), 1);
}

fn failed_comes_back(store: &mut dyn Store) {
    store
        .commit(&orders(vec![order("192.0.2.1", 0, &["nftables"]), order("192.0.2.2", 0, &["nftables"])]))
        .expect("a commit");
    let id = due(store, at(0)).first().expect("a line").id;
    store.settle(&[settlement(id, failed("no route"), at(60))]).expect("a settlement");
    assert_eq!(names(&due(store, at(59))), ["192.0.2.2 nftables"]);
    // Due again, in its old place.
    let items = due(store, at(60));
    assert_eq!(names(&items), ["192.0.2.1 nftables", "192.0.2.2 nftables"]);
    assert_eq!(items.iter().map(|i| (i.id == id, i.attempts)).collect::<Vec<_>>(), [(true, 1), (false, 0)]);
    store.settle(&[settlement(id, failed("again"), at(120))]).expect("a settlement");
    store.settle(&[settlement(id, failed("and again"), at(90))]).expect("a settlement");
    assert_eq!(due(store, at(89)).len(), 1);
    assert_eq!(due(store, at(90)).first().map(|i| i.attempts), Some(3));
    store.settle(&[settlement(id, failed("never"), Timestamp::MAX)]).expect("a settlement");
    assert_eq!(due(store, LATER).len(), 1);
    store.settle(&[settlement(id, Outcome::Done, at(0))]).expect("a settlement");
    assert_eq!(due(store, Timestamp::MAX).len(), 1);
}

fn waiting_comes_back(store: &mut dyn Store) {
    store.commit(&orders(vec![order("192.0.2.1", 0, &["mail", "hook"])])).expect("a commit");
    let ids: Vec<i64> = due(store, at(0)).iter().map(|i| i.id).collect();
    let [mail, hook] = ids.try_into().expect("two lines");
    let later = |id, until| settlement(id, Outcome::Later { until }, until);
    store.settle(&[later(mail, at(60)), settlement(hook, Outcome::Done, at(0))]).expect("a settlement");
    assert_eq!(due(store, at(59)), []);
    let back = due(store, at(60));
    assert_eq!(back.iter().map(|i| (i.id, i.attempts)).collect::<Vec<_>>(), [(mail, 0)]);
    let log = store.decisions(None, 10).expect("decisions");
    let outcomes = log.first().map(|logged| logged.outcomes.clone()).unwrap_or_default();
    assert_eq!(
        outcomes,
        [("mail".into(), None), ("hook".into(), Some(Outcome::Done))],
        "nothing is known of it"
    );
    // It waits for others, fails, waits again; and what is done does not wait.
    store.settle(&[settlement(mail, failed("no"), at(70))]).expect("a settlement");
    store.settle(&[later(mail, at(90)), later(hook, at(90))]).expect("a settlement");
    assert_eq!(due(store, at(89)), []);
    assert_eq!(due(store, at(90)).iter().map(|i| (i.id, i.attempts)).collect::<Vec<_>>(), [(mail, 1)]);
    store.settle(&[settlement(mail, Outcome::Done, at(0))]).expect("a settlement");
    assert_eq!(due(store, Timestamp::MAX), []);
}

fn settled_stays_settled(store: &mut dyn Store) {
    store.commit(&orders(vec![order("192.0.2.1", 0, &["a", "b", "c"])])).expect("a commit");
    let ids: Vec<i64> = due(store, at(0)).iter().map(|i| i.id).collect();
    let [a, b, c] = ids.try_into().expect("three lines");
    let refused = Outcome::Refused { reason: "own address".into() };
    store
        .settle(&[settlement(a, Outcome::Done, at(0)), settlement(b, refused.clone(), at(0))])
        .expect("a settlement");
    let left = |store: &mut dyn Store| due(store, Timestamp::MAX).iter().map(|i| i.id).collect::<Vec<_>>();
    assert_eq!(left(store), [c]);
    // A late word, as after a crash between carrying out and settling, changes nothing.
    store
        .settle(&[settlement(a, failed("late"), at(0)), settlement(b, failed("late"), at(0))])
        .expect("a late settlement");
    assert_eq!(left(store), [c]);
    let log = store.decisions(None, 10).expect("decisions");
    let outcomes = &log.first().expect("a decision").outcomes;
    assert_eq!(
        *outcomes,
        [("a".into(), Some(Outcome::Done)), ("b".into(), Some(refused)), ("c".into(), None)]
    );
}

fn unknown_lines(store: &mut dyn Store) {
    store.commit(&orders(vec![order("192.0.2.1", 0, &["a"])])).expect("a commit");
    let id = due(store, at(0)).first().expect("a line").id;
    for unknown in [id + 1, i64::MAX, i64::MIN] {
        store.settle(&[settlement(unknown, Outcome::Done, at(0))]).expect("nothing to settle");
    }
    assert_eq!(due(store, at(0)).len(), 1);
}

fn refused_by_a_guard(store: &mut dyn Store) {
    let mut refused = order("192.0.2.1", 0, &["nftables"]);
    refused.refused = Some("it is our own address".into());
    store.commit(&orders(vec![refused.clone(), order("192.0.2.2", 0, &["nftables"])])).expect("a commit");
    assert_eq!(names(&due(store, Timestamp::MAX)), ["192.0.2.2 nftables"]);
    let log = store.decisions(Some(&refused.decision.key), 10).expect("decisions");
    let [logged] = log.as_slice() else { panic!("one decision, not {log:?}") };
    assert_eq!(logged.decision, refused.decision);
    let reason = "it is our own address".into();
    assert_eq!(logged.outcomes, [("guard".into(), Some(Outcome::Refused { reason }))]);
}

fn without_responders(store: &mut dyn Store) {
    let order = order("192.0.2.1", 0, &[]);
    store.commit(&orders(vec![order.clone()])).expect("a commit");
    assert_eq!(due(store, Timestamp::MAX), []);
    let log = store.decisions(None, 10).expect("decisions");
    assert_eq!(log.len(), 1);
    assert_eq!(log.first().map(|l| (&l.decision, l.outcomes.len())), Some((&order.decision, 0)));
}

fn log_order_and_filter(store: &mut dyn Store) {
    // The newest decision is the one that was committed last.
    for (by, secs) in [("192.0.2.1", 50), ("192.0.2.2", 10), ("192.0.2.1", 20)] {
        store.commit(&orders(vec![order(by, secs, &["a", "b"])])).expect("a commit");
    }
    let log = |store: &mut dyn Store, by: Option<&str>, limit| {
        let log = store.decisions(by.map(key).as_ref(), limit).expect("decisions");
        log.iter().map(|l| l.decision.at).collect::<Vec<_>>()
    };
    assert_eq!(log(store, None, usize::MAX), [at(20), at(10), at(50)]);
    assert_eq!(log(store, None, 2), [at(20), at(10)]);
    assert_eq!(log(store, Some("192.0.2.1"), 10), [at(20), at(50)]);
    assert_eq!(log(store, Some("192.0.2.1"), 1), [at(20)]);
    assert_eq!(log(store, Some("192.0.2.7"), 10), []);
    assert_eq!(log(store, None, 0), []);
}

fn log_outcomes(store: &mut dyn Store) {
    let mut unban = order("192.0.2.1", 9, &["b"]);
    unban.decision.verdict = Verdict::Unban;
    unban.decision.reason = Reason::Expired;
    unban.decision.nth = 0;
    store.commit(&orders(vec![order("192.0.2.1", 0, &["a", "b"]), unban.clone()])).expect("a commit");
    let ids: Vec<i64> = due(store, at(0)).iter().map(|i| i.id).collect();
    let [first, second, third] = ids.try_into().expect("three lines");
    store
        .settle(&[settlement(second, failed("no"), at(5)), settlement(third, Outcome::Done, at(5))])
        .expect("a settlement");
    store.settle(&[settlement(first, failed("x"), at(5))]).expect("a settlement");
    store.settle(&[settlement(first, Outcome::Done, at(5))]).expect("a settlement");
    let log = store.decisions(None, 10).expect("decisions");
    let outcomes: Vec<_> = log.iter().map(|l| l.outcomes.clone()).collect();
    let banned = vec![("a".into(), Some(Outcome::Done)), ("b".into(), Some(failed("no")))];
    assert_eq!(outcomes, [vec![("b".into(), Some(Outcome::Done))], banned]);
    assert_eq!(log.first().map(|l| &l.decision), Some(&unban.decision));
}
