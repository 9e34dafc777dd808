//! All files of one set merged: a later file overrides an earlier one, option by option.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use super::origin::Origin;
use super::parse::{Options, ParsedFile, Section};
use super::problems::Problems;
use super::space::split_conditional;

/// What a set of files says together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// The files in the order in which they were merged, as messages name them.
    pub(crate) files: Vec<Arc<str>>,
    /// Those of them that are the set itself, not its includes.
    pub(crate) own: Vec<Arc<str>>,
    /// Files that an include names and that do not exist, and where it does.
    pub(crate) missing: Vec<(String, Origin)>,
    pub(crate) defaults: Options,
    /// Options of a conditional section `[S?condition]` stand in `[S]` as `option?condition`.
    pub(crate) sections: IndexMap<String, Section>,
    /// By section: what an option was before the last file that sets it, for `%(known/option)s`.
    pub(crate) known: IndexMap<String, Options>,
    /// Of all the files.
    pub(crate) problems: Problems,
    /// Options that nothing reads; searched for once.
    pub(crate) unused: OnceLock<Problems>,
}

impl Document {
    /// Lays `file` over what is there.
    pub(crate) fn merge(&mut self, file: &ParsedFile) {
        self.files.push(Arc::clone(&file.name));
        self.problems.append(&file.problems);
        self.defaults.extend(file.defaults.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (header, section) in &file.sections {
            let (name, condition) = split_conditional(header).unwrap_or((header, ""));
            let options = section.options.iter();
            let options = options.map(|(option, value)| (format!("{option}{condition}"), value.clone()));
            self.merge_section(name, &section.origin, options);
        }
    }

    fn merge_section(
        &mut self,
        name: &str,
        origin: &Origin,
        options: impl Iterator<Item = (String, super::Value)>,
    ) {
        let Some(section) = self.sections.get_mut(name) else {
            let section = Section { origin: origin.clone(), options: options.collect() };
            self.sections.insert(name.to_owned(), section);
            return;
        };
        let known = self.known.entry(name.to_owned()).or_default();
        for (option, value) in options {
            if let Some(before) = section.options.insert(option.clone(), value) {
                known.insert(option, before);
            }
        }
    }

    /// The options of a section.
    pub(crate) fn section(&self, name: &str) -> Option<&Options> {
        self.sections.get(name).map(|section| &section.options)
    }

    /// The headers of sections, those of `[Init?…]` merged into `[Init]`.
    pub(crate) fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::parse::parse;

    fn merged(texts: &[&str]) -> Document {
        let mut document = Document::default();
        for (index, text) in texts.iter().enumerate() {
            document.merge(&parse(&Arc::from(format!("f{index}")), text));
        }
        document
    }

    #[test]
    fn later_files_override_and_the_value_before_is_known() {
        let doc = merged(&[
            "[DEFAULT]\nd=1\n[A]\nx=1\ny=1\n",
            "[A]\nx=2\n[DEFAULT]\nd=2\n",
            "[B]\nz=1\n[A]\ny=3\nn=3\n",
        ]);
        let text = |options: &Options, name: &str| options.get(name).map(|v| v.text().to_owned());
        let a = doc.section("A").expect("[A]");
        assert_eq!(
            [text(a, "x"), text(a, "y"), text(a, "n")],
            [Some("2".into()), Some("3".into()), Some("3".into())]
        );
        assert_eq!(
            [text(&doc.known["A"], "x"), text(&doc.known["A"], "y")],
            [Some("1".into()), Some("1".into())]
        );
        assert_eq!(text(&doc.known["A"], "n"), None);
        assert_eq!(text(&doc.defaults, "d").as_deref(), Some("2"));
        assert_eq!(doc.section_names().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(a["y"].origin().to_string(), "f2:4");
    }

    #[test]
    fn conditional_sections_become_conditional_options() {
        let doc = merged(&["[Init?family=inet6]\na=6\n[Init]\na=4\n[x-y?z]\nb=1"]);
        let init = doc.section("Init").expect("[Init]");
        assert_eq!(init["a"].text(), "4");
        assert_eq!(init["a?family=inet6"].text(), "6");
        // `\w+` only: this one is a section of that very name.
        assert!(doc.section("x-y?z").is_some());
    }
}
