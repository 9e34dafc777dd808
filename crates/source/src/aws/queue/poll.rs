//! Waiting for messages in a way that another thread can end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{AbortHandle, abortable};
use stockade_aws::Fault;

use super::{Queue, Received};

/// One place from which messages are taken. A clone is the same place.
#[derive(Clone, Debug, Default)]
pub struct Poll {
    stopped: Arc<AtomicBool>,
    waiting: Arc<Mutex<Option<AbortHandle>>>,
}

impl Poll {
    /// Takes messages, at most [`BATCH`](super::BATCH), and waits for the first up to `wait`. None, at once, after
    /// [`Poll::stop`]: what was on its way then comes again when it is no longer hidden.
    ///
    /// # Errors
    /// If AWS refuses or does not answer.
    pub fn take(&self, queue: &Queue, wait: Duration) -> Result<Vec<Received>, Fault> {
        let (request, handle) = abortable(queue.take(wait));
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.is_stopped() {
                return Ok(Vec::new());
            }
            *waiting = Some(handle);
        }
        queue.aws.block_on(request).unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Ends the waiting of now, and all later.
    pub fn stop(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(handle) = &*waiting {
            handle.abort();
        }
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}
