//! REGEX: what it means.

use std::path::{Path, PathBuf};

use stockade_filter::conf::value::split_params;
use stockade_filter::conf::{ConfFiles, Directory, FilterDef, Read, Reader, Which};
use stockade_filter::{FilterSpec, UseDns};

use crate::exit::Failure;

/// Where a filter was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the `filter.d` of a configuration, with what it includes and its `.local`.
    Filter {
        /// Its name, without parameters.
        name: String,
        /// The root of the configuration, for people.
        root: String,
    },
    /// A file of its own.
    File(String),
    /// A jail's filter, with what the jail sets.
    Jail(String),
    /// It is a regex itself.
    Regex,
}

/// What REGEX means.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) found: Found,
    /// The parameters that were typed, in their order.
    pub(crate) params: Vec<(String, String)>,
    /// The filter as it was read; `None` for a regex, and for a jail that is known by its spec alone.
    pub(crate) def: Option<FilterDef>,
    /// What is tried.
    pub(crate) spec: FilterSpec,
    /// Why it cannot be tried.
    pub(crate) broken: Option<Failure>,
}

/// A configuration to look filters up in.
pub(crate) struct Library {
    pub(crate) root: PathBuf,
    pub(crate) files: Box<dyn ConfFiles>,
}

const FILTERS: &str = "filter.d";
const ENDINGS: [&str; 2] = [".conf", ".local"];

impl Library {
    /// What was probably meant by a name that no filter has.
    pub(crate) fn hint(&self, name: &str) -> Option<String> {
        let read = Reader::new(&*self.files).filter(name, "auto");
        read.problems.iter().find_map(stockade_filter::conf::Problem::hint)
    }

    /// Whether there is a filter of that name.
    fn has(&self, name: &str) -> bool {
        let there = |end: &str| matches!(self.files.read(&format!("{FILTERS}/{name}{end}")), Ok(Some(_)));
        ENDINGS.into_iter().any(there)
    }
}

impl Asked {
    /// What the filter wants of the journal.
    pub(crate) fn journal_match(&self) -> Option<String> {
        let value = self.def.as_ref()?.options.get("journalmatch")?;
        Some(value.lines().map(|line| line.text).collect::<Vec<_>>().join(" + "))
    }

    /// A regex that was typed.
    pub(crate) fn regex(text: &str) -> Self {
        let spec = FilterSpec {
            name: "(command line)".into(),
            failregex: vec![text.into()],
            maxlines: 1,
            ..FilterSpec::default()
        };
        Self { found: Found::Regex, params: Vec::new(), def: None, spec, broken: None }
    }

    /// The filter of that name in one of the libraries, or in that file; `None` if there is none. `backend` is where the lines
    /// come from.
    pub(crate) fn filter(text: &str, libraries: &[Library], backend: &str) -> Option<Result<Self, Failure>> {
        if !may_be_a_name(text) {
            return None;
        }
        let (name, params) = match split_params(text) {
            Ok(split) => split,
            // Such as `a[0-9]`: a regex, unless there is a filter `a`.
            Err(error) => {
                let name = text.split('[').next().unwrap_or_default();
                let failure = || Failure::usage(format_args!("cannot read `{text}` as a filter: {error}"));
                return libraries.iter().any(|library| library.has(name)).then(|| Err(failure()));
            }
        };
        let brackets = text.get(name.len()..).unwrap_or_default();
        if name.contains('/') {
            return Some(Ok(Self::file(&name, &file(&name)?, brackets, params, backend)));
        }
        let stem = ENDINGS.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        if let Some(library) = libraries.iter().find(|library| library.has(stem)) {
            let read = Reader::new(&*library.files).filter(&format!("{stem}{brackets}"), backend);
            let root = library.root.display().to_string();
            let found = Found::Filter { name: stem.to_owned(), root };
            return Some(Ok(Self::read(found, params, read)));
        }
        // A file here, as in `./my-filter.conf`.
        (stem != name && Path::new(&name).is_file())
            .then(|| Ok(Self::file(&name, Path::new(&name), brackets, params, backend)))
    }

    /// The filter of the jail of that name, enabled or not, as the jail uses it.
    pub(crate) fn jail(name: &str, library: &Library) -> Option<Self> {
        if !may_be_a_name(name) || name.contains(['/', '[']) {
            return None;
        }
        let jails = Reader::new(&*library.files).jails(Which::All);
        let jail = jails.jail(name).filter(|jail| jail.filter.is_some())?;
        let def = jail.matching();
        let spec = FilterSpec { name: name.into(), ..FilterSpec::from_def(&def, UseDns::No) };
        Some(Self {
            found: Found::Jail(name.to_owned()),
            params: Vec::new(),
            def: Some(def),
            spec,
            broken: None,
        })
    }

    fn file(typed: &str, path: &Path, brackets: &str, params: Vec<(String, String)>, backend: &str) -> Self {
        // Within the `filter.d` of a configuration it is the filter of its name.
        let folder = path.parent().unwrap_or(Path::new("."));
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(stem), true) = (stem, folder.file_name().is_some_and(|name| name == FILTERS)) {
            let root = folder.parent().unwrap_or(Path::new(""));
            let files = Directory(Path::new(".").join(root));
            let read = Reader::new(&files).filter(&format!("{stem}{brackets}"), backend);
            let found = Found::Filter { name: stem.to_owned(), root: root.display().to_string() };
            return Self::read(found, params, read);
        }
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let files = Directory(PathBuf::from("/"));
        let read = Reader::new(&files).filter_file(&format!("{}{brackets}", full.display()), backend);
        Self::read(Found::File(typed.to_owned()), params, read)
    }

    fn read(found: Found, params: Vec<(String, String)>, read: Read<FilterDef>) -> Self {
        let (def, broken) = match read.into_result() {
            Ok((def, _)) => (Some(def), None),
            Err(problems) => (None, Some(Failure::usage(&problems))),
        };
        let spec = def.as_ref().map(|def| FilterSpec::from_def(def, UseDns::No)).unwrap_or_default();
        Self { found, params, def, spec, broken }
    }
}

/// The file that a path means, with or without its ending.
fn file(path: &str) -> Option<PathBuf> {
    std::iter::once("")
        .chain(ENDINGS)
        .map(|end| PathBuf::from(format!("{path}{end}")))
        .find(|path| path.is_file())
}

/// Whether a text can name a filter: a word or a path, perhaps with parameters. What has blanks or brackets of another kind is
/// a regex.
fn may_be_a_name(text: &str) -> bool {
    let name = text.split('[').next().unwrap_or_default();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '.');
    !name.is_empty() && name.chars().all(plain) && (name.len() == text.len() || text.ends_with(']'))
}
