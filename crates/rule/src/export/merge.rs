//! Makes fewer combinations of many, exactly.

use std::collections::{BTreeMap, BTreeSet};

use super::branch::{Branch, Conditions};
use super::{MAX_STARS, render};

/// Most combinations of which each is compared with all others.
const MAX_COMPARED: usize = 2_000;

/// Drops what others cover, and joins those that differ in the alternatives of one field, until nothing changes.
pub(super) fn all(branches: Vec<Branch>, chars: usize) -> Vec<Branch> {
    let mut branches = unique(branches);
    loop {
        let before = branches.len();
        branches = covered(branches);
        let paths: BTreeSet<String> =
            branches.iter().flat_map(|branch| branch.fields.keys().cloned()).collect();
        for path in paths {
            branches = joined(branches, &path, chars);
        }
        if branches.len() == before {
            return branches;
        }
    }
}

/// Each set of fields once.
fn unique(branches: Vec<Branch>) -> Vec<Branch> {
    let mut unique: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for Branch { fields, feeds } in branches {
        unique.entry(fields).or_default().extend(feeds);
    }
    unique.into_iter().map(|(fields, feeds)| Branch { fields, feeds }).collect()
}

/// Without those that others cover.
fn covered(branches: Vec<Branch>) -> Vec<Branch> {
    if branches.len() > MAX_COMPARED {
        return branches;
    }
    let mut kept: Vec<Branch> = Vec::with_capacity(branches.len());
    for branch in branches {
        if let Some(wider) = kept.iter_mut().find(|wider| wider.covers(&branch)) {
            wider.feeds.extend(branch.feeds);
            continue;
        }
        let mut branch = branch;
        kept.retain(|other| {
            let is_covered = branch.covers(other);
            if is_covered {
                branch.feeds.extend(other.feeds.iter().cloned());
            }
            !is_covered
        });
        kept.push(branch);
    }
    kept
}

/// Those that are the same but for one field become one with the alternatives of both, as long as that fits.
fn joined(branches: Vec<Branch>, path: &str, chars: usize) -> Vec<Branch> {
    let mut groups: BTreeMap<BTreeMap<String, Conditions>, Vec<Branch>> = BTreeMap::new();
    let mut others = Vec::new();
    for branch in branches {
        // A field that may be absent stays as it is: what its absence means depends on the other fields.
        match branch.fields.get(path) {
            Some(conditions) if conditions.iter().all(|condition| !condition.absent) => {
                let mut rest = branch.fields.clone();
                rest.remove(path);
                groups.entry(rest).or_default().push(branch);
            }
            _ => others.push(branch),
        }
    }
    for group in groups.into_values() {
        let mut made: Vec<Branch> = Vec::new();
        for branch in group {
            let fitting = made.iter_mut().find_map(|one| Some((join(one, &branch, path, chars)?, one)));
            match fitting {
                Some((joined, one)) => *one = joined,
                None => made.push(branch),
            }
        }
        others.append(&mut made);
    }
    others.sort();
    others
}

fn join(left: &Branch, right: &Branch, path: &str, chars: usize) -> Option<Branch> {
    let mut joined = left.clone();
    let conditions = joined.fields.get_mut(path)?;
    conditions.extend(right.fields.get(path)?.iter().cloned());
    let stars: usize = conditions.iter().map(|condition| condition.stars).sum();
    joined.feeds.extend(right.feeds.iter().cloned());
    (stars <= MAX_STARS && render::one(&joined).chars() <= chars).then_some(joined)
}
