//! Standard input, or any other descriptor that ends, as a live stream.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stockade_core::StreamName;
use stockade_core::limits::MAX_LINE_BYTES;

use crate::block::{Block, Event, Flow, Mark, Source};
use crate::limits::BLOCK_BYTES;
use crate::lines::{Cut, Cutter};
use crate::waker::{Woken, wait};
use crate::{Notice, SourceError, Waker};

/// Reads a pipe until its other end is closed. What was read cannot be read again, so a position says nothing after
/// a restart; each run is an incarnation of its own.
pub struct Pipe {
    stream: StreamName,
    generation: String,
    fd: OwnedFd,
    waker: Waker,
    /// One byte more than is ever filled by reading: room for a last line's end.
    buffer: Vec<u8>,
    filled: usize,
    offset: u64,
    cutter: Cutter,
    /// Bytes so far of a line that is too long.
    long: u64,
    ended: bool,
    told: bool,
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("stream", &self.stream)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Pipe {
    /// Standard input, as the stream `stdin`.
    ///
    /// # Errors
    ///
    /// [`SourceError::System`] if there is no standard input or no descriptor is left.
    pub fn stdin() -> Result<Self, SourceError> {
        let fd = io::stdin().as_fd().try_clone_to_owned();
        Self::new("stdin", fd.map_err(|error| SourceError::System { what: "use standard input", error })?)
    }

    /// Any descriptor that can be read and polled, as the stream `name`.
    ///
    /// # Errors
    ///
    /// [`SourceError::System`] if no descriptor is left.
    pub fn new(name: &str, fd: OwnedFd) -> Result<Self, SourceError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            stream: name.into(),
            generation: format!("{:x}-{:x}", now.as_nanos(), std::process::id()),
            fd,
            waker: Waker::new()?,
            buffer: vec![0; BLOCK_BYTES + 1],
            filled: 0,
            offset: 0,
            cutter: Cutter::new(MAX_LINE_BYTES),
            long: 0,
            ended: false,
            told: false,
        })
    }

    /// Hands on what the buffer holds; true if there was anything.
    fn deliver(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let mut start = 0;
        let mut any = false;
        while let Some(cut) = self.cutter.cut(self.buffer.get(start..self.filled).unwrap_or_default()) {
            let (bytes, taken) = match cut {
                Cut::Lines(n) => (n, n),
                Cut::Torn if self.ended => {
                    if let Some(spare) = self.buffer.get_mut(self.filled) {
                        *spare = b'\n';
                    }
                    (self.filled - start + 1, self.filled - start)
                }
                Cut::Torn => break,
                Cut::LongEnd(n) | Cut::LongOpen(n) => {
                    self.long += n as u64;
                    self.offset += n as u64;
                    start += n;
                    if matches!(cut, Cut::LongEnd(_)) {
                        sink(Event::Notice(Notice::LongLine {
                            stream: self.stream.clone(),
                            generation: self.generation.clone(),
                            offset: self.offset - self.long,
                            bytes: std::mem::take(&mut self.long),
                        }));
                        any = true;
                    }
                    continue;
                }
            };
            let mark = |offset| Mark { generation: &self.generation, offset, cursor: None };
            sink(Event::Block(Block {
                stream: &self.stream,
                generation: &self.generation,
                offset: self.offset,
                bytes: self.buffer.get(start..start + bytes).unwrap_or_default(),
                live: true,
                times: None,
                wanted_by: &[0],
                begin: mark(self.offset),
                end: mark(self.offset + taken as u64),
            }));
            self.offset += taken as u64;
            start += taken;
            any = true;
        }
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        any
    }

    fn read(&mut self) -> Result<(), SourceError> {
        let room = self.buffer.len() - 1;
        let free = self.buffer.get_mut(self.filled..room).unwrap_or_default();
        match rustix::io::read(&self.fd, free) {
            Ok(0) => self.ended = true,
            Ok(n) => self.filled += n,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            // The terminal behind it is gone, which is an end as well.
            Err(rustix::io::Errno::IO) => self.ended = true,
            Err(errno) => {
                return Err(SourceError::Read {
                    path: (&*self.stream).into(),
                    byte: self.offset,
                    error: errno.into(),
                });
            }
        }
        Ok(())
    }
}

impl Source for Pipe {
    fn next(&mut self, wait_for: Duration, sink: &mut dyn FnMut(Event<'_>)) -> Result<Flow, SourceError> {
        let until = Instant::now() + wait_for;
        while !self.ended {
            if wait(&self.waker, &[self.fd.as_fd()], until) != Woken::Ready {
                return Ok(Flow::Open);
            }
            self.read()?;
            if !self.ended && self.deliver(sink) {
                return Ok(Flow::Open);
            }
        }
        self.deliver(sink);
        if !std::mem::replace(&mut self.told, true) {
            sink(Event::Notice(Notice::Ended { stream: self.stream.clone() }));
        }
        Ok(Flow::Ended)
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks as offset and text, notices, and whether there is more to come.
    type Pulled = (Vec<(u64, Vec<u8>)>, Vec<String>, Flow);

    fn pull(pipe: &mut Pipe, wait: Duration) -> Pulled {
        let (mut blocks, mut notices) = (Vec::new(), Vec::new());
        let flow = pipe
            .next(wait, &mut |event| match event {
                Event::Block(block) => blocks.push((block.offset, block.bytes.to_vec())),
                Event::Notice(notice) => notices.push(notice.to_string()),
            })
            .unwrap();
        (blocks, notices, flow)
    }

    #[test]
    fn lines_come_at_once_and_a_torn_one_when_it_is_whole_or_at_the_end() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut pipe = Pipe::new("stdin", read).unwrap();
        rustix::io::write(&write, b"one\ntw").unwrap();
        assert_eq!(pull(&mut pipe, Duration::from_secs(9)).0, [(0, b"one\n".to_vec())]);
        assert_eq!(pull(&mut pipe, Duration::from_millis(5)).0, []);
        rustix::io::write(&write, b"o\nthree").unwrap();
        assert_eq!(pull(&mut pipe, Duration::from_secs(9)).0, [(4, b"two\n".to_vec())]);
        drop(write);
        let (blocks, notices, flow) = pull(&mut pipe, Duration::from_secs(9));
        assert_eq!(blocks, [(8, b"three\n".to_vec())]);
        assert_eq!((notices.len(), flow), (1, Flow::Ended));
        assert_eq!(pull(&mut pipe, Duration::from_secs(9)), (vec![], vec![], Flow::Ended));
    }

    #[test]
    fn a_long_line_in_pieces_is_counted_and_passed_over() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut pipe = Pipe::new("stdin", read).unwrap();
        let writer = std::thread::spawn(move || {
            for _ in 0..1000 {
                rustix::io::write(&write, &[b'x'; 1000]).unwrap();
            }
            rustix::io::write(&write, b"\nshort\n").unwrap();
        });
        let (mut lines, mut notices) = (Vec::new(), Vec::new());
        loop {
            let (blocks, told, flow) = pull(&mut pipe, Duration::from_secs(9));
            lines.extend(blocks);
            notices.extend(told);
            if flow == Flow::Ended {
                break;
            }
        }
        writer.join().unwrap();
        assert_eq!(lines, [(1_000_001, b"short\n".to_vec())]);
        assert_eq!(notices[0], "line of 1000001 bytes passed over: `stdin`: at byte 0");
    }
}
