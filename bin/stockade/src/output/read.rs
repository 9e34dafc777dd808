//! The end of an answer about the past: which time it spans, and how much was read how fast.

use std::io::{self, Write};
use std::time::Duration;

use stockade_core::Timestamp;

use super::style::HEAD;
use super::text::count;
use super::time::Clock;

/// How much was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    /// Lines, or events.
    pub(crate) things: u64,
    /// What one of them is called.
    pub(crate) noun: &'static str,
    /// What they are called behind a speed; empty where the noun before says it.
    pub(crate) unit: &'static str,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
}

/// Prints both lines.
pub(crate) fn print(
    out: &mut impl Write,
    clock: &Clock,
    span: Option<(Timestamp, Timestamp)>,
    amount: Amount,
) -> io::Result<()> {
    if let Some((first, last)) = span {
        let (first, last) = (clock.show(first), clock.show(last));
        writeln!(out, "{HEAD}time{HEAD:#}: {first} to {last} ({})", clock.zone())?;
    }
    let Amount { things, noun, unit, files, bytes, elapsed } = amount;
    let seconds = elapsed.as_secs_f64().max(1e-6);
    #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
    let (speed, bytes) = (things as f64 / seconds, bytes as f64 / seconds);
    writeln!(
        out,
        "{HEAD}read{HEAD:#}: {} of {} in {seconds:.2} s ({}{unit}/s, {:.0} MB/s)",
        count(things, noun),
        count(files, "file"),
        rate(speed),
        bytes / 1e6,
    )
}

/// So many a second: `3.21 M`.
fn rate(speed: f64) -> String {
    match speed {
        1e6.. => format!("{:.2} M", speed / 1e6),
        1e4.. => format!("{:.0} k", speed / 1e3),
        _ => format!("{speed:.0}"),
    }
}
