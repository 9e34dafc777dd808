//! The ways to an answer (memo, hand-written readers, templates) never disagree.

use proptest::prelude::*;
use stockade_core::Timestamp;

use super::super::{DateReader, Zone};
use super::lines::{self, Random};

/// Datepatterns with readers at different places, and without any.
const PATTERNS: &[&str] = &[
    "{DEFAULT}",
    "{^LN-BEG}",
    "^{DATE}",
    "{^LN-BEG}TAI64N\n{^LN-BEG}",
    "^[^[]*\\[({DATE})\n{^LN-BEG}",
    "{^LN-BEG}%ExY(?P<s>[-/.])%m(?P=s)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?\n^[^\\[]*\\[({DATE})\n{^LN-BEG}",
    "{^LN-BEG}%b-%d-%Exy %H:%M:%S\n{^LN-BEG}",
    "^(?:%Y-)?%m-%d[ T]%H:%M:%S(?:\\.%f)?\n{^LN-BEG}",
    "%b %d %H:%M:%S\n{^LN-BEG}",
    "%H:%M:%S$\n{DEFAULT}",
];

/// Shapes that the hand-written readers read.
const FAST_SHAPES: &[&str] =
    &["b d H:M:SF", "a b d H:M:SF Y", "YsmsdtH:M:SFz", "d/b/Y:H:M:S z", "d-b-Y H:M:S"];

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        "UTC-0330",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "CET-01CEST-02,M3.5.0,M10.5.0",
    ])
}

/// Reference times around the ends of years and the changes of clocks.
fn reference() -> impl Strategy<Value = i64> {
    prop_oneof![
        1_100_000_000_000_i64..1_800_000_000_000,
        (2005_i64..2030, -200_000_i64..200_000)
            .prop_map(|(year, secs)| ((year - 1970) * 31_556_952 + secs) * 1000),
    ]
}

fn some_lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(any::<u64>(), 1..12).prop_map(|seeds| {
        let mut lines = Vec::new();
        for seed in seeds {
            let mut random = Random(seed);
            let line = if seed % 3 > 0 {
                let shape = random.pick(FAST_SHAPES);
                lines::line_of(shape, &mut random)
            } else {
                lines::line(&mut random)
            };
            // The same line again, and with another end: what a memo may confuse.
            lines.push(line.clone());
            let cut = usize::try_from(seed >> 32).unwrap() % (line.len() + 1);
            lines.push(line[..cut].to_vec());
            lines.push([&line[..cut], b" x"].concat());
            lines.push(line);
        }
        lines
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// A reader that has seen other lines, other times, answers as the templates alone do.
    #[test]
    fn memory_and_readers_answer_like_the_templates(
        pattern in prop::sample::select(PATTERNS),
        zone in zone(),
        year in prop::option::of(2000_i16..2030),
        nows in prop::collection::vec(reference(), 1..4),
        lines in some_lines(),
    ) {
        let new = || {
            let reader = cached_reader(pattern, zone);
            match year {
                Some(year) => reader.with_year(year),
                None => reader,
            }
        };
        let (mut reader, mut templates) = (new(), new());
        for (n, line) in lines.iter().enumerate() {
            let now = nows[n % nows.len()];
            let found = reader.find(line, Timestamp::from_millis(now));
            let expected = templates.general(line, now);
            prop_assert_eq!(found, expected, "{:?} at {}", String::from_utf8_lossy(line), now);
        }
    }
}

/// Compiling is slow in a debug build, cloning is not.
fn cached_reader(pattern: &'static str, zone: &str) -> DateReader {
    use std::cell::RefCell;
    use std::collections::HashMap;
    thread_local! {
        static READERS: RefCell<HashMap<String, DateReader>> = RefCell::default();
    }
    READERS.with_borrow_mut(|readers| {
        let new = || DateReader::new(Some(pattern), Zone::parse(zone).unwrap()).unwrap();
        readers.entry(format!("{pattern}\0{zone}")).or_insert_with(new).clone()
    })
}

/// The generated lines do reach what they are for.
#[test]
fn the_lines_are_read_by_every_way() {
    let mut reader = cached_reader("{^LN-BEG}", "UTC");
    let now = 1_124_013_600_000;
    let (mut fast, mut found, mut total) = (0, 0, 0);
    for seed in 0..3000 {
        let mut random = Random(seed);
        let shape = random.pick(FAST_SHAPES);
        let line = lines::line_of(shape, &mut random);
        total += 1;
        fast += usize::from(reader.by_hand(&line, now).is_some());
        found += usize::from(reader.general(&line, now).is_some());
    }
    assert!(fast * 100 > found * 20 && fast < found && found < total, "{fast} of {found} of {total}");
}
