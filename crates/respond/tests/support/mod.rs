//! Short words for what the tests are made of.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses a part of it")]

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use stockade_core::ports::{Plan, Protocol, Responder, Scope, Standing};
use stockade_core::{Key, Outcome, Timestamp};

pub mod namespace;

/// The time: some time in 2027, and then on, for the kernel's clock goes on too.
pub fn now() -> Timestamp {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    Timestamp::from_secs(1_800_000_000).plus(STARTED.get_or_init(Instant::now).elapsed())
}

pub fn in_secs(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

pub fn ban(jail: &str, key: &str, until: Timestamp) -> Standing {
    Standing { jail: jail.into(), key: key.parse().unwrap(), until }
}

pub fn unban(jail: &str, key: &str) -> (Arc<str>, Key) {
    (jail.into(), key.parse().unwrap())
}

pub fn tcp(jail: &str, ports: &[(u16, u16)]) -> Scope {
    Scope { jail: jail.into(), ports: ports.to_vec(), protocols: vec![Protocol::Tcp] }
}

pub fn everywhere(jail: &str) -> Scope {
    Scope { jail: jail.into(), ports: vec![], protocols: vec![] }
}

/// Carries out, and expects that all of it is done.
pub fn apply(responder: &mut dyn Responder, add: &[Standing], remove: &[(Arc<str>, Key)]) {
    let plan = Plan { add: add.to_vec(), remove: remove.to_vec() };
    let outcomes = responder.apply(&plan, now()).unwrap();
    assert_eq!(outcomes.len(), add.len() + remove.len());
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Done), "{outcomes:?}");
}

/// What is in force, sorted.
pub fn current(responder: &mut dyn Responder) -> Vec<Standing> {
    let mut current = responder.current(now()).unwrap().unwrap();
    current.sort();
    current
}

/// Jail and key of what is in force, sorted.
pub fn current_keys(responder: &mut dyn Responder) -> Vec<String> {
    current(responder).iter().map(|standing| format!("{} {}", standing.jail, standing.key)).collect()
}
