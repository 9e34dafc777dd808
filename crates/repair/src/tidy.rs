//! Forgetting what nobody asks for any more. The record stays, with its lists of a repair's lines.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stockade_core::Timestamp;

use crate::shelf::{Shelf, ShelfError};
use crate::state::{CASES, Case, REQUESTS, SEEN, read, update};

/// How long the identity of an event is known: CloudTrail delivers within minutes, queues keep two weeks.
const KNOWN_FOR: Duration = Duration::from_secs(15 * 24 * 3600);

/// Forgets events, requests and cases that are old enough.
pub(crate) fn tidy(shelf: &mut dyn Shelf, now: Timestamp) -> Result<(), ShelfError> {
    for prefix in [SEEN, REQUESTS] {
        tidy_if(shelf, prefix, |dated: &Old| dated.at.plus(KNOWN_FOR) < now)?;
    }
    tidy_if(shelf, CASES, |case: &Case| is_over(case, now))
}

/// Whether nothing happened about a thing for so long, and nothing is to be known of it.
fn is_over(case: &Case, now: Timestamp) -> bool {
    let since = |at: Timestamp| now < at.plus(KNOWN_FOR);
    let held = case.hold.as_ref().is_some_and(|hold| since(hold.until));
    let recent = case.recent.iter().any(|attempt| since(attempt.at));
    let leased = case.lease.as_ref().is_some_and(|lease| since(lease.until));
    !held && !recent && !leased && case.doing.is_none() && case.approval.is_none()
}

/// How many values a tidying looks at: the next run goes on. With a run every five minutes that is half a million a day.
const TIDIED: usize = 2000;

/// The time of whatever has one.
#[derive(Deserialize)]
struct Old {
    at: Timestamp,
}

/// Removes the values of a prefix that are old.
fn tidy_if<T: DeserializeOwned>(
    shelf: &mut dyn Shelf,
    prefix: &str,
    is_old: impl Fn(&T) -> bool,
) -> Result<(), ShelfError> {
    let mark = format!("tidy/{prefix}");
    let Mark { mut after } = read(shelf, &mark)?.unwrap_or_default();
    let mut looked = 0;
    while looked < TIDIED {
        let values = shelf.values(prefix, &after, TIDIED - looked)?;
        let Some((last, _)) = values.last() else {
            after.clear();
            break;
        };
        after.clone_from(last);
        looked += values.len();
        for (key, stored) in values {
            if serde_json::from_slice::<T>(&stored.value).is_ok_and(|value| is_old(&value)) {
                shelf.put_if_version(&key, None, stored.version)?;
            }
        }
    }
    update(shelf, &mark, |mark: &mut Mark| mark.after.clone_from(&after))
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mark {
    after: String,
}
