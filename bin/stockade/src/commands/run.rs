//! `stockade run`: the daemon.

use std::io::IsTerminal;

use stockade_runtime::daemon::{self, DaemonError, RunOptions};
use tracing_subscriber::EnvFilter;

use crate::cli::{Global, RunArgs};
use crate::config;
use crate::exit::{Exit, Failure, Outcome};

pub(crate) fn run(global: &Global, args: &RunArgs) -> Outcome {
    start_log(global);
    let options = RunOptions {
        dry_run: args.dry_run,
        stdin: args.stdin,
        flush: args.flush,
        store: args.store.clone(),
        socket: global.socket.clone(),
        ..RunOptions::default()
    };
    let load = || config::load_whole(global);
    daemon::run(&load, &options).map_err(|error| {
        if let DaemonError::Config(problems) = &error {
            config::print_errors(problems);
        }
        let exit = match error {
            DaemonError::Config(_) | DaemonError::NoJail => Exit::Usage,
            _ => Exit::Failed,
        };
        Failure::new(exit, &error).hint(error.hint())
    })?;
    Ok(Exit::Done)
}

/// The daemon's log goes to standard error: as lines for people, with `--json` as one object a line.
pub(super) fn start_log(global: &Global) {
    let level = match global.verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_target(global.verbose > 0);
    // Under systemd every line gets its time from the journal.
    let timed = std::env::var_os("JOURNAL_STREAM").is_none();
    let colour = match global.color {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => std::io::stderr().is_terminal(),
    };
    match (global.json, timed) {
        (true, _) => log.json().init(),
        (false, true) => log.with_ansi(colour).init(),
        (false, false) => log.with_ansi(colour).without_time().init(),
    }
}
