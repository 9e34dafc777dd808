//! Bans and notices by a program of the operator's: one run for each ban, each unban and each notice.
//!
//! The program gets its arguments exactly as configured. What it is to do stands in its environment alone and never in
//! an argument, and there is no shell in between, so nothing that an attacker wrote can become a part of a command:
//!
//! | variable | value |
//! |---|---|
//! | `STOCKADE_ACTION` | `ban`, `unban` or `notify` |
//! | `STOCKADE_JAIL` | the jail's name |
//! | `STOCKADE_KEY` | the address (`192.0.2.1`), network (`192.0.2.0/24`) or name |
//! | `STOCKADE_FAMILY` | `ipv4`, `ipv6`, or `name` for a key that is neither |
//! | `STOCKADE_UNTIL` | for a ban: its end in seconds since 1970, rounded up; `-1` for ever |
//! | `STOCKADE_SECONDS` | for a ban: how long it still lasts, rounded up; `-1` for ever |
//! | `STOCKADE_PORTS` | the jail's ports, `22,80-90`; empty for all |
//! | `STOCKADE_PROTOCOLS` | their protocols, `tcp,udp` |
//! | `STOCKADE_TIME` | for a notice: when it happened, in seconds since 1970 |
//! | `STOCKADE_MATCHES` | for a notice: how many records led to it |
//! | `STOCKADE_EVENT` | for a notice: the newest of them, a digest in one line of JSON; empty if it is forgotten |
//!
//! A status of 0 means that it is so now. The program must be content with a ban that is in force already (perhaps
//! with another end) and with an unban of what is not banned, and it must end a ban only when told to: Stockade
//! calls it at the end of every ban. A notice has no end; it may come twice where Stockade died before it could note
//! that the program had run.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Access, access};
use stockade_core::ports::{Notice, Plan, RespondError, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp, Verdict};

use crate::run::{DEFAULT_PATH, Ended, Run};
use crate::scope::{port_list, protocol_list};

/// After so many timeouts in a row the rest of a plan is not tried: a program that hangs must not hold up everything
/// for as long as there are bans.
const MAX_TIMEOUTS_IN_A_ROW: u32 = 3;

/// The responder `command`.
///
/// The world cannot be asked, so [`Responder::current`] says `None`. It remembers the bans that it made itself, for
/// [`Responder::flush`].
#[derive(Debug)]
pub struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
    scopes: BTreeMap<Arc<str>, Scope>,
    bans: BTreeSet<(Arc<str>, Key)>,
}

impl Command {
    /// The name of this responder.
    pub const NAME: &'static str = "command";
    /// How long one run may take if nothing else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// A responder that runs `argv`, each run at most for `timeout`.
    ///
    /// # Errors
    /// When `argv` is empty.
    pub fn new(
        argv: impl IntoIterator<Item = impl Into<OsString>>,
        timeout: Duration,
    ) -> Result<Self, RespondError> {
        let mut argv = argv.into_iter().map(Into::into);
        let Some(program) = argv.next().filter(|program| !program.is_empty()) else {
            return Err(RespondError {
                message: "the responder `command` has no program to run".to_owned(),
                hint: Some("give the program and its arguments as a list".to_owned()),
                permanent: true,
            });
        };
        Ok(Self {
            program,
            arguments: argv.collect(),
            timeout,
            scopes: BTreeMap::new(),
            bans: BTreeSet::new(),
        })
    }

    /// Runs the program once.
    fn carry_out(&mut self, act: &Act<'_>, now: Timestamp) -> Result<(), Failure> {
        let variables = self.variables(act, now);
        if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Failure::Impossible(format!(
                "`{name}` would hold a NUL, which no program can be given"
            )));
        }
        let program = Path::new(&self.program).display();
        let run = Run {
            program: &self.program,
            arguments: &self.arguments,
            variables: &variables,
            inherit: false,
            output: false,
            timeout: self.timeout,
        };
        match run.to_end() {
            Ended::Well { .. } => {}
            Ended::Badly { status, said } if said.is_empty() => {
                return Err(Failure::Run(format!("`{program}` ended with {status}")));
            }
            Ended::Badly { status, said } => {
                return Err(Failure::Run(format!("`{program}` ended with {status}: {said}")));
            }
            Ended::TimedOut => {
                let seconds = self.timeout.as_secs_f64();
                return Err(Failure::Timeout(format!(
                    "`{program}` was killed: it took more than {seconds} s"
                )));
            }
            Ended::NotStarted(error) => return Err(Failure::Start(self.not_started(&error))),
        }
        let id = (Arc::clone(act.jail), act.key.clone());
        match act.what {
            What::Ban { .. } => _ = self.bans.insert(id),
            What::Unban => _ = self.bans.remove(&id),
            What::Notify(_) => {}
        }
        Ok(())
    }

    /// Runs the program for one thing after the other. An error only when the very first could not be started.
    fn one_by_one<'a>(
        &mut self,
        acts: impl Iterator<Item = Act<'a>>,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, RespondError> {
        let mut outcomes = Vec::new();
        let mut timeouts = 0;
        let mut any_started = false;
        for act in acts {
            if timeouts == MAX_TIMEOUTS_IN_A_ROW {
                let error = format!("not tried, because the last {timeouts} runs of the program timed out");
                outcomes.push(Outcome::Failed { error });
                continue;
            }
            let result = self.carry_out(&act, now);
            timeouts = if matches!(result, Err(Failure::Timeout(_))) { timeouts + 1 } else { 0 };
            if let (Err(Failure::Start(error)), false) = (&result, any_started) {
                return Err(error.clone());
            }
            any_started |= !matches!(result, Err(Failure::Impossible(_)));
            outcomes.push(match result {
                Ok(()) => Outcome::Done,
                Err(Failure::Impossible(reason)) => Outcome::Refused { reason },
                Err(Failure::Run(error) | Failure::Timeout(error)) => Outcome::Failed { error },
                Err(Failure::Start(error)) => Outcome::Failed { error: error.message },
            });
        }
        Ok(outcomes)
    }

    fn variables(&self, act: &Act<'_>, now: Timestamp) -> Vec<(&'static str, String)> {
        let family = match act.key.to_net() {
            None => "name",
            Some(net) if net.addr().is_ipv4() => "ipv4",
            Some(_) => "ipv6",
        };
        let scope = self.scopes.get(act.jail);
        let mut variables = vec![
            ("STOCKADE_ACTION", act.what.word().to_owned()),
            ("STOCKADE_JAIL", act.jail.to_string()),
            ("STOCKADE_KEY", act.key.to_string()),
            ("STOCKADE_FAMILY", family.to_owned()),
            ("STOCKADE_PORTS", scope.map(port_list).unwrap_or_default()),
            ("STOCKADE_PROTOCOLS", scope.map(protocol_list).unwrap_or_default()),
        ];
        match act.what {
            What::Ban { until } => {
                let seconds = |millis: i64| if until == Timestamp::MAX { -1 } else { seconds_up(millis) };
                variables.push(("STOCKADE_UNTIL", seconds(until.as_millis()).to_string()));
                let left = until.as_millis().saturating_sub(now.as_millis());
                variables.push(("STOCKADE_SECONDS", seconds(left).to_string()));
            }
            What::Unban => {}
            What::Notify(Notice { decision, matches }) => {
                let newest = matches.first().map(|found| found.line.to_string());
                variables.push(("STOCKADE_TIME", decision.at.as_secs().to_string()));
                variables.push(("STOCKADE_MATCHES", decision.reason.matches().to_string()));
                variables.push(("STOCKADE_EVENT", newest.unwrap_or_default()));
            }
        }
        variables
    }

    fn not_started(&self, error: &std::io::Error) -> RespondError {
        let program = Path::new(&self.program).display();
        let hint = match error.kind() {
            ErrorKind::NotFound => Some("give the whole path of a program that is installed"),
            ErrorKind::PermissionDenied => Some("make the program executable: `chmod +x`"),
            _ => None,
        };
        RespondError {
            message: format!("cannot run `{program}`: {error}"),
            hint: hint.map(str::to_owned),
            permanent: hint.is_some(),
        }
    }
}

impl Responder for Command {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// Looks whether the program is there and may be run.
    fn prepare(&mut self, scopes: &[Scope]) -> Result<(), RespondError> {
        find(&self.program).map_err(|error| self.not_started(&error))?;
        self.scopes = scopes.iter().map(|scope| (Arc::clone(&scope.jail), scope.clone())).collect();
        Ok(())
    }

    fn current(&mut self, _now: Timestamp) -> Result<Option<Vec<Standing>>, RespondError> {
        Ok(None)
    }

    fn apply(&mut self, plan: &Plan, now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let ban = |s: &Standing| What::Ban { until: s.until };
        let bans = plan.add.iter().map(|s| Act { jail: &s.jail, key: &s.key, what: ban(s) });
        let unbans = plan.remove.iter().map(|(jail, key)| Act { jail, key, what: What::Unban });
        self.one_by_one(bans.chain(unbans), now)
    }

    fn takes(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Ban { .. } | Verdict::Unban | Verdict::Notify)
    }

    fn tell(&mut self, notices: &[Notice], now: Timestamp) -> Result<Vec<Outcome>, RespondError> {
        let mine = |notice: &&Notice| notice.decision.verdict == Verdict::Notify;
        let mut outcomes = self.one_by_one(notices.iter().filter(mine).map(Act::notify), now)?.into_iter();
        let one = |notice: &Notice| match mine(&notice) {
            true => outcomes.next().unwrap_or_else(Notice::refused),
            false => Notice::refused(),
        };
        Ok(notices.iter().map(one).collect())
    }

    /// Runs the program with `unban` for every ban that this responder made.
    fn flush(&mut self) -> Result<(), RespondError> {
        let plan = Plan { add: Vec::new(), remove: self.bans.iter().cloned().collect() };
        let outcomes = self.apply(&plan, Timestamp::MIN)?;
        let failed = outcomes.iter().filter(|outcome| **outcome != Outcome::Done).count();
        match outcomes.into_iter().find(|outcome| *outcome != Outcome::Done) {
            Some(Outcome::Failed { error } | Outcome::Refused { reason: error }) => Err(RespondError {
                message: format!("cannot lift {failed} of the bans: {error}"),
                hint: None,
                permanent: false,
            }),
            _ => Ok(()),
        }
    }
}

/// One thing that the program is to do.
struct Act<'a> {
    jail: &'a Arc<str>,
    key: &'a Key,
    what: What<'a>,
}

impl<'a> Act<'a> {
    fn notify(notice: &'a Notice) -> Self {
        Self { jail: &notice.decision.jail, key: &notice.decision.key, what: What::Notify(notice) }
    }
}

/// What it is to do.
#[derive(Clone, Copy)]
enum What<'a> {
    Ban { until: Timestamp },
    Unban,
    Notify(&'a Notice),
}

impl What<'_> {
    fn word(self) -> &'static str {
        match self {
            Self::Ban { .. } => "ban",
            Self::Unban => "unban",
            Self::Notify(_) => "notify",
        }
    }
}

/// Why it was not done.
enum Failure {
    /// It can never be done.
    Impossible(String),
    /// The program could not be started.
    Start(RespondError),
    /// It ran and failed.
    Run(String),
    /// It ran too long.
    Timeout(String),
}

/// Whole seconds, rounded up: a ban is rather a little longer than a little shorter.
fn seconds_up(millis: i64) -> i64 {
    millis.div_euclid(1_000).saturating_add(i64::from(millis.rem_euclid(1_000) != 0))
}

/// Finds a program as `execvp` would: by its path, or in the directories of `PATH`.
fn find(program: &OsStr) -> std::io::Result<PathBuf> {
    let runnable = |path: &Path| access(path, Access::EXEC_OK).map_err(std::io::Error::from);
    if program.as_encoded_bytes().contains(&b'/') {
        return runnable(Path::new(program)).map(|()| program.into());
    }
    let directories = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut candidates = std::env::split_paths(&directories).map(|directory| directory.join(program));
    candidates.find(|path| runnable(path).is_ok()).ok_or_else(|| ErrorKind::NotFound.into())
}
