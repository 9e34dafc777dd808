//! What the loop does from time to time.

use std::time::{Duration, Instant};

use super::engine::HOUSEKEEPING;

/// What is to be done, and when.
pub(super) struct Due {
    pub(super) tick: Instant,
    pub(super) housekeeping: Instant,
    pub(super) reconcile: Instant,
    /// How many readings were taken whose sources wait to read on.
    pub(super) permits: usize,
}

impl Due {
    pub(super) fn new(reconcile_every: Duration) -> Self {
        let now = Instant::now();
        Self { tick: now, housekeeping: now + HOUSEKEEPING, reconcile: now + reconcile_every, permits: 0 }
    }
}
