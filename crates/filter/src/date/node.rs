//! A datepattern as a tree.
//!
//! Only as much is taken apart as dates need: groups, alternatives, repetitions, tokens, backreferences. Everything
//! else stays Python's text and is translated by [`to_rust`](super::translate::to_rust) in one go afterwards.

use super::token::Token;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Python regex text that forms one atom, or an assertion.
    Text(String),
    /// `number` counts the capturing groups from 1 in the order of opening, tokens included, as Python does.
    Token {
        token: &'static Token,
        number: usize,
    },
    /// `(…)`, `(?P<name>…)`; `number` as above.
    Capture {
        name: Option<String>,
        number: usize,
        body: Box<Node>,
    },
    /// `(?:…)`, with the flags as they are written.
    Group {
        flags: String,
        body: Box<Node>,
    },
    /// A node with its `*`, `+?`, `{2,3}`, …
    Repeat {
        body: Box<Node>,
        operator: String,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    /// `(?P=name)`, `\1`.
    Backref(String),
}

impl Node {
    /// The nodes directly within this one.
    pub(super) fn children(&self) -> &[Node] {
        match self {
            Self::Concat(children) | Self::Alternate(children) => children,
            Self::Capture { body, .. } | Self::Group { body, .. } | Self::Repeat { body, .. } => {
                std::slice::from_ref(body)
            }
            Self::Text(_) | Self::Token { .. } | Self::Backref(_) => &[],
        }
    }

    /// The same, to change them.
    pub(super) fn children_mut(&mut self) -> &mut [Node] {
        match self {
            Self::Concat(children) | Self::Alternate(children) => children,
            Self::Capture { body, .. } | Self::Group { body, .. } | Self::Repeat { body, .. } => {
                std::slice::from_mut(body)
            }
            Self::Text(_) | Self::Token { .. } | Self::Backref(_) => &mut [],
        }
    }

    /// Whether the condition holds for this node or one within it.
    pub(super) fn any(&self, condition: &impl Fn(&Node) -> bool) -> bool {
        condition(self) || self.children().iter().any(|child| child.any(condition))
    }
}
