//! The shipped filters on any lines: an address that is found stands in the bytes, and the pieces in which a stream comes
//! make no difference.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use stockade_core::{Key, Timestamp};
use stockade_filter::conf::{Directory, Reader};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, FilterSpec, Lines, Scanner, Undated, UseDns};

const NAMES: [&str; 8] = [
    "sshd[mode=aggressive]",
    "ssh-legacy",
    "dovecot[mode=aggressive]",
    "postfix[mode=aggressive]",
    "roundcube",
    "nginx-http-auth",
    "apache-auth[mode=aggressive]",
    "sshd[logtype=journal]",
];

static SET: LazyLock<Arc<FilterSet>> = LazyLock::new(|| {
    let files = Directory(concat!(env!("CARGO_MANIFEST_DIR"), "/../conf").into());
    let reader = Reader::new(&files);
    let compiled = |name: &str| {
        let (def, _) = reader.filter(name, "auto").into_result().ok()?;
        Filter::compile(&FilterSpec::from_def(&def, UseDns::No)).ok().map(Arc::new)
    };
    let filters: Vec<_> = NAMES.iter().filter_map(|name| compiled(name)).collect();
    assert_eq!(filters.len(), NAMES.len());
    Arc::new(FilterSet::new(filters).0)
});

fn hits(bytes: &[u8], piece: usize) -> Vec<(usize, usize, Key, u64)> {
    let Ok(mut scanner) = Scanner::new(Arc::clone(&SET), &Zone::UTC, None, Undated::IsNow) else { return Vec::new() };
    let (mut found, mut offset, mut block) = (Vec::new(), 0, Vec::new());
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>();
    for piece in lines.chunks(piece.max(1)) {
        block.clear();
        piece.iter().for_each(|line| block.extend_from_slice(line));
        let lines = Lines { bytes: &block, offset, times: None };
        scanner.scan(lines, Timestamp::from_secs(1_795_305_600), |hit| {
            found.push((hit.filter, hit.regex, hit.key.clone(), hit.offset));
        });
        offset += block.len() as u64;
    }
    found
}

fuzz_target!(|data: (u8, &[u8])| {
    let (piece, bytes) = data;
    assert_eq!(hits(bytes, usize::from(piece)), hits(bytes, usize::MAX));
});
