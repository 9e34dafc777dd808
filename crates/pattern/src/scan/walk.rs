//! The walk along the paths that somebody asks for.

use super::bytes::{Text, space, unexpected};
use super::quotes::Quotes;
use super::skip::{Nest, closing, colon, scalar_end, skip, value};
use crate::condition::Literal;
use crate::error::{EventError, EventErrorKind};
use crate::json::unescape;
use crate::limits::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH};
use crate::paths::{FieldId, NodeId, Paths};
use crate::table::Piece;

/// A leaf as it stands in the event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Raw<'e> {
    /// What stands between the quotes.
    String(Quoted<'e>),
    Number(&'e [u8]),
    Literal(Literal),
}

/// A string as it stands in the event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'e> {
    pub(crate) piece: Piece<'e>,
    pub(crate) escaped: bool,
}

/// Who wants the leaves.
pub(crate) trait Sink<'e> {
    /// A leaf. `inside` says that it lies in an object or array that is itself an element of an array.
    fn leaf(&mut self, field: FieldId, value: Raw<'e>, inside: bool);

    /// An element of an array begins that is itself an object or an array. Arrays are numbered as they begin.
    fn enter(&mut self, _array: u32, _index: u32) {}

    /// The last element begun that was not left ends.
    fn leave(&mut self) {}
}

/// What the walk needs beside the event; kept from event to event so that nothing is allocated.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    quotes: Quotes,
    frames: Vec<Frame>,
    nest: Nest,
    key: Vec<u8>,
    /// How many arrays began so far, over all texts of an event.
    arrays: u32,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    node: NodeId,
    object: bool,
    /// It lies in an element of an array, or is one.
    inside: bool,
    /// It is an element of an array itself.
    element: bool,
    /// An array's number, and which of its elements is read.
    array: u32,
    index: u32,
}

impl Walker {
    /// Begins a new event.
    pub(crate) fn begin(&mut self) {
        self.arrays = 0;
    }

    /// Reads one text of an event, an object whose keys hang below `root`.
    pub(crate) fn walk<'e, S: Sink<'e>>(
        &mut self,
        event: &'e [u8],
        paths: &Paths,
        root: NodeId,
        sink: &mut S,
    ) -> Result<(), EventError> {
        if event.len() > MAX_EVENT_BYTES {
            return Err(EventError::new(EventErrorKind::Size, MAX_EVENT_BYTES));
        }
        let end = space(event, self.object(event, true, paths, root, sink)?);
        if end < event.len() {
            return Err(EventError::new(EventErrorKind::Trailing, end));
        }
        Ok(())
    }

    /// Reads the object that a text begins with, and nothing after it; returns the byte after it.
    pub(crate) fn walk_first<'e, S: Sink<'e>>(
        &mut self,
        text: &'e [u8],
        paths: &Paths,
        root: NodeId,
        sink: &mut S,
    ) -> Result<usize, EventError> {
        match text.get(..MAX_EVENT_BYTES) {
            Some(most) => self.object(most, false, paths, root, sink).map_err(|error| match error.kind() {
                EventErrorKind::End => EventError::new(EventErrorKind::Size, MAX_EVENT_BYTES),
                _ => error,
            }),
            None => self.object(text, false, paths, root, sink),
        }
    }

    fn object<'e, S: Sink<'e>>(
        &mut self,
        bytes: &'e [u8],
        whole: bool,
        paths: &Paths,
        root: NodeId,
        sink: &mut S,
    ) -> Result<usize, EventError> {
        let start = space(bytes, 0);
        if bytes.get(start) != Some(&b'{') {
            return Err(EventError::new(EventErrorKind::NotAnObject, start));
        }
        let Self { quotes, frames, nest, key, arrays } = self;
        frames.clear();
        let text = Text::new(bytes, whole, quotes);
        let mut walk = Walk { text, bytes, paths, frames, nest, key, arrays, sink };
        let end = walk.object_tree(root, start)?;
        walk.text.check_encoding(end)?;
        Ok(end)
    }
}

struct Walk<'e, 'w, S> {
    text: Text<'e, 'w>,
    bytes: &'e [u8],
    paths: &'w Paths,
    frames: &'w mut Vec<Frame>,
    nest: &'w mut Nest,
    key: &'w mut Vec<u8>,
    arrays: &'w mut u32,
    sink: &'w mut S,
}

impl<'e, S: Sink<'e>> Walk<'e, '_, S> {
    /// Reads the outermost object; returns the byte after it.
    fn object_tree(&mut self, node: NodeId, start: usize) -> Result<usize, EventError> {
        let (bytes, paths) = (self.bytes, self.paths);
        let mut top = Frame { node, object: true, inside: false, element: false, array: 0, index: 0 };
        let mut here = paths.here(node);
        let mut at = space(bytes, start + 1);
        if bytes.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        'members: loop {
            // `at` is at a key or an element.
            let mut node = top.node;
            let (_, mut byte) = value(bytes, at);
            if top.object {
                if let Some(key) = self.text.plain_key(at) {
                    node = here.step(Piece::new(bytes, at + 1, key.end), key.last_two);
                    (at, byte) = (key.end + 2, key.value);
                    if byte <= b' ' {
                        (at, byte) = value(bytes, space(bytes, at));
                    }
                } else {
                    (node, at) = self.odd_key(node, at)?;
                    (at, byte) = value(bytes, at);
                }
            }
            // `at` is at a value.
            match byte {
                b'"' => {
                    let (end, escaped) = self.text.string()?;
                    if let Some(field) = paths.field(node) {
                        let piece = Piece::new(bytes, at + 1, end);
                        self.sink.leaf(field, Raw::String(Quoted { piece, escaped }), top.inside);
                    }
                    if self.text.string_follows(end) {
                        at = end + 2;
                        top.index = top.index.wrapping_add(1);
                        continue;
                    }
                    at = end + 1;
                }
                b'{' | b'[' => {
                    let object = byte == b'{';
                    let inner = space(bytes, at + 1);
                    let depth = self.frames.len() + 1;
                    if bytes.get(inner) == Some(&closing(byte)) {
                        at = inner + 1;
                    } else if depth >= MAX_EVENT_DEPTH {
                        return Err(EventError::new(EventErrorKind::Depth, at));
                    } else if if object { paths.has_children(node) } else { paths.is_wanted(node) } {
                        let element = !top.object;
                        if element {
                            self.sink.enter(top.array, top.index);
                        }
                        let array = *self.arrays;
                        *self.arrays = array.wrapping_add(u32::from(!object));
                        self.frames.push(top);
                        top = Frame { node, object, inside: top.inside | element, element, array, index: 0 };
                        here = paths.here(node);
                        at = inner;
                        continue;
                    } else {
                        at = skip(&mut self.text, inner, object, self.nest, depth)?;
                    }
                }
                _ => {
                    let end = scalar_end(bytes, at)?;
                    if let Some(field) = paths.field(node) {
                        self.sink.leaf(field, self.scalar(at, end), top.inside);
                    }
                    at = end;
                }
            }
            loop {
                // `at` is behind a value.
                at = space(bytes, at);
                match bytes.get(at) {
                    Some(b',') => break,
                    Some(b'}') if top.object => {}
                    Some(b']') if !top.object => {}
                    _ => return Err(unexpected(bytes, at)),
                }
                at += 1;
                if top.element {
                    self.sink.leave();
                }
                let Some(outer) = self.frames.pop() else { break 'members Ok(at) };
                top = outer;
                here = paths.here(top.node);
            }
            at = space(bytes, at + 1);
            top.index = top.index.wrapping_add(1);
        }
    }

    fn scalar(&self, at: usize, end: usize) -> Raw<'e> {
        match self.bytes.get(at) {
            Some(b't') => Raw::Literal(Literal::True),
            Some(b'f') => Raw::Literal(Literal::False),
            Some(b'n') => Raw::Literal(Literal::Null),
            _ => Raw::Number(self.bytes.get(at..end).unwrap_or_default()),
        }
    }

    /// Reads a key of any kind: returns where it leads to, and where its value begins.
    #[cold]
    #[inline(never)]
    fn odd_key(&mut self, node: NodeId, at: usize) -> Result<(NodeId, usize), EventError> {
        if self.bytes.get(at) != Some(&b'"') {
            return Err(unexpected(self.bytes, at));
        }
        let (end, escaped) = self.text.string()?;
        let text = self.bytes.get(at + 1..end).unwrap_or_default();
        let child = if escaped {
            self.key.clear();
            unescape(text, self.key);
            self.paths.step(node, self.key)
        } else {
            self.paths.step(node, text)
        };
        Ok((child, colon(self.bytes, end)?))
    }
}
