//! From a directory and the environment to the configuration.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use stockade_filter::conf::{ConfFiles, Directory, Layered, Reader, Which};

use crate::config::Config;
use crate::env_vars;
use crate::jail::{self, Context, Services};
use crate::limits::{MAX_FILE_BYTES, MAX_SERVICES_BYTES};
use crate::origin::Origin;
use crate::problem::{Problem, ProblemKind};
use crate::problems::Problems;
use crate::program;
use crate::rules;
use crate::shipped::SHIPPED;

/// Where the configuration is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The directory of `stockade.toml`, `jail.local`, `jail.d` and `filter.d`, which has to be there. If `None`, the
    /// one that `STOCKADE_CONFIG` names, which has to be there too; else [`Paths::DEFAULT_DIRECTORY`], which need not.
    pub directory: Option<PathBuf>,
    /// The names of ports. It need not be there.
    pub services: PathBuf,
}

impl Paths {
    /// Where the configuration is if nothing says otherwise.
    pub const DEFAULT_DIRECTORY: &'static str = "/etc/stockade";
}

impl Default for Paths {
    fn default() -> Self {
        Self { directory: None, services: "/etc/services".into() }
    }
}

/// Whether the rules of events are read, and their jails put behind the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadRules {
    /// No: whoever reads logs alone need not read them.
    #[default]
    No,
    /// If `[events]` says where events come from.
    IfEvents,
    /// Yes.
    Yes,
}

/// Reads the configuration: the files of a directory over those built in, the variables of [`env_vars`] over them.
///
/// Without any file it is the built-in configuration, which protects the ssh server.
///
/// # Errors
/// All problems, if one of them concerns the program or all jails: an error in `stockade.toml`, in the environment, in
/// the jail files as such or in `[DEFAULT]`, or in every jail that is enabled. An error in one jail is none here, see
/// [`Config::broken`].
pub fn load(paths: &Paths, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Problems> {
    load_with(paths, env, ReadRules::No)
}

/// Like [`load`], with the rules of events.
///
/// # Errors
/// As for [`load`].
pub fn load_with(
    paths: &Paths,
    env: &dyn Fn(&str) -> Option<String>,
    rules: ReadRules,
) -> Result<Config, Problems> {
    let from_env = || env(env_vars::CONFIG).filter(|directory| !directory.is_empty()).map(PathBuf::from);
    let directory = match paths.directory.clone().or_else(from_env) {
        Some(directory) => {
            check_directory(&directory)?;
            directory
        }
        None => Paths::DEFAULT_DIRECTORY.into(),
    };
    let services = read_services(&paths.services).unwrap_or_default();
    load_files_with(&Directory(directory), &services, env, rules)
}

/// Like [`load`] from any tree of files. `services` is the text of a file like `/etc/services`.
///
/// # Errors
/// As for [`load`].
pub fn load_files(
    files: &dyn ConfFiles,
    services: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Problems> {
    load_files_with(files, services, env, ReadRules::No)
}

/// Like [`load_files`], with the rules of events.
///
/// # Errors
/// As for [`load`].
pub fn load_files_with(
    files: &dyn ConfFiles,
    services: &str,
    env: &dyn Fn(&str) -> Option<String>,
    rules: ReadRules,
) -> Result<Config, Problems> {
    let mut problems = Problems::default();
    let text = settings_text(files, &mut problems);
    let name = files.display(program::FILE);
    let settings = program::read(text.as_deref().map(|text| (name.as_str(), text)), env, &mut problems);

    let layered = Layered { upper: files, lower: SHIPPED };
    let reader = Reader::new(&layered);
    let action_files = reader.action_names();
    let in_actions = files.list(ACTIONS).unwrap_or_default();
    let context = Context {
        program: &settings.program,
        declared: &settings.declared,
        reader: &reader,
        action_files: &action_files,
        changed_actions: in_actions.iter().any(|name| jail::is_overlay(name)),
        fail2ban: is_fail2ban(files, &in_actions),
        services: &Services::parse(services),
    };
    let mut config = Config {
        program: settings.program.clone(),
        jails: Vec::new(),
        disabled: Vec::new(),
        broken: Vec::new(),
        problems: Problems::default(),
        files: text.iter().map(|_| name.clone()).collect(),
        rows: settings.rows,
    };
    read_jails(&layered, &context, &mut config, &mut problems);
    let events = !config.program.events.queue.is_empty();
    if rules == ReadRules::Yes || rules == ReadRules::IfEvents && events {
        rules::append(&layered, &context, &mut config);
    }
    if config.jails.is_empty() && config.broken.is_empty() {
        config.problems.push(Problem::warning(ProblemKind::NothingEnabled, Origin::Default));
    }
    let fatal = problems.has_errors() || config.jails.is_empty() && !config.broken.is_empty();
    problems.append(std::mem::take(&mut config.problems));
    if fatal {
        if config.jails.is_empty() && !config.broken.is_empty() {
            problems.push(Problem::error(ProblemKind::NothingUsable, Origin::Default));
        }
        return Err(problems);
    }
    config.problems = problems;
    Ok(config)
}

/// Reads the jails. What is wrong with one of them goes to the configuration, what concerns all of them to `problems`.
fn read_jails(files: &dyn ConfFiles, context: &Context<'_>, config: &mut Config, problems: &mut Problems) {
    let files = WithoutActions(files);
    let file = Reader::new(&files).jails(Which::Enabled);
    let translated = |problem| jail::translated(problem, context.fail2ban);
    file.problems.iter().filter_map(translated).for_each(|problem| problems.push(problem));
    problems.count_dropped(file.problems.dropped(), file.problems.has_errors());
    config.files.extend(file.files.iter().cloned());
    for jail in &file.jails {
        if !jail.enabled {
            config.disabled.push(jail.name.clone());
            // A slip may be why it is off.
            let found = jail.problems.iter().filter_map(translated).chain(jail::bad_enabled(jail));
            found.for_each(|problem| config.problems.push(problem));
            continue;
        }
        let (read, found) = jail::read(jail, context);
        config.problems.append(found);
        config.rows.extend(jail::rows(jail));
        match read {
            Some(jail) => config.jails.push(jail),
            None => config.broken.push(jail.name.clone()),
        }
    }
    let names: Vec<String> = file.jails.iter().map(|jail| jail.name.clone()).collect();
    jail::look_otherwise(&files, &mut config.jails, &names);
}

/// Whether a directory is fail2ban's: with jails of its own in place of ours, and something else that only fail2ban has.
fn is_fail2ban(files: &dyn ConfFiles, in_actions: &[String]) -> bool {
    let there = |path: &str| matches!(files.read(path), Ok(Some(_)));
    there("jail.conf") && (!in_actions.is_empty() || there("fail2ban.conf") || there("paths-common.conf"))
}

/// Jail files whose actions are not looked up at once: most of them are responders.
#[derive(Debug)]
struct WithoutActions<'f>(&'f dyn ConfFiles);

const ACTIONS: &str = "action.d";

impl ConfFiles for WithoutActions<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if path.starts_with(ACTIONS) { Ok(None) } else { self.0.read(path) }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        if dir.starts_with(ACTIONS) { Ok(Vec::new()) } else { self.0.list(dir) }
    }

    fn display(&self, path: &str) -> String {
        self.0.display(path)
    }
}

/// The text of `stockade.toml`, if it is there and is text.
fn settings_text(files: &dyn ConfFiles, problems: &mut Problems) -> Option<String> {
    let mut failed = |error: String| {
        let origin = Origin::file(files.display(program::FILE));
        problems.push(Problem::error(ProblemKind::Unreadable { error }, origin));
        None
    };
    match files.read(program::FILE) {
        Ok(None) => None,
        Ok(Some(bytes)) if bytes.len() > MAX_FILE_BYTES => {
            failed(format!("it is longer than {MAX_FILE_BYTES} bytes"))
        }
        Ok(Some(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => failed(format!("it is not UTF-8, at byte {}", error.utf8_error().valid_up_to())),
        },
        Err(error) => failed(error.to_string()),
    }
}

fn check_directory(directory: &Path) -> Result<(), Problems> {
    let error = match fs::metadata(directory) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "not a directory".to_owned(),
        Err(error) => error.to_string(),
    };
    let mut problems = Problems::default();
    let origin = Origin::file(directory.display().to_string());
    problems.push(Problem::error(ProblemKind::NoDirectory { error }, origin));
    Err(problems)
}

fn read_services(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SERVICES_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
