//! How a jail is put together: its section is read twice, because the filter it names adds options (`known/…`) to it.

use std::sync::Arc;

use super::action::{self, Action};
use super::document::Document;
use super::filter::{FilterDef, FilterReader};
use super::interpolate::Scope;
use super::jail::Jail;
use super::keys::{FILTER_KEYS, JAIL_HELPER_KEYS, JAIL_KEYS, Key};
use super::limits::{Budget, LONG_JAIL_NAME};
use super::origin::{Origin, Value};
use super::parse::Options;
use super::problem::{Problem, ProblemKind, cut};
use super::problems::Problems;
use super::reader::Reader;
use super::settings::{check, converted};
use super::value::{LogPath, action_parts, split_params};

/// What the first reading needs.
const FIRST_KEYS: [&str; 3] = ["enabled", "backend", "filter"];

pub(crate) struct JailReader<'r, 'f> {
    reader: &'r Reader<'f>,
    scope: Scope<'r>,
    budget: &'r mut Budget,
    jail: Jail,
}

impl<'r, 'f> JailReader<'r, 'f> {
    pub(crate) fn new(
        reader: &'r Reader<'f>,
        document: &'r Document,
        name: &'r str,
        budget: &'r mut Budget,
    ) -> Self {
        let section = document.sections.get(name);
        let jail = Jail {
            name: name.to_owned(),
            origin: section.map_or_else(|| Origin::given(name), |section| section.origin.clone()),
            enabled: false,
            raw: section.map(|section| section.options.clone()).unwrap_or_default(),
            settings: Options::new(),
            helpers: Options::new(),
            filter: None,
            actions: Vec::new(),
            problems: Problems::default(),
        };
        Self { reader, scope: Scope::section(document, name), budget, jail }
    }

    /// Reads the jail; of one that is not enabled only the first options, unless `force`.
    pub(crate) fn read(mut self, force: bool) -> Jail {
        let first = |key: &&Key| FIRST_KEYS.contains(&key.name);
        self.settings(JAIL_KEYS.iter().filter(first), &Options::new());
        self.jail.enabled = self.jail.boolean("enabled").unwrap_or(false);
        if self.jail.enabled || force {
            self.read_all();
        }
        self.jail
    }

    fn read_all(&mut self) {
        let length = self.jail.name.chars().count();
        if length >= LONG_JAIL_NAME {
            let kind = ProblemKind::LongJailName { length };
            self.warn(kind, self.jail.origin.clone(), None);
        }
        let document = self.filter_document();
        let mut filter = document.as_ref().map(|(name, params, document)| {
            let backend = Value::given("auto", "built in");
            let backend = self.jail.settings.get("backend").unwrap_or(&backend);
            FilterReader::new(name, document, params.clone(), backend)
        });
        let context = self.context();
        let known =
            filter.as_mut().and_then(|filter| filter.known(&context, self.budget, &mut self.jail.problems));
        let overlay = known.unwrap_or_default().into_iter();
        let overlay = overlay.filter(|(name, _)| !name.starts_with("known/"));
        let overlay: Options = overlay.map(|(name, value)| (format!("known/{name}"), value)).collect();

        self.settings(JAIL_KEYS.iter().chain(FILTER_KEYS), &overlay);
        self.check_settings();
        self.helpers(&overlay);
        let context = self.context();
        self.jail.filter =
            filter.and_then(|mut filter| filter.finish(&context, self.budget, &mut self.jail.problems));
        self.actions(&context);
    }

    /// Reads `keys` of the section.
    fn settings<'k>(&mut self, keys: impl Iterator<Item = &'k Key>, overlay: &Options) {
        let scope = self.scope.with_overlay(overlay);
        let mut settings = Options::new();
        for key in keys {
            let value = scope.get(key.name, self.budget).unwrap_or_else(|fault| {
                self.jail.problems.push(fault.into_problem(&self.jail.name, key.name));
                None
            });
            let default = || key.default.map(|text| Value::given(text, "built in"));
            if let Some(value) = value.or_else(default) {
                settings.insert(key.name.to_owned(), value);
            }
        }
        self.jail.settings = settings;
    }

    fn check_settings(&mut self) {
        let mut found = Vec::new();
        for key in JAIL_KEYS.iter().chain(FILTER_KEYS) {
            let problem = self.jail.settings.get(key.name).and_then(|value| check(key, value));
            found.extend(problem.map(|problem| (problem, key.name)));
        }
        if let Some(usedns) = self.jail.settings.get("usedns")
            && !["yes", "warn", "no", "raw"].contains(&usedns.text().to_lowercase().as_str())
        {
            let expected = "`yes`, `warn`, `no`, `raw`";
            let kind = ProblemKind::BadChoice { expected, value: cut(usedns.text()) };
            found.push((Problem::warning(kind, Some(usedns.origin().clone())), "usedns"));
        }
        for LogPath { from, origin, .. } in
            self.jail.log_paths().into_iter().filter(|path| path.tail().is_none())
        {
            let kind =
                ProblemKind::BadChoice { expected: "`head`, `tail` after the last blank", value: cut(&from) };
            found.push((Problem::error(kind, Some(origin)), "logpath"));
        }
        for (problem, key) in found {
            self.jail.problems.push(problem.within(&self.jail.name, Some(key)));
        }
        // Whole numbers were checked above.
        let mut own = self.jail.settings.clone();
        own.shift_remove("maxlines");
        FilterDef::from_options(&own, &self.jail.name, &mut self.jail.problems);
    }

    fn helpers(&mut self, overlay: &Options) {
        let scope = self.scope.with_overlay(overlay);
        let own = self.jail.raw.keys().map(String::as_str);
        for name in JAIL_HELPER_KEYS.iter().copied().chain(own) {
            if self.jail.settings.contains_key(name) {
                continue;
            }
            // Nothing depends on a helper that cannot be read; what does reports it.
            if let Ok(Some(value)) = scope.get(name, self.budget) {
                self.jail.helpers.insert(name.to_owned(), value);
            }
        }
    }

    /// What filters and actions see of the jail.
    fn context(&self) -> Options {
        let keys = JAIL_KEYS.iter().chain(FILTER_KEYS);
        let convert =
            |key: &Key| Some((key.name.to_owned(), converted(key, self.jail.settings.get(key.name)?)));
        keys.filter_map(convert).collect()
    }

    /// The name, parameters and files of the jail's filter.
    fn filter_document(&mut self) -> Option<(String, Options, Arc<Document>)> {
        let value = self.jail.settings.get("filter").cloned();
        let value = value.unwrap_or_else(|| Value::given("", "built in"));
        if value.text().is_empty() {
            self.warn(ProblemKind::NoFilter, value.origin().clone(), Some("filter"));
            return None;
        }
        let (name, params) = self.params(value.text(), value.origin(), "filter")?;
        let document = self.document("filter", &name, value.origin())?;
        Some((name, params, document))
    }

    fn actions(&mut self, context: &Options) {
        let Some(value) = self.jail.settings.get("action").cloned() else { return };
        let mut any = false;
        for (at, text) in action_parts(value.text()) {
            any = true;
            let origin = value.origin_at(at).clone();
            let Some((name, params)) = self.params(text, &origin, "action") else { continue };
            let action = match name.strip_suffix(".py") {
                Some(stem) => Some(self.python_action(stem, &name, params)),
                None => self.command_action(&name, params, context, &origin),
            };
            let Some(action) = action else { continue };
            if self.jail.actions.iter().any(|earlier| earlier.name() == action.name()) {
                let kind = ProblemKind::DuplicateAction { name: cut(action.name()) };
                let problem = Problem::error(kind, Some(origin));
                self.jail.problems.push(problem.within(&self.jail.name, Some("action")));
            }
            self.jail.actions.push(action);
        }
        if !any {
            self.warn(ProblemKind::NoActions, value.origin().clone(), Some("action"));
        }
    }

    fn command_action(
        &mut self,
        name: &str,
        params: Options,
        context: &Options,
        origin: &Origin,
    ) -> Option<Action> {
        let document = self.document("action", name, origin)?;
        let (jail, problems) = (&self.jail.name, &mut self.jail.problems);
        action::read(name, jail, &document, params, context, problems, self.budget).map(Action::Command)
    }

    fn python_action(&self, stem: &str, file: &str, mut params: Options) -> Action {
        let name = params.shift_remove("actname").map_or(stem.to_owned(), |name| name.text().to_owned());
        let path = self.reader.files().display(&format!("action.d/{file}"));
        Action::Python { name, path, params }
    }

    fn params(&mut self, text: &str, origin: &Origin, key: &str) -> Option<(String, Options)> {
        match split_params(text) {
            Ok((name, params)) => {
                let params = params.into_iter().map(|(name, text)| (name, Value::new(text, origin.clone())));
                Some((name, params.collect()))
            }
            Err(error) => {
                let kind = ProblemKind::BadParams { text: cut(text), error };
                let problem = Problem::error(kind, Some(origin.clone()));
                self.jail.problems.push(problem.within(&self.jail.name, Some(key)));
                None
            }
        }
    }

    fn document(&mut self, what: &'static str, name: &str, origin: &Origin) -> Option<Arc<Document>> {
        let mut problems = Problems::default();
        let document = self.reader.definition_files(what, name, Some(origin), &mut problems);
        for problem in &problems {
            let mut problem = problem.clone();
            problem.section.get_or_insert_with(|| self.jail.name.clone());
            self.jail.problems.push(problem);
        }
        document
    }

    fn warn(&mut self, kind: ProblemKind, origin: Origin, key: Option<&str>) {
        self.jail.problems.push(Problem::warning(kind, Some(origin)).within(&self.jail.name, key));
    }
}
