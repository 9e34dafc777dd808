//! A server that stops, hangs, is full of locks, or dies in the middle of a commit.

use std::time::{Duration, Instant};

use stockade_core::ports::{Batch, Store, StoreErrorKind};
use stockade_testkit::postgres::{self, Server, Stop};
use stockade_testkit::store::survives_failure;

use super::cutter::Cutter;
use super::{at, ban, key, matched, matches, open, options, try_open};

/// The query that ends a transaction, as it goes over the line.
const COMMIT: &[u8] = b"COMMIT\0";

/// Commits until it works, as a daemon does.
pub(crate) fn commit_in_time(store: &mut dyn Store, batch: &Batch) -> u64 {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match store.commit(batch) {
            Ok(new) => return new,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

#[test]
fn a_server_that_is_away_fails_commits_and_keeps_nothing_of_them() {
    let Some(server) = Server::start(&[]) else { return };
    let server = std::cell::RefCell::new(server);
    let mut store = open(&server.borrow().database(), "web01");
    survives_failure(
        &mut store,
        &StoreErrorKind::Unreachable,
        |_| server.borrow_mut().stop(Stop::Immediate),
        |store| {
            server.borrow_mut().go();
            commit_in_time(store, &Batch { seen: Some(0), ..Batch::default() });
        },
    );
}

#[test]
fn a_lock_that_somebody_holds_fails_commits_as_busy() {
    let Some(database) = postgres::database() else { return };
    let mut store = open(&database, "web01");
    let holder = std::cell::RefCell::new(None);
    survives_failure(
        &mut store,
        &StoreErrorKind::Busy,
        |_| {
            let mut child = std::process::Command::new("psql")
                .args(["-q", &database.url()])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            use std::io::Write;
            let mut input = child.stdin.take().unwrap();
            writeln!(input, "BEGIN; UPDATE stockade.head SET matches = matches;").unwrap();
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'
                           AND datname = current_database()";
            while database.sql(waiting) == "0" {
                std::thread::sleep(Duration::from_millis(20));
            }
            *holder.borrow_mut() = Some((child, input));
        },
        |_| {
            if let Some((mut child, input)) = holder.borrow_mut().take() {
                drop(input);
                let _ = child.wait();
            }
        },
    );
}

#[test]
fn a_restart_between_two_commits_is_not_noticed() {
    let Some(mut server) = Server::start(&[]) else { return };
    let mut store = open(&server.database(), "web01");
    store.load().unwrap();
    for n in 0..3 {
        assert_eq!(store.commit(&matches(vec![matched(n, "192.0.2.1", at(0))])).unwrap(), 1);
        server.stop(if n == 1 { Stop::Fast } else { Stop::Immediate });
        server.go();
    }
    assert_eq!(store.matches_of(&key("192.0.2.1"), 10).unwrap().len(), 3);
}

#[test]
fn a_server_that_hangs_holds_nobody_for_long() {
    let Some(server) = Server::start(&[]) else { return };
    let mut store = open(&server.database(), "web01");
    server.freeze(true);
    let begun = Instant::now();
    let error = store.commit(&matches(vec![matched(1, "192.0.2.1", at(0))])).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // From now on it is asked now and then only, and everything in between fails at once.
    let begun = Instant::now();
    let mut slow = 0;
    while begun.elapsed() < Duration::from_secs(12) {
        let asked = Instant::now();
        assert!(store.outbox(at(0), 10).is_err());
        slow += u32::from(asked.elapsed() > Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!((1..=4).contains(&slow), "{slow} calls waited for a server that hangs");
    server.freeze(false);
    assert!(commit_in_time(&mut store, &matches(vec![matched(1, "192.0.2.1", at(0))])) <= 1);
    assert_eq!(store.matches_of(&key("192.0.2.1"), 10).unwrap().len(), 1);
}

#[test]
fn a_commit_whose_answer_is_lost_is_there_once() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let cutter = Cutter::new(folder.path(), server.folder(), COMMIT);
    let database = server.database();
    let mut store = try_open(&cutter.url(&database.name), "web01").unwrap();
    let mut batch = ban("192.0.2.1", 1, 0, 600);
    batch.matches = vec![matched(1, "192.0.2.1", at(0))];
    // The store asks by itself, and finds that it was done.
    cutter.arm(1);
    assert_eq!(store.commit(&batch).unwrap(), 0, "the second try finds the match of the first");
    assert!(cutter.has_cut());
    assert_eq!(store.outbox(at(0), 10).unwrap().len(), 1);
    // The same where that is cut off too, and the daemon adds something before it tries again.
    for (n, cuts) in [(2_u32, 2), (3, 3), (4, 4)] {
        let by = format!("192.0.2.{n}");
        let mut batch = ban(&by, 1, 0, 600);
        cutter.arm(cuts);
        store.commit(&batch).unwrap_err();
        let more = ban(&format!("198.51.100.{n}"), 1, 0, 600);
        batch.orders.extend(more.orders);
        batch.bans.extend(more.bans);
        batch.matches.push(matched(u128::from(n), &by, at(1)));
        commit_in_time(&mut store, &batch);
        assert!(cutter.has_cut());
    }
    let log = store.decisions(None, 100).unwrap();
    assert_eq!(log.len(), 7, "{log:?}");
    assert_eq!(store.outbox(at(0), 100).unwrap().len(), 7);
    assert_eq!(database.sql("SELECT count(*), count(DISTINCT id) FROM stockade.matches"), "4|4");
    assert_eq!(database.sql("SELECT matches, decisions FROM stockade.head"), "4|7");
}

#[test]
fn a_server_that_dies_again_and_again_under_commits_loses_none() {
    let Some(server) = Server::start(&[]) else { return };
    let database = server.database();
    let mut store = open(&database, "web01");
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let enough = std::sync::Arc::clone(&done);
    let killer = std::thread::spawn(move || {
        let mut server = server;
        for round in 0..4 {
            std::thread::sleep(Duration::from_millis(150 + 70 * round));
            server.stop(Stop::Immediate);
            server.go();
        }
        enough.store(true, std::sync::atomic::Ordering::SeqCst);
        server
    });
    let mut committed = 0_u128;
    // fsync is off on this server, but the operating system lives: what was committed was written.
    while !done.load(std::sync::atomic::Ordering::SeqCst) {
        let found = (0..5).map(|n| matched(committed + n, "192.0.2.1", at(0))).collect();
        let mut batch = ban(&format!("10.0.{}.{}", committed / 5 / 256, committed / 5 % 256), 1, 0, 600);
        batch.matches = found;
        commit_in_time(&mut store, &batch);
        committed += 5;
    }
    let server = killer.join().unwrap();
    assert!(committed > 100, "{committed}");
    assert_eq!(database.sql("SELECT count(*) FROM stockade.matches"), committed.to_string());
    assert_eq!(database.sql("SELECT count(*) FROM stockade.decisions"), (committed / 5).to_string());
    assert_eq!(database.sql("SELECT sum(matches) FROM stockade.totals"), committed.to_string());
    drop(server);
}

#[test]
fn two_processes_do_not_share_a_name() {
    let Some(database) = postgres::database() else { return };
    let mut first = open(&database, "web01");
    let error = try_open(&database.url(), "web01").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Busy, "{error}");
    assert!(error.message.contains("web01") && error.hint.unwrap().contains("`host`"));
    let _other = open(&database, "web02");
    // Where the first one is cut off and another takes its place, it writes no more.
    let url = database.url();
    let killed = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                  AND objid = (hashtext('web01')::bigint & 4294967295) AND classid = 1398033220";
    assert_eq!(database.sql(killed), "t");
    let mut second = try_open(&url, "web01").unwrap();
    let error = first.commit(&matches(vec![matched(1, "192.0.2.1", at(0))])).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Busy, "{error}");
    assert_eq!(second.commit(&matches(vec![matched(1, "192.0.2.1", at(0))])).unwrap(), 1);
}

#[test]
fn what_cannot_be_opened_is_told_without_the_password() {
    let Some(database) = postgres::database() else { return };
    let nobody = database.url().replace("postgres@", "nobody:s3cret@");
    for (url, kind, said) in [
        (nobody.as_str(), StoreErrorKind::Unreachable, "role \"nobody\" does not exist"),
        ("postgresql://u:s3cret@127.0.0.1:1/d", StoreErrorKind::Unreachable, "connection refused"),
        ("postgresql://u:s3cret@%2Fnowhere/d", StoreErrorKind::Unreachable, "no such file"),
        (
            "postgresql://u:s3cret@h/d?sslmode=verify-full&sslrootcert=%2Fnone.pem",
            StoreErrorKind::Unreachable,
            "none.pem",
        ),
    ] {
        let error = super::PostgresStore::open(url, "shown", &options("a"), at(0)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let text = format!("{error:?}").to_lowercase();
        assert!(error.message.to_lowercase().contains(said) && !text.contains("s3cret"), "{text}");
    }
}
