//! The date reader: any pattern, any line. What it cuts lies in the line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stockade_core::Timestamp;
use stockade_filter::date::{DateReader, Zone};

fuzz_target!(|data: (Option<&str>, &str, i64, Vec<&[u8]>)| {
    let (pattern, zone, now, lines) = data;
    let zone = Zone::parse(zone).unwrap_or(Zone::UTC);
    let Ok(mut reader) = DateReader::new(pattern, zone) else { return };
    for line in lines {
        if let Some(found) = reader.find(line, Timestamp::from_millis(now)) {
            assert!(line.get(found.cut).is_some());
            let _ = reader.template_name(found.template);
        }
    }
});
