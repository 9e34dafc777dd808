//! What the tests of filters share: shipped filters, and the folder of shared data.

#![allow(
    dead_code,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "each test uses a part; a test may fail loudly"
)]

pub(crate) mod engine;
pub(crate) mod mutations;
pub(crate) mod records;
pub(crate) mod stock;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stockade_core::Timestamp;
use stockade_filter::conf::{Directory, Reader};
use stockade_filter::date::Zone;
use stockade_filter::{Filter, FilterSet, FilterSpec, Hit, Lines, Scanner, Undated, UseDns};

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of the shared data; `None`, with a line that says so, where it is missing.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let base = std::env::var_os("STOCKADE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = base.join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no shared data: set STOCKADE_SHARED to the folder that holds {folder}");
    None
}

/// A filter with parameters, from a configuration directory.
pub(crate) fn filter_in(folder: &Path, name: &str, params: &[(String, String)]) -> Arc<Filter> {
    let files = Directory(folder.to_owned());
    let reader = Reader::new(&files);
    let params: String = params.iter().map(|(key, value)| format!("[{key}={value}]")).collect();
    let read = reader.filter(&format!("{name}{params}"), "auto");
    let (def, _) = read.into_result().unwrap_or_else(|problems| panic!("{name}: {problems}"));
    let spec = FilterSpec::from_def(&def, UseDns::No);
    Arc::new(Filter::compile(&spec).unwrap_or_else(|errors| panic!("{name}: {}", errors[0])))
}

/// A shipped filter.
pub(crate) fn shipped(name: &str, params: &[(String, String)]) -> Arc<Filter> {
    filter_in(&root().join("conf"), name, params)
}

/// A scanner for one filter, with dates in UTC.
pub(crate) fn scanner(filter: Arc<Filter>) -> Scanner {
    let (set, _) = FilterSet::new(vec![filter]);
    Scanner::new(Arc::new(set), &Zone::parse("UTC").unwrap(), None, Undated::IsAsBefore).unwrap()
}

/// Every hit in these bytes.
pub(crate) fn scan<T>(
    scanner: &mut Scanner,
    bytes: &[u8],
    now: Timestamp,
    mut see: impl FnMut(Hit<'_>) -> T,
) -> Vec<T> {
    let mut seen = Vec::new();
    scanner.scan(Lines { bytes, offset: 0, times: None }, now, |hit| seen.push(see(hit)));
    seen
}
