//! The reader as a whole, row by row of what fail2ban's documentation and behaviour promise, on small files of its own.

mod actions;
mod bytes;
mod filters;
mod jails;
mod messages;

use super::*;

/// A filter that must be readable without a word.
fn filter(files: &'static [(&'static str, &'static str)], definition: &str) -> FilterDef {
    let files = Embedded(files);
    let (def, problems) = Reader::new(&files).filter(definition, "auto").into_result().expect("a filter");
    assert!(problems.is_empty(), "{problems}");
    def
}

/// The enabled jails, which must be readable without a word.
fn jails(files: &'static [(&'static str, &'static str)]) -> Vec<Jail> {
    let files = Embedded(files);
    let file = Reader::new(&files).jails(Which::Enabled);
    assert!(file.all_problems().is_empty(), "{}", file.all_problems());
    file.jails
}

/// All problems of the jails, with hints.
fn problems(files: &'static [(&'static str, &'static str)]) -> String {
    let files = Embedded(files);
    Reader::new(&files).jails(Which::Enabled).all_problems().to_string().replace("(built in)/", "")
}

/// Lines as `file:line text`.
fn lines(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {}", line.origin, line.text).replace("(built in)/", "")).collect()
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}
