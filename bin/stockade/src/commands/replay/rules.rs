//! The rules to replay, each with its jail.

use std::sync::Arc;

use stockade_config::{ReadRules, Rules, load_rules, load_with};
use stockade_core::Jail;
use stockade_filter::conf::Directory;
use stockade_repair::Settings;
use stockade_rule::{Rule, Severity};

use crate::cli::{Global, ReplayArgs};
use crate::config;
use crate::exit::Failure;

/// Rules, each with its jail.
type Jailed = Vec<(Arc<Rule>, Jail)>;

/// The rules that were asked for: those that are enabled, or those that are named; and what is said of repairs.
pub(super) fn select(global: &Global, args: &ReplayArgs) -> Result<(Jailed, Settings), Failure> {
    let least = least(args)?;
    let configured = load_with(&config::paths(global), &config::environment, ReadRules::Yes)
        .map_err(|problems| config::refused(&problems))?;
    let files = Directory(config::directory(global));
    // Asked again, because the configuration aims a repair that nobody carries out at a notice.
    let Rules { rules, disabled, broken, problems, .. } = load_rules(&files, &configured.program.rules);
    if let Some(name) = args.rule.iter().find(|name| broken.contains(name)) {
        config::print_errors(&problems);
        return Err(Failure::usage(format_args!("the rule `{name}` cannot be used")));
    }
    if problems.has_errors() {
        config::print_errors(&problems);
    }
    let every = || rules.iter().chain(&disabled);
    if let Some(name) = args.rule.iter().find(|name| every().all(|rule| *rule.name != ***name)) {
        return Err(Failure::usage(format_args!("there is no rule `{name}`"))
            .hint(Some("`stockade rules list` shows those there are")));
    }
    let named = |rule: &&Arc<Rule>| args.rule.iter().any(|name| **name == *rule.name);
    let chosen: Vec<_> =
        if args.rule.is_empty() { rules.iter().collect() } else { every().filter(named).collect() };
    let with_jail = |rule: &Arc<Rule>| {
        let jail = configured.jail(rule.jail_name()).map_or_else(|| rule.to_jail(), config::with_ignored);
        (Arc::clone(rule), Jail { target: rule.target, ..jail })
    };
    let chosen: Vec<_> = chosen.into_iter().filter(|rule| rule.severity >= least).map(with_jail).collect();
    if chosen.is_empty() {
        return Err(Failure::usage("no rule is left to replay"));
    }
    Ok((chosen, configured.program.repair.settings()))
}

fn least(args: &ReplayArgs) -> Result<Severity, Failure> {
    let Some(name) = args.severity.as_deref() else { return Ok(Severity::Info) };
    Severity::parse(name).ok_or_else(|| {
        Failure::usage(format_args!("cannot read `{name}` of --severity"))
            .hint(Some("expected info, low, medium, high or critical"))
    })
}
