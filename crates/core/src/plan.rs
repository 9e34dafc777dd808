//! The difference between the bans that are wanted and those that are in force.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ports::{Plan, Standing};
use crate::{Key, Timestamp};

/// Expiries closer than this are the same: kernels count in jiffies, and time passes between asking and comparing.
pub const EXPIRY_TOLERANCE_MS: u64 = 2_000;

/// What must be added (or given another expiry) and what removed so that `current` becomes `wanted`.
///
/// Of several standings with the same jail and key in `wanted` the last counts. The result is in the order of the
/// inputs, so that equal inputs give equal plans.
pub fn difference(wanted: &[Standing], current: &[Standing]) -> Plan {
    type Id<'a> = (&'a Arc<str>, &'a Key);
    let id = |s: &'_ Standing| -> (Arc<str>, Key) { (Arc::clone(&s.jail), s.key.clone()) };
    let want: HashMap<Id<'_>, Timestamp> = wanted.iter().map(|s| ((&s.jail, &s.key), s.until)).collect();
    let have: HashMap<Id<'_>, Timestamp> = current.iter().map(|s| ((&s.jail, &s.key), s.until)).collect();
    let same = |a: Timestamp, b: Timestamp| a.as_millis().abs_diff(b.as_millis()) <= EXPIRY_TOLERANCE_MS;
    let add = wanted
        .iter()
        .filter(|s| want.get(&(&s.jail, &s.key)) == Some(&s.until))
        .filter(|s| !have.get(&(&s.jail, &s.key)).is_some_and(|until| same(*until, s.until)))
        .cloned()
        .collect();
    let remove = current.iter().filter(|s| !want.contains_key(&(&s.jail, &s.key))).map(id).collect();
    Plan { add, remove }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(jail: &str, key: &str, until_secs: i64) -> Standing {
        Standing { jail: jail.into(), key: key.parse().unwrap(), until: Timestamp::from_secs(until_secs) }
    }

    #[test]
    fn only_what_differs_is_in_the_plan() {
        let wanted = [
            standing("a", "192.0.2.1", 100),
            standing("a", "192.0.2.2", 100),
            standing("b", "192.0.2.1", 100),
        ];
        let current =
            [standing("a", "192.0.2.1", 101), standing("a", "192.0.2.2", 500), standing("a", "192.0.2.9", 1)];
        let plan = difference(&wanted, &current);
        assert_eq!(plan.add, vec![standing("a", "192.0.2.2", 100), standing("b", "192.0.2.1", 100)]);
        assert_eq!(plan.remove, vec![("a".into(), "192.0.2.9".parse().unwrap())]);
    }

    #[test]
    fn a_plan_carried_out_leaves_nothing_to_do() {
        let wanted = [standing("a", "192.0.2.1", 100), standing("a", "2001:db8::/48", 7)];
        assert!(difference(&wanted, &wanted).is_empty());
        assert_eq!(difference(&wanted, &[]).add.len(), 2);
        assert_eq!(difference(&[], &wanted).remove.len(), 2);
    }
}
