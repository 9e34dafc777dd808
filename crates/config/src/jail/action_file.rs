//! A file of `action.d` that runs as it is: its commands for each family.

use std::collections::BTreeMap;
use std::time::Duration;

use stockade_core::action::{ActionSpec, Family, Verb};
use stockade_filter::conf::value::{TimeSpan, parse_bool, parse_time};
use stockade_filter::conf::{self, ActionDef};

use super::Context;
use super::actions::Part;
use super::options::Options;
use super::threshold;
use crate::problem::{Problem, ProblemKind};

/// What run time alone knows, whatever a parameter says: fail2ban passes over it as well.
const RUN_TIME: &str = "bantime";
const TIMEOUT: &str = "timeout";

/// The action of one entry of the list; `None` if it cannot be used, which is an error of the jail.
pub(super) fn spec(options: &mut Options<'_>, part: &Part<'_>, context: &Context<'_>) -> Option<ActionSpec> {
    let jail = options.jail;
    let read = context.reader.action(part.text, &jail.name, &jail.settings);
    tell(options, &read.problems);
    let mut def = read.value?;
    def.params.shift_remove(RUN_TIME);
    let timeout = timeout(options, part, &mut def)?;
    let mut commands = BTreeMap::new();
    for family in [None].into_iter().chain(Family::ALL.map(Some)) {
        for verb in Verb::ALL {
            match def.command(verb.option(), family.map(conf_family)) {
                Ok(Some(value)) if !value.text().trim().is_empty() => {
                    commands.insert((verb, family), value.text().to_owned());
                }
                Ok(_) => {}
                Err(problems) => {
                    tell(options, &problems);
                    return None;
                }
            }
        }
    }
    let flag = |name: &str| def.commands.get(name).map(|value| parse_bool(value.text()));
    let conditional = def.is_conditional();
    Some(ActionSpec {
        name: format!("{}/{}", jail.name, def.name).into(),
        jail: jail.name.as_str().into(),
        commands,
        conditional,
        on_demand: flag("actionstart_on_demand").unwrap_or(conditional),
        norestored: flag("norestored").unwrap_or(false),
        repair_on_unban: flag("actionrepair_on_unban").unwrap_or(false),
        timeout,
        bantime: threshold::bantime_seconds(jail),
    })
}

/// Takes the timeout from the parameters, and puts it back in seconds for commands that name it.
fn timeout(options: &mut Options<'_>, part: &Part<'_>, def: &mut ActionDef) -> Option<Duration> {
    let Some(value) = def.params.get_mut(TIMEOUT) else { return Some(ActionSpec::DEFAULT_TIMEOUT) };
    match parse_time(value.text()).ok().and_then(TimeSpan::duration).filter(|time| !time.is_zero()) {
        Some(timeout) => {
            *value = conf::Value::new(timeout.as_secs().to_string(), value.origin().clone());
            Some(timeout)
        }
        None => {
            let kind = ProblemKind::bad_value("a `timeout` above zero", value.text());
            options.error("action", part.value, kind);
            None
        }
    }
}

fn tell(options: &mut Options<'_>, problems: &conf::Problems) {
    for problem in problems {
        let mut problem = Problem::from(problem);
        problem.section = Some(options.jail.name.clone());
        options.problems.push(problem);
    }
}

fn conf_family(family: Family) -> conf::Family {
    match family {
        Family::Inet4 => conf::Family::Inet4,
        Family::Inet6 => conf::Family::Inet6,
    }
}
