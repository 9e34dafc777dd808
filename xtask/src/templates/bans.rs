//! What guard.yaml makes where there is no bans.yaml: the same table, topic and snapshot, by the same text.

use std::path::PathBuf;

use crate::Error;

/// The resources, in their order.
const COPIED: &[&str] = &[
    "Table",
    "Snapshots",
    "SnapshotsPolicy",
    "Topic",
    "Expire",
    "ExpireLog",
    "ExpireRole",
    "ExpireRetries",
    "ExpireSchedule",
    "ExpirePermission",
    "AgentPolicy",
];

/// The parameter of bans.yaml that the guard does not have: it is no part of Cloud-Fail2Ban.
const SHARED: &str = "STOCKADE_AWS_SHARED_TABLE";

/// The resources of bans.yaml, on condition that the guard stands alone.
pub(super) fn copied(bans: &str) -> Result<String, Error> {
    let mut blocks = Vec::new();
    for name in COPIED {
        let block = block(bans, name).ok_or_else(|| Error::Template {
            path: PathBuf::from("deploy/aws/bans.yaml"),
            why: format!("no resource `{name}`"),
        })?;
        blocks.push(block);
    }
    Ok(blocks.join("\n"))
}

fn block(bans: &str, name: &str) -> Option<String> {
    let head = format!("  {name}:");
    let mut lines = bans.lines().skip_while(|line| *line != "Resources:").skip_while(|line| *line != head);
    let mut block = format!("{}\n", lines.next()?.trim());
    for line in lines {
        // Four spaces and more are the resource's own; blank lines inside it there are none.
        if !line.starts_with("    ") {
            break;
        }
        if line.trim_start().starts_with(SHARED) {
            continue;
        }
        let own = line.get(2..)?;
        block.push_str(own);
        block.push('\n');
        if own.starts_with("  Type: ") {
            block.push_str("  Condition: Alone\n");
        }
    }
    Some(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_copied_with_its_condition() {
        let bans = "Parameters:\n  Table:\n    Type: String\n\nResources:\n  Table:\n    Type: T\n    Properties:\n      \
                    STOCKADE_AWS_SHARED_TABLE: x\n      A: 1\n\n  # Else.\n  Other:\n    Type: O\n";
        let wanted = "Table:\n  Type: T\n  Condition: Alone\n  Properties:\n    A: 1\n";
        assert_eq!(block(bans, "Table").unwrap(), wanted);
        assert_eq!(block(bans, "None"), None);
    }
}
