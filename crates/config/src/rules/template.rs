//! What `[DEFAULT]` of the jail files says for the jails of rules: whom to ignore, how bans grow.

use std::io;

use stockade_filter::conf::{ConfFiles, Reader, Which};

use super::Borrowed;
use crate::jail::{self, Context, JailConfig};

/// A jail that says nothing itself; it counts bans, so that it needs neither a filter nor a log.
const TEMPLATE: &str = "stockade-events";
const FOLDER: &str = "jail.d";
/// `~` comes after every letter and digit.
const FILE: &str = "~~stockade-events.local";

/// A jail with nothing but what `[DEFAULT]` says. `None` if that cannot be used, which is told with the other jails.
pub(super) fn template(files: &dyn ConfFiles, context: &Context<'_>) -> Option<JailConfig> {
    let with = WithTemplate(Borrowed(files));
    let file = Reader::new(&with).jails(Which::Enabled);
    let found = file.jails.iter().find(|jail| jail.name == TEMPLATE)?;
    jail::read(found, context).0
}

/// Jail files with one more.
struct WithTemplate<'f>(Borrowed<'f>);

impl WithTemplate<'_> {
    fn is_ours(path: &str) -> bool {
        path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/')) == Some(FILE)
    }
}

impl ConfFiles for WithTemplate<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let text = || {
            format!("[{TEMPLATE}]\nenabled = true\nbans = all\nport = all\naction = responders\n")
                .into_bytes()
        };
        if Self::is_ours(path) { Ok(Some(text())) } else { self.0.read(path) }
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = self.0.list(dir)?;
        if dir == FOLDER {
            names.push(FILE.to_owned());
        }
        Ok(names)
    }

    fn display(&self, path: &str) -> String {
        if Self::is_ours(path) { "(built in)".to_owned() } else { self.0.display(path) }
    }
}
