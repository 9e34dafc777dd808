//! The daemon's process: this very test binary, which in it does nothing but run the daemon.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use stockade_runtime::daemon::RunOptions;

use super::alone;
use super::namespace::Namespace;

/// Set in the process that is the daemon: its folder.
const FOLDER: &str = "STOCKADE_TEST_DAEMON_FOLDER";
/// The test that is the daemon in that process. Every binary that starts daemons has one, ignored, of this name.
const ROLE: &str = "daemon_process";

/// A daemon in a process of its own. It ends with this value, and with the process that started it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts one. What it says on standard error is appended to the file `said` of the folder.
    pub(super) fn spawn(folder: &Path, own: &Path, wrapper: &[&str], namespace: Option<&Namespace>) -> Self {
        let mut words = wrapper.iter().map(std::ffi::OsStr::new).chain([own.as_os_str()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(["--exact", ROLE, "--ignored", "--nocapture", "--test-threads=1"]);
        let said = OpenOptions::new().create(true).append(true).open(folder.join("said")).unwrap();
        // Its end of the pipe ends when we do, however that happens.
        command.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        let child = match namespace {
            Some(namespace) => namespace.run(|| command.spawn()),
            None => command.spawn(),
        };
        Self { child: child.unwrap() }
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, of which it was told otherwise.
    pub fn wait(mut self) -> ExitStatus {
        super::wait_for("the daemon's end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the test [`ROLE`] does: runs the daemon and ends the process.
#[expect(clippy::expect_used, reason = "a test may fail loudly")]
pub fn be_the_daemon() {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from).expect("other tests start this one");
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(9);
    });
    let code = alone::run(&folder.join("etc"), &RunOptions::default());
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}
