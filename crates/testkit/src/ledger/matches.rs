//! Matches: a set that only grows, asked about newest first.

use stockade_core::ledger::{Answer, Ledger, Past};
use stockade_core::{Key, Match, MatchId, Timestamp};

use super::make::{all_of, at, ids, key, matched, question};
use super::{Beside, Case};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a fresh ledger knows nothing", fresh),
    ("matches come newest first, no older and no more than asked", newest_first),
    ("a match counts once, however often it is written", once),
    ("what counts of a match survives", what_counts),
    ("a match is of one key in one jail", one_key_in_one_jail),
    ("any time survives and is in its order", any_time),
    ("any text is taken", any_text),
    ("answers are in the order of the questions", order_of_questions),
    ("many at once are all written", many),
];

fn fresh(ledger: &mut dyn Ledger, _: Beside<'_>) {
    assert_eq!(all_of(ledger, &key("192.0.2.1")), Answer::default());
    assert_eq!(ledger.recall(&[]).expect("no answers"), []);
    ledger.remember(&[]).expect("nothing");
    ledger.note_announced(&[]).expect("nothing");
    assert_eq!(ledger.unannounced(10).expect("bans"), []);
    assert_eq!(ledger.over(Timestamp::MAX, 10).expect("bans"), []);
}

fn newest_first(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("2001:db8::1");
    // Late ones among them.
    let first = [matched(10, &by, at(10)), matched(30, &by, at(30)), matched(1, &key("2001:db8::2"), at(99))];
    ledger.remember(&first).expect("written");
    ledger.remember(&[matched(20, &by, at(20)), matched(5, &by, at(-5))]).expect("written");
    assert_eq!(ids(&all_of(ledger, &by)), [30, 20, 10, 5]);
    let mut ask = |since, limit| {
        let answers = ledger.recall(&[question(&by, since, limit)]).expect("answers");
        answers.iter().flat_map(ids).collect::<Vec<_>>()
    };
    assert_eq!(ask(at(10), 10), [30, 20, 10], "the bound belongs to it");
    assert_eq!(ask(Timestamp::from_millis(at(10).as_millis() + 1), 10), [30, 20]);
    assert_eq!(ask(Timestamp::MIN, 2), [30, 20]);
    assert_eq!(ask(at(31), 2), []);
}

fn once(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("192.0.2.1");
    let first = matched(1, &by, at(0));
    ledger.remember(&[first.clone(), first.clone(), matched(2, &by, at(0))]).expect("written");
    ledger.remember(std::slice::from_ref(&first)).expect("written");
    let mut seen = ids(&all_of(ledger, &by));
    seen.sort_unstable();
    assert_eq!(seen, [1, 2]);
}

fn what_counts(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("192.0.2.1");
    let mut m = matched(u128::MAX, &by, Timestamp::from_millis(1_700_000_000_123));
    m.count = u32::MAX;
    let mut other = matched(0, &by, Timestamp::from_millis(1_700_000_000_122));
    other.user = None;
    ledger.remember(&[m.clone(), other.clone()]).expect("written");
    let past = |m: &Match| Past { id: m.id, time: m.time, count: m.count };
    assert_eq!(all_of(ledger, &by).matches, [past(&m), past(&other)]);
}

fn one_key_in_one_jail(ledger: &mut dyn Ledger, _: Beside<'_>) {
    // Names that look like addresses, and jails that look like keys.
    let mut matches = Vec::new();
    for jail in ["sshd", "SSHD", "sshd#192.0.2.1", "sshd%23192.0.2.1", "%", "#", "ssh"] {
        for by in [key("192.0.2.1"), Key::name("192.0.2.1"), Key::name("@192.0.2.1"), key("192.0.2.0/24")] {
            let mut m = matched(matches.len() as u128, &by, at(0));
            m.jail = jail.into();
            matches.push(m);
        }
    }
    ledger.remember(&matches).expect("written");
    for m in &matches {
        let mut question = question(&m.key, Timestamp::MIN, 100);
        question.jail = m.jail.clone();
        let answers = ledger.recall(&[question]).expect("answers");
        let seen: Vec<_> = answers.iter().flat_map(ids).collect();
        assert_eq!(seen, [m.id.0], "{} {:?}", m.jail, m.key);
    }
}

fn any_time(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("192.0.2.1");
    let mut times = [i64::MIN, -1_000, -1, 0, 1, 999, 1_000, 1_700_000_000_000, i64::MAX];
    let matches: Vec<_> = times.iter().map(|ms| matched(7, &by, Timestamp::from_millis(*ms))).collect();
    ledger.remember(&matches).expect("written");
    times.reverse();
    let seen: Vec<_> = all_of(ledger, &by).matches.iter().map(|past| past.time.as_millis()).collect();
    assert_eq!(seen, times);
}

fn any_text(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let texts = ["", "\0", "é\u{202e}\u{10ffff}", "line\nbreak", "'; -- {}", &"long ".repeat(20_000)];
    let mut matches = Vec::new();
    for (text, id) in texts.iter().zip(0_u32..) {
        let by = Key::name(text);
        let mut m = matched(u128::from(id), &by, at(0));
        (m.user, m.stream, m.line) = (Some((*text).into()), (*text).into(), (*text).into());
        matches.push(m);
    }
    ledger.remember(&matches).expect("written");
    for m in &matches {
        assert_eq!(ids(&all_of(ledger, &m.key)), [m.id.0], "{:?}", m.key);
    }
}

fn order_of_questions(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = |n: u32| key(&format!("198.51.100.{n}"));
    let matches: Vec<_> = (0..60).map(|n| matched(u128::from(n), &by(n), at(0))).collect();
    ledger.remember(&matches).expect("written");
    let asked = [3, 59, 0, 3, 200, 17].into_iter().chain(0..60);
    let questions: Vec<_> = asked.clone().map(|n| question(&by(n), Timestamp::MIN, 5)).collect();
    let answers = ledger.recall(&questions).expect("answers");
    let seen: Vec<_> = answers.iter().map(ids).collect();
    let wanted: Vec<_> = asked.map(|n| if n < 60 { vec![u128::from(n)] } else { vec![] }).collect();
    assert_eq!(seen, wanted);
}

fn many(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let (by, other) = (key("192.0.2.1"), key("192.0.2.2"));
    let mut matches: Vec<_> = (0..700).map(|n| matched(n, &by, at(0))).collect();
    matches.extend((0..333).map(|n| matched(n, &other, at(1))));
    matches.extend((0..100).map(|n| matched(n, &by, at(0))));
    ledger.remember(&matches).expect("written");
    assert_eq!(all_of(ledger, &by).matches.len(), 700);
    assert_eq!(all_of(ledger, &other).matches.len(), 333);
    assert_eq!(all_of(ledger, &other).matches.first().map(|past| past.id), Some(MatchId(332)));
}
