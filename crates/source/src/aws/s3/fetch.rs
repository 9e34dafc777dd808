//! Many objects: some are on their way while one is worked on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use super::{AT_ONCE, BYTES_AT_ONCE, ObjectError, ObjectReader, USUAL_BYTES};
use crate::aws::ObjectRef;

type Outcome = (ObjectRef, Result<Vec<u8>, ObjectError>);

/// Objects on their way, given out in the order in which they were named: an iterator that waits for each.
pub struct Fetch {
    reader: ObjectReader,
    waiting: std::vec::IntoIter<ObjectRef>,
    running: FuturesOrdered<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    /// The sizes of those that are running, together.
    bytes: u64,
}

impl Fetch {
    pub(super) fn new(reader: ObjectReader, objects: Vec<ObjectRef>) -> Self {
        Self { reader, waiting: objects.into_iter(), running: FuturesOrdered::new(), bytes: 0 }
    }

    /// Sends as many requests as may be on their way.
    fn fill(&mut self) {
        while self.running.len() < AT_ONCE
            && let Some(object) = self.waiting.as_slice().first()
        {
            let bytes = size(object);
            if !self.running.is_empty() && self.bytes.saturating_add(bytes) > BYTES_AT_ONCE {
                break;
            }
            let Some(object) = self.waiting.next() else { break };
            self.bytes = self.bytes.saturating_add(bytes);
            let reader = self.reader.clone();
            self.running.push_back(Box::pin(async move {
                let body = reader.read(&object).await;
                (object, body)
            }));
        }
    }
}

impl Iterator for Fetch {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        self.fill();
        let (object, body) = self.reader.aws.block_on(self.running.next())?;
        self.bytes = self.bytes.saturating_sub(size(&object));
        Some((object, body))
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waiting, running, .. } = self;
        f.debug_struct("Fetch")
            .field("waiting", &waiting.len())
            .field("running", &running.len())
            .finish_non_exhaustive()
    }
}

fn size(object: &ObjectRef) -> u64 {
    object.bytes.unwrap_or(USUAL_BYTES)
}
