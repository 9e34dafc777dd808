//! The whole configuration, read.

use crate::jail::JailConfig;
use crate::origin::Row;
use crate::problems::Problems;
use crate::program::Program;

/// All that was configured, checked and ready for use.
///
/// A jail that cannot be used does not stop the others: it is named in [`Config::broken`] and what is wrong with it
/// stands in [`Config::problems`]. Who wants all or nothing asks for [`Config::strict`].
#[derive(Clone, Debug)]
pub struct Config {
    /// The program's own settings, from `stockade.toml` and the environment.
    pub program: Program,
    /// The jails that are enabled and can be used, in the order in which the files name them.
    pub jails: Vec<JailConfig>,
    /// The names of the jails that are not enabled.
    pub disabled: Vec<String>,
    /// The names of the jails that are enabled and cannot be used.
    pub broken: Vec<String>,
    /// Warnings, and the errors of the broken jails and of those that are not enabled.
    pub problems: Problems,
    /// The files that were read, in the order in which they count; those built in begin with `(built in)`.
    pub files: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Config {
    /// This configuration if nothing in it is wrong; warnings are allowed.
    ///
    /// # Errors
    /// All problems, if one of them is an error.
    pub fn strict(self) -> Result<Self, Problems> {
        if self.problems.has_errors() { Err(self.problems) } else { Ok(self) }
    }

    /// The usable jail of that name.
    pub fn jail(&self, name: &str) -> Option<&JailConfig> {
        self.jails.iter().find(|jail| &*jail.jail.name == name)
    }

    /// Takes one jail, and what is known of its options, from another configuration. Whether both have it.
    pub fn replace_jail(&mut self, name: &str, from: &Self) -> bool {
        let mine = self.jails.iter_mut().find(|jail| *jail.jail.name == *name);
        let (Some(mine), Some(theirs)) = (mine, from.jail(name)) else { return false };
        mine.clone_from(theirs);
        self.rows.retain(|row| row.section != name);
        self.rows.extend(from.rows.iter().filter(|row| row.section == name).cloned());
        true
    }

    /// Every value that is in effect, and where it was set: the settings of the program, then the options of each
    /// enabled jail.
    pub fn origin_table(&self) -> &[Row] {
        &self.rows
    }
}
