//! The permissions of the catalogue of repairs, each under the condition that one of its playbooks needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use stockade_repair::playbook::{About, Access, BASE, Permission, PolicyOptions};
use stockade_repair::{CATALOGUE, Mode};

use super::layout::quoted;
use super::playbooks::parameter;

/// That a playbook looks, or that it repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The playbook's place in the catalogue.
    playbook: usize,
    /// Whether it repairs; else it looks.
    repairs: bool,
}

/// Permissions of the same resource that the same playbooks need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// IAM's names of the actions.
    pub actions: BTreeSet<&'static str>,
    /// The resource, with the placeholders of [`PolicyOptions`].
    pub resource: &'static str,
    /// A condition, as operator, key and value.
    pub condition: Option<(&'static str, &'static str, &'static str)>,
    /// Who needs them: any one of these.
    pub needs: BTreeSet<Need>,
}

impl Need {
    /// Whether a playbook in this mode has the need.
    pub fn holds(self, mode_of: impl Fn(&About) -> Mode) -> bool {
        let Some(playbook) = CATALOGUE.get(self.playbook) else { return false };
        let least = if self.repairs { Mode::Approve } else { Mode::Notify };
        mode_of(playbook.about()) >= least
    }

    /// The playbook's number, `P01`.
    pub fn id(self) -> &'static str {
        CATALOGUE.get(self.playbook).map_or("", |playbook| playbook.about().id)
    }

    /// `check` or `repair`.
    pub fn access(self) -> &'static str {
        if self.repairs { "repair" } else { "check" }
    }

    fn condition(self) -> String {
        let name =
            CATALOGUE.get(self.playbook).map(|playbook| parameter(playbook.about())).unwrap_or_default();
        format!("{name}{}", if self.repairs { "Repairs" } else { "Looks" })
    }
}

/// All permissions that the function may need. What only a person needs, to take a repair back, is not among them.
pub fn statements() -> Vec<Statement> {
    let mut needs: BTreeMap<_, BTreeSet<Need>> = BTreeMap::new();
    let mut add = |permission: &Permission, need: Need| {
        needs.entry((permission.resource, permission.condition, permission.action)).or_default().insert(need);
    };
    for (playbook, about) in CATALOGUE.iter().map(|playbook| playbook.about()).enumerate() {
        for permission in BASE {
            add(permission, Need { playbook, repairs: false });
        }
        for permission in about.permissions {
            match permission.access {
                Access::Read => add(permission, Need { playbook, repairs: false }),
                Access::Repair => add(permission, Need { playbook, repairs: true }),
                Access::Undo => {}
            }
        }
    }
    let mut together: BTreeMap<_, BTreeSet<&'static str>> = BTreeMap::new();
    for ((resource, condition, action), mut needs) in needs {
        // Whoever repairs looks as well.
        let looks = needs.clone();
        needs.retain(|need| !need.repairs || !looks.contains(&Need { repairs: false, ..*need }));
        together.entry((resource, condition, needs)).or_default().insert(action);
    }
    let statement =
        |((resource, condition, needs), actions)| Statement { actions, resource, condition, needs };
    together.into_iter().map(statement).collect()
}

/// The conditions of needs that several playbooks share.
pub(super) fn conditions() -> String {
    let shared: BTreeSet<_> =
        statements().into_iter().map(|statement| statement.needs).filter(|needs| needs.len() > 1).collect();
    let mut text = String::new();
    for needs in shared {
        let terms: Vec<String> =
            needs.iter().map(|need| format!("!Condition {}", need.condition())).collect();
        writeln!(text, "{}: {}", condition_of(&needs), any_of(terms)).ok();
    }
    text
}

/// CloudFormation's `Or` takes ten terms at most.
const MAX_TERMS: usize = 10;

fn any_of(mut terms: Vec<String>) -> String {
    loop {
        if terms.len() <= MAX_TERMS {
            let [term] = terms.as_slice() else { return format!("!Or [{}]", terms.join(", ")) };
            return term.clone();
        }
        terms = terms.chunks(MAX_TERMS).map(|terms| any_of(terms.to_vec())).collect();
    }
}

/// The name of the condition that one of these needs holds: `LooksP01P02`, `RepairsP02P03`.
fn condition_of(needs: &BTreeSet<Need>) -> String {
    if let [need] = needs.iter().copied().collect::<Vec<_>>().as_slice() {
        return need.condition();
    }
    let mut name = String::new();
    for (repairs, word) in [(false, "Looks"), (true, "Repairs")] {
        let of: Vec<&str> =
            needs.iter().filter(|need| need.repairs == repairs).map(|need| need.id()).collect();
        if !of.is_empty() {
            name.push_str(word);
            name.push_str(&of.concat());
        }
    }
    name
}

/// One of a role's `Policies`.
pub(super) fn cloudformation() -> String {
    let statements = statements();
    let all: BTreeSet<Need> =
        (0..CATALOGUE.len()).map(|playbook| Need { playbook, repairs: false }).collect();
    let mut text = format!(
        "- !If\n  - {}\n  - PolicyName: repairs\n    PolicyDocument:\n      Version: \"2012-10-17\"\n      Statement:\n",
        condition_of(&all)
    );
    for Statement { actions, resource, condition, needs } in statements {
        let actions: Vec<&str> = actions.into_iter().collect();
        let actions = match actions.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("[{}]", several.join(", ")),
        };
        // What everybody needs is needed wherever there is a policy.
        let always = needs == all;
        let (dash, indent) = if always { ("        - ", 10) } else { ("          - ", 12) };
        if !always {
            write!(text, "        - !If\n          - {}\n", condition_of(&needs)).ok();
        }
        writeln!(text, "{dash}Effect: Allow").ok();
        writeln!(text, "{:indent$}Action: {actions}", "").ok();
        writeln!(text, "{:indent$}Resource: {}", "", filled(resource)).ok();
        if let Some((operator, key, value)) = condition {
            // In quotes, because one of them is YAML's word for nothing.
            let operator = quoted(operator);
            writeln!(text, "{:indent$}Condition: {{ {operator}: {{ {key}: {} }} }}", "", filled(value)).ok();
        }
        if !always {
            text.push_str("          - !Ref AWS::NoValue\n");
        }
    }
    text.push_str("  - !Ref AWS::NoValue\n");
    text
}

/// A resource, or the value of a condition, with CloudFormation's values for its placeholders.
fn filled(resource: &str) -> String {
    let PolicyOptions { prefix, .. } = PolicyOptions::default();
    if resource == "{log_role}" {
        let any = "!Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*\"";
        return format!("!If [HasTrailLogRole, !Ref TrailLogRole, {any}]");
    }
    let text = resource
        .replace("{partition}", "${AWS::Partition}")
        .replace("{account}", "${AWS::AccountId}")
        .replace("{prefix}", &prefix);
    let sub = |text: &str| format!("!Sub {}", quoted(text));
    if text.contains("{log_bucket}") {
        let (one, any) = (text.replace("{log_bucket}", "${TrailBucket}"), text.replace("{log_bucket}", "*"));
        return format!("!If [HasTrailBucket, {}, {}]", sub(&one), sub(&any));
    }
    if text.contains("${") { sub(&text) } else { quoted(&text) }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use serde_json::Value;
    use stockade_repair::Playbook;
    use stockade_repair::playbook::policy;

    use super::*;

    /// Action, resource, condition.
    type Grant = (String, String, String);

    /// In any mode of each playbook the template grants what the policy does, neither less nor more.
    #[test]
    fn the_template_grants_what_the_policy_grants_whatever_the_modes() {
        let statements = statements();
        for modes in all_modes().take(2_000) {
            let chosen: Vec<(&dyn Playbook, Mode)> =
                CATALOGUE.iter().copied().zip(modes.iter().copied()).collect();
            let mode_of = |about: &About| {
                chosen
                    .iter()
                    .find(|(playbook, _)| playbook.about().id == about.id)
                    .map_or(Mode::Off, |(_, mode)| *mode)
            };
            let granted: BTreeSet<Grant> = statements
                .iter()
                .filter(|statement| statement.needs.iter().any(|need| need.holds(mode_of)))
                .flat_map(|statement| {
                    let condition = statement.condition.map(|(operator, key, value)| {
                        serde_json::json!({ operator: { key: plain(value) } }).to_string()
                    });
                    let condition = condition.unwrap_or_default();
                    statement.actions.iter().map(move |action| {
                        ((*action).to_owned(), plain(statement.resource), condition.clone())
                    })
                })
                .collect();
            assert_eq!(granted, grants(&policy(&chosen, &PolicyOptions::default())), "{modes:?}");
        }
    }

    /// Every choice of modes, or the first of them where there are many playbooks: the last ones change fastest, so each
    /// playbook is also turned by itself.
    fn all_modes() -> impl Iterator<Item = Vec<Mode>> {
        let n = CATALOGUE.len();
        let alone = (0..n).flat_map(move |at| {
            Mode::ALL.into_iter().map(move |mode| {
                let mut modes = vec![Mode::Off; n];
                if let Some(place) = modes.get_mut(at) {
                    *place = mode;
                }
                modes
            })
        });
        let mut digits = Some(vec![0_usize; n]);
        let counted = iter::from_fn(move || {
            let now = digits.take()?;
            let mut next = now.clone();
            for digit in next.iter_mut().rev() {
                *digit += 1;
                if *digit < Mode::ALL.len() {
                    digits = Some(next);
                    break;
                }
                *digit = 0;
            }
            Some(now.iter().map(|digit| Mode::ALL[*digit]).collect())
        });
        alone.chain(counted)
    }

    fn plain(resource: &str) -> String {
        let options = PolicyOptions::default();
        let any_role = format!("arn:{}:iam::{}:role/*", options.partition, options.account);
        resource
            .replace("{log_role}", &any_role)
            .replace("{log_bucket}", "*")
            .replace("{partition}", &options.partition)
            .replace("{account}", &options.account)
            .replace("{prefix}", &options.prefix)
    }

    fn grants(policy: &Value) -> BTreeSet<Grant> {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let mut grants = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            let condition = statement.get("Condition").map(ToString::to_string).unwrap_or_default();
            for action in texts(&statement["Action"]) {
                for resource in texts(&statement["Resource"]) {
                    grants.insert((action.clone(), resource, condition.clone()));
                }
            }
        }
        grants
    }

    /// What a role's own policies may have together, in characters that are no blanks.
    /// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    const MAX_ROLE_CHARACTERS: usize = 10_240;
    /// What the policy `events` of guard.yaml may take of them: log, queues, table, topics, files, members.
    const OF_THE_FUNCTION: usize = 3_000;

    /// Else the permissions would have to become managed policies of their own, of which a role may have ten.
    #[test]
    fn all_permissions_fit_into_a_role() {
        let chosen: Vec<(&dyn Playbook, Mode)> =
            CATALOGUE.iter().map(|playbook| (*playbook, Mode::Act)).collect();
        let characters = policy(&chosen, &PolicyOptions::default()).to_string().len();
        assert!(characters <= MAX_ROLE_CHARACTERS - OF_THE_FUNCTION, "{characters}");
    }

    #[test]
    fn a_condition_of_many_playbooks_has_ten_terms_at_most() {
        let terms = |n: usize| (0..n).map(|n| format!("t{n}")).collect::<Vec<_>>();
        assert_eq!(any_of(terms(2)), "!Or [t0, t1]");
        let many = any_of(terms(33));
        assert_eq!(many.matches("!Or").count(), 5, "{many}");
        assert_eq!((0..33).filter(|n| many.contains(&format!("t{n}"))).count(), 33);
    }
}
