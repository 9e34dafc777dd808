//! A server of fail2ban in a folder of its own, whose actions do nothing.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = "/usr/bin/fail2ban-client";
const STOCK: &str = "/etc/fail2ban";

const SETTINGS: &str =
    "[Definition]\nlogtarget = {at}/log\ndbfile = None\nsocket = {at}/socket\npidfile = {at}/pid\n";
/// Its actions do nothing.
const JAILS: &str = "[DEFAULT]\nbantime = 86400\nbackend = polling\naction =\n\
                     [a]\nenabled = true\nfilter = sshd\nlogpath = {at}/auth.log\n";

/// A server without any action. It ends with this value.
#[derive(Debug)]
pub struct Server(tempfile::TempDir);

impl Server {
    /// `None`, with a line that says why, where there is no fail2ban.
    pub fn start() -> Option<Self> {
        let there = Path::new(PROGRAM).exists() && Path::new("/usr/bin/fail2ban-server").exists();
        if !there || !Path::new(STOCK).is_dir() {
            eprintln!("skipped: fail2ban is not installed with its configuration in {STOCK}");
            return None;
        }
        let server = Self(tempfile::tempdir().unwrap());
        let at = server.0.path().display().to_string();
        for folder in ["filter.d", "action.d"] {
            std::os::unix::fs::symlink(Path::new(STOCK).join(folder), server.0.path().join(folder)).unwrap();
        }
        fs::write(server.0.path().join("fail2ban.conf"), SETTINGS.replace("{at}", &at)).unwrap();
        fs::write(server.0.path().join("jail.conf"), JAILS.replace("{at}", &at)).unwrap();
        fs::write(server.0.path().join("auth.log"), "").unwrap();
        assert!(server.say(&["start"]).0);
        Some(server)
    }

    pub fn argv(&self) -> Vec<String> {
        let at = self.0.path().display();
        [PROGRAM, "-c", &format!("{at}"), "-s", &format!("{at}/socket"), "-p", &format!("{at}/pid")]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn say(&self, words: &[&str]) -> (bool, String) {
        let argv = self.argv();
        let output = Command::new(PROGRAM)
            .args(argv.get(1..).unwrap())
            .args(words)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    pub fn jail(&self, name: &str) {
        if name != "a" {
            assert!(self.say(&["add", name, "polling"]).0, "{name}");
            assert!(self.say(&["set", name, "bantime", "86400"]).0, "{name}");
            assert!(self.say(&["start", name]).0, "{name}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.say(&["stop"]);
    }
}
