//! fail2ban's database: by the schema that it documents, by files that are not what they should be, and by noise.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::Connection;
use stockade_core::Timestamp;
use stockade_core::ports::StoreErrorKind;
use stockade_store::Fail2banRecords;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

/// The columns of version 4 that matter, and one that does not.
const VERSION_4: &str = "
    CREATE TABLE fail2banDb (version INTEGER);
    INSERT INTO fail2banDb VALUES (4);
    CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
        bancount INTEGER NOT NULL DEFAULT 1, data JSON);
    CREATE TABLE bips (ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL, bantime INTEGER NOT NULL,
        bancount INTEGER NOT NULL DEFAULT 1, data JSON, PRIMARY KEY (ip, jail));";

struct Database {
    folder: tempfile::TempDir,
    conn: Connection,
}

impl Database {
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("f2b.sqlite3")).unwrap();
        conn.execute_batch(sql).unwrap();
        Self { folder, conn }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("f2b.sqlite3")
    }

    fn read(&self) -> Fail2banRecords {
        Fail2banRecords::read(&self.path(), NOW).unwrap()
    }

    fn refusal(&self) -> String {
        Fail2banRecords::read(&self.path(), NOW).unwrap_err().message
    }
}

fn shown(records: &Fail2banRecords) -> Vec<String> {
    let one = |ban: &stockade_store::Fail2banBan| {
        format!("{} {} {} {:?} x{}", ban.jail, ban.key, ban.since.as_secs(), ban.seconds, ban.times)
    };
    records.bans.iter().map(one).collect()
}

#[test]
fn the_last_ban_of_each_is_read_and_what_makes_no_sense_is_told() {
    let database = Database::new(VERSION_4);
    database
        .conn
        .execute_batch(
            "INSERT INTO bips VALUES ('192.0.2.7', 'sshd', 1794999000, 600, 3, '{\"matches\": []}');
             INSERT INTO bips VALUES ('2001:db8::/64', 'sshd', 1794999000, -1, 1, NULL);
             INSERT INTO bips VALUES ('::ffff:192.0.2.8', 'web', 1794999000.75, 600.5, 1, x'00ff');
             INSERT INTO bips VALUES ('192.0.2.9', 'web', 1794999000, -2, -7, '');
             INSERT INTO bips VALUES ('192.0.2.10', 'web', 1794999000, 0, 99999999999, '');
             INSERT INTO bips VALUES ('999.0.2.1', 'web', 1794999000, 600, 1, '');
             INSERT INTO bips VALUES ('root', 'web', 1794999000, 600, 1, '');
             INSERT INTO bips VALUES ('192.0.2.11', 'web', 'soon', 600, 1, '');
             INSERT INTO bips VALUES ('192.0.2.12', 'web', 9223372036854775807, 600, 1, '');
             INSERT INTO bips VALUES ('192.0.2.13', 'web', 1794999000, x'01', 1, '');
             INSERT INTO bips VALUES ('192.0.2.14', '', 1794999000, 600, 1, '');
             INSERT INTO bips VALUES ('192.0.2.15', x'ff', 1794999000, 600, 1, '');
             INSERT INTO bips VALUES (x'1b5b324a', 'web', 1794999000, 600, 1, '');",
        )
        .unwrap();
    let records = database.read();
    assert_eq!(records.version, 4);
    assert_eq!(
        shown(&records),
        [
            "sshd 192.0.2.7 1794999000 Some(600) x3",
            "sshd 2001:db8::/64 1794999000 Some(-1) x1",
            "web 192.0.2.8 1794999000 Some(600) x1",
            "web 192.0.2.9 1794999000 None x1",
            "web 192.0.2.10 1794999000 Some(0) x4294967295",
        ]
    );
    assert_eq!(records.skipped, 8);
    assert_eq!(records.problems[0], "not an address, in jail `web`: `999.0.2.1`");
    assert_eq!(records.problems[2], "not a time, in jail `web`: `192.0.2.11`");
    assert_eq!(records.problems[3], "a time that cannot be, in jail `web`: `192.0.2.12`");
    assert_eq!(records.problems[7], "not an address, in jail `web`: `?[2J`");
}

#[test]
fn of_an_old_history_the_newest_counts() {
    let database = Database::new(
        "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES (2);
         CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, data JSON);
         INSERT INTO bans VALUES ('sshd', '192.0.2.7', 1794990000, '');
         INSERT INTO bans VALUES ('sshd', '192.0.2.7', 1794999000, '');
         INSERT INTO bans VALUES ('sshd', '192.0.2.7', 1794995000, '');
         INSERT INTO bans VALUES ('web', '192.0.2.7', 1794995000, '');",
    );
    assert_eq!(
        shown(&database.read()),
        ["sshd 192.0.2.7 1794999000 None x3", "web 192.0.2.7 1794995000 None x1"]
    );
}

#[test]
fn what_is_no_database_of_fail2ban_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    let refusal = |path: &Path| Fail2banRecords::read(path, NOW).unwrap_err();
    assert_eq!(refusal(&file).kind, StoreErrorKind::Unreachable);
    assert_eq!(refusal(folder.path()).kind, StoreErrorKind::Unreachable);
    fs::write(&file, "a long enough text that is no database at all, whatever it may be called").unwrap();
    assert_eq!(refusal(&file).kind, StoreErrorKind::Corrupt);
    fs::write(&file, "").unwrap();
    assert!(refusal(&file).message.contains("no table `fail2banDb`"));
    assert!(Database::new("CREATE TABLE x (y)").refusal().contains("no table `fail2banDb`"));
    let newer = "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES (5);";
    assert!(Database::new(newer).refusal().contains("it has version 5"));
    let empty = "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES (4);";
    assert!(Database::new(empty).refusal().contains("no table `bips`"));
}

#[test]
fn a_view_is_no_table() {
    let endless = format!(
        "{VERSION_4} DROP TABLE bips; DROP TABLE bans;
         CREATE VIEW bips AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
            SELECT 'sshd' AS jail, '192.0.2.7' AS ip, i AS timeofban, 600 AS bantime, 1 AS bancount FROM n;"
    );
    assert!(Database::new(&endless).refusal().contains("no table `bips`"));
}

#[test]
fn a_database_in_use_is_read_and_left_as_it_is() {
    for mode in ["WAL", "DELETE", "MEMORY"] {
        let mut database = Database::new(VERSION_4);
        let set: String =
            database.conn.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0)).unwrap();
        assert_eq!(set, mode.to_lowercase());
        database
            .conn
            .execute_batch("INSERT INTO bips VALUES ('192.0.2.7', 'sshd', 1794999000, 600, 3, '')")
            .unwrap();
        let path = database.path();
        let files = |folder: &Path| {
            let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = (fs::read(&path).unwrap(), files(database.folder.path()));
        let transaction =
            database.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        transaction
            .execute_batch("INSERT INTO bips VALUES ('192.0.2.8', 'sshd', 1794999000, 600, 3, '')")
            .unwrap();
        let records = Fail2banRecords::read(&path, NOW).unwrap();
        assert_eq!(shown(&records), ["sshd 192.0.2.7 1794999000 Some(600) x3"], "{mode}");
        transaction.rollback().unwrap();
        assert_eq!((fs::read(&path).unwrap(), files(database.folder.path())), before, "{mode}");
    }
}

#[test]
fn an_exclusive_lock_does_not_keep_us_out() {
    let database = Database::new(VERSION_4);
    database
        .conn
        .execute_batch(
            "INSERT INTO bips VALUES ('192.0.2.7', 'sshd', 1794999000, 600, 3, ''); BEGIN EXCLUSIVE",
        )
        .unwrap();
    assert_eq!(database.read().bans.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_an_error_or_fewer_rows(
        damage in prop::collection::vec((0_usize..40_000, any::<u8>()), 1..60),
        cut in prop::option::of(0_usize..40_000),
    ) {
        let database = Database::new(VERSION_4);
        database.conn.execute_batch("BEGIN").unwrap();
        for n in 0..200 {
            let row = format!("INSERT INTO bips VALUES ('192.0.2.{}', 'j{}', 1794999000, 600, 1, '{}')", n % 250, n, "x".repeat(n));
            database.conn.execute_batch(&row).unwrap();
        }
        database.conn.execute_batch("COMMIT").unwrap();
        let mut bytes = fs::read(database.path()).unwrap();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        let file = database.folder.path().join("damaged");
        fs::write(&file, bytes).unwrap();
        if let Ok(records) = Fail2banRecords::read(&file, NOW) {
            prop_assert!(records.bans.len() <= 2_000);
        }
    }
}
