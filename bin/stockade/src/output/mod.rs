//! How answers look: for people as aligned text, for programs as JSON or comma-separated values.

pub(crate) mod csv;
pub(crate) mod excerpt;
pub(crate) mod explanation;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;

use std::io::{BufWriter, IsTerminal, StdoutLock};

use anstream::AutoStream;

/// Standard output, buffered: whoever writes to it flushes it. Colours reach it only where they are seen, or wanted.
pub(crate) type Out = BufWriter<AutoStream<StdoutLock<'static>>>;

/// Standard output.
pub(crate) fn out() -> Out {
    BufWriter::new(anstream::stdout().lock())
}

/// Standard output for data: every byte arrives as it is.
pub(crate) fn raw() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(std::io::stdout().lock())
}

/// Whether a person is looking at standard output.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// How many columns the terminal on standard output has; `None` if it is none.
pub(crate) fn columns() -> Option<usize> {
    if !is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// What `--color` says.
pub(crate) fn choose_colour(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}
