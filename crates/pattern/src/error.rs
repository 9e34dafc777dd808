//! What can be wrong with a pattern or an event.

use std::fmt;

/// A place in a text that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// Bytes before it.
    pub byte: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Returns the place of a byte in a text; a byte beyond the text is its end.
    pub(crate) fn of(text: &[u8], byte: usize) -> Self {
        let byte = byte.min(text.len());
        let before = text.get(..byte).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let in_line = before.get(line_start..).unwrap_or_default();
        let column = 1 + in_line.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        Self { byte, line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Who can say what is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternErrorKind {
    /// It is not JSON.
    Syntax,
    /// It is JSON, but not an event pattern; AWS rejects it with the same words.
    Invalid,
    /// It is beyond a limit of this crate (see [`limits`](crate::limits)) or of SNS.
    Limit,
    /// It uses what Stockade adds to the language, wrongly.
    Extension,
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event pattern is not valid: {reason} ({position})")]
pub struct PatternError {
    kind: PatternErrorKind,
    reason: Box<str>,
    position: Position,
}

impl PatternError {
    pub(crate) fn new(kind: PatternErrorKind, reason: impl Into<String>, position: Position) -> Self {
        Self { kind, reason: reason.into().into_boxed_str(), position }
    }

    /// Returns what sort of error it is.
    pub fn kind(&self) -> PatternErrorKind {
        self.kind
    }

    /// Returns the reason, in AWS's words wherever AWS rejects the pattern too.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns where the offending part begins.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the message in the form in which EventBridge's `InvalidEventPatternException` has it.
    pub fn aws_message(&self, pattern: &str) -> String {
        let Position { line, column, .. } = self.position;
        let source = source_reference(pattern);
        format!(
            "Event pattern is not valid. Reason: {}\n at [Source: (String)\"{source}; line: {line}, column: {column}]",
            self.reason
        )
    }
}

/// The beginning of a text as it stands in messages: at most 500 characters, and how many were left out.
pub(crate) fn source_reference(text: &str) -> String {
    const SHOWN: usize = 500;
    let total = text.chars().count();
    if total <= SHOWN {
        return format!("{text}\"");
    }
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown}\"[truncated {} chars]", total - SHOWN)
}

/// An event that cannot be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event is not valid: {kind} at byte {at}")]
pub struct EventError {
    kind: EventErrorKind,
    at: usize,
}

/// What is wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// The top level is something else than an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A byte stands where JSON has no place for it.
    #[error("unexpected byte")]
    Unexpected,
    /// The text ends too early.
    #[error("unexpected end")]
    End,
    /// A string holds a control character that is not escaped.
    #[error("control character in a string")]
    Control,
    /// A backslash is followed by something that is no escape.
    #[error("unknown escape")]
    Escape,
    /// A number is not written as JSON writes numbers.
    #[error("malformed number")]
    Number,
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// Something follows the object.
    #[error("something after the object")]
    Trailing,
    /// Deeper than [`MAX_EVENT_DEPTH`](crate::limits::MAX_EVENT_DEPTH).
    #[error("nested too deep")]
    Depth,
    /// Longer than [`MAX_EVENT_BYTES`](crate::limits::MAX_EVENT_BYTES).
    #[error("too long")]
    Size,
}

impl EventError {
    pub(crate) fn new(kind: EventErrorKind, at: usize) -> Self {
        Self { kind, at }
    }

    /// Returns what is wrong.
    pub fn kind(&self) -> EventErrorKind {
        self.kind
    }

    /// Returns the byte at which it was seen.
    pub fn byte(&self) -> usize {
        self.at
    }

    /// Returns the place in the event, with line and column.
    pub fn position(&self, event: &[u8]) -> Position {
        Position::of(event, self.at)
    }
}
