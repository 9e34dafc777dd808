//! From a configuration to the parts of a running daemon.

use std::sync::Arc;

use stockade_config::{Config, JailConfig, Program, ResponderConfig, ResponderKind};
use stockade_core::ports::{Responder, Store, StoreError, StoreErrorKind};
use stockade_core::{Jail, Jails, Position, Timestamp};
use stockade_filter::{Filter, FilterSpec, date::Zone};
use stockade_respond::action::Question;
use stockade_respond::notice::Book;
use stockade_respond::{Action, Command, DryRun, Fail2banClient, Log, Nftables, Watch};
use stockade_source::{
    FollowSpec, Follower, Journal, JournalMatch, JournalSpec, Pattern, Pipe, Source, Start,
};
use stockade_store::MemoryStore;

use super::evidence::Captures;
use super::hands::Hand;
use super::reading::Asking;
use super::{DaemonError, RunOptions};
use crate::guards::{GuardRules, Guards};
use crate::ignoring::{Ignoring, Lookups};
use crate::lanes::Reader;
use crate::notices::{self, Place};
use crate::responder;
use crate::store::{self, StoreOptions};

/// What a dry run says of itself.
const DRY_RUN: &str = "dry run: nothing is changed";

/// The jails that can be used, with everything that belongs to them, by their place.
pub(crate) struct Assembled {
    pub(crate) configs: Vec<JailConfig>,
    pub(crate) jails: Jails,
    pub(crate) lookups: Vec<Lookups>,
    /// Whom each jail ignores, and why.
    pub(crate) ignoring: Vec<Ignoring>,
    /// Makes ends of bans that nobody can compute.
    pub(crate) seed: u64,
    filters: Vec<Option<(Arc<Filter>, Zone, String)>>,
    /// The filters for lines of the journal, where they are others.
    journal_filters: Vec<Option<Arc<Filter>>>,
}

/// A source, and who reads what its patterns lead to.
pub(crate) struct Feed {
    pub(crate) name: &'static str,
    pub(crate) source: Box<dyn Source>,
    pub(crate) readers: Vec<Vec<Reader>>,
    /// Those of all jails.
    pub(crate) asking: Vec<Asking>,
}

impl Assembled {
    /// Compiles the filters and looks up whom the jails ignore. A jail that cannot be used is told and left out.
    pub(crate) fn new(config: &Config, mut warn: impl FnMut(String)) -> Result<Self, DaemonError> {
        responder::all_supported(&config.program).map_err(DaemonError::Responder)?;
        crate::events::supported(&config.program).map_err(DaemonError::Responder)?;
        let mut known: Vec<(FilterSpec, Arc<Filter>)> = Vec::new();
        let (mut configs, mut jails, mut filters) = (Vec::new(), Vec::<Jail>::new(), Vec::new());
        let mut journal_filters = Vec::new();
        // Nobody may compute when a ban with `bantime.rndtime` ends.
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        for jail in &config.jails {
            let filter = match jail.filter.as_ref().map(|spec| compile(spec, &mut known)).transpose() {
                Ok(filter) => filter,
                Err(problems) => {
                    problems.into_iter().for_each(&mut warn);
                    warn(format!(
                        "jail left out: `{}`: its filter cannot be used; `stockade check` shows why",
                        jail.jail.name
                    ));
                    continue;
                }
            };
            let zone_name = jail.zone.clone().unwrap_or_default();
            let zone = match jail.zone.as_deref().map(Zone::parse).transpose() {
                Ok(zone) => zone.unwrap_or_else(Zone::system),
                Err(error) => {
                    warn(format!("jail left out: `{}`: logtimezone: {error}", jail.jail.name));
                    continue;
                }
            };
            let journal = jail.journal_filter.as_ref().map(|spec| compile(spec, &mut known)).transpose();
            journal_filters.push(journal.unwrap_or_else(|problems| {
                problems.into_iter().for_each(&mut warn);
                None
            }));
            filters.push(filter.map(|filter| (filter, zone, zone_name)));
            let mut one = jail.jail.clone();
            if let Some(growth) = &mut one.growth {
                growth.seed = seed;
            }
            jails.push(one);
            configs.push(jail.clone());
        }
        if jails.is_empty() {
            return Err(DaemonError::NoJail);
        }
        let lookups: Vec<Lookups> = configs.iter().map(lookups).collect();
        let mut ignoring = Vec::with_capacity(jails.len());
        for (jail, lookups) in jails.iter_mut().zip(&lookups) {
            let one = Ignoring { fixed: jail.ignore.clone(), found: lookups.find(&mut warn) };
            jail.ignore = one.set();
            ignoring.push(one);
        }
        Ok(Self { configs, jails: Jails::new(jails), lookups, ignoring, seed, filters, journal_filters })
    }

    /// The sources of all jails: one that follows files, one that reads the journal; or standard input alone.
    pub(crate) fn feeds(
        &self,
        options: &RunOptions,
        stored: &[Position],
        mut warn: impl FnMut(String),
    ) -> Result<Vec<Feed>, DaemonError> {
        if options.stdin {
            let readers = (0..self.configs.len()).filter_map(|at| self.reader(at)).collect();
            let source = Pipe::stdin().map_err(|error| system("read standard input", &error))?;
            return Ok(vec![Feed {
                name: "stdin",
                source: Box::new(source),
                readers: vec![readers],
                asking: self.asking(),
            }]);
        }
        let (mut patterns, mut files): (Vec<(String, bool)>, Vec<Vec<Reader>>) = (Vec::new(), Vec::new());
        let (mut matches, mut units): (Vec<Vec<String>>, Vec<Vec<Reader>>) = (Vec::new(), Vec::new());
        for (at, jail) in self.configs.iter().enumerate() {
            let Some(reader) = self.reader(at) else { continue };
            let sources = stockade_config::resolve_sources(jail, leads_somewhere);
            for path in sources.files {
                add(&mut patterns, &mut files, (path.glob, path.tail), reader.clone());
            }
            // In the same words as in a file, unless the filter says otherwise.
            if let Some(wanted) = sources.journal {
                let filter = self.journal_filters.get(at).cloned().flatten().unwrap_or(reader.filter);
                add(&mut matches, &mut units, wanted, Reader { filter, ..reader });
            }
        }
        let mut feeds = Vec::new();
        if !patterns.is_empty() {
            let spec: Result<Vec<Pattern>, _> = patterns
                .iter()
                .map(|(glob, tail)| Pattern::new(glob, if *tail { Start::End } else { Start::Beginning }))
                .collect();
            match spec.and_then(|spec| Follower::new(FollowSpec::new(spec), stored)) {
                Ok(source) => feeds.push(Feed {
                    name: "files",
                    source: Box::new(source),
                    readers: files,
                    asking: self.asking(),
                }),
                Err(error) => warn(format!("cannot follow files: {error}")),
            }
        }
        if !matches.is_empty() {
            let spec =
                matches.iter().map(|lines| JournalMatch::parse(&lines.join("\n"))).collect::<Result<_, _>>();
            let journal = spec.and_then(|matches| {
                let mut spec = JournalSpec::default();
                spec.matches = matches;
                spec.directory = options.journal.clone();
                Journal::new(spec, stored)
            });
            match journal {
                Ok(source) => feeds.push(Feed {
                    name: "journal",
                    source: Box::new(source),
                    readers: units,
                    asking: self.asking(),
                }),
                Err(error) => warn(format!("cannot read the journal: {error}")),
            }
        }
        Ok(feeds)
    }

    /// The jails that ask a command whom they ignore.
    pub(crate) fn asking(&self) -> Vec<Asking> {
        let one = |(at, jail): (usize, &JailConfig)| {
            let question = Question::new(Arc::clone(&jail.jail.name), jail.ignore_command.as_deref()?);
            Some(Asking { jail: at, findtime: jail.jail.threshold.findtime, question })
        };
        self.configs.iter().enumerate().filter_map(one).collect()
    }

    /// Who carries out each jail's decisions.
    pub(crate) fn responders_of(&self) -> Vec<Vec<Arc<str>>> {
        self.configs.iter().map(|jail| jail.responders.clone()).collect()
    }

    /// What the filters capture, for the jails of which somebody wants to know.
    pub(crate) fn captures(&self, hands: &[Hand]) -> Captures {
        let wanted = |jail: &JailConfig| {
            hands.iter().any(|hand| hand.wants.fields && jail.responders.contains(&hand.name))
        };
        let jails = self.configs.iter().zip(&self.filters);
        Captures::new(jails.map(|(jail, filter)| {
            let (filter, zone, _) = filter.as_ref().filter(|_| wanted(jail))?;
            Some((filter, zone))
        }))
    }

    /// Who reads what the jail at a place reads; `None` for one that has no filter.
    pub(crate) fn reader(&self, at: usize) -> Option<Reader> {
        let (filter, zone, zone_name) = self.filters.get(at)?.as_ref()?;
        let name = self.jails.get(at)?.name.clone();
        Some(Reader {
            filter: Arc::clone(filter),
            jails: vec![(at, name)],
            zone: zone.clone(),
            zone_name: zone_name.clone(),
        })
    }
}

/// What a jail's `ignoreip` wants looked up.
pub(crate) fn lookups(jail: &JailConfig) -> Lookups {
    Lookups { own: jail.ignore_self, hosts: jail.ignore_hosts.clone(), files: jail.ignore_files.clone() }
}

/// Adds a reader to what is read, once for each thing to read.
fn add<T: PartialEq>(known: &mut Vec<T>, readers: &mut Vec<Vec<Reader>>, wanted: T, reader: Reader) {
    match known.iter().position(|other| *other == wanted).and_then(|at| readers.get_mut(at)) {
        Some(readers) => readers.push(reader),
        None => {
            known.push(wanted);
            readers.push(vec![reader]);
        }
    }
}

/// Compiles a filter, or finds the one that was compiled from the same.
fn compile(
    spec: &FilterSpec,
    known: &mut Vec<(FilterSpec, Arc<Filter>)>,
) -> Result<Arc<Filter>, Vec<String>> {
    let same = |other: &FilterSpec| {
        (
            &other.prefregex,
            &other.failregex,
            &other.ignoreregex,
            &other.datepattern,
            other.maxlines,
            other.usedns,
        ) == (
            &spec.prefregex,
            &spec.failregex,
            &spec.ignoreregex,
            &spec.datepattern,
            spec.maxlines,
            spec.usedns,
        )
    };
    if let Some((_, filter)) = known.iter().find(|(other, _)| same(other)) {
        return Ok(Arc::clone(filter));
    }
    let filter =
        Filter::compile(spec).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let filter = Arc::new(filter);
    known.push((spec.clone(), Arc::clone(&filter)));
    Ok(filter)
}

/// Opens the store. A user who may not write the file that it should be gets one in memory, and is told.
pub(crate) fn open_store(
    options: &StoreOptions,
    now: Timestamp,
    mut warn: impl FnMut(String),
) -> Result<(Box<dyn Store>, String), DaemonError> {
    let only_memory = |error: &StoreError| {
        error.kind == StoreErrorKind::Unreachable
            && options.place.file().is_some()
            && !rustix::process::geteuid().is_root()
    };
    match store::open(options, now) {
        Ok(opened) => {
            opened.notice.into_iter().for_each(warn);
            Ok((opened.store, opened.shown))
        }
        Err(error) if only_memory(&error) => {
            warn(format!("{}; what is found is forgotten at the end", error.message));
            Ok((Box::new(MemoryStore::default()), "memory".to_owned()))
        }
        Err(error) => Err(DaemonError::Store(error)),
    }
}

/// A responder, with a watch over what it puts in force where there is one. Without the right to change the firewall
/// it is a dry run, and `problem` says so in one line.
pub(crate) struct Opened {
    pub(crate) responder: Box<dyn Responder>,
    pub(crate) watch: Option<Watch>,
    /// Whether its bans end with the daemon.
    pub(crate) transient: bool,
    pub(crate) problem: Option<String>,
}

impl Opened {
    fn lasting(responder: Box<dyn Responder>, watch: Option<Watch>, problem: Option<String>) -> Self {
        Self { responder, watch, transient: false, problem }
    }
}

/// Opens a responder by its configuration; `book` is what those who tell know of the rules.
pub(crate) fn open_responder(
    config: &ResponderConfig,
    program: &Program,
    book: &Arc<Book>,
    dry_run: bool,
) -> Opened {
    let name: &str = &config.name;
    let only_say = |problem| Opened::lasting(dry_run_responder(name), None, problem);
    if dry_run {
        return only_say(Some(DRY_RUN.to_owned()));
    }
    match &config.kind {
        // Two tables would want two of everything below; until then a name that means nothing is not passed over.
        ResponderKind::Nftables { table } if table != ResponderKind::DEFAULT_TABLE => {
            only_say(Some(format!(
                "cannot use the nftables table `{table}`: it is always `{}`: going on as a dry run",
                ResponderKind::DEFAULT_TABLE
            )))
        }
        ResponderKind::Nftables { .. } => match Nftables::open() {
            Ok(responder) => {
                let watch = responder.watch().ok();
                Opened::lasting(Box::new(responder), watch, None)
            }
            Err(error) => {
                let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                only_say(Some(format!("{}{hint}: going on as a dry run", error.message)))
            }
        },
        ResponderKind::Command { argv, timeout } => match Command::new(argv, *timeout) {
            Ok(responder) => Opened::lasting(Box::new(responder), None, None),
            Err(error) => only_say(Some(format!("{}: going on as a dry run", error.message))),
        },
        ResponderKind::Fail2banClient { argv, timeout } => match Fail2banClient::new(argv, *timeout) {
            Ok(responder) => Opened::lasting(Box::new(responder), None, None),
            Err(error) => only_say(Some(format!("{}: going on as a dry run", error.message))),
        },
        ResponderKind::Log => Opened::lasting(Box::new(Log::stdout()), None, None),
        kind if notices::is_one(kind) => {
            let (responder, problem) = notices::open_or_later(config, Place::of_daemon(program, book));
            Opened::lasting(responder, None, problem)
        }
        ResponderKind::Sns { .. } | ResponderKind::Lambda { .. } => match responder::open(config, program) {
            Ok(responder) => Opened::lasting(responder, None, None),
            Err(error) => {
                let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                only_say(Some(format!("{}{hint}: going on as a dry run", error.message)))
            }
        },
        _ => only_say(None),
    }
}

/// Opens the responder for an action file.
pub(crate) fn open_action(name: &str, dry_run: bool, action: impl FnOnce() -> Action) -> Opened {
    if dry_run {
        return Opened::lasting(dry_run_responder(name), None, Some(DRY_RUN.to_owned()));
    }
    Opened { responder: Box::new(action()), watch: None, transient: true, problem: None }
}

fn dry_run_responder(name: &str) -> Box<dyn Responder> {
    let name = name.to_owned();
    Box::new(DryRun::new(move |action| tracing::info!(responder = name, "{action}")))
}

/// Whether there is a file that a path or pattern leads to.
pub(crate) fn leads_somewhere(glob: &str) -> bool {
    !stockade_source::archive::expand(&[glob], false).files.is_empty()
}

/// The guards of a configuration.
pub(crate) fn guards(config: &stockade_config::Guards) -> Guards {
    Guards::new(GuardRules {
        protect: config.protect.clone(),
        own: config.protect_own,
        gateway: config.protect_gateway,
        sessions: config.protect_sessions,
        max_bans_per_minute: config.max_bans_per_minute,
        min_prefix_v4: config.min_prefix_v4,
        min_prefix_v6: config.min_prefix_v6,
    })
}

fn system(what: &'static str, error: &dyn std::fmt::Display) -> DaemonError {
    DaemonError::System { what, error: std::io::Error::other(error.to_string()) }
}
