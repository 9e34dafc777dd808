//! From Python's regexes to ours: any text is a regex or an error, and a regex can be asked about any line.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use stockade_core::Timestamp;
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, FilterSpec, Lines, Scanner, Undated};

fuzz_target!(|data: (&str, Option<&str>, bool, Vec<&[u8]>)| {
    let (regex, prefix, several, lines) = data;
    let spec = FilterSpec {
        failregex: vec![format!("{regex}<HOST>").as_str().into(), regex.into()],
        prefregex: prefix.map(Into::into),
        maxlines: if several { 3 } else { 1 },
        ..FilterSpec::default()
    };
    let Ok(filter) = Filter::compile(&spec) else { return };
    let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
    let Ok(mut scanner) = Scanner::new(Arc::new(set), &Zone::UTC, None, Undated::IsNow) else { return };
    for line in lines {
        let _ = scanner.explain(line, None, Timestamp::from_secs(0));
        scanner.scan(Lines { bytes: line, offset: 0, times: None }, Timestamp::from_secs(0), |hit| {
            let _ = hit.key.to_string();
        });
    }
});
