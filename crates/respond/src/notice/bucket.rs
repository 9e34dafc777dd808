//! A token bucket that is one number: when it would be full again.

use std::time::Duration;

use stockade_core::Timestamp;

/// At most so many at once, and so many again in a stretch of time. Time is whole milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// How many tokens it holds.
    size: i64,
    /// How long one token takes to come back.
    each: i64,
    /// When it is full again; in the past: it is full.
    full_at: i64,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(size: u32, per: Duration) -> Self {
        let size = i64::from(size.max(1));
        let per = i64::try_from(per.as_millis()).unwrap_or(i64::MAX);
        Self { size, each: (per / size).max(1), full_at: i64::MIN }
    }

    /// How many tokens there are.
    pub(super) fn tokens(&self, now: Timestamp) -> u64 {
        let missing = self.empty_for(now);
        let gone = missing / self.each + i64::from(missing % self.each > 0);
        u64::try_from(self.size - gone).unwrap_or_default()
    }

    /// Takes a token; there must be one.
    pub(super) fn take(&mut self, now: Timestamp) {
        self.full_at = now.as_millis().saturating_add(self.empty_for(now)).saturating_add(self.each);
    }

    /// Gives one back that was taken for nothing.
    pub(super) fn give_back(&mut self) {
        self.full_at = self.full_at.saturating_sub(self.each);
    }

    /// When there is a token again: now, if there is one.
    pub(super) fn next(&self, now: Timestamp) -> Timestamp {
        let wait = self.empty_for(now).saturating_sub((self.size - 1) * self.each);
        now.plus(Duration::from_millis(u64::try_from(wait).unwrap_or_default()))
    }

    /// How long it takes to be full, at most as long as from empty to full: a clock that went back starves nobody.
    fn empty_for(&self, now: Timestamp) -> i64 {
        self.full_at.saturating_sub(now.as_millis()).clamp(0, self.size.saturating_mul(self.each))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_holds_so_many_and_gets_them_back_one_by_one() {
        let mut bucket = Bucket::new(2, Duration::from_secs(10));
        let at = Timestamp::from_secs;
        assert_eq!((bucket.tokens(at(0)), bucket.next(at(0))), (2, at(0)));
        bucket.take(at(0));
        bucket.take(at(0));
        assert_eq!((bucket.tokens(at(4)), bucket.next(at(4))), (0, at(5)));
        assert_eq!((bucket.tokens(at(5)), bucket.next(at(5))), (1, at(5)));
        assert_eq!((bucket.tokens(at(10)), bucket.tokens(at(1_000_000))), (2, 2));
        bucket.take(at(10));
        bucket.give_back();
        assert_eq!(bucket.tokens(at(10)), 2);
        bucket.take(at(10));
        assert_eq!(bucket.next(at(-1_000_000)), at(-1_000_000 + 5), "after a clock went back");
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_sees_more_than_twice_as_many(
            size in 1_u32..30,
            per in 1_u64..1_000,
            steps in prop::collection::vec(0_u64..300, 1..300),
        ) {
            let per = Duration::from_secs(per);
            let mut bucket = Bucket::new(size, per);
            let (mut now, mut taken) = (Timestamp::from_secs(1_700_000_000), Vec::new());
            for step in steps {
                now = now.plus(Duration::from_millis(step * 100));
                prop_assert_eq!(bucket.tokens(now) > 0, bucket.next(now) <= now);
                if bucket.tokens(now) > 0 {
                    bucket.take(now);
                    taken.push(now);
                }
            }
            for (nth, first) in taken.iter().enumerate() {
                let within = taken.iter().skip(nth).filter(|at| at.since(*first) < per).count();
                prop_assert!(within <= 2 * size as usize, "{within} of {size} within {per:?}");
            }
        }
    }
}
