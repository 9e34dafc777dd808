//! Which zips there are and what each holds.

use std::fs;
use std::path::Path;

use super::Entry;
use crate::Error;
use crate::error::file;

/// What a zip is to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program with all of its configuration: it can be any function.
    Complete,
    /// The program with what one function reads. Those that read no log bring no filters.
    Function {
        /// Whether it reads logs.
        reads_logs: bool,
    },
    /// A layer with the program alone: Lambda starts `/opt/bootstrap` where a function brings none, so a function's
    /// own zip need hold nothing but configuration.
    Program,
    /// A layer with the configuration alone, at `/opt/stockade`: it changes without a new program.
    Configuration,
}

/// A zip.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its path below the folder of packages.
    pub name: &'static str,
    /// What it is to Lambda.
    pub kind: Kind,
    /// What it is for.
    pub what: &'static str,
}

/// Where the configuration lies: below `/var/task` in a function, below `/opt` in a layer.
const FOLDER: &str = "stockade/";

impl Package {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self { name: "stockade-complete.zip", kind: Kind::Complete, what: "every function" },
        Self {
            name: "functions/cloudwatch_filter_and_jail.zip",
            kind: Kind::Function { reads_logs: true },
            what: "logs to bans, one phase",
        },
        Self {
            name: "functions/cloudwatch_filter.zip",
            kind: Kind::Function { reads_logs: true },
            what: "phase 1: logs to matches",
        },
        Self {
            name: "functions/dynamodb_jail.zip",
            kind: Kind::Function { reads_logs: false },
            what: "phase 2: matches to bans",
        },
        Self {
            name: "functions/events.zip",
            kind: Kind::Function { reads_logs: false },
            what: "events to bans, notices, repairs",
        },
        Self {
            name: "functions/expire.zip",
            kind: Kind::Function { reads_logs: false },
            what: "unbans, snapshot, repeats",
        },
        Self { name: "layers/stockade-bootstrap.zip", kind: Kind::Program, what: "layer: the program" },
        Self {
            name: "layers/stockade-configuration.zip",
            kind: Kind::Configuration,
            what: "layer: the configuration",
        },
    ];

    /// What it holds.
    pub fn entries(&self, program: &[u8], configuration: &[Entry]) -> Vec<Entry> {
        let program = || Entry { name: "bootstrap".to_owned(), executable: true, bytes: program.to_vec() };
        let without_filters = |entry: &&Entry| !entry.name.contains("/filter.d/");
        let mut entries: Vec<Entry> = match self.kind {
            Kind::Complete | Kind::Function { reads_logs: true } | Kind::Configuration => {
                configuration.to_vec()
            }
            Kind::Function { reads_logs: false } => {
                configuration.iter().filter(without_filters).cloned().collect()
            }
            Kind::Program => Vec::new(),
        };
        if self.kind != Kind::Configuration {
            entries.push(program());
        }
        entries
    }
}

/// The configuration that goes along: the shipped filters and jails of `conf/`, and over them what `deploy/aws/conf/`
/// says for Lambda. The shipped rules of events are built in; rules of your own go to `deploy/aws/conf/rule.d/`.
///
/// # Errors
/// If a file cannot be read.
pub fn configuration(root: &Path) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for folder in ["conf", "deploy/aws/conf"] {
        collect(&root.join(folder), FOLDER, &mut entries)?;
        if folder == "conf" {
            entries.retain(|entry| !entry.name.contains("/rule.d/"));
        }
    }
    Ok(entries)
}

fn collect(folder: &Path, name: &str, entries: &mut Vec<Entry>) -> Result<(), Error> {
    for item in fs::read_dir(folder).map_err(file("list", folder))? {
        let item = item.map_err(file("list", folder))?;
        let path = item.path();
        let name = format!("{name}{}", item.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), entries)?;
        } else {
            let bytes = fs::read(&path).map_err(file("read", &path))?;
            entries.push(Entry { name, executable: false, bytes });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_holds_what_its_function_reads() {
        let configuration = configuration(&crate::root()).unwrap();
        for package in Package::ALL {
            let entries = package.entries(b"x", &configuration);
            let has = |name: &str| entries.iter().any(|entry| entry.name == name);
            let layer = package.name.starts_with("layers/");
            assert_eq!(has("bootstrap"), package.kind != Kind::Configuration, "{}", package.name);
            assert_eq!(has("stockade/stockade.toml"), package.kind != Kind::Program, "{}", package.name);
            let reads_logs = matches!(package.kind, Kind::Complete | Kind::Function { reads_logs: true });
            let filters = reads_logs || (layer && package.kind == Kind::Configuration);
            assert_eq!(has("stockade/filter.d/sshd.conf"), filters, "{}", package.name);
            assert!(!has("stockade/rule.d/root-use.toml"), "built in: {}", package.name);
        }
    }
}
