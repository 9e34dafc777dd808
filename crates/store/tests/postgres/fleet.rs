//! What hosts learn of each other.

use std::time::{Duration, Instant};

use stockade_core::ports::{Batch, News, Retention, Store, WindowRecord};
use stockade_core::{MatchId, Outcome, Position, Reason, Timestamp};
use stockade_store::PostgresStore;
use stockade_testkit::postgres;

use super::failures::commit_in_time;
use super::{at, ban, key, matched, matches, open, record, unban};

fn by_hand() -> Reason {
    Reason::Manual { note: "wrong one".to_owned() }
}

fn ids(news: &News) -> Vec<i64> {
    news.matches.iter().map(|m| m.time.as_secs() - at(0).as_secs()).collect()
}

/// Two hosts that have loaded.
fn two(database: &postgres::Database) -> (PostgresStore, PostgresStore) {
    let (mut one, mut other) = (open(database, "web01"), open(database, "web02"));
    one.load().unwrap();
    other.load().unwrap();
    (one, other)
}

#[test]
fn each_match_of_others_comes_once_also_over_a_crash() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    let seen = |n: i64| matched(n as u128, "192.0.2.1", at(n));
    one.commit(&matches(vec![seen(1), seen(2)])).unwrap();
    // The same ids, of a file of the same name: other matches.
    other.commit(&matches(vec![seen(1)])).unwrap();
    let news = other.news(10).unwrap();
    assert_eq!((ids(&news), news.more), (vec![1, 2], false));
    assert_eq!(other.news(10).unwrap().matches, []);
    // It dies before it has said so: they come again.
    drop(other);
    let mut other = open(&database, "web02");
    other.load().unwrap();
    let again = other.news(10).unwrap();
    assert_eq!(ids(&again), [1, 2]);
    other.commit(&Batch { seen: Some(again.upto), ..Batch::default() }).unwrap();
    drop(other);
    let mut other = open(&database, "web02");
    other.load().unwrap();
    assert_eq!(other.news(10).unwrap().matches, []);
    // In slices.
    one.commit(&matches((10..15).map(seen).collect())).unwrap();
    let slices: Vec<_> = std::iter::from_fn(|| {
        let news = other.news(2).unwrap();
        (!news.matches.is_empty()).then(|| ids(&news))
    })
    .collect();
    assert_eq!(slices, [vec![10, 11], vec![12, 13], vec![14]]);
    assert_eq!(ids(&one.news(10).unwrap()), [1]);
}

#[test]
fn a_match_of_one_is_known_to_all() {
    let Some(database) = postgres::database() else { return };
    let (mut a, mut b) = two(&database);
    a.commit(&matches(vec![matched(1, "192.0.2.1", at(0)), matched(2, "192.0.2.1", at(0))])).unwrap();
    b.commit(&matches(vec![matched(2, "192.0.2.1", at(0)), matched(3, "192.0.2.1", at(0))])).unwrap();
    let asked: Vec<_> = (0..5).map(MatchId).collect();
    for store in [&mut a, &mut b] {
        let mut known: Vec<_> = store.known(&asked).unwrap().into_iter().collect();
        known.sort();
        assert_eq!(known, [1, 2, 3].map(MatchId));
    }
}

#[test]
fn a_new_host_learns_the_bans_and_no_old_match() {
    let Some(database) = postgres::database() else { return };
    let mut one = open(&database, "web01");
    let mut batch = ban("192.0.2.1", 1, 0, 600);
    batch.matches = vec![matched(1, "192.0.2.1", at(0))];
    batch.windows = vec![WindowRecord { jail: "sshd".into(), key: key("192.0.2.7"), times: vec![at(0)] }];
    let position = Position {
        stream: "/var/log/auth.log".into(),
        generation: "1".to_owned(),
        offset: 9,
        replay_from: 0,
        cursor: None,
    };
    batch.positions = vec![position];
    one.commit(&batch).unwrap();
    let mut other = open(&database, "web02");
    let snapshot = other.load().unwrap();
    assert_eq!(snapshot.bans, batch.bans);
    assert!(snapshot.windows.is_empty() && snapshot.positions.is_empty(), "those are of the other host");
    assert_eq!(other.outbox(at(0), 10).unwrap(), []);
    let news = other.news(10).unwrap();
    assert!(news.matches.is_empty() && news.bans.is_empty(), "{news:?}");
}

#[test]
fn bans_and_unbans_reach_the_others_as_one_decision() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    let banned = ban("192.0.2.1", 1, 0, 600);
    one.commit(&banned).unwrap();
    let news = other.news(10).unwrap();
    let [shared] = &news.bans[..] else { panic!("{news:?}") };
    assert_eq!((&shared.ban, shared.lifted), (&banned.bans[0], false));
    assert_eq!(shared.decision.as_ref(), Some(&banned.orders[0].decision));
    // The other has its own responders carry it out.
    other.commit(&Batch { orders: banned.orders.clone(), ..Batch::default() }).unwrap();
    assert_eq!(one.outbox(at(0), 10).unwrap().len(), 1);
    let [item] = &other.outbox(at(0), 10).unwrap()[..] else { panic!() };
    let done = stockade_core::ports::Settlement { id: item.id, outcome: Outcome::Done, retry_at: at(0) };
    one.settle(std::slice::from_ref(&done)).unwrap();
    assert_eq!(other.outbox(at(0), 10).unwrap().len(), 1, "a line is settled by its host alone");
    other.settle(&[done]).unwrap();
    let log = one.decisions(None, 10).unwrap();
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0].outcomes, [("nftables".into(), None), ("web02: nftables".into(), Some(Outcome::Done))]);
    assert_eq!(one.totals().unwrap()[0].bans, 1);
    assert_eq!(one.news(10).unwrap().bans, []);
    // And back.
    other.commit(&unban("192.0.2.1", 1, 0, 60, by_hand())).unwrap();
    let news = one.news(10).unwrap();
    assert_eq!((news.bans.len(), news.bans[0].lifted, news.bans[0].ban.live), (1, true, false));
    assert_eq!(news.bans[0].decision.as_ref().map(|d| d.reason.clone()), Some(by_hand()));
}

#[test]
fn two_that_cross_the_threshold_at_once_give_one_ban() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    one.commit(&ban("192.0.2.1", 1, 10, 610)).unwrap();
    other.commit(&ban("192.0.2.1", 1, 12, 612)).unwrap();
    let wanted = record("192.0.2.1", 1, 10, 612, true);
    for (store, host) in [(&mut one, "web01"), (&mut other, "web02")] {
        let news = store.news(10).unwrap();
        assert_eq!(news.bans.iter().map(|shared| &shared.ban).collect::<Vec<_>>(), [&wanted], "{host}");
    }
    assert_eq!(one.load().unwrap().bans, [wanted]);
    assert_eq!(one.totals().unwrap()[0].bans, 1);
}

#[test]
fn a_ban_is_ended_by_a_person_on_any_host_and_by_no_guard_of_another() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    one.commit(&ban("192.0.2.1", 1, 10, 610)).unwrap();
    // A guard of the other refuses the same ban: told or not, that is its own affair.
    for known in [false, true] {
        if known {
            other.news(10).unwrap();
        }
        let mut refused = ban("192.0.2.1", 1, 12, 612);
        refused.bans[0].live = false;
        refused.bans[0].until = at(12);
        refused.orders[0].refused = Some("an administrator is logged in from there".to_owned());
        other.commit(&refused).unwrap();
        let bans = one.load().unwrap().bans;
        assert!(bans[0].live && bans[0].until == at(610), "{bans:?}");
    }
    other.commit(&unban("192.0.2.1", 1, 10, 20, by_hand())).unwrap();
    assert!(!one.load().unwrap().bans[0].live);
    assert!(one.load().unwrap().windows.is_empty());
}

#[test]
fn both_notice_that_a_ban_is_over_and_it_is_one_decision() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    one.commit(&ban("192.0.2.1", 1, 0, 60)).unwrap();
    other.news(10).unwrap();
    one.commit(&unban("192.0.2.1", 1, 0, 60, Reason::Expired)).unwrap();
    let mut late = unban("192.0.2.1", 1, 0, 60, Reason::Expired);
    late.orders[0].decision.at = at(61);
    other.commit(&late).unwrap();
    let log = one.decisions(None, 10).unwrap();
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0].outcomes.len(), 2, "{log:?}");
    assert_eq!(one.load().unwrap().bans, [record("192.0.2.1", 1, 0, 60, false)]);
}

#[test]
fn a_commit_of_one_is_heard_by_the_other_at_once() {
    let Some(database) = postgres::database() else { return };
    let (mut one, mut other) = two(&database);
    let mut ear = other.listener().unwrap();
    // Once it is connected it says so, as it may have missed something; and then it is silent.
    assert!(ear.wait(Duration::from_secs(5)));
    assert!(!ear.wait(Duration::from_millis(300)));
    other.commit(&matches(vec![matched(1, "192.0.2.1", at(0))])).unwrap();
    assert!(!ear.wait(Duration::from_millis(300)), "its own commits are no news");
    let (sent, received) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let heard = ear.wait(Duration::from_secs(5));
        sent.send(Instant::now()).unwrap();
        (ear, heard)
    });
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    one.commit(&matches(vec![matched(1, "192.0.2.1", at(0))])).unwrap();
    let heard = received.recv().unwrap();
    let (mut ear, yes) = waiting.join().unwrap();
    assert!(yes && heard - begun < Duration::from_secs(1), "{:?}", heard - begun);
    // Its connection is cut: it says so, as nobody knows what it missed, and hears again.
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    assert!(ear.wait(Duration::from_secs(5)));
    while ear.wait(Duration::from_millis(300)) {}
    one.commit(&matches(vec![matched(2, "192.0.2.1", at(0))])).unwrap();
    assert!(ear.wait(Duration::from_secs(5)));
}

#[test]
fn hosts_that_commit_at_once_miss_nothing_of_each_other() {
    let Some(database) = postgres::database() else { return };
    let hosts = 4_u32;
    let each = 60_u32;
    let stores: Vec<_> = (0..hosts).map(|n| open(&database, &format!("web{n}"))).collect();
    let counted: Vec<Vec<i64>> = std::thread::scope(|scope| {
        let run = |(n, mut store): (usize, PostgresStore)| {
            scope.spawn(move || {
                store.load().unwrap();
                let mut heard = Vec::new();
                let until = Instant::now() + Duration::from_secs(60);
                let mut done = 0_u32;
                let all = ((hosts - 1) * each) as usize;
                while (done < each || heard.len() < all) && Instant::now() < until {
                    if done < each {
                        let time = at((n as i64) * 1_000 + i64::from(done));
                        let mut batch = ban(&format!("10.0.{n}.{done}"), 1, 0, 600);
                        batch.matches = vec![matched(u128::from(done), "192.0.2.1", time)];
                        commit_in_time(&mut store, &batch);
                        done += 1;
                    }
                    heard.extend(ids(&store.news(7).unwrap()));
                }
                heard
            })
        };
        let threads: Vec<_> = stores.into_iter().enumerate().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (n, mut heard) in counted.into_iter().enumerate() {
        heard.sort_unstable();
        let others = (0..i64::from(hosts)).filter(|other| *other != n as i64);
        let wanted: Vec<i64> =
            others.flat_map(|other| (0..i64::from(each)).map(move |m| other * 1_000 + m)).collect();
        assert_eq!(heard, wanted, "host {n}");
    }
    assert_eq!(database.sql("SELECT matches, decisions FROM stockade.head"), "240|240");
}

#[test]
fn what_a_host_left_is_forgotten_with_it() {
    let Some(database) = postgres::database() else { return };
    let (mut one, other) = two(&database);
    drop(other);
    database.sql("UPDATE stockade.hosts SET at = 0 WHERE name = 'web02'");
    database.sql("INSERT INTO stockade.windows VALUES ('web02', 'sshd', '192.0.2.1', '')");
    let keep = Retention {
        matches_before: Timestamp::MIN,
        decisions_before: Timestamp::MIN,
        bans_before: at(0),
        max_matches: 10,
    };
    database.sql(
        "INSERT INTO stockade.hosts (name, instance, seen, at)
        VALUES ('web03', 3, 0, extract(epoch FROM now())::bigint * 1000 - 86400000)",
    );
    database.sql("UPDATE stockade.hosts SET at = 1 WHERE name = 'web01'");
    one.purge(&Retention { bans_before: Timestamp::MAX, ..keep }).unwrap();
    assert_eq!(database.sql("SELECT name FROM stockade.hosts WHERE at > 1 ORDER BY name"), "web01\nweb03");
    one.purge(&keep).unwrap();
    assert_eq!(database.sql("SELECT name FROM stockade.hosts ORDER BY name"), "web01\nweb03");
    assert_eq!(database.sql("SELECT count(*) FROM stockade.windows"), "0");
}
