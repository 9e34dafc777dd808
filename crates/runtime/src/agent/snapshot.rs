//! The snapshot of all live bans: read when the queue is ready, and again whenever it has changed.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stockade_aws::wire::snapshot;
use stockade_aws::{Aws, Call, Fault, FaultKind, Reply};
use stockade_core::ports::Clock;

use super::arrival::Arrival;
use super::receive::Shared;
use crate::daemon::SystemClock;
use crate::daemon::input::Input;

/// How often to look whether it is time.
const LOOK: Duration = Duration::from_millis(200);
/// How long the snapshot waits for the queue: what comes in between is then in neither. After that it is read twice.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the snapshot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    bucket: String,
    key: String,
}

impl Place {
    /// Reads `s3://bucket/key`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (bucket, key) = text.strip_prefix("s3://")?.split_once('/')?;
        let whole = !bucket.is_empty() && !key.is_empty();
        whole.then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The object; `None` if it is still the one with the tag `known`.
    fn fetch(&self, aws: &Aws, known: Option<&str>) -> Result<Option<Reply>, Fault> {
        let tried = format!("read the snapshot `s3://{}/{}`", self.bucket, self.key);
        let mut call = Call::rest(tried, "s3", "GET", format!("/{}/{}", self.bucket, self.key));
        if let Some(tag) = known {
            call = call.with_header("if-none-match", tag.to_owned());
        }
        let reply = aws.block_on(aws.call(&call))?;
        // Not everybody knows the header.
        let same = reply.status == 304 || known.is_some() && reply.etag.as_deref() == known;
        Ok((!same).then_some(reply))
    }
}

/// Reads the snapshot until told to stop.
pub(super) fn follow(shared: &Shared, place: &Place, every: Duration) {
    let began = Instant::now();
    let mut read_for = 0;
    let (mut tag, mut due) = (None, None::<Instant>);
    let mut told = None;
    loop {
        let ready = shared.ready.load(Ordering::Relaxed);
        let first = due.is_none() && (ready > 0 || began.elapsed() > PATIENCE);
        let again = due.is_some_and(|due| Instant::now() >= due) || due.is_some() && ready != read_for;
        if first || again {
            // A queue that is new has missed what the snapshot may know, also if we have seen that one.
            let known = if ready == read_for { tag.clone() } else { None };
            read_for = ready;
            due = Some(Instant::now() + every);
            match place.fetch(&shared.aws, known.as_deref()) {
                Ok(None) => {}
                Ok(Some(reply)) => {
                    tag = reply.etag;
                    if !pass_on(shared, &reply.body) {
                        return;
                    }
                }
                Err(fault) => {
                    // It may be that nobody writes one, or that we may not read it: said once, until it changes.
                    if told.as_ref() != Some(&fault.kind) {
                        let hint = hint(&fault);
                        tracing::warn!(error = %fault, hint, "going on without the snapshot of live bans");
                    }
                    told = Some(fault.kind);
                    if !tell(shared, Arrival::SnapshotRead { problem: Some(fault.message) }) {
                        return;
                    }
                    if shared.once {
                        return;
                    }
                    if !shared.stop.sleep(LOOK) {
                        return;
                    }
                    continue;
                }
            }
            told = None;
            if !tell(shared, Arrival::SnapshotRead { problem: None }) || shared.once {
                return;
            }
        }
        if !shared.stop.sleep(LOOK) {
            return;
        }
    }
}

fn hint(fault: &Fault) -> Option<&str> {
    match fault.kind {
        FaultKind::Missing => {
            Some("it is written by the function `expire`; see `snapshot` in the table `[aws]`")
        }
        FaultKind::Denied => Some("allow s3:GetObject on it"),
        _ => fault.hint.as_deref(),
    }
}

/// Reads it and tells what it says. `false` if nobody hears it.
fn pass_on(shared: &Shared, body: &[u8]) -> bool {
    let jails: HashSet<&str> = shared.spec.jails.iter().map(String::as_str).collect();
    let mut notices = Vec::new();
    let now = SystemClock.now();
    let read = snapshot::read(body, now, &mut |notice| {
        if jails.contains(&*notice.jail) {
            notices.push(notice);
        }
    });
    let (made, whole) = match read {
        Ok(header) => (header.made, true),
        Err(error) => {
            tracing::error!(%error, bans = notices.len(), "the snapshot of live bans cannot be read to its end");
            (now, false)
        }
    };
    tell(shared, Arrival::Snapshot { made, notices, whole })
}

fn tell(shared: &Shared, arrival: Arrival) -> bool {
    shared.inputs.send(Input::Arrival(arrival)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_has_a_bucket_and_a_key() {
        let place = Place::parse("s3://bans/eu/live.gz").unwrap();
        assert_eq!((&*place.bucket, &*place.key), ("bans", "eu/live.gz"));
        for text in ["", "bans/live.gz", "s3://", "s3://bans", "s3://bans/", "s3:///live.gz"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
