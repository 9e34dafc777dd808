//! How many bytes a jail needs for each address that it watches.
//!
//! ```sh
//! cargo run --release -p stockade-runtime --example tracked_memory -- [ADDRESSES]
//! ```
//!
//! Counts what the allocator is asked for, and asks the kernel how much the process grew.

#![allow(clippy::print_stdout, clippy::expect_used, clippy::cast_precision_loss, reason = "a program for measuring")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
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

fn main() {
    let addresses: u32 = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().expect("a number of addresses"));
    println!("{addresses} addresses; bytes per address");
    println!("{:>44}  {:>8}  {:>8}  {:>8}", "", "held", "peak", "resident");
    for (family, address) in [("IPv4", v4 as fn(u32) -> IpAddr), ("IPv6", v6)] {
        for times in [1, 2, 4] {
            for tracked in [false, true] {
                row(family, address, addresses, times, tracked);
            }
        }
    }
}

/// One line: every address was seen so many times. `tracked`: as in the daemon, which also notes what to store next.
fn row(family: &str, address: fn(u32) -> IpAddr, addresses: u32, times: u32, tracked: bool) {
    let threshold = Threshold {
        maxretry: NonZeroU32::new(5).expect("five is not zero"),
        findtime: Duration::from_secs(600),
    };
    let start = Timestamp::from_secs(1_800_000_000);
    let (before, resident) = (LIVE.load(Relaxed), resident_bytes());
    PEAK.store(before, Relaxed);
    let mut windows = Windows::new(addresses as usize);
    if tracked {
        windows.track_changes();
    }
    for round in 0..times {
        for n in 0..addresses {
            let time = start.plus(Duration::from_millis(u64::from(round) * 1000 + u64::from(n) % 1000));
            windows.observe(&Key::addr(address(n)), time, 1, threshold, time);
            // The daemon stores what changed after each batch.
            if tracked && n % 10_000 == 0 {
                windows.take_changes(|_, _| {});
            }
        }
    }
    assert_eq!(windows.len(), addresses as usize);
    let per = |bytes: usize| bytes as f64 / f64::from(addresses);
    println!(
        "{:>44}  {:>8.1}  {:>8.1}  {:>8.1}",
        format!("{family}, {times} of 5 times{}", if tracked { ", changes noted" } else { "" }),
        per(LIVE.load(Relaxed) - before),
        per(PEAK.load(Relaxed) - before),
        per(resident_bytes().saturating_sub(resident)),
    );
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
