//! `cargo xtask templates`: what in the templates of `deploy/aws/` follows from the rules and the playbooks.
//!
//! A template is written by hand but for its parts between `# generated: NAME` and `# end`. Those are the EventBridge rules
//! that `stockade rules export` prints for the shipped rules, and the permissions of the catalogue of repairs, so a new rule or
//! playbook is one run of this task away from the templates. A test holds that nobody forgot it.

mod bans;
mod layout;
mod playbooks;
mod repairs;
mod rules;
mod terraform;

use std::fs;
use std::path::Path;

pub use repairs::{Need, Statement, statements};

use crate::Error;
use crate::error::file;
use crate::stale::Stale;

/// What begins a generated part, before its name.
const BEGIN: &str = "# generated: ";
/// What ends it.
const END: &str = "# end";

/// The files with generated parts, and what writes them.
const FILES: &[(&str, Parts)] = &[
    ("deploy/aws/guard.yaml", cloudformation),
    ("deploy/aws/guard-region.yaml", region),
    ("deploy/aws/guard-member.yaml", cloudformation),
    ("deploy/aws/terraform/guard/rules.tf", terraform),
    ("deploy/aws/terraform/guard/repairs.tf", terraform),
    ("deploy/aws/terraform/guard-region/rules.tf", terraform),
    ("deploy/aws/terraform/guard-member/repairs.tf", terraform),
];

/// The text of a generated part by its name; `None` for a name that nobody knows.
type Parts = fn(&str, &Source) -> Result<Option<String>, Error>;

/// What the parts are made of.
struct Source {
    /// The EventBridge rules.
    rules: rules::Groups,
    /// The text of bans.yaml.
    bans: String,
}

/// Finds the files whose generated parts are not what they should be.
///
/// # Errors
/// If a file or a rule cannot be read, or a part has a name that nobody knows.
pub fn stale(root: &Path) -> Result<Vec<Stale>, Error> {
    let bans = root.join("deploy/aws/bans.yaml");
    let source = Source {
        rules: rules::Groups::read(&root.join("conf/rule.d"))?,
        bans: fs::read_to_string(&bans).map_err(file("read", &bans))?,
    };
    let mut stale = Vec::new();
    for (name, parts) in FILES {
        let path = root.join(name);
        let before = fs::read_to_string(&path).map_err(file("read", &path))?;
        let text = filled(&path, &before, |part| parts(part, &source))?;
        if text != before {
            stale.push(Stale { path, text });
        }
    }
    Ok(stale)
}

/// The text with its generated parts written anew, each as far in as its first line.
fn filled(
    path: &Path,
    text: &str,
    part: impl Fn(&str) -> Result<Option<String>, Error>,
) -> Result<String, Error> {
    let wrong = |why: String| Error::Template { path: path.to_path_buf(), why };
    let mut filled = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let Some(name) = line.trim_start().strip_prefix(BEGIN) else { continue };
        let indent = line.split('#').next().unwrap_or_default();
        let part = part(name)?.ok_or_else(|| wrong(format!("nothing is called `{name}`")))?;
        for line in part.lines() {
            if !line.is_empty() {
                filled.push_str(indent);
            }
            filled.push_str(line);
            filled.push('\n');
        }
        if !lines.by_ref().any(|line| line.trim() == END) {
            return Err(wrong(format!("`{BEGIN}{name}` has no `{END}`")));
        }
        filled.push_str(&format!("{indent}{END}\n"));
    }
    Ok(filled)
}

fn cloudformation(part: &str, source: &Source) -> Result<Option<String>, Error> {
    Ok(Some(match part {
        "rules" => source.rules.cloudformation(&rules::Home::Guard),
        "repairs" => repairs::cloudformation(),
        "from bans.yaml" => bans::copied(&source.bans)?,
        _ => return Ok(playbooks::cloudformation(part)),
    }))
}

fn region(part: &str, source: &Source) -> Result<Option<String>, Error> {
    Ok((part == "rules").then(|| source.rules.cloudformation(&rules::Home::Region)))
}

fn terraform(part: &str, source: &Source) -> Result<Option<String>, Error> {
    Ok(match part {
        "rules" => Some(terraform::rules(&source.rules)),
        "repairs" => Some(terraform::repairs()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `STOCKADE_BLESS=1` writes them.
    #[test]
    fn the_templates_hold_what_the_rules_and_the_playbooks_ask_for() {
        crate::stale::none_left(&stale(&crate::root()).unwrap(), "cargo xtask templates");
    }

    #[test]
    fn a_part_is_replaced_as_far_in_as_it_begins_and_the_rest_stays() {
        let text = "a:\n  # generated: x\n  old: 1\n  # end\nb: 2\n";
        let part = |name: &str| Ok((name == "x").then(|| "new:\n  deep: 1\n\n".to_owned()));
        let once = filled(Path::new("t"), text, part).unwrap();
        assert_eq!(once, "a:\n  # generated: x\n  new:\n    deep: 1\n\n  # end\nb: 2\n");
        assert_eq!(filled(Path::new("t"), &once, part).unwrap(), once);
    }

    #[test]
    fn a_part_that_nobody_knows_or_that_does_not_end_is_an_error() {
        let part = |name: &str| Ok((name == "x").then(String::new));
        for (text, why) in [("# generated: y\n# end\n", "`y`"), ("# generated: x\n", "no `# end`")] {
            let error = filled(Path::new("t"), text, part).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
