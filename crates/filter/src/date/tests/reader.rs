//! What a reader finds, line by line.

use stockade_core::Timestamp;

use super::super::{DATE_WINDOW_BYTES, DateReader, FoundDate, Zone};

/// 2026-06-20 12:00:00 UTC.
const NOW: i64 = 1_781_956_800;

fn reader(datepattern: &str, zone: &str) -> DateReader {
    DateReader::new(Some(datepattern), Zone::parse(zone).unwrap()).unwrap()
}

fn find(datepattern: &str, line: impl AsRef<[u8]>) -> Option<FoundDate> {
    reader(datepattern, "UTC").find(line.as_ref(), Timestamp::from_secs(NOW))
}

/// The text that is cut, the seconds since the epoch, and what remains of the line.
fn read(datepattern: &str, line: &str) -> Option<(String, Option<i64>, String)> {
    let FoundDate { time, cut, .. } = find(datepattern, line)?;
    let (before, rest) = line.split_at(cut.start);
    let (date, after) = rest.split_at(cut.end - cut.start);
    Some((date.to_owned(), time.map(Timestamp::as_secs), format!("{before}{after}")))
}

/// Seconds since the epoch of `2026-06-14 12:00:00` and the like, by jiff.
fn utc(text: &str) -> i64 {
    let civil: jiff::civil::DateTime = text.parse().unwrap();
    civil.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

#[test]
fn every_default_template_reads_its_shape() {
    for (line, date, time) in [
        ("2026-06-14T21:59:59.981746 x", "2026-06-14T21:59:59.981746", "2026-06-14T21:59:59"),
        ("2026/06/14  8:59:59 x", "2026/06/14  8:59:59", "2026-06-14T08:59:59"),
        ("2026.06.14 21:59:59,123 +0200 x", "2026.06.14 21:59:59,123 +0200", "2026-06-14T19:59:59"),
        ("Jun 14 21:59:59 x", "Jun 14 21:59:59", "2026-06-14T21:59:59"),
        ("[Sun Jun 14 21:59:59.011 2026] x", "Sun Jun 14 21:59:59.011 2026", "2026-06-14T21:59:59"),
        ("Sun Jun 14 2026 21:59:59.011 x", "Sun Jun 14 2026 21:59:59.011", "2026-06-14T21:59:59"),
        ("14/06/2026 21:59:59 x", "14/06/2026 21:59:59", "2026-06-14T21:59:59"),
        ("14-06-26 21:59:59 x", "14-06-26 21:59:59", "2026-06-14T21:59:59"),
        ("14/Jun/2026:21:59:59 -0700 x", "14/Jun/2026:21:59:59 -0700", "2026-06-15T04:59:59"),
        ("14-Jun-2026 21:59:59.252 x", "14-Jun-2026 21:59:59.252", "2026-06-14T21:59:59"),
        ("06/14/2026:21:59:59 x", "06/14/2026:21:59:59", "2026-06-14T21:59:59"),
        ("06-14-2026 21:59:59.252 x", "06-14-2026 21:59:59.252", "2026-06-14T21:59:59"),
        ("1781474399.5 x", "1781474399", "2026-06-14T21:59:59"),
        ("type=X msg=audit(1781474399.123:42): x", "1781474399.123", "2026-06-14T21:59:59"),
        ("21:59:59 x", "21:59:59", "2026-06-19T21:59:59"),
        ("<06/14/26@21:59:59> x", "<06/14/26@21:59:59>", "2026-06-14T21:59:59"),
        ("260614 21:59:59 x", "260614 21:59:59", "2026-06-14T21:59:59"),
        ("Jun 14, 2026 9:59:59 PM x", "Jun 14, 2026 9:59:59 PM", "2026-06-14T21:59:59"),
        ("Jun-14-26 21:59:59 x", "Jun-14-26 21:59:59", "2026-06-14T21:59:59"),
        ("20260614T215959,123Z x", "20260614T215959,123Z", "2026-06-14T21:59:59"),
        ("20260614-21:59:59 x", "20260614-21:59:59", "2026-06-14T21:59:59"),
        ("PDT Jun 14 21:59:59 x", "PDT Jun 14 21:59:59", "2026-06-15T04:59:59"),
        ("+01:00 Jun 14 21:59:59.011 2026 x", "+01:00 Jun 14 21:59:59.011 2026", "2026-06-14T20:59:59"),
        ("@400000006a2f245f00000000 x", "@400000006a2f245f00000000", "2026-06-14T21:59:59"),
    ] {
        let rest = line.replacen(date, "", 1);
        for pattern in ["{DEFAULT}", ""] {
            assert_eq!(read(pattern, line), Some((date.to_owned(), Some(utc(time)), rest.clone())), "{line}");
        }
    }
}

#[test]
fn a_date_within_the_line_is_cut_out_and_the_rest_joined() {
    let x =
        |date: &str, rest: &str| Some((date.to_owned(), Some(utc("2026-06-15T12:00:00")), rest.to_owned()));
    assert_eq!(read("", "Jun 15 12:00:00 host x"), x("Jun 15 12:00:00", " host x"));
    assert_eq!(read("", "[2026-06-15 12:00:00] host"), x("2026-06-15 12:00:00", "[] host"));
    assert_eq!(read("", "x Jun 15 12:00:00 y"), x("Jun 15 12:00:00", "x  y"));
    // The leftmost date counts, and one at the start of the line before any other.
    assert_eq!(
        read("", "x Jun 15 12:00:00, 2025-01-01 00:00:00"),
        x("Jun 15 12:00:00", "x , 2025-01-01 00:00:00")
    );
    assert_eq!(read("{^LN-BEG}", "server Jun 15 12:00:00"), None);
}

#[test]
fn the_first_group_is_what_is_cut() {
    let time = Some(utc("2026-06-15T12:00:00"));
    for (pattern, line, date) in [
        (r"^[^\[]*\[({DATE})", "192.0.2.7 - - [15/Jun/2026:12:00:00 +0000] x", "15/Jun/2026:12:00:00 +0000"),
        (
            r"^[^\[]*(\[{DATE}\s*\])",
            "192.0.2.7 - - [15/Jun/2026:12:00:00 +0000] x",
            "[15/Jun/2026:12:00:00 +0000]",
        ),
        (r"^<\d+>\d+\s+{DATE}", "<34>1 2026-06-15T12:00:00Z host x", "<34>1 2026-06-15T12:00:00Z"),
        ("%Y:%m:%d-%H:%M:%S", "x 2026:06:15-12:00:00: y", "2026:06:15-12:00:00"),
        (r"\[{EPOCH}\]", "x [1781524800.250] y", "[1781524800.250]"),
        ("{UNB}%Y%m%d%H%M%S", "x20260615120000y", "20260615120000"),
        ("%Exy%Exm%Exd %ExH%ExM%ExS", "x 260615 120000 y", "260615 120000"),
        ("(?P<Y>[0-9]+) (?P<j>[0-9]+) (?P<H>[0-9]+)h", "x 2026 166 12h y", "2026 166 12h"),
    ] {
        let rest = line.replacen(date, "", 1);
        assert_eq!(read(pattern, line), Some((date.to_owned(), time, rest)), "{pattern}");
    }
}

#[test]
fn a_date_that_may_be_missing_is_empty_and_one_that_does_not_exist_is_not() {
    assert_eq!(
        read("{NONE}", "Jun 15 12:00:00 x"),
        Some((String::new(), None, "Jun 15 12:00:00 x".to_owned()))
    );
    assert_eq!(
        read("^WARNING:()**\n{^LN-BEG}", "WARNING: x"),
        Some((String::new(), None, "WARNING: x".to_owned()))
    );
    assert_eq!(read("", "Feb 30 12:00:00 x"), Some(("Feb 30 12:00:00".to_owned(), None, " x".to_owned())));
    assert_eq!(read("", "Feb 29 12:00:00 x"), Some(("Feb 29 12:00:00".to_owned(), None, " x".to_owned())));
    assert_eq!(read("^%Y-%m-%d %H:%M:%S", "0000-00-00 00:00:00"), None, "there is no month 0 to find");
    assert_eq!(read("%Y-%m", "2026-06 x"), Some(("2026-06".to_owned(), None, " x".to_owned())));
    assert!(reader("{NONE}", "UTC").is_none() && !reader("", "UTC").is_none());
}

#[test]
fn a_given_year_replaces_the_inferred_one() {
    let mut archive = reader("", "UTC").with_year(2020);
    let mut time =
        |line: &[u8]| archive.find(line, Timestamp::from_secs(NOW)).unwrap().time.unwrap().as_secs();
    assert_eq!(time(b"Feb 29 12:00:00 x"), utc("2020-02-29T12:00:00"));
    assert_eq!(time(b"Dec 31 12:00:00 x"), utc("2020-12-31T12:00:00"));
    assert_eq!(time(b"2021-06-15 12:00:00 x"), utc("2021-06-15T12:00:00"));
}

#[test]
fn a_named_zone_has_summer_and_winter() {
    let mut reader = reader("", "Europe/Berlin");
    for (line, time) in [
        ("2026-01-15 12:00:00", "2026-01-15T11:00:00"),
        ("2026-07-15 12:00:00", "2026-07-15T10:00:00"),
        ("2026-07-15 12:00:00Z", "2026-07-15T12:00:00"),
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00"),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00"),
        ("2026-03-29 03:30:00", "2026-03-29T01:30:00"),
        ("1781524800", "2026-06-15T12:00:00"),
    ] {
        let found = reader.find(line.as_bytes(), Timestamp::from_secs(NOW)).unwrap();
        assert_eq!(found.time, Some(Timestamp::from_secs(utc(time))), "{line}");
    }
}

#[test]
fn epochs_keep_milliseconds_and_nothing_else_does() {
    let millis = |pattern, line: &str| find(pattern, line).unwrap().time.unwrap().as_millis();
    assert_eq!(millis("EPOCH", "1781524800.250 x"), 1_781_524_800_250);
    assert_eq!(millis("LEPOCH", "1781524800250 x"), 1_781_524_800_250);
    assert_eq!(millis("{^LN-BEG}LEPOCH", "[1781524800250123] x"), 1_781_524_800_250);
    assert_eq!(millis("", "2026-06-15T12:00:00.999Z x"), 1_781_524_800_000);
}

#[test]
fn digits_are_ascii() {
    assert_eq!(find("", "٢٠٢٦-٠٦-١٥ ١٢:٠٠:٠٠ x"), None);
    assert_eq!(find(r"^\d+ %Y", "٢ 2026"), None);
}

#[test]
fn any_bytes_may_stand_around_a_date() {
    for (before, after) in [
        (&b""[..], &b"\x00\x1b[31m\xff\xfe\r"[..]),
        (b"\xff", b" x"),
        (b"\x00\x00", b"\x00"),
        (b"\xef\xbb\xbf", b"\xc3"),
        ("→ ".as_bytes(), b"\xe2\x80"),
    ] {
        let line = [before, b"2026-06-15 12:00:00", after].concat();
        let found = find("{^LN-BEG}", &line).unwrap();
        assert_eq!(found.cut, before.len()..before.len() + 19, "{line:?}");
        assert_eq!(found.time, Some(Timestamp::from_secs(utc("2026-06-15T12:00:00"))));
    }
    assert_eq!(find("{^LN-BEG}", b"\xff\xff\xff2026-06-15 12:00:00"), None, "three characters before it");
    assert_eq!(find("", b""), None);
}

#[test]
fn a_date_is_searched_within_the_window_only() {
    let date = "2026-06-15 12:00:00";
    let line = |before: usize| format!("{}{date} x", " ".repeat(before));
    assert_eq!(find("", line(DATE_WINDOW_BYTES - date.len())).unwrap().cut.end, DATE_WINDOW_BYTES);
    assert_eq!(find("", line(DATE_WINDOW_BYTES - date.len() + 1)), None);
    let access = |before: usize| format!("{}[15/Jun/2026:12:00:00 +0000] x", "y".repeat(before));
    for before in DATE_WINDOW_BYTES - 100..DATE_WINDOW_BYTES + 10 {
        // The window cuts the zone, or the year, or all of it; by hand or by template it is the same.
        let pattern = r"^[^\[]*\[({DATE})";
        let (mut fresh, mut general) = (reader(pattern, "UTC"), reader(pattern, "UTC"));
        let line = access(before);
        let expected = general.general(line.as_bytes(), NOW * 1000);
        assert_eq!(fresh.find(line.as_bytes(), Timestamp::from_secs(NOW)), expected, "{before}");
        assert_eq!(fresh.find(line.as_bytes(), Timestamp::from_secs(NOW)), expected, "{before} again");
    }
    let huge = [b"x".repeat(1 << 20), date.as_bytes().to_vec()].concat();
    assert_eq!(find("", huge), None);
}

#[test]
fn templates_have_names() {
    let mut reader = reader("^x %Y-%m-%d\n{^LN-BEG}", "UTC");
    let mut name = |line: &[u8]| {
        let found = reader.find(line, Timestamp::from_secs(NOW)).unwrap();
        reader.template_name(found.template).to_owned()
    };
    assert_eq!(name(b"x 2026-06-15"), "^x %Y-%m-%d");
    assert_eq!(name(b"12:00:00"), "{^LN-BEG}%H:%M:%S");
    assert_eq!(name(b"1781524800"), "{^LN-BEG}EPOCH");
    assert_eq!(reader.template_name(usize::MAX), "");
}

#[test]
fn readers_are_cloned_and_sent() {
    fn sent<T: Clone + Send + 'static>(value: T) -> T {
        std::thread::spawn(move || value.clone()).join().unwrap()
    }
    let mut first = reader("", "UTC");
    let line = b"Jun 15 12:00:00 x";
    let found = first.find(line, Timestamp::from_secs(NOW));
    assert!(found.is_some());
    assert_eq!(sent(first).find(line, Timestamp::from_secs(NOW)), found);
}

#[test]
fn broken_patterns_say_what_is_wrong_and_what_to_do() {
    for (pattern, message, hint) in [
        ("%Q", "unknown token `%Q` in datepattern `%Q`", "strptime"),
        (
            "%Y(?!x)",
            "datepattern `%Y(?!x)` uses a negative lookahead, which cannot be matched in linear time",
            "group",
        ),
        (r"(\w+)%Y\1", "a backreference to a group of many texts", "few texts"),
        ("%Y(", "datepattern `%Y(` is not a regex: missing `)`", ""),
        ("%Y[b-a]", "datepattern `%Y[b-a]` is not a regex: invalid character class range", ""),
        ("%Y{99999}{999}", "is not a regex", ""),
    ] {
        let error = DateReader::new(Some(pattern), Zone::UTC).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{pattern}");
    }
    let error = Zone::parse("UTC+2").unwrap_err();
    assert_eq!(error.to_string(), "unknown time zone `UTC+2`");
    assert!(error.hint().unwrap().contains("UTC+0200"));
}
