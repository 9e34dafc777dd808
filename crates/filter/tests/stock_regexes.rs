//! Every regex of the filters that Debian's fail2ban brings along compiles.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::path::Path;

use stockade_filter::conf::{Directory, Reader};
use stockade_filter::{Filter, FilterSpec, UseDns};

/// The values of `mode` that any stock filter has.
const MODES: &[&str] =
    &["", "[mode=normal]", "[mode=ddos]", "[mode=extra]", "[mode=aggressive]", "[mode=more]"];

#[test]
fn every_regex_of_every_stock_filter_compiles() {
    let folder = Path::new("/etc/fail2ban");
    if !folder.join("filter.d").is_dir() {
        eprintln!("skipped: no fail2ban in /etc/fail2ban");
        return;
    }
    let files = Directory(folder.to_owned());
    let reader = Reader::new(&files);
    let (mut refused, mut regexes, mut filters) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(folder.join("filter.d")).unwrap().flatten() {
        let file = entry.file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".conf").filter(|name| !name.ends_with("-common")) else {
            continue;
        };
        filters += 1;
        for mode in MODES {
            // A filter that does not have this mode has regexes that do not resolve.
            let Ok((def, _)) = reader.filter(&format!("{name}{mode}"), "auto").into_result() else {
                continue;
            };
            for usedns in [UseDns::No, UseDns::Yes] {
                let spec = FilterSpec::from_def(&def, usedns);
                if spec.failregex.iter().any(|source| source.text.starts_with("<mdre-")) {
                    continue;
                }
                regexes +=
                    spec.failregex.len() + spec.ignoreregex.len() + usize::from(spec.prefregex.is_some());
                let errors = Filter::compile(&spec).err().unwrap_or_default();
                // That is about several lines at once, not about a regex.
                refused.extend(
                    errors.iter().filter(|e| e.option != "maxlines").map(|e| format!("{name}{mode}: {e}")),
                );
            }
        }
    }
    eprintln!("{filters} filters, {regexes} regexes");
    assert!(filters > 80 && regexes > 500, "{filters} filters, {regexes} regexes");
    refused.sort();
    refused.dedup();
    assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
}
