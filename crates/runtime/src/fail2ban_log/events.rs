//! What is told, in fail2ban's words.

use std::time::Duration;

use stockade_config::LogLevel;
use stockade_core::{Key, Timestamp};

use super::{Fail2banLog, text};

/// A failure so soon after a ban was on its way before it.
const ON_ITS_WAY: Duration = Duration::from_secs(3);
/// A failure so long after a ban means that the ban does not hold.
const DOES_NOT_HOLD: Duration = Duration::from_secs(60);

impl Fail2banLog {
    /// A match that counts.
    pub(crate) fn found(&self, jail: &str, key: &Key, time: Timestamp) {
        if self.enabled(LogLevel::Info) {
            let date = self.date(time);
            self.write(LogLevel::Info, "filter", &format!("[{jail}] Found {key} - {date}"));
        }
    }

    /// A match of a known offender, which counts `weight` times because there were `before` bans.
    pub(crate) fn found_bad(
        &self,
        jail: &str,
        key: &Key,
        time: Timestamp,
        before: u32,
        weight: u32,
        maxretry: u32,
    ) {
        if self.enabled(LogLevel::Info) {
            let date = self.date(time);
            // As Python writes the half of a power of two, unless it was cut.
            let counted = if weight <= maxretry { format!("{weight}.0") } else { maxretry.to_string() };
            let ban = if weight >= maxretry { ", Ban" } else { "" };
            let message = format!("[{jail}] Found {key}, bad - {date}, {before} # -> {counted}{ban}");
            self.write(LogLevel::Info, "observer", &message);
        }
    }

    /// A failure that somebody reported by command.
    pub(crate) fn attempted(&self, jail: &str, key: &Key, time: Timestamp) {
        if self.enabled(LogLevel::Info) {
            let date = self.date(time);
            self.write(LogLevel::Info, "filter", &format!("[{jail}] Attempt {key} - {date}"));
        }
    }

    /// A match that does not count; `by` says why: `ip`, `dns`, `ignoreself rule`, …
    pub(crate) fn ignored(&self, jail: &str, key: &Key, by: &str) {
        if self.enabled(LogLevel::Info) {
            self.write(LogLevel::Info, "filter", &format!("[{jail}] Ignore {key} by {by}"));
        }
    }

    /// A ban.
    pub(crate) fn banned(&self, jail: &str, key: &Key) {
        self.action(LogLevel::Notice, &format!("[{jail}] Ban {key}"));
    }

    /// A ban of before this process, or of another program, which goes on.
    pub(crate) fn restored(&self, jail: &str, key: &Key) {
        self.action(LogLevel::Notice, &format!("[{jail}] Restore Ban {key}"));
    }

    /// The end of a ban.
    pub(crate) fn unbanned(&self, jail: &str, key: &Key) {
        self.action(LogLevel::Notice, &format!("[{jail}] Unban {key}"));
    }

    /// A ban that is over before it begins.
    pub(crate) fn expired(&self, jail: &str, key: &Key) {
        self.action(LogLevel::Info, &format!("[{jail}] Ignore {key}, expired bantime"));
    }

    /// A failure that would ban whom a ban keeps out already, so long after it began.
    pub(crate) fn already_banned(&self, jail: &str, key: &Key, after: Duration) {
        let level = match after {
            after if after < ON_ITS_WAY => LogLevel::Debug,
            after if after < DOES_NOT_HOLD => LogLevel::Notice,
            _ => LogLevel::Warning,
        };
        self.action(level, &format!("[{jail}] {key} already banned"));
    }

    /// The ban that was just told is longer than usual, because it is the `nth`.
    pub(crate) fn increased(&self, jail: &str, key: &Key, nth: u32, length: Duration, until: Timestamp) {
        if self.enabled(LogLevel::Notice) {
            let (length, until) = (text::span(length), self.date(until));
            let message = format!("[{jail}] Increase Ban {key} ({nth} # {length} -> {until})");
            self.write(LogLevel::Notice, "observer", &message);
        }
    }

    /// A jail begins to work.
    pub(crate) fn started(&self, jail: &str) {
        self.write(LogLevel::Info, "jail", &format!("Jail '{jail}' started"));
    }

    /// A jail stops working.
    pub(crate) fn stopped(&self, jail: &str) {
        self.write(LogLevel::Info, "jail", &format!("Jail '{jail}' stopped"));
    }

    /// Something about the program as a whole.
    pub(crate) fn server(&self, message: &str) {
        self.write(LogLevel::Info, "server", message);
    }

    fn action(&self, level: LogLevel, message: &str) {
        self.write(level, "actions", message);
    }
}
