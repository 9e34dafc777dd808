//! A filter: what it looks for, put together from its files and its parameters.

use super::definition::{DEFINITION, Definition};
use super::document::Document;
use super::keys::FILTER_KEYS;
use super::limits::Budget;
use super::origin::{Line, Origin, Value};
use super::parse::Options;
use super::problem::{Problem, ProblemKind, cut};
use super::problems::Problems;
use super::value::split_words;

/// A filter with all references replaced, except the tags of failregex itself (`<HOST>`, `<F-USER>`, …).
#[derive(Clone, Debug, Default)]
pub struct FilterDef {
    /// The name of its file, without `filter.d/` and `.conf`.
    pub name: String,
    /// The parameters it was read with: those given, `logtype`, and the rest of `[Init]` (there also as `known/…`).
    pub params: Options,
    /// What speaks against somebody.
    pub failregex: Vec<Line>,
    /// What does so only by appearance.
    pub ignoreregex: Vec<Line>,
    /// What every line must match first.
    pub prefregex: Option<Value>,
    /// Lines that one failregex may span.
    pub maxlines: Option<(u32, Origin)>,
    /// How dates are written; one pattern a line.
    pub datepattern: Option<Value>,
    /// What to ask the journal for; each line is an alternative to the others.
    pub journalmatch: Vec<JournalMatch>,
    /// Whether a host name becomes addresses: `yes`, `warn`, `no`, `raw`.
    pub usedns: Option<Value>,
    /// All of it as text, in the order that decides the order of fail2ban's commands: the options above as far as they are
    /// set, then the parameters, all with their tags replaced.
    pub options: Options,
    /// The files it was read from, in the order in which they count.
    pub files: Vec<String>,
}

/// A line of `journalmatch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalMatch {
    /// `FIELD=value`, all of which must match, and `+` between alternatives.
    pub words: Vec<String>,
    /// Where it was written.
    pub origin: Origin,
}

impl FilterDef {
    /// This filter as a jail uses it that has `settings` of its own; see [`Jail::matching`](super::Jail::matching).
    pub(crate) fn with_jail(&self, settings: &Options) -> Self {
        // What is wrong with these options was reported when the jail was read.
        let own = Self::from_options(settings, "", &mut Problems::default());
        let mut def = self.clone();
        def.failregex.extend(own.failregex);
        def.ignoreregex.extend(own.ignoreregex);
        def.journalmatch.extend(own.journalmatch);
        def.datepattern = own.datepattern.or(def.datepattern);
        def.prefregex = def.prefregex.or(own.prefregex);
        def.maxlines = def.maxlines.or(own.maxlines);
        def.usedns = def.usedns.or(own.usedns);
        def
    }

    /// The typed form of options of `section`.
    pub(crate) fn from_options(options: &Options, section: &str, problems: &mut Problems) -> Self {
        let get = |name: &str| options.get(name).cloned();
        let lines = |name: &str| get(name).iter().flat_map(Value::lines).collect::<Vec<_>>();
        let mut def = Self {
            failregex: lines("failregex"),
            ignoreregex: lines("ignoreregex"),
            prefregex: get("prefregex").filter(|value| !value.text().is_empty()),
            datepattern: get("datepattern"),
            usedns: get("usedns"),
            ..Self::default()
        };
        let mut error = |kind, origin: &Origin, key| {
            problems.push(Problem::error(kind, Some(origin.clone())).within(section, Some(key)));
        };
        if let Some(value) = get("maxlines") {
            match value.text().trim().parse() {
                Ok(lines) => def.maxlines = Some((lines, value.origin().clone())),
                Err(_) => {
                    error(ProblemKind::BadInteger { value: cut(value.text()) }, value.origin(), "maxlines");
                }
            }
        }
        for Line { text, origin } in lines("journalmatch") {
            match split_words(&text) {
                Ok(words) => def.journalmatch.push(JournalMatch { words, origin }),
                Err(cause) => {
                    error(ProblemKind::BadWords { text: cut(&text), error: cause }, &origin, "journalmatch");
                }
            }
        }
        def
    }
}

/// A filter that is being read.
pub(crate) struct FilterReader<'d> {
    name: String,
    files: Vec<String>,
    definition: Definition<'d>,
}

impl<'d> FilterReader<'d> {
    /// Begins to read the filter in `document`. A backend whose name begins with `systemd` makes the `logtype` `journal`, any
    /// other `file`, unless a parameter or the filter itself sets it.
    pub(crate) fn new(name: &str, document: &'d Document, mut params: Options, backend: &Value) -> Self {
        let files = document.files.iter().map(ToString::to_string).collect();
        let given = params.get("logtype").is_some_and(|value| !value.text().is_empty());
        let mut definition = Definition::new(document, Options::new());
        if !given && !definition.has_own("logtype") {
            let journal = backend.text().starts_with("systemd");
            params.insert("logtype".into(), backend.with_text(if journal { "journal" } else { "file" }));
        }
        definition.params = params;
        Self { name: name.to_owned(), files, definition }
    }

    /// All options, as the jail knows them: `known/…`.
    pub(crate) fn known(
        &mut self,
        context: &Options,
        budget: &mut Budget,
        problems: &mut Problems,
    ) -> Option<Options> {
        self.definition.collect(context, FILTER_KEYS, true, budget, problems);
        self.definition.combined(&[], budget, problems)
    }

    /// The filter, for a jail with the options `context`.
    pub(crate) fn finish(
        &mut self,
        context: &Options,
        budget: &mut Budget,
        problems: &mut Problems,
    ) -> Option<FilterDef> {
        self.definition.collect(context, FILTER_KEYS, false, budget, problems);
        let options = self.definition.combined(&[], budget, problems)?;
        let def = FilterDef::from_options(&options, DEFINITION, problems);
        let (name, files, params) = (self.name.clone(), self.files.clone(), self.definition.params.clone());
        Some(FilterDef { name, files, params, options, ..def })
    }
}
