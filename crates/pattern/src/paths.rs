//! The paths that somebody asks for, as a tree of names.
//!
//! A path is its names joined with dots, so `{"a.b": 1}` and `{"a": {"b": 1}}` are one path. The tree is cut at every dot,
//! and so is a key of the event that holds dots.

use crate::table::{Piece, Table};

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// A path that somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FieldId(pub(crate) u32);

/// The tree.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    nodes: Vec<Node>,
    /// The names of all nodes; their scope is the node that they are below.
    names: Table,
    fields: u32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Node {
    field: Option<FieldId>,
    /// One bit for each kind of name below it: most keys that lead nowhere are of none.
    kinds: [u64; 4],
}

/// A place in the tree, at hand for many steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'p> {
    paths: &'p Paths,
    node: NodeId,
    kinds: &'p [u64; 4],
}

impl Default for Paths {
    fn default() -> Self {
        Self::new()
    }
}

impl Paths {
    pub(crate) const ROOT: NodeId = NodeId(0);
    /// Nobody asks for anything here or below.
    pub(crate) const NOWHERE: NodeId = NodeId(u32::MAX);

    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], names: Table::default(), fields: 0 }
    }

    /// Adds a path; the same path is the same field.
    pub(crate) fn add(&mut self, path: &[u8]) -> FieldId {
        let mut at = 0u32;
        for name in path.split(|byte| *byte == b'.') {
            at = self.names.get(at, name).unwrap_or_else(|| {
                let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
                self.names.insert(at, name, next);
                if let Some(node) = self.nodes.get_mut(at as usize) {
                    node.add_kind(name);
                }
                self.nodes.push(Node::default());
                next
            });
        }
        let next = FieldId(self.fields);
        match self.nodes.get_mut(at as usize) {
            Some(node) => *node.field.get_or_insert_with(|| {
                self.fields += 1;
                next
            }),
            None => next,
        }
    }

    /// Finds a field that was added.
    pub(crate) fn find(&self, path: &[u8]) -> Option<FieldId> {
        self.field(self.step(Self::ROOT, path))
    }

    /// How many fields there are; their numbers are those below.
    pub(crate) fn len(&self) -> usize {
        self.fields as usize
    }

    #[inline]
    pub(crate) fn field(&self, node: NodeId) -> Option<FieldId> {
        self.nodes.get(node.0 as usize)?.field
    }

    #[inline]
    pub(crate) fn has_children(&self, node: NodeId) -> bool {
        self.nodes.get(node.0 as usize).is_some_and(|node| node.kinds != [0; 4])
    }

    #[inline]
    pub(crate) fn is_wanted(&self, node: NodeId) -> bool {
        self.nodes.get(node.0 as usize).is_some()
    }

    /// Where a text of an event hangs; an empty path is the event itself.
    pub(crate) fn root(&self, path: &str) -> NodeId {
        if path.is_empty() { Self::ROOT } else { self.step(Self::ROOT, path.as_bytes()) }
    }

    #[inline]
    pub(crate) fn here(&self, node: NodeId) -> Here<'_> {
        let kinds = self.nodes.get(node.0 as usize).map_or(&[0; 4], |node| &node.kinds);
        Here { paths: self, node, kinds }
    }

    /// Where a key leads to. It may hold dots.
    pub(crate) fn step(&self, node: NodeId, key: &[u8]) -> NodeId {
        match self.names.get(node.0, key) {
            Some(child) => NodeId(child),
            None if memchr::memchr(b'.', key).is_none() => Self::NOWHERE,
            None => key
                .split(|byte| *byte == b'.')
                .fold(node, |node, name| self.names.get(node.0, name).map_or(Self::NOWHERE, NodeId)),
        }
    }
}

impl Here<'_> {
    /// Where a key leads to that holds no dots. `last_two` are the two bytes before its closing quote.
    #[inline(always)]
    pub(crate) fn step(self, key: Piece<'_>, last_two: u16) -> NodeId {
        let kind = kind(last_two, key.len());
        if self.kinds.get(kind >> 6).is_none_or(|kinds| kinds >> (kind & 63) & 1 == 0) {
            return Paths::NOWHERE;
        }
        let child = self.paths.names.get_piece(self.node.0, key, key.words());
        child.map_or(Paths::NOWHERE, NodeId)
    }
}

impl Node {
    fn add_kind(&mut self, name: &[u8]) {
        let two = match name {
            [.., first, second] => [*first, *second],
            [one] => [b'"', *one],
            // What is before its opening quote is not known.
            [] => return self.kinds = [u64::MAX; 4],
        };
        let kind = kind(u16::from_le_bytes(two), name.len());
        if let Some(kinds) = self.kinds.get_mut(kind >> 6) {
            *kinds |= 1 << (kind & 63);
        }
    }
}

/// The kind of a name by its length and its last two bytes (of a shorter one, with the quote before it); below 256.
#[inline(always)]
fn kind(two: u16, length: usize) -> usize {
    let length = (length & 0xFF) as u32;
    ((u32::from(two) | length << 16).wrapping_mul(0x9E37_79B1) >> 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_join() {
        let mut paths = Paths::new();
        let deep = paths.add(b"a.b.c");
        let top = paths.add(b"a");
        assert_eq!(paths.add(b"a.b.c"), deep);
        for keys in [&["a", "b", "c"][..], &["a.b", "c"], &["a", "b.c"], &["a.b.c"]] {
            let node = keys.iter().fold(Paths::ROOT, |node, key| paths.step(node, key.as_bytes()));
            assert_eq!(paths.field(node), Some(deep), "{keys:?}");
        }
        assert_eq!(paths.field(paths.step(Paths::ROOT, b"a")), Some(top));
        assert_eq!(paths.step(Paths::ROOT, b"a."), Paths::NOWHERE);
        assert_eq!(paths.step(Paths::NOWHERE, b"a"), Paths::NOWHERE);
    }
}
