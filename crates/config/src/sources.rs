//! Which logs a jail reads, given which there are.

use crate::jail::{Backend, JailConfig, LogPath};

/// What a jail reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files to follow, in the order of `logpath`. Those that are not there yet are to be waited for.
    pub files: Vec<LogPath>,
    /// What to ask the journal for, one alternative each; with none of them all of it is read. `None`: it is not read.
    pub journal: Option<Vec<String>>,
    /// Patterns of `logpath` to which there is no file now, followed or not.
    pub absent: Vec<String>,
}

/// Decides what a jail reads. `exists` says whether there is a file that a pattern of `logpath` leads to.
///
/// - [`Backend::Files`]: every `logpath`, there or not.
/// - [`Backend::Journal`]: the journal.
/// - [`Backend::Auto`]: the files that are there, and the patterns with a wildcard, to which there may be a file later.
///   If there is no file at all, the journal, provided that `journalmatch` says what to ask it for; else every
///   `logpath`, to be waited for. So a machine with `/var/log/auth.log`, one with `/var/log/secure` and one with
///   nothing but the journal can share a configuration.
///
/// A jail that counts bans reads nothing.
pub fn resolve_sources(jail: &JailConfig, exists: impl Fn(&str) -> bool) -> Sources {
    if jail.filter.is_none() {
        return Sources::default();
    }
    let journal = || Some(jail.journalmatch.clone());
    if jail.backend == Backend::Journal {
        return Sources { journal: journal(), ..Sources::default() };
    }
    let (there, absent): (Vec<&LogPath>, Vec<_>) = jail.logpaths.iter().partition(|path| exists(&path.glob));
    let absent: Vec<String> = absent.into_iter().map(|path| path.glob.clone()).collect();
    if jail.backend == Backend::Auto && there.is_empty() && !jail.journalmatch.is_empty() {
        return Sources { files: Vec::new(), journal: journal(), absent };
    }
    let wait = jail.backend == Backend::Files || there.is_empty();
    let followed =
        |path: &&LogPath| wait || !absent.contains(&path.glob) || path.glob.contains(['*', '?', '[']);
    Sources { files: jail.logpaths.iter().filter(followed).cloned().collect(), journal: None, absent }
}
