//! From a configuration to what a function works with.

use std::sync::Arc;

use stockade_config::{AwsSettings, Config};
use stockade_core::{Feed, Jail, Jails};

use super::role::Role;
use crate::daemon::assembly::Assembled;
use crate::events::EventLane;
use crate::guards::{GuardRules, Guards};
use crate::lanes::{Lane, lanes};

/// What a function works with: read once, used for every invocation.
#[derive(Debug)]
pub struct Setup {
    /// All jails, each judging what it is given: those that count bans are given them by the function.
    pub(super) jails: Jails,
    /// The jails that count the bans of others.
    pub(super) count_bans: Vec<usize>,
    /// The name of each jail's filter, without its parameters.
    pub(super) filters: Vec<Option<Arc<str>>>,
    /// The names of the responders that each jail's decisions go to.
    pub(super) responders: Vec<Vec<Arc<str>>>,
    pub(super) aws: AwsSettings,
    /// The scans of each entry of `log_groups`, in their order.
    lanes: Vec<Vec<Lane>>,
    /// The rules of events, for a role that reads them.
    pub(super) events: Option<EventLane>,
    rules: GuardRules,
}

/// Why a function cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration has errors: all of them, with file and line.
    #[error("the configuration cannot be used:\n{0}")]
    Config(String),
    /// The configuration could not be fetched or unpacked.
    #[error("cannot read the configuration from `{place}`: {why}")]
    Home {
        /// Where it should be.
        place: String,
        /// What happened.
        why: String,
    },
    /// No jail can be used.
    #[error("no jail is enabled and usable")]
    NoJail,
    /// A name in `_HANDLER` that is none of ours.
    #[error("`{0}` is no function of Stockade: expected one of {names}", names = names())]
    Handler(String),
    /// AWS cannot be spoken to.
    #[error("{0}")]
    Aws(String),
}

fn names() -> String {
    Role::ALL.map(|role| format!("`{}`", role.name())).join(", ")
}

impl Setup {
    /// Compiles what the role needs: the filters of the configured log groups for one that reads logs, else none.
    ///
    /// # Errors
    /// If nothing is left that can be judged. What can be done without is told to `warn` and left out.
    pub fn new(mut config: Config, role: Role, mut warn: impl FnMut(String)) -> Result<Self, SetupError> {
        let aws = config.program.aws.clone();
        let wanted = |name: &str| aws.log_groups.iter().any(|group| group.filters.iter().any(|f| f == name));
        let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for jail in &mut config.jails {
            // A host's journal is not read here, and what no log group leads to is never asked.
            jail.journal_filter = None;
            if jail.ignore_command.take().is_some() {
                warn(format!("ignorecommand has no effect in a function: jail `{}`", jail.jail.name));
            }
            let Some(filter) = &jail.filter else { continue };
            let name: Arc<str> = base(&filter.name).into();
            names.push((Arc::clone(&jail.jail.name), Arc::clone(&name)));
            if !role.reads_logs() || !wanted(&name) {
                jail.filter = None;
            }
        }
        // Where events come from is said by whoever invokes the function.
        config.program.events.queue.clear();
        let assembled = Assembled::new(&config, &mut warn).map_err(|_| SetupError::NoJail)?;
        let filters: Vec<Option<Arc<str>>> = assembled
            .jails
            .iter()
            .map(|jail| names.iter().find(|(of, _)| *of == jail.name).map(|(_, name)| Arc::clone(name)))
            .collect();
        if role.reads_logs() {
            for (group, name) in aws.log_groups.iter().flat_map(|g| g.filters.iter().map(move |f| (g, f))) {
                if !filters.iter().flatten().any(|known| **known == **name) {
                    warn(format!(
                        "no enabled jail has the filter `{name}`, which the log group `{}` is to be read by",
                        group.pattern
                    ));
                }
            }
        }
        let readers_of = |names: &[String]| {
            let places = (0..filters.len()).filter(|at| {
                filters
                    .get(*at)
                    .is_some_and(|name| name.as_ref().is_some_and(|n| names.iter().any(|f| **f == **n)))
            });
            let readers: Vec<_> = places.filter_map(|at| assembled.reader(at)).collect();
            lanes(&readers)
        };
        let lanes = if role.reads_logs() {
            aws.log_groups.iter().map(|group| readers_of(&group.filters)).collect()
        } else {
            Vec::new()
        };
        let counts_bans = |jail: &Jail| jail.feed == Feed::Bans;
        let count_bans = (0..).zip(assembled.jails.iter()).filter(|(_, jail)| counts_bans(jail));
        let count_bans = count_bans.map(|(at, _)| at).collect();
        let seed = seed(&aws.table);
        let direct = |jail: &Jail| {
            let mut jail = Jail { feed: Feed::Matches, ..jail.clone() };
            if let Some(growth) = &mut jail.growth {
                growth.seed = seed;
            }
            jail
        };
        let guards = &config.program.guards;
        Ok(Self {
            jails: Jails::new(assembled.jails.iter().map(direct).collect()),
            count_bans,
            filters,
            responders: assembled.responders_of(),
            lanes,
            events: EventLane::new(&assembled.configs).filter(|_| role.reads_events()),
            rules: GuardRules {
                protect: guards.protect.clone(),
                own: guards.protect_own,
                // A sandbox's route and nobody's session say nothing about the hosts.
                gateway: false,
                sessions: false,
                max_bans_per_minute: guards.max_bans_per_minute,
                min_prefix_v4: guards.min_prefix_v4,
                min_prefix_v6: guards.min_prefix_v6,
            },
            aws,
        })
    }

    /// The jails.
    pub fn jails(&self) -> &Jails {
        &self.jails
    }

    /// What is used in AWS.
    pub fn aws(&self) -> &AwsSettings {
        &self.aws
    }

    pub(super) fn guards(&self) -> Guards {
        Guards::new(self.rules.clone())
    }

    /// The scans of a log group; `None` for one that nobody knows.
    pub(super) fn lanes_of(&self, group: &str) -> Option<&[Lane]> {
        let entries = &self.aws.log_groups;
        let exact = entries.iter().position(|entry| entry.pattern == group);
        let at = exact.or_else(|| entries.iter().position(|entry| entry.covers(group)))?;
        self.lanes.get(at).map(Vec::as_slice)
    }

    /// The jails that a filter feeds, by the filter's name.
    pub(super) fn jails_of_filter<'s>(&'s self, filter: &'s str) -> impl Iterator<Item = usize> + 's {
        let named = move |name: &Option<Arc<str>>| name.as_deref() == Some(filter);
        self.filters.iter().enumerate().filter(move |(_, name)| named(name)).map(|(at, _)| at)
    }

    /// The longest time that a match counts.
    pub(super) fn longest_findtime(&self) -> std::time::Duration {
        self.jails.iter().map(|jail| jail.threshold.findtime).max().unwrap_or_default()
    }
}

/// `sshd[mode=aggressive]` is the filter `sshd`.
fn base(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// All functions of one table must compute the same ends of bans, also those with `bantime.rndtime`.
fn seed(table: &str) -> u64 {
    let id = stockade_core::MatchId::derive("seed", table, "", 0, 0).0;
    u64::try_from(id >> 64).unwrap_or_default()
}
