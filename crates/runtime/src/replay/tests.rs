use std::fs;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, SystemTime};

use stockade_core::{BanTime, Feed, Jail, Jails, Key, States, Timestamp, Verdict, step};
use stockade_filter::{FilterSpec, date::Zone};
use stockade_source::archive::expand;

use super::{BanSpan, Note, Options, Overrides, Replay, ReplayError, ReplayJail, Report};

/// 2026-11-22T10:00:00Z
const TEN: i64 = 1_795_341_600;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(TEN + secs)
}

fn span(from: i64, until: i64) -> BanSpan {
    BanSpan { from: at(from), until: at(until) }
}

fn door(name: &str, maxretry: u32, findtime: u64, bantime: u64) -> ReplayJail {
    let filter = FilterSpec {
        name: "door".into(),
        prefregex: Some(r"^ \S+ door: <F-CONTENT>.+</F-CONTENT>$".into()),
        failregex: vec![
            r"^knocked by <F-USER>\S+</F-USER> from <HOST>$".into(),
            r"^pushed from <HOST>$".into(),
        ],
        ..FilterSpec::default()
    };
    let mut jail = Jail::new(name);
    let overrides = Overrides {
        maxretry: NonZeroU32::new(maxretry),
        findtime: Some(Duration::from_secs(findtime)),
        bantime: Some(BanTime::For(Duration::from_secs(bantime))),
    };
    overrides.apply(&mut jail);
    ReplayJail { jail, filter: Some(filter), zone: Zone::UTC }
}

/// A line at so many seconds after ten o'clock.
fn line(secs: i64, message: &str) -> String {
    let time = jiff::Timestamp::from_second(TEN + secs).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{time} host door: {message}\n")
}

fn knocks(secs: impl IntoIterator<Item = i64>, from: &str) -> String {
    secs.into_iter().map(|secs| line(secs, &format!("knocked by eve from {from}"))).collect()
}

fn replay_with(jails: Vec<ReplayJail>, options: Options, paths: &[impl AsRef<Path>]) -> Report {
    Replay::new(jails, options).unwrap().run(&expand(paths, true).files, &mut |_| {})
}

fn replay(jails: Vec<ReplayJail>, text: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("door.log");
    fs::write(&path, text).unwrap();
    replay_with(jails, Options::at(at(1_000_000)), &[path])
}

fn bans(report: &Report) -> Vec<(String, String, u64, u32)> {
    let offenders = report.offenders();
    offenders.map(|o| (o.key().to_string(), o.jail().to_owned(), o.matches(), o.bans())).collect()
}

#[test]
fn a_ban_ends_with_the_time_of_the_records_and_the_next_one_is_a_second_one() {
    let text = knocks([0, 10, 20, 25, 400, 410, 420], "192.0.2.7");
    let report = replay(vec![door("door", 3, 60, 300)], &text);
    let offender = report.offenders().next().unwrap();
    assert_eq!((offender.matches(), offender.bans()), (7, 2));
    assert_eq!((offender.first(), offender.last()), (at(0), at(420)));
    assert_eq!(offender.first_ban(), Some(span(20, 320)));
    assert_eq!(offender.last_ban(), Some(span(420, 720)));
    assert_eq!(offender.users().collect::<Vec<_>>(), ["eve"]);
    assert_eq!(report.summary.lines, 7);
    assert_eq!(report.summary.bytes, text.len() as u64);
    assert_eq!(report.summary.span, Some((at(0), at(420))));
    assert_eq!(report.notes, []);
}

#[test]
fn a_repeated_message_counts_as_often_as_it_says() {
    let text = line(0, "message repeated 3 times: [ knocked by eve from 192.0.2.7]");
    let report = replay(vec![door("door", 3, 60, 300)], &text);
    assert_eq!(bans(&report), [("192.0.2.7".into(), "door".into(), 3, 1)]);
    assert_eq!(report.jails[0].matches, 3);
}

#[test]
fn whoever_is_banned_again_and_again_is_a_case_for_recidive() {
    let recidive = ReplayJail {
        jail: Jail { feed: Feed::Bans, ..door("recidive", 2, 10_000, 86_400).jail },
        filter: None,
        zone: Zone::UTC,
    };
    let text = knocks([0, 400, 800], "192.0.2.7") + &knocks([900], "192.0.2.8");
    let report = replay(vec![door("door", 1, 60, 300), recidive], &text);
    assert_eq!(
        bans(&report),
        [
            ("192.0.2.7".into(), "door".into(), 3, 3),
            ("192.0.2.7".into(), "recidive".into(), 3, 1),
            ("192.0.2.8".into(), "door".into(), 1, 1),
        ],
        "an address that recidive only watches is not listed for it"
    );
    let offender = report.offenders().nth(1).unwrap();
    assert_eq!(offender.first_ban(), Some(span(400, 86_800)));
    assert_eq!((offender.first(), offender.last()), (at(0), at(800)));
    assert_eq!(
        (report.jails[1].matches, report.jails[1].offenders, report.jails[1].offenders_banned),
        (4, 2, 1)
    );
}

#[test]
fn what_only_counts_bans_cannot_be_replayed_alone() {
    let alone = ReplayJail { filter: None, ..door("recidive", 1, 1, 1) };
    assert_eq!(Replay::new(vec![alone], Options::at(at(0))).unwrap_err(), ReplayError::NoReader);
}

#[test]
fn jails_with_one_filter_share_its_scan_and_judge_each_for_itself() {
    let jails = vec![door("strict", 1, 60, 300), door("mild", 3, 60, 300)];
    let plan = super::plan::Plan::new(jails.clone()).unwrap();
    assert_eq!((plan.lanes.len(), &plan.lanes[0].routes), (1, &vec![vec![0, 1]]));
    let report = replay(jails, &knocks([0, 1], "192.0.2.7"));
    assert_eq!(report.jails.iter().map(|j| (j.matches, j.bans)).collect::<Vec<_>>(), [(2, 1), (2, 0)]);
}

#[test]
fn rotated_parts_are_one_log_from_the_oldest_to_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut packed =
        flate2::write::GzEncoder::new(fs::File::create(path("d.log.2.gz")).unwrap(), Default::default());
    packed.write_all(knocks([0], "192.0.2.7").as_bytes()).unwrap();
    packed.finish().unwrap();
    fs::write(path("d.log.1"), knocks([10], "192.0.2.7")).unwrap();
    fs::write(path("d.log"), knocks([20], "192.0.2.7").trim_end()).unwrap();
    let report = replay_with(vec![door("door", 3, 60, 300)], Options::at(at(9_999)), &[path("d.log")]);
    assert_eq!(bans(&report), [("192.0.2.7".into(), "door".into(), 3, 1)]);
    assert_eq!((report.summary.files, report.summary.lines, report.notes.len()), (3, 3, 0));
}

#[test]
fn several_logs_are_put_together_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Each log alone never reaches three within a minute; read one behind the other, the second comes too late.
    fs::write(path("a.log"), knocks([0, 100, 200, 5_000], "192.0.2.7")).unwrap();
    fs::write(path("b.log"), knocks([10, 40, 110, 120, 9_000], "192.0.2.7")).unwrap();
    for order in [["a.log", "b.log"], ["b.log", "a.log"]] {
        let paths = order.map(path);
        let report = replay_with(vec![door("door", 3, 60, 300)], Options::at(at(99_999)), &paths);
        let offender = report.offenders().next().unwrap();
        assert_eq!((offender.matches(), offender.bans()), (9, 1), "{order:?}");
        assert_eq!(
            offender.first_ban(),
            Some(span(40, 420)),
            "{order:?}: and longer for the three that follow"
        );
        assert_eq!(report.notes, []);
    }
}

#[test]
fn logs_too_many_to_be_read_side_by_side_are_counted_apart_and_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..9 {
        fs::write(folder.path().join(format!("{n}.log")), knocks([n], "192.0.2.7")).unwrap();
    }
    let report = replay_with(vec![door("door", 9, 60, 300)], Options::at(at(9_999)), &[folder.path()]);
    assert_eq!(bans(&report), [("192.0.2.7".into(), "door".into(), 9, 0)]);
    assert_eq!(report.notes, [Note::CountedApart { groups: 2 }]);
}

#[test]
fn only_what_lies_between_since_and_until_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.log");
    fs::write(&path, knocks([0, 10, 20, 30], "192.0.2.7")).unwrap();
    let options = Options { since: Some(at(10)), until: Some(at(20)), ..Options::at(at(9_999)) };
    let report = replay_with(vec![door("door", 9, 60, 300)], options, &[path]);
    let offender = report.offenders().next().unwrap();
    assert_eq!((offender.matches(), offender.first(), offender.last()), (2, at(10), at(20)));
    assert_eq!(report.summary.lines, 4);
}

#[test]
fn a_date_without_a_year_is_of_the_time_the_file_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.log");
    fs::write(&path, "Dec 30 10:00:00 host door: pushed from 192.0.2.7\n").unwrap();
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_200_000); // 2024-01-02
    fs::File::open(&path).unwrap().set_modified(written).unwrap();
    let first = |options| {
        let report = replay_with(vec![door("door", 9, 60, 300)], options, &[&path]);
        report.offenders().next().unwrap().first().as_secs()
    };
    assert_eq!(first(Options::at(at(0))), 1_703_930_400, "2023-12-30");
    assert_eq!(first(Options { year: Some(2020), ..Options::at(at(0)) }), 1_609_322_400, "2020-12-30");
}

#[test]
fn what_cannot_be_read_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.log"), knocks([0], "192.0.2.7")).unwrap();
    fs::write(path("b.log"), "").unwrap();
    let mut damaged = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    damaged.write_all(knocks(0..1_000, "192.0.2.9").as_bytes()).unwrap();
    let damaged = damaged.finish().unwrap();
    fs::write(path("c.log.gz"), &damaged[..damaged.len() / 2]).unwrap();
    let files = expand(&[folder.path()], true).files;
    fs::remove_file(path("b.log")).unwrap();
    let report =
        Replay::new(vec![door("door", 9, 60, 300)], Options::at(at(9_999))).unwrap().run(&files, &mut |_| {});
    assert_eq!(report.problems.len(), 2, "{:?}", report.problems);
    let keys: Vec<_> = report.offenders().map(|o| o.key().to_string()).collect();
    assert_eq!(keys, ["192.0.2.9", "192.0.2.7"], "what stands before the damage counts");
}

#[test]
fn whom_the_jail_ignores_is_only_counted() {
    let mut jail = door("door", 2, 60, 300);
    jail.jail.ignore.insert("192.0.2.0/24".parse().unwrap());
    let report = replay(vec![jail], &(knocks([0, 1], "192.0.2.7") + &knocks([0], "203.0.113.5")));
    assert_eq!(bans(&report), [("203.0.113.5".into(), "door".into(), 1, 0)]);
    assert_eq!((report.jails[0].matches, report.jails[0].ignored), (1, 2));
}

#[test]
fn a_log_out_of_order_is_noticed() {
    let report = replay(vec![door("door", 9, 60, 300)], &knocks([1_000, 0], "192.0.2.7"));
    assert_eq!(report.notes, [Note::Late { matches: 1 }]);
}

#[test]
fn lines_that_cannot_be_judged_are_told() {
    let long =
        format!("{} host door: knocked by {} from 192.0.2.7\n", "2026-11-22T10:00:00Z", "x".repeat(100_000));
    let text = format!("host door: knocked by eve from 192.0.2.7\n{long}");
    let report = replay(vec![door("door", 9, 60, 300)], &text);
    let long_lines = Note::LongLines { lines: 1, bytes: long.len() as u64 };
    assert_eq!(report.notes, [Note::Undated { lines: 1 }, long_lines]);
    assert_eq!((report.summary.lines, report.offenders().count()), (2, 0));
}

#[test]
fn a_regex_that_runs_away_is_named_and_counted() {
    let mut jail = door("door", 9, 60, 300);
    let hostile = r"^ host door: knocked by (?!(?:a|aa)*b)\S+ from <HOST>$";
    jail.filter =
        Some(FilterSpec { name: "door".into(), failregex: vec![hostile.into()], ..FilterSpec::default() });
    let text = format!("2026-11-22T10:00:00Z host door: knocked by {} from 192.0.2.7\n", "a".repeat(200));
    let report = replay(vec![jail], &text);
    let named = Note::Exhausted { filter: "door".to_owned(), regex: hostile.to_owned(), lines: 1 };
    assert_eq!(report.notes, [named]);
}

/// The replay decides as `step` does when it is fed the same matches.
#[test]
fn it_agrees_with_the_step() {
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        i64::try_from(random % below).unwrap()
    };
    let jail = door("door", 3, 120, 300);
    let jails = Jails::new(vec![jail.jail.clone()]);
    let mut states = States::new(&jails);
    let (mut text, mut wanted, mut time, mut newest) = (String::new(), 0, 0, 0);
    for _ in 0..5_000 {
        time += next(20);
        let addr = format!("192.0.2.{}", next(20));
        // One line in ten is a little late.
        let told = time - if next(10) == 0 { next(200) } else { 0 };
        text += &knocks([told], &addr);
        newest = newest.max(told);
        let mut decisions = Vec::new();
        let key: Key = addr.parse().unwrap();
        step::expire(&jails, &mut states, at(newest));
        step::observe(&jails, &mut states, 0, &key, at(told), 1, at(newest), &mut decisions);
        wanted +=
            decisions.iter().filter(|d| matches!(d.verdict, Verdict::Ban { extends: false, .. })).count();
    }
    let report = replay(vec![jail], &text);
    assert!(wanted > 100);
    assert_eq!(report.jails[0].bans, wanted as u64);
}

#[test]
fn more_bans_at_once_than_can_be_remembered_are_still_told_right() {
    let mut jail = door("door", 1, 60, 300);
    jail.jail.bantime = BanTime::Forever;
    let banned = u32::try_from(super::limits::MAX_BANS + 2_000).unwrap();
    let addr = |n: u32| std::net::Ipv4Addr::from(0xcb00_0000 + n).to_string();
    let text: String = (0..2).flat_map(|_| 0..banned).map(|n| knocks([0], &addr(n))).collect();
    let report = replay(vec![jail], &text);
    assert_eq!(report.jails[0].bans, u64::from(banned), "{:?}", report.notes);
    assert!(report.offenders().all(|o| (o.matches(), o.bans()) == (2, 1)));
    assert!(matches!(report.notes.as_slice(), [Note::BansForgotten { bans }] if *bans > 0));
}
