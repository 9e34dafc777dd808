//! How fast the sources are: megabytes a second for archives, and the time from a write to the line.
//!
//! `cargo run --release -p stockade-source --example speed [MEGABYTES | FILE]`; with a file, that alone is read.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement, run by hand"
)]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use stockade_source::archive::LogReader;
use stockade_source::{Event, FollowSpec, Follower, Pattern, Source, Start};

fn main() {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "100".into());
    let Ok(megabytes) = argument.parse::<usize>() else { return read(Path::new(&argument)) };
    let dir = std::env::temp_dir().join(format!("stockade-speed-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    archives(&dir, megabytes);
    follow(&dir, megabytes);
    latency(&dir);
    fs::remove_dir_all(&dir).unwrap();
}

fn read(path: &Path) {
    let mut reader = LogReader::open(path).unwrap();
    while reader.next_block().unwrap().is_some() {}
    println!("{:?}, peak resident memory {}", reader.progress(), peak());
}

fn text(megabytes: usize) -> Vec<u8> {
    let (mut text, mut n) = (Vec::with_capacity(megabytes << 20), 0u64);
    while text.len() < megabytes << 20 {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (pid, last, port) = (n >> 50, (n >> 40) % 250, (n >> 20) % 60_000);
        writeln!(
            text,
            "Nov 22 10:00:00 host sshd[{pid}]: Failed password for root from 192.0.2.{last} port {port} ssh2"
        )
        .unwrap();
    }
    text
}

fn archives(dir: &Path, megabytes: usize) {
    let text = text(megabytes);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&text).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 3);
    xz.write_all(&text[..text.len() / 4]).unwrap();
    let packed = [
        ("plain", text.clone()),
        ("gz", gz.finish().unwrap()),
        ("zst", zstd::encode_all(&text[..], 3).unwrap()),
        ("xz", xz.finish().unwrap()),
    ];
    drop(text);
    for (name, bytes) in packed {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        let mut best = Duration::MAX;
        let mut bytes = 0;
        for _ in 0..5 {
            let start = Instant::now();
            let mut reader = LogReader::open(&path).unwrap();
            while reader.next_block().unwrap().is_some() {}
            bytes = reader.progress().text;
            best = best.min(start.elapsed());
        }
        println!("archive {name:5}: {:7.0} MB/s of text", bytes as f64 / best.as_secs_f64() / 1e6);
    }
}

fn follower(path: &Path) -> Follower {
    let pattern = Pattern::new(path.to_str().unwrap(), Start::Beginning).unwrap();
    Follower::new(FollowSpec::new(vec![pattern]), &[]).unwrap()
}

fn follow(dir: &Path, megabytes: usize) {
    let mut best = Duration::MAX;
    let total = fs::metadata(dir.join("plain")).unwrap().len();
    for _ in 0..5 {
        let (mut follower, mut bytes) = (follower(&dir.join("plain")), 0);
        let start = Instant::now();
        while bytes < total {
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    bytes += block.bytes.len() as u64;
                }
            };
            follower.next(Duration::from_secs(1), sink).unwrap();
        }
        best = best.min(start.elapsed());
    }
    println!("follow, {megabytes} MB of backlog: {:.0} MB/s", total as f64 / best.as_secs_f64() / 1e6);
}

fn latency(dir: &Path) {
    let path = dir.join("live.log");
    let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
    let (sender, seen) = mpsc::channel();
    let mut follower = follower(&path);
    let waker = follower.waker();
    let reading = std::thread::spawn(move || {
        let mut open = true;
        while open {
            let sink = &mut |event: Event<'_>| {
                if let Event::Block(block) = event {
                    open = !block.bytes.ends_with(b"end\n") && sender.send(Instant::now()).is_ok();
                }
            };
            follower.next(Duration::from_secs(1), sink).unwrap();
        }
    });
    std::thread::sleep(Duration::from_millis(100));
    let mut times: Vec<Duration> = (0..2000)
        .map(|n| {
            std::thread::sleep(Duration::from_micros(500));
            let written = Instant::now();
            file.write_all(format!("Nov 22 10:00:00 host sshd[1]: line {n}\n").as_bytes()).unwrap();
            seen.recv().unwrap().duration_since(written)
        })
        .collect();
    file.write_all(b"end\n").unwrap();
    reading.join().unwrap();
    drop(waker);
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("from write to line: p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
}

fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.trim_start_matches("VmHWM:").trim().to_owned()
}
