//! Bans by a fail2ban that is there already: its own jails, its own actions.
//!
//! Runs `fail2ban-client set JAIL banip ADDRESS…` and `unbanip`, without a shell, many addresses in one run. Which jails
//! there are is asked of `status`, what is in force of `get JAIL banip`; both work with fail2ban 0.10.4 and later.
//!
//! fail2ban bans in these jails too, and those bans are its own: only what this responder banned itself is counted as in
//! force, and only that is ever lifted. `banip` knows no length: a ban ends when Stockade lifts it, or when the jail's
//! `bantime` in fail2ban is over, whichever is first. In the second case the next comparison puts it back, so a jail
//! that is fed by Stockade alone should have a long `bantime` there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stockade_core::ports::{Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{BanTime, Key, Outcome, Timestamp};

use crate::run::{Ended, Run};

/// How many addresses one run is given: 500 of the longest are 20 kB, and fail2ban runs its actions for each.
const MAX_KEYS_PER_RUN: usize = 500;
/// How much of a list of bans is read: a million addresses.
const MAX_LIST_BYTES: usize = 32 << 20;

/// The responder `fail2ban-client`.
#[derive(Debug)]
pub struct Fail2banClient {
    argv: Vec<OsString>,
    timeout: Duration,
    jails: BTreeSet<Arc<str>>,
    /// The bans that were made here, and when they are to end.
    mine: BTreeMap<(Arc<str>, Key), Timestamp>,
}

impl Fail2banClient {
    /// The name of this responder.
    pub const NAME: &'static str = "fail2ban-client";
    /// What is run if nothing else is said.
    pub const DEFAULT_PROGRAM: &'static str = "/usr/bin/fail2ban-client";
    /// How long one run may take if nothing else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// A responder that runs `argv`, the program with options such as `-s SOCKET`, each run at most for `timeout`.
    ///
    /// # Errors
    /// When `argv` is empty, or is this very program under fail2ban's name.
    pub fn new(
        argv: impl IntoIterator<Item = impl Into<OsString>>,
        timeout: Duration,
    ) -> Result<Self, RespondError> {
        let argv: Vec<OsString> = argv.into_iter().map(Into::into).collect();
        let refuse = |message: &str, hint: &str| {
            Err(RespondError { message: message.to_owned(), hint: Some(hint.to_owned()), permanent: true })
        };
        let Some(program) = argv.first().filter(|program| !program.is_empty()) else {
            return refuse("the responder `fail2ban-client` has no program to run", "leave `argv` out");
        };
        let real = |path: &Path| path.canonicalize().ok();
        let own = std::env::current_exe().ok().and_then(|own| real(&own));
        if own.is_some() && real(Path::new(program)) == own {
            return refuse(
                "`fail2ban-client` is this very program under that name",
                "use the responder `nftables`, or name the program of fail2ban in `argv`",
            );
        }
        Ok(Self { argv, timeout, jails: BTreeSet::new(), mine: BTreeMap::new() })
    }

    /// The jails that fail2ban runs. A name with a comma in it is taken for two.
    ///
    /// # Errors
    /// When fail2ban does not answer.
    pub fn jails(&self) -> Result<Vec<String>, RespondError> {
        let said = self.ask(&["status"], MAX_LIST_BYTES)?;
        let list = said.split_once("Jail list:").map_or("", |(_, list)| list);
        Ok(list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// The `bantime` of a jail.
    ///
    /// # Errors
    /// When fail2ban does not answer, or not with a number.
    pub fn bantime(&self, jail: &str) -> Result<BanTime, RespondError> {
        let said = self.ask(&["get", jail, "bantime"], MAX_LIST_BYTES)?;
        let seconds = said.split_whitespace().last().and_then(|number| number.parse::<i64>().ok());
        match seconds.map(u64::try_from) {
            Some(Ok(seconds)) => Ok(BanTime::For(Duration::from_secs(seconds))),
            Some(Err(_)) => Ok(BanTime::Forever),
            None => Err(failed(format!("the `bantime` of the jail `{jail}` in fail2ban is no number"), None)),
        }
    }

    /// Whom fail2ban keeps out in a jail, for whatever reason.
    fn banned(&self, jail: &str) -> Result<BTreeSet<Key>, RespondError> {
        let said = self.ask(&["get", jail, "banip"], MAX_LIST_BYTES)?;
        Ok(said.split_whitespace().filter_map(Key::parse_addr_or_net).collect())
    }

    /// Runs the client once. What it said, if it says that it worked.
    fn ask(&self, words: &[&str], keep: usize) -> Result<String, RespondError> {
        let Some((program, options)) = self.argv.split_first() else {
            return Err(failed("there is no program to run".to_owned(), None));
        };
        let mut arguments = options.to_vec();
        arguments.extend(words.iter().map(OsString::from));
        let run = Run {
            program,
            arguments: &arguments,
            variables: &[],
            inherit: false,
            output: true,
            timeout: self.timeout,
        };
        let what = format!("`{} {}`", Path::new(program).display(), short(words));
        match run.to_end_keeping(keep) {
            Ended::Well { said } => Ok(said),
            Ended::Badly { said, .. } if said.contains("does not exist") => Err(failed(
                format!("{what}: {said}"),
                Some("enable the jail in fail2ban, or leave it out of `jails` in the table `[agent]`"),
            )),
            Ended::Badly { status, said } => Err(failed(
                format!("{what} ended with {status}: {said}"),
                Some("see whether fail2ban runs, and whether this user may speak with it"),
            )),
            Ended::TimedOut => {
                let seconds = self.timeout.as_secs_f64();
                Err(failed(format!("{what} was killed: it took more than {seconds} s"), None))
            }
            Ended::NotStarted(error) => Err(failed(
                format!("cannot run {what}: {error}"),
                Some("install fail2ban, or choose another responder"),
            )),
        }
    }

    /// Runs `verb` for the keys of each jail, as many at once as may be, and says of each what came of it.
    fn for_all(&self, verb: &str, wanted: &[(Arc<str>, Key)]) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; wanted.len()];
        let mut by_jail: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
        for (at, (jail, _)) in wanted.iter().enumerate() {
            by_jail.entry(jail).or_default().push(at);
        }
        for (jail, places) in by_jail {
            for chunk in places.chunks(MAX_KEYS_PER_RUN) {
                let keys: Vec<String> =
                    chunk.iter().filter_map(|&at| Some(wanted.get(at)?.1.to_string())).collect();
                let mut words = vec!["set", jail, verb];
                words.extend(keys.iter().map(String::as_str));
                let Err(error) = self.ask(&words, MAX_SAID_BYTES) else { continue };
                for &at in chunk {
                    if let Some(outcome) = outcomes.get_mut(at) {
                        *outcome = Outcome::Failed { error: error.message.clone() };
                    }
                }
            }
        }
        outcomes
    }

    /// Unbans, and says of each what came of it.
    ///
    /// Told to unban a network that is not banned, fail2ban lets in every address within it that is. So a network is
    /// named only where it is banned.
    fn unban(&self, bans: &[(Arc<str>, Key)]) -> Vec<Outcome> {
        let mut banned: HashMap<&Arc<str>, Result<BTreeSet<Key>, RespondError>> = HashMap::new();
        let mut outcomes = Vec::with_capacity(bans.len());
        let mut wanted = Vec::with_capacity(bans.len());
        for (jail, key) in bans {
            let listed = match key {
                Key::Net(_) => match banned.entry(jail).or_insert_with(|| self.banned(jail)) {
                    Ok(keys) => Ok(keys.contains(key)),
                    Err(error) => Err(error.message.clone()),
                },
                _ => Ok(true),
            };
            outcomes.push(match listed {
                Ok(true) => {
                    wanted.push((Arc::clone(jail), key.clone()));
                    None
                }
                Ok(false) => Some(Outcome::Done),
                Err(error) => Some(Outcome::Failed { error }),
            });
        }
        let mut came = self.for_all("unbanip", &wanted).into_iter();
        outcomes.into_iter().map(|known| known.or_else(|| came.next()).unwrap_or(Outcome::Done)).collect()
    }

    /// Lifts bans that were made here.
    fn lift(&mut self, bans: &[(Arc<str>, Key)]) -> Result<(), RespondError> {
        let outcomes = self.unban(bans);
        let mut problem = None;
        for (id, outcome) in bans.iter().zip(outcomes) {
            match outcome {
                Outcome::Failed { error } => problem = Some(error),
                _ => _ = self.mine.remove(id),
            }
        }
        problem.map_or(Ok(()), |error| Err(failed(format!("cannot lift all bans: {error}"), None)))
    }
}

/// How much is kept of what a ban or unban says.
const MAX_SAID_BYTES: usize = 2_048;

impl Responder for Fail2banClient {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// Looks whether fail2ban answers, and lifts what was banned here in jails that are gone.
    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        self.ask(&["ping"], MAX_SAID_BYTES)?;
        self.jails = scopes.iter().map(|scope| Arc::clone(&scope.jail)).collect();
        let gone: Vec<_> = self.mine.keys().filter(|(jail, _)| !self.jails.contains(jail)).cloned().collect();
        self.lift(&gone)
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        let mut banned: HashMap<Arc<str>, BTreeSet<Key>> = HashMap::new();
        for (jail, _) in self.mine.keys() {
            if !banned.contains_key(jail) {
                banned.insert(Arc::clone(jail), self.banned(jail)?);
            }
        }
        self.mine.retain(|(jail, key), _| banned.get(jail).is_some_and(|keys| keys.contains(key)));
        let standing = |((jail, key), until): (&(Arc<str>, Key), &Timestamp)| Standing {
            jail: Arc::clone(jail),
            key: key.clone(),
            until: *until,
        };
        Ok(Some(self.mine.iter().map(standing).collect()))
    }

    fn apply(&mut self, plan: &Plan, _now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let mut outcomes = Vec::with_capacity(plan.add.len() + plan.remove.len());
        let mut wanted = Vec::with_capacity(plan.add.len());
        for standing in &plan.add {
            outcomes.push(if !self.jails.contains(&standing.jail) {
                Outcome::Failed { error: format!("no such jail: `{}`", standing.jail) }
            } else if standing.key.to_net().is_none() {
                Outcome::Refused { reason: format!("`{}` is not an address", standing.key) }
            } else {
                wanted.push((Arc::clone(&standing.jail), standing.key.clone()));
                Outcome::Done
            });
        }
        let mut came = self.for_all("banip", &wanted).into_iter();
        for (outcome, standing) in outcomes.iter_mut().zip(&plan.add).filter(|(o, _)| **o == Outcome::Done) {
            *outcome = came.next().unwrap_or(Outcome::Done);
            if *outcome == Outcome::Done {
                self.mine.insert((Arc::clone(&standing.jail), standing.key.clone()), standing.until);
            }
        }
        let known = |(jail, key): &&(Arc<str>, Key)| self.jails.contains(jail) && key.to_net().is_some();
        let remove: Vec<(Arc<str>, Key)> = plan.remove.iter().filter(known).cloned().collect();
        let mut came = self.unban(&remove).into_iter();
        for id in &plan.remove {
            let outcome = if known(&id) { came.next() } else { None }.unwrap_or(Outcome::Done);
            if outcome == Outcome::Done {
                self.mine.remove(id);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Lifts what was banned here. fail2ban's own bans stay.
    fn flush(&mut self) -> Result<(), RespondError> {
        let all: Vec<_> = self.mine.keys().cloned().collect();
        self.lift(&all)
    }
}

/// The command without the many addresses.
fn short(words: &[&str]) -> String {
    let first: Vec<&str> = words.iter().take(4).copied().collect();
    let more = if words.len() > first.len() { " …" } else { "" };
    OsStr::new(&first.join(" ")).display().to_string().replace(char::is_control, " ") + more
}

fn failed(message: String, hint: Option<&str>) -> RespondError {
    RespondError { message, hint: hint.map(str::to_owned), permanent: false }
}
