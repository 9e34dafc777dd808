//! Array consistency: whether one leaf can be picked for each field so that no two of them lie in different elements of one
//! array.
//!
//! A search with backtracking that only looks at leaves which fit what was picked before: those of one element of a large
//! array are found by their numbers, not by passing the others. What can still explode (keys that occur twice, fields that
//! must be absent) is held by a budget.
//!
//! `exists: false` is decided last: the fields that must be there are picked first, then no leaf of the absent field may
//! lie where the picked ones allow it. event-ruler decides it in the order of names instead, see `differences.md`.

use std::sync::Arc;

use crate::condition::{Compare, Condition, Value};
use crate::leaves::{ContextId, Leaves};
use crate::paths::{FieldId, Paths};

/// A field of a rule and its alternatives.
pub(crate) type Wanted = (FieldId, Arc<[Condition]>);

/// Decides one combination. `None`: the steps are spent.
pub(crate) fn decide(fields: &[Wanted], leaves: &Leaves<'_>, paths: &Paths, steps: &mut u32) -> Option<bool> {
    let mut variables = Vec::with_capacity(fields.len());
    let mut linked = false;
    for (field, conditions) in fields {
        let variable = Variable::new(*field, conditions, leaves, paths, steps)?;
        if variable.is_impossible() {
            return Some(false);
        }
        linked |= variable.absent || !variable.compares.is_empty();
        variables.push(variable);
    }
    if linked {
        return Search::new(leaves, variables, steps).run();
    }
    // A leaf outside of arrays stands beside all others. What is left falls into groups that share no array.
    variables.retain(|variable| variable.contexts.first() != Some(&0));
    while let Some(first) = variables.pop() {
        let mut group = vec![first];
        let mut arrays = group.first().map(|first| outermost(first, leaves, steps)).unwrap_or_default();
        while let Some(at) = variables.iter().position(|other| {
            let others = outermost(other, leaves, steps);
            let shared = others.iter().any(|array| arrays.binary_search(array).is_ok());
            if shared {
                arrays.extend(others);
                arrays.sort_unstable();
                arrays.dedup();
            }
            shared
        }) {
            group.push(variables.swap_remove(at));
        }
        if *steps == 0 {
            return None;
        }
        match Search::new(leaves, group, steps).run() {
            Some(true) => {}
            other => return other,
        }
    }
    Some(true)
}

/// The outermost arrays that a variable's leaves lie in, sorted.
fn outermost(variable: &Variable<'_, '_>, leaves: &Leaves<'_>, steps: &mut u32) -> Vec<u32> {
    let mut arrays: Vec<u32> = Vec::new();
    for context in &variable.contexts {
        *steps = steps.saturating_sub(1);
        if let Some(array) = leaves.outermost(*context, steps)
            && arrays.last() != Some(&array)
        {
            arrays.push(array);
        }
    }
    arrays.sort_unstable();
    arrays.dedup();
    arrays
}

/// A field for which something is to be picked.
struct Variable<'a, 'e> {
    /// Where the leaves lie that fulfil a condition by themselves: each place once, in order.
    contexts: Vec<ContextId>,
    /// The field may be absent.
    absent: bool,
    /// If so, where all its leaves lie: each place once, in order.
    everywhere: Vec<ContextId>,
    /// Comparisons, each with the other field's number.
    compares: Vec<(&'a Compare, FieldId)>,
    leaves: &'a [crate::leaves::Leaf<'e>],
}

impl<'a, 'e> Variable<'a, 'e> {
    fn new(
        field: FieldId,
        conditions: &'a [Condition],
        leaves: &'a Leaves<'e>,
        paths: &Paths,
        steps: &mut u32,
    ) -> Option<Self> {
        let own = leaves.of(field);
        let mut contexts = Vec::new();
        for leaf in own {
            for condition in conditions {
                *steps = steps.checked_sub(1)?;
                if condition.holds(&leaf.value) {
                    contexts.push(leaf.context);
                    break;
                }
            }
        }
        contexts.sort_unstable();
        contexts.dedup();
        let compares = conditions.iter().filter_map(|condition| match condition {
            Condition::Compare(compare) => Some((compare, paths.find(&compare.other)?)),
            _ => None,
        });
        let absent = conditions.contains(&Condition::Absent);
        let mut everywhere = Vec::new();
        if absent {
            everywhere.extend(own.iter().map(|leaf| leaf.context));
            everywhere.sort_unstable();
            everywhere.dedup();
        }
        Some(Self { contexts, absent, everywhere, compares: compares.collect(), leaves: own })
    }

    fn is_impossible(&self) -> bool {
        self.contexts.is_empty() && !self.absent && (self.compares.is_empty() || self.leaves.is_empty())
    }
}

/// What is decided when everything is picked.
#[derive(Clone, Copy)]
enum Later<'a, 'e> {
    /// No leaf of this variable's field may stand beside the picked ones.
    Absent(usize),
    /// No leaf of the other field that may stand beside the picked ones equals this one, and there is one at all.
    Differs(&'a Compare, &'a Value<'e>, FieldId),
}

struct Search<'a, 'e, 's> {
    leaves: &'a Leaves<'e>,
    variables: Vec<Variable<'a, 'e>>,
    picked: Vec<ContextId>,
    later: Vec<Later<'a, 'e>>,
    steps: &'s mut u32,
}

impl<'a, 'e, 's> Search<'a, 'e, 's> {
    fn new(leaves: &'a Leaves<'e>, mut variables: Vec<Variable<'a, 'e>>, steps: &'s mut u32) -> Self {
        variables.sort_by_key(|variable| {
            (variable.absent, variable.contexts.len() + variable.leaves.len() * variable.compares.len())
        });
        Self { leaves, variables, picked: Vec::new(), later: Vec::new(), steps }
    }

    fn run(mut self) -> Option<bool> {
        let variables = std::mem::take(&mut self.variables);
        let found = match variables.first() {
            None => self.judge_later(&variables),
            Some(first) => self.try_all(0, first, &variables),
        };
        if found { Some(true) } else { (*self.steps > 0).then_some(false) }
    }

    /// Picks for this variable and all after it. False also when the steps are spent.
    fn try_all(&mut self, at: usize, variable: &Variable<'a, 'e>, variables: &[Variable<'a, 'e>]) -> bool {
        for context in self.fitting(&variable.contexts) {
            self.picked.push(context);
            let found = self.rest(at, variables);
            self.picked.pop();
            if found {
                return true;
            }
            if *self.steps == 0 {
                return false;
            }
        }
        for (compare, other) in &variable.compares {
            if self.try_compare(at, variable, compare, *other, variables) {
                return true;
            }
        }
        if variable.absent {
            self.later.push(Later::Absent(at));
            let found = self.rest(at, variables);
            self.later.pop();
            return found;
        }
        false
    }

    fn rest(&mut self, at: usize, variables: &[Variable<'a, 'e>]) -> bool {
        match variables.get(at + 1) {
            None => self.judge_later(variables),
            Some(next) => self.try_all(at + 1, next, variables),
        }
    }

    fn try_compare(
        &mut self,
        at: usize,
        variable: &Variable<'a, 'e>,
        compare: &'a Compare,
        other: FieldId,
        variables: &[Variable<'a, 'e>],
    ) -> bool {
        for leaf in variable.leaves {
            if !self.spend() || !self.fits(leaf.context) {
                continue;
            }
            self.picked.push(leaf.context);
            let mut found = false;
            if compare.relation.is_negative() {
                self.later.push(Later::Differs(compare, &leaf.value, other));
                found = self.rest(at, variables);
                self.later.pop();
            } else {
                for beside in self.leaves.of(other) {
                    if !self.spend() {
                        break;
                    }
                    if compare.relation.holds(&leaf.value, &beside.value) && self.fits(beside.context) {
                        self.picked.push(beside.context);
                        found = self.rest(at, variables);
                        self.picked.pop();
                        if found {
                            break;
                        }
                    }
                }
            }
            self.picked.pop();
            if found {
                return true;
            }
        }
        false
    }

    fn judge_later(&mut self, variables: &[Variable<'a, 'e>]) -> bool {
        for at in 0..self.later.len() {
            match self.later.get(at).copied() {
                Some(Later::Absent(variable)) => {
                    let everywhere = variables.get(variable).map_or(&[][..], |variable| &variable.everywhere);
                    if !self.fitting(everywhere).is_empty() || *self.steps == 0 {
                        return false;
                    }
                }
                Some(Later::Differs(compare, value, other)) => {
                    let mut any = false;
                    for beside in self.leaves.of(other) {
                        if !self.spend() {
                            return false;
                        }
                        if self.fits(beside.context) {
                            any = true;
                            if compare.relation.holds(value, &beside.value) {
                                return false;
                            }
                        }
                    }
                    if !any {
                        return false;
                    }
                }
                None => {}
            }
        }
        true
    }

    /// Those of the contexts (sorted) that fit everything picked.
    fn fitting(&mut self, contexts: &[ContextId]) -> Vec<ContextId> {
        let Some(ranges) = self.nearest(contexts) else { return contexts.to_vec() };
        let mut fitting = Vec::new();
        for (start, end) in ranges {
            for context in contexts.get(start..end).unwrap_or_default() {
                if !self.spend() {
                    return fitting;
                }
                if self.fits(*context) {
                    fitting.push(*context);
                }
            }
        }
        fitting
    }

    /// The parts of a list that fit one of the picked, the one that leaves least.
    fn nearest(&mut self, contexts: &[ContextId]) -> Option<Vec<(usize, usize)>> {
        let mut best: Option<(usize, Vec<(usize, usize)>)> = None;
        for picked in &self.picked {
            let mut parts = Vec::new();
            let mut count = 0;
            for range in self.leaves.reachable(*picked).flatten() {
                *self.steps = self.steps.saturating_sub(1);
                let start = contexts.partition_point(|context| *context < range.0);
                let end = contexts.partition_point(|context| *context < range.1);
                if start < end {
                    count += end - start;
                    parts.push((start, end));
                }
                if *self.steps == 0 {
                    break;
                }
            }
            if best.as_ref().is_none_or(|(least, _)| count < *least) {
                best = Some((count, parts));
            }
        }
        best.map(|(_, parts)| parts)
    }

    fn fits(&mut self, context: ContextId) -> bool {
        self.picked.iter().all(|picked| self.leaves.consistent(*picked, context, self.steps))
    }

    fn spend(&mut self) -> bool {
        *self.steps = self.steps.saturating_sub(1);
        *self.steps > 0
    }
}
