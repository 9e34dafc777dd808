//! Goes through a text from event to event, whatever they are wrapped in.
//!
//! A text is a row of values: one a line, or one after the other, indented or not. An object is an event, or the wrapper
//! `{"Records": […]}`; a list holds the same again.
//!
//! **What is broken takes nothing with it where lines show the way.** Where an object cannot be delimited, reading goes on
//! with the next line that begins, as indented as that object was, with a `{`, or without indentation. So of a file
//! with one event a line, or an indented list, only what is broken is lost; in a text of a single line there is no way to
//! know where the next event begins.

use super::json::{self, Broken, Why, value_end};
use super::limits::MAX_WRAPPERS;
use super::shape::{Form, NoEvent, Shape, no_event, shape};
use super::window::{Sizes, Window};

/// What was come to.
#[derive(Debug)]
pub(super) enum Step {
    /// An event begins at the next byte.
    Event(Form),
    /// A value that is no event was passed over.
    Passed(Start, Wrong),
    /// Something that CloudTrail delivers, and no event, was passed over.
    Known(NoEvent),
    /// The text has ended.
    End,
}

/// Where something began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) line: u64,
    pub(super) byte: u64,
}

impl Start {
    pub(super) fn of(window: &Window) -> Self {
        Self { line: window.line(), byte: window.at() }
    }
}

/// What was wrong with it.
#[derive(Debug)]
pub(super) enum Wrong {
    Broken(Broken),
    TooLong(u64),
    NotAnEvent(String),
    Torn,
}

/// What is open around a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    List,
    /// An object with `Records`, between its fields.
    Wrapper,
}

/// Where in a text somebody is.
#[derive(Debug, Default)]
pub(super) struct Walker {
    sizes: Sizes,
    frames: Vec<Frame>,
    /// After something broken: how far it was indented, where that could be said.
    lost: Option<Option<usize>>,
    /// Whether the records of this list are still looked at, for such that are no events. A file holds one sort.
    looking: bool,
    reread: u64,
}

impl Walker {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self { sizes, ..Self::default() }
    }

    /// Goes on to the next event.
    pub(super) fn step(&mut self, window: &mut Window) -> Step {
        loop {
            if let Some(column) = self.lost
                && !self.find_line(window, column)
            {
                self.frames.clear();
                return Step::End;
            }
            window.ensure(self.sizes.event + 1, self.sizes);
            if window.at() == 0 && window.text().starts_with(b"\xef\xbb\xbf") {
                window.advance(3);
            }
            let space = json::space(window.text(), 0);
            window.advance(space);
            let Some(byte) = window.text().first().copied() else {
                if space > 0 && !window.is_last() {
                    continue;
                }
                return self.end(window);
            };
            let step = match (self.frames.last(), byte) {
                (Some(Frame::Wrapper), b'}') | (Some(Frame::List), b']') => {
                    window.advance(1);
                    self.frames.pop();
                    None
                }
                (_, b',') => {
                    window.advance(1);
                    None
                }
                // What some write between the values of a row.
                (None, 0x1e) => {
                    window.advance(1);
                    None
                }
                (Some(Frame::Wrapper), _) => self.field(window),
                (_, b'{') => self.object(window),
                (_, b'[') => {
                    let inside = self.open(window, &[Frame::List]);
                    if inside.is_none() {
                        window.advance(1);
                    }
                    inside
                }
                (Some(Frame::List), _) => Some(self.no_object(window, || "a value that is no object".into())),
                (None, _) => Some(self.break_off(window, Broken { at: 0, why: Why::Unexpected })),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// The length of the value that begins at the next byte.
    pub(super) fn length(&self, window: &mut Window) -> Result<usize, Broken> {
        loop {
            let length = window.text().len();
            match value_end(window.text(), 0) {
                Err(Broken { why: Why::End, .. }) if !window.is_last() && length < self.sizes.max_window => {
                    window.ensure(length.saturating_mul(2).min(self.sizes.max_window), self.sizes);
                }
                found => return found,
            }
        }
    }

    /// Passes over the event that begins at the next byte. An error if it is too long or broken.
    pub(super) fn pass(&mut self, window: &mut Window) -> Result<usize, (Start, Wrong)> {
        let start = Start::of(window);
        match self.length(window) {
            Ok(length) => {
                window.advance(length);
                if length > self.sizes.event {
                    Err((start, Wrong::TooLong(length as u64)))
                } else {
                    Ok(length)
                }
            }
            Err(broken) => match self.break_off(window, broken) {
                Step::Passed(start, wrong) => Err((start, wrong)),
                _ => Err((start, Wrong::Broken(broken))),
            },
        }
    }

    fn object(&mut self, window: &mut Window) -> Option<Step> {
        let text = window.text().get(..self.sizes.event).unwrap_or(window.text());
        let cut = text.len() < window.text().len();
        match shape(text) {
            Ok(Shape::Event(Form::Record)) if self.looking => match no_event(text) {
                Some(kind) => Some(self.pass(window).map_or_else(passed, |_| Step::Known(kind))),
                None => {
                    self.looking = false;
                    Some(Step::Event(Form::Record))
                }
            },
            Ok(Shape::Event(form)) => Some(Step::Event(form)),
            Ok(Shape::Wrapper(list)) => {
                let inside = self.open(window, &[Frame::Wrapper, Frame::List]);
                if inside.is_none() {
                    window.advance(list + 1);
                }
                inside
            }
            Ok(Shape::Known(kind)) => Some(self.pass(window).map_or_else(passed, |_| Step::Known(kind))),
            Ok(Shape::Other) => {
                let found = fields(text);
                Some(self.no_object(window, || found))
            }
            // Its end may be further on.
            Err(Broken { why: Why::End, .. }) if cut => {
                let start = Start::of(window);
                Some(
                    self.pass(window)
                        .map_or_else(passed, |length| Step::Passed(start, Wrong::TooLong(length as u64))),
                )
            }
            Err(broken) => Some(self.break_off(window, broken)),
        }
    }

    /// Enters lists and wrappers.
    fn open(&mut self, window: &mut Window, frames: &[Frame]) -> Option<Step> {
        if self.frames.len() + frames.len() > MAX_WRAPPERS {
            return Some(self.no_object(window, || "a list in too many lists".into()));
        }
        self.frames.extend_from_slice(frames);
        self.looking = frames.contains(&Frame::Wrapper);
        None
    }

    /// A field of a wrapper, behind its first list.
    fn field(&mut self, window: &mut Window) -> Option<Step> {
        match json::key(window.text(), 0) {
            Ok((key, value)) => {
                let list = key == b"Records" && window.text().get(value) == Some(&b'[');
                if list && self.frames.len() < MAX_WRAPPERS {
                    window.advance(value + 1);
                    self.frames.push(Frame::List);
                    self.looking = true;
                    return None;
                }
                window.advance(value);
                self.pass(window).err().filter(|(_, wrong)| matches!(wrong, Wrong::Broken(_))).map(passed)
            }
            Err(broken) => Some(self.break_off(window, broken)),
        }
    }

    /// Passes over what is no event.
    fn no_object(&mut self, window: &mut Window, found: impl FnOnce() -> String) -> Step {
        let start = Start::of(window);
        match self.pass(window) {
            Ok(_) | Err((_, Wrong::TooLong(_))) => Step::Passed(start, Wrong::NotAnEvent(found())),
            Err(wrong) => passed(wrong),
        }
    }

    /// What begins at the next byte cannot be delimited.
    fn break_off(&mut self, window: &mut Window, broken: Broken) -> Step {
        let start = Start::of(window);
        self.lost = Some(window.column());
        self.reread = self.reread.saturating_add(broken.at as u64);
        if self.reread > self.sizes.reread {
            // To the line where it broke: `find_line` begins at the end of the one before.
            let before = window.text().get(..broken.at).unwrap_or_default();
            let end = memchr::memrchr(b'\n', before).unwrap_or(0);
            window.advance(end);
        }
        Step::Passed(start, Wrong::Broken(broken))
    }

    /// Goes on to the next line with which something may begin. `false` if there is none.
    fn find_line(&mut self, window: &mut Window, column: Option<usize>) -> bool {
        loop {
            match memchr::memchr(b'\n', window.text()) {
                Some(end) => window.advance(end + 1),
                None => {
                    window.advance(usize::MAX);
                    if window.is_last() {
                        return false;
                    }
                    window.ensure(1, self.sizes);
                    continue;
                }
            }
            window.ensure(self.sizes.event + 1, self.sizes);
            let text = window.text();
            let indent = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            match text.get(indent) {
                Some(b'{') if column == Some(indent) => {}
                Some(b'{' | b'[') if indent == 0 => self.frames.clear(),
                None if window.is_last() => return false,
                _ => continue,
            }
            self.lost = None;
            return true;
        }
    }

    fn end(&mut self, window: &mut Window) -> Step {
        if self.frames.is_empty() || window.error().is_some() {
            return Step::End;
        }
        self.frames.clear();
        Step::Passed(Start::of(window), Wrong::Torn)
    }
}

fn passed((start, wrong): (Start, Wrong)) -> Step {
    Step::Passed(start, wrong)
}

/// An object that is no event, for people.
fn fields(text: &[u8]) -> String {
    const SHOWN: usize = 6;
    const SHOWN_CHARS: usize = 40;
    let mut fields = json::Fields::of(text, 0);
    let mut names = Vec::new();
    while let Ok(Some(field)) = fields.next()
        && names.len() < SHOWN
    {
        let name = String::from_utf8_lossy(
            field.key.get(..field.key.len().min(4 * SHOWN_CHARS)).unwrap_or_default(),
        );
        let name: String = name.chars().take(SHOWN_CHARS).filter(|c| !c.is_control()).collect();
        names.push(format!("`{name}`"));
    }
    match names.as_slice() {
        [] => "an object without fields".into(),
        names => format!("an object with {}", names.join(", ")),
    }
}
