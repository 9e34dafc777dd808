//! `cargo xtask pages`: the book's pages of the playbooks.
//!
//! A playbook is described in one place, the docs of its file. Here they become a page each, an overview, and the lines of
//! the table of contents. A test holds that nobody forgot it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stockade_repair::playbook::page;
use stockade_repair::{CATALOGUE, Playbook};

use crate::Error;
use crate::error::file;
use crate::stale::Stale;

/// Where the pages are, as the table of contents names it.
const FOLDER: &str = "playbooks";
/// The page of the table of contents that they stand below.
const ABOVE: &str = "](repair.md)";

/// Finds the pages that are not what they should be.
///
/// # Errors
/// If a page cannot be read, or the table of contents has no line for repairs.
pub fn stale(root: &Path) -> Result<Vec<Stale>, Error> {
    let book = root.join("book/src");
    let mut pages: Vec<(String, String)> =
        CATALOGUE.iter().map(|playbook| (address(*playbook), page(*playbook))).collect();
    pages.push((format!("{FOLDER}/README.md"), overview()));
    let summary = book.join("SUMMARY.md");
    let before = fs::read_to_string(&summary).map_err(file("read", &summary))?;
    pages.push(("SUMMARY.md".to_owned(), contents(&summary, &before)?));
    let stale = pages.into_iter().map(|(name, text)| Stale { path: book.join(name), text: tidy(&text) });
    Ok(stale.filter(|page| fs::read_to_string(&page.path).ok().as_ref() != Some(&page.text)).collect())
}

fn address(playbook: &dyn Playbook) -> String {
    let about = playbook.about();
    format!("{FOLDER}/{}-{}.md", about.id.to_ascii_lowercase(), about.name)
}

/// One end of line at the end.
fn tidy(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

fn overview() -> String {
    let mut text = String::from(
        "# The playbooks\n\nWhat Stockade can put back, and how far each goes by itself once the trial is over. \
         `stockade repair list` says how far\neach goes in your installation.\n\n\
         | | playbook | name | mode after the trial |\n|---|---|---|---|\n",
    );
    for playbook in CATALOGUE {
        let about = playbook.about();
        let address = address(*playbook);
        let address = address.trim_start_matches(FOLDER).trim_start_matches('/');
        let (id, title, name, mode) = (about.id, about.docs.title(), about.name, about.mode);
        let _ = writeln!(text, "| {id} | [{title}]({address}) | `{name}` | {mode} |");
    }
    text
}

/// The table of contents, with a line for each page below the one of repairs.
fn contents(path: &Path, before: &str) -> Result<String, Error> {
    let mut text = String::new();
    let mut found = false;
    for line in before.lines().filter(|line| !line.contains(&format!("]({FOLDER}/"))) {
        let _ = writeln!(text, "{line}");
        if line.contains(ABOVE) {
            found = true;
            let _ = writeln!(text, "  - [The playbooks]({FOLDER}/README.md)");
            for playbook in CATALOGUE {
                let about = playbook.about();
                let _ =
                    writeln!(text, "    - [{}: {}]({})", about.id, about.docs.title(), address(*playbook));
            }
        }
    }
    let why = || format!("no line links to the page of repairs (`{ABOVE}`)");
    found.then_some(text).ok_or_else(|| Error::Template { path: path.to_path_buf(), why: why() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stale;

    /// `STOCKADE_BLESS=1` writes them.
    #[test]
    fn the_book_has_the_pages_of_the_playbooks() {
        stale::none_left(&super::stale(&crate::root()).unwrap(), "cargo xtask pages");
    }

    #[test]
    fn the_contents_are_written_once_and_nothing_else_is_touched() {
        let before = "# S\n\n- [R](repair.md)\n  - [old](playbooks/p00-old.md)\n- [Q](q.md)\n";
        let once = contents(Path::new("S"), before).unwrap();
        assert!(once.contains("](playbooks/p01-trail-stopped.md)") && !once.contains("old"), "{once}");
        assert!(once.starts_with("# S\n\n- [R](repair.md)\n") && once.ends_with("- [Q](q.md)\n"), "{once}");
        assert_eq!(contents(Path::new("S"), &once).unwrap(), once);
        assert!(contents(Path::new("S"), "# S\n").unwrap_err().to_string().contains("repair.md"));
    }
}
