//! fail2ban as the judge: what it makes of a configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use stockade_filter::conf::dump::{self, Command as Order, Datum};
use stockade_filter::conf::{Directory, Reader, Which};

const STOCK: &str = "/etc/fail2ban";
/// The version of fail2ban that is the judge; other versions know other options.
pub(crate) const VERSION: &str = "1.0.2";

/// A copy of the stock configuration.
pub(crate) struct Copy(tempfile::TempDir);

impl Copy {
    /// `None`, with a line that says why, if there is no fail2ban to compare with.
    pub(crate) fn new() -> Option<Self> {
        let version = Command::new("fail2ban-client").arg("--version").output();
        let version =
            version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        if !version.contains(VERSION) || !Path::new(STOCK).is_dir() {
            eprintln!("skipped: fail2ban {VERSION} is not installed with its configuration in {STOCK}");
            return None;
        }
        let copy = Self(tempfile::tempdir().expect("a directory"));
        copy_dir(Path::new(STOCK), copy.root());
        Some(copy)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root().join(dir)).expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let path: PathBuf = entry.expect("an entry").path();
            let conf = path.extension().is_some_and(|extension| extension == "conf");
            conf.then(|| path.file_stem().expect("a name").to_string_lossy().into_owned())
        };
        let mut names: Vec<_> = entries.filter_map(name).collect();
        names.sort();
        names
    }

    /// Compares all commands, in their order; returns how many jails there were.
    pub(crate) fn compare(&self) -> usize {
        let judge = self.judge();
        let ours = self.ours();
        for (ours, judge) in ours.iter().zip(&judge) {
            assert_eq!(ours, judge, "ours is on the left");
        }
        assert_eq!(ours.len(), judge.len());
        judge.iter().filter(|command| command[0] == "add").count()
    }

    fn ours(&self) -> Vec<Json> {
        let files = Directory(self.root().to_owned());
        let reader = Reader::new(&files).with_version(VERSION);
        let main = reader.main().into_result().expect("main options").0;
        let jails = reader.jails(Which::Enabled);
        assert!(!jails.problems.has_errors(), "{}", jails.problems);
        for jail in jails.jails.iter().filter(|jail| jail.enabled) {
            assert!(!jail.problems.has_errors(), "{}", jail.problems);
        }
        // Which log files there are depends on the machine: see the test `log_paths`.
        let commands = [dump::main(&main), dump::jails(&jails, &mut |_| Vec::new(), &|_| false)].concat();
        commands.iter().map(|Order { words, .. }| json_of(words)).collect()
    }

    pub(crate) fn client(&self) -> Output {
        let root = self.root().to_str().expect("a path");
        Command::new("fail2ban-client").args(["-c", root, "-d"]).output().expect("fail2ban-client")
    }

    /// What fail2ban makes of the copy.
    fn judge(&self) -> Vec<Json> {
        let output = self.client();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "fail2ban-client: {errors}");
        // Its output is one Python list a line.
        let script = "import ast,json,sys\nfor l in sys.stdin: print(json.dumps(ast.literal_eval(l)))";
        let dump = self.root().join("dump");
        fs::write(&dump, &output.stdout).expect("a file");
        let input = fs::File::open(&dump).expect("a file");
        let python = Command::new("python3").args(["-c", script]).stdin(input).output().expect("python3");
        assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
        let mut commands = Vec::new();
        for line in String::from_utf8(python.stdout).expect("UTF-8").lines() {
            let mut command: Json = serde_json::from_str(line).expect("JSON");
            if command[2] == "addlogpath" {
                continue;
            }
            // For a file without [Definition], fail2ban lists every command as not set. We list those that are set.
            if let Some(Json::Array(properties)) =
                command.get_mut(4).filter(|_| line.starts_with("[\"multi-set"))
            {
                properties.retain(|property| !property[1].is_null());
            }
            assert_ne!(command[0], "config-error", "{command}");
            commands.push(command);
        }
        commands
    }
}

/// A list of values as JSON.
pub(crate) fn json_of(words: &[Datum]) -> Json {
    words.iter().map(json).collect()
}

fn json(datum: &Datum) -> Json {
    match datum {
        Datum::Nothing => Json::Null,
        Datum::Bool(value) => Json::from(*value),
        Datum::Number(value) => Json::from(*value),
        Datum::Text(text) => Json::from(text.as_str()),
        Datum::List(items) => json_of(items),
        Datum::Table(rows) => rows.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}
