//! A stream's turn: what is new is read and handed on, at most [`TURN_BYTES`] of it.

use stockade_core::StreamName;

use super::context::Context;
use super::identity::Memory;
use super::life::{Fetched, Life, Piece};
use super::rotate::Sorted;
use super::stream::Stream;
use super::token::cursor;
use crate::block::{Block, Event, Mark};
use crate::limits::{MAX_LATE, TURN_BYTES};
use crate::{Notice, SourceError};

/// How many steps from life to life one turn takes at most.
const MAX_STEPS: usize = 64;

impl Stream {
    /// Reads what is new, late lines first. True if there is more.
    pub(crate) fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        if self.lives.is_empty() {
            self.open(cx);
        } else if std::mem::take(&mut self.has_successor) {
            self.succeed(cx);
        }
        let mut budget = TURN_BYTES;
        let more_late = self.read_late(cx, &mut budget);
        for _ in 0..MAX_STEPS {
            if budget == 0 {
                return true;
            }
            match self.step(cx, &mut budget) {
                Step::Again => {}
                Step::Done => return more_late,
                Step::Later => return true,
            }
        }
        true
    }

    fn step(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> Step {
        // Whoever writes to the next file has left this one: asked before this one is read, so that its end is the end.
        let left = self.lives.iter().skip(1).any(Life::has_data);
        let Some(front) = self.lives.front_mut() else { return Step::Done };
        if front.is_packed() {
            return self.step_packed(cx, budget, left);
        }
        let at_end = match front.fetch(cx.buffer, cx.now) {
            Ok(Fetched::Bytes { start, end, at_end }) => match self.hand_on(cx, start, end) {
                Ok(Sorted::Changed) => return Step::Again,
                Ok(Sorted::Later) => return Step::Later,
                Ok(Sorted::AsItWas) => {
                    *budget = budget.saturating_sub(end - start);
                    at_end
                }
                Err(error) => return self.broken(cx, error, left),
            },
            Ok(Fetched::Nothing) => true,
            Ok(Fetched::Changed) => match self.cut(cx, 0) {
                Ok(Sorted::Later) => return Step::Later,
                Ok(_) => return Step::Again,
                Err(error) => return self.broken(cx, error, left),
            },
            Err(error) => return self.broken(cx, error, left),
        };
        match (at_end, left) {
            (false, _) => Step::Again,
            (true, true) => self.go_on(cx),
            (true, false) => {
                if let Some(front) = self.lives.front_mut() {
                    front.live = true;
                }
                Step::Done
            }
        }
    }

    /// Delivers what was fetched, unless there is something to be read before it.
    fn hand_on(&mut self, cx: &mut Context<'_>, start: usize, end: usize) -> std::io::Result<Sorted> {
        let fetched = cx.buffer.get(start..end).unwrap_or_default();
        let unknown = self.lives.front().is_some_and(|life| !life.is_frozen());
        if unknown && memchr::memchr(b'\n', fetched).is_some() {
            let first = fetched.get(..super::find::COPY_BYTES).unwrap_or(fetched).to_vec();
            let sorted = self.insert_missed(cx, 0, &first)?;
            if sorted != Sorted::AsItWas {
                return Ok(sorted);
            }
            if let Some(front) = self.lives.front_mut() {
                front.anchor = None;
            }
        }
        let fetched = cx.buffer.get(start..end).unwrap_or_default();
        let Self { lives, late, name, wanted_by, .. } = self;
        let Some(front) = lives.front_mut() else { return Ok(Sorted::AsItWas) };
        let sink = &mut *cx.sink;
        front.deliver(fetched, |life, piece| {
            let cursor = cursor(life.check(), late.iter().map(Life::memory));
            send(sink, name, wanted_by, life.name(), life.live, &piece, |offset| Mark {
                generation: life.name(),
                offset,
                cursor: Some(&cursor),
            });
        })?;
        Ok(Sorted::AsItWas)
    }

    fn step_packed(&mut self, cx: &mut Context<'_>, budget: &mut usize, left: bool) -> Step {
        let Self { lives, late, name, wanted_by, .. } = self;
        let Some(front) = lives.front_mut() else { return Step::Done };
        let sink = &mut *cx.sink;
        let live = front.live;
        let delivered = front.unpack(|generation, check, piece| {
            let cursor = cursor(check, late.iter().map(Life::memory));
            send(sink, name, wanted_by, generation, live, &piece, |offset| Mark {
                generation,
                offset,
                cursor: Some(&cursor),
            });
            if let Piece::Lines { bytes, .. } = piece {
                *budget = budget.saturating_sub(bytes.len());
            }
        });
        match delivered {
            Ok(true) => Step::Again,
            Ok(false) if left => self.go_on(cx),
            Ok(false) => Step::Done,
            Err(error) => {
                self.complain(cx, error);
                if left { self.go_on(cx) } else { Step::Done }
            }
        }
    }

    /// The front was read to its end, and the next file has begun.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(life) = self.lives.pop_front() else { return Step::Done };
        if let Some(next) = self.lives.front_mut() {
            next.live |= life.live;
        }
        cx.tell(Notice::Rotated { stream: self.name.clone(), from: life.name().to_string() });
        if life.growing {
            self.late.push(life);
            if self.late.len() > MAX_LATE {
                let oldest = self.late.remove(0);
                self.close(cx, &oldest);
            }
        } else {
            self.close(cx, &life);
        }
        Step::Again
    }

    /// A file cannot be read any more: told, and left for its successor if it has one.
    fn broken(&mut self, cx: &mut Context<'_>, error: std::io::Error, left: bool) -> Step {
        let (path, byte) =
            self.lives.front().map_or((self.path.clone(), 0), |life| (life.path.clone(), life.seen()));
        self.complain(cx, SourceError::Read { path, byte, error });
        if left { self.go_on(cx) } else { Step::Done }
    }

    /// Reads what still came into rotated files. Their lines are named by their own life; the position that goes with
    /// them is that of the file being read now. True if there is more.
    fn read_late(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> bool {
        let mut at = 0;
        while at < self.late.len() {
            let Some(front) = self.lives.front() else { return false };
            let now_at = front.memory();
            let front_name = front.name().clone();
            let mut others: Vec<Memory> = self.late.iter().map(Life::memory).collect();
            let Some(life) = self.late.get_mut(at) else { return false };
            match life.fetch(cx.buffer, cx.now) {
                Ok(Fetched::Nothing) => at += 1,
                Ok(Fetched::Bytes { start, end, at_end }) => {
                    let fetched = cx.buffer.get(start..end).unwrap_or_default();
                    *budget = budget.saturating_sub(end - start);
                    let sink = &mut *cx.sink;
                    let (name, wanted_by) = (&self.name, &self.wanted_by);
                    let done = life.deliver(fetched, |life, piece| {
                        if let Some(own) = others.get_mut(at) {
                            *own = life.memory();
                        }
                        let cursor = cursor(now_at.tail, others.iter().copied());
                        send(sink, name, wanted_by, life.name(), true, &piece, |_| Mark {
                            generation: &front_name,
                            offset: now_at.offset,
                            cursor: Some(&cursor),
                        });
                    });
                    if done.is_ok() && !at_end {
                        if *budget == 0 {
                            return true;
                        }
                    } else {
                        at += 1;
                    }
                }
                Ok(Fetched::Changed) | Err(_) => {
                    let mut life = self.late.remove(at);
                    life.growing = false;
                    self.close(cx, &life);
                }
            }
        }
        false
    }
}

enum Step {
    /// There may be more.
    Again,
    /// There is nothing more now.
    Done,
    /// It must be tried again, soon.
    Later,
}

/// Hands one piece to the sink. `mark` says where the stream stands at an offset of the piece.
fn send<'a>(
    sink: &mut dyn FnMut(Event<'_>),
    stream: &StreamName,
    wanted_by: &[usize],
    generation: &str,
    live: bool,
    piece: &Piece<'_>,
    mark: impl Fn(u64) -> Mark<'a>,
) {
    match *piece {
        Piece::Lines { offset, bytes, end } => sink(Event::Block(Block {
            stream,
            generation,
            offset,
            bytes,
            live,
            times: None,
            wanted_by,
            begin: Mark { cursor: None, ..mark(offset) },
            end: mark(end),
        })),
        Piece::Long { offset, bytes } => sink(Event::Notice(Notice::LongLine {
            stream: stream.clone(),
            generation: generation.to_owned(),
            offset,
            bytes,
        })),
    }
}
