//! A writer that rotates its log as logrotate does, and a reader that keeps books.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stockade_core::Position;
use stockade_source::{Event, FollowSpec, Follower, Notice, Pattern, Source, Start};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A small generator of numbers that look random: xorshift.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 to `bound - 1`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The text of line `number`: it names itself, and its length varies.
pub(crate) fn line(number: u64) -> String {
    format!(
        "{number:08} Nov 22 10:00:00 host sshd[{}]: {}\n",
        number % 991,
        "x".repeat((number * 7 % 61) as usize)
    )
}

/// The number of a line, checked letter by letter.
pub(crate) fn number_of(text: &[u8]) -> u64 {
    let number = std::str::from_utf8(text).ok().and_then(|t| t.get(..8)).and_then(|n| n.parse().ok());
    let number = number.unwrap_or_else(|| panic!("not a line of ours: {:?}", String::from_utf8_lossy(text)));
    assert_eq!(text, line(number).as_bytes(), "a line must come as it was written");
    number
}

/// Writes numbered lines to a log in odd-sized chunks.
pub(crate) struct Writer {
    pub(crate) path: PathBuf,
    file: File,
    pub(crate) next: u64,
    pending: Vec<u8>,
    pub(crate) rng: Rng,
}

impl Writer {
    pub(crate) fn new(path: &Path, seed: u64) -> Self {
        Self { path: path.to_owned(), file: append(path), next: 0, pending: Vec::new(), rng: Rng::new(seed) }
    }

    /// Writes one chunk: a part of a line, or parts of several.
    pub(crate) fn chunk(&mut self) {
        let size = 1 + self.rng.below(90) as usize;
        while self.pending.len() < size {
            self.pending.extend_from_slice(line(self.next).as_bytes());
            self.next += 1;
        }
        let rest = self.pending.split_off(size);
        self.file.write_all(&std::mem::replace(&mut self.pending, rest)).unwrap();
    }

    /// Writes the rest of the line that was begun.
    pub(crate) fn finish_line(&mut self) {
        self.file.write_all(&std::mem::take(&mut self.pending)).unwrap();
    }

    /// Writes one line with one call.
    pub(crate) fn whole_line(&mut self) {
        self.file.write_all(line(self.next).as_bytes()).unwrap();
        self.next += 1;
    }

    pub(crate) fn reopen(&mut self) {
        self.file = append(&self.path);
    }

    /// Whether there is a `.1` with something in it.
    pub(crate) fn packable(&self) -> bool {
        fs::metadata(numbered(&self.path, 1)).is_ok_and(|meta| meta.len() > 0)
    }

    /// `create`: renames the log in the middle of a line, writes on for a while, then goes to the new file.
    /// The new file is made at once or only when the writer needs it.
    pub(crate) fn rotate_by_rename(&mut self, keep: u32, create: bool) {
        shift(&self.path, keep);
        fs::rename(&self.path, numbered(&self.path, 1)).unwrap();
        if create {
            append(&self.path);
        }
        for _ in 0..self.rng.below(40) {
            self.chunk();
        }
        self.finish_line();
        self.reopen();
    }

    /// `copytruncate` between two lines, so that logrotate itself loses nothing.
    pub(crate) fn rotate_by_copy(&mut self, keep: u32) {
        self.finish_line();
        copy_and_cut(&self.path, keep);
    }
}

pub(crate) fn append(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    PathBuf::from(format!("{}.{number}", path.display()))
}

/// Makes room for a new `.1`, as logrotate does: packed and unpacked parts move up, the last one goes.
pub(crate) fn shift(path: &Path, keep: u32) {
    for number in (1..=keep).rev() {
        for suffix in ["", ".gz"] {
            let from = PathBuf::from(format!("{}{suffix}", numbered(path, number).display()));
            let to = PathBuf::from(format!("{}{suffix}", numbered(path, number + 1).display()));
            if from.exists() {
                if number == keep { fs::remove_file(from).unwrap() } else { fs::rename(from, to).unwrap() }
            }
        }
    }
}

pub(crate) fn copy_and_cut(path: &Path, keep: u32) {
    shift(path, keep);
    let mut from = File::open(path).unwrap();
    let mut to = File::create(numbered(path, 1)).unwrap();
    std::io::copy(&mut from, &mut to).unwrap();
    OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
}

/// Packs a rotated part and removes the original, as `compress` does.
pub(crate) fn pack(path: &Path) {
    let packed = PathBuf::from(format!("{}.gz", path.display()));
    let mut out = flate2::write::GzEncoder::new(File::create(packed).unwrap(), flate2::Compression::fast());
    let mut text = Vec::new();
    File::open(path).unwrap().read_to_end(&mut text).unwrap();
    out.write_all(&text).unwrap();
    out.finish().unwrap();
    fs::remove_file(path).unwrap();
}

/// A follower, and what came of it.
pub(crate) struct Reader {
    pub(crate) follower: Follower,
    /// What was committed: lines in the order in which they came.
    pub(crate) lines: Vec<(String, Vec<u8>)>,
    /// What a store would hold.
    pub(crate) positions: BTreeMap<String, Position>,
    pub(crate) notices: Vec<String>,
    patterns: Vec<Pattern>,
}

impl Reader {
    pub(crate) fn new(patterns: &[&Path], start: Start) -> Self {
        let patterns: Vec<Pattern> =
            patterns.iter().map(|p| Pattern::new(p.to_str().unwrap(), start).unwrap()).collect();
        let follower = Follower::new(FollowSpec::new(patterns.clone()), &[]).unwrap();
        Self { follower, lines: Vec::new(), positions: BTreeMap::new(), notices: Vec::new(), patterns }
    }

    /// One call of `next`, committed.
    pub(crate) fn turn(&mut self, wait: Duration) -> usize {
        let batch = self.uncommitted(wait);
        let lines = batch.lines.len();
        self.commit(batch);
        lines
    }

    /// One call of `next`, not committed: what a crash forgets.
    pub(crate) fn uncommitted(&mut self, wait: Duration) -> Uncommitted {
        let mut batch = Uncommitted::default();
        self.follower
            .next(wait, &mut |event| match event {
                Event::Block(block) => {
                    let position = block.position(None);
                    for line in block.bytes.split_inclusive(|b| *b == b'\n') {
                        assert!(line.ends_with(b"\n"), "a block holds whole lines");
                        batch.lines.push((block.stream.to_string(), line.to_vec()));
                    }
                    batch.positions.push(position);
                }
                Event::Notice(notice) => {
                    if let Notice::Opened { position, .. } = &notice {
                        batch.positions.push(position.clone());
                    }
                    batch.notices.push(notice.to_string());
                }
            })
            .unwrap();
        batch
    }

    pub(crate) fn commit(&mut self, batch: Uncommitted) {
        self.lines.extend(batch.lines);
        self.notices.extend(batch.notices);
        for position in batch.positions {
            self.positions.insert(position.stream.to_string(), position);
        }
    }

    /// What a crash and a new start do: all is gone but what was committed.
    pub(crate) fn restart(&mut self) {
        let stored: Vec<Position> = self.positions.values().cloned().collect();
        self.follower = Follower::new(FollowSpec::new(self.patterns.clone()), &stored).unwrap();
    }

    /// Reads until so many lines are there.
    pub(crate) fn read_until(&mut self, lines: usize) {
        let give_up = Instant::now() + PATIENCE;
        while self.lines.len() < lines {
            self.turn(Duration::from_millis(50));
            if Instant::now() > give_up {
                panic!("{} of {lines} lines came, {}; {:#?}", self.lines.len(), self.jumps(), self.notices);
            }
        }
    }

    /// Reads until nothing has come for `quiet`.
    pub(crate) fn read_until_quiet(&mut self, quiet: Duration) {
        let mut last = Instant::now();
        while last.elapsed() < quiet {
            if self.turn(Duration::from_millis(10)) > 0 {
                last = Instant::now();
            }
        }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|(_, line)| String::from_utf8_lossy(line).trim_end().to_owned()).collect()
    }

    /// Where the numbers do not follow each other, for messages.
    pub(crate) fn jumps(&self) -> String {
        let number =
            |line: &[u8]| std::str::from_utf8(line.get(..8).unwrap_or(line)).unwrap_or_default().to_owned();
        let numbers: Vec<String> = self.lines.iter().map(|(_, line)| number(line)).collect();
        let follows = |pair: &[String]| {
            pair[0].parse::<u64>().is_ok_and(|a| pair[1].parse::<u64>().is_ok_and(|b| b == a + 1))
        };
        let jumps: Vec<_> = numbers.windows(2).filter(|pair| !follows(pair)).collect();
        format!("at last {:?}, jumps {:?}", numbers.last(), &jumps[..jumps.len().min(20)])
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.lines.iter().map(|(_, line)| number_of(line)).collect()
    }
}

#[derive(Default)]
pub(crate) struct Uncommitted {
    pub(crate) lines: Vec<(String, Vec<u8>)>,
    pub(crate) positions: Vec<Position>,
    pub(crate) notices: Vec<String>,
}

/// Says where a sequence is not 0, 1, 2, … and fails.
pub(crate) fn assert_sequence(numbers: &[u64], count: u64) {
    for (at, number) in numbers.iter().enumerate() {
        assert_eq!(
            *number,
            at as u64,
            "at line {at}: {:?}",
            &numbers[at.saturating_sub(3)..(at + 4).min(numbers.len())]
        );
    }
    assert_eq!(numbers.len() as u64, count);
}
