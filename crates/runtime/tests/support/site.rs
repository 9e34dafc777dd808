//! A folder with all that a daemon needs: configuration, log, database and socket.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use stockade_core::Key;
use stockade_runtime::control::{Client, LiveBan, Request, Response, Status, Why};

use super::namespace::Namespace;
use super::process::Daemon;
use super::wait_for;

/// A folder with all that a daemon needs; it goes when the value does.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// Writes `jail.local` and `stockade.toml`, in which `{at}` stands for the folder, and an empty log.
    pub fn new(jails: &str, program: &str) -> Self {
        let site = Self { folder: tempfile::Builder::new().prefix("stockade-test-").tempdir().unwrap() };
        fs::set_permissions(site.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = site.folder.path().display().to_string();
        fs::create_dir(site.path("etc")).unwrap();
        fs::create_dir(site.path("state")).unwrap();
        let mut places = format!("socket = \"{at}/state/stockade.sock\"\n");
        if !program.contains("store = ") {
            places += &format!("store = \"{at}/state/stockade.db\"\n");
        }
        fs::write(site.path("etc/stockade.toml"), places + &program.replace("{at}", &at)).unwrap();
        fs::write(site.path("etc/jail.local"), jails.replace("{at}", &at)).unwrap();
        fs::write(site.log(), "").unwrap();
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> PathBuf {
        self.path("auth.log")
    }

    pub fn store(&self) -> PathBuf {
        self.path("state/stockade.db")
    }

    fn socket(&self) -> PathBuf {
        self.path("state/stockade.sock")
    }

    /// Starts a daemon that nothing is known of yet.
    pub fn spawn(&self, namespace: Option<&Namespace>) -> Daemon {
        self.spawn_by(&[], namespace)
    }

    /// The same, started by another program, such as `setpriv` with its options.
    pub fn spawn_by(&self, wrapper: &[&str], namespace: Option<&Namespace>) -> Daemon {
        Daemon::spawn(self.folder.path(), &std::env::current_exe().unwrap(), wrapper, namespace)
    }

    /// The same as another user, who may run nothing of ours but a copy.
    pub fn spawn_as(&self, wrapper: &[&str], namespace: Option<&Namespace>) -> Daemon {
        let copy = self.path("daemon");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        Daemon::spawn(self.folder.path(), &copy, wrapper, namespace)
    }

    /// Starts a daemon and waits until it answers.
    pub fn start(&self, namespace: Option<&Namespace>) -> Daemon {
        self.ready(self.spawn(namespace))
    }

    /// Waits until a daemon answers and reads the log, if the log can be read.
    pub fn ready(&self, mut daemon: Daemon) -> Daemon {
        wait_for("the daemon", || {
            assert!(!daemon.has_ended(), "the daemon ended:\n{}", self.said());
            self.try_status().filter(|status| !status.sources.is_empty()).map(drop)
        });
        daemon
    }

    pub fn ask(&self, request: &Request) -> Response {
        let client =
            Client::connect(&self.socket()).unwrap_or_else(|error| panic!("{error}\n{}", self.said()));
        let mut client = client;
        client.ask(request).unwrap_or_else(|error| panic!("{error}\n{}", self.said()))
    }

    /// What the daemon answers, if it answers yet.
    pub fn try_ask(&self, request: &Request) -> Option<Response> {
        Client::connect(&self.socket()).ok()?.ask(request).ok()
    }

    /// How the daemon is, if it answers yet.
    pub fn try_status(&self) -> Option<Box<Status>> {
        match self.try_ask(&Request::Status)? {
            Response::Status(status) => Some(status),
            _ => None,
        }
    }

    pub fn status(&self) -> Box<Status> {
        match self.ask(&Request::Status) {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn bans(&self) -> Vec<LiveBan> {
        match self.ask(&Request::Bans { jail: None }) {
            Response::Bans { bans } => bans,
            other => panic!("{other:?}"),
        }
    }

    pub fn ban(&self, key: &str) {
        let request = Request::Ban {
            keys: vec![key.parse().unwrap()],
            jail: None,
            span: None,
            reason: "a test".to_owned(),
        };
        self.change(&request);
    }

    pub fn unban(&self, key: &str) {
        let keys = vec![key.parse().unwrap()];
        self.change(&Request::Unban { keys, all: false, jail: None, reason: "a test".to_owned() });
    }

    fn change(&self, request: &Request) {
        match self.ask(request) {
            Response::Changed { changes }
                if !changes.is_empty() && changes.iter().all(|change| change.done) => {}
            other => panic!("{other:?}"),
        }
    }

    pub fn wait_banned(&self, key: &str) {
        let wanted: Key = key.parse().unwrap();
        wait_for("a ban", || self.bans().into_iter().find(|ban| ban.key == wanted));
    }

    /// Asks the daemon to stop, and waits until it has.
    pub fn stop(&self, daemon: Daemon, flush: bool) {
        self.ask(&Request::Stop { flush });
        assert!(daemon.wait().success(), "{}", self.said());
    }

    /// Appends to the log.
    pub fn write(&self, text: &str) {
        append(&self.log(), text);
    }

    /// What the daemons said so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("said")).unwrap_or_default()).into_owned()
    }

    /// How many lines of what they said contain all of these.
    pub fn lines_said(&self, parts: &[&str]) -> usize {
        self.said().lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }

    /// What is known of a key.
    pub fn why(&self, key: &str) -> Box<Why> {
        match self.ask(&Request::Why { key: key.parse().unwrap(), limit: 100 }) {
            Response::Why(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// Gives the folder that the daemon writes into to a user without rights.
    pub fn give_to_nobody(&self) {
        std::os::unix::fs::chown(self.path("state"), Some(65_534), Some(65_534)).unwrap();
    }
}

/// Appends to a file in one write.
pub fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}
