//! Events through patterns, one core: Stockade and others in turn, one table.
//!
//! `stockade-bench-events EVENTS PATTERNS [ROUNDS [NAME]]`: both are JSON lines; a pattern line is a pattern or has it in
//! the field `pattern`. Every candidate sees all events in each round; the best round counts. NAME leaves out all whose name
//! does not hold it. Prints one line of tab-separated fields for each: name, events a second, bytes a second, the worst
//! round beside the best, matches found. `benches/run.sh events` makes a table of them.
//!
//! The last candidates take the same events as CloudTrail files: gzip of 40 records each.

mod files;

use std::hint::black_box;
use std::time::Duration;

use serde_json::Value;
use files::Unpacker;
use stockade_pattern::{Pattern, RuleSet, Scratch};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, events, patterns, rest @ ..] = args.as_slice() else {
        eprintln!("usage: stockade-bench-events EVENTS PATTERNS [ROUNDS]");
        std::process::exit(2);
    };
    let rounds: usize = rest.first().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let only: Option<&str> = rest.get(1).map(String::as_str);
    let bytes = std::fs::read(events).expect("events are readable");
    let events: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let texts: Vec<String> = std::fs::read_to_string(patterns)
        .expect("patterns are readable")
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).expect("a pattern line is JSON");
            value.get("pattern").unwrap_or(&value).to_string()
        })
        .collect();

    let compile = |texts: &[String]| {
        let start = cpu_time();
        let patterns: Vec<Pattern> = texts.iter().map(|text| Pattern::parse(text).expect("a valid pattern")).collect();
        let set = RuleSet::new(&patterns);
        (set, cpu_time() - start)
    };
    let (set, _) = compile(&texts);
    let (ten, _) = compile(&multiplied(&texts, 10));
    let (many, compiled) = compile(&multiplied(&texts, 10_000usize.div_ceil(texts.len())));
    println!("compiled\t{}\t{:.3}", many.len(), compiled.as_secs_f64());

    let mut quamina = quamina::Quamina::new();
    let accepted = texts.iter().enumerate().filter(|(at, text)| quamina.add_pattern(*at, text).is_ok()).count();
    let empty = RuleSet::new(&[]);
    let mut scratch = Scratch::new();

    let packed = files::files(&events);
    let packed: Vec<&[u8]> = packed.iter().map(Vec::as_slice).collect();
    let for_records = files::for_records(&texts);
    let (mut deflate, mut zlib, mut unpacker) = (Unpacker::default(), Unpacker::default(), Unpacker::default());

    let mut candidates: Vec<Candidate<'_>> = vec![
        Candidate::new(format!("Stockade, {} patterns", set.len()), &events, matcher(&set)),
        Candidate::new(format!("Stockade, {} patterns", ten.len()), &events, matcher(&ten)),
        Candidate::new(format!("Stockade, {} patterns", many.len()), &events, matcher(&many)),
        Candidate::new(
            "Stockade's skip-scan alone (checks all, reads nothing)",
            &events,
            Box::new(move |event| empty.matches(event, &mut scratch).expect("a valid event").ids().len()),
        ),
        Candidate::new("plain skip-scan: brackets and quotes by byte", &events, Box::new(plain_skip)),
        Candidate::new("serde_json to Value", &events, Box::new(|event| {
            black_box(serde_json::from_slice::<Value>(event).expect("a valid event"));
            0
        })),
        Candidate::new("sonic-rs to Value", &events, Box::new(|event| {
            black_box(sonic_rs::from_slice::<sonic_rs::Value>(event).expect("a valid event"));
            0
        })),
        Candidate::new(format!("quamina (Rust), {accepted} patterns that it accepts"), &events, Box::new(move |event| {
            quamina.matches_for_event(event).expect("a valid event").len()
        })),
        Candidate::new("files: gunzip alone, zlib-rs", &packed, Box::new(move |file| zlib.zlib_rs(file).len().min(0))),
        Candidate::new("files: gunzip alone, libdeflate", &packed, Box::new(move |file| deflate.libdeflate(file).len().min(0))),
        Candidate::new(format!("files: gunzip (libdeflate) and Stockade, {} patterns", for_records.len()), &packed, {
            let mut scratch = Scratch::new();
            Box::new(move |file| files::match_records(&for_records, unpacker.libdeflate(file), &mut scratch))
        }),
    ];
    if let Some(only) = only {
        candidates.retain(|candidate| candidate.name.contains(only));
    }
    let mut times = vec![Vec::new(); candidates.len()];
    let mut found = vec![0; candidates.len()];
    for _ in 0..rounds {
        for (at, candidate) in candidates.iter_mut().enumerate() {
            let start = cpu_time();
            found[at] = candidate.inputs.iter().map(|input| (candidate.run)(input)).sum();
            times[at].push(cpu_time() - start);
        }
    }
    for (Candidate { name, .. }, (times, found)) in candidates.iter().zip(times.iter().zip(&found)) {
        let best = times.iter().min().copied().unwrap_or(Duration::MAX).as_secs_f64();
        let worst = times.iter().max().copied().unwrap_or(Duration::MAX).as_secs_f64();
        let (events, bytes) = (events.len() as f64 / best, bytes.len() as f64 / best);
        println!("{name}\t{events:.0}\t{bytes:.0}\t{:.2}\t{found}", worst / best);
    }
}

/// Time that this thread ran: on a shared machine the clock on the wall measures the neighbours.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel that tells the time of threads");
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number");
    Duration::from_nanos(nanos)
}

/// One of those that are compared.
struct Candidate<'a> {
    name: String,
    /// What it takes: all events, in whatever form.
    inputs: &'a [&'a [u8]],
    run: Box<dyn FnMut(&[u8]) -> usize + 'a>,
}

impl<'a> Candidate<'a> {
    fn new(name: impl Into<String>, inputs: &'a [&'a [u8]], run: Box<dyn FnMut(&[u8]) -> usize + 'a>) -> Self {
        Self { name: name.into(), inputs, run }
    }
}

fn matcher(set: &RuleSet) -> Box<dyn FnMut(&[u8]) -> usize + '_> {
    let mut scratch = Scratch::new();
    Box::new(move |event: &[u8]| set.matches(event, &mut scratch).expect("a valid event").ids().len())
}

/// The patterns so many times over, each copy about other accounts, names and addresses.
fn multiplied(texts: &[String], times: usize) -> Vec<String> {
    let mut all = texts.to_vec();
    for copy in 1..times {
        for text in texts {
            let mut value: Value = serde_json::from_str(text).expect("a pattern is JSON");
            vary(&mut value, copy, "");
            all.push(value.to_string());
        }
    }
    all
}

/// Changes what is particular to a rule: names, accounts, networks, bounds. What all rules share (source, detail-type,
/// the kind of user) stays.
fn vary(value: &mut Value, copy: usize, key: &str) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                vary(value, copy, key);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| vary(value, copy, key)),
        Value::String(text) => match key {
            "source" | "detail-type" | "type" | "eventType" | "awsRegion" | "numeric" => {}
            "cidr" => {
                if let Some((_, bits)) = text.split_once('/') {
                    let bits: u32 = bits.parse().unwrap_or(24);
                    *text = format!("{}.{}.{}.0/{}", 11 + copy % 200, copy / 200, text.len(), bits.min(30));
                }
            }
            _ => *text = format!("{text}{copy}"),
        },
        Value::Number(number) => {
            if let Some(number) = number.as_i64() {
                *value = Value::from(number + copy as i64);
            }
        }
        _ => {}
    }
}

fn plain_skip(event: &[u8]) -> usize {
    let (mut depth, mut at, mut most) = (0usize, 0, 0);
    while let Some(byte) = event.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = event.get(at).filter(|byte| **byte != b'"') {
                    at += 1 + usize::from(*byte == b'\\');
                }
            }
            b'{' | b'[' => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    black_box(most);
    0
}
