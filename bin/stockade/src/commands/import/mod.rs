//! `stockade import`: the bans of fail2ban's database.

mod show;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

use stockade_core::Timestamp;
use stockade_core::ports::{Clock as _, StoreError, StoreErrorKind};
use stockade_runtime::control::{Client, ClientError, Fate, ForeignBan, Request, Response};
use stockade_runtime::daemon::SystemClock;
use stockade_runtime::import::{Fail2banRecords, into_store};

use crate::cli::{Global, ImportArgs};
use crate::config;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::output;

/// How many bans are sent to the daemon at once: a request must not grow too long.
const AT_ONCE: usize = 2000;

/// What came of an import.
struct Import<'i> {
    args: &'i ImportArgs,
    records: &'i Fail2banRecords,
    /// Who took the bans over: the daemon, or the store.
    by_daemon: bool,
    /// Each with fail2ban's jail and what became of it.
    bans: Vec<(&'i str, ForeignBan, Fate)>,
    /// How many bans there are in fail2ban's jails that we have not.
    elsewhere: BTreeMap<&'i str, u64>,
}

pub(super) fn run(global: &Global, args: &ImportArgs) -> Outcome {
    let now = SystemClock.now();
    let records = Fail2banRecords::read(&args.file, now).map_err(store_failure)?;
    let mut daemon = daemon(global, args)?;
    let known: Vec<Arc<str>> = match &mut daemon {
        Some(daemon) => match ask(daemon, &Request::Jails)? {
            Response::Jails { jails } => jails.into_iter().map(|jail| jail.name).collect(),
            other => return Err(unexpected(&other)),
        },
        None => config::load(global)?.jails.iter().map(|jail| jail.jail.name.clone()).collect(),
    };
    let (mine, elsewhere) = sorted(args, &records, &known)?;
    let (froms, bans): (Vec<&str>, Vec<ForeignBan>) = mine.into_iter().unzip();
    let fates = match &mut daemon {
        Some(daemon) => tell(daemon, &bans, args.dry_run)?,
        None => store(global, args, &bans, now)?,
    };
    let bans = froms.into_iter().zip(bans).zip(fates).map(|((from, ban), fate)| (from, ban, fate)).collect();
    let import = Import { args, records: &records, by_daemon: daemon.is_some(), bans, elsewhere };
    if global.json {
        output::json::print(&show::json(&import))?;
    } else {
        show::table(&import)?;
    }
    let left = import.bans.iter().any(|(.., fate)| matches!(fate, Fate::Left { .. }));
    let partial = left || records.skipped > 0 || !import.elsewhere.is_empty();
    Ok(if partial { Exit::Partial } else { Exit::Done })
}

/// The bans of jails that we have, and how many there are in which others.
type Sorted<'r> = (Vec<(&'r str, ForeignBan)>, BTreeMap<&'r str, u64>);

fn sorted<'r>(
    args: &ImportArgs,
    records: &'r Fail2banRecords,
    known: &[Arc<str>],
) -> Result<Sorted<'r>, Failure> {
    for (old, new) in &args.jail {
        if !known.iter().any(|name| **name == **new) {
            let names: Vec<&str> = known.iter().map(|name| &**name).collect();
            return Err(Failure::usage(format_args!("no such jail: `{new}`"))
                .hint(Some(format_args!("the enabled jails are: {}", names.join(", ")))));
        }
        if !records.bans.iter().any(|ban| ban.jail == *old) {
            exit::note(&format!("`{}` has no bans of a jail `{old}`", args.file.display()), None);
        }
    }
    let (mut mine, mut elsewhere) = (Vec::new(), BTreeMap::new());
    for ban in &records.bans {
        let renamed = args.jail.iter().find(|(old, _)| *old == ban.jail).map(|(_, new)| new);
        let wanted = renamed.unwrap_or(&ban.jail);
        match known.iter().find(|name| ***name == **wanted) {
            Some(jail) => {
                let (jail, key) = (jail.clone(), ban.key.clone());
                let taken =
                    ForeignBan { jail, key, since: ban.since, seconds: ban.seconds, times: ban.times };
                mine.push((ban.jail.as_str(), taken));
            }
            None => *elsewhere.entry(ban.jail.as_str()).or_default() += 1,
        }
    }
    Ok((mine, elsewhere))
}

/// The daemon, if one runs and its store is meant.
fn daemon(global: &Global, args: &ImportArgs) -> Result<Option<Client>, Failure> {
    if args.store.is_some() {
        return Ok(None);
    }
    match Client::connect(&config::socket(global)) {
        Ok(daemon) => Ok(Some(daemon)),
        Err(ClientError::Unreachable { error, .. })
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(Failure::new(Exit::Failed, &error).hint(error.hint())),
    }
}

fn tell(daemon: &mut Client, bans: &[ForeignBan], dry_run: bool) -> Result<Vec<Fate>, Failure> {
    let mut fates = Vec::with_capacity(bans.len());
    for some in bans.chunks(AT_ONCE) {
        match ask(daemon, &Request::Import { bans: some.to_vec(), dry_run })? {
            Response::Imported { fates: more } if more.len() == some.len() => fates.extend(more),
            other => return Err(unexpected(&other)),
        }
    }
    Ok(fates)
}

fn store(
    global: &Global,
    args: &ImportArgs,
    bans: &[ForeignBan],
    now: Timestamp,
) -> Result<Vec<Fate>, Failure> {
    let config = config::load(global)?;
    let warn = |warning: String| exit::note(&warning, None);
    into_store(&config, args.store.as_ref(), bans, args.dry_run, now, warn).map_err(|error| {
        match error.kind {
            StoreErrorKind::Busy => Failure::new(Exit::Failed, &error.message).hint(Some(
                "a daemon runs with this database: leave `--store` out and it takes the bans over",
            )),
            _ => store_failure(error),
        }
    })
}

fn ask(daemon: &mut Client, request: &Request) -> Result<Response, Failure> {
    match daemon.ask(request) {
        Ok(Response::Error { message, hint }) => Err(Failure::new(Exit::Failed, message).hint(hint)),
        Ok(response) => Ok(response),
        Err(error) => Err(Failure::new(Exit::Failed, &error).hint(error.hint())),
    }
}

fn store_failure(error: StoreError) -> Failure {
    Failure::new(Exit::Failed, &error.message).hint(error.hint)
}

fn unexpected(response: &Response) -> Failure {
    Failure::new(Exit::Failed, format_args!("the daemon answered something else: {response:?}"))
        .hint(Some("is it of the same version? restart it after an upgrade"))
}
