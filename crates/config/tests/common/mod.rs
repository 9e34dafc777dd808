//! A configuration in memory.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::collections::BTreeMap;
use std::io;

use stockade_config::{Config, Problems, load_files};
use stockade_filter::conf::ConfFiles;

/// Files by path; messages see them in `/etc/stockade`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }

    pub(crate) fn load(&self) -> Result<Config, Problems> {
        self.load_with(&|_| None)
    }

    pub(crate) fn load_with(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Problems> {
        load_files(self, "ssh 22/tcp\nodd 7/udp\n", env)
    }
}

impl ConfFiles for Files {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let inside = |path: &String| {
            let name = path.strip_prefix(dir)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        Ok(self.0.keys().filter_map(inside).collect())
    }

    fn display(&self, path: &str) -> String {
        format!("/etc/stockade/{path}")
    }
}

/// A jail that works, with its filter, and nothing of what is built in.
pub(crate) const FILTER: (&str, &str) =
    ("filter.d/door.conf", "[Definition]\nfailregex = ^door: knocked by <HOST>$\n");
pub(crate) const BASE: &str = "[DEFAULT]\nport = 0:65535\nprotocol = tcp\n\
                        [door]\nenabled = true\nfilter = door\nlogpath = /var/log/door.log\n";

/// The jail `door` with more options.
pub(crate) fn door(options: &str) -> Files {
    Files::new(&[("jail.conf", BASE), FILTER, ("jail.local", &format!("[door]\n{options}"))])
}

/// What loading says, line by line.
pub(crate) fn told(result: &Result<Config, Problems>) -> String {
    match result {
        Ok(config) => config.problems.to_string(),
        Err(problems) => problems.to_string(),
    }
}
