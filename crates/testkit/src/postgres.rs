//! A real PostgreSQL server for tests, with a database for each.
//!
//! `STOCKADE_TEST_POSTGRES` names one that runs already (as `dev/postgres start` prints it); else each test process
//! starts its own, which ends with it. A test that stops its server has one of its own in any case.

#![expect(clippy::expect_used, clippy::panic, reason = "what a test needs and does not get is a failed test")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to start, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where PostgreSQL's clients look unless told otherwise.
const PORT: u16 = 5432;

/// A server of one test.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

/// Where a database is.
#[derive(Clone, Debug)]
pub struct Database {
    /// The address of its server, without a database.
    server: String,
    /// Its name.
    pub name: String,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It ends all sessions and writes everything down.
    Fast,
    /// It ends all sessions and nothing else, as in a crash.
    Immediate,
}

impl Server {
    /// Starts a server; `None`, with a line on standard error, where none is installed. A setting is
    /// `name=value`.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::start_at(PORT, settings)
    }

    /// Like [`Server::start`], at this port.
    pub fn start_at(port: u16, settings: &[&str]) -> Option<Self> {
        let folder = fresh_folder();
        let settings = settings.iter().map(|s| (*s).to_owned()).chain([format!("port={port}")]);
        let mut server = Self { folder, port, settings: settings.collect(), child: None };
        if !is_installed() {
            say("skipped: no PostgreSQL server is installed, see dev/setup");
            return None;
        }
        server.go();
        Some(server)
    }

    /// Starts it again.
    ///
    /// # Panics
    /// If it does not start.
    pub fn go(&mut self) {
        let mut command = Command::new(script());
        command.arg("run").arg(&self.folder).args(&self.settings).stdin(Stdio::null());
        // A server ends with the thread that started it: this one has to outlive it.
        self.child = Some(from_a_lasting_thread(command));
        let until = Instant::now() + PATIENCE;
        while !self.is_ready() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("the PostgreSQL server does not start: {log}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it and waits for its end.
    pub fn stop(&mut self, how: Stop) {
        let Some(mut child) = self.child.take() else { return };
        let signal = if how == Stop::Fast { "-INT" } else { "-QUIT" };
        signal_to(child.id(), signal);
        let _ = child.wait();
    }

    /// Stops all of its processes where they are, or lets them go on: a server that hangs.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let Some(child) = &self.child else { return };
        let listed = Command::new("ps").args(["-o", "pid=", "--ppid", &child.id().to_string()]).output();
        let pids = listed.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
        for pid in pids.split_whitespace().filter_map(|pid| pid.parse().ok()).chain([child.id()]) {
            signal_to(pid, signal);
        }
    }

    /// A new, empty database.
    pub fn database(&self) -> Database {
        Database::new(&self.address())
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn address(&self) -> String {
        format!(
            "postgresql://postgres@{}:{}",
            self.folder.display().to_string().replace('/', "%2F"),
            self.port
        )
    }

    fn is_ready(&self) -> bool {
        let url = format!("{}/postgres", self.address());
        quiet(Command::new("psql").args(["-q", "-c", "SELECT 1", &url]))
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.freeze(false);
        self.stop(Stop::Immediate);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Database {
    fn new(server: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Self { server: server.to_owned(), name: "postgres".to_owned() };
        database.sql(&format!("CREATE DATABASE {name}"));
        Self { name, ..database }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// What `psql` answers, without any decoration.
    ///
    /// # Panics
    /// If it answers an error.
    pub fn sql(&self, text: &str) -> String {
        let output = Command::new("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, &self.url()])
            .output()
            .expect("psql");
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }
}

/// A new, empty database of the server that all tests of this process share; `None` where none is installed.
pub fn database() -> Option<Database> {
    static SHARED: OnceLock<Option<Mutex<Server>>> = OnceLock::new();
    if let Ok(address) = std::env::var("STOCKADE_TEST_POSTGRES") {
        return Some(Database::new(&address));
    }
    let shared = SHARED.get_or_init(|| Server::start(&[]).map(Mutex::new)).as_ref()?;
    Some(shared.lock().expect("a server").database())
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/postgres")
}

fn is_installed() -> bool {
    let found = quiet(Command::new(script()).arg("stop").arg("/nonexistent")).status();
    found.is_ok_and(|status| status.code() != Some(3))
        && quiet(Command::new("psql").arg("-V")).status().is_ok()
}

/// A folder of this process; those of processes that are gone are removed.
fn fresh_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let base = std::env::temp_dir().join("stockade-test-postgres");
    std::fs::create_dir_all(&base).expect("a folder for servers");
    for entry in std::fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.split('-').next().unwrap_or_default().to_owned();
        if !Path::new("/proc").join(pid).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    base.join(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn from_a_lasting_thread(mut command: Command) -> Child {
    let (give, taken) = mpsc::channel();
    thread::spawn(move || {
        let _ = give.send(command.spawn().expect("dev/postgres"));
        loop {
            thread::park();
        }
    });
    taken.recv().expect("a server")
}

fn signal_to(pid: u32, signal: &str) {
    let _ = quiet(Command::new("kill").args([signal, &pid.to_string()])).status();
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
