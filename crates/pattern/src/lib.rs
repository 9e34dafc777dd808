//! EventBridge event patterns and SNS filter policies: the complete language, many rules at once, at the speed of parsing.
//!
//! A [`Pattern`] is read from JSON text; what AWS rejects is rejected with AWS's reason and a [`Position`]. A [`RuleSet`]
//! matches any number of patterns against an event in one pass over its bytes. [`Pattern::explain`] tells people which
//! field failed and why. [`Fields`] reads what an event has at given paths, as patterns read it. [`sns`] has filter policies, [`extension`] what Stockade adds: one field compared with another,
//! and JSON inside strings.
//!
//! ```
//! use stockade_pattern::{Pattern, RuleSet, Scratch};
//!
//! let failed_logins = Pattern::parse(r#"{
//!     "source": ["aws.signin"],
//!     "detail": {
//!         "eventName": ["ConsoleLogin"],
//!         "responseElements": {"ConsoleLogin": ["Failure"]},
//!         "sourceIPAddress": [{"anything-but": {"prefix": "10."}}]
//!     }
//! }"#)?;
//! let stopped_trails = Pattern::parse(r#"{"detail": {"eventName": ["StopLogging", "DeleteTrail"], "errorCode": [{"exists": false}]}}"#)?;
//! let set = RuleSet::new([&failed_logins, &stopped_trails]);
//!
//! let mut scratch = Scratch::new(); // one for each thread, for all events
//! let event = br#"{"source": "aws.cloudtrail", "detail": {"eventName": "StopLogging", "requestParameters": {"name": "main"}}}"#;
//! assert_eq!(set.matches(event, &mut scratch)?.ids(), [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The key decisions
//!
//! **An event is never parsed into a tree.** The names that patterns use form a tree of paths; the event is walked along
//! it, and what no pattern names is passed over by bytes. It is still *checked*: malformed JSON anywhere is an error, as
//! AWS has it. Looking for the ends of strings dominates both, so checking costs little more than skipping.
//!
//! **A value is looked up once for all patterns.** Equal texts in a hash table, beginnings and ends by binary search,
//! texts inside wildcards by one Aho-Corasick pass, numbers in a segment tree, networks in a nested table: each lookup
//! costs what it finds. A pattern is only looked at when the rarest thing that it asks for was found, so patterns about
//! other things cost nothing. The alternative, counting for every pattern how many of its fields are satisfied, pays for
//! what all patterns have in common (`detail-type`) on every event.
//!
//! **Array consistency is decided only where it matters**: when two fields of one pattern were met inside arrays of
//! objects, the event is read once more for its leaves and the elements that they lie in.
//!
//! # What is hostile
//!
//! Events are. Nothing recurses, every bound has a name in [`limits`], and what is given up is told
//! ([`Matches::undecided`]). There is no `unsafe` in this crate.
//!
//! # Differences from EventBridge
#![doc = include_str!("../differences.md")]
#![deny(unsafe_code)]

mod address;
pub mod aws;
mod below;
mod case;
mod condition;
mod consistent;
mod display;
mod error;
mod explain;
pub mod extension;
mod fields;
mod inner;
mod json;
mod leaves;
pub mod limits;
mod number;
mod parse;
mod paths;
mod pattern;
mod scan;
mod set;
pub mod sns;
mod swar;
mod table;
mod wildcard;
mod written;

pub use error::{EventError, EventErrorKind, PatternError, PatternErrorKind, Position};
pub use explain::{BranchExplanation, ComparedField, Explanation, FieldExplanation, Verdict};
pub use fields::{Fields, Value, Values};
pub use pattern::{Dialect, Lint, Pattern};
pub use set::{Matches, Part, RuleSet, Scratch};
pub use written::{WrittenCondition, WrittenField};

/// The examples of the README run as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
