//! All networks of a set that an address lies in. Two networks are apart or one lies in the other, so those around an
//! address are a chain from the smallest outwards.

use std::collections::HashMap;

use super::postings::ListId;
use crate::address::{Address, Cidr};

/// The set; the families never meet.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: Nested<u32>,
    v6: Nested<u128>,
}

/// The networks of a family, sorted by their first address.
#[derive(Debug, Default)]
struct Nested<A> {
    firsts: Vec<A>,
    entries: Vec<Entry<A>>,
}

#[derive(Debug)]
struct Entry<A> {
    last: A,
    /// The smallest network around it.
    parent: Option<u32>,
    list: ListId,
}

impl Networks {
    pub(super) fn new(networks: HashMap<Cidr, ListId>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (cidr, list) in networks {
            let bits = u32::from(cidr.bits);
            match cidr.base {
                Address::V4(base) => v4.push((base, base | u32::MAX.checked_shr(bits).unwrap_or(0), list)),
                Address::V6(base) => v6.push((base, base | u128::MAX.checked_shr(bits).unwrap_or(0), list)),
            }
        }
        Self { v4: Nested::new(v4), v6: Nested::new(v6) }
    }

    pub(super) fn find(&self, address: Address, found: impl FnMut(ListId)) {
        match address {
            Address::V4(address) => self.v4.find(address, found),
            Address::V6(address) => self.v6.find(address, found),
        }
    }
}

impl<A: Copy + Ord> Nested<A> {
    fn new(mut networks: Vec<(A, A, ListId)>) -> Self {
        networks.sort_unstable_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
        let firsts = networks.iter().map(|(first, ..)| *first).collect();
        let mut entries: Vec<Entry<A>> = Vec::with_capacity(networks.len());
        let mut open: Vec<u32> = Vec::new();
        for (_, last, list) in networks {
            while let Some(at) = open.last() {
                if entries.get(*at as usize).is_some_and(|outer| last <= outer.last) {
                    break;
                }
                open.pop();
            }
            let parent = open.last().copied();
            open.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
            entries.push(Entry { last, parent, list });
        }
        Self { firsts, entries }
    }

    #[inline]
    fn find(&self, address: A, mut found: impl FnMut(ListId)) {
        let after = self.firsts.partition_point(|first| *first <= address);
        let mut at = after.checked_sub(1).and_then(|at| self.entries.get(at));
        while let Some(entry) = at {
            if address <= entry.last {
                found(entry.list);
            }
            at = entry.parent.and_then(|at| self.entries.get(at as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_all_around_an_address(
            networks in proptest::collection::hash_set((0u32..8, 1u8..8), 0..20), address in 0u32..8, low in any::<u32>(),
        ) {
            let spread = |high: u32| high << 29;
            let networks: Vec<Cidr> = networks.into_iter().flat_map(|(high, bits)| {
                let v4 = Cidr { base: Address::V4(spread(high) & u32::MAX << (32 - bits)), bits };
                let v6 = Cidr { base: Address::V6(u128::from(spread(high)) << 96 & u128::MAX << (128 - bits)), bits };
                [v4, v6]
            }).collect();
            let networks: std::collections::HashSet<Cidr> = networks.into_iter().collect();
            let networks: Vec<Cidr> = networks.into_iter().collect();
            let lists = networks.iter().zip(0u32..).map(|(cidr, at)| (*cidr, ListId(at)));
            let all = Networks::new(lists.collect());
            let v4 = spread(address) | low >> 3;
            for address in [Address::V4(v4), Address::V6(u128::from(v4) << 96)] {
                let mut found = Vec::new();
                all.find(address, |list| found.push(list.0));
                found.sort();
                let expected: Vec<u32> = networks.iter().zip(0..).filter(|(cidr, _)| cidr.contains(address)).map(|(_, at)| at).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
