//! Somebody else changes the rules: it is seen within moments and put right.

use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_core::ports::{Plan, Responder};
use stockade_respond::{Change, Nftables, Watch};

use crate::support::namespace::Namespace;
use crate::support::{apply, ban, current, current_keys, everywhere, in_secs, now, tcp, unban};

/// More than enough for a notification; on a quiet machine it is there at once.
const SOON: Duration = Duration::from_secs(5);
/// Long enough to see that none comes.
const SILENCE: Duration = Duration::from_millis(200);

fn watched(namespace: &Namespace) -> (Nftables, Watch) {
    let mut nftables = namespace.run(|| Nftables::open().unwrap());
    let watch = namespace.run(|| nftables.watch().unwrap());
    nftables.prepare(&[everywhere("all"), tcp("sshd", &[(22, 22)])]).unwrap();
    (nftables, watch)
}

#[test]
fn own_changes_and_those_of_other_tables_are_no_news() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, mut watch) = watched(&namespace);
    apply(
        &mut nftables,
        &[ban("all", "192.0.2.1", in_secs(600)), ban("all", "192.0.2.0/24", in_secs(600))],
        &[],
    );
    apply(&mut nftables, &[], &[unban("all", "192.0.2.1")]);
    nftables.prepare(&[everywhere("sshd")]).unwrap();
    nftables.flush().unwrap();
    namespace.nft("add table inet other; add table ip stockade; add set ip stockade s { type ipv4_addr; }");
    namespace.nft("delete table inet other");
    let started = Instant::now();
    assert_eq!(watch.wait(SILENCE).unwrap(), None);
    assert!(started.elapsed() >= SILENCE);
}

#[test]
fn a_flushed_ruleset_is_seen_and_everything_comes_back() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, mut watch) = watched(&namespace);
    let wanted = [
        ban("all", "192.0.2.1", Timestamp::MAX),
        ban("sshd", "192.0.2.0/24", Timestamp::MAX),
        ban("sshd", "2001:db8::1", Timestamp::MAX),
    ];
    apply(&mut nftables, &wanted, &[]);
    let before = namespace.nft_list("table inet stockade");
    assert_eq!(watch.wait(SILENCE).unwrap(), None);

    namespace.nft("flush ruleset");
    let started = Instant::now();
    assert!(matches!(watch.wait(SOON).unwrap(), Some(Change::Touched { .. })));
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(watch.take().unwrap(), None, "one flush is one change");

    // What the runtime then does.
    let current = current(&mut nftables);
    assert_eq!(current, []);
    let plan = nftables.plan(&wanted, &current);
    nftables.apply(&plan, now()).unwrap();
    assert_eq!(namespace.nft_list("table inet stockade"), before);
    assert_eq!(watch.wait(SILENCE).unwrap(), None, "putting it right is no news");
}

#[test]
fn every_kind_of_damage_is_seen_and_healed() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, mut watch) = watched(&namespace);
    let wanted = [ban("sshd", "192.0.2.0/24", Timestamp::MAX), ban("sshd", "192.0.2.1", Timestamp::MAX)];
    apply(&mut nftables, &wanted, &[]);
    let before = namespace.nft_list("table inet stockade");
    let damages = [
        "delete table inet stockade",
        "flush table inet stockade",
        "flush chain inet stockade prerouting",
        "flush chain inet stockade jail-sshd",
        "insert rule inet stockade prerouting accept",
        "insert rule inet stockade jail-sshd return",
        "flush set inet stockade addr4-sshd",
        "delete element inet stockade net4-24-sshd { 192.0.2.0 }",
        "add element inet stockade addr4-all { 198.51.100.7 }",
        "add chain inet stockade theirs { type filter hook prerouting priority 0; policy drop; }",
        "add chain inet stockade prerouting { policy drop; }",
        "add table inet stockade { flags dormant; }",
        "flush chain inet stockade jail-sshd; delete set inet stockade addr4-sshd; \
         add set inet stockade addr4-sshd { type ipv6_addr; }",
        "flush chain inet stockade jail-sshd; delete set inet stockade addr4-sshd; \
         add set inet stockade addr4-sshd { type ipv4_addr; flags timeout; timeout 5s; }",
        "flush chain inet stockade jail-sshd; delete set inet stockade addr6-sshd; \
         add set inet stockade addr6-sshd { type ipv6_addr; flags timeout; size 1; }",
        "delete table inet stockade; add table inet stockade; \
         add chain inet stockade prerouting { type filter hook input priority 0; }",
        "delete table inet stockade; add table inet stockade; \
         add chain inet stockade jail-sshd { type filter hook input priority 0; }",
    ];
    for damage in damages {
        namespace.nft(&damage.replace("; ", "\n").replace("priority 0\n", "priority 0; "));
        assert!(watch.wait(SOON).unwrap().is_some(), "{damage}");
        let current = current(&mut nftables);
        let plan = nftables.plan(&wanted, &current);
        nftables.apply(&plan, now()).unwrap();
        assert_eq!(namespace.nft_list("table inet stockade"), before, "{damage}");
    }
}

#[test]
fn a_ban_heals_the_ground_it_stands_on() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, _watch) = watched(&namespace);
    for damage in
        ["flush ruleset", "flush chain inet stockade jail-sshd", "flush chain inet stockade prerouting"]
    {
        namespace.nft(damage);
        apply(&mut nftables, &[ban("sshd", "192.0.2.1", in_secs(600))], &[]);
        let listing = namespace.nft_list("table inet stockade");
        for part in ["tcp dport 22 jump jail-sshd", "ip saddr @addr4-sshd counter drop", "192.0.2.1"] {
            assert!(listing.contains(part), "{damage}: {listing}");
        }
    }
}

#[test]
fn changes_between_any_two_steps_never_leave_a_ban_without_its_rules() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, _watch) = watched(&namespace);
    std::thread::scope(|scope| {
        let vandal = scope.spawn(|| {
            for _ in 0..100 {
                namespace.nft("flush ruleset");
            }
        });
        while !vandal.is_finished() {
            let plan = Plan { add: vec![ban("sshd", "192.0.2.1", in_secs(600))], remove: vec![] };
            // It may fail, when the ground goes faster than it can be laid; it may not panic, and not lie for long.
            let _ = nftables.apply(&plan, now());
        }
    });
    apply(&mut nftables, &[ban("sshd", "192.0.2.1", in_secs(600))], &[]);
    assert_eq!(current_keys(&mut nftables), ["sshd 192.0.2.1"]);
    assert!(namespace.nft_list("table inet stockade").contains("tcp dport 22 jump jail-sshd"));
}

#[test]
fn too_much_news_is_read_as_a_change() {
    let Some(namespace) = Namespace::new() else { return };
    let (mut nftables, mut watch) = watched(&namespace);
    let address = |n: u32| std::net::Ipv4Addr::from(0x0b00_0000 + n).to_string();
    let many: Vec<_> = (0..200_000).map(|n| ban("all", &address(n), in_secs(600))).collect();
    apply(&mut nftables, &many, &[]);
    assert_eq!(watch.wait(SOON).unwrap(), Some(Change::Unknown));
    assert_eq!(watch.wait(SILENCE).unwrap(), None);
    // It goes on watching.
    namespace.nft("flush ruleset");
    assert!(watch.wait(SOON).unwrap().is_some());
}

#[test]
fn the_watch_can_be_polled_by_others() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let Some(namespace) = Namespace::new() else { return };
    let (_nftables, mut watch) = watched(&namespace);
    while watch.take().unwrap().is_some() {}
    let ready = |watch: &Watch, time| poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&time)).unwrap();
    assert_eq!(ready(&watch, Timespec { tv_sec: 0, tv_nsec: 1_000_000 }), 0);
    namespace.nft("delete table inet stockade");
    assert_eq!(ready(&watch, Timespec { tv_sec: 5, tv_nsec: 0 }), 1);
    assert_eq!(watch.take().unwrap(), Some(Change::Touched { what: "delete a rule" }));
}
