//! Killed at any instant while lines stream in: nothing is lost, nothing is counted twice, every ban is in force.
//!
//! `STOCKADE_TEST_KILLS` says how often the daemon is killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "crash/attack.rs"]
mod attack;
#[path = "crash/verdict.rs"]
mod verdict;
#[path = "crash/writer.rs"]
mod writer;

mod support;

use std::time::{Duration, Instant};

use attack::Attack;
use stockade_store::SqliteStore;
use support::Site;
use support::namespace::Namespace;
use writer::Writer;

const LINES: usize = 100_000;
const KILLS: u32 = 200;
/// The log is rotated so often meanwhile.
const ROTATIONS: usize = 4;
/// One in so many daemons is killed while it starts, at an instant in this time…
const START_ONE_IN: u64 = 4;
const START: Duration = Duration::from_millis(150);
/// …and the others within this time after they have stored something, however long that takes on a busy machine.
const LATER: Duration = Duration::from_millis(60);

const JAILS: &str = "[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 5\n\
                     findtime = 1d\nbantime = 1w\n";
const PROGRAM: &str = "[guards]\nmax_bans_per_minute = 1000000\n";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

#[test]
fn killed_at_random_instants_while_lines_stream_in() {
    let Some(namespace) = Namespace::new() else { return };
    let kills: u32 = std::env::var("STOCKADE_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let began = Instant::now();
    let seed = u64::from(std::process::id()) ^ began_at();
    eprintln!("seed {seed}");
    let mut random = attack::Random(seed);
    let attack = Attack::plan(LINES, &mut random);
    let site = Site::new(JAILS, PROGRAM);
    let mut writer = Writer::new(&site, &attack, ROTATIONS, seed);

    let (mut known, mut moved) = (0, 0);
    for round in 1..=kills {
        let daemon = site.spawn(Some(&namespace));
        // Its share of the lines comes while it lives: some before it reads, some while it reads, and if it dies
        // early some when it is dead.
        let share = |parts: usize| (2 * (round as usize - 1) + parts) * LINES / (2 * kills as usize);
        let in_start = random.below(START_ONE_IN) == 0;
        let mut instant =
            |within: Duration| Duration::from_micros(random.below(within.as_micros().try_into().unwrap()));
        if in_start {
            writer.write_for(share(2), instant(START));
        } else {
            let patience = Instant::now() + support::PATIENCE;
            writer.write_while(share(1), || stored_failures(&site) == known && Instant::now() < patience);
            writer.write_for(share(2), instant(LATER));
        }
        daemon.kill();
        // What the dead process committed is what the next one knows.
        let stored = stored_failures(&site);
        assert!(stored >= known, "round {round}: {known} failures were stored and {stored} are");
        moved += u32::from(stored > known);
        known = stored;
    }
    writer.write_rest();
    let killing = began.elapsed();

    let daemon = site.start(Some(&namespace));
    verdict::wait_until_read(&site);
    verdict::each_match_is_stored_once(&site, &attack);
    verdict::each_ban_is_decided_once(&site, &attack);
    verdict::each_ban_is_in_the_kernel(&namespace, &attack);
    site.stop(daemon, false);
    verdict::each_ban_is_in_the_kernel(&namespace, &attack);
    eprintln!(
        "{kills} kills in {killing:.1?}, {moved} of them after something new was stored; {} lines, {} \
         failures, {} bans; all of it right after {:.1?}",
        LINES,
        attack.failures(),
        attack.banned().count(),
        began.elapsed()
    );
    // Otherwise the test would say nothing.
    assert!(moved * 2 >= kills, "only {moved} of {kills} lives got as far as storing a match");
}

fn stored_failures(site: &Site) -> u64 {
    // Killed before it made the file, or while it did.
    let Ok(reader) = SqliteStore::open_read_only(&site.store()) else { return 0 };
    reader.totals().unwrap().iter().filter(|jail| &*jail.jail == "sshd").map(|jail| jail.matches).sum()
}

fn began_at() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into()
}
