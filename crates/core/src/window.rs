//! The times at which one key was seen in one jail: an exact sliding window.

use std::num::NonZeroU32;
use std::time::Duration;

use smallvec::SmallVec;

use crate::Timestamp;

/// How many matches within how long make a ban: fail2ban's `maxretry` and `findtime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// So many matches ban.
    pub maxretry: NonZeroU32,
    /// The length of the window. Both its ends belong to it: two matches exactly `findtime` apart lie in one window.
    pub findtime: Duration,
}

/// The newest match times of one key, ascending.
///
/// What is kept is a set of times, not a sequence of arrivals, so it does not matter in which order matches arrive:
///
/// - **Equal** times are counted each: five failures in one second are five.
/// - A **late** match (older than the newest) counts if it is within `findtime` of the newest, and not otherwise.
/// - A **repeated** delivery of one record is the caller's to notice, by its [`crate::MatchId`].
///
/// At most `maxretry` times are kept, and none that is more than `findtime` older than the newest: neither could
/// change an answer. Unlike fail2ban's rate estimate this never counts a match that lies outside the window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Two times fit without the heap: most keys are seen once or twice and never again.
    times: SmallVec<[Timestamp; 2]>,
}

impl Window {
    /// A window with these times in any order, cut to what `threshold` needs.
    pub fn from_times(times: impl IntoIterator<Item = Timestamp>, threshold: Threshold) -> Self {
        let mut window = Self::default();
        for time in times {
            window.insert(time, 1, threshold);
        }
        window
    }

    /// Adds a match seen `count` times at `time`, and says whether the threshold is reached now.
    pub fn insert(&mut self, time: Timestamp, count: u32, threshold: Threshold) -> bool {
        let keep = usize::try_from(threshold.maxretry.get()).unwrap_or(usize::MAX);
        let newest = self.times.last().map_or(time, |&last| last.max(time));
        let horizon = newest.minus(threshold.findtime);
        let old = self.times.partition_point(|&t| t < horizon);
        self.times.drain(..old);
        if time >= horizon {
            let at = self.times.partition_point(|&t| t <= time);
            let room_above = keep.saturating_sub(self.times.len() - at);
            let copies = usize::try_from(count).unwrap_or(usize::MAX).min(room_above);
            // Most windows never grow again: no room beyond what is needed.
            self.times.reserve_exact(copies);
            for _ in 0..copies {
                self.times.insert(at, time);
            }
            let surplus = self.times.len().saturating_sub(keep);
            self.times.drain(..surplus);
        }
        self.times.len() >= keep
    }

    /// The times, ascending.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// How many matches lie within `findtime` of the newest; never more than `maxretry`.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The newest time.
    pub fn newest(&self) -> Option<Timestamp> {
        self.times.last().copied()
    }

    /// How many of the times still count at `now`.
    pub fn live(&self, now: Timestamp, findtime: Duration) -> usize {
        let horizon = now.minus(findtime);
        self.times.len() - self.times.partition_point(|&t| t < horizon)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn threshold(maxretry: u32, findtime_secs: u64) -> Threshold {
        Threshold {
            maxretry: NonZeroU32::new(maxretry).unwrap(),
            findtime: Duration::from_secs(findtime_secs),
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn both_ends_of_the_window_belong_to_it() {
        let two = threshold(2, 600);
        assert!(Window::from_times([at(0)], two).insert(at(600), 1, two));
        assert!(!Window::from_times([at(0)], two).insert(at(601), 1, two));
    }

    #[test]
    fn old_matches_and_one_new_one_do_not_ban() {
        // fail2ban's estimate makes 5 of this; only one match lies within the window.
        let five = threshold(5, 600);
        assert!(!Window::from_times([at(0); 4], five).insert(at(601), 1, five));
    }

    #[test]
    fn a_repeated_message_counts_as_often_as_it_says() {
        let five = threshold(5, 600);
        let mut window = Window::default();
        assert!(!window.insert(at(0), 4, five));
        assert!(window.insert(at(1), u32::MAX, five));
        assert_eq!(window.len(), 5, "no more than maxretry times are kept");
    }

    #[test]
    fn a_window_stays_small() {
        assert_eq!(size_of::<Window>(), 24);
    }

    /// The definition, word for word: the matches within `findtime` of the newest, of all that were ever seen.
    fn naive(seen: &[(i64, u32)], threshold: Threshold) -> bool {
        let newest = seen.iter().map(|s| s.0).max().unwrap();
        let from = newest - i64::try_from(threshold.findtime.as_secs()).unwrap();
        let within: u64 = seen.iter().filter(|s| s.0 >= from).map(|s| u64::from(s.1)).sum();
        within >= u64::from(threshold.maxretry.get())
    }

    proptest! {
        #[test]
        fn the_window_agrees_with_the_definition(
            seen in prop::collection::vec((-50_i64..50, 1_u32..4), 1..60), maxretry in 1_u32..8, findtime in 0_u64..40,
        ) {
            let threshold = threshold(maxretry, findtime);
            let mut window = Window::default();
            for n in 0..seen.len() {
                let reached = window.insert(at(seen[n].0), seen[n].1, threshold);
                prop_assert_eq!(reached, naive(&seen[..=n], threshold));
                prop_assert!(window.len() <= maxretry as usize);
                prop_assert!(window.times().is_sorted());
            }
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(
            mut seen in prop::collection::vec(-50_i64..50, 1..40), maxretry in 1_u32..8, findtime in 0_u64..40,
        ) {
            let threshold = threshold(maxretry, findtime);
            let one = Window::from_times(seen.iter().map(|&s| at(s)), threshold);
            seen.reverse();
            prop_assert_eq!(one, Window::from_times(seen.iter().map(|&s| at(s)), threshold));
        }
    }
}
