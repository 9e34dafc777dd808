//! What becomes of a ban that two hosts changed without knowing of each other.

use stockade_core::BanRecord;

/// A ban, and whether a person ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ban {
    pub(super) record: BanRecord,
    pub(super) lifted: bool,
}

/// How a host came to write a ban that is not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A person ended it.
    ByHand,
    /// Its time was over.
    ByTime,
    /// A guard of that host refused it: that speaks for no other host.
    Refused,
}

/// What is to be stored where `stored` is and a host that did not know of it writes `new`.
///
/// A word by hand counts from when it was said: it ends what began before, and not what began after. Two bans that were
/// in force at once are one, as long as the longer. A ban that began after another ended is another.
pub(super) fn merge(stored: &Ban, new: &BanRecord, ending: Ending) -> Ban {
    let (old, lifted) = (&stored.record, ending == Ending::ByHand);
    let times = old.times.max(new.times);
    let keep = |record: &BanRecord, lifted| Ban { record: BanRecord { times, ..record.clone() }, lifted };
    match (old.live, new.live) {
        (true, true) => {
            let first = if new.since < old.since { new } else { old };
            let until = old.until.max(new.until);
            keep(&BanRecord { until, ..first.clone() }, false)
        }
        (true, false) if lifted && old.since <= new.until => keep(new, true),
        (true, false) => keep(old, false),
        (false, true) if new.since > old.until => following(old, new),
        // It began before the other was ended by hand, or is over like it.
        (false, true) if stored.lifted || new.until <= old.until => keep(old, stored.lifted),
        (false, true) => keep(new, false),
        (false, false) if new.since > old.until => Ban { lifted, ..following(old, new) },
        (false, false) if new.until > old.until => keep(new, lifted),
        (false, false) => keep(old, stored.lifted),
    }
}

/// A ban that began when the other was over.
fn following(old: &BanRecord, new: &BanRecord) -> Ban {
    // What never was a ban counts none.
    let another = u32::from(new.times > 0);
    let times = new.times.max(old.times.saturating_add(another));
    Ban { record: BanRecord { times, ..new.clone() }, lifted: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_core::{Reason, Timestamp};

    use super::*;

    fn record(times: u32, since: i64, until: i64, live: bool) -> BanRecord {
        let (since, until) = (Timestamp::from_secs(since), Timestamp::from_secs(until));
        let (jail, key, reason) = ("sshd".into(), "192.0.2.1".parse().unwrap(), Reason::Imported);
        BanRecord { jail, key, times, since, until, live, reason }
    }

    fn ban(times: u32, since: i64, until: i64, live: bool) -> Ban {
        Ban { record: record(times, since, until, live), lifted: false }
    }

    #[test]
    fn two_that_cross_the_threshold_at_once_give_one_ban() {
        let merged = merge(&ban(1, 10, 610, true), &record(1, 12, 612, true), Ending::ByTime);
        assert_eq!(merged, ban(1, 10, 612, true));
    }

    #[test]
    fn a_word_by_hand_ends_what_began_before_and_not_what_began_after() {
        let lift = |until| record(1, 0, until, false);
        let merged = merge(&ban(2, 10, 610, true), &lift(20), Ending::ByHand);
        assert_eq!((merged.record.live, merged.lifted, merged.record.times), (false, true, 2));
        assert_eq!(merge(&ban(2, 10, 610, true), &lift(9), Ending::ByHand), ban(2, 10, 610, true));
        // The other way round.
        let lifted = Ban { record: record(1, 0, 20, false), lifted: true };
        assert_eq!(merge(&lifted, &record(1, 10, 610, true), Ending::ByTime), lifted);
        assert_eq!(merge(&lifted, &record(1, 21, 621, true), Ending::ByTime), ban(2, 21, 621, true));
    }

    #[test]
    fn what_is_over_here_or_refused_here_ends_nothing_there() {
        for ending in [Ending::ByTime, Ending::Refused] {
            let stored = ban(1, 10, 610, true);
            assert_eq!(merge(&stored, &record(1, 10, 300, false), ending), stored);
        }
    }

    proptest! {
        #[test]
        fn a_ban_that_is_in_force_is_lost_by_a_word_of_a_person_alone(
            (times, since, length, live, lifted) in (1_u32..9, 0_i64..99, 1_i64..99, any::<bool>(), any::<bool>()),
            (ntimes, nsince, nlength, nlive) in (1_u32..9, 0_i64..99, 1_i64..99, any::<bool>()),
            by_hand: bool,
        ) {
            let stored = Ban { record: record(times, since, since + length, live), lifted: lifted && !live };
            let new = record(ntimes, nsince, nsince + nlength, nlive);
            let ending = if by_hand && !nlive { Ending::ByHand } else { Ending::ByTime };
            let merged = merge(&stored, &new, ending);
            prop_assert!(merged.record.times >= times.max(ntimes));
            prop_assert!(merged.record.times <= times.max(ntimes) + 1);
            if live && nlive {
                prop_assert!(merged.record.live);
                prop_assert_eq!(merged.record.until, stored.record.until.max(new.until));
            }
            if live && !merged.record.live {
                prop_assert!(merged.lifted && ending == Ending::ByHand);
            }
            // Heard of twice, it is the same.
            prop_assert_eq!(merge(&merged, &merged.record, if merged.lifted { Ending::ByHand } else { Ending::ByTime }), merged);
        }
    }
}
