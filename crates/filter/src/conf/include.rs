//! Which files belong together: the layers of a set, and what their `[INCLUDES]` bring in.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::document::Document;
use super::files::{ConfFiles, parent, resolve};
use super::interpolate::Scope;
use super::limits::{Budget, MAX_FILE_BYTES, MAX_FILES, MAX_INCLUDE_DEPTH, MAX_WORK};
use super::origin::{Line, Origin};
use super::parse::{ParsedFile, parse};
use super::problem::{Problem, ProblemKind};
use super::problems::Problems;

/// The section that names other files.
pub(crate) const INCLUDES: &str = "INCLUDES";

/// Reads sets of files, each file once.
pub(crate) struct Loader<'f> {
    files: &'f dyn ConfFiles,
    cache: RefCell<HashMap<String, Parsed>>,
    sets: RefCell<HashMap<String, Option<Arc<Document>>>>,
}

/// What became of a path.
#[derive(Clone)]
enum Parsed {
    Missing,
    Failed(Problem),
    File(Arc<ParsedFile>),
}

impl<'f> Loader<'f> {
    pub(crate) fn new(files: &'f dyn ConfFiles) -> Self {
        Self { files, cache: RefCell::default(), sets: RefCell::default() }
    }

    pub(crate) fn files(&self) -> &'f dyn ConfFiles {
        self.files
    }

    /// The set `base` (`filter.d/sshd`), merged; `None` if none of its layers exists. Each set is merged once.
    pub(crate) fn set(&self, base: &str) -> Option<Arc<Document>> {
        if let Some(set) = self.sets.borrow().get(base) {
            return set.clone();
        }
        let mut problems = Problems::default();
        let layers = self.layers(base, &mut problems);
        let set = self.load(&layers).map(|mut document| {
            document.problems.append(&problems);
            Arc::new(document)
        });
        self.sets.borrow_mut().insert(base.to_owned(), set.clone());
        set
    }

    /// The layers of the set `base` that exist: `base.conf`, `base.d/*.conf`, `base.local`, `base.d/*.local`.
    pub(crate) fn layers(&self, base: &str, problems: &mut Problems) -> Vec<String> {
        let dir = format!("{base}.d");
        let names = self.list(&dir, problems);
        let mut layers = Vec::new();
        for extension in [".conf", ".local"] {
            layers.push(format!("{base}{extension}"));
            // As of a shell's `*`: no hidden files.
            let names = names.iter().filter(|name| name.ends_with(extension) && !name.starts_with('.'));
            layers.extend(names.map(|name| format!("{dir}/{name}")));
        }
        layers.retain(|path| !matches!(self.parsed(path), Parsed::Missing));
        layers
    }

    /// The names of the files in `dir`.
    pub(crate) fn list(&self, dir: &str, problems: &mut Problems) -> Vec<String> {
        self.files.list(dir).unwrap_or_else(|error| {
            let kind = ProblemKind::Unreadable { error: error.to_string() };
            problems.push(Problem::error(kind, Some(Origin::given(self.files.display(dir)))));
            Vec::new()
        })
    }

    /// Merges the files at `paths` with all that they include; `None` if there is none of them.
    pub(crate) fn load(&self, paths: &[String]) -> Option<Document> {
        let mut walk = Walk { loader: self, document: Document::default(), order: Vec::new(), visits: 0 };
        walk.expand(paths, &[], None);
        let Walk { mut document, order, .. } = walk;
        if order.is_empty() && document.problems.is_empty() {
            return None;
        }
        for file in order {
            document.merge(&file);
        }
        document.own = paths.iter().map(|path| self.files.display(path).into()).collect();
        Some(document)
    }

    fn parsed(&self, path: &str) -> Parsed {
        if let Some(parsed) = self.cache.borrow().get(path) {
            return parsed.clone();
        }
        let parsed = self.parse(path);
        self.cache.borrow_mut().insert(path.to_owned(), parsed.clone());
        parsed
    }

    fn parse(&self, path: &str) -> Parsed {
        let content = match self.files.read(path) {
            Ok(None) => return Parsed::Missing,
            Ok(Some(content)) if content.len() <= MAX_FILE_BYTES => Ok(content),
            Ok(Some(_)) => Err(ProblemKind::FileTooLarge),
            Err(error) => Err(ProblemKind::Unreadable { error: error.to_string() }),
        };
        let text = content.and_then(|content| {
            String::from_utf8(content)
                .map_err(|error| ProblemKind::NotUtf8 { offset: error.utf8_error().valid_up_to() })
        });
        let name: Arc<str> = self.files.display(path).into();
        match text {
            Ok(text) => Parsed::File(Arc::new(parse(&name, &text))),
            Err(kind) => Parsed::Failed(Problem::error(kind, Some(Origin::given(name)))),
        }
    }
}

/// A walk through the includes of one set.
struct Walk<'l, 'f> {
    loader: &'l Loader<'f>,
    document: Document,
    order: Vec<Arc<ParsedFile>>,
    visits: usize,
}

impl Walk<'_, '_> {
    /// Takes in the files at `paths`, each followed by the `.local` file beside it. `above` are the files whose include this
    /// is, `from` is its line.
    fn expand(&mut self, paths: &[String], above: &[&str], from: Option<&Origin>) {
        for path in paths {
            if !self.file(path, above)
                && let Some(from) = from
            {
                self.document.missing.push((path.clone(), from.clone()));
            }
            let local = local_companion(path);
            if !paths.contains(&local) {
                self.file(&local, above);
            }
        }
    }

    /// Takes in one file: what it includes before, itself, what it includes after. False if there is no such file.
    fn file(&mut self, path: &str, above: &[&str]) -> bool {
        self.visits += 1;
        if self.visits > MAX_FILES {
            self.document.problems.push(Problem::error(ProblemKind::TooManyFiles, None));
            return true;
        }
        let file = match self.loader.parsed(path) {
            Parsed::Missing => return false,
            Parsed::Failed(problem) => {
                self.document.problems.push(problem);
                return true;
            }
            Parsed::File(file) => file,
        };
        let above = [above, &[path]].concat();
        self.includes(&file, "before", &above);
        self.order.push(Arc::clone(&file));
        self.includes(&file, "after", &above);
        true
    }

    fn includes(&mut self, file: &ParsedFile, option: &str, above: &[&str]) {
        let Some((includer, outer)) = above.split_last() else { return };
        for line in self.include_lines(file, option) {
            let path = resolve(parent(includer), &line.text);
            // A loop is left where it would close. A file that includes itself is read twice, as by fail2ban.
            if outer.contains(&path.as_str()) {
                continue;
            }
            if above.len() >= MAX_INCLUDE_DEPTH {
                self.document.problems.push(Problem::error(ProblemKind::IncludeDepth, Some(line.origin)));
                return;
            }
            self.expand(&[path], above, Some(&line.origin));
        }
    }

    fn include_lines(&mut self, file: &ParsedFile, option: &str) -> Vec<Line> {
        // `%(name)s` works here too, but knows this one file only.
        let mut alone = Document::default();
        let Some(includes) = file.sections.get(INCLUDES) else { return Vec::new() };
        alone.defaults.clone_from(&file.defaults);
        alone.sections.insert(INCLUDES.to_owned(), includes.clone());
        let value = Scope::section(&alone, INCLUDES).get(option, &mut Budget::new(MAX_WORK));
        match value {
            Ok(value) => value.map(|value| value.lines().collect()).unwrap_or_default(),
            Err(fault) => {
                self.document.problems.push(fault.into_problem(INCLUDES, option));
                Vec::new()
            }
        }
    }
}

/// The `.local` file that goes with `path`: its extension, if it has one, replaced.
fn local_companion(path: &str) -> String {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let stem = name
        .trim_start_matches('.')
        .rsplit_once('.')
        .map_or(name.len(), |(_, extension)| name.len().saturating_sub(extension.len() + 1));
    let end = path.len().saturating_sub(name.len()) + stem;
    format!("{}.local", path.get(..end).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::Embedded;

    fn order(files: &'static [(&'static str, &'static str)], base: &str) -> Vec<String> {
        let files = Embedded(files);
        let loader = Loader::new(&files);
        let layers = loader.layers(base, &mut Problems::default());
        let document = loader.load(&layers).expect("files");
        assert!(document.problems.is_empty(), "{}", document.problems);
        document.files.iter().map(|name| name.replace("(built in)/", "")).collect()
    }

    #[test]
    fn the_layers_of_a_set() {
        let files = &[
            ("jail.local", ""),
            ("jail.conf", ""),
            ("jail.d/b.conf", ""),
            ("jail.d/a.local", ""),
            ("jail.d/a.conf", ""),
            ("jail.d/.hidden.conf", ""),
            ("jail.d/readme", ""),
        ];
        assert_eq!(
            order(files, "jail"),
            ["jail.conf", "jail.d/a.conf", "jail.d/b.conf", "jail.local", "jail.d/a.local"]
        );
    }

    #[test]
    fn includes_stand_around_the_file_and_locals_come_last() {
        let files = &[
            ("f.d/n.conf", "[INCLUDES]\nbefore = one.conf\n  sub/two.conf\nafter = late.conf\n"),
            ("f.d/n.local", "[INCLUDES]\nbefore = three\n"),
            ("f.d/one.conf", "[INCLUDES]\nbefore = gone.conf\nafter = one.local"),
            ("f.d/one.local", ""),
            ("f.d/sub/two.conf", "[INCLUDES]\nbefore = ../one.conf"),
            ("f.d/three", ""),
            ("f.d/three.local", ""),
            ("f.d/late.conf", ""),
            ("f.d/late.local", ""),
        ];
        let expected = [
            "f.d/one.conf",
            "f.d/one.local",
            "f.d/one.local", // `after`, then as companion
            "f.d/one.conf",
            "f.d/one.local",
            "f.d/one.local",
            "f.d/sub/two.conf",
            "f.d/n.conf",
            "f.d/late.conf",
            "f.d/late.local",
            "f.d/three",
            "f.d/three.local",
            "f.d/n.local",
        ];
        assert_eq!(order(files, "f.d/n"), expected);
    }

    #[test]
    fn loops_end() {
        let files = &[
            ("a.conf", "[INCLUDES]\nbefore = b.conf"),
            ("b.conf", "[INCLUDES]\nbefore = c.conf\nafter = a.conf"),
            ("c.conf", "[INCLUDES]\nafter = ./b.conf"),
        ];
        assert_eq!(order(files, "a"), ["c.conf", "b.conf", "a.conf"]);
        assert_eq!(order(&[("a.conf", "[INCLUDES]\nbefore = a.conf")], "a"), ["a.conf", "a.conf"]);
    }

    #[test]
    fn an_include_may_be_interpolated() {
        let files = &[
            ("a.conf", "[DEFAULT]\ndistro = x\n[INCLUDES]\nbefore = paths-%(distro)s.conf"),
            ("paths-x.conf", ""),
        ];
        assert_eq!(order(files, "a"), ["paths-x.conf", "a.conf"]);
    }

    #[test]
    fn a_tree_of_includes_is_cut() {
        let double = "[INCLUDES]\nbefore = x/a.conf\nafter = x/a.conf";
        #[derive(Debug)]
        struct Endless(&'static str);
        impl ConfFiles for Endless {
            fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
                Ok(path.ends_with(".conf").then(|| self.0.into()))
            }
            fn list(&self, _: &str) -> std::io::Result<Vec<String>> {
                Ok(Vec::new())
            }
            fn display(&self, path: &str) -> String {
                path.into()
            }
        }
        let files = Endless(double);
        let document = Loader::new(&files).load(&["a.conf".into()]).expect("files");
        let found: Vec<_> = document.problems.iter().map(|p| p.kind.clone()).collect();
        assert!(found.contains(&ProblemKind::IncludeDepth) && found.contains(&ProblemKind::TooManyFiles));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let bytes = Embedded(&[("a.conf", "[INCLUDES]\nbefore = big.conf")]);
        #[derive(Debug)]
        struct Broken(Embedded);
        impl ConfFiles for Broken {
            fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
                match path {
                    "big.conf" => Ok(Some(vec![b'#'; MAX_FILE_BYTES + 1])),
                    "big.local" => Ok(Some(b"[S]\na=\xff".to_vec())),
                    "a.local" => Err(std::io::ErrorKind::PermissionDenied.into()),
                    path => self.0.read(path),
                }
            }
            fn list(&self, dir: &str) -> std::io::Result<Vec<String>> {
                self.0.list(dir)
            }
            fn display(&self, path: &str) -> String {
                path.into()
            }
        }
        let files = Broken(bytes);
        let document = Loader::new(&files).load(&["a.conf".into()]).expect("files");
        let found: Vec<_> = document.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "big.conf: expected a file of at most 1048576 bytes",
                "big.local: expected UTF-8, got another byte at offset 6",
                "a.local: cannot read file: permission denied",
            ]
        );
    }

    #[test]
    fn companions() {
        assert_eq!(local_companion("a.d/common.conf"), "a.d/common.local");
        assert_eq!(local_companion("a.d/common"), "a.d/common.local");
        assert_eq!(local_companion("a.d/.hidden"), "a.d/.hidden.local");
        assert_eq!(local_companion("x.y.conf"), "x.y.local");
    }
}
