//! Tasks of those who work on Stockade: `cargo xtask TASK`.
#![forbid(unsafe_code)]

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{eprintln, println};
use clap::{Parser, Subcommand};
use xtask::{Error, package, root};

/// Tasks of those who work on Stockade.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = false)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Makes packages.
    #[command(subcommand)]
    Package(What),
}

#[derive(Subcommand)]
enum What {
    /// The zips for Lambda, in target/lambda: one with everything, one per function, layers.
    Lambda(Lambda),
}

#[derive(Parser)]
struct Lambda {
    /// Print what was made as JSON.
    #[arg(long)]
    json: bool,
    /// Build a second time, from nothing and in another folder, and fail unless every byte is the same.
    #[arg(long)]
    check: bool,
    /// Pack this program instead of building one. It is not looked into: for tests on this machine.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    bootstrap: Option<PathBuf>,
    /// Where the zips go.
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Package(What::Lambda(lambda)) => package_lambda(&lambda),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    std::path::absolute(&target).unwrap_or(target)
}

fn package_lambda(lambda: &Lambda) -> Result<(), Error> {
    let to = lambda.to.clone().unwrap_or_else(|| root().join("target/lambda"));
    let made = match &lambda.bootstrap {
        Some(bootstrap) => package::pack(bootstrap, &to)?,
        None => package::build_and_pack(&target().join("zigbuild"), &to)?,
    };
    if lambda.check {
        let again = target().join("zigbuild-again");
        let other = package::build_and_pack(&again, &again.join("lambda"))?;
        let names = package::differences(&made, &other);
        if !names.is_empty() {
            return Err(Error::Differs { names: names.join(", ") });
        }
        eprintln!("reproducible: a second build gave the same bytes");
    }
    if lambda.json {
        println!("{}", serde_json::to_string_pretty(&made).unwrap_or_default());
        return Ok(());
    }
    println!("{:<44} {:>10}  {:<64}  FOR", "ZIP", "BYTES", "SHA-256");
    for zip in made {
        println!("{:<44} {:>10}  {}  {}", zip.name, zip.bytes, zip.sha256, zip.what);
    }
    println!("in {}", to.display());
    Ok(())
}
