//! From the text of a jail's options to a jail.

use stockade_core::{Feed, Jail};
use stockade_filter::conf::{self, Reader, Value};

use super::known::{BANS, is_about_filter, translated, without_effect};
use super::options::Options;
use super::services::Services;
use super::{Backend, JailConfig, actions, filter, ignore, logs, threshold};
use crate::origin::{Origin, Row};
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;
use crate::program::Program;

/// The filter by which fail2ban reads its own log.
const RECIDIVE: &str = "recidive";

/// What a jail is read against.
#[derive(Debug)]
pub(crate) struct Context<'c> {
    pub(crate) program: &'c Program,
    /// Names of responders in `stockade.toml`, also of those that could not be read.
    pub(crate) declared: &'c [String],
    /// The files, for those of `action.d`.
    pub(crate) reader: &'c Reader<'c>,
    /// Names of fail2ban's actions in the configuration directory.
    pub(crate) action_files: &'c [String],
    /// Whether there are files that change actions.
    pub(crate) changed_actions: bool,
    /// Whether the directory is fail2ban's own.
    pub(crate) fail2ban: bool,
    pub(crate) services: &'c Services,
}

/// The jail, unless one of its problems is an error; and its problems.
pub(crate) fn read(jail: &conf::Jail, context: &Context<'_>) -> (Option<JailConfig>, Problems) {
    let mut options = Options::new(jail);
    let feed = feed(&mut options, context);
    let counts_bans = feed == Feed::Bans;
    for problem in &jail.problems {
        if !(counts_bans && is_about_filter(problem, &jail.name)) {
            let Some(mut problem) = translated(problem, context.fail2ban) else { continue };
            if let (Some(section), Some(key)) = (&mut problem.section, &problem.key)
                && *section == jail.name
            {
                options.section(key).clone_into(section);
            }
            options.problems.push(problem);
        }
    }
    options.problems.count_dropped(jail.problems.dropped(), jail.problems.has_errors());
    let asked_to = counts_bans && options.own(BANS);
    without_effect(&mut options, asked_to);
    let config = build(&mut options, feed, context);
    options.problems.sort();
    (config.filter(|_| !options.problems.has_errors()), options.problems)
}

fn build(options: &mut Options<'_>, feed: Feed, context: &Context<'_>) -> Option<JailConfig> {
    let mut jail = Jail::new(&options.jail.name);
    jail.feed = feed;
    jail.threshold = threshold::threshold(options, jail.threshold);
    jail.bantime = threshold::bantime(options, jail.bantime);
    jail.growth = threshold::growth(options);
    jail.max_tracked_keys = context.program.limits.max_tracked_keys;
    let ignored = ignore::ignored(options);
    jail.ignore = ignored.keys.into_iter().collect();
    let (actions, scope) = actions::actions(options, context);
    let mut config = JailConfig {
        jail,
        ignore_self: options.jail.boolean("ignoreself").unwrap_or(true),
        ignore_hosts: ignored.hosts,
        ignore_files: ignored.files,
        ignore_command: options.get("ignorecommand").map(|value| value.text().to_owned()),
        rules: Vec::new(),
        filter: None,
        journal_filter: None,
        backend: Backend::default(),
        logpaths: Vec::new(),
        journalmatch: Vec::new(),
        zone: None,
        scope,
        responders: actions.responders,
        actions: actions.specs,
    };
    if feed == Feed::Matches {
        reading(options, &mut config);
    }
    Some(config)
}

/// What a jail needs that reads logs.
fn reading(options: &mut Options<'_>, config: &mut JailConfig) {
    let matching = options.jail.matching();
    config.filter = filter::spec(options, &matching);
    config.backend = logs::backend(options);
    let before = options.problems.len();
    config.logpaths = logs::log_paths(options);
    config.journalmatch = logs::journal_match(options, &matching);
    config.zone = logs::zone(options);
    let missing = match config.backend {
        _ if !config.logpaths.is_empty() || options.problems.len() > before => None,
        Backend::Files => Some("`logpath` is not set"),
        Backend::Auto if config.journalmatch.is_empty() => {
            Some("neither `logpath` nor `journalmatch` is set")
        }
        Backend::Auto | Backend::Journal => None,
    };
    if let Some(missing) = missing {
        options.jail_error(ProblemKind::NoLogs { missing });
    }
    if matching.name == RECIDIVE
        && let Some(value) = options.jail.settings.get("filter")
    {
        options.warn("filter", value, ProblemKind::ReadsFail2banLog);
    }
}

/// `bans`. The jail by which fail2ban counts its own bans, in its own log, counts ours.
fn feed(options: &mut Options<'_>, context: &Context<'_>) -> Feed {
    let Some(value) = options.get(BANS) else {
        let recidive = context.fail2ban && options.jail.filter.as_ref().is_some_and(|f| f.name == RECIDIVE);
        if recidive {
            let problem = Problem::warning(ProblemKind::CountsBans, Origin::from(&options.jail.origin));
            options.problems.push(problem.section(&options.jail.name));
            return Feed::Bans;
        }
        return Feed::Matches;
    };
    if !value.text().trim().eq_ignore_ascii_case("all") {
        options.error(BANS, value, ProblemKind::bad_value("`all`", value.text()));
    }
    Feed::Bans
}

/// The options of a jail that are in effect, and where they were set.
pub(crate) fn rows(jail: &conf::Jail) -> Vec<Row> {
    /// What an option is that no file sets.
    const UNSET: &[(&str, &str)] =
        &[("maxretry", "5"), ("findtime", "10m"), ("bantime", "10m"), ("ignoreself", "true")];
    let row = |key: &str, value: &str, origin: Origin| Row {
        section: jail.name.clone(),
        key: key.to_owned(),
        value: value.to_owned(),
        origin,
    };
    let of_filter = jail.filter.iter().flat_map(|filter| &filter.options);
    let of_filter = of_filter.filter(|(key, _)| {
        conf::keys::FILTER_KEYS.iter().any(|known| known.name == *key) && !jail.settings.contains_key(*key)
    });
    let used = |key: &str| ["port", "protocol", BANS].contains(&key) || jail.raw.contains_key(key);
    let helpers = jail.helpers.iter().filter(|(key, _)| used(key));
    let set = |(key, value): (&String, &Value)| row(key, value.text(), Origin::from(value.origin()));
    let mut rows: Vec<_> = jail.settings.iter().chain(helpers).chain(of_filter).map(set).collect();
    for (key, value) in UNSET.iter().filter(|(key, _)| !jail.settings.contains_key(*key)) {
        rows.push(row(key, value, Origin::Default));
    }
    rows
}
