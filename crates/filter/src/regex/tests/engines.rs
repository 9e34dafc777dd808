//! On what the linear engine can run both give the same groups.

use proptest::prelude::*;
use regex_automata::meta;
use regex_syntax::hir::{Hir, HirKind};

use super::generate::cases;
use crate::regex::mark::width;
use crate::regex::{OutOfSteps, Program, Room, UNSET, parser};

fn parse(pattern: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()
}

/// Both engines' groups; `None` where ours gave up.
fn both(pattern: &str, text: &[u8]) -> Option<(Vec<usize>, Vec<usize>)> {
    let hir = parse(pattern)?;
    let program = Program::new(&hir).filter(|_| !may_turn_without_a_byte(&hir))?;
    let mut room = Room::default();
    let matched = program.search(&mut room, text).ok()?;
    let ours = if matched { room.slots.get(2..).unwrap_or_default().to_vec() } else { vec![] };
    let engine =
        meta::Regex::builder().configure(meta::Config::new().utf8_empty(false)).build_from_hir(&hir).unwrap();
    let mut captures = engine.create_captures();
    engine.captures(text, &mut captures);
    assert_eq!(captures.is_match(), matched, "{pattern} on {:?}", String::from_utf8_lossy(text));
    let group = |n| captures.get_group(n).map_or([UNSET, UNSET], |span| [span.start, span.end]);
    let theirs = if matched { (1..captures.group_len()).flat_map(group).collect() } else { vec![] };
    Some((ours, theirs))
}

/// Engines differ in what a turn means that takes no byte; ours does as Python.
fn may_turn_without_a_byte(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(all) => width(&all.sub, &[]).0 == 0 || may_turn_without_a_byte(&all.sub),
        HirKind::Capture(capture) => may_turn_without_a_byte(&capture.sub),
        HirKind::Concat(pieces) | HirKind::Alternation(pieces) => pieces.iter().any(may_turn_without_a_byte),
        _ => false,
    }
}

#[test]
fn a_failregex_gives_its_groups() {
    let pattern = r"^Failed \S+ for (invalid user )?(.*) from ([0-9.]+)(?: port \d+)?(?: ssh\d)?$";
    let line = b"Failed password for invalid user x from 1.1.1.1 from 192.0.2.7 port 22 ssh2";
    let (ours, theirs) = both(pattern, line).unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(&line[ours[4]..ours[5]], b"192.0.2.7");
}

#[test]
fn a_search_that_runs_away_is_stopped() {
    let program = Program::new(&parse("^(?:a|b|ab)+(?:a|b|ab)+(?:a|b|ab)+c$").unwrap()).unwrap();
    assert_eq!(
        program.search(&mut Room::default(), &[b"ab".repeat(50), b"x".to_vec()].concat()),
        Err(OutOfSteps)
    );
}

/// Regexes of all constructs, small enough to meet each other's borders.
fn regex() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("ab".to_owned()),
        Just("[ab]".to_owned()),
        Just("[^a]".to_owned()),
        Just(".".to_owned()),
        Just("".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just(r"\b".to_owned()),
        Just(r"\B".to_owned()),
        Just("(?m:^)".to_owned()),
        Just("(?m:$)".to_owned()),
        Just("(?s:.)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|pieces| pieces.concat()),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|pieces| format!("(?:{})", pieces.join("|"))),
            inner.clone().prop_map(|one| format!("({one})")),
            (inner, prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?"]))
                .prop_map(|(one, times)| format!("(?:{one}){times}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn both_engines_agree(pattern in regex(), text in "[abc \n]{0,12}") {
        if let Some((ours, theirs)) = both(&pattern, text.as_bytes()) {
            prop_assert_eq!(ours, theirs, "{} on {:?}", pattern, text);
        }
    }

    /// It answers when ours is out of steps.
    #[test]
    fn the_linear_engine_agrees_on_whether_there_is_a_match(case in cases(true)) {
        let parsed = parser::parse(&case.pattern, case.multiline).unwrap();
        prop_assert!(parsed.linear);
        let ours = Program::new(&parsed.hir).unwrap().search(&mut Room::default(), case.text.as_bytes());
        let engine = meta::Regex::builder()
            .configure(meta::Config::new().utf8_empty(false))
            .build_from_hir(&parsed.hir)
            .unwrap();
        if let Ok(ours) = ours {
            prop_assert_eq!(ours, engine.is_match(&case.text));
        }
    }
}
