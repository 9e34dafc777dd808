//! Which jails are replayed, and which of them share a scan.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::{BanTime, Feed, Jail, Jails};
use stockade_filter::date::{DatePatternError, Zone};
use stockade_filter::{Filter, FilterError, FilterSet, FilterSpec, MAX_FILTERS};

use super::limits::MAX_OFFENDERS;

/// A jail to replay, with what it reads by.
#[derive(Clone, Debug)]
pub struct ReplayJail {
    /// The jail.
    pub jail: Jail,
    /// Its filter; `None` for one that counts bans.
    pub filter: Option<FilterSpec>,
    /// The zone of dates that name none.
    pub zone: Zone,
}

/// What a person wants to be different from the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// How many matches ban.
    pub maxretry: Option<NonZeroU32>,
    /// Within how long.
    pub findtime: Option<Duration>,
    /// For how long.
    pub bantime: Option<BanTime>,
}

impl Overrides {
    /// Changes a jail accordingly.
    pub fn apply(&self, jail: &mut Jail) {
        jail.threshold.maxretry = self.maxretry.unwrap_or(jail.threshold.maxretry);
        jail.threshold.findtime = self.findtime.unwrap_or(jail.threshold.findtime);
        jail.bantime = self.bantime.unwrap_or(jail.bantime);
    }
}

/// Why a replay cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Filters that cannot be compiled: everything that is wrong with them.
    #[error("{}", listed(.0))]
    Filter(Vec<FilterError>),
    /// A `datepattern` that cannot be used.
    #[error(transparent)]
    DatePattern(#[from] DatePatternError),
    /// More filters than can read one log.
    #[error("cannot replay more than {MAX_FILTERS} different filters at a time: {0} are selected")]
    TooManyFilters(usize),
    /// No jail reads the logs: only such that count the bans of others were selected.
    #[error("nothing to replay: no selected jail reads logs")]
    NoReader,
}

impl ReplayError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Filter(_) => None,
            Self::DatePattern(error) => error.hint(),
            Self::TooManyFilters(_) => Some("select fewer jails"),
            Self::NoReader => {
                Some("select the jails whose bans it counts as well: `--jail sshd --jail recidive`")
            }
        }
    }
}

fn listed(errors: &[FilterError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The jails, and the scans that feed them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) jails: Jails,
    pub(super) lanes: Vec<Lane>,
}

/// What reads dates in one zone: one scan for all of it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) zone: Zone,
    pub(super) set: Arc<FilterSet>,
    /// By the filter's place in the set: the places of the jails that count its matches.
    pub(super) routes: Vec<Vec<usize>>,
}

struct Draft {
    zone: Zone,
    specs: Vec<FilterSpec>,
    routes: Vec<Vec<usize>>,
}

impl Plan {
    pub(super) fn new(jails: Vec<ReplayJail>) -> Result<Self, ReplayError> {
        let share = (MAX_OFFENDERS / jails.len().max(1)).max(1);
        let mut drafts: Vec<Draft> = Vec::new();
        let mut list = Vec::with_capacity(jails.len());
        for (place, ReplayJail { mut jail, filter, zone }) in jails.into_iter().enumerate() {
            if let Some(spec) = filter.filter(|_| jail.feed == Feed::Matches) {
                let at = drafts.iter().position(|draft| draft.zone == zone).unwrap_or_else(|| {
                    drafts.push(Draft { zone, specs: Vec::new(), routes: Vec::new() });
                    drafts.len() - 1
                });
                if let Some(draft) = drafts.get_mut(at) {
                    draft.add(spec, place);
                }
            }
            jail.max_tracked_keys = jail.max_tracked_keys.min(share);
            list.push(jail);
        }
        if drafts.is_empty() {
            return Err(ReplayError::NoReader);
        }
        let lanes = compile(drafts)?;
        Ok(Self { jails: Jails::new(list), lanes })
    }
}

impl Draft {
    fn add(&mut self, spec: FilterSpec, jail: usize) {
        let known = self.specs.iter().position(|other| same(other, &spec));
        match known.and_then(|at| self.routes.get_mut(at)) {
            Some(route) => route.push(jail),
            None => {
                self.specs.push(spec);
                self.routes.push(vec![jail]);
            }
        }
    }
}

fn compile(drafts: Vec<Draft>) -> Result<Vec<Lane>, ReplayError> {
    let (mut lanes, mut errors) = (Vec::new(), Vec::new());
    for Draft { zone, specs, routes } in drafts {
        let mut filters = Vec::with_capacity(specs.len());
        for spec in &specs {
            match Filter::compile(spec) {
                Ok(filter) => filters.push(Arc::new(filter)),
                Err(found) => errors.extend(found),
            }
        }
        let (set, surplus) = FilterSet::new(filters);
        if !surplus.is_empty() {
            return Err(ReplayError::TooManyFilters(set.filters().len() + surplus.len()));
        }
        lanes.push(Lane { zone, set: Arc::new(set), routes });
    }
    if errors.is_empty() { Ok(lanes) } else { Err(ReplayError::Filter(errors)) }
}

/// Whether two filters give the same answer to every line.
fn same(a: &FilterSpec, b: &FilterSpec) -> bool {
    let text =
        |sources: &[stockade_filter::Source]| sources.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
    a.prefregex.as_ref().map(|s| &s.text) == b.prefregex.as_ref().map(|s| &s.text)
        && text(&a.failregex) == text(&b.failregex)
        && text(&a.ignoreregex) == text(&b.ignoreregex)
        && (&a.datepattern, a.maxlines, a.usedns) == (&b.datepattern, b.maxlines, b.usedns)
}
