//! The same as values of Terraform, which its modules make resources of.

use std::fmt::Write as _;

use stockade_repair::CATALOGUE;
use stockade_repair::playbook::PolicyOptions;

use super::layout::{WIDTH, flow, quoted};
use super::repairs::{Statement, statements};
use super::rules::{EventRule, Groups};

/// The EventBridge rules by their names.
pub(super) fn rules(groups: &Groups) -> String {
    let mut text = String::new();
    for (name, rules) in [("repair_rules", &groups.repair), ("watch_rules", &groups.watch)] {
        writeln!(text, "{name} = {{").ok();
        for EventRule { name, description, state, pattern } in rules {
            write!(
                text,
                "  {} = {{\n    description = {}\n    state       = {}\n    pattern = jsonencode(\n{}    )\n  }}\n",
                quoted(name),
                literal(description),
                quoted(state),
                escaped(&flow(pattern, 6, WIDTH))
            )
            .ok();
        }
        text.push_str("}\n");
    }
    text
}

/// The modes of the catalogue, and the permissions with those who need them.
pub(super) fn repairs() -> String {
    let mut text = String::from("catalogue = {\n");
    for about in CATALOGUE.iter().map(|playbook| playbook.about()) {
        writeln!(text, "  {} = {}", about.id, quoted(about.mode.name())).ok();
    }
    text.push_str("}\nrepairs = [\n");
    for Statement { actions, resource, condition, needs } in statements() {
        let needs = needs.iter().map(|need| quoted(&format!("{}.{}", need.id(), need.access())));
        let actions = actions.iter().map(|action| quoted(action));
        let conditions = condition.map(|(test, variable, value)| {
            format!(
                "{{ test = {}, variable = {}, values = [{}] }}",
                quoted(test),
                quoted(variable),
                quoted(value)
            )
        });
        write!(
            text,
            "  {{\n    needs      = [{}]\n    actions    = [{}]\n    resources  = [\"{}\"]\n    conditions = [{}]\n  }},\n",
            listed(needs),
            listed(actions),
            filled(resource),
            conditions.unwrap_or_default()
        )
        .ok();
    }
    text.push_str("]\n");
    text
}

fn listed(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

fn filled(resource: &str) -> String {
    resource
        .replace("{partition}", "${local.partition}")
        .replace("{account}", "${local.account}")
        .replace("{prefix}", &PolicyOptions::default().prefix)
        .replace("{log_bucket}", "${local.trail_bucket}")
        .replace("{log_role}", "${local.trail_log_role}")
}

fn literal(text: &str) -> String {
    escaped(&quoted(text))
}

/// JSON is an expression of Terraform's but for what begins a template in its texts.
fn escaped(json: &str) -> String {
    json.replace("${", "$${").replace("%{", "%%{")
}
