//! Writes the log as syslog does, in pieces of any size, and rotates it as logrotate does.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::attack::{Attack, Random};
use super::support::{Site, log_line};

/// How many bytes are written at once, at most; a line is torn as often as not.
const MAX_PIECE: u64 = 20_000;

#[derive(Debug)]
pub(crate) struct Writer<'a> {
    site: &'a Site,
    attack: &'a Attack,
    file: File,
    random: Random,
    /// How many lines are on their way.
    taken: usize,
    /// What is not written yet of them.
    waiting: Vec<u8>,
    /// Where the log is still to be rotated.
    rotate_at: Vec<usize>,
    rotated: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(site: &'a Site, attack: &'a Attack, rotations: usize, seed: u64) -> Self {
        let lines = attack.lines.len();
        let place = |n: usize| {
            let wanted = lines * n / (rotations + 1);
            attack.quiet.iter().copied().find(|&at| at >= wanted).unwrap_or(lines)
        };
        let mut rotate_at: Vec<usize> = (1..=rotations).map(place).collect();
        rotate_at.reverse();
        let file = OpenOptions::new().append(true).open(site.log()).unwrap();
        let random = Random(seed.rotate_left(32) | 1);
        Self { site, attack, file, random, taken: 0, waiting: Vec::new(), rotate_at, rotated: 0 }
    }

    /// Writes up to `line` in many pieces for so long, and stops there.
    pub(crate) fn write_for(&mut self, line: usize, time: Duration) {
        let end = Instant::now() + time;
        self.write_while(line, || Instant::now() < end);
    }

    /// Writes up to `line` in many pieces while `going`, and stops there.
    pub(crate) fn write_while(&mut self, line: usize, mut going: impl FnMut() -> bool) {
        while going() {
            if self.taken < line || !self.waiting.is_empty() {
                let lines =
                    line.saturating_sub(self.taken).min(1 + usize::try_from(self.random.below(60)).unwrap());
                self.take(lines);
                self.write_piece();
            }
            thread::sleep(Duration::from_micros(self.random.below(5_000)));
        }
    }

    /// Writes all that is left.
    pub(crate) fn write_rest(&mut self) {
        while self.taken < self.attack.lines.len() || !self.waiting.is_empty() {
            self.take(500);
            self.write_piece();
        }
        assert!(self.rotate_at.is_empty(), "not rotated {} times", self.rotate_at.len());
    }

    fn take(&mut self, lines: usize) {
        // A file is rotated only when it ends with a whole line.
        let until = self.rotate_at.last().copied().unwrap_or(usize::MAX);
        for (pid, message) in self.attack.lines.iter().take(until).skip(self.taken).take(lines) {
            self.waiting.extend(log_line(*pid, message).bytes());
            self.taken += 1;
        }
        if self.taken == until && self.waiting.is_empty() {
            self.rotate();
        }
    }

    fn write_piece(&mut self) {
        let size = usize::try_from(1 + self.random.below(MAX_PIECE)).unwrap().min(self.waiting.len());
        self.file.write_all(&self.waiting[..size]).unwrap();
        self.waiting.drain(..size);
    }

    /// The old file is renamed, with those before it, and a new one is made.
    fn rotate(&mut self) {
        self.rotate_at.pop();
        let log = self.site.log();
        let name = |n: usize| log.with_extension(format!("log.{n}"));
        for n in (1..=self.rotated).rev() {
            fs::rename(name(n), name(n + 1)).unwrap();
        }
        fs::rename(&log, name(1)).unwrap();
        // Sometimes it takes a while until the new one is there.
        thread::sleep(Duration::from_micros(self.random.below(20_000)));
        self.file = OpenOptions::new().create_new(true).append(true).open(&log).unwrap();
        self.rotated += 1;
    }
}
