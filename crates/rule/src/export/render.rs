//! Writes combinations as one pattern, as short as it gets: what they share stands once, the rest under `$or`.

use std::collections::BTreeMap;

use stockade_pattern::Pattern;
use stockade_pattern::limits::MAX_OR_COMBINATIONS;

use super::branch::{Branch, Conditions};
use super::tree::Tree;

/// A field of a combination.
type Field<'b> = (&'b str, &'b Conditions);

/// One combination alone.
pub(super) fn one(branch: &Branch) -> Tree {
    let fields: Vec<Field<'_>> =
        branch.fields.iter().map(|(path, conditions)| (path.as_str(), conditions)).collect();
    nested(&fields, None)
}

/// Several combinations as one pattern. AWS counts as combinations what the lengths of all `$or`s multiply to, also of those that
/// lie in each other; there may be [`MAX_OR_COMBINATIONS`], of these as of the branches. Not all can be: a name that is a word of the language may not stand inside `$or`, so
/// ask [`is_exact`].
pub(super) fn several(branches: &[Branch]) -> Tree {
    let fields: Vec<Vec<Field<'_>>> = branches
        .iter()
        .map(|branch| branch.fields.iter().map(|(path, conditions)| (path.as_str(), conditions)).collect())
        .collect();
    together(fields, MAX_OR_COMBINATIONS).0
}

/// Whether a text is read as the combinations that it was written for. Said of what is made of several.
pub(super) fn is_exact(tree: &Tree, branches: &[Branch]) -> bool {
    let Ok(pattern) = Pattern::parse(&tree.compact()) else { return false };
    let mut read: Vec<BTreeMap<String, Vec<String>>> = pattern.written().into_iter().map(as_texts).collect();
    let mut wanted: Vec<BTreeMap<String, Vec<String>>> = branches
        .iter()
        .map(|branch| {
            let fields = branch.fields.iter();
            let texts =
                fields.map(|(path, all)| (path.clone(), all.iter().map(|one| one.json.clone()).collect()));
            texts.collect()
        })
        .collect();
    read.sort();
    wanted.sort();
    read == wanted
}

fn as_texts(fields: Vec<stockade_pattern::WrittenField>) -> BTreeMap<String, Vec<String>> {
    let text = |field: stockade_pattern::WrittenField| {
        let mut texts: Vec<String> = field.conditions.into_iter().filter_map(|one| one.json).collect();
        texts.sort();
        (field.path.unwrap_or_default(), texts)
    };
    fields.into_iter().map(text).collect()
}

/// What they are together, and what the lengths of its `$or`s multiply to.
fn together(mut branches: Vec<Vec<Field<'_>>>, allowance: usize) -> (Tree, usize) {
    let Some((first, others)) = branches.split_first() else { return (Tree::Object(Vec::new()), 1) };
    if others.is_empty() {
        return (nested(first, None), 1);
    }
    let common: Vec<Field<'_>> =
        first.iter().filter(|field| others.iter().all(|branch| branch.contains(field))).copied().collect();
    for branch in &mut branches {
        branch.retain(|field| !common.contains(field));
    }
    // One that asks for nothing more is what all others only narrow.
    if branches.iter().any(Vec::is_empty) {
        return (nested(&common, None), 1);
    }
    let mut prefix = shared_prefix(&branches);
    if common.iter().any(|(path, _)| prefix.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))) {
        // An object cannot lie where a value is asked for.
        prefix.clear();
    }
    for field in branches.iter_mut().flatten() {
        field.0 = field.0.get(prefix.len()..).unwrap_or_default();
    }
    let (groups, mut product) = groups(branches, allowance);
    let alternatives = groups.into_iter().map(|group| {
        let own = group.len().max(1);
        let (tree, inner) = together(group, own * (allowance / product.max(1)).max(1));
        product = product / own * inner;
        tree
    });
    let alternatives = alternatives.collect();
    (nested(&common, Some((prefix, Tree::Array(alternatives)))), product)
}

/// Puts those together that share the longest field, as long as the lengths of all `$or`s multiply to no more than is allowed.
/// Also returns what they multiply to.
fn groups(mut branches: Vec<Vec<Field<'_>>>, allowance: usize) -> (Vec<Vec<Vec<Field<'_>>>>, usize) {
    let mut groups: Vec<Vec<Vec<Field<'_>>>> = Vec::new();
    let mut within = 1;
    loop {
        let mut counts: BTreeMap<Field<'_>, usize> = BTreeMap::new();
        for field in branches.iter().flatten() {
            *counts.entry(*field).or_default() += 1;
        }
        let product = |count: usize| (groups.len() + branches.len() - count + 1) * within * count;
        let saved = |field: &Field<'_>, count: usize| (count - 1) * length(*field);
        let fits = |count: usize| count > 1 && product(count) <= allowance;
        // All of them together are no group, but the whole.
        let whole = if groups.is_empty() { branches.len() } else { usize::MAX };
        let possible = counts.into_iter().filter(|(_, count)| fits(*count) && *count < whole);
        let best = possible.max_by_key(|(field, count)| (saved(field, *count), std::cmp::Reverse(*field)));
        let Some((shared, count)) = best else { break };
        let (group, rest) = branches.into_iter().partition(|branch| branch.contains(&shared));
        groups.push(group);
        within *= count;
        branches = rest;
    }
    groups.extend(branches.into_iter().map(|branch| vec![branch]));
    let product = groups.len() * within;
    (groups, product)
}

fn length((path, conditions): Field<'_>) -> usize {
    path.len() + 6 + conditions.iter().map(|condition| condition.json.len() + 1).sum::<usize>()
}

/// The objects that all fields lie in, with a dot at the end: `detail.requestParameters.`, or nothing.
fn shared_prefix(branches: &[Vec<Field<'_>>]) -> String {
    let mut paths = branches.iter().flatten().map(|(path, _)| *path);
    let Some(first) = paths.next() else { return String::new() };
    let mut prefix = first.rfind('.').and_then(|at| first.get(..=at)).unwrap_or_default();
    for path in paths {
        while !path.starts_with(prefix) {
            let shorter = prefix.strip_suffix('.').unwrap_or(prefix).rfind('.');
            prefix = shorter.and_then(|at| prefix.get(..=at)).unwrap_or_default();
        }
    }
    prefix.to_owned()
}

/// An object of fields, nested by their names. `$or`, if there is one, lies where its prefix leads.
fn nested(fields: &[Field<'_>], or: Option<(String, Tree)>) -> Tree {
    let mut here = Vec::new();
    let mut below: BTreeMap<&str, Vec<Field<'_>>> = BTreeMap::new();
    for (path, conditions) in fields {
        // A name that is also a field of its own cannot be an object too: the rest keeps its dots.
        let split = path.split_once('.').filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        match split {
            Some((name, rest)) => below.entry(name).or_default().push((rest, conditions)),
            None => here.push(((*path).to_owned(), values(conditions))),
        }
    }
    let mut deeper = None;
    match or {
        Some((prefix, tree)) if prefix.is_empty() => here.push(("$or".to_owned(), tree)),
        Some((prefix, tree)) => deeper = Some((prefix, tree)),
        None => {}
    }
    let mut name_of_or = None;
    if let Some((prefix, tree)) = deeper {
        let (name, rest) = prefix.split_once('.').unwrap_or((&prefix, ""));
        if !below.contains_key(name) {
            here.push((name.to_owned(), nested(&[], Some((rest.to_owned(), tree)))));
        } else {
            name_of_or = Some((name.to_owned(), rest.to_owned(), tree));
        }
    }
    for (name, fields) in below {
        let or = name_of_or.take_if(|(of, ..)| of == name).map(|(_, rest, tree)| (rest, tree));
        here.push((name.to_owned(), nested(&fields, or)));
    }
    Tree::object(here)
}

fn values(conditions: &Conditions) -> Tree {
    Tree::Array(conditions.iter().map(|condition| Tree::Json(condition.json.clone())).collect())
}
