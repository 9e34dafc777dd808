//! How events are read: the twin of the crate `filter`, which is about lines of logs.
//!
//! A [`Rule`] is a file: event patterns in EventBridge's language, the key that a match counts against, the jail or the
//! target that it leads to, and events that it must and must not match. A [`RuleBook`] holds many and reads events in both
//! forms in which AWS has them: as EventBridge delivers them, and as CloudTrail's records lie in files. What comes out is
//! [`Found`], and from it a [`Match`](stockade_core::Match), which goes the same way as that of an ssh log. No I/O, no clock.
//!
//! ```
//! use std::sync::Arc;
//! use stockade_core::Timestamp;
//! use stockade_rule::{Event, Rule, RuleBook, Scratch};
//!
//! let rule = Rule::parse("rule.d/console-failures.toml", r#"
//!     description = "Somebody fails to sign in to the console, by address"
//!     severity = "medium"             # info | low | medium | high | critical
//!     target = "ban"                  # ban | notify (the default) | repair
//!     playbook = "P21"                # what of the catalogue of repairs it triggers
//!     failed_calls = true             # events with an `errorCode` may match as well
//!     key = { address = "detail.sourceIPAddress" }   # address | user | principal | resource
//!
//!     [jail]                          # without it one match is enough
//!     maxretry = 5
//!     findtime = "5m"
//!     bantime = "1h"
//!
//!     [[pattern]]                     # or `event = { … }`, the same as a table
//!     json = """{
//!         "source": ["aws.signin"],
//!         "detail": {"eventName": ["ConsoleLogin"], "responseElements": {"ConsoleLogin": ["Failure"]}}
//!     }"""
//!
//!     [[test]]
//!     record = """{
//!         "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn",
//!         "responseElements": {"ConsoleLogin": "Failure"}, "sourceIPAddress": "203.0.113.7"
//!     }"""
//!     matches = true
//!     keys = ["203.0.113.7"]
//! "#).map_err(|problems| problems[0].clone())?;
//! assert!(rule.run_tests().iter().all(|test| test.failure.is_none()));
//!
//! let stream = "queue".into();
//! let event = br#"{"id": "e1", "source": "aws.signin", "time": "2026-11-22T10:15:04Z", "detail":
//!     {"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}, "sourceIPAddress": "198.51.100.9"}}"#;
//! let book = RuleBook::new(vec![Arc::new(rule)]);
//! let mut matches = Vec::new();
//! book.read(Event::Envelope(event), Timestamp::from_secs(0), &mut Scratch::new(), &mut |found| {
//!     matches.push(found.to_match(&stream));
//! })?;
//! assert_eq!((&*matches[0].jail, matches[0].key.to_string()), ("console-failures", "198.51.100.9".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The key decisions
//!
//! **A call that failed is no attack that succeeded.** A pattern that can match CloudTrail's events asks for the absence of
//! `detail.errorCode`, unless it speaks of that itself or the rule says `failed_calls = true`. The condition is part of the
//! pattern, so it holds in EventBridge as well ([`export`]).
//!
//! **A record is matched before it is put into an envelope.** What the patterns ask of `detail` is a set of its own
//! ([`Pattern::below`](stockade_pattern::Pattern::below)), which splits and matches the records of a file in one pass
//! ([`RuleBook::read_first`]). Only the few that are left get the envelope that EventBridge would give them, and the whole
//! patterns decide. So one rule serves both, and both give the same findings.
//!
//! **An event has one identity by whatever way it comes**: CloudTrail's `eventID`; what GuardDuty and Config say of a finding
//! and a judgement; the envelope's `id`; or what its bytes are. It makes the match's id, so what is delivered twice, or lies
//! in the files of two trails, counts once. `once_per` makes one match of a whole session.
//!
//! **A key is what it says it is.** An address is an address or no key: `AWS Internal` is nobody. A name never becomes an
//! address, whatever somebody calls himself, and two long names that begin alike stay two. A match about a resource or a
//! principal that the event does not name counts against the account: it is not lost.
//!
//! # What is hostile
//!
//! Events are. They are never parsed into a tree; what is read of them is what rules name, and every bound has a name in
//! [`limits`] or in [`stockade_pattern::limits`]. A pattern whose fields might lie in different elements of an array that is
//! too large to tell counts as matched and is told ([`Found::undecided`]). An event that matches nothing costs no allocation.
//! Files of rules come from people: all that is wrong with one is told at once, with line and column ([`RuleProblem`]).
#![forbid(unsafe_code)]

mod book;
mod event;
mod explain;
pub mod export;
mod found;
mod identity;
mod key;
mod known;
pub mod limits;
mod parse;
mod problem;
mod rule;
mod test_run;
mod text;
mod times;

pub use book::{RuleBook, Scratch};
pub use event::Event;
pub use explain::{PatternExplanation, RuleExplanation};
pub use found::Found;
pub use problem::{Place, RuleProblem, RuleProblemKind};
pub use rule::{KeyKind, KeySpec, Rule, RuleJail, RulePattern, RuleTest, TestEvent};
/// How bad it is when a rule matches.
pub use stockade_core::Severity;
pub use test_run::TestOutcome;
