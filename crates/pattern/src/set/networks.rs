//! All networks of a set that an address lies in. Two networks are apart or one lies in the other, so those around an
//! address are a chain from the smallest outwards.

use std::collections::HashMap;

use super::postings::ListId;
use crate::address::{Address, Cidr};

/// The set; the families never meet.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: Vec<Entry>,
    v6: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    first: u128,
    last: u128,
    /// The smallest network around it.
    parent: Option<u32>,
    list: ListId,
}

impl Networks {
    pub(super) fn new(networks: HashMap<Cidr, ListId>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (cidr, list) in networks {
            match cidr.base {
                Address::V4(base) => {
                    let host = u64::from(u32::MAX) >> cidr.bits.min(32);
                    v4.push((u128::from(base), u128::from(base) | u128::from(host), list));
                }
                Address::V6(base) => {
                    let host = u128::MAX.checked_shr(u32::from(cidr.bits)).unwrap_or(0);
                    v6.push((base, base | host, list));
                }
            }
        }
        Self { v4: nested(v4), v6: nested(v6) }
    }

    pub(super) fn find(&self, address: Address, mut found: impl FnMut(ListId)) {
        let (entries, address) = match address {
            Address::V4(address) => (&self.v4, u128::from(address)),
            Address::V6(address) => (&self.v6, address),
        };
        let after = entries.partition_point(|entry| entry.first <= address);
        let mut at = after.checked_sub(1).and_then(|at| entries.get(at));
        while let Some(entry) = at {
            if address <= entry.last {
                found(entry.list);
            }
            at = entry.parent.and_then(|at| entries.get(at as usize));
        }
    }
}

fn nested(mut networks: Vec<(u128, u128, ListId)>) -> Vec<Entry> {
    networks.sort_unstable_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
    let mut entries: Vec<Entry> = Vec::with_capacity(networks.len());
    let mut open: Vec<u32> = Vec::new();
    for (first, last, list) in networks {
        while let Some(at) = open.last() {
            if entries.get(*at as usize).is_some_and(|outer| last <= outer.last) {
                break;
            }
            open.pop();
        }
        let parent = open.last().copied();
        open.push(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        entries.push(Entry { first, last, parent, list });
    }
    entries
}
