//! What a jail looks for, as the filter compiler takes it.

use stockade_filter::conf::{FilterDef, Value};
use stockade_filter::{FilterSpec, Source, UseDns};

use super::options::Options;
use crate::limits::MAX_LINES;
use crate::origin::Origin;
use crate::problem::ProblemKind;

/// The filter with what the jail says instead. `None` if there is nothing to find, which is an error.
pub(super) fn spec(options: &mut Options<'_>, matching: &FilterDef) -> Option<FilterSpec> {
    let name = options.get("filter").map_or(options.jail.name.as_str(), |value| value.text().trim());
    if matching.failregex.is_empty() {
        // A filter that could not be read was reported.
        if options.jail.filter.is_some() || options.get("filter").is_none() {
            options.jail_error(ProblemKind::NoFailregex { filter: name.to_owned() });
        }
        return None;
    }
    let sources = |lines: &[stockade_filter::conf::Line]| {
        lines.iter().map(|line| source(&line.text, &line.origin)).collect()
    };
    let prefregex = matching.prefregex.as_ref();
    Some(FilterSpec {
        name: name.into(),
        prefregex: prefregex.map(|value| source(value.text(), value.origin())),
        failregex: sources(&matching.failregex),
        ignoreregex: sources(&matching.ignoreregex),
        datepattern: matching
            .datepattern
            .as_ref()
            .map(Value::text)
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        maxlines: max_lines(options, matching),
        usedns: use_dns(matching.usedns.as_ref()),
    })
}

fn max_lines(options: &mut Options<'_>, matching: &FilterDef) -> usize {
    match &matching.maxlines {
        None => 1,
        Some((lines @ 1..=MAX_LINES, _)) => usize::try_from(*lines).unwrap_or(1),
        Some((lines, origin)) => {
            let expected = format!("a whole number from 1 to {MAX_LINES}");
            let kind = ProblemKind::bad_value(expected, &lines.to_string());
            options.error_at("maxlines", Origin::from(origin), kind);
            1
        }
    }
}

/// `usedns`; a value that is none of its words is `no`, as in fail2ban, and was reported.
fn use_dns(value: Option<&Value>) -> UseDns {
    match value.map(|value| value.text().to_lowercase()).as_deref() {
        Some("yes" | "warn") => UseDns::Yes,
        Some("raw") => UseDns::Raw,
        _ => UseDns::No,
    }
}

fn source(text: &str, origin: &stockade_filter::conf::Origin) -> Source {
    Source { text: text.to_owned(), origin: origin.to_string() }
}
