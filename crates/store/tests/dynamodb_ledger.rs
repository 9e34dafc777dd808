//! The ledger and its table, against the emulator.
#![cfg(feature = "dynamodb")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod emulator;

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{CreateReplicationGroupMemberAction, ReplicationGroupUpdate};
use stockade_core::ledger::{Ledger as _, Question};
use stockade_core::ports::StoreErrorKind;
use stockade_core::{BanRecord, Key, Match, MatchId, Reason, Timestamp};
use stockade_store::dynamodb::{
    DynamoLedger, LedgerOptions, Reads, create_if_missing, create_shared_if_missing,
};
use stockade_testkit::ledger::Contract;

const REGION: &str = "eu-central-1";

fn options(table: &str) -> LedgerOptions {
    LedgerOptions { table: table.to_owned(), patience: Duration::from_secs(60), ..LedgerOptions::default() }
}

#[test]
fn keeps_the_contract() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    for reads in [Reads::Latest, Reads::Recent] {
        let fresh = || {
            let table = emulator::name("contract");
            assert!(create_if_missing(&aws, &table).unwrap());
            DynamoLedger::new(&aws, LedgerOptions { reads, ..options(&table) })
        };
        Contract::new(fresh, Clone::clone).run();
    }
}

/// Where another function was first, the next answer is the latest, whatever else is asked for.
#[test]
fn after_a_lost_race_the_latest_is_read() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("race");
    create_if_missing(&aws, &table).unwrap();
    let mut first = DynamoLedger::new(&aws, LedgerOptions { reads: Reads::Recent, ..options(&table) });
    let mut second = first.clone();
    assert!(first.put_ban(&ban("192.0.2.1", 1), 0).unwrap());
    assert!(!second.put_ban(&ban("192.0.2.1", 1), 0).unwrap());
    let mut costs = |by: &str| {
        let before = second.spent().read_units_by_size;
        second.recall(&[question(by, 5)]).unwrap();
        second.spent().read_units_by_size - before
    };
    assert_eq!((costs("192.0.2.2"), costs("192.0.2.1"), costs("192.0.2.1")), (0.5, 1.0, 0.5));
}

#[test]
fn a_table_is_made_once_and_another_s_is_refused() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let ours = emulator::name("ours");
    assert!(create_if_missing(&aws, &ours).unwrap());
    assert!(!create_if_missing(&aws, &ours).unwrap());
    let shared = emulator::name("F2B");
    assert!(create_shared_if_missing(&aws, &shared).unwrap());
    let error = create_if_missing(&aws, &shared).unwrap_err();
    assert_eq!(
        error.message,
        format!("cannot use the table `{shared}`: its key is `Host`, `MatchID`, not `pk`, `sk`")
    );
    assert!(error.hint.is_some());
    assert!(create_shared_if_missing(&aws, &ours).is_err());
}

#[test]
fn a_table_that_is_missing_is_an_error_that_names_it() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let mut ledger = DynamoLedger::new(&aws, options("no-such-table"));
    let error = ledger.remember(&[matched(1, "192.0.2.1", 0)]).unwrap_err();
    assert_eq!(error.ids, [MatchId(1)]);
    assert!(error.error.message.contains("`no-such-table`"), "{}", error.error);
    assert_eq!(error.error.kind, StoreErrorKind::Unreachable);
    assert!(ledger.recall(&[question("192.0.2.1", 1)]).is_err());
    assert!(ledger.over(Timestamp::MAX, 1).is_err());
}

/// Each region of a global table announces its own bans; matches count in all.
#[test]
fn regions_share_matches_and_keep_their_own_bans() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("regions");
    create_if_missing(&aws, &table).unwrap();
    let region = |region: &str| {
        DynamoLedger::new(&aws, LedgerOptions { region: Some(region.to_owned()), ..options(&table) })
    };
    let mut regions = ["ap-south-1", "eu-central-1", "us-east-1"].map(region);
    for (ledger, id) in regions.iter_mut().zip(0_u32..) {
        ledger.remember(&[matched(u128::from(id), "192.0.2.1", i64::from(id))]).unwrap();
        assert!(ledger.put_ban(&ban("192.0.2.1", id), 0).unwrap(), "no other region's ban stands in the way");
    }
    for (ledger, id) in regions.iter_mut().zip(0_u32..) {
        // The bans of other regions lie between, and take no place of a match.
        let answer = ledger.recall(&[question("192.0.2.1", 3)]).unwrap().remove(0);
        assert_eq!(answer.matches.iter().map(|past| past.id.0).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(answer.ban.map(|ban| ban.record.times), Some(id));
        assert_eq!(ledger.unannounced(10).unwrap().len(), 1);
    }
}

/// What was missed could have been the match that bans: a key that is near its ban is asked about once more.
#[test]
fn near_a_ban_the_latest_is_read() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("near");
    create_if_missing(&aws, &table).unwrap();
    let mut ledger = DynamoLedger::new(&aws, LedgerOptions { reads: Reads::Recent, ..options(&table) });
    for (matches, units) in [(0, 0.5), (1, 0.5), (2, 0.5), (3, 1.5), (4, 1.5), (5, 0.5), (6, 0.5)] {
        if let Some(id) = u32::checked_sub(matches, 1) {
            ledger.remember(&[matched(u128::from(id), "192.0.2.1", i64::from(id))]).unwrap();
        }
        let before = ledger.spent().read_units_by_size;
        let answer = ledger.recall(&[question("192.0.2.1", 5)]).unwrap().remove(0);
        assert_eq!(answer.matches.len(), 5.min(matches as usize));
        assert_eq!(ledger.spent().read_units_by_size - before, units, "{matches} matches");
    }
}

/// A global table: each region has a copy, and what one writes comes to the other.
#[test]
fn two_copies_of_a_global_table_count_together() {
    let Some(url) = emulator::url() else { return };
    let table = emulator::name("global");
    let regions = [REGION, "us-east-1"].map(|region| emulator::aws(&url, region));
    create_if_missing(&regions[0], &table).unwrap();
    let replica = CreateReplicationGroupMemberAction::builder().region_name("us-east-1").build().unwrap();
    let update = aws_sdk_dynamodb::Client::new(regions[0].config())
        .update_table()
        .table_name(&table)
        .replica_updates(ReplicationGroupUpdate::builder().create(replica).build());
    regions[0].block_on(update.send()).unwrap();
    assert!(!create_if_missing(&regions[1], &table).unwrap(), "it is there by now");
    let mut ledgers = regions.each_ref().map(|aws| DynamoLedger::new(aws, options(&table)));
    for (ledger, id) in ledgers.iter_mut().zip(0_u32..) {
        ledger.remember(&[matched(u128::from(id), "192.0.2.1", i64::from(id))]).unwrap();
    }
    for ledger in &mut ledgers {
        // Copies lag behind.
        let start = Instant::now();
        loop {
            let answer = ledger.recall(&[question("192.0.2.1", 5)]).unwrap().remove(0);
            let ids: Vec<_> = answer.matches.iter().map(|past| past.id.0).collect();
            if (ids.as_slice(), answer.ban) == (&[1, 0], None) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{ids:?}");
        }
    }
    for (ledger, times) in ledgers.iter_mut().zip(1..) {
        assert!(ledger.put_ban(&ban("192.0.2.1", times), 0).unwrap(), "each region announces to its own");
        ledger.note_announced(&[("sshd".into(), ban("192.0.2.1", 0).key, 1)]).unwrap();
    }
    for (ledger, times) in ledgers.iter_mut().zip(1..) {
        let ban = ledger.recall(&[question("192.0.2.1", 5)]).unwrap().remove(0).ban.unwrap();
        assert_eq!((ban.record.times, ban.version, ban.announced), (times, 1, 1));
    }
}

#[test]
fn a_match_costs_one_write_unit_and_a_question_one_query() {
    let Some(url) = emulator::url() else { return };
    let aws = emulator::aws(&url, REGION);
    let table = emulator::name("units");
    create_if_missing(&aws, &table).unwrap();
    let mut ledger = DynamoLedger::new(&aws, LedgerOptions { reads: Reads::Latest, ..options(&table) });
    let mut matches: Vec<_> = (0..60).map(|id| matched(id, "192.0.2.1", 0)).collect();
    for m in &mut matches {
        m.line = "é".repeat(4_000).into();
        m.stream = "s".repeat(4_000).into();
        m.user = Some("u".repeat(4_000).into());
    }
    ledger.remember(&matches).unwrap();
    let spent = ledger.spent();
    assert_eq!((spent.write_units, spent.requests), (60.0, 3));
    ledger.recall(&[question("192.0.2.1", 5), question("192.0.2.2", 5)]).unwrap();
    let spent = ledger.spent();
    assert_eq!(spent.requests, 5);
    assert_eq!(spent.read_units_by_size, 3.0, "six items of about 1 KB, and nothing");
    let mut units = spent.write_units;
    let mut costs = |wanted: f64, ledger: &DynamoLedger| {
        assert_eq!(ledger.spent().write_units - units, wanted);
        units = ledger.spent().write_units;
    };
    let live = ban("192.0.2.1", 1);
    ledger.put_ban(&live, 0).unwrap();
    costs(2.0, &ledger);
    ledger.note_announced(&[("sshd".into(), live.key.clone(), 1)]).unwrap();
    costs(2.0, &ledger);
    ledger.put_ban(&BanRecord { until: Timestamp::from_secs(4_000_000_500), ..live.clone() }, 1).unwrap();
    costs(3.0, &ledger);
    ledger
        .put_ban(&BanRecord { until: Timestamp::from_secs(4_000_000_500), live: false, ..live.clone() }, 2)
        .unwrap();
    costs(2.0, &ledger);
    ledger.note_announced(&[("sshd".into(), live.key, 3)]).unwrap();
    costs(2.0, &ledger);
}

fn matched(id: u128, by: &str, secs: i64) -> Match {
    Match {
        id: MatchId(id),
        jail: "sshd".into(),
        key: by.parse().unwrap(),
        time: Timestamp::from_secs(4_000_000_000 + secs),
        count: 1,
        user: None,
        stream: "Auth/web01".into(),
        line: "Failed password for root".into(),
    }
}

fn question(by: &str, limit: u32) -> Question {
    Question { jail: "sshd".into(), key: by.parse().unwrap(), since: Timestamp::MIN, limit }
}

fn ban(by: &str, times: u32) -> BanRecord {
    BanRecord {
        jail: "sshd".into(),
        key: by.parse::<Key>().unwrap(),
        times,
        since: Timestamp::from_secs(4_000_000_000),
        until: Timestamp::from_secs(4_000_000_100),
        live: true,
        reason: Reason::Expired,
    }
}
