//! The few colours there are, by what they mean.

use anstyle::{AnsiColor, Style};

/// Neither good nor bad.
pub(crate) const PLAIN: Style = Style::new();
/// The names of columns and parts.
pub(crate) const HEAD: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Errors, and what is or would be banned.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is right.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What a person should look at.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
