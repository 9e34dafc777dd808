//! Tasks of those who work on Stockade: `cargo xtask TASK`.
#![forbid(unsafe_code)]

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{eprintln, println};
use clap::{Parser, Subcommand};
use xtask::{Error, coldstart, package, pages, root, stale, templates};

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
    /// Writes what in the templates of deploy/aws follows from the rules and the playbooks.
    Templates(Generated),
    /// Writes the book's pages of the playbooks.
    Pages(Generated),
    /// Starts the packaged program again and again: time and memory until it asks for its first event.
    Coldstart(Coldstart),
}

#[derive(Parser)]
struct Generated {
    /// Write nothing, and fail if something would have to be written.
    #[arg(long)]
    check: bool,
}

#[derive(Parser)]
struct Coldstart {
    /// The program. A configuration beside it, in `stockade/`, is read.
    #[arg(value_name = "BOOTSTRAP")]
    bootstrap: PathBuf,
    /// The function that it is started as.
    #[arg(long, default_value = "cloudwatch_filter_and_jail")]
    handler: String,
    /// What a template would set.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// A Python with boto3, to start beside it.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// How many starts of each.
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Print every start as JSON.
    #[arg(long)]
    json: bool,
}

fn variable(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
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
        Task::Templates(what) => templates::stale(&root()).and_then(|stale| stale::write(&stale, what.check)),
        Task::Pages(what) => pages::stale(&root()).and_then(|stale| stale::write(&stale, what.check)),
        Task::Coldstart(what) => cold_starts(&what),
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

fn cold_starts(what: &Coldstart) -> Result<(), Error> {
    let bootstrap = std::path::absolute(&what.bootstrap).unwrap_or_else(|_| what.bootstrap.clone());
    let mut all = vec![coldstart::program(&bootstrap, &what.handler, &what.variables, what.starts)?];
    if let Some(python) = &what.python {
        all.push(coldstart::python(python, what.starts)?);
    }
    if what.json {
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(());
    }
    println!("| {} starts of | init ms: min | median | max | peak MB: min | median | max |", what.starts);
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for series in all {
        let [least, middle, most] = coldstart::spread(&series.init_ms);
        let [low, usual, high] = coldstart::spread(&series.memory_mb);
        println!(
            "| {} | {least:.1} | {middle:.1} | {most:.1} | {low:.1} | {usual:.1} | {high:.1} |",
            series.what
        );
    }
    Ok(())
}
