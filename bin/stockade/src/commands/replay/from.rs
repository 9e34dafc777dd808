//! Where events are replayed from: files, folders, a bucket.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use stockade_rule::Event;
use stockade_runtime::replay::events::EventReplay;
use stockade_source::events::{EventFile, EventReader, Form, Found, NoEvent, find};

use crate::cli::Global;
use crate::exit::{self, Failure};
use crate::output::progress::Progress;
use crate::output::text::count;

/// How long a replay goes on before it shows how far it has come.
const BEFORE_PROGRESS: Duration = Duration::from_millis(300);

/// How many problems of one file are told one by one, and how many in all; the others are counted.
const MAX_TOLD_OF_FILE: usize = 5;
const MAX_TOLD: usize = 50;

/// What was read.
pub(super) struct Read {
    pub(super) replay: EventReplay,
    /// Files and objects that were read, or begun.
    pub(super) files: u64,
    /// What could not be read; told already.
    pub(super) problems: Vec<String>,
    /// What is known to be no events.
    pub(super) left_out: Vec<String>,
}

/// Reads events into a replay.
pub(super) struct Reading<'g> {
    pub(super) global: &'g Global,
    pub(super) replay: EventReplay,
    pub(super) reader: EventReader,
    files: u64,
    problems: Vec<String>,
    pub(super) untold: u64,
    /// Problems of the file at hand that were told.
    told_of_file: usize,
    pub(super) left_out: Vec<String>,
    started: Instant,
    progress: Option<Progress>,
    total: Option<u64>,
    pub(super) taken: u64,
}

impl<'g> Reading<'g> {
    pub(super) fn new(replay: EventReplay, global: &'g Global) -> Self {
        Self {
            global,
            replay,
            reader: EventReader::new(),
            files: 0,
            problems: Vec::new(),
            untold: 0,
            told_of_file: 0,
            left_out: Vec::new(),
            started: Instant::now(),
            progress: None,
            total: Some(0),
            taken: 0,
        }
    }

    /// Reads everything that was named, in that order.
    pub(super) fn all(&mut self, from: &[String]) -> Result<(), Failure> {
        let (buckets, paths): (Vec<&String>, Vec<&String>) =
            from.iter().partition(|one| one.starts_with("s3://"));
        let found = find(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        for problem in &found.problems {
            self.complain(problem.to_string(), problem.hint().as_deref());
        }
        self.untold += found.more_problems;
        for (kind, many) in &found.no_events {
            if self.global.verbose > 0 {
                self.left_out.push(format!("{} left out", count(*many, what(*kind))));
            }
        }
        self.total = (buckets.is_empty() && found.files.iter().all(|file| file.bytes > 0))
            .then(|| found.files.iter().map(|file| file.bytes).sum());
        for file in &found.files {
            self.file(file);
        }
        for bucket in buckets {
            self.bucket(bucket)?;
        }
        Ok(())
    }

    /// What was read.
    pub(super) fn done(mut self) -> Read {
        drop(self.progress.take());
        if self.untold > 0 {
            let more = format!("{} like these", count(self.untold, "more problem"));
            exit::complain(&more, None);
            self.problems.push(more);
        }
        let Self { replay, files, problems, left_out, .. } = self;
        Read { replay, files, problems, left_out }
    }

    fn file(&mut self, file: &EventFile) {
        self.replay.begin(&file.path.display().to_string());
        match self.reader.open(&file.path) {
            Ok(()) => self.read(file.bytes),
            Err(problem) => self.complain(problem.to_string(), problem.hint().as_deref()),
        }
        self.taken += file.bytes;
    }

    /// Reads what the reader has begun. `size`: of all of it, packed.
    pub(super) fn read(&mut self, size: u64) {
        self.files += 1;
        self.told_of_file = 0;
        let mut since_look = 0_u32;
        loop {
            let problem = match self.reader.peek() {
                None => break,
                Some(Found::Problem(problem)) => Some(problem.to_string()),
                Some(Found::Event(event)) => match event.form {
                    Form::Record => match self.replay.take_first(event.text) {
                        Ok(length) => {
                            self.reader.advance(length);
                            None
                        }
                        Err(error) => Some(self.reader.pass_over(&error).to_string()),
                    },
                    Form::Envelope => match self.reader.next_event() {
                        Some(Found::Event(event)) => match self.replay.take(Event::Envelope(event.text)) {
                            Ok(()) => None,
                            Err(error) => Some(format!("line {}: {error}", event.line())),
                        },
                        Some(Found::Problem(problem)) => Some(problem.to_string()),
                        None => break,
                    },
                },
            };
            if let Some(problem) = problem {
                self.complain(problem, None);
            }
            since_look += 1;
            if since_look.is_multiple_of(4096) {
                self.show(size);
            }
        }
        self.show(size);
        let counts = self.reader.counts();
        if self.global.verbose > 0 {
            for (many, what) in [
                (counts.digests, "digest"),
                (counts.insights, "Insights event"),
                (counts.aggregated, "aggregated event"),
            ] {
                if many > 0 {
                    self.left_out.push(format!("{} left out", count(many, what)));
                }
            }
        }
    }

    fn show(&mut self, size: u64) {
        if self.progress.is_some() || self.started.elapsed() > BEFORE_PROGRESS {
            let total = self.total;
            let at = if self.total.is_some() {
                self.taken + size.min(self.reader.counts().bytes)
            } else {
                self.replay.so_far().bytes
            };
            self.progress.get_or_insert_with(|| Progress::new(total)).at(at);
        }
    }

    pub(super) fn complain(&mut self, problem: String, hint: Option<&str>) {
        if self.problems.len() >= MAX_TOLD || self.told_of_file >= MAX_TOLD_OF_FILE {
            self.untold += 1;
            return;
        }
        self.told_of_file += 1;
        exit::complain(&problem, hint);
        self.problems.push(problem);
    }
}

/// What files that hold no events are called.
pub(super) fn what(kind: NoEvent) -> &'static str {
    match kind {
        NoEvent::Digest => "digest file",
        NoEvent::Insight => "Insights file",
        _ => "aggregate file",
    }
}
