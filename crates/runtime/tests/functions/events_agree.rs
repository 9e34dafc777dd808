//! The same events give the same notices and bans in `step` over all of them, which is a replay, and in functions,
//! however they are cut into batches and however often they are delivered.

use std::num::NonZeroU32;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use stockade_core::{Jail, Jails, States, Timestamp, Verdict, step};
use stockade_rule::{Event, Rule, RuleBook, Scratch};
use stockade_runtime::functions::Role;

use super::events::{EACH, SOME, event, invoke, message, sqs};
use super::world::{NOW, World};

const NO_LOGS: &str = "[sshd]\nenabled = false\n[recidive]\nenabled = false\n";

/// What was told: of whom, and when it happened.
type Told = Vec<(String, String, Timestamp)>;

fn rules(maxretry: u32) -> [(&'static str, String); 2] {
    [("each", EACH.to_owned()), ("some", SOME.replace("maxretry = 3", &format!("maxretry = {maxretry}")))]
}

/// All events in their order, the time being that of the newest.
fn by_step(events: &[Value], times: &[i64], maxretry: u32) -> Told {
    let rules: Vec<Arc<Rule>> =
        rules(maxretry).iter().map(|(name, text)| Arc::new(Rule::parse(name, text).unwrap())).collect();
    let jails: Vec<Jail> = rules.iter().map(|rule| rule.to_jail()).collect();
    assert_eq!(jails[1].threshold.maxretry, NonZeroU32::new(maxretry).unwrap());
    let (jails, book) = (Jails::new(jails), RuleBook::new(rules));
    let (mut states, mut scratch, mut told) = (States::new(&jails), Scratch::new(), Told::new());
    let mut seen = std::collections::HashSet::new();
    for (event, secs) in events.iter().zip(times) {
        let now = Timestamp::from_secs(NOW + secs);
        let text = event.to_string();
        let mut matches = Vec::new();
        let mut take = |found: &stockade_rule::Found<'_>| matches.push(found.to_match(&"x".into()));
        book.read(Event::Envelope(text.as_bytes()), now, &mut scratch, &mut take).unwrap();
        matches.retain(|found| seen.insert(found.id));
        for decision in step::step(&jails, &mut states, &matches, now) {
            assert_eq!(decision.verdict, Verdict::Notify);
            told.push((decision.jail.to_string(), decision.key.to_string(), decision.at));
        }
    }
    told.sort();
    told
}

/// The same in batches of a queue; each batch is delivered `times` times.
fn by_functions(events: &[Value], times: &[i64], maxretry: u32, size: usize, deliveries: usize) -> Told {
    let world =
        rules(maxretry).iter().fold(World::with(NO_LOGS, ""), |world, (name, text)| world.rule(name, text));
    let mut functions = [world.function(Role::Events), world.function(Role::Events)];
    for (nth, (part, secs)) in events.chunks(size).zip(times.chunks(size)).enumerate() {
        world.clock.set((NOW + secs.last().unwrap()) * 1000);
        let batch: Vec<Value> = part.iter().map(|event| message("m", &event.to_string())).collect();
        for _ in 0..deliveries {
            let function = &mut functions[nth % 2];
            assert!(invoke(function, &sqs(&batch)).answer.is_ok());
        }
    }
    let told = world.listener.told.lock().unwrap();
    let one = |one: &stockade_core::ports::Notice| {
        let decision = &one.decision;
        (decision.jail.to_string(), decision.key.to_string(), decision.at)
    };
    let mut told: Told = told.iter().map(one).collect();
    told.sort();
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_replay_and_functions_agree(
        steps in prop::collection::vec((0_i64..300, 0_u32..12), 1..40),
        maxretry in 2_u32..5, size in 1_usize..8, deliveries in 1_usize..3,
    ) {
        // Some events come twice, by another road: their times are those of the first.
        let (mut time, mut times, mut events) = (-9_000, Vec::new(), Vec::new());
        let mut first = std::collections::HashMap::new();
        for (nth, (step, again)) in (0_u32..).zip(steps) {
            time += step;
            let id = if again == 0 && nth > 0 { nth - 1 } else { nth };
            let happened = *first.entry(id).or_insert(time);
            events.push(event(id, happened));
            times.push(time);
        }
        let replayed = by_step(&events, &times, maxretry);
        prop_assert_eq!(by_functions(&events, &times, maxretry, size, deliveries), replayed);
    }
}
