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
    /// What names below it begin with: one bit for each kind of beginning.
    beginnings: u64,
}

/// A place in the tree, at hand for many steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    node: u32,
    beginnings: u64,
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
                    node.beginnings |= match name {
                        [first, second, ..] => 1 << kind(u16::from_le_bytes([*first, *second])),
                        // Of anything that follows.
                        _ => u64::MAX,
                    };
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
        self.nodes.get(node.0 as usize).is_some_and(|node| node.beginnings != 0)
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
    pub(crate) fn node(&self, node: NodeId) -> Here {
        Here { node: node.0, beginnings: self.nodes.get(node.0 as usize).map_or(0, |node| node.beginnings) }
    }

    /// Where a key leads to.
    pub(crate) fn step(&self, node: NodeId, key: &[u8]) -> NodeId {
        self.node(node).step(self, Piece::all(key))
    }

    #[cold]
    fn step_dotted(&self, mut node: NodeId, key: &[u8]) -> NodeId {
        for name in key.split(|byte| *byte == b'.') {
            node = self.names.get(node.0, name).map_or(Self::NOWHERE, NodeId);
        }
        node
    }
}

impl Here {
    /// Where a key leads to.
    #[inline(always)]
    pub(crate) fn step(self, paths: &Paths, key: Piece<'_>) -> NodeId {
        if key.beginning().is_some_and(|two| self.beginnings >> kind(two) & 1 == 0) {
            return Paths::NOWHERE;
        }
        let words = key.words();
        match paths.names.get_piece(self.node, key, words) {
            Some(child) => NodeId(child),
            None if !words.hold(b'.', key) => Paths::NOWHERE,
            None => paths.step_dotted(NodeId(self.node), key.text()),
        }
    }
}

/// The kind of a beginning, below 64.
#[inline(always)]
fn kind(two: u16) -> u32 {
    u32::from(two).wrapping_mul(0x9E37_79B1) >> 26
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
