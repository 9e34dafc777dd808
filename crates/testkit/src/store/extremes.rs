//! Text, times and numbers that no sane log has.

use std::time::Duration;

use stockade_core::ports::{Batch, Order, Store, WindowRecord};
use stockade_core::{
    BanRecord, Decision, Key, Match, MatchId, Outcome, Position, Reason, Timestamp, Verdict,
};

use super::Case;
use super::make::{State, at, order, orders, settlement};

pub(super) const CASES: &[(&str, Case)] = &[
    ("any text survives", any_text),
    ("a name that looks like an address stays a name", lookalikes),
    ("any time survives", any_time),
    ("any number survives", any_number),
    ("every verdict and reason survives", verdicts_and_reasons),
];

/// What an attacker may write, and what an operator may.
fn texts() -> Vec<String> {
    vec![
        String::new(),
        "\0".into(),
        "before\0after".into(),
        "'; DROP TABLE matches; --".into(),
        "\u{202e}right to left\u{feff}".into(),
        "日本語 🔥 e\u{301}".into(),
        "line\nbreak\ttab\r\u{1b}[31m".into(),
        "%s %n \\x00 {} ?1 @name $HOME `id`".into(),
        "\u{10ffff}\u{fffd}\u{1}".into(),
        "long ".repeat(20_000),
    ]
}

fn any_text(store: &mut dyn Store) {
    let mut batch = Batch::default();
    for (text, n) in texts().into_iter().zip(0_u32..) {
        let by = Key::Name(text.as_str().into());
        batch.matches.push(Match {
            id: MatchId(u128::from(n)),
            jail: text.as_str().into(),
            key: by.clone(),
            time: at(0),
            count: 1,
            user: Some(text.as_str().into()),
            stream: text.as_str().into(),
            line: text.as_str().into(),
        });
        batch.windows.push(WindowRecord { jail: text.as_str().into(), key: by.clone(), times: vec![at(0)] });
        batch.bans.push(BanRecord {
            jail: text.as_str().into(),
            key: by.clone(),
            times: n,
            since: at(0),
            until: at(1),
            live: true,
            reason: Reason::Manual { note: text.clone() },
        });
        batch.positions.push(Position {
            stream: text.as_str().into(),
            generation: text.clone(),
            offset: 1,
            replay_from: 0,
            cursor: Some(text.clone()),
        });
        let mut with_text = order("192.0.2.1", 0, &[&text]);
        with_text.decision.key = by;
        with_text.decision.jail = text.as_str().into();
        with_text.decision.reason = Reason::Manual { note: text.clone() };
        batch.orders.push(with_text.clone());
        batch.orders.push(Order { refused: Some(text), responders: vec![], ..with_text });
    }
    assert_eq!(store.commit(&batch).expect("a commit"), batch.matches.len() as u64);
    for m in &batch.matches {
        assert_eq!(store.matches_of(&m.key, 10).expect("matches"), std::slice::from_ref(m));
    }
    let items = store.outbox(at(0), 100).expect("the outbox");
    assert_eq!(items.iter().map(|i| i.responder.to_string()).collect::<Vec<_>>(), texts());
    for (item, text) in items.iter().zip(texts()) {
        let outcome = Outcome::Failed { error: text.clone() };
        store.settle(&[settlement(item.id, outcome.clone(), at(9))]).expect("a settlement");
        let log = store.decisions(Some(&item.decision.key), 10).expect("decisions");
        let told: Vec<_> = log.iter().flat_map(|l| l.outcomes.clone()).collect();
        let refused = Outcome::Refused { reason: text };
        assert_eq!(told, [("guard".into(), Some(refused)), (item.responder.clone(), Some(outcome))]);
        assert!(log.iter().all(|l| l.decision == item.decision));
    }
    assert_eq!(State::of(store), State::sorted(batch.positions, batch.windows, batch.bans));
}

fn lookalikes(store: &mut dyn Store) {
    // A name is chosen by whoever logs in; an address reaches a firewall. One must never become the other.
    let names = ["192.0.2.1", "2001:db8::1", "192.0.2.0/24", "::ffff:192.0.2.1", "@192.0.2.1", "@", ""];
    let mut batch = Batch::default();
    for (name, n) in names.into_iter().zip(0_u32..) {
        for by in [Some(Key::name(name)), Key::parse_addr_or_net(name)].into_iter().flatten() {
            let id = batch.matches.len() as u128;
            batch.matches.push(super::make::matched(id, &by, at(i64::from(n))));
            let mut b = super::make::ban("sshd", "192.0.2.1", at(1), true);
            b.key = by.clone();
            b.times = n;
            if !batch.bans.iter().any(|have| have.key == by) {
                batch.bans.push(b);
            }
            let mut o = order("192.0.2.1", 0, &["nftables"]);
            o.decision.key = by;
            batch.orders.push(o);
        }
    }
    store.commit(&batch).expect("a commit");
    assert_eq!(State::of(store).bans, State::sorted(vec![], vec![], batch.bans).bans);
    for m in &batch.matches {
        let of_key = store.matches_of(&m.key, 10).expect("matches");
        assert!(
            of_key.contains(m) && of_key.iter().all(|found| found.key == m.key),
            "{:?}: {of_key:?}",
            m.key
        );
    }
    let wanted: Vec<_> = batch.orders.iter().map(|o| o.decision.key.clone()).collect();
    let items = store.outbox(at(0), 100).expect("the outbox");
    assert_eq!(items.iter().map(|i| i.decision.key.clone()).collect::<Vec<_>>(), wanted);
    for by in &wanted {
        let log = store.decisions(Some(by), 100).expect("decisions");
        assert!(!log.is_empty() && log.iter().all(|l| l.decision.key == *by), "{by:?}: {log:?}");
    }
}

fn any_time(store: &mut dyn Store) {
    let by = Key::name("clock");
    let times = [Timestamp::MIN, Timestamp::from_millis(-1), Timestamp::default(), at(0), Timestamp::MAX];
    let mut batch = Batch::default();
    for (time, n) in times.into_iter().zip(0_u32..) {
        batch.matches.push(super::make::matched(u128::from(n), &by, time));
        let name = format!("k{n}");
        batch.bans.push(BanRecord { since: time, ..super::make::ban("sshd", &name, time, true) });
        let verdict = Verdict::Ban { until: time, extends: n % 2 == 0 };
        let o = order(&name, 0, &["a"]);
        batch.orders.push(Order { decision: Decision { at: time, verdict, ..o.decision.clone() }, ..o });
    }
    // Ascending, the widest steps, and out of order, which a store has not to mend.
    for (name, times) in [("up", times.to_vec()), ("down", times.iter().rev().copied().collect())] {
        batch.windows.push(WindowRecord { jail: name.into(), key: by.clone(), times });
    }
    store.commit(&batch).expect("a commit");
    let mut newest_first = batch.matches.clone();
    newest_first.reverse();
    assert_eq!(store.matches_of(&by, 10).expect("matches"), newest_first);
    let items = store.outbox(Timestamp::MIN, 10).expect("the outbox");
    let decided: Vec<_> = batch.orders.iter().map(|o| o.decision.clone()).collect();
    assert_eq!(items.iter().map(|i| i.decision.clone()).collect::<Vec<_>>(), decided);
    assert_eq!(State::of(store), State::sorted(batch.positions, batch.windows, batch.bans));
    let all = stockade_core::ports::Retention {
        matches_before: Timestamp::MAX,
        decisions_before: Timestamp::MAX,
        bans_before: Timestamp::MAX,
        max_matches: u64::MAX,
    };
    assert_eq!(
        super::make::purge_all(store, &all),
        4,
        "only what is older goes, and nothing is older than never"
    );
}

fn any_number(store: &mut dyn Store) {
    let mut position = super::make::position("s", u64::MAX);
    position.replay_from = u64::MAX - 1;
    let mut b = super::make::ban("sshd", "192.0.2.1", at(0), true);
    b.times = u32::MAX;
    let mut o = order("192.0.2.1", 0, &["a"]);
    o.decision.nth = u32::MAX;
    let batch = Batch { positions: vec![position], bans: vec![b], ..orders(vec![o.clone()]) };
    store.commit(&batch).expect("a commit");
    assert_eq!(store.outbox(at(0), 1).expect("the outbox").first().map(|i| &i.decision), Some(&o.decision));
    assert_eq!(State::of(store), State::sorted(batch.positions, vec![], batch.bans));
}

fn verdicts_and_reasons(store: &mut dyn Store) {
    let reasons = [
        Reason::Threshold { matches: 0, findtime: Duration::ZERO },
        Reason::Threshold { matches: u32::MAX, findtime: Duration::MAX },
        Reason::Threshold { matches: 5, findtime: Duration::from_nanos(1) },
        Reason::Expired,
        Reason::Manual { note: String::new() },
        Reason::Manual { note: "5/600".into() },
        Reason::Imported,
    ];
    let verdicts = [
        Verdict::Ban { until: at(1), extends: false },
        Verdict::Ban { until: Timestamp::MAX, extends: true },
        Verdict::Unban,
        Verdict::Notify,
        Verdict::Repair,
    ];
    let mut batch = Batch::default();
    for (reason, n) in reasons.into_iter().zip(0_u32..) {
        batch.bans.push(BanRecord {
            reason: reason.clone(),
            ..super::make::ban("sshd", &format!("k{n}"), at(1), true)
        });
        for verdict in verdicts {
            let o = order("192.0.2.1", 0, &["a"]);
            let decision = Decision { reason: reason.clone(), verdict, ..o.decision.clone() };
            batch.orders.push(Order { decision, ..o });
        }
    }
    store.commit(&batch).expect("a commit");
    let decided: Vec<_> = batch.orders.iter().map(|o| o.decision.clone()).collect();
    let items = store.outbox(at(0), 100).expect("the outbox");
    assert_eq!(items.into_iter().map(|i| i.decision).collect::<Vec<_>>(), decided);
    let log = store.decisions(None, 100).expect("decisions");
    assert_eq!(log.into_iter().rev().map(|l| l.decision).collect::<Vec<_>>(), decided);
    assert_eq!(State::of(store).bans, State::sorted(vec![], vec![], batch.bans).bans);
}
