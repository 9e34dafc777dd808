//! Regexes and texts that would run away.

use stockade_core::limits::MAX_LINE_BYTES;

use crate::regex::{Budget, FieldRegex, Problem};
use crate::spec::UseDns;

fn regex(text: &str) -> FieldRegex {
    FieldRegex::new(text, UseDns::No, false).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

/// Whether a regex matches, and whether it was stopped.
fn search(regex: &FieldRegex, text: &[u8]) -> (bool, bool) {
    let mut budget = Budget::of_line(text.len());
    let found = regex.search(&mut regex.scratch(), &mut budget, text).is_some();
    (found, budget.spent_by() == Some(regex.text.as_str()))
}

#[test]
fn what_runs_away_is_stopped_and_named() {
    for text in [
        r"^(?:a|aa)*(?=b)b",
        r"^(?:a+)+(?!a)b",
        r"^(a*)*\1b",
        r"^(?=(?=(?:a|aa)+b))a",
        r"^(?!(?:a|aa)+b)b|(?!(?:a|aa)+b)a",
        r"^(?:(?=a*)a|aa)*b",
        r"^(?:a(?<=a)|aa?)+b",
        r"^(?:(a)|a(?(1)a|a))+b",
        r"(.*)\1(.*)\2(.*)\3b",
        r"(?!x).*?.*?.*?b",
        r"^(?>(?:a|aa)+b)",
    ] {
        let regex = regex(text);
        for length in [300, MAX_LINE_BYTES] {
            assert_eq!(search(&regex, &vec![b'a'; length]), (false, true), "{text} on {length} bytes");
        }
    }
}

#[test]
fn what_is_harmless_is_not_stopped() {
    let long = |end: &str| [b"<host> sent ".to_vec(), b"ab c".repeat(16_000), end.into()].concat();
    for (text, end, found) in [
        (r"^<\S+> (?:(?!drop table).)*$", "", true),
        (r"^<\S+> (?:(?!drop table).)*$", "drop table x", false),
        (r"^<(?P<n>\w+)> .* by (?P=n)$", " by host", true),
        (r"^(?!<other>).*(?<=x)$", "x", true),
        (r"^<\S+> [^«]*$", "é", true),
        (r"^<\S+> [^«]*$", "«", false),
        (r"^(?>.*)x$", "x", false),
    ] {
        let line = long(end);
        assert!(line.len() < MAX_LINE_BYTES);
        assert_eq!(search(&regex(text), &line), (found, false), "{text} {end}");
    }
}

#[test]
fn after_one_regex_has_spent_the_budget_no_other_runs() {
    let (first, second) = (regex(r"^(?:a|aa)*(?=b)b"), regex("^(?=a)a"));
    let text = [b'a'; 100];
    let mut budget = Budget::of_line(text.len());
    assert!(first.search(&mut first.scratch(), &mut budget, &text).is_none());
    assert!(second.search(&mut second.scratch(), &mut budget, &text).is_none());
    assert_eq!(budget.spent_by(), Some(first.text.as_str()));
    assert_eq!(search(&second, &text), (true, false));
}

#[test]
fn a_regex_that_would_compile_to_too_much_is_refused() {
    for text in [r"(?:(?:(?:ab?){99}){99}){99}(?!x)", r"(?:(?:(?:(?=a)){999}b){999}){999}"] {
        let problem = FieldRegex::new(text, UseDns::No, false).unwrap_err();
        assert!(matches!(problem, Problem::TooLarge { .. }), "{text}: {problem}");
    }
}

#[test]
fn a_place_in_an_error_is_one_of_the_file() {
    let problem = FieldRegex::new("<HOST> é(a", UseDns::No, false).unwrap_err();
    assert_eq!(problem.to_string(), "not a regex: at character 9, expected a `)` that closes this group");
}
