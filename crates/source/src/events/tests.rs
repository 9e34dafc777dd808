//! What the reader gives out of texts in every shape, whole and through windows of every size.
#![allow(clippy::string_slice, clippy::cast_possible_truncation, reason = "tests")]

use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use proptest::prelude::*;

use super::limits::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH};
use super::window::Sizes;
use super::*;
use crate::SourceError;

/// An event or a problem as a text.
fn shown(found: &Found<'_>) -> String {
    match found {
        Found::Event(event) => {
            let text = String::from_utf8_lossy(event.text);
            format!("{} {} {:?} {text}", event.line(), event.byte, event.form)
        }
        Found::Problem(problem) => problem.to_string(),
    }
}

fn all(reader: &mut EventReader) -> Vec<String> {
    std::iter::from_fn(|| reader.next_event().map(|found| shown(&found))).collect()
}

fn read(text: &[u8]) -> (Vec<String>, Counts) {
    let mut reader = EventReader::new();
    reader.load("x", text.to_vec()).unwrap();
    (all(&mut reader), reader.counts())
}

/// The events without their places, and the problems without the file.
fn events(text: &str) -> (Vec<String>, Vec<String>) {
    let (found, _) = read(text.as_bytes());
    let (events, problems): (Vec<String>, Vec<String>) =
        found.into_iter().partition(|text| text.contains(" Record ") || text.contains(" Envelope "));
    (events.iter().map(|text| text[text.find('{').unwrap()..].to_owned()).collect(), problems)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

const RECORD: &str = r#"{"eventVersion":"1.08","eventID":"1","x":{"y":["}"]}}"#;
const ENVELOPE: &str = r#"{"version":"0","detail-type":"d","source":"s","detail":{"eventID":"2"}}"#;

#[test]
fn every_shape_of_a_file() {
    let both = vec![RECORD.to_owned(), ENVELOPE.to_owned()];
    for text in [
        format!("{RECORD}\n{ENVELOPE}\n"),
        format!("\n\n{RECORD}\r\n  {ENVELOPE}"),
        format!("{RECORD}{ENVELOPE}"),
        format!("{RECORD},\n{ENVELOPE},\n"),
        format!("\u{feff}[{RECORD},{ENVELOPE}]"),
        format!("[\n  {RECORD},\n  {ENVELOPE}\n]\n"),
        format!(r#"{{"Records":[{RECORD},{ENVELOPE}]}}"#),
        format!(r#"{{"Records":[{RECORD}]}}{{"Records":[]}}{{ "Records" : [ {ENVELOPE} ] }}"#),
        format!(r#"[{{"Records":[{RECORD}]}},{{"Records":[{ENVELOPE}]}}]"#),
        format!(
            r#"{{"a":[{{}}],"Records":[{RECORD}],"b":{{"Records":[{RECORD}]}},"Records":[{ENVELOPE}],"c":1}}"#
        ),
        format!("\u{1e}{RECORD}\n\u{1e}{ENVELOPE}\n"),
    ] {
        assert_eq!(events(&text), (both.clone(), vec![]), "{text}");
    }
    for text in ["", " \n", "[]", r#"{"Records":[]}"#, r#"[[],{"Records":[[]]}]"#] {
        assert_eq!(read(text.as_bytes()).0, Vec::<String>::new(), "{text}");
    }
    let indented = RECORD.replace('{', "{\n").replace(',', ",\n");
    let found = read(format!("{indented}\n{ENVELOPE}").as_bytes()).0;
    assert_eq!(found[0], format!("1 0 Record {indented}"));
    assert!(found[1].starts_with("6 "), "{}", found[1]);
}

#[test]
fn what_is_broken_is_told_with_its_line_and_takes_nothing_with_it() {
    for broken in
        [r#"{"eventID":"#, r#"{"eventID":"x"#, r#"{"eventID":1 2}"#, "{", "}", "x", "\0\0", r#"{"a":{]}"#]
    {
        let text = format!("{RECORD}\n{broken}\n{ENVELOPE}\n{RECORD}");
        let (found, problems) = events(&text);
        assert_eq!(found, [RECORD, ENVELOPE, RECORD], "{broken}");
        assert!(
            problems.len() == 1 && problems[0].starts_with("cannot read event: `x`: line 2, byte 54"),
            "{problems:?}"
        );
        let text = format!(
            "{{\"Records\": [\n    {RECORD},\n    {broken}\n    {ENVELOPE},\n    {RECORD}\n  ]\n}}\n"
        );
        if broken.starts_with('{') {
            assert_eq!(events(&text).0, [RECORD, ENVELOPE, RECORD], "{broken}");
        }
        // A file on one line: no way to know where the next event begins.
        if broken != "x" {
            let text = format!("{{\"Records\":[{RECORD},{broken},{ENVELOPE}]}}\n{{\"Records\":[{RECORD}]}}");
            assert_eq!(events(&text).0, [RECORD, RECORD], "{broken}");
        }
    }
    let scalars = format!("[1, \"a\", null, {RECORD}, [], {{\"b\": [2]}}]");
    let (found, problems) = events(&scalars);
    assert_eq!((found.len(), problems.len()), (1, 4), "{problems:?}");
    assert!(problems[3].ends_with("an object with `b`"), "{problems:?}");
}

#[test]
fn what_is_too_long_is_passed_over() {
    let long = format!(r#"{{"eventID":"{}"}}"#, "x".repeat(MAX_EVENT_BYTES));
    let long_first = format!(r#"{{"x":"{}","eventID":1}}"#, "x".repeat(MAX_EVENT_BYTES));
    for long in [long, long_first] {
        for text in [
            format!("{RECORD}\n{long}\n{ENVELOPE}"),
            format!(r#"{{"Records":[{RECORD},{long},{ENVELOPE}]}}"#),
        ] {
            let (found, problems) = events(&text);
            assert_eq!(found, [RECORD, ENVELOPE]);
            assert!(
                problems.len() == 1
                    && problems[0].starts_with("event is longer than the limit of 1048576 bytes"),
                "{problems:?}"
            );
            // And through a window that has to grow.
            let mut reader = EventReader::new();
            reader.read_from(Path::new("x"), Box::new(Cursor::new(text))).unwrap();
            assert_eq!(all(&mut reader).len(), 3);
        }
    }
}

#[test]
fn digests_insights_and_summaries_are_left_out_and_counted() {
    let digest = r#"{"awsAccountId":"111122223333","digestStartTime":"2026-11-01T00:00:00Z","logFiles":[{"s3Object":"x"}]}"#;
    let insight = r#"{"eventVersion":"1.08","eventType":"AwsCloudTrailInsight","eventCategory":"Insight"}"#;
    let summary = r#"{"eventVersion":"1.0","eventCategory":"Aggregated"}"#;
    let text = format!(r#"{digest}{{"Records":[{insight},{insight}]}}{{"Records":[{summary},{RECORD}]}}"#);
    let (found, counts) = read(text.as_bytes());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (counts.digests, counts.insights, counts.aggregated, counts.events, counts.problems),
        (1, 2, 1, 1, 0)
    );
}

#[test]
fn packed_files_and_forged_members() {
    let text = format!(r#"{{"Records":[{RECORD}]}}"#);
    let forged = format!(r#"{{"Records":[{ENVELOPE}]}}"#);
    let (found, counts) = read(&[gzip(text.as_bytes()), gzip(forged.as_bytes())].concat());
    assert_eq!((found.len(), counts.members), (2, 2), "{found:?}");
    let (found, counts) = read(&gzip(text.as_bytes()).repeat(40));
    assert_eq!((found.len(), counts.members), (40, 40));
    let (found, counts) = read(&[gzip(text.as_bytes()), forged.into_bytes()].concat());
    assert_eq!((found.len(), counts.events, counts.problems), (2, 1, 0));
    assert!(found[1].starts_with("damaged gzip archive: `x`"), "{found:?}");
    for packed in [zstd::encode_all(text.as_bytes(), 3).unwrap(), text.clone().into_bytes()] {
        assert_eq!(read(&packed).0.len(), 1);
    }
    let mut reader = EventReader::new();
    assert!(matches!(
        reader.load("x", b"PK\x03\x04".to_vec()),
        Err(SourceError::Unsupported { format: "zip", .. })
    ));
    assert!(reader.next_event().is_none());
}

#[test]
fn a_cut_file_gives_what_is_whole_and_says_where_it_ends() {
    let records: Vec<String> =
        (0..40).map(|n| format!(r#"{{"eventVersion":"1.08","n":{n},"s":"{}"}}"#, n * 7919)).collect();
    let packed = gzip(format!(r#"{{"Records":[{}]}}"#, records.join(",")).as_bytes());
    let (found, counts) = read(&packed[..packed.len() - 30]);
    let (last, whole) = found.split_last().unwrap();
    assert!(whole.len() > 20 && counts.events == whole.len() as u64, "{found:?}");
    assert!(last.starts_with("damaged gzip archive"), "{last}");
    let plain = format!(r#"{{"Records":[{},{{"eventVers"#, records.join(","));
    let (found, counts) = read(plain.as_bytes());
    assert_eq!((found.len(), counts.events), (41, 40));
    let torn = format!("[{}", records.join(","));
    assert!(read(torn.as_bytes()).0[40].starts_with("the text ends within a list of events"));
}

#[test]
fn bombs_end() {
    let mut bomb = gzip(&vec![b' '; 1 << 20]).repeat(limits::MAX_WHOLE_MEMBERS as usize);
    bomb.extend(gzip(RECORD.as_bytes()));
    let (found, counts) = read(&bomb);
    assert_eq!((found.len(), counts.members, counts.bytes > 16 << 20), (1, 17, true));
    let mut reader = EventReader::with_sizes(Sizes { object: 10 << 20, ..Sizes::default() });
    reader.load("x", zstd::encode_all(std::io::repeat(b'\n').take(20 << 20), 1).unwrap()).unwrap();
    let found = all(&mut reader);
    assert!(found.len() == 1 && found[0].starts_with("file unpacks to more than the limit"), "{found:?}");
}

#[test]
fn hostile_nesting_and_noise_cost_bounded_time() {
    let deep = format!(r#"{{"eventID":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(events(&format!("{deep}\n{RECORD}")).0, [&deep, RECORD]);
    let deeper = format!(r#"{{"eventID":{}"#, "[".repeat(MAX_EVENT_DEPTH + 1));
    let (found, problems) = events(&format!("{deeper}\n{RECORD}"));
    assert_eq!((found, problems.len()), (vec![RECORD.to_owned()], 1));
    // Every line seems to be inside the one before.
    let lines = "{\"eventID\":[\n".repeat(100_000);
    let mut reader = EventReader::with_sizes(Sizes { reread: 4 << 20, ..Sizes::default() });
    reader.load("x", format!("{lines}x\n{RECORD}").into_bytes()).unwrap();
    let (found, counts) = (all(&mut reader), reader.counts());
    assert!(counts.problems > 10 && found.len() as u64 == counts.problems + 1, "{counts:?}");
    assert!(found.last().unwrap().contains("Record"));
    let (found, counts) = read("{\n".repeat(200).as_bytes());
    assert!(
        counts.problems == 200 && found.len() == 101 && found[100] == "100 more problems in `x`",
        "{counts:?}"
    );
    let open = "[".repeat(1 << 20);
    assert!(!read(open.as_bytes()).0.is_empty());
}

#[test]
fn a_reader_that_matches_on_the_way_sees_the_same() {
    let text = format!("{{\"Records\":[{RECORD} ,{{\"eventVersion\":}},{RECORD}]}}\n{ENVELOPE}");
    let mut reader = EventReader::new();
    reader.load("x", text.clone().into_bytes()).unwrap();
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    while let Some(found) = reader.peek() {
        match found {
            Found::Problem(problem) => problems.push(problem.to_string()),
            Found::Event(event) => {
                assert!(text.as_bytes()[event.byte as usize..].starts_with(&event.text[..1]));
                match length_of_event(event.text) {
                    Some(length) => {
                        events.push(event.byte);
                        reader.advance(length);
                    }
                    None => problems.push(reader.pass_over(&"no JSON").to_string()),
                }
            }
        }
    }
    assert_eq!((events.len(), problems.len(), reader.counts().events), (2, 1, 2), "{problems:?}");
    reader.load("y", RECORD.as_bytes().to_vec()).unwrap();
    let Some(Found::Event(_)) = reader.peek() else { panic!() };
    assert!(reader.pass_over(&"odd").to_string().ends_with("`y`: line 1, byte 0: odd"));
    assert!(reader.peek().is_none());
}

/// The length of an event whose braces are balanced and which holds no `:}`: a matcher's stand-in.
fn length_of_event(text: &[u8]) -> Option<usize> {
    let length = json::value_end(text, 0).ok()?;
    (!text[..length].windows(2).any(|pair| pair == b":}")).then_some(length)
}

/// Gives a few bytes at a time.
struct Drip(Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(buf.len());
        self.0.read(&mut buf[..most])
    }
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?[0-9]{1,3}".prop_map(|text| text),
        Just("null".to_owned()),
        r#"([a-z{}\[\],:é]|\\"|\\\\|\\u00e9){0,6}"#.prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(","))),
            inner.prop_map(|value| format!("{{\"k\":{value}}}")),
        ]
    })
}

fn event() -> impl Strategy<Value = String> {
    ("( |\n|\t|\r\n){0,3}", value(), any::<bool>()).prop_map(|(space, value, record)| {
        let name = if record { "eventID" } else { "detail-type" };
        format!("{{{space}\"a\":{value},{space}\"{name}\"{space}:{value}{space}}}")
    })
}

proptest! {
    #[test]
    fn events_are_the_same_however_they_are_wrapped_and_read(
        events in proptest::collection::vec(event(), 0..8),
        space in "[ \t\r\n]{0,4}",
        wrap in 0..5,
        (window, drip) in (1..600usize, 1..50usize),
    ) {
        let comma = format!("{space},{space}");
        let text = match wrap {
            0 => events.join("\n"),
            1 => events.concat(),
            2 => format!("[{space}{}{space}]", events.join(&comma)),
            3 => format!("{{{space}\"Records\":{space}[{}]{space}}}{space}", events.join(&comma)),
            _ => events.iter().map(|event| format!("{{\"n\":[],\"Records\":[{event}]}}\n")).collect(),
        };
        let (whole, counts) = read(text.as_bytes());
        prop_assert_eq!(counts.problems, 0, "{:?}", whole);
        let texts: Vec<&str> = whole.iter().map(|found| &found[found.find('{').unwrap()..]).collect();
        prop_assert_eq!(texts, events.iter().map(String::as_str).collect::<Vec<_>>());
        for found in &whole {
            let mut parts = found.split(' ');
            let (line, byte): (usize, usize) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().parse().unwrap());
            prop_assert_eq!(line, 1 + text[..byte].matches('\n').count());
        }
        // Not too short for what events are wrapped in.
        let longest = events.iter().map(String::len).max().unwrap_or(1);
        let mut reader = EventReader::with_sizes(Sizes { event: longest.max(64), window, max_window: 4 * longest.max(64), ..Sizes::default() });
        reader.read_from(Path::new("x"), Box::new(Drip(Cursor::new(text.into_bytes()), drip))).unwrap();
        prop_assert_eq!(all(&mut reader), whole);
    }

    #[test]
    fn any_bytes_end_and_lose_no_good_line(
        noise in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
        sharp in proptest::collection::vec("[\\[\\]{}\",:a\\\\ ]{0,20}", 0..6),
    ) {
        // A plain text only: what begins as an archive is one.
        let mut text = format!("{RECORD}\n").into_bytes();
        let mut good = 1;
        for line in noise.into_iter().chain(sharp.into_iter().map(String::into_bytes)) {
            let line: Vec<u8> = line.into_iter().filter(|byte| *byte != b'\n').collect();
            // Whatever opens may rightly hold what follows.
            let opens = line.iter().any(|byte| matches!(byte, b'{' | b'['));
            text.extend(line);
            text.extend(format!("\n{RECORD}\n").bytes());
            good += usize::from(!opens);
        }
        let (found, counts) = read(&text);
        prop_assert!(counts.events >= good as u64, "{:?}", found);
        let mut reader = EventReader::with_sizes(Sizes { event: 100, window: 1, max_window: 1000, ..Sizes::default() });
        reader.read_from(Path::new("x"), Box::new(Cursor::new(text))).unwrap();
        prop_assert!(all(&mut reader).len() >= good);
    }
}
