//! Aligned columns.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;

use super::style::{HEAD, PLAIN};
use super::text;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    to_the_right: bool,
}

/// A column of text.
pub(crate) const fn text(title: &'static str) -> Column {
    Column { title, to_the_right: false }
}

/// A column of numbers.
pub(crate) const fn number(title: &'static str) -> Column {
    Column { title, to_the_right: true }
}

/// What stands in one place. Its text must be safe to show, see [`text::shown`].
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, PLAIN)
    }
}

/// What stands between two columns.
const GAP: &str = "  ";

/// The least that is left of a last column that does not fit, in columns.
const LEAST: usize = 8;

/// Prints a table. The rows are asked for twice, so that a long table is never held as text. The last column is cut
/// where the line would be longer than `columns`.
pub(crate) fn print<const N: usize>(
    out: &mut impl Write,
    heads: [Column; N],
    rows: impl Iterator<Item = [Cell; N]> + Clone,
    columns: Option<usize>,
) -> io::Result<()> {
    let mut widths = heads.map(|head| text::width(head.title));
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = (*width).max(text::width(&cell.text));
        }
    }
    let before_last: usize = widths.iter().take(N.saturating_sub(1)).map(|width| width + GAP.len()).sum();
    let last = columns.map_or(usize::MAX, |columns| columns.saturating_sub(before_last).max(LEAST));
    let titles = heads.map(|head| Cell::new(head.title, HEAD));
    for row in std::iter::once(titles).chain(rows) {
        let mut line = heads.iter().zip(&widths).zip(&row).peekable();
        while let Some(((head, &width), Cell { text: cell, style })) = line.next() {
            let is_last = line.peek().is_none();
            let cell = if is_last { text::fit(cell, last) } else { Cow::Borrowed(cell.as_str()) };
            let room = width.saturating_sub(text::width(&cell));
            match (head.to_the_right, is_last) {
                (true, _) => write!(out, "{:room$}{style}{cell}{style:#}", "")?,
                (false, true) => write!(out, "{style}{cell}{style:#}")?,
                (false, false) => write!(out, "{style}{cell}{style:#}{:room$}", "")?,
            }
            if !is_last {
                out.write_all(GAP.as_bytes())?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(columns: Option<usize>) -> String {
        let rows = [["a", "1", "x"], ["日本", "22", "a long one that may be cut"]];
        let rows = rows.iter().map(|row| row.map(Cell::from));
        let mut out = Vec::new();
        print(&mut out, [text("WHO"), number("N"), text("WHAT")], rows, columns).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn columns_are_aligned_whatever_the_width_of_a_letter() {
        assert_eq!(printed(None), "WHO    N  WHAT\na      1  x\n日本  22  a long one that may be cut\n");
    }

    #[test]
    fn the_last_column_is_cut_to_the_terminal() {
        assert_eq!(printed(Some(20)), "WHO    N  WHAT\na      1  x\n日本  22  a long on…\n");
        assert!(printed(Some(1)).contains("a long …"));
    }
}
