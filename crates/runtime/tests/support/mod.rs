//! The daemon as a process of its own, in a folder of its own, and what the tests say to it.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]
#![allow(clippy::exit, reason = "one test is a program")]

use std::time::{Duration, Instant};

#[path = "../../examples/daemon.rs"]
mod alone;
#[path = "../../../respond/tests/support/namespace.rs"]
pub mod namespace;
mod process;
mod site;

#[allow(unused_imports, reason = "not every test binary runs the daemon")]
pub use process::{Daemon, be_the_daemon};
pub use site::Site;

/// How long anything may take that happens at once, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A log line as sshd's syslog daemon writes it now, in this machine's zone.
pub fn log_line(pid: u32, message: &str) -> String {
    let now = jiff::Zoned::now().strftime("%b %e %H:%M:%S");
    format!("{now} host sshd[{pid}]: {message}\n")
}

/// So many failed logins from an address, each on a connection of its own.
pub fn failures(address: &str, times: u32) -> String {
    let failed =
        |n| log_line(1000 + n, &format!("Failed password for root from {address} port {} ssh2", 40_000 + n));
    (0..times).map(failed).collect()
}
