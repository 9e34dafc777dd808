//! Bans: each put once, announced once, found when they are over.

use std::time::Duration;

use stockade_core::ledger::{Ledger, LedgerBan};
use stockade_core::{BanRecord, Key, Reason, Timestamp};

use super::make::{
    LATER, all_of, at, ban, eventually, ids, key, keys, live, matched, note, put, question, sorted,
};
use super::{Beside, Case};

pub(super) const CASES: &[(&str, Case)] = &[
    ("a ban is put in the place of the version that was seen", put_once),
    ("every field of a ban survives", every_field),
    ("the last ban comes with the matches, whatever the time asked about", with_the_matches),
    ("what is not announced is found until it is", announced),
    ("an old note changes nothing", old_notes),
    ("bans that are over are found, the earliest first", over),
    ("live bans are handed on", live_bans),
];

fn put_once(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("192.0.2.1");
    let first = ban("192.0.2.1", at(600), true);
    assert!(!ledger.put_ban(&first, 1).expect("a put"), "nothing is there yet");
    put(ledger, &first, 0);
    let longer = BanRecord { until: at(900), ..first.clone() };
    assert!(!ledger.put_ban(&longer, 0).expect("a put"), "one is there");
    assert!(!ledger.put_ban(&longer, 2).expect("a put"), "a version that never was");
    assert_eq!(all_of(ledger, &by).ban, Some(LedgerBan { record: first, version: 1, announced: 0 }));
    put(ledger, &longer, 1);
    let ended = BanRecord { live: false, ..longer.clone() };
    put(ledger, &ended, 2);
    assert_eq!(all_of(ledger, &by).ban, Some(LedgerBan { record: ended, version: 3, announced: 0 }));
}

fn every_field(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let reasons = [
        Reason::Threshold { matches: u32::MAX, findtime: Duration::from_millis(1) },
        Reason::Expired,
        Reason::Manual { note: String::new() },
        Reason::Manual { note: "5/600 é\0".into() },
        Reason::Imported,
    ];
    let whom =
        [key("192.0.2.1"), key("2001:db8::/48"), Key::name("192.0.2.1"), Key::name(""), Key::name("ro#ot")];
    for ((reason, by), n) in reasons.into_iter().zip(whom).zip(0_u32..) {
        let record = BanRecord {
            jail: "a#b%23".into(),
            key: by.clone(),
            times: u32::MAX - n,
            since: Timestamp::from_millis(-1),
            until: if n % 2 == 0 { Timestamp::MAX } else { at(1) },
            live: n != 3,
            reason,
        };
        put(ledger, &record, 0);
        let mut asked = question(&by, Timestamp::MAX, 1);
        asked.jail = record.jail.clone();
        let answers = ledger.recall(&[asked]).expect("answers");
        let wanted = LedgerBan { record, version: 1, announced: 0 };
        assert_eq!(answers.first().and_then(|answer| answer.ban.clone()), Some(wanted));
    }
}

fn with_the_matches(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let by = key("192.0.2.1");
    put(ledger, &ban("192.0.2.1", at(-9_000), false), 0);
    let matches: Vec<_> = (0_u32..9).map(|n| matched(u128::from(n), &by, at(i64::from(n)))).collect();
    ledger.remember(&matches).expect("written");
    for (since, limit, wanted) in [(at(0), 3, &[8, 7, 6][..]), (at(7), 3, &[8, 7]), (at(9), 1, &[])] {
        let answers = ledger.recall(&[question(&by, since, limit)]).expect("answers");
        let answer = answers.first().expect("an answer");
        assert_eq!((ids(answer).as_slice(), answer.ban.is_some()), (wanted, true));
    }
}

fn announced(ledger: &mut dyn Ledger, _: Beside<'_>) {
    for (n, by) in ["192.0.2.1", "192.0.2.2", "192.0.2.3"].into_iter().enumerate() {
        put(ledger, &ban(by, at(600 + n as i64), n != 2), 0);
    }
    let untold = |ledger: &mut dyn Ledger| sorted(keys(&ledger.unannounced(10).expect("bans")));
    eventually(&vec!["192.0.2.1".into(), "192.0.2.2".into(), "192.0.2.3".into()], || untold(ledger));
    assert_eq!(ledger.unannounced(2).expect("bans").len(), 2);
    assert_eq!(ledger.unannounced(0).expect("bans").len(), 0);
    note(ledger, "192.0.2.1", 1);
    note(ledger, "192.0.2.3", 1);
    eventually(&vec!["192.0.2.2".to_owned()], || untold(ledger));
    assert_eq!(all_of(ledger, &key("192.0.2.1")).ban.map(|ban| (ban.version, ban.announced)), Some((1, 1)));
    assert_eq!(all_of(ledger, &key("192.0.2.3")).ban.map(|ban| (ban.version, ban.announced)), Some((1, 1)));
    // Its end is news again, and so is the next ban after that.
    put(ledger, &ban("192.0.2.1", at(600), false), 1);
    eventually(&vec!["192.0.2.1".to_owned(), "192.0.2.2".into()], || untold(ledger));
    note(ledger, "192.0.2.1", 2);
    eventually(&vec!["192.0.2.2".to_owned()], || untold(ledger));
    put(ledger, &ban("192.0.2.1", at(900), true), 2);
    eventually(&vec!["192.0.2.1".to_owned(), "192.0.2.2".into()], || untold(ledger));
}

fn old_notes(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let state = |ledger: &mut dyn Ledger| {
        all_of(ledger, &key("192.0.2.1")).ban.map(|ban| (ban.version, ban.announced, ban.record.live))
    };
    note(ledger, "192.0.2.1", 1);
    assert_eq!(state(ledger), None, "a note makes no ban");
    put(ledger, &ban("192.0.2.1", at(600), true), 0);
    put(ledger, &ban("192.0.2.1", at(700), true), 1);
    note(ledger, "192.0.2.1", 1);
    assert_eq!(state(ledger), Some((2, 1, true)), "the second is still to be told");
    note(ledger, "192.0.2.1", 2);
    note(ledger, "192.0.2.1", 1);
    assert_eq!(state(ledger), Some((2, 2, true)));
    put(ledger, &ban("192.0.2.1", at(700), false), 2);
    note(ledger, "192.0.2.1", 2);
    assert_eq!(state(ledger), Some((3, 2, false)));
    eventually(&1, || ledger.unannounced(10).expect("bans").len());
}

fn over(ledger: &mut dyn Ledger, _: Beside<'_>) {
    for (by, until, live) in [
        ("192.0.2.3", at(30), true),
        ("192.0.2.1", at(10), true),
        ("192.0.2.2", at(20), true),
        ("192.0.2.4", at(5), false),
        ("192.0.2.5", Timestamp::MAX, true),
        ("192.0.2.6", Timestamp::MIN, true),
    ] {
        put(ledger, &ban(by, until, live), 0);
    }
    let over = |ledger: &mut dyn Ledger, now, limit| keys(&ledger.over(now, limit).expect("bans"));
    eventually(&vec!["192.0.2.6".to_owned(), "192.0.2.1".into(), "192.0.2.2".into()], || {
        over(ledger, at(20), 9)
    });
    assert_eq!(over(ledger, at(20), 2), ["192.0.2.6", "192.0.2.1"]);
    assert_eq!(over(ledger, at(9), 9), ["192.0.2.6"]);
    // Announced or not makes no difference; extended, it is over later; ended, it is not over again.
    note(ledger, "192.0.2.1", 1);
    put(ledger, &ban("192.0.2.2", at(25), true), 1);
    put(ledger, &ban("192.0.2.6", Timestamp::MIN, false), 1);
    eventually(&vec!["192.0.2.1".to_owned()], || over(ledger, at(20), 9));
    eventually(&vec!["192.0.2.1".to_owned(), "192.0.2.2".into(), "192.0.2.3".into()], || {
        over(ledger, LATER, 9)
    });
}

fn live_bans(ledger: &mut dyn Ledger, _: Beside<'_>) {
    let mut wanted = Vec::new();
    for n in 0..40_i64 {
        let by = format!("198.51.100.{n}");
        put(ledger, &ban(&by, at(n), n % 4 != 0), 0);
        if n > 10 && n % 4 != 0 {
            wanted.push(by);
        }
    }
    put(ledger, &ban("192.0.2.9", Timestamp::MAX, true), 0);
    wanted.push("192.0.2.9".into());
    note(ledger, "198.51.100.11", 1);
    eventually(&sorted(wanted), || sorted(keys(&live(ledger, at(10)))));
    eventually(&1, || live(ledger, at(10)).iter().filter(|ban| ban.announced == 1).count());
}
