//! Several functions on the same data at once.

use std::sync::{Arc, Barrier};

use stockade_core::BanRecord;
use stockade_core::ledger::Ledger;

use super::make::{all_of, at, ban, ids, key, matched, note};
use super::{Beside, Case};

pub(super) const CASES: &[(&str, Case)] = &[
    ("the matches of all count", matches_of_all),
    ("of several who put the same ban one does", one_puts),
    ("whoever remembers and then asks sees all or is seen", nobody_is_missed),
];

/// How many functions there are at once.
const FUNCTIONS: u32 = 6;

fn matches_of_all(ledger: &mut dyn Ledger, beside: Beside<'_>) {
    let by = key("192.0.2.1");
    let mut other = beside();
    ledger.remember(&[matched(1, &by, at(1)), matched(2, &by, at(2))]).expect("written");
    other.remember(&[matched(2, &by, at(2)), matched(3, &by, at(3))]).expect("written");
    assert_eq!(ids(&all_of(ledger, &by)), [3, 2, 1]);
    assert_eq!(ids(&all_of(other.as_mut(), &by)), [3, 2, 1]);
    assert!(other.put_ban(&ban("192.0.2.1", at(9), true), 0).expect("a put"));
    assert!(!ledger.put_ban(&ban("192.0.2.1", at(9), true), 0).expect("a put"));
    assert_eq!(all_of(ledger, &by).ban.map(|ban| ban.version), Some(1));
    note(other.as_mut(), "192.0.2.1", 1);
    assert_eq!(all_of(ledger, &by).ban.map(|ban| ban.announced), Some(1));
}

fn one_puts(_: &mut dyn Ledger, beside: Beside<'_>) {
    for seen in 0..5_u64 {
        let start = Arc::new(Barrier::new(FUNCTIONS as usize));
        let tries: Vec<_> = (0..FUNCTIONS)
            .map(|n| {
                let (mut ledger, start) = (beside(), start.clone());
                let ban = BanRecord { times: n, ..ban("192.0.2.1", at(9), true) };
                std::thread::spawn(move || {
                    start.wait();
                    ledger.put_ban(&ban, seen).expect("a put").then_some(n)
                })
            })
            .collect();
        let put: Vec<u32> = tries.into_iter().filter_map(|one| one.join().expect("no panic")).collect();
        let last = all_of(beside().as_mut(), &key("192.0.2.1")).ban.expect("a ban");
        assert_eq!((put, last.version), (vec![last.record.times], seen + 1), "one of them, and it is there");
    }
}

fn nobody_is_missed(_: &mut dyn Ledger, beside: Beside<'_>) {
    for round in 0..5_u32 {
        let by = key(&format!("198.51.100.{round}"));
        let start = Arc::new(Barrier::new(FUNCTIONS as usize));
        let counts: Vec<_> = (0..FUNCTIONS)
            .map(|n| {
                let (mut ledger, start, by) = (beside(), start.clone(), by.clone());
                std::thread::spawn(move || {
                    start.wait();
                    ledger.remember(&[matched(u128::from(n), &by, at(i64::from(n)))]).expect("written");
                    all_of(ledger.as_mut(), &by).matches.len()
                })
            })
            .collect();
        let counts: Vec<usize> = counts.into_iter().map(|one| one.join().expect("no panic")).collect();
        assert!(counts.contains(&(FUNCTIONS as usize)), "nobody saw all: {counts:?}");
    }
}
