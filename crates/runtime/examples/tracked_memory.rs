//! How many bytes a jail needs for each address that it watches.
//!
//! ```sh
//! cargo run --release -p stockade-runtime --example tracked_memory -- ADDRESSES v4|v6 TIMES MAXRETRY
//! ```
//!
//! Prints what was asked of the allocator and not given back, the most of it at any time, and by how much the process
//! grew: all in bytes per address. One case per process, so that none uses the memory of another again.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a program for measuring"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use stockade_core::window::Threshold;
use stockade_core::windows::Windows;
use stockade_core::{Key, Timestamp};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|n| n.parse::<u32>().ok());
    let address = match args.get(1).map(String::as_str) {
        Some("v4") => v4 as fn(u32) -> IpAddr,
        Some("v6") => v6,
        _ => return usage(),
    };
    let (Some(addresses), Some(times), Some(maxretry)) =
        (number(0), number(2), number(3).and_then(NonZeroU32::new))
    else {
        return usage();
    };
    let threshold = Threshold { maxretry, findtime: Duration::from_secs(600) };
    let start = Timestamp::from_secs(1_800_000_000);
    let (before, resident) = (LIVE.load(Relaxed), resident_bytes());
    PEAK.store(before, Relaxed);
    let mut windows = Windows::new(addresses as usize);
    // As in the daemon, which stores what changed after each batch.
    windows.track_changes();
    for round in 0..times {
        for n in 0..addresses {
            let time = start.plus(Duration::from_millis(u64::from(round) * 1000 + u64::from(n) % 1000));
            windows.observe(&Key::addr(address(n)), time, 1, threshold, time);
            if n % 1000 == 0 {
                windows.take_changes(|_, _| {});
            }
        }
    }
    assert_eq!(windows.len(), addresses as usize, "addresses that were forgotten or banned");
    let per = |bytes: usize| bytes as f64 / f64::from(addresses);
    let held = per(LIVE.load(Relaxed) - before);
    let peak = per(PEAK.load(Relaxed) - before);
    println!("{held:.1} {peak:.1} {:.1}", per(resident_bytes().saturating_sub(resident)));
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: tracked_memory ADDRESSES v4|v6 TIMES MAXRETRY");
    ExitCode::from(2)
}

/// What the process has in memory now.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) * 1024
}

/// Each number gives another address, scattered as attackers are.
fn scattered(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761)
}

fn v4(n: u32) -> IpAddr {
    Ipv4Addr::from(scattered(n)).into()
}

fn v6(n: u32) -> IpAddr {
    let [a, b, c, d] = scattered(n).to_be_bytes();
    Ipv6Addr::from([0x20, 0x01, 0x0d, 0xb8, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 1]).into()
}
