//! The snapshot of live bans: what is written is read again; what is torn, foreign or too much is told apart.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use proptest::prelude::*;
use stockade_aws::wire::snapshot::{self, Header, SnapshotError, Writer};
use stockade_aws::wire::{Notice, Told};
use stockade_core::{Key, Timestamp};

const MADE: Timestamp = Timestamp::from_secs(1_700_000_000);
const HEAD: &str = "{\"stockade-bans\":1,\"made\":0}\n";

fn ban(nth: u32, until: Timestamp) -> Notice {
    let key = Key::addr(std::net::Ipv4Addr::from(0x0B00_0000 + nth * 37).into());
    let ban = Notice::ban("sshd".into(), key, MADE.minus(Duration::from_millis(u64::from(nth))), until);
    Notice { version: Some(1), nth: Some(1), failures: Some(5), ..ban }.because("5 matches within 600s")
}

fn bans(count: u32) -> Vec<Notice> {
    (0..count).map(|nth| ban(nth, MADE.plus(Duration::from_secs(u64::from(nth) + 1)))).collect()
}

fn written(bans: &[Notice]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), MADE).unwrap();
    for ban in bans {
        writer.push(ban).unwrap();
    }
    writer.finish().unwrap().0
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn read(snapshot: &[u8], now: Timestamp) -> (Vec<Notice>, Result<Header, SnapshotError>) {
    let mut bans = Vec::new();
    let result = snapshot::read(snapshot, now, &mut |ban| bans.push(ban));
    (bans, result)
}

#[test]
fn what_is_written_is_read_again() {
    let forever = Notice { told: Told::Ban { until: Some(Timestamp::MAX) }, ..ban(7, MADE) };
    let silent = Told::Ban { until: None };
    let silent = Notice { told: silent, at: None, version: None, reason: None, ..forever.clone() };
    let unban = Notice::unban("sshd".into(), "192.0.2.1".parse().unwrap(), MADE);
    let name = Notice { key: Key::name("root"), ..forever.clone() };
    let all = [bans(10), vec![forever.clone(), unban, name, silent.clone()]].concat();
    let (read_again, header) = read(&written(&all), MADE.plus(Duration::from_secs(5)));
    assert_eq!(header.unwrap(), Header { made: MADE, version: snapshot::VERSION });
    let expected = [all[5..10].to_vec(), vec![forever, silent]].concat();
    assert_eq!(read_again, expected, "what is over, an unban and a name are not there");
    assert_eq!(read(&written(&[]), MADE).0, []);
}

#[test]
fn a_torn_one_is_noticed_wherever_it_is_torn() {
    let whole = written(&bans(50));
    for cut in 0..whole.len() {
        let (bans, result) = read(&whole[..cut], Timestamp::MIN);
        assert!(result.is_err(), "cut at {cut} of {}", whole.len());
        assert!(bans.len() <= 50);
    }
}

#[test]
fn one_whose_lines_do_not_agree_with_its_end_is_torn() {
    let mut text = String::new();
    GzDecoder::new(&*written(&bans(3))).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let torn = |lines: &[&str]| {
        let (_, result) = read(&packed(&(lines.join("\n") + "\n")), Timestamp::MIN);
        matches!(result, Err(SnapshotError::Torn { .. }))
    };
    assert!(!torn(&lines));
    assert!(torn(&[lines[0], lines[1], lines[3], lines[4]]), "a line less");
    assert!(torn(&[lines[0], lines[1], lines[1], lines[3], lines[4]]), "a line twice");
    assert!(torn(&[lines[0], lines[2], lines[1], lines[3], lines[4]]), "another order");
    assert!(torn(&lines[..4]), "no end");
    assert!(torn(&[&lines[..], &lines[1..2]].concat()), "more after the end");
}

#[test]
fn what_is_none_of_ours_says_so() {
    let error = |snapshot: &[u8]| read(snapshot, MADE).1.unwrap_err().to_string();
    assert!(error(b"plain text").starts_with("cannot unpack the snapshot: "), "{}", error(b"plain text"));
    assert_eq!(error(&packed("")), "not a snapshot of bans");
    assert_eq!(error(&packed("{}\n")), "not a snapshot of bans");
    let newer = "{\"stockade-bans\":9,\"made\":0}\n";
    assert_eq!(error(&packed(newer)), "the snapshot has version 9, newer than 1");
    for (line, why) in [
        ("{\"jail\":\"sshd\",\"key\":\"root\"}", "not an address or network"),
        ("{\"jail\":\"\",\"key\":\"192.0.2.1\"}", "no name of a jail"),
    ] {
        let said = error(&packed(&format!("{HEAD}{line}\n")));
        assert_eq!(said, format!("cannot read line 2 of the snapshot: {why}"));
    }
    let more = "{\"jail\":\"a\",\"key\":\"192.0.2.1\",\"later\":{\"x\":[1]}}\n";
    assert_eq!(read(&packed(&format!("{HEAD}{more}")), MADE).0.len(), 1, "names of a later version");
    assert!(matches!(read(&packed(more), MADE).1, Err(SnapshotError::NotSnapshot)));
}

#[test]
fn a_bomb_is_left_after_one_line() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(HEAD.as_bytes()).unwrap();
    for _ in 0..64 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let started = Instant::now();
    let (_, result) = read(&bomb, MADE);
    assert!(matches!(result, Err(SnapshotError::Line { line: 2, .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_millis(500));
}

#[test]
fn a_hundred_thousand_are_small_and_soon_read() {
    let all = bans(100_000);
    let snapshot = written(&all);
    let started = Instant::now();
    let (read, header) = read(&snapshot, MADE);
    let took = started.elapsed();
    header.unwrap();
    assert_eq!(read, all);
    eprintln!("100,000 bans: {} kB, read in {} ms", snapshot.len() / 1000, took.as_millis());
    assert!(snapshot.len() < 6_000_000, "{} bytes", snapshot.len());
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes, MADE).1.is_err());
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        prop_assert!(read(&packed(&text), MADE).1.is_err());
        let after_head = format!("{HEAD}{text}");
        prop_assert!(read(&packed(&after_head), MADE).1.is_err());
    }

    #[test]
    fn a_flipped_bit_is_noticed_or_harmless(place in 0_usize..800, bit in 0_u8..8) {
        let all = bans(20);
        let mut snapshot = written(&all);
        let place = place % snapshot.len();
        snapshot[place] ^= 1 << bit;
        let (read, result) = read(&snapshot, Timestamp::MIN);
        prop_assert!(result.is_err() || read == all);
    }
}
