//! How bans of a known offender grow: fail2ban's `bantime.increment` and its companions.

use std::time::Duration;

use crate::{Key, Timestamp};

/// How a ban grows with the number of bans before it.
///
/// The first ban takes the plain `bantime`. The next ones take `bantime * factor * 2^n` with at most 20 doublings, or
/// `bantime * factor * multipliers[n]` with the last multiplier for all that follow; never less than `bantime`, never
/// more than `maxtime`; and then up to `rndtime` more, so that a botnet cannot compute when it may come back.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    /// `bantime.factor`, above zero.
    pub factor: f64,
    /// `bantime.multipliers`; empty for the doubling formula.
    pub multipliers: Vec<f64>,
    /// `bantime.maxtime`.
    pub maxtime: Option<Duration>,
    /// `bantime.rndtime`.
    pub rndtime: Duration,
    /// `bantime.overalljails`: bans in every jail count, not only in the own one.
    pub overalljails: bool,
    /// Makes the random part differ from one installation to the next. Randomness is injected: with the same seed
    /// the same offence gets the same ban, on a laptop, in the daemon and in a function.
    pub seed: u64,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            factor: 1.0,
            multipliers: Vec::new(),
            maxtime: None,
            rndtime: Duration::ZERO,
            overalljails: false,
            seed: 0,
        }
    }
}

impl Growth {
    /// How many doublings the formula makes at most.
    const MAX_DOUBLINGS: u32 = 20;

    /// The length of a ban of `key` that starts at `start`, after `before` earlier ones.
    pub fn bantime(&self, base: Duration, before: u32, key: &Key, start: Timestamp) -> Duration {
        let mut time = if before == 0 { base } else { scale(base, self.multiplier(before)).max(base) };
        if let Some(maxtime) = self.maxtime {
            time = time.min(maxtime);
        }
        time.saturating_add(scale(self.rndtime, unit_interval(self.seed, key, start)))
    }

    /// How much one match of a key weighs that was banned `before` times: a known offender gets fewer tries.
    ///
    /// fail2ban 1.0's rule, which it applies only with `bantime.increment`: 1, then 2, 3, 5, 9, …
    pub fn weight(before: u32) -> u32 {
        match before {
            0 => 1,
            n => 1_u32.checked_shl(n - 1).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    fn multiplier(&self, before: u32) -> f64 {
        let last = self.multipliers.len().saturating_sub(1);
        let nth = usize::try_from(before).unwrap_or(usize::MAX).min(last);
        let step = match self.multipliers.get(nth) {
            Some(&multiplier) => multiplier,
            None => f64::from(1_u32 << before.min(Self::MAX_DOUBLINGS)),
        };
        step * self.factor
    }
}

/// `span * by`, saturating; what is not a number or below zero gives zero.
fn scale(span: Duration, by: f64) -> Duration {
    Duration::try_from_secs_f64(span.as_secs_f64() * by.max(0.0)).unwrap_or(if by > 0.0 {
        Duration::MAX
    } else {
        Duration::ZERO
    })
}

/// A number in [0, 1) that looks random and depends on nothing but its arguments (SplitMix64 over their hash).
fn unit_interval(seed: u64, key: &Key, start: Timestamp) -> f64 {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut feed = |word: u64| {
        state = state.wrapping_add(word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    };
    for byte in key.to_string().bytes() {
        feed(u64::from(byte));
    }
    feed(start.as_millis().cast_unsigned());
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what the mantissa holds")]
    let fraction = (state >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    fn minutes(growth: &Growth, before: u32) -> u64 {
        growth.bantime(TEN_MINUTES, before, &"192.0.2.1".parse().unwrap(), Timestamp::default()).as_secs()
            / 60
    }

    #[test]
    fn bans_double() {
        let growth = Growth::default();
        assert_eq!([0, 1, 2, 3].map(|n| minutes(&growth, n)), [10, 20, 40, 80]);
        assert_eq!(minutes(&growth, 20), minutes(&growth, 4_000_000_000));
    }

    #[test]
    fn multipliers_replace_the_doubling_and_the_last_one_stays() {
        let growth = Growth { multipliers: vec![1.0, 5.0, 30.0], factor: 2.0, ..Growth::default() };
        assert_eq!([0, 1, 2, 3, 99].map(|n| minutes(&growth, n)), [10, 100, 600, 600, 600]);
    }

    #[test]
    fn no_ban_is_longer_than_maxtime_but_for_the_random_part() {
        let mut growth = Growth { maxtime: Some(Duration::from_secs(3600)), ..Growth::default() };
        assert_eq!(minutes(&growth, 10), 60);
        growth.rndtime = Duration::from_secs(3600);
        assert!((60..120).contains(&minutes(&growth, 10)));
    }

    #[test]
    fn a_known_offender_gets_fewer_tries() {
        assert_eq!([0, 1, 2, 3, 4].map(Growth::weight), [1, 2, 3, 5, 9]);
        assert_eq!(Growth::weight(u32::MAX), u32::MAX);
    }

    #[test]
    fn chance_is_injected() {
        let key = "192.0.2.1".parse().unwrap();
        let now = Timestamp::from_secs(7);
        assert_eq!(unit_interval(1, &key, now).to_bits(), unit_interval(1, &key, now).to_bits());
        assert_ne!(unit_interval(1, &key, now).to_bits(), unit_interval(2, &key, now).to_bits());
        let mean = (0..1000).map(|n| unit_interval(n, &key, now)).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    proptest! {
        #[test]
        fn growth_never_overflows_and_never_shortens(
            base in 0_u64..=u64::MAX, before in any::<u32>(), factor in any::<f64>(), rnd in any::<u64>(), seed in any::<u64>(),
            multipliers in prop::collection::vec(any::<f64>(), 0..4),
        ) {
            let base = Duration::from_secs(base);
            let growth = Growth { factor, multipliers, rndtime: Duration::from_secs(rnd), seed, ..Growth::default() };
            let key = "2001:db8::1".parse().unwrap();
            prop_assert!(growth.bantime(base, before, &key, Timestamp::MAX) >= base);
        }
    }
}
