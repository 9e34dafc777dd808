//! The pages of the playbooks: the module docs of each file, with the same headings in the same order.
//!
//! The docs are cut out of the source while it compiles ([`documented!`]), so a playbook is described in one place and
//! the program carries the description and not the source.

/// The headings that each playbook's docs have, in this order.
pub const HEADINGS: [&str; 8] =
    ["What it does", "Why it matters", "Example event", "Check", "Change", "Undo", "Permissions", "Risk"];

/// The docs of one playbook, as Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Docs {
    text: &'static str,
}

impl Docs {
    /// Docs as they stand in a file, without the marks of comments.
    pub const fn new(text: &'static str) -> Self {
        Self { text }
    }

    /// All of it.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The first line, without its mark.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }

    /// What stands under a heading; empty where there is no such heading.
    pub fn section(&self, heading: &str) -> &'static str {
        self.sections().find(|(name, _)| *name == heading).map_or("", |(_, body)| body)
    }

    /// Headings with what stands under them, in their order.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.text.split("\n## ").skip(1).map(|section| {
            let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
            (heading.trim(), body.trim())
        })
    }

    /// The example event: the first block of code under its heading.
    pub fn example(&self) -> &'static str {
        let block = self.section("Example event").split("```").nth(1).unwrap_or_default();
        block.strip_prefix("json").unwrap_or(block).trim()
    }
}

/// The length in bytes of the docs at the head of a source.
pub(crate) const fn length(source: &str) -> usize {
    copy::<0>(source).1
}

/// The docs at the head of a source, whose length is `N`.
pub(crate) const fn cut<const N: usize>(source: &str) -> [u8; N] {
    copy::<N>(source).0
}

/// Copies the lines that begin with `//!`, without that mark and one space, as far as there is room. Runs while
/// compiling.
#[expect(clippy::indexing_slicing, reason = "while compiling: a wrong index is a build that fails")]
const fn copy<const N: usize>(source: &str) -> ([u8; N], usize) {
    let source = source.as_bytes();
    let (mut docs, mut length, mut at) = ([0; N], 0, 0);
    while at + 2 < source.len() && source[at] == b'/' && source[at + 1] == b'/' && source[at + 2] == b'!' {
        at += 3;
        if at < source.len() && source[at] == b' ' {
            at += 1;
        }
        let mut more = true;
        while more && at < source.len() {
            if length < N {
                docs[length] = source[at];
            }
            length += 1;
            more = source[at] != b'\n';
            at += 1;
        }
    }
    (docs, length)
}

/// The [`Docs`] of the file that this stands in, by its name.
macro_rules! documented {
    ($file:literal) => {{
        const SOURCE: &str = include_str!($file);
        const LENGTH: usize = $crate::playbook::doc::length(SOURCE);
        static DOCS: [u8; LENGTH] = $crate::playbook::doc::cut(SOURCE);
        match std::str::from_utf8(&DOCS) {
            Ok(text) => $crate::playbook::doc::Docs::new(text),
            Err(_) => $crate::playbook::doc::Docs::new(""),
        }
    }};
}
pub(crate) use documented;

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! # T\n//!\n//! ## What it does\n//! A ä.\n//! ## Example event\n//! ```json\n//! {}\n//! ```\nuse x; //! no\n";

    #[test]
    fn docs_end_where_the_code_begins() {
        const LENGTH: usize = length(SOURCE);
        let bytes = cut::<LENGTH>(SOURCE);
        let docs = Docs::new(Box::leak(String::from_utf8(bytes.to_vec()).unwrap().into_boxed_str()));
        assert_eq!(docs.title(), "T");
        assert_eq!(docs.section("What it does"), "A ä.");
        assert_eq!(docs.example(), "{}");
        assert!(docs.text().ends_with("```\n"), "{:?}", docs.text());
    }
}
