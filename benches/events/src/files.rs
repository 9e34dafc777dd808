//! CloudTrail files: records from gzip, matched without being copied.

use std::io::Read as _;

use serde_json::{Value, json};
use stockade_pattern::{Part, Pattern, RuleSet, Scratch};

/// Records in a file.
const RECORDS: usize = 40;

/// Unpacks into memory that is used again.
#[derive(Default)]
pub struct Unpacker {
    text: Vec<u8>,
}

impl Unpacker {
    pub fn libdeflate(&mut self, file: &[u8]) -> &[u8] {
        // The last four bytes say how long the text is.
        let length = u32::from_le_bytes(*file.last_chunk().expect("a whole file")) as usize;
        if self.text.len() < length {
            self.text.resize(length, 0);
        }
        let text = &mut self.text[..length];
        libdeflater::Decompressor::new().gzip_decompress(file, text).expect("a whole file");
        text
    }

    pub fn zlib_rs(&mut self, file: &[u8]) -> &[u8] {
        self.text.clear();
        flate2::bufread::GzDecoder::new(file).read_to_end(&mut self.text).expect("a whole file");
        &self.text
    }
}

/// Makes files of the records that lie in events, as CloudTrail delivers them.
pub fn files(events: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut packer = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let files = events.chunks(RECORDS).map(|events| {
        let records: Vec<&[u8]> = events
            .iter()
            .map(|event| {
                // The last field of an event that `gen_events.py` makes is the record, without space.
                let start = event.windows(9).position(|key| key == br#""detail":"#).expect("a detail") + 9;
                &event[start..event.len() - 1]
            })
            .collect();
        let text = [br#"{"Records":["#, records.join(&b',').as_slice(), b"]}"].concat();
        let mut packed = vec![0; packer.gzip_compress_bound(text.len())];
        let length = packer.gzip_compress(&text, &mut packed).expect("room for all");
        packed.truncate(length);
        packed
    });
    files.collect()
}

/// The patterns as they are for records that have no envelope: what they say of it said of the record, where it says the
/// same, and left out where it does not.
pub fn for_records(texts: &[String]) -> RuleSet {
    let patterns: Vec<Pattern> = texts
        .iter()
        .map(|text| {
            let mut pattern: Value = serde_json::from_str(text).expect("a pattern is JSON");
            let top = pattern.as_object_mut().expect("an object");
            top.remove("detail-type");
            let (source, account) = (top.remove("source"), top.remove("account"));
            let detail = top.entry("detail").or_insert_with(|| json!({}));
            if let Some(Value::Array(sources)) = source {
                let services = sources.iter().filter_map(|source| source.as_str()?.strip_prefix("aws."));
                detail["eventSource"] = services.map(|service| format!("{service}.amazonaws.com")).collect();
            }
            if let Some(account) = account {
                detail["recipientAccountId"] = account;
            }
            Pattern::parse(&pattern.to_string()).expect("a valid pattern")
        })
        .collect();
    RuleSet::new(&patterns)
}

/// Matches the records of a file's text; returns how many matches there are.
pub fn match_records(set: &RuleSet, text: &[u8], scratch: &mut Scratch) -> usize {
    let mut rest = text.strip_prefix(br#"{"Records":["#).expect("the records");
    let mut found = 0;
    loop {
        let (matches, length) = set.matches_first(Part { path: "detail", json: rest }, scratch).expect("a valid record");
        found += matches.ids().len();
        rest = &rest[length..];
        match rest.first() {
            Some(b',') => rest = &rest[1..],
            _ => break,
        }
    }
    assert_eq!(rest, b"]}");
    found
}
