//! How long it takes to put bans in force: this crate's netlink against `nft -f -` and `nft -j -f -`.
//!
//! Run it in a network namespace of its own, as root:
//!
//! ```sh
//! cargo build --release -p stockade-respond --example restore
//! unshare -n target/release/examples/restore
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "a program for measuring")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use stockade_core::ports::{Plan, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp};
use stockade_respond::nftables::Nftables;

const ROUNDS: u32 = 5;

fn main() -> ExitCode {
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).ok();
    if namespace("self") == namespace("1") {
        eprintln!("this would change the host's firewall; run it under `unshare -n`");
        return ExitCode::FAILURE;
    }
    println!(
        "best of {ROUNDS}; `netlink` includes reading every ban back from the kernel, the others do not"
    );
    println!("{:>8}  {:>28}  {:>10}  {:>10}  {:>10}", "bans", "", "netlink", "nft -f", "nft -j");
    for count in [1, 1_000, 100_000] {
        row(count, "into an empty set", count, false);
        row(count, "again, other expiry", count, true);
    }
    row(1, "into a set of 100,000", 100_001, true);
    watched_restore();
    for count in [1_000, 10_000, 100_000, 300_000] {
        listing_and_removal(count);
    }
    ExitCode::SUCCESS
}

/// One line of the table: `changed` bans, the last of `total`, with or without the rest in force already.
fn row(changed: u32, what: &str, total: u32, others_there: bool) {
    let bans = standings(total, 3_600);
    let later = standings(total, 7_200);
    let change = later.get((total - changed) as usize..).unwrap_or_default();
    let netlink = best(|| {
        let mut nftables = fresh();
        if others_there {
            apply(&mut nftables, &bans, &[]);
        }
        time(|| apply(&mut nftables, change, &[]))
    });
    let by_program = |arguments: &[&str], text: &dyn Fn(&[Standing]) -> String| {
        best(|| {
            let mut nftables = fresh();
            if others_there {
                apply(&mut nftables, &bans, &[]);
            }
            let text = text(change);
            time(|| run_nft(arguments, &text))
        })
    };
    let plain = by_program(&["-f", "-"], &as_text);
    let json = by_program(&["-j", "-f", "-"], &as_json);
    println!("{changed:>8}  {what:>28}  {:>10}  {:>10}  {:>10}", ms(netlink), ms(plain), ms(json));
}

/// The kernel tells a watch of every element, which takes it time.
fn watched_restore() {
    let bans = standings(100_000, 3_600);
    let watched = best(|| {
        let mut nftables = fresh();
        let _watch = nftables.watch().expect("a watch");
        time(|| apply(&mut nftables, &bans, &[]))
    });
    println!("{:>8}  {:>28}  {:>10}", 100_000, "the same while watched", ms(watched));
}

fn listing_and_removal(count: u32) {
    let bans = standings(count, 3_600);
    let keys: Vec<_> = bans.iter().map(|s| (s.jail.clone(), s.key.clone())).collect();
    let listing = best(|| {
        let mut nftables = fresh();
        apply(&mut nftables, &bans, &[]);
        time(|| {
            let current = nftables.current(now()).expect("a listing").expect("nftables can be asked");
            assert_eq!(current.len(), bans.len());
        })
    });
    let removal = best(|| {
        let mut nftables = fresh();
        apply(&mut nftables, &bans, &[]);
        time(|| apply(&mut nftables, &[], &keys))
    });
    println!("{:>8}  {:>28}  {:>10}", count, "listed", ms(listing));
    println!("{:>8}  {:>28}  {:>10}", count, "removed", ms(removal));
}

fn fresh() -> Nftables {
    let mut nftables = Nftables::open().expect("nftables");
    nftables.flush().expect("flush");
    nftables
        .prepare(&[Scope { jail: "sshd".into(), ports: vec![(22, 22)], protocols: Vec::new() }])
        .expect("prepare");
    nftables
}

fn apply(nftables: &mut Nftables, add: &[Standing], remove: &[(std::sync::Arc<str>, Key)]) {
    let plan = Plan { add: add.to_vec(), remove: remove.to_vec() };
    let outcomes = nftables.apply(&plan, now()).expect("apply");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done));
}

fn standings(count: u32, seconds: u64) -> Vec<Standing> {
    let until = now().plus(Duration::from_secs(seconds));
    let address = |n: u32| Ipv4Addr::from(0x0b00_0000_u32 + n.wrapping_mul(2_654_435_761) % 0x8000_0000);
    (0..count).map(|n| Standing { jail: "sshd".into(), key: Key::addr(address(n).into()), until }).collect()
}

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn as_text(bans: &[Standing]) -> String {
    let mut text = "add element inet stockade addr4-sshd { ".to_owned();
    for ban in bans {
        let seconds = ban.until.since(now()).as_secs();
        write!(text, "{} timeout {seconds}s, ", ban.key).expect("a string");
    }
    text + "}\n"
}

fn as_json(bans: &[Standing]) -> String {
    let mut text =
        r#"{"nftables":[{"add":{"element":{"family":"inet","table":"stockade","name":"addr4-sshd","elem":["#
            .to_owned();
    for (n, ban) in bans.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let seconds = ban.until.since(now()).as_secs();
        write!(text, r#"{comma}{{"elem":{{"val":"{}","timeout":{seconds}}}}}"#, ban.key).expect("a string");
    }
    text + "]}}}]}"
}

fn run_nft(arguments: &[&str], text: &str) {
    let mut child =
        Command::new("nft").args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("nft");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a pipe");
    assert!(child.wait().expect("nft").success());
}

fn best(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

fn time(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
