//! Lines a second of one shipped filter over one file that lies in memory.
//!
//! `cargo run --release -p stockade-filter --example throughput -- LOG ['FILTER[mode=MODE]' [FOLDER]]`

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
use stockade_filter::conf::{Directory, Reader};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, FilterSpec, Lines, Scanner, Undated, UseDns};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let bytes = std::fs::read(&args[0]).unwrap();
    let name = args.get(1).map_or("sshd", String::as_str);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf").to_owned();
    let files = Directory(args.get(2).unwrap_or(&shipped).into());
    let (def, _) = Reader::new(&files).filter(name, "auto").into_result().unwrap();
    let filter = Filter::compile(&FilterSpec::from_def(&def, UseDns::No)).unwrap();
    let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
    let set = Arc::new(set);
    for _ in 0..5 {
        let mut scanner =
            Scanner::new(Arc::clone(&set), &Zone::parse("UTC").unwrap(), None, Undated::IsAsBefore).unwrap();
        let began = Instant::now();
        let mut hits = 0_u64;
        for (n, block) in bytes.chunks(1 << 20).enumerate() {
            let lines = Lines { bytes: block, offset: (n as u64) << 20, times: None };
            scanner.scan(lines, Timestamp::from_secs(1_763_800_000), |hit| hits += u64::from(hit.count));
        }
        let seconds = began.elapsed().as_secs_f64();
        let stats = scanner.stats();
        println!(
            "{:.2} M lines/s, {:.0} MB/s; {} lines, {} candidates, {} matched, {hits} hits",
            stats.lines as f64 / seconds / 1e6,
            bytes.len() as f64 / seconds / 1e6,
            stats.lines,
            stats.candidates,
            stats.matched,
        );
    }
}
