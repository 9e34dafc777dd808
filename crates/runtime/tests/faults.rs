//! What a daemon does and says when the world is not as it should be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

#[path = "faults/configuration.rs"]
mod configuration;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/rights.rs"]
mod rights;
#[path = "faults/store.rs"]
mod store;
mod support;

/// One jail that reads `auth.log` of the folder.
const JAILS: &str = "[sshd]\nenabled = true\nlogpath = {at}/auth.log\nbackend = files\nmaxretry = 5\n\
                     findtime = 1d\nbantime = 1w\n";

#[test]
#[ignore = "not a test: the process that the others start"]
fn daemon_process() {
    support::be_the_daemon();
}

/// Whether this test may become another user; says so if not.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}
