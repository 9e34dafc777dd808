//! Waiting for descriptors, and ending the wait from another thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::SourceError;

/// Ends a source's wait from another thread. Cheap to clone. A wake-up that comes before the wait ends the next one.
#[derive(Clone, Debug)]
pub struct Waker {
    fd: Arc<OwnedFd>,
}

impl Waker {
    pub(crate) fn new() -> Result<Self, SourceError> {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| SourceError::System { what: "create a waker", error: error.into() })?;
        Ok(Self { fd: Arc::new(fd) })
    }

    /// Makes the source's current or next wait return.
    pub fn wake(&self) {
        // It can only fail when the counter is full, and then the wait ends anyway.
        let _ = rustix::io::write(&*self.fd, &1u64.to_ne_bytes());
    }

    /// Forgets wake-ups so far; true if there was one.
    fn reset(&self) -> bool {
        rustix::io::read(&*self.fd, &mut [0u8; 8]).is_ok()
    }
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// One of the descriptors can be read, or has been closed at the other end.
    Ready,
    /// The time was up.
    Timeout,
    /// Somebody used the waker.
    Waker,
}

/// Waits until one of `fds` is readable, `until` has come, or `waker` is used.
pub(crate) fn wait(waker: &Waker, fds: &[BorrowedFd<'_>], until: Instant) -> Woken {
    let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(fds.len() + 1);
    polled.push(PollFd::from_borrowed_fd(waker.fd.as_fd(), PollFlags::IN));
    polled.extend(fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match poll(&mut polled, Some(&timespec(left))) {
            Err(rustix::io::Errno::INTR) => {}
            // Out of kernel memory: as good as a time-out, the caller looks at everything and comes back.
            Err(_) | Ok(0) => return Woken::Timeout,
            Ok(_) if waker.reset() => return Woken::Waker,
            Ok(_) => return Woken::Ready,
        }
    }
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost_and_counts_once() {
        let waker = Waker::new().unwrap();
        waker.clone().wake();
        waker.wake();
        let soon = || Instant::now() + Duration::from_millis(20);
        assert_eq!(wait(&waker, &[], Instant::now() + Duration::from_secs(60)), Woken::Waker);
        assert_eq!(wait(&waker, &[], soon()), Woken::Timeout);
    }

    #[test]
    fn a_wait_for_no_time_at_all_still_sees_what_is_ready() {
        let waker = Waker::new().unwrap();
        let (read, write) = rustix::pipe::pipe().unwrap();
        assert_eq!(wait(&waker, &[read.as_fd()], Instant::now()), Woken::Timeout);
        rustix::io::write(&write, b"x").unwrap();
        assert_eq!(wait(&waker, &[read.as_fd()], Instant::now()), Woken::Ready);
    }
}
