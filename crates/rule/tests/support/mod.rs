//! What the tests of this crate share.

#![allow(dead_code, reason = "not every test uses everything")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::path::PathBuf;
use std::sync::Arc;

use stockade_core::{Match, Timestamp};
use stockade_pattern::EventError;
use stockade_rule::{Event, Rule, RuleBook, Scratch};

/// When events arrive that say no time.
pub(crate) const RECEIVED: Timestamp = Timestamp::from_secs(1_000_000_000);

/// A rule of this text; panics with what is wrong with it.
pub(crate) fn rule(name: &str, text: &str) -> Arc<Rule> {
    let problems = match Rule::parse(&format!("{name}.toml"), text) {
        Ok(rule) => return Arc::new(rule),
        Err(problems) => problems,
    };
    panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>());
}

/// A book of one rule with one pattern.
pub(crate) fn book(pattern: &str, key: &str) -> RuleBook {
    let text = format!("description = 'x'\nkey = {key}\n[[pattern]]\njson = '''{pattern}'''\n");
    RuleBook::new(vec![rule("rule", &text)])
}

/// Everything that a book finds in an event: which rule, and the match.
pub(crate) fn read(book: &RuleBook, event: Event<'_>) -> Result<Vec<(String, Match)>, EventError> {
    let mut found = Vec::new();
    book.read(event, RECEIVED, &mut Scratch::new(), &mut |one| {
        found.push((book.rules()[one.rule].name.to_string(), one.to_match(&"stream".into())));
    })?;
    Ok(found)
}

/// The keys that a book finds in an event.
pub(crate) fn keys(book: &RuleBook, event: Event<'_>) -> Vec<String> {
    read(book, event).unwrap().into_iter().map(|(_, found)| found.key.to_string()).collect()
}

/// The rules that come with Stockade.
pub(crate) fn shipped() -> Vec<Arc<Rule>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conf/rule.d");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        rule(path.file_stem().unwrap().to_str().unwrap(), &std::fs::read_to_string(path).unwrap())
    };
    files.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")).map(read).collect()
}

/// A file of the shared CloudTrail data, JSON texts one after the other; `None`, said once, where it is missing.
pub(crate) fn shared(name: &str) -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var_os("STOCKADE_SHARED").map(PathBuf::from);
    let path = folder.map(|folder| folder.join("data/cloudtrail").join(name)).filter(|path| path.exists());
    let Some(path) = path else {
        eprintln!("skipped: `$STOCKADE_SHARED/data/cloudtrail/{name}` is not there");
        return None;
    };
    let text = std::fs::read_to_string(path).unwrap();
    Some(serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect())
}
