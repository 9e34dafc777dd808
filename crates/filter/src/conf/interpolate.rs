//! `%(name)s`: the references that are replaced when an option is read. Python calls it `BasicInterpolation`; fail2ban adds
//! `%(__name__)s`, `%(section/name)s`, `%(default/name)s` and `%(known/name)s`.

use std::borrow::Cow;

use super::document::Document;
use super::keys::nearest;
use super::limits::{Budget, MAX_INTERPOLATION_DEPTH, MAX_VALUE_BYTES};
use super::origin::{Builder, Value};
use super::parse::{DEFAULT, Options};
use super::problem::{Fault, ProblemKind, cut};
use super::space::is_word;

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'d> {
    document: &'d Document,
    /// What `%(__name__)s` stands for.
    name: &'d str,
    /// The section's own options.
    options: Option<&'d Options>,
    /// What [`Document::known`] has of the section.
    known: Option<&'d Options>,
    /// Before all others; names in lower case.
    vars: Option<&'d Options>,
    /// Options that the caller adds to the section.
    overlay: Option<&'d Options>,
}

impl<'d> Scope<'d> {
    /// A section of the document.
    pub(crate) fn section(document: &'d Document, name: &'d str) -> Self {
        let options = document.section(name);
        let known = document.known.get(name);
        Self { document, name, options, known, vars: None, overlay: None }
    }

    /// What the options of a section were before they were overridden. `alias` is what `%(__name__)s` stands for there.
    pub(crate) fn known(document: &'d Document, name: &str, alias: &'d str) -> Self {
        let options = document.known.get(name);
        Self { document, name: alias, options, known: None, vars: None, overlay: None }
    }

    /// The same with `vars` before everything else, such as the parameters of a filter.
    pub(crate) fn with_vars(self, vars: &'d Options) -> Self {
        Self { vars: Some(vars), ..self }
    }

    /// The same with more options in the section.
    pub(crate) fn with_overlay(self, overlay: &'d Options) -> Self {
        Self { overlay: Some(overlay), ..self }
    }

    /// Whether there is such a section.
    pub(crate) fn exists(&self) -> bool {
        self.options.is_some() || self.name == DEFAULT
    }

    /// The option as written; `name` in lower case.
    pub(crate) fn raw(&self, name: &str) -> Option<&'d Value> {
        let places = [self.vars, self.overlay, self.options, Some(&self.document.defaults)];
        places.into_iter().flatten().find_map(|options| options.get(name))
    }

    /// The option with all references replaced, `None` if there is no such option or no such section.
    pub(crate) fn get(&self, option: &str, budget: &mut Budget) -> Result<Option<Value>, Fault> {
        if !self.exists() {
            return Ok(None);
        }
        self.raw(&option.to_lowercase()).map(|raw| self.replace(raw, 1, budget)).transpose()
    }

    fn replace(&self, value: &Value, depth: usize, budget: &mut Budget) -> Result<Value, Fault> {
        let fault = |kind, at| Err(Fault::new(kind, value.origin_at(at)));
        if depth > MAX_INTERPOLATION_DEPTH {
            return fault(ProblemKind::InterpolationDepth, 0);
        }
        if !budget.spend(value.text().len()) {
            return fault(ProblemKind::TooMuchWork, 0);
        }
        let mut out = Builder::default();
        let mut done = 0;
        while let Some(rest) = value.text().get(done..) {
            let Some(percent) = rest.find('%') else { break };
            let at = done + percent;
            out.copy(value, done..at);
            let rest = rest.get(percent..).unwrap_or_default();
            if rest.starts_with("%%") {
                out.copy(value, at..at + 1);
                done = at + 2;
                continue;
            }
            let Some(name) = reference(rest) else {
                return fault(ProblemKind::BadPercent { found: cut(rest) }, at);
            };
            let Some(inner) = self.lookup(name) else {
                return fault(self.unknown(name), at);
            };
            done = at + "%()s".len() + name.len();
            let inner = if inner.text().contains('%') {
                Cow::Owned(self.replace(&inner, depth + 1, budget)?)
            } else {
                inner
            };
            out.splice(&inner, value, at..done);
            if out.len() > MAX_VALUE_BYTES {
                return fault(ProblemKind::ValueTooLong, at);
            }
            if !budget.spend(inner.text().len()) {
                return fault(ProblemKind::TooMuchWork, at);
            }
        }
        out.copy(value, done..value.text().len());
        Ok(out.finish(value.origin().clone()))
    }

    /// The raw value that `%(name)s` stands for.
    fn lookup(&self, name: &str) -> Option<Cow<'d, Value>> {
        if name.eq_ignore_ascii_case("__name__") {
            return Some(Cow::Owned(Value::given(self.name, "section name")));
        }
        if let Some(value) = self.raw(&name.to_lowercase()) {
            return Some(Cow::Borrowed(value));
        }
        let (section, option) = name.split_once('/')?;
        if section.is_empty() || !section.chars().all(|c| is_word(c) || c == '-') {
            return None;
        }
        let option = option.to_lowercase();
        let defaults = &self.document.defaults;
        let own = match section.to_lowercase().as_str() {
            "default" => None,
            "known" => self.known.and_then(|known| known.get(&option)),
            // Of a section that does not exist, not even the defaults are taken.
            _ => self.document.section(section)?.get(&option),
        };
        own.or_else(|| defaults.get(&option)).map(Cow::Borrowed)
    }

    fn unknown(&self, name: &str) -> ProblemKind {
        let places = [self.vars, self.overlay, self.options, Some(&self.document.defaults)];
        let names = places.into_iter().flatten().flat_map(Options::keys).map(String::as_str);
        let missing = self.document.missing.iter();
        // A `.local` file is meant to be optional; a `.conf` file that is not there is a likely cause.
        let missing = missing.map(|(path, _)| path).find(|path| !path.ends_with(".local"));
        ProblemKind::UnknownReference {
            name: cut(name),
            nearest: nearest(name, names),
            missing: missing.cloned(),
        }
    }
}

/// The name in `%(name)s`, with which `text` begins.
fn reference(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix("%(")?.split_once(')')?;
    (!name.is_empty() && rest.starts_with('s')).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::conf::limits::MAX_WORK;
    use crate::conf::parse::parse;

    fn document(texts: &[&str]) -> Document {
        let mut document = Document::default();
        for (index, text) in texts.iter().enumerate() {
            let file = parse(&Arc::from(format!("f{index}")), text);
            assert!(file.problems.is_empty(), "{}", file.problems);
            document.merge(&file);
        }
        document
    }

    fn get(texts: &[&str], section: &str, option: &str) -> Result<String, ProblemKind> {
        let document = document(texts);
        let scope = Scope::section(&document, section);
        match scope.get(option, &mut Budget::new(MAX_WORK)) {
            Ok(value) => Ok(value.expect("an option").text().to_owned()),
            Err(fault) => Err(*fault.kind),
        }
    }

    #[test]
    fn names_are_looked_up_in_parameters_section_and_defaults() {
        let text = "[DEFAULT]\na = da\nb = db\nc = dc\n[S]\na = sa\nb = sb\nr = %(A)s %(b)s %(C)s %(__name__)s 100%%\n";
        assert_eq!(get(&[text], "S", "R"), Ok("sa sb dc S 100%".into()));
        let document = document(&[text]);
        let vars = Options::from([("a".to_owned(), Value::given("param%%", "test"))]);
        let scope = Scope::section(&document, "S").with_vars(&vars);
        let value = scope.get("r", &mut Budget::new(MAX_WORK)).map_err(|f| f.kind);
        assert_eq!(value.map(|v| v.map(|v| v.text().to_owned())), Ok(Some("param% sb dc S 100%".into())));
    }

    #[test]
    fn the_value_of_another_section_is_read_in_this_one() {
        let text = "[DEFAULT]\nx = dx\nonly = o\n[other]\nx = ox %(y)s\n[S]\ny = sy\na = %(other/x)s\nb = %(default/x)s\n\
                    c = %(other/only)s\nd = %(gone/only)s\nx = sx\n";
        assert_eq!(get(&[text], "S", "a"), Ok("ox sy".into()));
        assert_eq!(get(&[text], "S", "b"), Ok("dx".into()));
        assert_eq!(get(&[text], "S", "c"), Ok("o".into()));
        assert!(matches!(get(&[text], "S", "d"), Err(ProblemKind::UnknownReference { .. })));
    }

    #[test]
    fn known_is_what_the_last_file_overrode() {
        let files = [
            "[DEFAULT]\nz = dz\n[S]\na = 1\n",
            "[S]\na = %(known/a)s 2\nz = %(known/z)s!\n",
            "[S]\na = %(known/a)s 3\n",
        ];
        // Only one step back: the `known` of the second file is by then that of the third, itself.
        assert_eq!(get(&files[..2], "S", "a"), Ok("1 2".into()));
        assert_eq!(get(&files, "S", "a"), Err(ProblemKind::InterpolationDepth));
        assert_eq!(get(&files, "S", "z"), Ok("dz!".into()));
    }

    #[test]
    fn a_lone_percent_is_an_error_with_its_line() {
        let document = document(&["[S]\na = x\n  y %Y\nb = %(x\nc = %()s\nd = %(a)d\ne = %"]);
        let scope = Scope::section(&document, "S");
        for (option, line) in [("a", 3), ("b", 4), ("c", 5), ("d", 6), ("e", 7)] {
            let fault = scope.get(option, &mut Budget::new(MAX_WORK)).expect_err(option);
            assert!(matches!(*fault.kind, ProblemKind::BadPercent { .. }), "{option}: {:?}", fault.kind);
            assert_eq!(fault.origin.line(), line);
        }
    }

    #[test]
    fn ten_levels_and_no_more() {
        let chain = |n: usize| {
            let links: String = (1..n).map(|i| format!("a{i} = %(a{})s\n", i + 1)).collect();
            format!("[S]\n{links}a{n} = 100%%\n")
        };
        assert_eq!(get(&[&chain(10)], "S", "a1"), Ok("100%".into()));
        assert_eq!(get(&[&chain(11)], "S", "a1"), Err(ProblemKind::InterpolationDepth));
    }

    #[test]
    fn growth_is_bounded_in_size_and_work() {
        let wide = |leaf: &str| {
            let links: String =
                (1..9).map(|i| format!("a{i} = {}\n", format!("%(a{})s", i + 1).repeat(40))).collect();
            format!("[S]\n{links}a9 = {leaf}\n")
        };
        assert_eq!(get(&[&wide(&"x".repeat(200))], "S", "a1"), Err(ProblemKind::ValueTooLong));
        assert_eq!(get(&[&wide("")], "S", "a1"), Err(ProblemKind::TooMuchWork));
    }

    #[test]
    fn unknown_names_come_with_the_nearest() {
        let kind = get(&["[S]\nport = 1\na = %(prot)s"], "S", "a").expect_err("unknown");
        let nearest = Some("port".to_owned());
        assert_eq!(kind, ProblemKind::UnknownReference { name: "prot".into(), nearest, missing: None });
    }
}
