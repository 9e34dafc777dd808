//! The answers of the library that EventBridge runs: the same, or a documented difference.

mod support;

use std::collections::BTreeSet;

use stockade_pattern::{Pattern, PatternError, RuleSet, Scratch};

/// Cases in which the answer differs on purpose: the case's name, and the reason as `differences.md` numbers it.
const DIFFERENCES: &[(&str, &str)] = &[
    ("cidr 0.0.0.0/0 vs ::1", "1 families"),
    ("cidr ::/0 vs 1.2.3.4", "1 families"),
    ("v4 cidr vs v6 with same leading bits", "1 families"),
    ("v4 exact-ip vs v6 with same leading bits", "1 families"),
    ("v6 /16 vs v4", "1 families"),
    ("cidr on unquoted number 10 dup", "2 cidr over a number"),
    ("exists false in array elem", "3 absence in arrays"),
    ("absent before (sorts before)", "3 absence in arrays"),
    ("exact 1e400 vs 1E400", "4 exact decimals"),
    ("exact 12345678901234567890 vs 1.2345678901234567890e19", "4 exact decimals"),
    ("exact 9007199254740993.0 vs 9007199254740993", "4 exact decimals"),
    (r#"numeric [">",5] vs 1e400"#, "4 exact decimals"),
    (r#"numeric ["<",5] vs -1e400"#, "4 exact decimals"),
    (r#"numeric [">=",0] vs 12345678901234567890"#, "4 exact decimals"),
    (r#"numeric [">",9007199254740992] vs 9007199254740993"#, "4 exact decimals"),
    (r#"numeric [">",0,"<",1] vs 0.1000000000000000055511151231257827"#, "4 exact decimals"),
    ("rule trailing garbage", "5 something after the brace"),
    ("event trailing garbage", "5 something after the brace"),
    (r#"anything-but rule {"suffix":[]}"#, "5 empty nested list"),
    (r#"anything-but rule {"prefix":[]}"#, "5 empty nested list"),
    (r#"anything-but rule {"wildcard":[]}"#, "5 empty nested list"),
    (r#"anything-but rule {"equals-ignore-case":[]}"#, "5 empty nested list"),
    ("eic emoji", "6 characters beyond the basic plane"),
    ("eic emoji2", "6 characters beyond the basic plane"),
    ("prefix-eic emoji", "6 characters beyond the basic plane"),
    ("deseret", "6 characters beyond the basic plane"),
    ("or 1 element as field", "7 $or as a field name"),
    ("or object", "7 $or as a field name"),
    ("or strings", "7 $or as a field name"),
    ("or reserved kw inside", "7 $or as a field name"),
    ("dot only key", "8 empty names"),
];

#[derive(Debug, PartialEq)]
enum Answer {
    Match,
    NoMatch,
    Error(String),
    EventError,
}

fn ours(pattern: &str, event: Option<&str>) -> Answer {
    let reason = |error: PatternError| Answer::Error(error.reason().to_owned());
    let pattern = match Pattern::parse(pattern) {
        Ok(pattern) => pattern,
        Err(error) => return reason(error),
    };
    match event.map(|event| pattern.matches(event.as_bytes())) {
        None | Some(Ok(false)) => Answer::NoMatch,
        Some(Ok(true)) => Answer::Match,
        Some(Err(_)) => Answer::EventError,
    }
}

#[test]
fn every_case_agrees_or_is_a_documented_difference() {
    let Some(folder) = support::shared("data/event-patterns") else { return };
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    let mut count = 0;
    for file in ["ruler.jsonl", "probes.jsonl"] {
        for line in std::fs::read_to_string(folder.join(file)).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| case[key].as_str();
            let name = text("name").unwrap();
            count += 1;
            let expected = match text("expect").unwrap() {
                "match" => Answer::Match,
                "no_match" | "valid" => Answer::NoMatch,
                "error" => Answer::Error(text("message").unwrap_or_default().to_owned()),
                "event_error" => Answer::EventError,
                other => panic!("{name}: unknown expectation {other}"),
            };
            let event = if text("expect") == Some("valid") { None } else { text("event") };
            let answer = ours(text("pattern").unwrap(), event);
            if answer == expected {
                continue;
            }
            match DIFFERENCES.iter().find(|(part, _)| name == *part) {
                Some((part, _)) => {
                    met.insert(*part);
                }
                None => wrong.push(format!(
                    "{name}: {} | {:?}: expected {expected:?}, got {answer:?}",
                    case["pattern"], case["event"]
                )),
            }
        }
    }
    eprintln!("{count} cases, {} documented differences", met.len());
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    let unmet: Vec<_> = DIFFERENCES.iter().filter(|(part, _)| !met.contains(part)).collect();
    assert!(unmet.is_empty(), "no longer differences: {unmet:?}");
}

#[test]
fn all_patterns_at_once_say_what_each_says() {
    let Some(folder) = support::shared("data/event-patterns") else { return };
    let (mut patterns, mut events) = (Vec::new(), BTreeSet::new());
    for file in ["ruler.jsonl", "probes.jsonl"] {
        for line in std::fs::read_to_string(folder.join(file)).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            patterns.extend(case["pattern"].as_str().and_then(|text| Pattern::parse(text).ok()));
            events.extend(case["event"].as_str().map(str::to_owned));
        }
    }
    let set = RuleSet::new(&patterns);
    let mut scratch = Scratch::new();
    let mut matched = 0;
    for event in &events {
        let Ok(found) = set.matches(event.as_bytes(), &mut scratch) else { continue };
        let alone: Vec<usize> =
            (0..patterns.len()).filter(|at| patterns[*at].matches(event.as_bytes()).unwrap()).collect();
        assert_eq!(found.ids(), alone, "{event}");
        assert!(found.undecided().is_empty());
        matched += alone.len();
    }
    eprintln!("{} patterns, {} events, {matched} matches", patterns.len(), events.len());
    assert!(matched > patterns.len() / 2);
}
