//! What each filter of a folder costs on one file: how many lines it wants to see, and how long it looks at them.
//!
//! `cargo run --release -p stockade-filter --example filters -- LOG [FOLDER]`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a tool for developers"
)]

use std::sync::Arc;
use std::time::Instant;

use stockade_core::Timestamp;
use stockade_filter::conf::{ConfFiles, Directory, Reader};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, FilterSpec, Lines, Scanner, Undated, UseDns};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bytes = std::fs::read(&args[0]).unwrap();
    let files = Directory(args.get(1).map_or("/etc/fail2ban", String::as_str).into());
    let mut rows = Vec::new();
    for name in files.list("filter.d").unwrap() {
        let Some(name) = name.strip_suffix(".conf") else { continue };
        let Ok((def, _)) = Reader::new(&files).filter(name, "auto").into_result() else { continue };
        let began = Instant::now();
        let Ok(filter) = Filter::compile(&FilterSpec::from_def(&def, UseDns::No)) else { continue };
        let compiled = began.elapsed();
        let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
        let zone = Zone::parse("UTC").unwrap();
        let mut scanner = Scanner::new(Arc::new(set), &zone, None, Undated::IsAsBefore).unwrap();
        let began = Instant::now();
        for (n, block) in bytes.chunks(1 << 20).enumerate() {
            let lines = Lines { bytes: block, offset: (n as u64) << 20, times: None };
            scanner.scan(lines, Timestamp::from_secs(1_763_800_000), |_| {});
        }
        rows.push((began.elapsed(), compiled, name.to_owned(), scanner.stats()));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    println!("{:>10} {:>10} {:>10} {:>9}  filter", "ms", "to compile", "candidates", "matched");
    for (took, compiled, name, stats) in rows {
        println!(
            "{:>10.2} {:>10.2} {:>10} {:>9}  {name}",
            took.as_secs_f64() * 1e3,
            compiled.as_secs_f64() * 1e3,
            stats.candidates,
            stats.matched
        );
    }
}
