//! The page of a playbook in the book: its docs, with its permissions as a table.

use std::fmt::Write as _;

use super::{Access, Playbook};

/// The page, as Markdown.
pub fn page(playbook: &dyn Playbook) -> String {
    let about = playbook.about();
    let mut page = format!("# {}\n\n", about.docs.title());
    let _ = writeln!(page, "`{}` · `{}` · mode after the trial: `{}`\n", about.id, about.name, about.mode);
    for (heading, body) in about.docs.sections() {
        let _ = writeln!(page, "## {heading}\n\n{body}\n");
        if heading == "Permissions" {
            page.push_str(&table(playbook));
        }
    }
    page
}

fn table(playbook: &dyn Playbook) -> String {
    let mut table = String::from("| for | action | resource | condition | calls |\n|---|---|---|---|---|\n");
    for permission in playbook.about().permissions {
        let access = match permission.access {
            Access::Read => "check",
            Access::Repair => "repair",
            Access::Undo => "undo",
        };
        let condition = permission
            .condition
            .map(|(operator, key, value)| format!("{operator} `{key}` = `{value}`"))
            .unwrap_or_default();
        let calls = permission.needed_by().join("`, `");
        let (action, resource) = (permission.action, permission.resource);
        let _ = writeln!(table, "| {access} | `{action}` | `{resource}` | {condition} | `{calls}` |");
    }
    table.push('\n');
    table
}
