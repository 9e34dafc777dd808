//! The daemon without the command line, for benchmarks and for tests that start and kill it.
//!
//! ```sh
//! cargo run -p stockade-runtime --example daemon -- CONFIG_DIR [STORE [SOCKET]]
//! ```

#![allow(clippy::print_stderr, reason = "a program's errors")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stockade_config::{Paths, StoreConfig};
use stockade_runtime::daemon::{self, DaemonError, RunOptions};

#[allow(dead_code, reason = "tests use `run` alone")]
fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(directory) = args.next() else {
        eprintln!("usage: daemon CONFIG_DIR [STORE [SOCKET]]");
        return ExitCode::from(2);
    };
    let store = args.next().and_then(|store| StoreConfig::from_argument(&store.to_string_lossy()));
    let options = RunOptions { store, socket: args.next(), ..RunOptions::default() };
    run(&directory, &options)
}

/// Runs with the configuration in `directory` until it is told to stop. Says on standard error what it does.
pub fn run(directory: &Path, options: &RunOptions) -> ExitCode {
    let level = std::env::var("STOCKADE_LOG").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let paths = Paths { directory: Some(directory.to_owned()), ..Paths::default() };
    let load = || stockade_config::load_with(&paths, &|_| None, stockade_config::ReadRules::IfEvents);
    let Err(error) = daemon::run(&load, options) else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    if let DaemonError::Config(problems) = &error {
        eprintln!("{problems}");
    }
    if let Some(hint) = error.hint() {
        eprintln!("hint: {hint}");
    }
    ExitCode::FAILURE
}
