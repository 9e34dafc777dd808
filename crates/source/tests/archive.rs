//! Archives of all kinds, whole and damaged, and finding them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use stockade_core::limits::MAX_LINE_BYTES;
use stockade_source::SourceError;
use stockade_source::archive::{Format, LogReader, expand};

fn text(lines: std::ops::Range<u32>) -> Vec<u8> {
    let line =
        |n| format!("{n:06} Nov 22 10:00:00 host sshd[{}]: {}\n", n % 97, "y".repeat((n * 31 % 90) as usize));
    lines.map(line).collect::<String>().into_bytes()
}

fn gz(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

fn zst(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(Format, Pack); 4] =
    [(Format::Plain, |text| text.to_vec()), (Format::Gzip, gz), (Format::Zstd, zst), (Format::Xz, xz)];

fn open(packed: &[u8], block_bytes: usize) -> LogReader {
    let raw = Box::new(Cursor::new(packed.to_vec()));
    LogReader::with_block_bytes(Path::new("a.log"), raw, Some(packed.len() as u64), block_bytes).unwrap()
}

/// All text, and the error at the end if there is one.
fn read(reader: &mut LogReader) -> (Vec<u8>, Option<SourceError>) {
    let (mut all, mut expected) = (Vec::new(), 0);
    loop {
        match reader.next_block() {
            Ok(Some(block)) => {
                assert!(block.bytes.ends_with(b"\n") && !block.live && block.times.is_none());
                assert!(block.offset >= expected, "offsets grow");
                expected = block.end.offset;
                all.extend_from_slice(block.bytes);
            }
            Ok(None) => return (all, None),
            Err(error) => {
                assert!(matches!(reader.next_block(), Ok(None)), "after an error there is nothing more");
                return (all, Some(error));
            }
        }
    }
}

#[test]
fn every_format_in_one_and_in_several_parts_gives_the_same_text() {
    let all = text(0..60_000);
    for (format, pack) in PACKERS {
        let several: Vec<u8> = [0..1, 1..20_000, 20_000..20_000, 20_000..60_000]
            .into_iter()
            .flat_map(|lines| pack(&text(lines)))
            .collect();
        for packed in [pack(&all), several] {
            for block_bytes in [0, 100_000, 1 << 20] {
                let mut reader = open(&packed, block_bytes);
                assert_eq!(reader.format(), format);
                let (read, error) = read(&mut reader);
                assert!(error.is_none(), "{format}: {error:?}");
                assert!(read == all, "{format} in blocks of {block_bytes}");
                let progress = reader.progress();
                assert_eq!(
                    (Some(progress.taken), progress.text),
                    (progress.total, all.len() as u64),
                    "{format}"
                );
            }
        }
    }
}

#[test]
fn a_cut_archive_gives_its_whole_lines_and_an_error_that_names_the_place() {
    let all = text(0..60_000);
    for (format, pack) in PACKERS.into_iter().skip(1) {
        let packed = pack(&all);
        for keep in [packed.len() - 1, packed.len() - 5, packed.len() / 2, packed.len() / 3 + 7] {
            let (read, error) = read(&mut open(&packed[..keep], 0));
            let error =
                error.unwrap_or_else(|| panic!("{format} cut at {keep} of {} is damage", packed.len()));
            assert!(all.starts_with(&read), "{format}: only what was there");
            assert!(read.is_empty() || read.ends_with(b"\n"));
            assert!(
                read.len() * 3 > all.len() * keep / packed.len() / 2,
                "{format}: what can be read is delivered"
            );
            let SourceError::Damaged { byte, offset, .. } = &error else { panic!("{error}") };
            assert!(*byte <= keep as u64 && *offset >= read.len() as u64, "{error}");
            assert!(
                error.to_string().starts_with(&format!("damaged {format} archive: `a.log`: at byte ")),
                "{error}"
            );
        }
    }
}

/// A line may be cut in the midst of an address, which then is somebody else's.
#[test]
fn half_a_line_before_damage_is_withheld_and_one_at_a_true_end_is_delivered() {
    let mut packed = gz(b"one\ntwo");
    assert_eq!(read(&mut open(&packed, 0)).0, b"one\ntwo\n");
    packed.truncate(packed.len() - 3);
    let (read, error) = read(&mut open(&packed, 0));
    assert_eq!(read, b"one\n");
    assert!(error.is_some());
}

#[test]
fn a_flipped_byte_is_an_error_and_never_a_panic() {
    let all = text(0..5_000);
    for (format, pack) in PACKERS.into_iter().skip(1) {
        let packed = pack(&all);
        let mut errors = 0;
        for at in (0..packed.len()).step_by(packed.len() / 40 + 1) {
            let mut bad = packed.clone();
            bad[at] ^= 0x55;
            let opened = LogReader::from_reader(Path::new("a.log"), Box::new(Cursor::new(bad)), None);
            errors += usize::from(opened.is_ok_and(|mut reader| read(&mut reader).1.is_some()));
        }
        // zstd checks its text only if it was packed so, which is not its default.
        let least = if format == Format::Zstd { 5 } else { 30 };
        assert!(errors > least, "{format}: {errors} of 40 flips were seen");
    }
}

#[test]
fn an_archive_that_needs_more_memory_than_is_allowed_is_refused_with_the_limit() {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 9);
    out.write_all(b"line\n").unwrap();
    let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    zstd.window_log(27).unwrap();
    zstd.write_all(&text(0..100_000)).unwrap();
    for (packed, limit) in [(out.finish().unwrap(), "18874368"), (zstd.finish().unwrap(), "16777216")] {
        let (read, error) = read(&mut open(&packed, 0));
        let error = error.unwrap();
        assert!(read.is_empty());
        assert!(
            error.to_string().contains(&format!("more memory than the limit of {limit} bytes")),
            "{error}"
        );
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_is_packed_otherwise_is_told() {
    let raw = |bytes: &'static [u8]| LogReader::from_reader(Path::new("x"), Box::new(bytes), None);
    assert_eq!(raw(b"BZh91AY&SYxxxx").unwrap_err().to_string(), "cannot read bzip2 archives: `x`");
    assert!(raw(b"BZh, said the log\n").is_ok() && raw(b"").is_ok() && raw(b"\x1f").is_ok());
}

#[test]
fn long_lines_are_counted_and_the_others_delivered() {
    let long = vec![b'x'; 1_000_000];
    let just_right = vec![b'z'; MAX_LINE_BYTES];
    let parts: [&[u8]; 8] = [b"first\n", &long, b"\nmiddle\n", &just_right, b"\n", &long, b"\nlast\n", &long];
    for block_bytes in [0, 1 << 20] {
        let mut reader = open(&gz(&parts.concat()), block_bytes);
        let (read, error) = read(&mut reader);
        assert!(error.is_none());
        assert_eq!(read, [b"first\nmiddle\n", &just_right[..], b"\nlast\n"].concat());
        let progress = reader.progress();
        assert_eq!((progress.long_lines, progress.long_bytes), (2, 3_000_002));
    }
}

#[test]
fn a_read_error_of_the_file_is_no_damage() {
    struct Broken(Cursor<Vec<u8>>);
    impl Read for Broken {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.read(buf)?;
            if n == 0 { Err(std::io::Error::other("disk on fire")) } else { Ok(n) }
        }
    }
    for (format, pack) in PACKERS {
        let mut packed = pack(&text(0..1000));
        packed.truncate(packed.len() - 9);
        let mut reader =
            LogReader::from_reader(Path::new("a.log"), Box::new(Broken(Cursor::new(packed))), None).unwrap();
        let error = read(&mut reader).1.unwrap();
        assert!(matches!(error, SourceError::Read { .. }), "{format}: {error}");
        assert!(error.to_string().ends_with("disk on fire"), "{error}");
    }
}

// === finding them ===

fn folder(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), format!("{name}\n")).unwrap();
    }
    dir
}

fn names(dir: &Path, paths: &[PathBuf], rotated: bool) -> (Vec<String>, Vec<String>) {
    let found = expand(paths, rotated);
    let name = |path: &Path| path.strip_prefix(dir).unwrap_or(path).display().to_string();
    let files = found.files.iter().map(|file| name(&file.path)).collect();
    (files, found.problems.iter().map(ToString::to_string).collect())
}

const LOGS: [&str; 14] = [
    "auth.log",
    "auth.log.1",
    "auth.log.2.gz",
    "auth.log.10.gz",
    "auth.log.3.zst",
    "kern.log",
    "kern.log.1",
    "syslog",
    "syslog-20261030.xz",
    "syslog-20261101",
    "app-20261101.log",
    "app.log",
    "python3.11.log",
    "sub/other.log",
];

#[test]
fn a_folder_gives_each_log_from_its_oldest_part_to_its_newest() {
    let dir = folder(&LOGS);
    fs::write(dir.path().join("wtmp"), b"\x07\0\0\0 binary").unwrap();
    fs::write(dir.path().join(".hidden.log"), b"hidden\n").unwrap();
    let (files, problems) = names(dir.path(), &[dir.path().to_owned()], false);
    let expected = [
        "app-20261101.log",
        "app.log",
        "auth.log.10.gz",
        "auth.log.3.zst",
        "auth.log.2.gz",
        "auth.log.1",
        "auth.log",
        "kern.log.1",
        "kern.log",
        "python3.11.log",
        "syslog-20261030.xz",
        "syslog-20261101",
        "syslog",
    ];
    assert_eq!(files, expected);
    assert_eq!(problems, [""; 0]);
}

#[test]
fn a_file_brings_its_older_parts_only_when_asked() {
    let dir = folder(&LOGS);
    let log = [dir.path().join("auth.log")];
    assert_eq!(names(dir.path(), &log, false).0, ["auth.log"]);
    let all = ["auth.log.10.gz", "auth.log.3.zst", "auth.log.2.gz", "auth.log.1", "auth.log"];
    assert_eq!(names(dir.path(), &log, true).0, all);
    let glob = [dir.path().join("auth.log*"), dir.path().join("auth.log.1"), dir.path().join("sub")];
    let files = names(dir.path(), &glob, false).0;
    assert_eq!((&files[..5], &files[5]), (&all.map(str::to_owned)[..], &"sub/other.log".to_owned()));
}

#[test]
fn the_log_of_a_part_is_named_and_the_same_names_in_two_folders_are_two_logs() {
    let dir = folder(&["a/x.log.1", "a/x.log", "b/x.log.1", "b/x.log"]);
    let found = expand(&[dir.path().join("*/x.log*")], false);
    let bases: Vec<_> = found.files.iter().map(|file| file.base.clone()).collect();
    let (a, b) = (dir.path().join("a/x.log"), dir.path().join("b/x.log"));
    assert_eq!(bases, [a.clone(), a, b.clone(), b]);
    assert_eq!(found.files[0].bytes, 10);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_others_go_on() {
    let dir = folder(&["a.log", "a.log.1", "a.log.1.gz"]);
    let path = |name: &str| dir.path().join(name);
    let wanted = [path("missing.log"), path("a.log*"), path("none*"), path("[a"), path("dangling")];
    std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
    let (files, problems) = names(dir.path(), &wanted, false);
    assert_eq!(files, ["a.log.1", "a.log"]);
    let begins =
        ["cannot open log file", "no log file matches", "bad file name pattern", "cannot open log file"];
    for (problem, begin) in problems.iter().zip(begins) {
        assert!(problem.starts_with(begin), "{problem}");
    }
    assert_eq!(problems.len(), 5);
    assert!(problems[4].starts_with("log file is there twice"), "{}", problems[4]);
}

#[test]
fn standard_input_and_named_pipes_are_taken_as_they_are() {
    let dir = folder(&["a.log"]);
    let fifo = dir.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    let (files, problems) = names(dir.path(), &["-".into(), fifo, dir.path().join("a.log")], false);
    assert_eq!((files, problems), (vec!["-".to_owned(), "fifo".into(), "a.log".into()], vec![]));
}

#[test]
fn a_file_is_opened_by_its_path_whatever_its_name_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log.1.gz");
    fs::write(&path, b"not packed\n").unwrap();
    let mut reader = LogReader::open(&path).unwrap();
    assert_eq!((reader.format(), read(&mut reader).0), (Format::Plain, b"not packed\n".to_vec()));
    File::create(&path).unwrap().write_all(&xz(b"packed\n")).unwrap();
    let mut reader = LogReader::open(&path).unwrap();
    assert_eq!((reader.format(), read(&mut reader).0), (Format::Xz, b"packed\n".to_vec()));
    assert!(matches!(LogReader::open(dir.path()), Err(SourceError::NotAFile { .. })));
}
