//! What a jail reads: `backend`, `logpath`, `journalmatch`, `logtimezone`.

use stockade_filter::conf::value::split_params;
use stockade_filter::conf::{self, FilterDef};
use stockade_filter::date::Zone;

use super::options::Options;
use super::{Backend, LogPath};
use crate::origin::Origin;
use crate::problem::ProblemKind;

/// fail2ban's names first.
const BACKENDS: &[(&str, Backend)] = &[
    ("auto", Backend::Auto),
    ("polling", Backend::Files),
    ("pyinotify", Backend::Files),
    ("gamin", Backend::Files),
    ("files", Backend::Files),
    ("systemd", Backend::Journal),
    ("journal", Backend::Journal),
];

pub(super) fn backend(options: &mut Options<'_>) -> Backend {
    let Some(value) = options.get("backend") else { return Backend::Auto };
    let (name, params) = split_params(value.text()).unwrap_or_else(|_| (value.text().to_owned(), Vec::new()));
    let name = name.trim().to_lowercase();
    if !params.is_empty() {
        let reason = "options of a backend are not used, the whole journal is read";
        options.warn("backend", value, ProblemKind::NoEffect { reason });
    }
    match BACKENDS.iter().find(|(known, _)| *known == name) {
        Some((_, backend)) => *backend,
        None => {
            let expected = "`auto`, `files`, `journal`, or fail2ban's `polling`, `pyinotify`, `systemd`";
            options.error("backend", value, ProblemKind::bad_value(expected, value.text()));
            Backend::Auto
        }
    }
}

pub(super) fn log_paths(options: &mut Options<'_>) -> Vec<LogPath> {
    let mut paths = Vec::new();
    for path in options.jail.log_paths() {
        // What is neither `head` nor `tail` was reported when the jail was read.
        let Some(tail) = path.tail() else { continue };
        let glob = path.pattern.trim().to_owned();
        let origin = Origin::from(&path.origin);
        if !glob.starts_with('/') || glob.contains('\0') {
            options.error_at("logpath", origin, ProblemKind::bad_value("an absolute path", &glob));
        } else if let Err(error) = glob::Pattern::new(&glob) {
            let hint = format!("{}, at character {}", error.msg, error.pos + 1);
            options.error_at(
                "logpath",
                origin,
                ProblemKind::bad_value_hint("a pattern of paths", &glob, hint),
            );
        } else {
            paths.push(LogPath { glob, tail });
        }
    }
    paths
}

/// The lines of `journalmatch`, of the filter or of the jail instead.
pub(super) fn journal_match(options: &mut Options<'_>, matching: &FilterDef) -> Vec<String> {
    let mut lines = Vec::new();
    for conf::JournalMatch { words, origin } in &matching.journalmatch {
        if let Some(bad) = words.iter().find(|word| !is_match(word)) {
            let kind = ProblemKind::bad_value("`FIELD=value` or `+`", bad);
            options.error_at("journalmatch", Origin::from(origin), kind);
        } else if !words.is_empty() {
            lines.push(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

/// `logtimezone`, if it is a zone.
pub(super) fn zone(options: &mut Options<'_>) -> Option<String> {
    let value = options.get("logtimezone")?;
    let name = value.text().trim();
    match Zone::parse(name) {
        Ok(_) => Some(name.to_owned()),
        Err(error) => {
            options.error("logtimezone", value, ProblemKind::BadZone(error));
            None
        }
    }
}

/// Fields of the journal are upper case.
fn is_match(word: &str) -> bool {
    let is_field = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    word == "+"
        || word.split_once('=').is_some_and(|(field, _)| !field.is_empty() && field.chars().all(is_field))
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=_-./:@,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use stockade_filter::conf::value::split_words;

    use super::*;

    #[test]
    fn words_survive_quoting() {
        for word in ["_COMM=sshd", "+", "A=it's \"b\" \\", "A=", "A=ü #"] {
            assert_eq!(split_words(&quoted(word)), Ok(vec![word.to_owned()]));
            assert!(is_match(word), "{word}");
        }
        for word in ["", "sshd", "=x", "comm=sshd", "*"] {
            assert!(!is_match(word), "{word}");
        }
    }
}
