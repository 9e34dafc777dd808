//! The reader: from configuration files to jails, filters and actions.

use std::fmt;
use std::sync::Arc;

use super::action::{self, ActionDef};
use super::document::Document;
use super::files::{ConfFiles, resolve};
use super::filter::{FilterDef, FilterReader};
use super::include::{INCLUDES, Loader};
use super::jail::{JailFile, Which};
use super::jail_reader::JailReader;
use super::keys::nearest;
use super::limits::{Budget, MAX_JAILS, MAX_TOTAL_WORK, MAX_WORK};
use super::main_file::{self, MainOptions};
use super::origin::{Origin, Value};
use super::parse::Options;
use super::problem::{Problem, ProblemKind, cut};
use super::problems::{Problems, Read};
use super::unused;
use super::value::split_params;

/// The version of fail2ban that this reader follows, for `%(fail2ban_version)s`.
pub const FAIL2BAN_VERSION: &str = "1.1.0";

/// Reads a tree of configuration files. Every file is read once in the life of a reader: make a new one to see changes.
pub struct Reader<'f> {
    loader: Loader<'f>,
    version: String,
}

impl<'f> Reader<'f> {
    /// A reader of `files`.
    pub fn new(files: &'f dyn ConfFiles) -> Self {
        Self { loader: Loader::new(files), version: FAIL2BAN_VERSION.to_owned() }
    }

    /// What `%(fail2ban_version)s` stands for in jails.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The files it reads.
    pub fn files(&self) -> &'f dyn ConfFiles {
        self.loader.files()
    }

    /// All jails, each with its filter and actions. A jail that cannot be read does not stop the others.
    pub fn jails(&self, which: Which) -> JailFile {
        let mut result = JailFile::default();
        let Some(document) = self.loader.set("jail") else {
            result.problems.push(self.no_such_file("jail file", "jail", "jail", None));
            return result;
        };
        let document = self.with_builtins(&document);
        result.defaults.clone_from(&document.defaults);
        result.files = document.files.iter().map(ToString::to_string).collect();
        let names = || document.section_names().filter(|name| *name != INCLUDES);
        let unknown = unused::in_jails(&document);
        let mut total = MAX_TOTAL_WORK;
        for name in names().take(MAX_JAILS) {
            let mut budget = Budget::new(MAX_WORK.min(total));
            let mut jail = JailReader::new(self, &document, name, &mut budget).read(which == Which::All);
            total = total.saturating_sub(budget.spent());
            let own = document.problems.iter().chain(&unknown);
            own.filter(|problem| problem.section.as_deref() == Some(name))
                .for_each(|problem| jail.problems.push(problem.clone()));
            result.jails.push(jail);
        }
        if names().count() > MAX_JAILS {
            result.problems.push(Problem::error(ProblemKind::TooManyJails, None));
        }
        let of_a_jail = |section: &str| names().any(|name| name == section);
        for problem in document.problems.iter().chain(&unknown) {
            if !problem.section.as_deref().is_some_and(of_a_jail) {
                result.problems.push(problem.clone());
            }
        }
        result
    }

    /// A filter outside of any jail. `definition` is `NAME` of `filter.d/NAME.conf`, perhaps with parameters as in
    /// `sshd[mode=aggressive]`. The `backend` it is for decides its `logtype`, see [`FilterDef::params`].
    pub fn filter(&self, definition: &str, backend: &str) -> Read<FilterDef> {
        self.read_filter(definition, backend, |name, problems| {
            self.definition_files("filter", name, None, problems)
        })
    }

    /// The same with the path of a file as name: that file, what it includes, and the `.local` file beside it.
    pub fn filter_file(&self, definition: &str, backend: &str) -> Read<FilterDef> {
        self.read_filter(definition, backend, |path, problems| {
            let Some(document) = self.loader.load(&[resolve("", path)]) else {
                let tried = vec![self.files().display(path)];
                let kind =
                    ProblemKind::NoSuchFile { what: "filter", name: path.to_owned(), tried, nearest: None };
                problems.push(Problem::error(kind, Some(Origin::given(GIVEN))));
                return None;
            };
            problems.append(&document.problems);
            Some(Arc::new(document))
        })
    }

    /// An action for a jail called `jail`, outside of any configuration of it. `definition` is `NAME` of
    /// `action.d/NAME.conf`, perhaps with parameters. Its options may refer to those in `context`, the jail's
    /// [`settings`](super::Jail::settings), which may be empty.
    pub fn action(&self, definition: &str, jail: &str, context: &Options) -> Read<ActionDef> {
        let mut problems = Problems::default();
        let mut budget = Budget::new(MAX_WORK);
        let value = given(definition, &mut problems).and_then(|(name, params)| {
            let document = self.definition_files("action", &name, None, &mut problems)?;
            action::read(&name, jail, &document, params, context, &mut problems, &mut budget)
        });
        Read { value: value.filter(|_| !problems.has_errors()), problems }
    }

    /// The options of `fail2ban.conf`.
    pub fn main(&self) -> Read<MainOptions> {
        let mut problems = Problems::default();
        let document = self.loader.set("fail2ban");
        let value = document.map(|document| {
            problems.append(&document.problems);
            main_file::read(&document, &mut problems)
        });
        if value.is_none() {
            problems.push(self.no_such_file("main file", "fail2ban", "fail2ban", None));
        }
        Read { value: value.filter(|_| !problems.has_errors()), problems }
    }

    /// The names of all filters, sorted: `filter.d/*.conf`, also those that are only there to be included.
    pub fn filter_names(&self) -> Vec<String> {
        self.names("filter", &mut Problems::default())
    }

    /// The names of all actions, sorted.
    pub fn action_names(&self) -> Vec<String> {
        self.names("action", &mut Problems::default())
    }

    /// The files of a filter or action (`what`), and what is wrong with them.
    pub(crate) fn definition_files(
        &self,
        what: &'static str,
        name: &str,
        origin: Option<&Origin>,
        problems: &mut Problems,
    ) -> Option<Arc<Document>> {
        let base = resolve(&format!("{what}.d"), name);
        let Some(document) = self.loader.set(&base) else {
            problems.push(self.no_such_file(what, name, &base, origin));
            return None;
        };
        problems.append(&document.problems);
        problems.append(document.unused.get_or_init(|| unused::in_definition(&document, what)));
        Some(document)
    }

    fn read_filter(
        &self,
        definition: &str,
        backend: &str,
        find: impl FnOnce(&str, &mut Problems) -> Option<Arc<Document>>,
    ) -> Read<FilterDef> {
        let mut problems = Problems::default();
        let mut budget = Budget::new(MAX_WORK);
        let value = given(definition, &mut problems).and_then(|(name, params)| {
            let document = find(&name, &mut problems)?;
            let backend = Value::given(backend, "backend");
            let mut reader = FilterReader::new(&name, &document, params, &backend);
            reader.finish(&Options::new(), &mut budget, &mut problems)
        });
        Read { value: value.filter(|_| !problems.has_errors()), problems }
    }

    fn with_builtins(&self, document: &Document) -> Document {
        let mut document = document.clone();
        for (name, text) in
            [("fail2ban_version", self.version.clone()), ("fail2ban_confpath", self.files().display(""))]
        {
            document.defaults.insert(name.to_owned(), Value::given(text, "built in"));
        }
        document
    }

    fn no_such_file(&self, what: &'static str, name: &str, base: &str, origin: Option<&Origin>) -> Problem {
        let names = self.names(what, &mut Problems::default());
        let kind = ProblemKind::NoSuchFile {
            what,
            name: cut(name),
            tried: [".conf", ".local"]
                .map(|end| self.files().display(&cut(&format!("{base}{end}"))))
                .to_vec(),
            nearest: nearest(name, names.iter().map(String::as_str)),
        };
        Problem::error(kind, origin.cloned())
    }

    fn names(&self, what: &str, problems: &mut Problems) -> Vec<String> {
        let names = self.loader.list(&format!("{what}.d"), problems);
        let mut names: Vec<_> = names
            .iter()
            .filter_map(|name| name.strip_suffix(".conf").or_else(|| name.strip_suffix(".local")))
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("files", &self.files()).field("version", &self.version).finish()
    }
}

/// The place of what a caller gives.
const GIVEN: &str = "parameter";

/// The name and parameters in a definition from a caller.
fn given(definition: &str, problems: &mut Problems) -> Option<(String, Options)> {
    match split_params(definition) {
        Ok((name, params)) => {
            let params = params.into_iter().map(|(name, text)| (name, Value::given(text, GIVEN)));
            Some((name, params.collect()))
        }
        Err(error) => {
            let kind = ProblemKind::BadParams { text: cut(definition), error };
            problems.push(Problem::error(kind, Some(Origin::given(GIVEN))));
            None
        }
    }
}
