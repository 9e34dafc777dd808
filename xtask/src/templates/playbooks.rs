//! The modes of the playbooks: a parameter each, and the conditions of permissions.

use std::fmt::Write as _;

use stockade_repair::playbook::{About, Docs};
use stockade_repair::{CATALOGUE, Mode};

use super::layout::{camel, quoted};
use super::repairs;

/// What stands for "as the parameter Mode says".
const AS_ALL: &str = "\"\"";

/// A generated part by its name.
pub(super) fn cloudformation(part: &str) -> Option<String> {
    let abouts = || CATALOGUE.iter().map(|playbook| playbook.about());
    let lines = |line: fn(&About) -> String| Some(abouts().map(line).collect::<String>());
    match part {
        "playbook names" => lines(|about| format!("- {}\n", parameter(about))),
        "playbook parameters" => lines(declared),
        "playbook conditions" => Some(conditions()),
        "playbook modes" => Some(chosen()),
        _ => None,
    }
}

/// The name of a playbook's parameter: `trail-stopped` is `TrailStopped`.
pub(super) fn parameter(about: &About) -> String {
    camel(about.name)
}

fn declared(about: &About) -> String {
    let modes: Vec<String> = Mode::ALL.into_iter().map(yaml).collect();
    let title = title(&about.docs);
    format!(
        "{}:\n  Type: String\n  Default: {AS_ALL}\n  AllowedValues: [{AS_ALL}, {}]\n  Description: >-\n    {}: {title}. How far it may go, \
         where that is not as Mode says. In the catalogue: {}.\n",
        parameter(about),
        modes.join(", "),
        about.id,
        about.mode,
    )
}

/// The variable that tells the function what the parameters say. What a parameter leaves open, it leaves open.
fn chosen() -> String {
    let modes = CATALOGUE.iter().map(|playbook| playbook.about());
    let modes: Vec<String> = modes.map(|about| format!("{}=${{{}}}", about.id, parameter(about))).collect();
    let mut text = String::from("STOCKADE_REPAIR_PLAYBOOKS: !Sub >-\n");
    // Folded, a line's end is a blank, and blanks separate as well as commas.
    for line in modes.chunks(MODES_A_LINE) {
        writeln!(text, "  {}", line.join(",")).ok();
    }
    text
}

/// How many modes stand on one line.
const MODES_A_LINE: usize = 4;

fn title(docs: &Docs) -> &str {
    docs.title()
}

/// A mode in YAML, where `off` is no text.
pub(super) fn yaml(mode: Mode) -> String {
    if mode == Mode::Off { quoted(mode.name()) } else { mode.name().to_owned() }
}

/// For each playbook whether it looks and whether it repairs, and for each set of playbooks that share permissions whether one
/// of them does.
fn conditions() -> String {
    let mut text = String::from(
        "ModeLooks: !Not [!Equals [!Ref Mode, \"off\"]]\n\
         ModeRepairs: !Or [!Equals [!Ref Mode, approve], !Equals [!Ref Mode, act]]\n",
    );
    for about in CATALOGUE.iter().map(|playbook| playbook.about()) {
        let name = parameter(about);
        // What nothing names goes as far as the catalogue says, and no further than Mode.
        let usual = if about.mode >= Mode::Approve {
            format!("\n  - !And [!Equals [!Ref {name}, {AS_ALL}], !Condition ModeRepairs]")
        } else {
            String::new()
        };
        write!(
            text,
            "{name}Looks: !Or\n  - !And [!Equals [!Ref {name}, {AS_ALL}], !Condition ModeLooks]\n  \
             - !Not [!Or [!Equals [!Ref {name}, {AS_ALL}], !Equals [!Ref {name}, \"off\"]]]\n\
             {name}Repairs: !Or{usual}\n  - !Equals [!Ref {name}, approve]\n  - !Equals [!Ref {name}, act]\n"
        )
        .ok();
    }
    text.push_str(&repairs::conditions());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conditions take it for granted.
    #[test]
    fn no_playbook_is_off_in_the_catalogue() {
        for playbook in CATALOGUE {
            assert!(playbook.about().mode > Mode::Off, "{}", playbook.about().id);
        }
    }
}
