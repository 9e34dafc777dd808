//! The schema: made by one of many, brought up, refused when it is newer; and the view of the cron script.

use stockade_core::Timestamp;
use stockade_core::ports::{Batch, Store, StoreErrorKind};
use stockade_store::{POSTGRES_SCHEMA_VERSION, PostgresStore};
use stockade_testkit::postgres;

use super::{at, ban, matched, open, try_open};

#[test]
fn many_may_start_at_once() {
    let Some(database) = postgres::database() else { return };
    let stores: Vec<PostgresStore> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|n| {
                let url = database.url();
                scope.spawn(move || try_open(&url, &format!("web{n}")).unwrap())
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(stores.len(), 8);
    assert_eq!(
        database.sql("SELECT version FROM stockade.schema_version"),
        POSTGRES_SCHEMA_VERSION.to_string()
    );
    assert_eq!(database.sql("SELECT count(*) FROM stockade.hosts"), "8");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let Some(database) = postgres::database() else { return };
    drop(open(&database, "web01"));
    database.sql("UPDATE stockade.schema_version SET version = version + 1");
    let error = try_open(&database.url(), "web01").unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooNew, "{error}");
    assert!(error.hint.is_some());
}

#[test]
fn a_database_that_cannot_hold_every_character_is_refused() {
    let Some(database) = postgres::database() else { return };
    let name = format!("{}_latin", database.name);
    database.sql(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'"));
    let error = try_open(&database.url().replace(&database.name, &name), "web01").unwrap_err();
    assert!(error.message.contains("LATIN1"), "{error}");
}

#[test]
fn the_table_of_the_cron_script_is_a_view() {
    let Some(database) = postgres::database() else { return };
    let mut store = open(&database, "web01");
    let mut batch = ban("203.0.113.9", 1, 5, 600);
    batch.matches = (0..12).map(|n| matched(n, "203.0.113.9", at(0))).collect();
    // One that is only watched, a network, a name, and times that no calendar has.
    batch.matches.push(matched(99, "203.0.113.10", at(0)));
    for (by, since) in [("198.51.100.0/24", 0), ("root", 0), ("2001:db8::1", 0)] {
        batch.bans.extend(ban(by, 1, since, 600).bans);
    }
    store.commit(&batch).unwrap();
    let mut ever = ban("192.0.2.1", 1, 0, 1);
    ever.bans[0].since = Timestamp::MIN;
    ever.bans[0].until = Timestamp::MAX;
    let mut never = ban("192.0.2.2", 1, 0, 1);
    never.bans[0].since = Timestamp::MAX;
    store.commit(&Batch { bans: [ever.bans, never.bans].concat(), ..Batch::default() }).unwrap();
    // As the script asks.
    let rows = database.sql("SELECT ip, error_count FROM ip_errors ORDER BY ip");
    assert_eq!(rows, "192.0.2.1|0\n192.0.2.2|0\n2001:db8::1|0\n203.0.113.9|12");
    let time =
        database.sql("SELECT extract(epoch FROM timestamp)::bigint FROM ip_errors WHERE ip = '203.0.113.9'");
    assert_eq!(time, at(5).as_secs().to_string());
}

#[test]
fn a_table_of_the_cron_script_that_is_there_stays() {
    let Some(database) = postgres::database() else { return };
    database.sql("CREATE TABLE ip_errors (ip text, timestamp timestamp, error_count int)");
    database.sql("INSERT INTO ip_errors VALUES ('203.0.113.1', now(), 7)");
    drop(open(&database, "web01"));
    assert_eq!(database.sql("SELECT ip, error_count FROM ip_errors"), "203.0.113.1|7");
    assert_eq!(database.sql("SELECT count(*) FROM stockade.ip_errors"), "0");
}
