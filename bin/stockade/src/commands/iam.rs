//! `stockade iam`: the policy that repairs need, and no more.

use serde_json::{Value, json};
use stockade_config::{Program, StoreConfig};
use stockade_core::Timestamp;
use stockade_repair::playbook::{PolicyOptions, policy};
use stockade_repair::{CATALOGUE, Mode, Place, Playbook};

use super::repair;
use crate::cli::{Global, IamArgs};
use crate::config;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::json as output;

pub(crate) fn run(global: &Global, args: &IamArgs) -> Outcome {
    let program = config::settings(global)?;
    let chosen = if args.names.is_empty() { CATALOGUE.to_vec() } else { repair::playbooks(&args.names)? };
    let modes: Vec<(&dyn Playbook, Mode)> =
        chosen.into_iter().map(|playbook| (playbook, mode(&program, args, playbook))).collect();
    if modes.iter().all(|(_, mode)| *mode == Mode::Off) {
        return Err(Failure::usage("all of these repairs are off, and so need nothing")
            .hint(Some("set `mode` in `[repair]` of stockade.toml, or say `--mode act`")));
    }
    let options = PolicyOptions {
        partition: args.partition.clone(),
        account: args.account.clone(),
        prefix: program.repair.own_prefix.clone(),
        log_buckets: args.log_bucket.clone(),
        log_roles: args.log_role.clone(),
        roles: program.repair.accounts.iter().map(|one| one.role.clone()).collect(),
        undo: args.undo,
    };
    let mut policy = policy(&modes, &options);
    if let (Some(table), Some(statements)) = (table(&program, args), statements(&mut policy)) {
        statements.push(kept_in(&table));
    }
    output::print(&policy)?;
    Ok(Exit::Done)
}

/// As far as it may go anywhere once the trial is over, or as was typed.
fn mode(program: &Program, args: &IamArgs, playbook: &dyn Playbook) -> Mode {
    if let Some(word) = args.mode {
        return repair::mode(word);
    }
    let modes = program.repair.modes();
    let about = playbook.about();
    // A policy is for all regions: the furthest that any rule goes.
    let rules = modes
        .rules
        .iter()
        .filter(|rule| rule.playbook.as_deref().is_none_or(|name| name == about.id || name == about.name));
    let elsewhere =
        rules.filter(|rule| rule.account.is_some() || rule.region.is_some()).map(|rule| rule.mode);
    let (start, end) = (Timestamp::from_secs(0), Timestamp::MAX);
    let here = modes.of(about, &Place::default(), start, end);
    elsewhere.fold(here, Mode::max)
}

fn statements(policy: &mut Value) -> Option<&mut Vec<Value>> {
    policy.get_mut("Statement")?.as_array_mut()
}

/// The ARN of the table that keeps what repairs know, if one does.
fn table(program: &Program, args: &IamArgs) -> Option<String> {
    let named = args.table.clone().or_else(|| match program.repair.shelf(&program.store) {
        StoreConfig::DynamoDb { table } => Some(table),
        _ => None,
    })?;
    if named.starts_with("arn:") {
        return Some(named);
    }
    Some(format!("arn:{}:dynamodb:*:{}:table/{named}", args.partition, args.account))
}

/// What keeping and finding it takes; matches and bans in the same table are not touched.
fn kept_in(table: &str) -> Value {
    json!({
        "Effect": "Allow",
        "Action": ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
        "Resource": [table],
        "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["repair", "repair-part#*"]}},
    })
}
