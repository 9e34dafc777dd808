//! Which filters read one stream, which of them share a scan, and what a hit means to the jails that count it: the same
//! for the daemon and for functions.

use std::sync::Arc;
use std::time::Duration;

use stockade_core::limits::MAX_EVIDENCE_BYTES;
use stockade_core::{Key, Match, MatchId, StreamName, Timestamp};
use stockade_filter::{Filter, FilterSet, Hit, Scanner, Undated, date::Zone};

/// A line whose date differs more than this from the time at which it arrived live gets the time of its arrival:
/// fail2ban's rule, so that a service that logs in another zone is still protected against.
pub const MAX_SKEW: Duration = Duration::from_secs(60);

/// A filter with the jails that count its matches.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) filter: Arc<Filter>,
    /// Each jail's place and name.
    pub(crate) jails: Vec<(usize, Arc<str>)>,
    /// The zone of dates that name none.
    pub(crate) zone: Zone,
    /// The zone's name: readers with different ones cannot share a date.
    pub(crate) zone_name: String,
}

/// Readers that share dates, and so one scan.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) set: Arc<FilterSet>,
    zone: Zone,
    /// By the filter's place in the set: each jail's place and name.
    pub(crate) jails: Vec<Vec<(usize, Arc<str>)>>,
}

/// The scans of one stream that these read.
pub(crate) fn lanes<'r>(readers: impl IntoIterator<Item = &'r Reader>) -> Vec<Lane> {
    let mut lanes: Vec<(String, Zone, Vec<Reader>)> = Vec::new();
    for reader in readers {
        let lane = match lanes.iter_mut().find(|(name, ..)| *name == reader.zone_name) {
            Some(lane) => lane,
            None => lanes.push_mut((reader.zone_name.clone(), reader.zone.clone(), Vec::new())),
        };
        // Two jails with one filter on one stream share its work.
        match lane.2.iter_mut().find(|known| Arc::ptr_eq(&known.filter, &reader.filter)) {
            Some(known) => known.jails.extend(
                reader.jails.iter().filter(|j| !known.jails.contains(j)).cloned().collect::<Vec<_>>(),
            ),
            None => lane.2.push(reader.clone()),
        }
    }
    let build = |(_, zone, readers): (String, Zone, Vec<Reader>)| {
        let (set, surplus) =
            FilterSet::new(readers.iter().map(|reader| Arc::clone(&reader.filter)).collect());
        if !surplus.is_empty() {
            tracing::error!(left_out = surplus.len(), "too many filters read one stream");
        }
        Lane { set: Arc::new(set), zone, jails: readers.into_iter().map(|reader| reader.jails).collect() }
    };
    lanes.into_iter().map(build).collect()
}

impl Lane {
    /// A scanner for one stream that is read as it is written.
    pub(crate) fn scanner(&self) -> Option<Scanner> {
        // A date pattern was checked when the filter was loaded.
        Scanner::new(Arc::clone(&self.set), &self.zone, None, Undated::IsNow).ok()
    }

    /// Whether what a hit calls its key is a host's name that wants to be looked up.
    #[cfg(feature = "aws")]
    pub(crate) fn looks_up(&self, hit: &Hit<'_>) -> bool {
        matches!(hit.key, Key::Name(_))
            && self.set.filters().get(hit.filter).is_some_and(|filter| filter.looks_up(hit.regex))
    }
}

/// When a line happened that says `time` and arrived at `arrived`.
pub(crate) fn on_arrival(time: Timestamp, arrived: Timestamp) -> Timestamp {
    if arrived.since(time).max(time.since(arrived)) > MAX_SKEW { arrived } else { time }
}

/// What a hit means to a jail.
pub(crate) fn witnessed(
    hit: &Hit<'_>,
    id: MatchId,
    jail: &Arc<str>,
    stream: &StreamName,
    time: Timestamp,
) -> Match {
    let cut = |bytes: &[u8], max: usize| -> Box<str> {
        String::from_utf8_lossy(bytes.get(..max).unwrap_or(bytes)).into_owned().into_boxed_str()
    };
    Match {
        id,
        jail: Arc::clone(jail),
        key: hit.key.clone(),
        time,
        count: hit.count,
        user: hit.user.map(|user| cut(user, Key::MAX_NAME_BYTES)),
        stream: stream.clone(),
        line: cut(hit.line, MAX_EVIDENCE_BYTES),
    }
}
