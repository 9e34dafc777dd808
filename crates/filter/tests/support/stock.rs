//! The filters of Debian's fail2ban, where it is installed: `/etc/fail2ban/filter.d`, and those of its own tests.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stockade_filter::conf::{ConfFiles, Directory, Reader};
use stockade_filter::{Filter, FilterSpec, UseDns};

/// Where the filters are that people use.
const STOCK: &str = "/etc/fail2ban";
/// Where those are that only fail2ban's tests use.
const TESTS: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/config";
/// How the latter include the former: by a way out of the tree in which they were written.
const OUTSIDE: &str = "../config/";

/// Both folders as one. The files of the tests are used as they are.
#[derive(Debug)]
pub(crate) struct Stock {
    stock: Directory,
    tests: Directory,
}

impl Stock {
    /// `None`, with a line that says so, where fail2ban is not installed.
    pub(crate) fn find() -> Option<Self> {
        if !Path::new(STOCK).join("filter.d/sshd.conf").exists() {
            eprintln!("skipped: no fail2ban: its filters are not in {STOCK}/filter.d");
            return None;
        }
        Some(Self { stock: Directory(PathBuf::from(STOCK)), tests: Directory(PathBuf::from(TESTS)) })
    }

    /// Whether there is a filter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let path = format!("filter.d/{name}.conf");
        matches!(self.stock.read(&path), Ok(Some(_))) || matches!(self.tests.read(&path), Ok(Some(_)))
    }

    /// The names of all filters that people use; a `*-common` is not one but is included by some.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.stock.list("filter.d").unwrap();
        let stems = files.iter().filter_map(|file| file.strip_suffix(".conf"));
        stems.filter(|stem| *stem != "common" && !stem.ends_with("-common")).map(str::to_owned).collect()
    }

    /// A filter with parameters, for files or for the journal.
    pub(crate) fn filter(
        &self,
        name: &str,
        params: &BTreeMap<String, String>,
        backend: &str,
    ) -> Result<Arc<Filter>, String> {
        let params: String = params.iter().map(|(key, value)| format!("[{key}={value}]")).collect();
        let read = Reader::new(self).filter(&format!("{name}{params}"), backend);
        let (def, _) = read.into_result().map_err(|problems| problems.to_string())?;
        let spec = FilterSpec::from_def(&def, UseDns::Yes);
        Filter::compile(&spec).map(Arc::new).map_err(|errors| errors[0].to_string())
    }
}

impl ConfFiles for Stock {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if let Some(at) = path.find(OUTSIDE) {
            return self.stock.read(&path[at + OUTSIDE.len()..]);
        }
        match self.stock.read(path)? {
            Some(content) => Ok(Some(content)),
            None => self.tests.read(path),
        }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.stock.list(dir)
    }

    fn display(&self, path: &str) -> String {
        self.stock.display(path)
    }
}
