//! What a jail needs in the table: its names, its sets and its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stockade_core::ports::{Protocol, Scope};

use super::error::NftError;
use super::names::{SetKind, Slug};
use super::rule::Rule;
use super::schema::write_set;
use super::wire::Writer;

/// A jail with its names and rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jail {
    pub(super) name: Arc<str>,
    pub(super) slug: Slug,
    /// The sets it has: those of addresses and of each prefix length that came up.
    pub(super) sets: BTreeSet<SetKind>,
    /// The rules that send its packets to its chain.
    pub(super) jumps: Vec<Rule>,
}

impl Jail {
    /// A jail with the sets of addresses only.
    fn new(scope: &Scope) -> Result<Self, NftError> {
        let slug = Slug::of(&scope.jail);
        let jumps = jumps(scope, &slug)?;
        Ok(Self { name: Arc::clone(&scope.jail), slug, sets: SetKind::ADDRESSES.into(), jumps })
    }

    /// Asks for a set and the rule that drops its members.
    pub(super) fn create_set(&self, w: &mut Writer, kind: SetKind, id: u32) {
        write_set(w, kind, &self.slug, id);
        Rule::drop_members(kind, &self.slug).append_to(w, &self.slug.chain());
    }

    /// The rules of its chain.
    pub(super) fn drops(&self) -> Vec<Rule> {
        // Addresses first: most bans are of one.
        let (addresses, networks): (Vec<SetKind>, Vec<SetKind>) =
            self.sets.iter().copied().partition(|kind| kind.is_addresses());
        addresses.into_iter().chain(networks).map(|kind| Rule::drop_members(kind, &self.slug)).collect()
    }
}

/// Reads the scopes into jails.
pub(super) fn jails(scopes: &[Scope]) -> Result<Vec<Jail>, NftError> {
    let mut by_slug: BTreeMap<Slug, Jail> = BTreeMap::new();
    for scope in scopes {
        let jail = Jail::new(scope)?;
        if let Some(other) = by_slug.get(&jail.slug).filter(|other| other.name != jail.name) {
            return Err(NftError::SameName { first: other.name.to_string(), second: jail.name.to_string() });
        }
        by_slug.insert(jail.slug.clone(), jail);
    }
    Ok(by_slug.into_values().collect())
}

/// The rules that send a jail's packets to its chain. Ports without a protocol are those of both.
fn jumps(scope: &Scope, slug: &Slug) -> Result<Vec<Rule>, NftError> {
    if scope.ports.is_empty() {
        return Ok(vec![Rule::jump_always(slug)]);
    }
    let ports = merged(&scope.ports).map_err(|(low, high)| NftError::PortsReversed {
        jail: scope.jail.to_string(),
        low,
        high,
    })?;
    let rules = |protocol| ports.iter().map(move |range| Rule::jump_for_ports(protocol, *range, slug));
    let has = |protocol| scope.protocols.is_empty() || scope.protocols.contains(&protocol);
    let mut jumps = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        if has(protocol) {
            jumps.extend(rules(protocol));
        }
    }
    Ok(jumps)
}

/// The same ports in as few ranges as can be, ascending; or a range that ends before it begins.
fn merged(ranges: &[(u16, u16)]) -> Result<Vec<(u16, u16)>, (u16, u16)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (low, high) in sorted {
        if low > high {
            return Err((low, high));
        }
        match merged.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All triples of ranges among few ports, at both ends of what there is.
    #[test]
    fn merged_ranges_are_the_same_ports_and_have_gaps_between_them() {
        for first in [0, u16::MAX - 6] {
            let ranges =
                || (0..=6).flat_map(move |low| (low..=6).map(move |high| (first + low, first + high)));
            for (a, b, c) in
                ranges().flat_map(|a| ranges().flat_map(move |b| ranges().map(move |c| (a, b, c))))
            {
                let result = merged(&[a, b, c]).unwrap();
                let ports = |ranges: &[(u16, u16)]| -> BTreeSet<u16> {
                    ranges.iter().flat_map(|(low, high)| *low..=*high).collect()
                };
                assert_eq!(ports(&result), ports(&[a, b, c]));
                assert!(
                    result.windows(2).all(|pair| u32::from(pair[0].1) + 1 < u32::from(pair[1].0)),
                    "{result:?}"
                );
            }
        }
        assert_eq!(merged(&[(1, 2), (9, 8)]), Err((9, 8)));
    }
}
