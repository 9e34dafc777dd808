//! fail2ban's filter language, at the speed of a literal scan.
//!
//! A [`FilterSpec`] is compiled to a [`Filter`]; the filters that read one stream form a [`FilterSet`]; a [`Scanner`]
//! takes blocks of lines and tells the [`Hit`]s.
//!
//! ```
//! use std::sync::Arc;
//! use stockade_core::Timestamp;
//! use stockade_filter::{Filter, FilterSet, FilterSpec, Lines, Scanner, Undated, date::Zone};
//!
//! let spec = FilterSpec {
//!     name: "door".into(),
//!     failregex: vec![r"^ door: knocked by <F-USER>\w+</F-USER> from <HOST>$".into()],
//!     ..FilterSpec::default()
//! };
//! let filter = Filter::compile(&spec).map_err(|errors| errors[0].clone())?;
//! let (set, _) = FilterSet::new(vec![Arc::new(filter)]);
//! let mut scanner = Scanner::new(Arc::new(set), &Zone::parse("UTC")?, None, Undated::IsNow)?;
//! let bytes = b"2026-11-22 10:00:00 door: knocked by eve from 192.0.2.7\n";
//! let mut hits = Vec::new();
//! scanner.scan(Lines { bytes, offset: 0, times: None }, Timestamp::from_secs(0), |hit| {
//!     hits.push((hit.key.to_string(), hit.time.as_secs()));
//! });
//! assert_eq!(hits, [("192.0.2.7".to_owned(), 1_795_341_600)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The key decision: **most lines are never looked at**. Every failregex demands some literal text, so one scan for
//! all these texts over the whole block finds the few lines worth cutting out; how such a line begins leaves one or two
//! regexes to try, and only those are run. The alternative, every regex on every line, is what makes fail2ban's cost grow
//! with what is configured instead of with what is found.

pub mod conf;
pub mod date;
mod decide;
mod dispatch;
mod explain;
mod fields;
mod filter;
mod groups;
mod multiline;
mod prefix;
mod regex;
mod repeat;
mod scanner;
mod session;
mod set;
mod spec;
mod uncut;

pub use explain::{Explanation, ReadDate, Verdict};
pub use fields::Field;
pub use filter::Filter;
pub use scanner::{Hit, Lines, ScanStats, Scanner, Undated};
pub use set::{FilterSet, MAX_FILTERS};
pub use spec::{FilterError, FilterSpec, Source, UseDns};
