//! JSON: the strict reader for patterns, and strings.

mod reader;
mod text;

pub(crate) use reader::{Reader, Token};
pub(crate) use text::unescape;
