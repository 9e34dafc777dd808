//! Network namespaces for tests: without a name, so that nothing is left when a test ends, however it ends.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test, or the line that says why one was skipped"
)]

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// A network namespace of its own. It lives as long as this value and the sockets opened in it.
#[derive(Debug)]
pub struct Namespace {
    handle: File,
}

impl Namespace {
    /// A new, empty one with its loopback up. `None`, and one line that says so, where that is not possible.
    pub fn new() -> Option<Self> {
        let thread = std::thread::spawn(|| {
            // SAFETY: only the network namespace of this thread changes; descriptors stay shared.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.map_err(std::io::Error::from)?;
            File::open("/proc/thread-self/ns/net")
        });
        let handle = match thread.join().unwrap() {
            Ok(handle) => handle,
            Err(error) => {
                eprintln!("skipped: a network namespace of its own needs root: {error}");
                return None;
            }
        };
        let namespace = Self { handle };
        for program in ["ip", "nft"] {
            let found = Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if let Err(error) = found {
                eprintln!("skipped: cannot run `{program}`, the judge of this test: {error}");
                return None;
            }
        }
        namespace.ip("link set lo up");
        Some(namespace)
    }

    /// Runs `work` in a thread inside the namespace. Sockets opened there stay in it, and so do programs.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let inside = || {
                move_into_link_name_space(self.handle.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            };
            scope.spawn(inside).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs a program inside that must succeed; what it said.
    pub fn program(&self, name: &str, arguments: &[&str], input: &str) -> String {
        self.try_program(name, arguments, input)
            .unwrap_or_else(|error| panic!("`{name} {}` with `{input}`: {error}", arguments.join(" ")))
    }

    /// Runs a program inside; what it said, or what it complained of.
    pub fn try_program(&self, name: &str, arguments: &[&str], input: &str) -> Result<String, String> {
        let output = self.run(|| {
            let mut command = Command::new(name);
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        });
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// `ip` with these words.
    pub fn ip(&self, words: &str) {
        self.program("ip", &words.split(' ').collect::<Vec<_>>(), "");
    }

    /// `nft -f -` with this text.
    pub fn nft(&self, text: &str) {
        self.program("nft", &["-f", "-"], text);
    }

    /// What `nft` lists for these words, `-s` (no counters) included.
    pub fn nft_list(&self, words: &str) -> String {
        let words: Vec<&str> = ["-s", "list"].into_iter().chain(words.split(' ')).collect();
        self.program("nft", &words, "")
    }

    /// A cable from `here` in this namespace to `there` in another one.
    pub fn cable(&self, here: &str, other: &Self, there: &str) {
        let path = format!("/proc/{}/fd/{}", std::process::id(), other.handle.as_raw_fd());
        self.ip(&format!("link add {here} type veth peer name {there} netns {path}"));
        self.ip(&format!("link set {here} up"));
        other.ip(&format!("link set {there} up"));
    }

    /// Gives an interface an address that can be used at once.
    pub fn address(&self, interface: &str, address: &str) {
        let nodad = if address.contains(':') { " nodad" } else { "" };
        self.ip(&format!("addr add {address} dev {interface}{nodad}"));
    }
}
