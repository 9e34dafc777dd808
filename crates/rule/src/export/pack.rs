//! Packs combinations into as few patterns as the limits allow.

use std::collections::{BTreeMap, BTreeSet};

use stockade_pattern::limits::MAX_OR_COMBINATIONS;

use super::branch::{Branch, Conditions};
use super::tree::Tree;
use super::{MAX_STARS, render};

/// Combinations that are one pattern.
#[derive(Debug)]
pub(super) struct Bin {
    pub(super) branches: Vec<Branch>,
    pub(super) tree: Tree,
}

/// How many bins with room are tried for one combination.
const MAX_TRIED: usize = 32;

/// Packs them. Those that are alike come one after the other, as they share most of their text.
pub(super) fn all(mut branches: Vec<Branch>, chars: usize) -> Vec<Bin> {
    branches.sort_by_cached_key(likeness);
    let mut bins: Vec<Bin> = Vec::new();
    for branch in branches {
        let fitting =
            bins.iter_mut().rev().take(MAX_TRIED).find_map(|bin| Some((with(bin, &branch, chars)?, bin)));
        match fitting {
            Some((fuller, bin)) => *bin = fuller,
            None => {
                let tree = render::one(&branch);
                bins.push(Bin { branches: vec![branch], tree });
            }
        }
    }
    bins
}

/// What sort of event a combination asks for, roughly from the coarse to the fine.
fn likeness(branch: &Branch) -> (Vec<String>, Branch) {
    let of = |path: &str| {
        let conditions = branch.fields.get(path).into_iter().flatten();
        conditions.map(|condition| condition.json.clone()).collect::<Vec<_>>().join(",")
    };
    let kind = ["detail-type", "source", "detail.eventSource", "detail.eventName"].map(of);
    (kind.into(), branch.clone())
}

/// The bin with one more, if the limits allow it.
fn with(bin: &Bin, branch: &Branch, chars: usize) -> Option<Bin> {
    if bin.branches.len() >= MAX_OR_COMBINATIONS || stars(bin.branches.iter().chain([branch])) > MAX_STARS {
        return None;
    }
    let mut branches = bin.branches.clone();
    branches.push(branch.clone());
    let tree = render::several(&branches);
    (tree.chars() <= chars && render::is_exact(&tree, &branches)).then_some(Bin { branches, tree })
}

/// The most stars on one path: AWS counts them field by field.
fn stars<'b>(branches: impl Iterator<Item = &'b Branch>) -> usize {
    let mut paths: BTreeMap<&str, BTreeSet<(&str, usize)>> = BTreeMap::new();
    for (path, conditions) in branches.flat_map(|branch| &branch.fields) {
        paths.entry(path).or_default().extend(starred(conditions));
    }
    paths.values().map(|wildcards| wildcards.iter().map(|(_, stars)| stars).sum()).max().unwrap_or(0)
}

fn starred(conditions: &Conditions) -> impl Iterator<Item = (&str, usize)> {
    conditions.iter().filter(|one| one.stars > 0).map(|one| (one.json.as_str(), one.stars))
}
