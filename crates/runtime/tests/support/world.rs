//! A daemon on a thread of its own, in a folder of its own.

#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "every test binary uses a part of it"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stockade_config::{Paths, load};
use stockade_core::Key;
use stockade_runtime::control::{Client, LiveBan, Request, Response, Status};
use stockade_runtime::daemon::{self, DaemonError, RunOptions};

pub struct World {
    folder: tempfile::TempDir,
    daemon: Option<JoinHandle<Result<(), DaemonError>>>,
}

impl World {
    pub fn new(jails: &str, program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display().to_string();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/jail.local"), jails.replace("{at}", &at)).unwrap();
        let program = format!("[responders.dry]\nkind = \"dry-run\"\n{}", program.replace("{at}", &at));
        fs::write(folder.path().join("etc/stockade.toml"), program).unwrap();
        fs::write(folder.path().join("auth.log"), "").unwrap();
        let mut world = Self { folder, daemon: None };
        world.start();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn start(&mut self) {
        let options = RunOptions {
            store: Some(self.path("stockade.db").into()),
            socket: Some(self.path("stockade.sock")),
            ..RunOptions::default()
        };
        let etc = self.path("etc");
        self.daemon = Some(thread::spawn(move || daemon::run(&move || read(&etc), &options)));
        wait_for("the socket", || {
            if self.daemon.as_ref().is_some_and(JoinHandle::is_finished) {
                panic!("the daemon ended: {:?}", self.daemon.take().map(JoinHandle::join));
            }
            Client::connect(&self.path("stockade.sock")).ok()
        });
    }

    pub fn ask(&self, request: &Request) -> Response {
        Client::connect(&self.path("stockade.sock")).unwrap().ask(request).unwrap()
    }

    pub fn stop(&mut self) {
        self.ask(&Request::Stop { flush: false });
        self.daemon.take().unwrap().join().unwrap().unwrap();
    }

    pub fn write(&self, lines: &[String]) {
        let mut file = fs::OpenOptions::new().append(true).open(self.path("auth.log")).unwrap();
        file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    }

    pub fn bans(&self) -> Vec<LiveBan> {
        match self.ask(&Request::Bans { jail: None }) {
            Response::Bans { bans } => bans,
            other => panic!("{other:?}"),
        }
    }

    pub fn status(&self) -> Box<Status> {
        match self.ask(&Request::Status) {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn wait_banned(&self, key: &str) -> LiveBan {
        let key: Key = key.parse().unwrap();
        wait_for("a ban", || self.bans().into_iter().find(|ban| ban.key == key))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.daemon.is_some() && !thread::panicking() {
            self.stop();
        }
    }
}

fn read(etc: &Path) -> Result<stockade_config::Config, stockade_config::Problems> {
    load(&Paths { directory: Some(etc.to_owned()), ..Paths::default() }, &|_| None)
}

pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A failed login, now.
pub fn failed(address: &str, pid: u32) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = stockade_runtime::show_time(stockade_core::Timestamp::from_secs(i64::try_from(now).unwrap()));
    format!("{now} host sshd[{pid}]: Failed password for root from {address} port 4711 ssh2")
}

pub fn failures(address: &str, times: u32) -> Vec<String> {
    (0..times).map(|n| failed(address, n + 1)).collect()
}

pub const JAILS: &str = "[DEFAULT]\nignoreip = 192.0.2.250\n\n[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 5\n\n[recidive]\nenabled = true\nmaxretry = 2\n";
