//! What follows from matches, over one invocation and many.

use stockade_core::Timestamp;
use stockade_runtime::functions::Role;

use crate::world::{NOW, World, answer, failure, matches, subscription};

fn failures(ids: std::ops::Range<u64>, address: &str) -> Vec<u8> {
    let events: Vec<_> = ids.map(|id| failure(id, i64::try_from(id).unwrap(), address)).collect();
    subscription("Auth", "i-1", &events)
}

#[test]
fn three_failures_in_one_invocation_or_in_three_ban_once() {
    for sizes in [vec![3], vec![2, 1], vec![1, 1, 1], vec![1, 4]] {
        let world = World::new();
        let mut function = world.function(Role::FilterAndJail);
        world.clock.forward(100);
        let mut from = 0;
        for size in &sizes {
            let invoked = function.invoke(&failures(from..from + size, "203.0.113.7"));
            assert_eq!(invoked.counts.matches, *size);
            from += size;
        }
        assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"], "{sizes:?}");
        let ban = world.ban("sshd", "203.0.113.7").unwrap();
        assert_eq!(ban.record.since, Timestamp::from_secs(NOW + 2));
        assert_eq!(ban.record.until, Timestamp::from_secs(NOW + 2 + 86_400));
        assert!(!ban.is_unannounced());
    }
}

#[test]
fn a_delivery_that_is_repeated_changes_nothing() {
    let world = World::new();
    let mut function = world.function(Role::FilterAndJail);
    world.clock.forward(100);
    for _ in 0..5 {
        function.invoke(&failures(0..2, "203.0.113.7"));
    }
    assert!(world.heard().is_empty(), "two matches are two, however often they are told");
    for _ in 0..5 {
        function.invoke(&failures(1..7, "203.0.113.7"));
    }
    assert_eq!(world.ban("sshd", "203.0.113.7").unwrap().record.times, 1);
    assert_eq!(matches(&world.ledger, "sshd", "203.0.113.7"), 7);
    assert_eq!(world.heard().len() as u64, world.ban("sshd", "203.0.113.7").unwrap().version);
}

#[test]
fn what_lies_outside_the_window_does_not_count() {
    let world = World::new();
    let mut function = world.function(Role::FilterAndJail);
    for secs in [0, 3_000, 6_000, 9_000] {
        world.clock.set((NOW + secs) * 1000);
        let id = u64::try_from(secs).unwrap();
        function.invoke(&subscription("Auth", "i-1", &[failure(id, secs, "203.0.113.7")]));
    }
    assert!(world.heard().is_empty());
}

#[test]
fn events_out_of_order_and_from_two_hosts_count_together() {
    let world = World::new();
    let (mut one, mut two) = (world.function(Role::FilterAndJail), world.function(Role::FilterAndJail));
    world.clock.forward(100);
    one.invoke(&subscription("Auth", "i-1", &[failure(9, 90, "203.0.113.7")]));
    two.invoke(&subscription("Auth", "i-2", &[failure(1, 10, "203.0.113.7")]));
    one.invoke(&subscription("Auth", "i-1", &[failure(5, 50, "203.0.113.7")]));
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1"]);
}

#[test]
fn a_ban_that_is_over_is_followed_by_a_longer_one() {
    let jails = "[DEFAULT]\nmaxretry = 3\nfindtime = 1h\nbantime = 10m\nbantime.increment = true\n[sshd]\nenabled = true\n";
    let world = World::with(jails, "");
    let mut function = world.function(Role::FilterAndJail);
    function.invoke(&failures(0..3, "203.0.113.7"));
    world.clock.forward(2 * 3600);
    let later: Vec<_> =
        (100..103).map(|id| failure(id, 7000 + i64::try_from(id).unwrap(), "203.0.113.7")).collect();
    function.invoke(&subscription("Auth", "i-1", &later));
    // A known offender gets fewer tries: two matches ban, and the third makes the ban a second longer.
    let ban = world.ban("sshd", "203.0.113.7").unwrap();
    assert_eq!(ban.record.times, 2);
    assert_eq!(ban.record.until.since(ban.record.since).as_secs(), 1201);
    assert_eq!(world.heard(), ["+sshd 203.0.113.7 1 v1", "+sshd 203.0.113.7 2 v2"]);
}

#[test]
fn who_is_banned_again_and_again_is_banned_by_the_jail_that_counts_bans() {
    let jails = "[DEFAULT]\nmaxretry = 3\nfindtime = 1h\nbantime = 10m\n[sshd]\nenabled = true\n\
                 [again]\nenabled = true\nbans = all\nmaxretry = 2\nfindtime = 1d\nbantime = 1w\n";
    let world = World::with(jails, "");
    let mut function = world.function(Role::FilterAndJail);
    let mut payloads = Vec::new();
    for round in 0..2_i64 {
        let at = round * 7200;
        world.clock.set((NOW + at + 10) * 1000);
        let ids = u64::try_from(round * 10).unwrap();
        let events: Vec<_> =
            (0..3).map(|n| failure(ids + n, at + i64::try_from(n).unwrap(), "203.0.113.7")).collect();
        payloads.push(subscription("Auth", "i-1", &events));
        function.invoke(&payloads[payloads.len() - 1]);
    }
    let heard = world.heard();
    assert_eq!(heard, ["+sshd 203.0.113.7 1 v1", "+sshd 203.0.113.7 2 v2", "+again 203.0.113.7 1 v1"]);
    // The last delivery again, and again: nothing more.
    function.invoke(&payloads[1]);
    function.invoke(&payloads[1]);
    assert_eq!(world.heard(), heard);
}

#[test]
fn whom_a_jail_ignores_is_neither_written_nor_banned() {
    let jails = "[DEFAULT]\nignoreip = 203.0.113.0/24\nmaxretry = 3\n[sshd]\nenabled = true\n";
    let world = World::with(jails, "");
    let mut function = world.function(Role::FilterAndJail);
    let invoked = function.invoke(&failures(0..9, "203.0.113.7"));
    assert_eq!((invoked.counts.ignored, invoked.counts.matches), (9, 0));
    assert_eq!(matches(&world.ledger, "sshd", "203.0.113.7"), 0);
}

#[test]
fn guards_refuse_and_the_refusal_is_on_record() {
    let world =
        World::with(crate::world::JAILS, "[guards]\nprotect = [\"203.0.113.7\"]\nmax_bans_per_minute = 2\n");
    let mut function = world.function(Role::FilterAndJail);
    world.clock.forward(100);
    let invoked = function.invoke(&failures(0..3, "203.0.113.7"));
    assert_eq!((invoked.counts.refused, invoked.counts.bans), (1, 0));
    let ban = world.ban("sshd", "203.0.113.7").unwrap();
    assert!(!ban.record.live && !ban.is_unannounced());
    for (n, address) in ["198.51.100.1", "198.51.100.2", "198.51.100.3"].into_iter().enumerate() {
        let from = 10 * (u64::try_from(n).unwrap() + 1);
        function.invoke(&failures(from..from + 3, address));
    }
    assert_eq!(world.heard(), ["+sshd 198.51.100.1 1 v1", "+sshd 198.51.100.2 1 v1"]);
}

#[test]
fn connection_memory_works_within_an_invocation() {
    let line = |id: u64, text: &str| {
        crate::world::event(
            id,
            (NOW + 1) * 1000,
            &format!("{} web01 sshd[77]: {text}", crate::world::syslog_date(NOW + 1)),
        )
    };
    let jails = "[sshd]\nenabled = true\nmode = aggressive\nmaxretry = 1\n";
    let events = [
        line(1, "Connection from 203.0.113.7 port 4 on 192.0.2.1 port 22"),
        line(2, "Invalid user oracle from 203.0.113.7 port 4"),
        line(3, "Connection closed by invalid user oracle 203.0.113.7 port 4 [preauth]"),
    ];
    let world = World::with(jails, "");
    world.clock.forward(5);
    let invoked = world.function(Role::FilterAndJail).invoke(&subscription("Auth", "i-1", &events));
    assert_eq!((invoked.counts.lines, invoked.counts.bans), (3, 1));
    assert_eq!(answer(&invoked)["bans"], 1);
}

#[test]
fn a_rehearsal_writes_nothing_and_tells_nobody() {
    use std::sync::Arc;

    use stockade_runtime::functions::{Function, Parts};
    let world = World::new();
    world.clock.forward(100);
    let parts = Parts::rehearsal(Arc::new(world.clock.clone()));
    let mut function = Function::new(Role::FilterAndJail, world.setup(Role::FilterAndJail), parts);
    let invoked = function.invoke(&failures(0..3, "203.0.113.7"));
    assert_eq!(invoked.counts.bans, 1, "decided, and logged");
    assert!(world.heard().is_empty() && world.ban("sshd", "203.0.113.7").is_none());
}
