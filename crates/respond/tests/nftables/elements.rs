//! How long bans last in the kernel, and many of them at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use stockade_core::ports::{Plan, Responder, Standing};
use stockade_core::{Key, Outcome, Timestamp};
use stockade_respond::Nftables;

use crate::support::namespace::Namespace;
use crate::support::{apply, ban, current, current_keys, everywhere, in_secs, now};

fn prepared(namespace: &Namespace) -> Nftables {
    let mut nftables = namespace.run(|| Nftables::open().unwrap());
    nftables.prepare(&[everywhere("a"), everywhere("b")]).unwrap();
    nftables
}

/// How many milliseconds a ban still lasts, as the kernel says.
fn left(nftables: &mut Nftables, key: &str) -> i64 {
    let key: Key = key.parse().unwrap();
    let standing = current(nftables).into_iter().find(|standing| standing.key == key).unwrap();
    standing.until.as_millis() - now().as_millis()
}

#[test]
fn bans_end_by_themselves_each_at_its_own_time() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace);
    let soon = Duration::from_millis(1_500);
    let bans = || {
        [
            ban("a", "192.0.2.1", now().plus(soon)),
            ban("a", "2001:db8::/64", now().plus(soon)),
            ban("a", "192.0.2.0/24", in_secs(600)),
            ban("a", "192.0.2.2", Timestamp::MAX),
        ]
    };
    apply(&mut nftables, &bans(), &[]);
    assert_eq!(current_keys(&mut nftables).len(), 4);
    std::thread::sleep(soon + Duration::from_millis(100));
    assert_eq!(current_keys(&mut nftables), ["a 192.0.2.2", "a 192.0.2.0/24"]);
    // What has ended can be banned again, also while the kernel has not freed it yet.
    apply(&mut nftables, &bans(), &[]);
    assert_eq!(current_keys(&mut nftables).len(), 4);
}

#[test]
fn a_ban_that_is_made_again_begins_anew_also_with_the_same_length() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace);
    for key in ["192.0.2.1", "192.0.2.0/24", "2001:db8::1"] {
        let for_ten_minutes = |nftables: &mut Nftables| {
            let now = now();
            let add = vec![ban("a", key, now.plus(Duration::from_secs(600)))];
            assert_eq!(nftables.apply(&Plan { add, remove: vec![] }, now).unwrap(), [Outcome::Done]);
            now
        };
        for_ten_minutes(&mut nftables);
        std::thread::sleep(Duration::from_millis(500));
        assert!(left(&mut nftables, key) <= 599_600, "{key}");
        let again = for_ten_minutes(&mut nftables);
        let waited = i64::try_from(now().since(again).as_millis()).unwrap();
        assert!(left(&mut nftables, key) >= 599_900 - waited, "{key}");
    }
}

#[test]
fn very_long_and_very_short_bans_are_neither_lost_nor_for_ever() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace);
    let year = 365 * 86_400;
    for seconds in [1, 100 * year, 499 * year] {
        let until = in_secs(seconds);
        apply(&mut nftables, &[ban("a", "192.0.2.1", until)], &[]);
        let end = now().as_millis() + left(&mut nftables, "192.0.2.1");
        assert!((end - until.as_millis()).abs() < 900, "{seconds}");
    }
    // More than the kernel can count.
    apply(&mut nftables, &[ban("a", "192.0.2.1", Timestamp::from_millis(i64::MAX - 1))], &[]);
    assert_eq!(current(&mut nftables), [ban("a", "192.0.2.1", Timestamp::MAX)]);
    // One millisecond: the kernel must not round it down to "no timeout".
    apply(&mut nftables, &[ban("a", "192.0.2.1", now().plus(Duration::from_millis(1)))], &[]);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(current(&mut nftables), []);
}

/// Different addresses, half of them IPv4.
fn many(count: u32, until: Timestamp) -> Vec<Standing> {
    let address = |n: u32| match n % 2 {
        0 => IpAddr::from(Ipv4Addr::from(0x0b00_0000 + n.wrapping_mul(2_654_435_761) % 0x8000_0000)),
        _ => IpAddr::from(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(n) << 64 | 1)),
    };
    (0..count).map(|n| Standing { jail: "a".into(), key: Key::addr(address(n)), until }).collect()
}

#[test]
fn a_hundred_thousand_bans_are_restored_listed_and_lifted() {
    let Some(namespace) = Namespace::new() else { return };
    let mut nftables = prepared(&namespace);
    let until = in_secs(86_400);
    let mut wanted = many(100_000, until);
    let started = Instant::now();
    let plan = nftables.plan(&wanted, &[]);
    let outcomes = nftables.apply(&plan, now()).unwrap();
    let took = started.elapsed();
    assert!(outcomes.len() == 100_000 && outcomes.iter().all(|outcome| *outcome == Outcome::Done));
    eprintln!("100,000 bans put in force and read back in {took:?}, not optimized");

    // A new process finds them all; nothing is left to do.
    drop(nftables);
    let mut nftables = prepared(&namespace);
    let mut listed = current(&mut nftables);
    assert_eq!(listed.len(), 100_000);
    for standing in &mut listed {
        // On a busy machine seconds pass between the plan and its transaction, by which the bans last longer.
        let late = standing.until.as_millis() - until.as_millis();
        assert!((-1_000..60_000).contains(&late), "{late} ms");
        standing.until = until;
    }
    assert!(nftables.plan(&wanted, &listed).is_empty());

    // One of them is made longer and one lifted: only these are written.
    wanted[17].until = Timestamp::MAX;
    let gone = wanted.remove(50_001);
    let plan = nftables.plan(&wanted, &listed);
    assert_eq!((plan.add.len(), plan.remove.len()), (1, 1));
    assert_eq!(nftables.apply(&plan, now()).unwrap(), [Outcome::Done, Outcome::Done]);
    let listed = current(&mut nftables);
    assert_eq!(listed.len(), 99_999);
    assert!(!listed.iter().any(|standing| standing.key == gone.key));

    let everything = Plan { add: vec![], remove: listed.into_iter().map(|s| (s.jail, s.key)).collect() };
    assert!(nftables.apply(&everything, now()).unwrap().iter().all(|outcome| *outcome == Outcome::Done));
    assert_eq!(current(&mut nftables), []);
}
