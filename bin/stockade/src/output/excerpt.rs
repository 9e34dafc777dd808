//! A line of a file with a caret under the place that is meant.

use super::text::{shown, width};

/// How much of a long line is shown, in characters.
const MOST: usize = 100;
/// How much of it stands before the place.
const BEFORE: usize = 60;

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Excerpt<'n> {
    /// Where the text comes from.
    pub(crate) name: &'n str,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Column in characters, from 1.
    pub(crate) column: usize,
}

/// Returns a line of a text, from 1; empty if there is none.
pub(crate) fn line(text: &[u8], number: usize) -> String {
    let line = text.split(|byte| *byte == b'\n').nth(number.saturating_sub(1)).unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

impl Excerpt<'_> {
    /// Draws it under an error: where, the line, and the caret.
    pub(crate) fn draw(&self, line: &str) -> String {
        let Self { name, line: number, column } = self;
        let at = column.saturating_sub(1);
        let skipped = if line.chars().count() > MOST { at.saturating_sub(BEFORE) } else { 0 };
        let ends = |c: char| if c == '\t' { ' ' } else { c };
        let visible: String =
            line.trim_end_matches('\r').chars().skip(skipped).take(MOST).map(ends).collect();
        let is_cut = line.chars().count() > skipped + MOST;
        let (left, right) = (if skipped > 0 { "…" } else { "" }, if is_cut { "…" } else { "" });
        let before: String = visible.chars().take(at - skipped.min(at)).collect();
        let gutter = " ".repeat(number.to_string().len());
        let indent = " ".repeat(width(&shown(&before)) + width(left));
        format!(
            "{gutter}--> {}:{number}:{column}\n{gutter} |\n{number} | {left}{}{right}\n{gutter} | {indent}^",
            shown(name),
            shown(&visible)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let drawn = |text: &str, column| {
            Excerpt { name: "f", line: 2, column }.draw(&line(format!("x\n{text}\ny").as_bytes(), 2))
        };
        assert_eq!(drawn("{\"a\": 1}", 7), " --> f:2:7\n  |\n2 | {\"a\": 1}\n  |       ^");
        assert_eq!(drawn("日\t\u{7}!", 4), " --> f:2:4\n  |\n2 | 日 \\u{7}!\n  |         ^");
        let long = "a".repeat(500);
        let shown = drawn(&long, 300);
        let mut lines = shown.lines().skip(2);
        let text = lines.next().unwrap();
        assert!(text.starts_with("2 | …a") && text.ends_with("a…") && text.chars().count() == 106, "{text}");
        assert_eq!(lines.next().unwrap().chars().position(|c| c == '^'), Some(4 + 1 + 60));
    }

    #[test]
    fn a_place_beyond_the_line_is_its_end() {
        assert!(Excerpt { name: "f", line: 9, column: 400 }.draw("").ends_with('^'));
    }
}
