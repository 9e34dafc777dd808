//! `logtype`: filters that look at lines of the journal otherwise than at those of a file.
//!
//! fail2ban decides that when it reads the filter, by `backend = systemd`. Here a jail may read the journal because there
//! is no file, so its filter is read both ways.

use std::io;

use stockade_filter::FilterSpec;
use stockade_filter::conf::{self, ConfFiles, Layered, Reader, Which};

use super::options::Options;
use super::{Backend, JailConfig, filter};

/// Gives the jails that may read the journal the filter for it. `files` are those that `jails` were read from, and
/// `all` the names of all jails in them.
pub(crate) fn look_otherwise(files: &dyn ConfFiles, jails: &mut [JailConfig], all: &[String]) {
    let may = |jail: &JailConfig| {
        let filter = jail.filter.is_some();
        filter
            && (jail.backend == Backend::Journal
                || jail.backend == Backend::Auto && !jail.journalmatch.is_empty())
    };
    let names: Vec<&str> = jails.iter().filter(|jail| may(jail)).map(|jail| &*jail.jail.name).collect();
    if names.is_empty() {
        return;
    }
    let text = |name: &String| {
        let wanted = names.contains(&name.as_str());
        format!("[{name}]\nenabled = {wanted}\n{}", if wanted { "backend = systemd\n" } else { "" })
    };
    let files = Layered { upper: Overlay(all.iter().map(text).collect()), lower: files };
    let read = Reader::new(&files).jails(Which::Enabled);
    for jail in jails.iter_mut() {
        let Some(spec) = read.jail(&jail.jail.name).and_then(spec) else { continue };
        // Whatever a filter consists of, its words show it.
        if jail.filter.as_ref().is_some_and(|filter| format!("{filter:?}") == format!("{spec:?}")) {
            continue;
        }
        if jail.backend == Backend::Journal {
            jail.filter = Some(spec);
        } else {
            jail.journal_filter = Some(spec);
        }
    }
}

/// What a jail looks for; what is wrong with it was told when it was read the first time.
fn spec(jail: &conf::Jail) -> Option<FilterSpec> {
    if !jail.enabled {
        return None;
    }
    filter::spec(&mut Options::new(jail), &jail.matching())
}

/// One more file of jails, read after all others.
#[derive(Debug)]
struct Overlay(String);

const FOLDER: &str = "jail.d";
/// After every name that begins with a letter or digit, and after the command line's.
const FILE: &str = "~~~journal.local";

impl ConfFiles for Overlay {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let is_it = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')) == Some(FILE);
        Ok(is_it.then(|| self.0.clone().into_bytes()))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        Ok(if dir == FOLDER { vec![FILE.to_owned()] } else { Vec::new() })
    }

    fn display(&self, path: &str) -> String {
        path.to_owned()
    }
}
