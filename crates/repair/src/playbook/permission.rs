//! What a playbook may do, as data. The same list makes the IAM policy, stands in the book, and is what the engine
//! lets calls through by: a call that no permission names is never made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Playbook;
use crate::Mode;

/// What a permission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Looking: needed in every mode but `off`.
    Read,
    /// Repairing: needed in the modes `approve` and `act`.
    Repair,
    /// Taking a repair back: needed by the person who does it, not by the function.
    Undo,
}

/// One permission: an action on resources, perhaps under a condition, and the calls that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What for.
    pub access: Access,
    /// IAM's name of the action.
    pub action: &'static str,
    /// The resource's ARN; `{partition}`, `{account}`, `{prefix}`, `{log_bucket}` and `{log_role}` are filled in by
    /// [`PolicyOptions`].
    pub resource: &'static str,
    /// A condition, as operator, key and value.
    pub condition: Option<(&'static str, &'static str, &'static str)>,
    /// The calls that need it, as `service:Operation`; the action itself where that is all.
    pub calls: &'static [&'static str],
}

/// An action that one call of the same name needs.
const fn plain(access: Access, action: &'static str, resource: &'static str) -> Permission {
    Permission { access, action, resource, condition: None, calls: &[] }
}

impl Permission {
    /// For looking.
    pub const fn read(action: &'static str, resource: &'static str) -> Self {
        plain(Access::Read, action, resource)
    }

    /// For repairing.
    pub const fn repair(action: &'static str, resource: &'static str) -> Self {
        plain(Access::Repair, action, resource)
    }

    /// For taking a repair back.
    pub const fn undo(action: &'static str, resource: &'static str) -> Self {
        plain(Access::Undo, action, resource)
    }

    /// The same under a condition.
    #[must_use]
    pub const fn when(self, operator: &'static str, key: &'static str, value: &'static str) -> Self {
        Self { condition: Some((operator, key, value)), ..self }
    }

    /// The same, needed by calls of other names.
    #[must_use]
    pub const fn for_calls(self, calls: &'static [&'static str]) -> Self {
        Self { calls, ..self }
    }

    /// Whether a call needs it.
    pub fn serves(&self, call: &str) -> bool {
        if self.calls.is_empty() { self.action == call } else { self.calls.contains(&call) }
    }

    /// The calls that need it.
    pub fn needed_by(&self) -> Vec<&'static str> {
        if self.calls.is_empty() { vec![self.action] } else { self.calls.to_vec() }
    }
}

/// What every installation may do beside its playbooks: see which regions there are. (Who we are needs no permission;
/// which roles we assume is in [`PolicyOptions::roles`].)
pub const BASE: &[Permission] = &[Permission::read("ec2:DescribeRegions", "*")];

/// What is filled into the permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOptions {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The account's twelve digits.
    pub account: String,
    /// What the names of our own things begin with.
    pub prefix: String,
    /// The buckets that trails write to; all buckets if empty.
    pub log_buckets: Vec<String>,
    /// The ARNs of the roles by which trails write to CloudWatch Logs; all roles of the account if empty.
    pub log_roles: Vec<String>,
    /// The ARNs of the roles that are assumed in other accounts.
    pub roles: Vec<String>,
    /// Whether taking repairs back is allowed as well.
    pub undo: bool,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            partition: "aws".to_owned(),
            account: "*".to_owned(),
            prefix: "stockade-".to_owned(),
            log_buckets: Vec::new(),
            log_roles: Vec::new(),
            roles: Vec::new(),
            undo: false,
        }
    }
}

/// The IAM policy of a set of playbooks in their modes: exactly what they call. The same permissions of several
/// playbooks stand in it once.
pub fn policy(playbooks: &[(&dyn Playbook, Mode)], options: &PolicyOptions) -> Value {
    let mut statements: BTreeMap<(Vec<String>, Option<_>), BTreeSet<&str>> = BTreeMap::new();
    let mut allow = |permission: &Permission| {
        let key = (filled(permission.resource, options), permission.condition);
        statements.entry(key).or_default().insert(permission.action);
    };
    let on: Vec<_> = playbooks.iter().filter(|(_, mode)| *mode != Mode::Off).collect();
    if !on.is_empty() {
        BASE.iter().for_each(&mut allow);
    }
    for (playbook, mode) in on {
        for permission in playbook.about().permissions {
            let needed = match permission.access {
                Access::Read => true,
                Access::Repair => *mode >= Mode::Approve,
                Access::Undo => options.undo,
            };
            if needed {
                allow(permission);
            }
        }
    }
    let mut statements: Vec<Value> = statements
        .into_iter()
        .map(|((resources, condition), actions)| {
            let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
            if let (Some((operator, key, value)), Some(fields)) = (condition, statement.as_object_mut()) {
                let value = filled(value, options).pop().unwrap_or_default();
                fields.insert("Condition".to_owned(), json!({operator: {key: value}}));
            }
            statement
        })
        .collect();
    if !options.roles.is_empty() {
        statements.push(json!({"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": options.roles}));
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// A resource with its placeholders filled; several where a placeholder stands for several.
fn filled(resource: &str, options: &PolicyOptions) -> Vec<String> {
    let resource = resource
        .replace("{partition}", &options.partition)
        .replace("{account}", &options.account)
        .replace("{prefix}", &options.prefix);
    if resource.contains("{log_bucket}") {
        let buckets =
            if options.log_buckets.is_empty() { vec!["*".to_owned()] } else { options.log_buckets.clone() };
        return buckets.iter().map(|bucket| resource.replace("{log_bucket}", bucket)).collect();
    }
    if resource == "{log_role}" {
        if options.log_roles.is_empty() {
            return vec![format!("arn:{}:iam::{}:role/*", options.partition, options.account)];
        }
        return options.log_roles.clone();
    }
    vec![resource]
}
