//! Nanoseconds per call of the date reader, by the way the answer is found.
//!
//! `cargo run --release -p stockade-filter --example date_bench`
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use stockade_core::Timestamp;
use stockade_filter::date::{DatePatternError, DateReader, Zone};

/// How long each figure is measured. The fastest pass over the lines counts: the machine may have other things to do.
const SPAN: Duration = Duration::from_millis(1500);
/// Lines of one measurement; with a new second on each, none of them is in the reader's memory.
const LINES: u32 = 2048;

const ACCESS: &str = "^[^\\[]*\\[({DATE})\n{^LN-BEG}";

fn main() -> Result<(), DatePatternError> {
    println!("the same second again");
    same("syslog", "{^LN-BEG}", |_| {
        "Jun 14 12:00:00 host sshd[42]: Failed password for root from 192.0.2.7".into()
    })?;
    same("ISO 8601", "{^LN-BEG}", |_| {
        "2026-06-14T12:00:00.123456+02:00 host sshd[42]: Failed password".into()
    })?;
    same("access log", ACCESS, |n| {
        format!("192.0.2.{} - - [14/Jun/2026:12:00:00 +0200] \"GET / HTTP/1.1\" 404 162", n % 256)
    })?;
    same("templates, TAI64N", "{^LN-BEG}", |_| "@4000000050d506482dbdf024 imap-login: Info".into())?;
    println!("a new second each line, read by hand");
    each("syslog", "{^LN-BEG}", |n| format!("Jun 14 {} host sshd[42]: Failed password for root", clock(n)))?;
    each("ISO 8601, no zone", "{^LN-BEG}", |n| {
        format!("2026-06-14 {},123 host sshd[42]: Failed password", clock(n))
    })?;
    each("ISO 8601, zone", "{^LN-BEG}", |n| {
        format!("2026-06-14T{}.123456+02:00 host sshd[42]: Failed", clock(n))
    })?;
    each("asctime in brackets", "{^LN-BEG}", |n| {
        format!("[Sun Jun 14 {}.123456 2026] [error] client denied", clock(n))
    })?;
    each("access log", ACCESS, |n| {
        format!("192.0.2.7 - - [14/Jun/2026:{} +0200] \"GET / HTTP/1.1\" 404 162", clock(n))
    })?;
    println!("a new second each line, by the templates");
    each("hour of one digit", "{^LN-BEG}", |n| {
        format!("Jun 14  {} host sshd[42]: Failed password", clock(n).split_off(1))
    })?;
    each("named", "{^LN-BEG}", |n| {
        format!("14-Jun-2026 {}.252 client 192.0.2.7#4242: query denied", clock(n))
    })?;
    each("Tomcat", "{^LN-BEG}", |n| format!("Jun 14, 2026 1{} AM org.apache Failed", clock(n).split_off(1)))?;
    each("x11vnc", "{^LN-BEG}", |n| format!("14/06/2026 {} Got connection from client", clock(n)))?;
    each("epoch", "EPOCH", |n| format!("type=USER_AUTH msg=audit(17814{n:05}.123:42): pid=1"))?;
    each("in the line", "{DEFAULT}", |n| {
        format!("host sshd[42]: at 2026-06-14 {} Failed password for root", clock(n))
    })?;
    println!("no date");
    each("at the start", "{^LN-BEG}", |n| {
        format!("host sshd[42]: Failed password for root from 192.0.2.7 port {n} ssh2")
    })?;
    each("anywhere in 70 bytes", "{DEFAULT}", |n| {
        format!("host sshd[42]: Failed password for root from 192.0.2.7 port {n} ssh2")
    })?;
    each("anywhere in 1 MB", "{DEFAULT}", |n| {
        format!("{n} {}", "long ".repeat(if n < 4 { 200_000 } else { 300 }))
    })?;
    compile("all defaults", "")?;
    compile("{^LN-BEG}", "{^LN-BEG}")?;
    compile("access log", ACCESS)
}

/// Every line with its own number, so that lines may differ after the date.
fn same(name: &str, datepattern: &str, line: impl Fn(u32) -> String) -> Result<(), DatePatternError> {
    measure(name, datepattern, line)
}

fn each(name: &str, datepattern: &str, line: impl Fn(u32) -> String) -> Result<(), DatePatternError> {
    measure(name, datepattern, line)
}

fn measure(name: &str, datepattern: &str, line: impl Fn(u32) -> String) -> Result<(), DatePatternError> {
    let lines: Vec<String> = (0..LINES).map(line).collect();
    let zone = Zone::parse("Europe/Berlin").unwrap_or(Zone::UTC);
    let mut reader = DateReader::new(Some(datepattern), zone)?;
    let now = Timestamp::from_secs(1_782_000_000);
    let mut found = 0;
    let (start, mut best) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < SPAN {
        let pass = Instant::now();
        for line in &lines {
            found += usize::from(black_box(reader.find(black_box(line.as_bytes()), now)).is_some());
        }
        best = best.min(pass.elapsed().as_secs_f64() * 1e9 / f64::from(LINES));
    }
    println!("  {name:24} {best:8.1} ns   {}", if found > 0 { "date" } else { "none" });
    Ok(())
}

fn compile(name: &str, datepattern: &str) -> Result<(), DatePatternError> {
    let start = Instant::now();
    let reader = black_box(DateReader::new(Some(datepattern), Zone::UTC)?);
    println!("  compile {name:16} {:8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    drop(reader);
    Ok(())
}

/// A time of day that differs from line to line, before ten in the morning.
fn clock(n: u32) -> String {
    let n = n.wrapping_mul(7919) % 36_000;
    format!("{:02}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60)
}
