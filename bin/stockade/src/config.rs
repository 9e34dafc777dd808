//! The configuration as the command line wants it: which directory, which jails, and what is different today.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use stockade_config::{
    Config, JailConfig, Paths, Problems, ReadRules, Rules, SHIPPED, SHIPPED_RULES, Severity, env_vars,
};
use stockade_core::{Feed, Jail};
use stockade_filter::conf::{ConfFiles, Directory, Layered};
use stockade_filter::date::Zone;
use stockade_runtime::Lookups;

use crate::cli::Global;
use crate::exit::{self, Failure};

/// Reads an environment variable. All that are read stand in [`stockade_config::env_vars`].
pub(crate) fn environment(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Where the configuration is.
pub(crate) fn paths(global: &Global) -> Paths {
    Paths { directory: global.config.clone(), ..Paths::default() }
}

/// The directory of the configuration, whether it is there or not.
pub(crate) fn directory(global: &Global) -> PathBuf {
    let from_env = || environment(env_vars::CONFIG).filter(|d| !d.is_empty()).map(PathBuf::from);
    global.config.clone().or_else(from_env).unwrap_or_else(|| PathBuf::from(Paths::DEFAULT_DIRECTORY))
}

/// Whether a configuration directory is whole, as fail2ban's is: it has a `jail.conf` of its own.
pub(crate) fn is_whole(directory: &Path) -> bool {
    directory.join("jail.conf").is_file()
}

/// The files of a configuration directory, over those built in unless it is whole.
pub(crate) fn files(directory: &Path) -> Box<dyn ConfFiles> {
    let upper = Directory(directory.to_owned());
    if is_whole(directory) { Box::new(upper) } else { Box::new(Layered { upper, lower: SHIPPED }) }
}

/// The configuration.
pub(crate) fn load(global: &Global) -> Result<Config, Failure> {
    stockade_config::load(&paths(global), &environment).map_err(|problems| refused(&problems))
}

/// The configuration as the daemon uses it: with the rules of events where it reads events.
pub(crate) fn load_whole(global: &Global) -> Result<Config, Problems> {
    stockade_config::load_with(&paths(global), &environment, ReadRules::IfEvents)
}

/// The control socket of the daemon. A broken configuration does not keep anybody from talking to it.
pub(crate) fn socket(global: &Global) -> PathBuf {
    if let Some(path) = &global.socket {
        return path.clone();
    }
    let settings = SettingsAlone(Directory(directory(global)));
    match stockade_config::load_files(&settings, "", &environment) {
        Ok(config) => config.program.socket,
        Err(_) => stockade_config::Program::default().socket,
    }
}

/// The settings of `stockade.toml` alone. A broken jail does not matter to whoever needs none.
pub(crate) fn settings(global: &Global) -> Result<stockade_config::Program, Failure> {
    let files = SettingsAlone(Directory(directory(global)));
    let config =
        stockade_config::load_files(&files, "", &environment).map_err(|problems| refused(&problems))?;
    Ok(config.program)
}

/// The rules of events. Nothing wrong with a jail matters.
pub(crate) fn rules(global: &Global) -> Result<Rules, Failure> {
    let files = Directory(rules_directory(global)?);
    let config = stockade_config::load_files(&SettingsAlone(files.clone()), "", &environment)
        .map_err(|problems| refused(&problems))?;
    Ok(stockade_config::load_rules(&files, &config.program.rules))
}

/// The file of a rule, or what is built in; `None` if there is neither.
pub(crate) fn rule_text(global: &Global, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let possible = !name.starts_with('.') && !name.contains(['/', '\\']);
    let files = Layered { upper: Directory(rules_directory(global)?), lower: SHIPPED_RULES };
    let path = format!("rule.d/{name}.toml");
    let failed = |error| Failure::usage(format_args!("cannot read `{}`: {error}", files.display(&path)));
    if possible { files.read(&path).map_err(failed) } else { Ok(None) }
}

/// The directory of the configuration; one that was typed must be there.
fn rules_directory(global: &Global) -> Result<PathBuf, Failure> {
    match &global.config {
        Some(typed) if !typed.is_dir() => {
            let shown = typed.display();
            Err(Failure::usage(format_args!("cannot read the configuration: `{shown}`: no such directory")))
        }
        _ => Ok(directory(global)),
    }
}

/// A configuration directory of which only `stockade.toml` is seen, so that nothing wrong with a jail matters.
#[derive(Debug)]
struct SettingsAlone(Directory);

impl ConfFiles for SettingsAlone {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if path == "stockade.toml" { self.0.read(path) } else { Ok(None) }
    }

    fn list(&self, _dir: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn display(&self, path: &str) -> String {
        self.0.display(path)
    }
}

/// Which jails to use, and with which filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'s> {
    /// Their names; `all` for every enabled one.
    pub(crate) jails: &'s [String],
    /// What stands in place of the filter of the first one.
    pub(crate) filter: Option<&'s str>,
    /// The jails where neither is given.
    pub(crate) default: Default,
}

/// The jails to use where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Default {
    /// `sshd`.
    Ssh,
    /// Every enabled one.
    Enabled,
}

const ALL: &str = "all";

/// The selected jails, enabled or not, in the order in which they were named.
pub(crate) fn select(global: &Global, selection: Selection<'_>) -> Result<Vec<JailConfig>, Failure> {
    let config = load(global)?;
    let mut names: Vec<&str> = selection.jails.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.push(match (selection.filter, selection.default) {
            (Some(filter), _) => filter.split('[').next().unwrap_or(filter).trim(),
            (None, Default::Ssh) => "sshd",
            (None, Default::Enabled) => ALL,
        });
    }
    if let Some(at) = names.iter().position(|name| *name == ALL) {
        names.splice(at..=at, config.jails.iter().map(|jail| &*jail.jail.name));
    }
    let mut unique: Vec<&str> = Vec::with_capacity(names.len());
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    if unique.is_empty() {
        return Err(Failure::usage("no jail is enabled").hint(Some("name one: `--jail sshd`")));
    }
    let only_enabled = selection.filter.is_none() && unique.iter().all(|name| config.jail(name).is_some());
    let config =
        if only_enabled { config.clone() } else { with_overlay(global, &config, &unique, selection.filter)? };
    for problem in config.problems.iter().filter(|_| global.verbose > 0) {
        exit::note(&problem.to_string(), problem.hint().as_deref());
    }
    let found =
        unique.iter().map(|name| config.jail(name).cloned().ok_or_else(|| broken(name, &config.problems)));
    found.collect()
}

/// The configuration with some jails enabled, and another filter for the first of them.
fn with_overlay(
    global: &Global,
    config: &Config,
    names: &[&str],
    filter: Option<&str>,
) -> Result<Config, Failure> {
    if filter.is_some_and(|filter| filter.trim().is_empty() || filter.contains(char::is_control)) {
        return Err(Failure::usage(
            "not a filter: expected a name, perhaps with parameters, as in `sshd[mode=ddos]`",
        ));
    }
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        let known =
            config.jail(name).is_some() || config.disabled.iter().chain(&config.broken).any(|k| k == name);
        let mine = filter.filter(|_| at == 0);
        let possible =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if !possible || (!known && mine.is_none()) {
            return Err(unknown(name, config));
        }
        text += &format!("[{name}]\nenabled = true\n");
        if let Some(filter) = mine {
            text += &format!("filter = {filter}\n");
        }
        if !known {
            // It has to read something; what it reads is on the command line.
            text += "backend = files\nlogpath = /dev/null\n";
        }
    }
    load_over(global, text, ReadRules::No).map_err(|problems| refused(&problems))
}

/// The configuration with every jail enabled.
pub(crate) fn load_all(global: &Global) -> Result<Config, Problems> {
    let config = stockade_config::load(&paths(global), &environment)?;
    let enabled = config.jails.iter().map(|jail| &*jail.jail.name);
    let names = enabled.chain(config.broken.iter().chain(&config.disabled).map(String::as_str));
    let text = names.map(|name| format!("[{name}]\nenabled = true\n")).collect();
    load_over(global, text, ReadRules::IfEvents)
}

/// The configuration with some more jails enabled.
#[cfg(feature = "aws")]
pub(crate) fn load_enabling(global: &Global, names: &[String]) -> Result<Config, Problems> {
    let text = names.iter().map(|name| format!("[{name}]\nenabled = true\n")).collect();
    load_over(global, text, ReadRules::No)
}

/// The configuration with one more jail file over all others.
fn load_over(global: &Global, text: String, rules: ReadRules) -> Result<Config, Problems> {
    let files = Layered { upper: Overlay(text), lower: Directory(directory(global)) };
    let services = fs::read_to_string(Paths::default().services).unwrap_or_default();
    stockade_config::load_files_with(&files, &services, &environment, rules)
}

/// One more file of jails, read after all others.
#[derive(Debug)]
struct Overlay(String);

const OVERLAY_FOLDER: &str = "jail.d";
/// `~` comes after every letter and digit.
const OVERLAY_FILE: &str = "~~command-line.local";

impl Overlay {
    fn is_at(path: &str) -> bool {
        path.strip_prefix(OVERLAY_FOLDER).and_then(|rest| rest.strip_prefix('/')) == Some(OVERLAY_FILE)
    }
}

impl ConfFiles for Overlay {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(Self::is_at(path).then(|| self.0.clone().into_bytes()))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        Ok(if dir == OVERLAY_FOLDER { vec![OVERLAY_FILE.to_owned()] } else { Vec::new() })
    }

    fn display(&self, path: &str) -> String {
        if Self::is_at(path) { "(command line)".to_owned() } else { path.to_owned() }
    }
}

/// The jail with everything it ignores that can be known here. Host names in `ignoreip` are not looked up.
pub(crate) fn with_ignored(jail: &JailConfig) -> Jail {
    let mut ready = jail.jail.clone();
    let lookups = Lookups { own: jail.ignore_self, hosts: Vec::new(), files: jail.ignore_files.clone() };
    for key in lookups.resolve(|problem| exit::note(&problem, None)) {
        ready.ignore.insert(key);
    }
    ready
}

/// The zone of a jail's dates: the one that was typed, the configured one, or the machine's.
pub(crate) fn zone(typed: Option<&str>, jail: Option<&JailConfig>) -> Result<Zone, Failure> {
    match typed.or_else(|| jail.and_then(|jail| jail.zone.as_deref())) {
        Some(text) => Zone::parse(text).map_err(|error| Failure::usage(&error).hint(error.hint())),
        None => Ok(Zone::system()),
    }
}

/// Whether a jail counts bans, not matches.
pub(crate) fn counts_bans(jail: &JailConfig) -> bool {
    jail.jail.feed == Feed::Bans
}

/// A configuration that cannot be used: everything that is wrong with it.
pub(crate) fn refused(problems: &Problems) -> Failure {
    print_errors(problems);
    Failure::usage("cannot use the configuration")
        .hint(Some("`stockade check` shows every problem, and warnings too"))
}

/// Prints every error of a configuration.
pub(crate) fn print_errors(problems: &Problems) {
    print(problems.iter());
}

fn broken(name: &str, problems: &Problems) -> Failure {
    print(problems.iter().filter(|problem| problem.section.as_deref() == Some(name)));
    Failure::usage(format_args!("cannot use jail `{name}`")).hint(None::<&str>)
}

fn print<'p>(problems: impl Iterator<Item = &'p stockade_config::Problem>) {
    for problem in problems.filter(|problem| problem.severity == Severity::Error) {
        exit::complain(&problem.to_string(), problem.hint().as_deref());
    }
}

fn unknown(name: &str, config: &Config) -> Failure {
    let mut known: Vec<&str> = config.jails.iter().map(|jail| &*jail.jail.name).collect();
    known.extend(config.disabled.iter().chain(&config.broken).map(String::as_str));
    known.sort_unstable();
    Failure::usage(format_args!("no such jail: `{name}`"))
        .hint(Some(format_args!("there are: {}", known.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_is_one_file_that_comes_last() {
        let overlay = Overlay("[x]\n".into());
        assert_eq!(overlay.list("jail.d").unwrap(), [OVERLAY_FILE]);
        assert!(overlay.list("filter.d").unwrap().is_empty());
        assert!("zz-site.local" < OVERLAY_FILE);
        assert_eq!(overlay.read("jail.d/~~command-line.local").unwrap().unwrap(), b"[x]\n");
        assert_eq!(overlay.read("jail.local").unwrap(), None);
        assert_eq!(overlay.display("jail.d/~~command-line.local"), "(command line)");
    }
}
