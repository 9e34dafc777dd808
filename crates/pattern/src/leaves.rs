//! The leaves of an event with the array elements that they lie in: what deciding array consistency needs.
//!
//! Only events in which a rule's fields met arrays of objects come this far.

use std::borrow::Cow;

use crate::condition::Value;
use crate::error::EventError;
use crate::json::unescape;
use crate::paths::{FieldId, NodeId, Paths};
use crate::scan::{Quoted, Raw, Sink, Walker};

/// An array element around leaves, or the event itself (0). Numbered in the order in which they begin.
pub(crate) type ContextId = u32;

/// The leaves.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'e> {
    /// By field, in the order of the event.
    fields: Vec<Vec<Leaf<'e>>>,
    contexts: Vec<Context>,
    arrays: Vec<Array>,
    open: Vec<ContextId>,
}

/// A leaf.
#[derive(Debug)]
pub(crate) struct Leaf<'e> {
    pub(crate) value: Value<'e>,
    pub(crate) context: ContextId,
}

#[derive(Debug, Clone, Copy)]
struct Context {
    parent: ContextId,
    depth: u32,
    array: u32,
    /// The first context after it and everything in it.
    end: ContextId,
}

/// The contexts that an array spans.
#[derive(Debug, Clone, Copy, Default)]
struct Array {
    start: ContextId,
    end: ContextId,
}

impl<'e> Leaves<'e> {
    pub(crate) fn new(fields: usize) -> Self {
        let mut leaves = Self::default();
        leaves.fields.resize_with(fields, Vec::new);
        leaves.contexts.push(Context { parent: 0, depth: 0, array: u32::MAX, end: u32::MAX });
        leaves
    }

    /// Reads the leaves of an event on these paths.
    pub(crate) fn read(event: &'e [u8], paths: &Paths, walker: &mut Walker) -> Result<Self, EventError> {
        Self::read_parts(&[(Paths::ROOT, event)], paths, walker)
    }

    /// The same of an event in several texts, each with the place where it hangs.
    pub(crate) fn read_parts(
        parts: &[(NodeId, &'e [u8])],
        paths: &Paths,
        walker: &mut Walker,
    ) -> Result<Self, EventError> {
        let mut leaves = Self::new(paths.len());
        walker.begin();
        for (root, part) in parts {
            walker.walk(part, paths, *root, &mut leaves)?;
        }
        Ok(leaves)
    }

    pub(crate) fn of(&self, field: FieldId) -> &[Leaf<'e>] {
        self.fields.get(field.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Takes the leaves of a field out.
    pub(crate) fn take(&mut self, field: FieldId) -> Vec<Leaf<'e>> {
        self.fields.get_mut(field.0 as usize).map(std::mem::take).unwrap_or_default()
    }

    /// Adds a leaf where the reading stands; outside of any array if nothing is read.
    pub(crate) fn push(&mut self, field: FieldId, value: Value<'e>) {
        let context = self.open.last().copied().unwrap_or(0);
        if let Some(leaves) = self.fields.get_mut(field.0 as usize) {
            leaves.push(Leaf { value, context });
        }
    }

    /// The contexts around one, from itself to the event: for each the contexts in it that lie in no other element of an
    /// array passed on the way, as ranges.
    pub(crate) fn reachable(
        &self,
        context: ContextId,
    ) -> impl Iterator<Item = [(ContextId, ContextId); 2]> + '_ {
        let mut at = Some(context);
        let mut passed: Option<Array> = None;
        std::iter::from_fn(move || {
            let here = at?;
            let context = self.contexts.get(here as usize)?;
            let ranges = match passed {
                None => [(here, context.end), (0, 0)],
                Some(array) => [(here, array.start), (array.end, context.end)],
            };
            passed = self.arrays.get(context.array as usize).copied();
            at = (here != 0).then_some(context.parent);
            Some(ranges)
        })
    }

    /// Whether two leaves lie in no two different elements of one array.
    pub(crate) fn consistent(&self, left: ContextId, right: ContextId, steps: &mut u32) -> bool {
        let (mut left, mut right) = (left, right);
        while left != right {
            *steps = steps.saturating_sub(1);
            let (Some(a), Some(b)) = (self.contexts.get(left as usize), self.contexts.get(right as usize))
            else {
                return true;
            };
            match a.depth.cmp(&b.depth) {
                std::cmp::Ordering::Greater => left = a.parent,
                std::cmp::Ordering::Less => right = b.parent,
                std::cmp::Ordering::Equal if a.parent == b.parent => return a.array != b.array,
                std::cmp::Ordering::Equal => (left, right) = (a.parent, b.parent),
            }
            if *steps == 0 {
                return true;
            }
        }
        true
    }

    /// The outermost array around a leaf.
    pub(crate) fn outermost(&self, mut context: ContextId, steps: &mut u32) -> Option<u32> {
        loop {
            let here = self.contexts.get(context as usize).filter(|_| context != 0)?;
            if here.parent == 0 || *steps == 0 {
                return Some(here.array);
            }
            *steps = steps.saturating_sub(1);
            context = here.parent;
        }
    }
}

impl<'e> Sink<'e> for Leaves<'e> {
    fn leaf(&mut self, field: FieldId, value: Raw<'e>, _inside: bool) {
        let value = match value {
            Raw::Number(lexeme) => Value::Number(lexeme),
            Raw::Literal(literal) => Value::Literal(literal),
            Raw::String(Quoted { piece, escaped: false }) => Value::String(Cow::Borrowed(piece.text())),
            Raw::String(Quoted { piece, .. }) => {
                let mut decoded = Vec::with_capacity(piece.len());
                unescape(piece.text(), &mut decoded);
                Value::String(Cow::Owned(decoded))
            }
        };
        self.push(field, value);
    }

    fn enter(&mut self, array: u32, _index: u32) {
        let next = u32::try_from(self.contexts.len()).unwrap_or(u32::MAX);
        let depth = u32::try_from(self.open.len()).unwrap_or(u32::MAX).saturating_add(1);
        let parent = self.open.last().copied().unwrap_or(0);
        self.contexts.push(Context { parent, depth, array, end: u32::MAX });
        self.open.push(next);
        if self.arrays.len() <= array as usize {
            self.arrays.resize(array as usize + 1, Array { start: u32::MAX, end: 0 });
        }
        if let Some(array) = self.arrays.get_mut(array as usize) {
            array.start = array.start.min(next);
        }
    }

    fn leave(&mut self) {
        let end = u32::try_from(self.contexts.len()).unwrap_or(u32::MAX);
        let Some(context) = self.open.pop().and_then(|open| self.contexts.get_mut(open as usize)) else {
            return;
        };
        context.end = end;
        if let Some(array) = self.arrays.get_mut(context.array as usize) {
            array.end = end;
        }
    }
}
